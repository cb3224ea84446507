"""Where the hours of a printer truly went, in pieces of one state, open or closed, at work or not."""

import itertools
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

from farm.model.printer import Printer
from farm.model.span import Span
from farm.model.states import UNSEEN_STATES, PrinterState
from simulators.protocols import step_ms
from simulators.recount.shop_time import Stretches, work_on
from simulators.recount.true_repairs import Piece, repairs_in, true_repairs
from simulators.truth import LOST, PrinterTruth, SpanTruth, Truth

BUSY = (PrinterState.PREPARING, PrinterState.PRINTING)
_ANYTHING = (*BUSY, PrinterState.UNKNOWN)
"""States that stay what they are while work is planned."""
_RESET_MS = 10_000
"""A printer that is put right is at work again, and says so, before it is truly ready."""


class TrueTime:
    """The hours of one printer, from its first sight on."""

    def __init__(
        self,
        truth: Truth,
        printer: PrinterTruth,
        known: Printer,
        opened: Stretches,
        told: Sequence[Span],
    ) -> None:
        """The shop is open while `opened`; `told` are the printer's spans as the ledger has them."""
        header = truth.header
        self._step_ms = step_ms(printer.protocol)
        self._gaps = Stretches((gap.from_ms, gap.to_ms) for gap in truth.gaps if gap.printer == printer.name)
        self.from_ms = max(header.from_ms, known.first_seen_ms)
        worked_on = work_on(truth.maintenance, printer.name, printer.group)
        spans = [span for span in truth.spans if span.printer == printer.name and span.to_ms > self.from_ms]
        self._changes = [span.from_ms for span in spans]
        lost = Stretches(
            (gap.from_ms - 2 * self._step_ms, gap.to_ms)
            for gap in truth.gaps
            if gap.printer == printer.name and gap.why == LOST
        )
        self._untold = Stretches((span.from_ms, span.to_ms) for span in spans if span.from_ms in lost)
        self._errors = [span.to_ms for span in spans if span.state is PrinterState.ERROR]
        self._pieces = [piece for span in spans for piece in _cut(span, self.from_ms, opened, worked_on)]
        self._ends = [piece.to_ms for piece in self._pieces]
        booked = [
            piece for span in map(_as_truth, told) for piece in _cut(span, self.from_ms, opened, worked_on)
        ]
        unheard = _unheard(truth, printer.name, _first_told_ms(told, self.from_ms))
        self.repairs = true_repairs(repairs_in(self._pieces), repairs_in(booked), unheard, self._step_ms)

    def spent(self, from_ms: int, to_ms: int) -> Counter[tuple[PrinterState, bool]]:
        """Milliseconds of the window by state, and by whether the shop was open."""
        found: Counter[tuple[PrinterState, bool]] = Counter()
        for piece in self._pieces[bisect_left(self._ends, from_ms) :]:
            if piece.from_ms >= to_ms:
                break
            found[piece.state, piece.is_open] += max(0, min(piece.to_ms, to_ms) - max(piece.from_ms, from_ms))
        return found

    def exact_ms(self, from_ms: int, to_ms: int) -> int:
        """How exactly anybody could be told of these hours (ms).

        A step of the protocol for each change of state, whatever passed while nothing of the printer
        reached the broker, and the state of which the very message was lost that told of it.
        """
        changes = _between(self._changes, from_ms, to_ms) + 2
        resets = _between(self._errors, from_ms, to_ms + _RESET_MS)
        unheard_ms = self._gaps.within(from_ms, to_ms) + self._untold.within(from_ms, to_ms)
        return changes * self._step_ms + resets * _RESET_MS + unheard_ms


def _first_told_ms(told: Sequence[Span], seen_ms: int) -> int:
    """When it was first told how the printer stood, which was first seen at `seen_ms`."""
    return next((span.from_ms for span in told if span.state not in UNSEEN_STATES), seen_ms)


def _unheard(truth: Truth, printer: str, first_told_ms: int) -> Stretches:
    """When nothing was told of the printer. What came last before it was away may be as old as a report."""
    away = [
        (gap.from_ms - (0 if gap.why == LOST else truth.header.report_ms), gap.to_ms)
        for gap in truth.gaps
        if gap.printer == printer
    ]
    return Stretches([(truth.header.from_ms, first_told_ms), *away])


def _as_truth(span: Span) -> SpanTruth:
    """What the ledger says, in the words of the truth."""
    return SpanTruth(span.printer_id, span.state, span.from_ms, span.to_ms or span.from_ms)


def _between(instants: Sequence[int], from_ms: int, to_ms: int) -> int:
    return bisect_left(instants, to_ms) - bisect_left(instants, from_ms)


def _cut(span: SpanTruth, from_ms: int, opened: Stretches, worked_on: Stretches) -> list[Piece]:
    """A span in pieces. A printer under planned work is in maintenance, unless it prints all the same.

    No printer tells of a service, so one that nobody entered is a time in which it waits.
    """
    own = PrinterState.IDLE if span.state is PrinterState.MAINTENANCE else span.state
    begin = max(span.from_ms, from_ms)
    edges = {*opened.edges_between(begin, span.to_ms), *worked_on.edges_between(begin, span.to_ms)}
    cuts = [begin, *sorted(edges), span.to_ms]
    return [
        Piece(
            start,
            end,
            PrinterState.MAINTENANCE if start in worked_on and own not in _ANYTHING else own,
            start in opened,
        )
        for start, end in itertools.pairwise(cuts)
    ]
