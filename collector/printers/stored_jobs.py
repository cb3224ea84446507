"""A person's word on a job that no tracker can be run over again: its row is amended where it stands."""

import msgspec

from collector.tracker import LedgerChanges, Said, advance, first_sight
from collector.tracker.state import Attempt
from farm.model.feed import FeedEntry, FeedKind
from farm.model.job import Job
from farm.model.operator_input import CorrectJob

_BY_OUTCOME = ("outcome", "provenance", "confidence", "cause", "detail", "cancelled_by")


def amended(job: Job, machines: Job, said: Said, at_ms: int) -> tuple[str | None, LedgerChanges]:
    """What `said` makes of the stored row, by the tracker's own rules, and why it cannot be followed.

    `machines` is the row as it stood before any person spoke of it: what a correction that is
    taken back restores.
    """
    if said.word == CorrectJob():
        return None, _restored(job, machines, at_ms)
    tracker = first_sight(job.printer_id, job.started_ms or at_ms)[0]
    if job.ended_ms is None:
        began_ms = job.started_ms or at_ms
        attempt = Attempt(job=job, opened_ms=began_ms, accounted_ms=began_ms)
        tracker = msgspec.structs.replace(tracker, attempt=attempt)
    else:
        tracker = msgspec.structs.replace(tracker, last_job=job)
    at_ms = max(at_ms, tracker.at_ms)
    _, changes = advance(tracker, at_ms, said)
    changes.spans.clear()
    return changes.answer, changes


def _restored(job: Job, machines: Job, at_ms: int) -> LedgerChanges:
    changes = LedgerChanges.empty()
    told = {name: getattr(machines, name) for name in _BY_OUTCOME}
    row = msgspec.structs.replace(job, **told)
    if row != job:
        row = msgspec.structs.replace(row, revision=job.revision + 1)
        changes.jobs[row.id] = row
        body = msgspec.to_builtins(row)
        changes.feed.append(
            FeedEntry(
                kind=FeedKind.JOB_REVISED, at_ms=at_ms, printer_id=row.printer_id, job_id=row.id, body=body
            )
        )
    return changes
