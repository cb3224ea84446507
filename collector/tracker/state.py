"""Where the tracker stands with a printer, and what a step changes in the books."""

from typing import Final

import msgspec

from farm.model.feed import FeedEntry
from farm.model.job import Job
from farm.model.observation import HistoryRow, Link
from farm.model.operator_input import CorrectJob, DescribeJob, PrinterService
from farm.model.span import Span
from farm.model.states import Cause, PrinterState, StateReason

GONE: Final = "link"
"""The source of a span that is offline, or out of sight, since the link is told to be gone or new."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The job under way and what is known beside its row.

    `opened_ms` is when we first heard of it, `accounted_ms` until when its hours are booked,
    `gap_from_ms` since when nothing is known of it, `settling_ms` since when the printer rests
    without having told the end. `firmware_error` says that `cause` and `detail` are of an error that
    the firmware told while it printed. `row` is the history's account of its end, where that came
    before anything else showed it. `teller` is the address that opened it, where the printer has
    several.
    """

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
    firmware_error: bool = False
    row: HistoryRow | None = None
    teller: str = ""


class OutOfService(msgspec.Struct, frozen=True):
    """A person has the printer out of service since `since_ms`, for maintenance or engineering."""

    word: PrinterService
    since_ms: int


class JobWords(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What persons said of one job. It lies over what machines tell, which is kept beneath."""

    job_id: str
    correction: CorrectJob | None = None
    described: DescribeJob | None = None
    note: str | None = None


class Doubt(msgspec.Struct, frozen=True):
    """Messages from `from_ms` to `until_ms` may be missing, and nothing has yet confirmed what stood before.

    `source` is the word of the span that it becomes where it turns out to be a gap.
    """

    from_ms: int
    until_ms: int
    source: str


class CutOff(msgspec.Struct, frozen=True):
    """From `from_ms` to `to_ms` the printer was booked as offline, since its line was told to be gone."""

    from_ms: int
    to_ms: int


class TrackerState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the tracker stands with one printer, by what machines told; `service` and `words`
    are what persons said, and lie over it.

    `bed_cleared` holds from a person's word until the next job begins. `closed` is true
    while the printer may still speak of a job that a person ended. Where the printer has several
    addresses, `last_teller` is the one that opened `last_job` and `state_teller` the one that told
    the state. `reason` is what machines told of the pause under way, `waiting` what a person said
    that the printer waits for until it works again. `cut_offs` are the last times that its line was gone.
    """

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
    service: OutOfService | None = None
    words: tuple[JobWords, ...] = ()
    bed_cleared: bool = False
    closed: bool = False
    last_teller: str = ""
    state_teller: str = ""
    doubt: Doubt | None = None
    reason: StateReason | None = None
    waiting: StateReason | None = None
    cut_offs: tuple[CutOff, ...] = ()


class LedgerChanges(msgspec.Struct):
    """What is to be booked: spans and jobs by their keys, and the feed in order.

    `answer` says why a person's word could not be followed, None where it was.
    """

    spans: dict[int, Span]
    jobs: dict[str, Job]
    feed: list[FeedEntry]
    aliases: dict[tuple[str, str], str]
    answer: str | None = None

    @staticmethod
    def empty() -> "LedgerChanges":
        """Nothing to book."""
        return LedgerChanges({}, {}, [], {})


def first_sight(printer_id: str, at_ms: int) -> tuple[TrackerState, LedgerChanges]:
    """The tracker of a printer first heard of at `at_ms`, in state unknown."""
    changes = LedgerChanges.empty()
    changes.spans[at_ms] = Span(printer_id, PrinterState.UNKNOWN, at_ms, None, "silence")
    return TrackerState(printer_id=printer_id, since_ms=at_ms, first_seen_ms=at_ms, at_ms=at_ms), changes


def span_of(
    printer_id: str,
    state: PrinterState,
    since_ms: int,
    source: str,
    service: OutOfService | None,
    reason: StateReason | None = None,
) -> Span:
    """The span that is open: what machines told, or a person's service over it."""
    if service is None:
        return Span(printer_id, state, since_ms, None, source, reason)
    reason = StateReason.ENGINEERING if service.word is PrinterService.ENGINEERING else None
    return Span(printer_id, PrinterState.MAINTENANCE, service.since_ms, None, "person", reason)


def reason_of(
    state: PrinterState, told: StateReason | None, waiting: StateReason | None
) -> StateReason | None:
    """Why the printer rests: what a person says that it waits for, else what machines told of its pause."""
    if state is PrinterState.PAUSED:
        return waiting or told
    return waiting if state is PrinterState.IDLE else None


def open_span(tracker: TrackerState) -> Span:
    """The span of the account that is open now."""
    reason = reason_of(tracker.state, tracker.reason, tracker.waiting)
    return span_of(
        tracker.printer_id, tracker.state, tracker.since_ms, tracker.source, tracker.service, reason
    )
