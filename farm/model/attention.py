"""What on a farm needs a look or a hand, most urgent first: one list for API, page and terminal."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

import msgspec

from farm.model.clash import clash_remedy
from farm.model.job import Job
from farm.model.printer_status import PrinterStatus
from farm.model.states import Outcome, PrinterState
from farm.model.times import HOUR_MS, MINUTE_MS

LONG_UNKNOWN_MS = 15 * MINUTE_MS
"""A printer without a job whose state is not known for so long is to be looked at."""
NO_PROGRESS_MS = 2 * HOUR_MS
"""A print of four days moves by a percent in an hour."""
LONG_PREPARING_MS = HOUR_MS
LONG_AT_REST_MS = 10 * MINUTE_MS
"""A job that is open for so long while its printer rests hangs."""
WORDS_OF_THE_END_MS = MINUTE_MS
"""A job's last words belong to the error in which its printer stands when they came so near to it."""


class NeedKind(StrEnum):
    """Why something needs a look, the most urgent first."""

    ERROR = "error"
    FAULT_PAUSE = "fault_pause"
    OFFLINE_IN_PRINT = "offline_in_print"
    UNKNOWN_IN_PRINT = "unknown_in_print"
    HANGING_JOB = "hanging_job"
    TWO_PUBLISHERS = "two_publishers"
    STALE_COLLECTOR = "stale_collector"
    REFUSED_CLIENT = "refused_client"
    BED_TO_CLEAR = "bed_to_clear"
    PAUSED = "paused"
    OFFLINE = "offline"
    UNKNOWN = "unknown"
    DROPPED_MESSAGES = "dropped_messages"


_RANKS = {kind: rank for rank, kind in enumerate(NeedKind)}


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that needs a look: `task` says what to do, `words` what was told, the printer's own
    where it told any. `since_ms` is None where it is not known.
    """

    kind: NeedKind
    task: str
    printer_id: str | None = None
    printer: str | None = None
    since_ms: int | None = None
    words: str | None = None

    @property
    def rank(self) -> int:
        """How urgent it is: 0 is most urgent."""
        return _RANKS[self.kind]


class Attention(msgspec.Struct, frozen=True):
    """The needs in their order. `is_quiet` holds where there are none, and no printer that is not known."""

    needs: tuple[Need, ...]
    is_quiet: bool


def attention(
    statuses: Sequence[PrinterStatus],
    last_jobs: Mapping[str, Job],
    now_ms: int,
    stale_ms: int,
    others: Iterable[Need] = (),
) -> Attention:
    """What needs a look at `now_ms`.

    `last_jobs` are the jobs that ended last, by printer: an error is told in their words. A collector
    that booked nothing for `stale_ms` knows of no printer how it stands. `others` are needs of the farm
    itself, which are put into their places.
    """
    found = [need for status in statuses for need in _needs(status, last_jobs, now_ms, stale_ms)]
    needs = sorted([*found, *others], key=lambda need: (need.rank, need.since_ms or 0, need.printer or ""))
    known = all(
        status.state is not PrinterState.UNKNOWN and now_ms - status.known_until_ms <= stale_ms
        for status in statuses
    )
    return Attention(tuple(needs), bool(statuses) and known and not needs)


def _needs(status: PrinterStatus, last_jobs: Mapping[str, Job], now_ms: int, stale_ms: int) -> Iterable[Need]:
    printer = status.printer
    if now_ms - status.known_until_ms > stale_ms:
        task = "See why its collector books nothing"
        yield _need(status, NeedKind.STALE_COLLECTOR, task, since_ms=status.known_until_ms)
        return
    if status.clash is not None and status.clash.stands(now_ms):
        words = f"{status.clash.words}; {clash_remedy(printer.adapter)}"
        task = "Part two printers that publish as one"
        yield _need(status, NeedKind.TWO_PUBLISHERS, task, words, since_ms=status.clash.since_ms)
    kind_and_task = _of_state(status, now_ms)
    if kind_and_task is not None:
        kind, task = kind_and_task
        since_ms = status.progress_ms if kind is NeedKind.HANGING_JOB else status.since_ms
        yield _need(
            status, kind, task, _words(status, kind, last_jobs.get(printer.id)),
            since_ms=status.since_ms if since_ms is None else since_ms,
        )  # fmt: skip


def _need(
    status: PrinterStatus, kind: NeedKind, task: str, words: str | None = None, *, since_ms: int
) -> Need:
    printer = status.printer
    return Need(
        kind=kind, task=task, printer_id=printer.id, printer=printer.name, since_ms=since_ms, words=words
    )


def _of_state(status: PrinterStatus, now_ms: int) -> tuple[NeedKind, str] | None:
    """What the state asks for, None where it asks for nothing."""
    job = _open_job(status)
    lasted_ms = now_ms - status.since_ms
    match status.state:
        case PrinterState.ERROR:
            return NeedKind.ERROR, "Look after the printer"
        case PrinterState.PAUSED if job is not None and job.detail:
            return NeedKind.FAULT_PAUSE, "See to the fault, then resume"
        case PrinterState.OFFLINE if job is not None:
            return NeedKind.OFFLINE_IN_PRINT, "Lost in mid-print: check power and network"
        case PrinterState.UNKNOWN if job is not None:
            return NeedKind.UNKNOWN_IN_PRINT, "See how its print stands: nothing is heard of it"
        case PrinterState.FINISHED:
            return NeedKind.BED_TO_CLEAR, "Clear the bed"
        case PrinterState.PAUSED:
            return NeedKind.PAUSED, "Waiting to be resumed"
        case PrinterState.OFFLINE:
            return NeedKind.OFFLINE, "Check power and network"
        case PrinterState.UNKNOWN if lasted_ms > LONG_UNKNOWN_MS:
            return NeedKind.UNKNOWN, "See how it stands: check its connection"
    return _of_job(status, job, now_ms)


def _of_job(status: PrinterStatus, job: Job | None, now_ms: int) -> tuple[NeedKind, str] | None:
    """Whether the job under way hangs."""
    if job is None:
        return None
    lasted_ms = now_ms - status.since_ms
    match status.state:
        case PrinterState.PREPARING:
            if lasted_ms > LONG_PREPARING_MS:
                return NeedKind.HANGING_JOB, "See why it prints nothing: it is preparing for long"
        case PrinterState.PRINTING if status.progress_ms is not None:
            if now_ms - max(status.progress_ms, status.since_ms) > NO_PROGRESS_MS:
                return NeedKind.HANGING_JOB, "See whether it still prints: its progress stands"
        case PrinterState.IDLE:
            if lasted_ms > LONG_AT_REST_MS:
                return NeedKind.HANGING_JOB, "Say how its job ended: the printer rests, the job is open"
    return None


def _open_job(status: PrinterStatus) -> Job | None:
    return status.job if status.job is not None and status.job.outcome is None else None


def _words(status: PrinterStatus, kind: NeedKind, last: Job | None) -> str | None:
    """The printer's own words on it."""
    job = _open_job(status)
    if job is not None and job.detail:
        return job.detail
    if kind is NeedKind.ERROR and last is not None and last.outcome is Outcome.FAILED:
        near = abs((last.ended_ms or 0) - status.since_ms) <= WORDS_OF_THE_END_MS
        return last.detail if near else None
    return None if job is None else job.file
