"""What a printer's own history adds: names, ends that were missed, attempts that nobody saw."""

from collections.abc import Iterable

import msgspec

from collector.tracker.attempts import end_by_row, revise, started_at
from collector.tracker.limits import AHEAD_MS
from collector.tracker.matching import is_row_of
from collector.tracker.outcome import Ruling, decide, says_the_end, told_by_history
from collector.tracker.state import Attempt
from collector.tracker.transition import Transition
from farm.model.feed import FeedKind
from farm.model.job import Job, job_id
from farm.model.observation import HistoryRow
from farm.model.states import Outcome, Provenance


def look_back(step: Transition, rows: Iterable[HistoryRow]) -> None:
    """Work rows of the history in, oldest first. It revises `unknown` and fills gaps; what was
    observed stands, and the same rows again change nothing.
    """
    for row in sorted(rows, key=lambda row: row.started_ms):
        if row.ended_ms is not None and row.ended_ms - step.at > AHEAD_MS:
            # What has not come yet cannot have been: the host's clock ran ahead when it wrote the row.
            continue
        ruling = decide(told_by_history(row))
        attempt, last = step.attempt, step.last_job
        if attempt is not None and is_row_of(attempt.job, row):
            _complete(step, attempt, row, ruling)
        elif last is not None and is_row_of(last, row):
            _revise_by(step, last, row, ruling)
        elif _was_missed(step, row, ruling):
            _book_missed(step, row, ruling)


def _complete(step: Transition, attempt: Attempt, row: HistoryRow, ruling: Ruling) -> None:
    """The row of the attempt under way: its file, its start, and its end if that was missed."""
    step.call(attempt.job, row.history, row.native_id)
    job = attempt.job
    if job.file is None or job.start_provenance is Provenance.INFERRED:
        job = msgspec.structs.replace(
            job,
            file=job.file or row.file,
            started_ms=started_at(step, attempt, row.started_ms),
            start_provenance=Provenance.HISTORY,
        )
    attempt = step.attempt = msgspec.structs.replace(attempt, job=_expected_by(job, row))
    if not says_the_end(ruling):
        return
    if attempt.gap_from_ms is not None:
        end_by_row(step, attempt, row)
    else:
        # The printer's own word for the end may be on its way.
        step.attempt = msgspec.structs.replace(attempt, row=row)


def _revise_by(step: Transition, last: Job, row: HistoryRow, ruling: Ruling) -> None:
    step.call(last, row.history, row.native_id)
    if last.outcome is Outcome.UNKNOWN and says_the_end(ruling):
        if row.printing_ms is not None:
            last = msgspec.structs.replace(last, printing_ms=row.printing_ms, measured=True)
        last = _expected_by(last, row)
        # A person who ended a job without knowing how knew when.
        revise(step, last, ruling, None if last.provenance is Provenance.PERSON else row.ended_ms)


def _expected_by(job: Job, row: HistoryRow) -> Job:
    """The job with the estimate of the row, where it had none."""
    if job.expected_ms is not None or row.expected_ms is None:
        return job
    return msgspec.structs.replace(job, expected_ms=row.expected_ms)


def _was_missed(step: Transition, row: HistoryRow, ruling: Ruling) -> bool:
    """Whether the row is of an attempt that began and ended while we saw nothing."""
    if ruling.outcome is None or row.ended_ms is None or row.started_ms < step.before.first_seen_ms:
        return False
    if row.ended_ms < row.started_ms:
        return False
    if step.last_job is not None and row.started_ms < (step.last_job.ended_ms or 0):
        return False
    if step.attempt is None:
        return row.ended_ms <= step.at
    began = step.attempt.job.started_ms
    return row.ended_ms <= (step.attempt.opened_ms if began is None else began)


def _book_missed(step: Transition, row: HistoryRow, ruling: Ruling) -> None:
    """The attempt counts; the hours stay what they were for us, unknown."""
    job = Job(
        id=job_id(step.printer_id, f"{row.history}:{row.native_id}:{row.started_ms}"),
        printer_id=step.printer_id,
        file=row.file,
        started_ms=row.started_ms,
        start_provenance=Provenance.HISTORY,
        ended_ms=row.ended_ms,
        printing_ms=row.printing_ms or 0,
        measured=row.printing_ms is not None,
        filament_mm=row.filament_mm,
        expected_ms=row.expected_ms,
    )
    job = ruling.applied(job)
    step.call(job, row.history, row.native_id)
    step.last_job = job
    step.tell_job(FeedKind.JOB_ENDED, job, row.ended_ms or step.at)
