"""Where the tracker stands with a printer, and what a step changes in the books."""

import msgspec

from farm.model.feed import FeedEntry
from farm.model.job import Job
from farm.model.observation import Link
from farm.model.span import Span
from farm.model.states import Cause, PrinterState


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """The job under way and what is known beside its row."""

    job: Job
    from_start_signal: bool = False
    opened_ms: int
    accounted_ms: int
    gap_from_ms: int | None = None
    settling_ms: int | None = None
    settling_error: bool = False
    read_through_ms: int | None = None
    cause: Cause | None = None
    detail: str | None = None


class TrackerState(msgspec.Struct, frozen=True, kw_only=True):
    """Where the tracker stands with one printer."""

    printer_id: str
    state: PrinterState = PrinterState.UNKNOWN
    since_ms: int
    source: str = "silence"
    link: Link | None = None
    before_silence: PrinterState | None = None
    first_seen_ms: int
    at_ms: int
    attempt: Attempt | None = None
    last_job: Job | None = None
    aliases: tuple[tuple[str, str, str], ...] = ()
    recent: tuple[tuple[int, int], ...] = ()


class LedgerChanges(msgspec.Struct):
    """What is to be booked: spans and jobs by their keys, and the feed in order."""

    spans: dict[int, Span]
    jobs: dict[str, Job]
    feed: list[FeedEntry]
    aliases: dict[tuple[str, str], str]

    @staticmethod
    def empty() -> "LedgerChanges":
        """Nothing to book."""
        return LedgerChanges({}, {}, [], {})


def first_sight(printer_id: str, at_ms: int) -> tuple[TrackerState, LedgerChanges]:
    """The tracker of a printer first heard of at `at_ms`, in state unknown."""
    booking = LedgerChanges.empty()
    booking.spans[at_ms] = Span(printer_id, PrinterState.UNKNOWN, at_ms, None, "silence")
    return TrackerState(printer_id=printer_id, since_ms=at_ms, first_seen_ms=at_ms, at_ms=at_ms), booking
