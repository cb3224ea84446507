"""Looking whether the books of a printer agree with themselves, by a plain recount of what they hold."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Any

import msgspec
from sqlalchemy import RowMapping, select

from farm.ledger import rows, schema
from farm.ledger.account_book import BEFORE_COLUMNS
from farm.ledger.ledger_database import LedgerDatabase
from farm.model.job import Job, overlaps
from farm.model.states import Outcome
from farm.model.times import SECOND_MS, rfc3339

_SUM_COLUMNS = tuple(
    column.name for column in schema.outcome_total.columns if column.name not in {"printer_id", "ended_ms"}
)


class DifferenceKind(StrEnum):
    """In what the books of a printer disagree."""

    OVERLAPPING_JOBS = "overlapping_jobs"
    JOB_BACKWARDS = "job_backwards"
    """It ended before it began."""
    SPAN_HOLE = "span_hole"
    SPAN_OVERLAP = "span_overlap"
    STATE_SUM = "state_sum"
    """What a span carries as the time in a state before it is not the sum of the spans before it."""
    OUTCOME_SUM = "outcome_sum"
    """A row of `outcome_total` is missing, or not the sum of the jobs that ended until then."""


class Difference(msgspec.Struct, frozen=True):
    """One disagreement, at the instant `at_ms` of the account."""

    printer_id: str
    kind: DifferenceKind
    at_ms: int
    detail: str


class Recount(LedgerDatabase):
    """Counts again what the ledger keeps summed up; changes nothing."""

    def differences(self, printer_id: str) -> list[Difference]:
        """Every disagreement in the books of the printer: its jobs, its spans, and the sums over both."""
        of_job, of_span = schema.job.c.printer_id, schema.span.c.printer_id
        total = schema.outcome_total
        with self._reads() as connection:  # one state of the ledger: it may be written to meanwhile
            first_seen_ms = connection.execute(
                select(schema.printer.c.first_seen_ms).where(schema.printer.c.id == printer_id)
            ).scalar_one()
            found = connection.execute(select(schema.job).where(of_job == printer_id)).mappings()
            jobs = [rows.job_of(row) for row in found]
            wanted = select(schema.span).where(of_span == printer_id).order_by(schema.span.c.from_ms)
            spans = connection.execute(wanted).mappings().all()
            summed = select(total).where(total.c.printer_id == printer_id).order_by(total.c.ended_ms)
            totals = connection.execute(summed).mappings().all()
        return [
            *_jobs(printer_id, jobs),
            *_spans(printer_id, first_seen_ms, spans),
            *_state_sums(printer_id, spans),
            *_outcome_sums(printer_id, jobs, totals),
        ]


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


def _state_sums(printer_id: str, spans: Sequence[RowMapping]) -> Iterator[Difference]:
    """A sum that is wrong makes all later ones wrong; so only where the difference changes is it told."""
    sums = dict.fromkeys(schema.SUMMED_STATES, 0)
    astray = dict.fromkeys(schema.SUMMED_STATES, 0)
    for span in spans:
        for state, column in zip(schema.SUMMED_STATES, BEFORE_COLUMNS, strict=True):
            off = span[column] - sums[state]
            if off != astray[state]:
                detail = f"{column} is {span[column]}, the spans before come to {sums[state]}"
                yield Difference(printer_id, DifferenceKind.STATE_SUM, span["from_ms"], detail)
                astray[state] = off
        if span["to_ms"] is not None and span["state"] in sums:
            sums[span["state"]] += max(span["to_ms"] - span["from_ms"], 0)


def _outcome_sums(printer_id: str, jobs: Sequence[Job], totals: Sequence[RowMapping]) -> Iterator[Difference]:
    """As `_state_sums`. A row may stand where no job ends any more; it then repeats the one before."""
    ended = sorted(
        ((job.ended_ms, job) for job in jobs if job.ended_ms is not None), key=lambda each: each[0]
    )
    kept = {row["ended_ms"] for row in totals}
    for at_ms in sorted({at_ms for at_ms, _ in ended} - kept):
        detail = "no row for the jobs that ended then"
        yield Difference(printer_id, DifferenceKind.OUTCOME_SUM, at_ms, detail)
    sums = dict.fromkeys(_SUM_COLUMNS, 0)
    astray = dict.fromkeys(_SUM_COLUMNS, 0)
    counted = 0
    for row in totals:
        while counted < len(ended) and ended[counted][0] <= row["ended_ms"]:
            _add(sums, ended[counted][1])
            counted += 1
        for column in _SUM_COLUMNS:
            off = row[column] - sums[column]
            if off != astray[column]:
                detail = f"{column} is {row[column]}, the jobs come to {sums[column]}"
                yield Difference(printer_id, DifferenceKind.OUTCOME_SUM, row["ended_ms"], detail)
                astray[column] = off


def _add(sums: dict[str, Any], job: Job) -> None:
    ending = str(job.outcome)
    if job.outcome is Outcome.CANCELLED and job.cancelled_by is not None:
        ending = f"cancelled_by_{job.cancelled_by}"
    sums[f"{ending}_jobs"] += 1
    sums[f"{ending}_units"] += job.units
    sums[f"{ending}_printing_ms"] += job.printing_ms
