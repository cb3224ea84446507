"""Last wills that waited in a queue: when a link went is told by what stands behind its will.

A will has no time of its own. That it is true by now is certain when the queue is drained, or the link
stands anew. By then some message with a time, which the broker queued behind it, tells earlier than that
when it was gone; but some brokers hand a queue over filter by filter, and there what comes behind the
will may be older. Where the printer's own words come behind its will too, the queue's end stands.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from collector.intake.ledger_writer import LedgerWriter
from collector.printers.tracked import TrackedPrinter
from collector.tracker import LinkGone, awaits_gone_link
from farm.model.observation import Link, Observation


@dataclass(slots=True)
class _Will:
    """`at_ms` is the earliest time at which the link went; by `by_ms` it was gone, as the queue stands."""

    printer: TrackedPrinter
    at_ms: int
    by_ms: int | None = None


class GoneLinks:
    """The printers of which an undated will is known, and not yet when their link was gone at the latest."""

    def __init__(self, writer: LedgerWriter) -> None:
        self._writer = writer
        self._wills: dict[str, _Will] = {}

    def __bool__(self) -> bool:
        return bool(self._wills)

    def told(self, printer: TrackedPrinter) -> None:
        """The printer was given an input, or restored: see whether it tells of a link that went."""
        if awaits_gone_link(printer.tracker):
            self._wills.setdefault(printer.id, _Will(printer, printer.tracker.at_ms))
        else:
            self._wills.pop(printer.id, None)

    def hear(
        self,
        printer: TrackedPrinter,
        at_ms: int,
        received_ms: int,
        told: tuple[Observation, ...],
        *,
        timed: bool,
    ) -> None:
        """A message of the printer came behind the wills; `timed` where `at_ms` is more than its place."""
        own = self._wills.get(printer.id)
        if own is not None:
            links = {seen.link for seen in told}
            is_anew = Link.ONLINE in links
            if is_anew and own.by_ms is not None:
                self._settle(own, at_ms, received_ms)
            if is_anew or (Link.OFFLINE not in links and at_ms > own.at_ms):
                del self._wills[printer.id]
        if timed:
            for will in self._wills.values():
                if will.by_ms is None and will is not own and at_ms >= will.at_ms:
                    will.by_ms = at_ms

    def caught_up(self, printers: Iterable[TrackedPrinter], now_ms: int) -> None:
        """Nothing more waits: the links of these printers that are not said to stand anew are gone."""
        for printer in printers:
            if awaits_gone_link(printer.tracker):
                self._settle(self._wills.get(printer.id) or _Will(printer, now_ms, now_ms), now_ms, now_ms)
        self._wills.clear()

    def _settle(self, will: _Will, until_ms: int, received_ms: int) -> None:
        """Tell the tracker that the link was gone by then, if that was before `until_ms`."""
        printer = will.printer
        at = max(until_ms if will.by_ms is None else will.by_ms, printer.tracker.at_ms)
        if at <= until_ms:
            self._writer.advance(printer, at, received_ms, LinkGone())
