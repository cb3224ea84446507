"""A ledger in memory: spans and jobs summed row by row, to hold the engine against."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby

import msgspec

from farm.model.job import Job
from farm.model.outcome_count import OutcomeCount
from farm.model.printer import Printer
from farm.model.span import Span
from farm.model.states import CancelledBy, Outcome, PrinterState


class MemoryLedger:
    """What the engine reads, with the promises of the ledger's port."""

    def __init__(
        self, printers: Sequence[Printer], spans: Sequence[Span], jobs: Sequence[Job], booked_until_ms: int
    ) -> None:
        self._printers = {printer.id: printer for printer in printers}
        self.spans = list(spans)
        self.jobs = list(jobs)
        self.booked_until_ms = booked_until_ms
        self.queries = 0

    def printers(self, *, everything: bool = False) -> list[Printer]:
        named = sorted(self._printers.values(), key=lambda printer: printer.name)
        return [printer for printer in named if everything or _stands(printer)]

    def state_totals(
        self, from_ms: int, to_ms: int, printer_ids: Sequence[str] | None = None
    ) -> Mapping[str, Mapping[PrinterState, int]]:
        self.queries += 1
        totals: dict[str, Counter[PrinterState]] = {}
        for span in self._closed_spans(to_ms):
            assert span.to_ms is not None
            inside = min(span.to_ms, to_ms) - max(span.from_ms, from_ms)
            if inside > 0 and self._asked(span.printer_id, printer_ids):
                totals.setdefault(span.printer_id, Counter())[span.state] += inside
        return totals

    def outcome_counts(
        self, from_ms: int, to_ms: int, printer_ids: Sequence[str] | None = None
    ) -> list[OutcomeCount]:
        self.queries += 1
        ended = [
            job
            for job in self.jobs
            if job.ended_ms is not None
            and from_ms <= job.ended_ms < to_ms
            and self._asked(job.printer_id, printer_ids)
        ]
        return [_count(*key, list(jobs)) for key, jobs in groupby(sorted(ended, key=_kind), key=_kind)]

    def _closed_spans(self, to_ms: int) -> list[Span]:
        closed = []
        for span in self.spans:
            if span.to_ms is not None:
                closed.append(span)
                continue
            until = max(span.from_ms, self.booked_until_ms)
            closed.append(msgspec.structs.replace(span, to_ms=until))
            closed.append(Span(span.printer_id, PrinterState.UNKNOWN, until, max(until, to_ms), "silence"))
        return closed

    def _asked(self, printer_id: str, printer_ids: Sequence[str] | None) -> bool:
        return _stands(self._printers[printer_id]) if printer_ids is None else printer_id in printer_ids


def _stands(printer: Printer) -> bool:
    return printer.retired_ms is None and not printer.ignored


def _kind(job: Job) -> tuple[str, Outcome, CancelledBy | str]:
    assert job.outcome is not None
    return job.printer_id, job.outcome, job.cancelled_by or ""


def _count(printer_id: str, outcome: Outcome, by: CancelledBy | str, jobs: list[Job]) -> OutcomeCount:
    return OutcomeCount(
        printer_id=printer_id,
        outcome=outcome,
        cancelled_by=CancelledBy(by) if by else None,
        jobs=len(jobs),
        units=sum(job.units for job in jobs),
        printing_ms=sum(job.printing_ms for job in jobs),
    )
