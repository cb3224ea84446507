"""Looking whether the books of a printer agree with themselves, by a plain recount of what they hold."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import pairwise

import msgspec
from sqlalchemy import RowMapping, select

from farm.ledger import rows, schema
from farm.ledger.ledger_database import LedgerDatabase
from farm.model.job import Job, overlaps
from farm.model.times import SECOND_MS, rfc3339


class DifferenceKind(StrEnum):
    """In what the books of a printer disagree."""

    OVERLAPPING_JOBS = "overlapping_jobs"
    JOB_BACKWARDS = "job_backwards"
    """It ended before it began."""
    SPAN_HOLE = "span_hole"
    SPAN_OVERLAP = "span_overlap"
    MODEL_STATE = "model_state"
    """The read model of the figures holds another account than the spans."""
    MODEL_JOB = "model_job"
    """The read model of the figures holds another end of a job than its row."""
    MODEL_SUM = "model_sum"
    """The sums of the read model are not what its rows come to, one by one."""


class Difference(msgspec.Struct, frozen=True):
    """One disagreement, at the instant `at_ms` of the account."""

    printer_id: str
    kind: DifferenceKind
    at_ms: int
    detail: str


class LedgerRecount(LedgerDatabase):
    """Looks through the rows of a printer; changes nothing."""

    def differences(self, printer_id: str) -> list[Difference]:
        """Every disagreement in the books of the printer: its jobs and its spans."""
        of_job, of_span = schema.job.c.printer_id, schema.span.c.printer_id
        with self._reads() as connection:  # one state of the ledger: it may be written to meanwhile
            first_seen_ms = connection.execute(
                select(schema.printer.c.first_seen_ms).where(schema.printer.c.id == printer_id)
            ).scalar_one()
            found = connection.execute(select(schema.job).where(of_job == printer_id)).mappings()
            jobs = [rows.job_of(row) for row in found]
            wanted = select(schema.span).where(of_span == printer_id).order_by(schema.span.c.from_ms)
            spans = connection.execute(wanted).mappings().all()
        return [*_jobs(printer_id, jobs), *_spans(printer_id, first_seen_ms, spans)]


def _jobs(printer_id: str, jobs: Sequence[Job]) -> Iterator[Difference]:
    for first, second in overlaps(jobs):
        at_ms = second.started_ms or second.ended_ms or 0
        detail = f"{_shown(first)} and {_shown(second)}"
        yield Difference(printer_id, DifferenceKind.OVERLAPPING_JOBS, at_ms, detail)
    for job in jobs:
        if job.started_ms is not None and job.ended_ms is not None and job.ended_ms < job.started_ms:
            yield Difference(printer_id, DifferenceKind.JOB_BACKWARDS, job.ended_ms, _shown(job))


def _shown(job: Job) -> str:
    began = "?" if job.started_ms is None else rfc3339(job.started_ms)
    ended = "now" if job.ended_ms is None else rfc3339(job.ended_ms)
    return f"{job.file or 'no file'} ({job.id}) {began} to {ended}"


def _spans(printer_id: str, first_seen_ms: int, spans: Sequence[RowMapping]) -> Iterator[Difference]:
    if spans and spans[0]["from_ms"] > first_seen_ms:
        missing = spans[0]["from_ms"] - first_seen_ms
        detail = f"{missing / SECOND_MS:g} s between first sight and the first span"
        yield Difference(printer_id, DifferenceKind.SPAN_HOLE, first_seen_ms, detail)
    for span, following in pairwise(spans):
        start, end = following["from_ms"], span["to_ms"]
        between = (
            f"{span['state']} from {rfc3339(span['from_ms'])} and {following['state']} at {rfc3339(start)}"
        )
        if end is None:
            yield Difference(printer_id, DifferenceKind.SPAN_OVERLAP, start, f"no end: {between}")
        elif end < start:
            missing = f"{(start - end) / SECOND_MS:g} s between {between}"
            yield Difference(printer_id, DifferenceKind.SPAN_HOLE, end, missing)
        elif end > start:
            twice = f"{(end - start) / SECOND_MS:g} s in both {between}"
            yield Difference(printer_id, DifferenceKind.SPAN_OVERLAP, start, twice)
