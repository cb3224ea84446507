"""How an attempt begins, what is learnt of it, how it ends, and how its row is put right later.

No two jobs of a printer overlap, since every start and every end passes through here: a start
never lies before the end of the job before it, an end never after the start of the job behind it
nor before the hours that are booked for the job.
"""

import msgspec

from collector.tracker.limits import SAME_START_MS
from collector.tracker.outcome import Ruling, decide, told_by_history, told_by_nobody
from collector.tracker.spans import account, certain_until
from collector.tracker.state import Attempt
from collector.tracker.transition import Transition
from farm.model.feed import FeedKind
from farm.model.job import Job, job_id
from farm.model.observation import HistoryRow, JobReading, JobSignal, Observation
from farm.model.states import Confidence, Outcome, PrinterState, Provenance

KNOWN_REST = frozenset({PrinterState.IDLE, PrinterState.FINISHED, PrinterState.ERROR})
_KNOWN_BY = frozenset({"observed", "person"})
_FACTS = ("progress", "filament_mm", "filament_g", "resin_ml", "material", "operator", "spool", "units")


def start(step: Transition, seen: Observation, reading: JobReading) -> Attempt:
    """Open an attempt at its first evidence, which also fixes its id."""
    attempt = _opened(step, seen, reading)
    step.bed_cleared = step.closed = False
    step.attempt = attempt
    learn(step, reading)
    step.tell_job(FeedKind.JOB_STARTED, step.attempt.job, step.at)
    return step.attempt


def start_unseen(step: Transition, seen: Observation, reading: JobReading) -> None:
    """An end without a start that we know of: the attempt was there all the same."""
    attempt = start(step, seen, reading)
    measured = reading.elapsed_ms if reading.elapsed_ms is not None else reading.printing_ms
    began = None if measured is None else not_before_the_last(step, step.at - measured)
    job = msgspec.structs.replace(attempt.job, started_ms=began, start_provenance=Provenance.INFERRED)
    step.attempt = msgspec.structs.replace(attempt, job=job)


def _opened(step: Transition, seen: Observation, reading: JobReading) -> Attempt:
    told = seen.signal is JobSignal.STARTED
    started: int | None = step.at if told else None
    provenance = Provenance.OBSERVED if told else Provenance.INFERRED
    if reading.elapsed_ms is not None:
        started = not_before_the_last(step, step.at - reading.elapsed_ms)
        if reading.elapsed_ms < SAME_START_MS:
            provenance = Provenance.OBSERVED
    elif not told and step.state in KNOWN_REST and step.source in _KNOWN_BY and not seen.level:
        # The edge from a known resting state is the start itself.
        started, provenance = step.at, Provenance.OBSERVED
    job = Job(
        id=_new_id(step, seen, reading),
        printer_id=step.printer_id,
        file=reading.file,
        started_ms=started,
        start_provenance=provenance,
    )
    return Attempt(
        job=job, opened_ms=step.at, accounted_ms=step.at, from_start_signal=told, teller=step.teller
    )


def _new_id(step: Transition, seen: Observation, reading: JobReading) -> str:
    token = reading.token or reading.native_id or f"{seen.time_ms or step.at}:{reading.file}"
    found = job_id(step.printer_id, token)
    if step.last_job is not None and step.last_job.id == found:
        # Two attempts of one file within one tick of the source's clock.
        found = job_id(step.printer_id, f"{token}:again")
    return found


def not_before_the_last(step: Transition, started_ms: int) -> int:
    """The start, or the end of the job before where that is later: one printer, one job at a time."""
    last = step.last_job
    return started_ms if last is None or last.ended_ms is None else max(started_ms, last.ended_ms)


def started_at(step: Transition, attempt: Attempt, started_ms: int) -> int:
    """The start of the open attempt by a later account: neither after it was first heard of, nor
    before the end of the job before it.
    """
    return not_before_the_last(step, min(started_ms, attempt.opened_ms))


def learn(step: Transition, reading: JobReading, *, final: bool = False) -> None:
    """Take over what a reading adds to the job's row; durations only when they are `final`."""
    attempt = step.attempt
    if attempt is None:
        return
    job = attempt.job
    changes: dict[str, object] = {
        name: value for name in _FACTS if (value := getattr(reading, name)) is not None
    }
    if job.file is None and reading.file is not None:
        changes["file"] = reading.file
    if job.expected_ms is None and reading.expected_ms is not None:
        changes["expected_ms"] = reading.expected_ms
    if final and reading.printing_ms is not None:
        changes["printing_ms"], changes["measured"] = reading.printing_ms, True
    if changes:
        job = msgspec.structs.replace(job, **changes)
        step.attempt = msgspec.structs.replace(attempt, job=job)


def expect(step: Transition, reading: JobReading) -> None:
    """Take over how long the print under way takes, from a reading that says nothing else of it."""
    attempt = step.attempt
    if attempt is not None and attempt.job.file is not None and attempt.job.file == reading.file:
        learn(step, JobReading(expected_ms=reading.expected_ms))


def end_time(step: Transition, reading: JobReading) -> int:
    """When the job ended: by the source's own account where a level tells it late."""
    _correct_start(step, reading)
    attempt = step.attempt
    if attempt is None or reading.elapsed_ms is None or attempt.job.started_ms is None:
        return step.at
    by_account = attempt.job.started_ms + reading.elapsed_ms
    floor = attempt.gap_from_ms if attempt.gap_from_ms is not None else step.since
    return min(step.at, max(by_account, floor))


def _correct_start(step: Transition, reading: JobReading) -> None:
    """At an end that is told as it happens, the measured time gives a start that was only inferred."""
    attempt = step.attempt
    if attempt is None or attempt.gap_from_ms is not None or reading.elapsed_ms is None:
        return
    if attempt.job.start_provenance is Provenance.INFERRED:
        began = started_at(step, attempt, step.at - reading.elapsed_ms)
        job = msgspec.structs.replace(attempt.job, started_ms=began)
        step.attempt = msgspec.structs.replace(attempt, job=job)


def end(step: Transition, ruling: Ruling, ended_ms: int) -> None:
    """End the attempt under way as the outcome rules have it; nothing happens where none is."""
    ended_ms = min(ended_ms, step.at)
    account(step, certain_until(step, ended_ms))
    attempt = step.attempt
    if attempt is None:
        return
    job = _with_start(step, attempt, ended_ms)
    earliest = earliest_end(job)
    ended_ms = max(ended_ms, attempt.opened_ms if earliest is None else earliest)
    if step.shared:
        # Whose end it was nobody can tell.
        ruling = ruling._replace(confidence=Confidence.NONE)
    job = msgspec.structs.replace(ruling.applied(job), ended_ms=ended_ms)
    if ruling.outcome is Outcome.SUCCEEDED:
        job = msgspec.structs.replace(job, progress=1.0)
    step.attempt = None
    step.last_job, step.last_teller = job, attempt.teller
    step.tell_job(FeedKind.JOB_ENDED, job, ended_ms)


def earliest_end(job: Job) -> int | None:
    """The start and the hours booked since: no end lies before them."""
    if job.started_ms is None:
        return None
    printing_ms = 0 if job.measured else job.printing_ms
    return job.started_ms + printing_ms + job.preparing_ms + job.paused_ms


def _with_start(step: Transition, attempt: Attempt, ended_ms: int) -> Job:
    """The job with the start that its measured printing time implies, where none was seen."""
    job = attempt.job
    if job.started_ms is None and job.measured:
        began = started_at(step, attempt, ended_ms - job.printing_ms - job.paused_ms)
        return msgspec.structs.replace(job, started_ms=began)
    return job


def settle(step: Transition) -> None:
    """The end did not come within the time that it takes to come."""
    attempt = step.attempt
    if attempt is not None and attempt.settling_ms is not None:
        give_up(step, attempt)


def give_up(step: Transition, attempt: Attempt, until_ms: int | None = None) -> None:
    """Close an attempt whose end nobody told, with what is known of it.

    `until_ms` is when something else is known to have begun on the printer.
    """
    if attempt.row is not None:
        end_by_row(step, attempt, attempt.row)
        return
    until_ms = step.at if until_ms is None else until_ms
    evidence = told_by_nobody(
        read_through=attempt.read_through_ms is not None,
        error_state=attempt.settling_error and attempt.settling_ms is not None,
        cause=attempt.cause,
        detail=attempt.detail,
    )
    ruling = decide(evidence)
    if attempt.read_through_ms is not None:
        ended_ms = attempt.read_through_ms
    elif ruling.outcome is Outcome.FAILED and attempt.settling_ms is not None:
        ended_ms = attempt.settling_ms
    else:
        known = [at for at in (attempt.gap_from_ms, attempt.settling_ms) if at is not None]
        ended_ms = min(known, default=until_ms)
    end(step, ruling, min(ended_ms, until_ms))


def end_by_row(step: Transition, attempt: Attempt, row: HistoryRow) -> None:
    """Close an attempt as the printer's own history has it."""
    if row.printing_ms is not None:
        job = msgspec.structs.replace(attempt.job, printing_ms=row.printing_ms, measured=True)
        step.attempt = msgspec.structs.replace(attempt, job=job)
    end(step, decide(told_by_history(row)), row.ended_ms or attempt.gap_from_ms or step.at)


def began_at(step: Transition, reading: JobReading) -> int:
    """When what the reading speaks of began, by the source's own account, else now."""
    return step.at if reading.elapsed_ms is None else step.at - reading.elapsed_ms


def revise(step: Transition, job: Job, ruling: Ruling, ended_ms: int | None = None) -> None:
    """Give an ended job another outcome, by better evidence than it rested on."""
    revised = ruling.applied(job)
    if ended_ms is not None:
        latest = step.at if step.attempt is None else step.attempt.job.started_ms or step.attempt.opened_ms
        ended_ms = max(min(ended_ms, latest), earliest_end(revised) or ended_ms)
        revised = msgspec.structs.replace(revised, ended_ms=ended_ms)
    amend(step, revised)


def amend(step: Transition, job: Job) -> None:
    """Book a changed row of the last job. Every revision is kept."""
    job = msgspec.structs.replace(job, revision=job.revision + 1)
    step.last_job = job
    step.tell_job(FeedKind.JOB_REVISED, job, step.at)
