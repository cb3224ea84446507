"""Which attempt a reading speaks of: by the source's own id, file, account of time, and progress."""

from collector.tracker.limits import SAME_START_MS, SETTLE_MS, STALE_MS
from collector.tracker.outcome import decide, told_by_history
from collector.tracker.state import Attempt
from farm.model.job import Job, job_id
from farm.model.observation import HistoryRow, JobReading, Observation
from farm.model.states import Outcome


def is_same_attempt(attempt: Attempt, seen: Observation, reading: JobReading, at_ms: int) -> bool:
    """Whether what runs after a gap is what ran before it, by file, start and progress."""
    job = attempt.job
    if reading.native_id is not None and job.id == job_id(job.printer_id, reading.native_id):
        return True
    if reading.file is not None and job.file is not None and reading.file != job.file:
        return False
    if seen.retained and reading.elapsed_ms is not None and job.started_ms is not None:
        # Its age is not known, but an attempt that began anew in the gap counts from zero.
        gap_from_ms = attempt.gap_from_ms or at_ms
        began_before = reading.elapsed_ms > at_ms - gap_from_ms + SAME_START_MS
        return began_before or reading.elapsed_ms + STALE_MS >= gap_from_ms - job.started_ms
    if reading.elapsed_ms is not None and job.started_ms is not None:
        return abs(at_ms - reading.elapsed_ms - job.started_ms) <= max(
            SAME_START_MS, reading.elapsed_ms // 100
        )
    if reading.progress is not None and job.progress is not None:
        return reading.progress >= job.progress - 0.01
    return True


def is_another(attempt: Attempt, seen: Observation, reading: JobReading, at_ms: int) -> bool:
    """Without a gap: the source names another job, or its own account of time began anew."""
    job = attempt.job
    if reading.native_id is not None and attempt.from_start_signal:
        return job.id != job_id(job.printer_id, reading.native_id)
    if reading.file is not None and job.file is not None and reading.file != job.file:
        return True
    if seen.retained or reading.elapsed_ms is None or job.started_ms is None:
        return False
    began = at_ms - reading.elapsed_ms
    return began - job.started_ms > max(SAME_START_MS, (at_ms - job.started_ms) // 50)


def ends_another(attempt: Attempt, seen: Observation, reading: JobReading, at_ms: int) -> bool:
    """Whether an end is of a later attempt than the open one, whose own end was missed."""
    job = attempt.job
    if reading.native_id is not None and attempt.from_start_signal:
        return job.id != job_id(job.printer_id, reading.native_id)
    if reading.file is not None and job.file is not None and reading.file != job.file:
        return True
    measured = reading.elapsed_ms
    if measured is None and reading.printing_ms is not None:
        measured = reading.printing_ms + job.paused_ms
    if attempt.gap_from_ms is None or measured is None:
        return False
    if seen.level:
        # Told late, so only its duration can speak: it covers at least what we saw of the attempt.
        seen_ms = attempt.gap_from_ms - (job.started_ms or attempt.opened_ms)
        return measured + SAME_START_MS < seen_ms
    return at_ms - measured > attempt.gap_from_ms + SAME_START_MS


def adopts(attempt: Attempt, reading: JobReading, at_ms: int) -> bool:
    """Whether a start signal belongs to the attempt that its own state change already opened."""
    fresh = at_ms - attempt.opened_ms <= SAME_START_MS and not attempt.from_start_signal
    return fresh and attempt.job.file in (None, reading.file)


def is_told_again(last: Job, reading: JobReading, at_ms: int, *, closed: bool) -> bool:
    """Whether an end is the end that is booked already, told once more.

    `closed`: a person ended the job, and its printer may tell the end of it at any time.
    """
    if last.ended_ms is None:
        return False
    if reading.file is not None and last.file is not None and reading.file != last.file:
        return False
    measured = reading.elapsed_ms if reading.elapsed_ms is not None else reading.printing_ms
    if measured is None:
        return closed or at_ms - last.ended_ms <= SETTLE_MS
    # One printer does not print two things at once: an attempt that overlaps the last is the last.
    return at_ms - measured + SAME_START_MS < last.ended_ms


def is_still_closed(last: Job, reading: JobReading, at_ms: int) -> bool:
    """Whether what runs is still the job that a person ended, and no job after it."""
    if reading.file is not None and last.file is not None and reading.file != last.file:
        return False
    if reading.elapsed_ms is None or last.ended_ms is None:
        return True
    return at_ms - reading.elapsed_ms + SAME_START_MS < last.ended_ms


def outcome_of_row(row: HistoryRow) -> Outcome | None:
    """How the attempt of a history row ended by the outcome rules, None while it runs."""
    return decide(told_by_history(row)).outcome


def is_row_of(job: Job, row: HistoryRow) -> bool:
    """Whether a row of the printer's history is of this attempt: its file, and its start or its time."""
    if job.file is not None and row.file is not None and job.file != row.file:
        return False
    if job.started_ms is None:
        return job.outcome is None and outcome_of_row(row) is None
    if abs(job.started_ms - row.started_ms) <= SAME_START_MS:
        return True
    if job.ended_ms is None or row.ended_ms is None:
        return False
    shared = min(job.ended_ms, row.ended_ms) - max(job.started_ms, row.started_ms)
    return 2 * shared > row.ended_ms - row.started_ms
