"""What the ledger holds of each subject, summed by the ledger segment by segment."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from farm.kpi.account import TimeAccount, add_up, book, life_within
from farm.kpi.outcomes import OutcomeTally, add_tallies, tally
from farm.kpi.segments import Segment
from farm.kpi.subjects import Subject
from farm.kpi.windows import Window
from farm.model.outcome_count import OutcomeCount
from farm.model.printer import Printer
from farm.model.states import PrinterState


class SumsReader(Protocol):
    """The part of `LedgerReader` that figures are made from, with the same promises."""

    def printers(self, *, everything: bool = False) -> list[Printer]:
        """The printers, by name; with `everything` also retired and ignored ones."""

    def state_totals(
        self, from_ms: int, to_ms: int, printer_ids: Sequence[str] | None = None
    ) -> Mapping[str, Mapping[PrinterState, int]]:
        """Milliseconds per printer and state in the interval."""

    def outcome_counts(
        self, from_ms: int, to_ms: int, printer_ids: Sequence[str] | None = None
    ) -> list[OutcomeCount]:
        """Jobs that ended in the interval (half open), counted."""


class _SegmentSums(msgspec.Struct, frozen=True):
    """One segment of one subject."""

    account: TimeAccount
    outcomes: OutcomeTally


class SubjectSums:
    """The sums of all subjects over all segments, read once and added up window by window."""

    def __init__(
        self,
        reader: SumsReader,
        segments: Sequence[Segment],
        subjects: Sequence[Subject],
        *,
        all_current: bool,
    ) -> None:
        """`all_current` says that the subjects hold every printer that is not retired or ignored."""
        self._reader = reader
        self._starts = [segment.from_ms for segment in segments]
        self._all_current = all_current
        self._by_segment = [self._read(segment, subjects) for segment in segments]

    def account(self, window: Window, subject: Subject) -> TimeAccount:
        """Where the subject's hours of the window went."""
        return add_up(part.account for part in self._within(window, subject))

    def outcomes(self, window: Window, subject: Subject) -> OutcomeTally:
        """How the subject's jobs of the window ended."""
        return add_tallies(part.outcomes for part in self._within(window, subject))

    def _within(self, window: Window, subject: Subject) -> list[_SegmentSums]:
        first = bisect_left(self._starts, window.from_ms)
        after = bisect_left(self._starts, window.to_ms)
        return [sums[subject.id] for sums in self._by_segment[first:after]]

    def _read(self, segment: Segment, subjects: Sequence[Subject]) -> dict[str, _SegmentSums]:
        serving = [
            printer
            for subject in subjects
            for printer in subject.printers
            if printer.retired_ms is None or printer.retired_ms > segment.from_ms
        ]
        totals, counts = self._sums(segment, serving) if serving else ({}, {})
        return {
            subject.id: _SegmentSums(
                add_up(self._account(printer, segment, totals) for printer in subject.printers),
                tally(count for printer in subject.printers for count in counts.get(printer.id, ())),
            )
            for subject in subjects
        }

    def _sums(
        self, segment: Segment, serving: Sequence[Printer]
    ) -> tuple[Mapping[str, Mapping[PrinterState, int]], Mapping[str, list[OutcomeCount]]]:
        ids = [printer.id for printer in serving]
        everybody = self._all_current and all(printer.retired_ms is None for printer in serving)
        asked = None if everybody else ids
        totals = self._reader.state_totals(segment.from_ms, segment.to_ms, asked)
        counts: defaultdict[str, list[OutcomeCount]] = defaultdict(list)
        for count in self._reader.outcome_counts(segment.from_ms, segment.to_ms, asked):
            counts[count.printer_id].append(count)
        return totals, counts

    def _account(
        self, printer: Printer, segment: Segment, totals: Mapping[str, Mapping[PrinterState, int]]
    ) -> TimeAccount:
        life = life_within(printer, segment.from_ms, segment.to_ms)
        if life is None:
            return book({}, 0)
        booked, life_ms = totals.get(printer.id, {}), life.to_ms - life.from_ms
        if sum(booked.values()) > life_ms:
            # Something is booked beyond the ends of the printer's life; only its life counts.
            booked = self._reader.state_totals(life.from_ms, life.to_ms, [printer.id]).get(printer.id, {})
        return book(booked, life_ms, closed=segment.closed)
