"""Jobs page by page: those under way first, then the ended ones, each newest first.

A page goes on strictly after the last job of the page before, by instant and id, so jobs
that are added meanwhile neither shift nor repeat what follows.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, literal, or_, select, tuple_

from farm.ledger import schema
from farm.ledger.chosen_printers import among
from farm.ledger.job_filter import JobFilter, JobPage
from farm.ledger.page_marks import MarkedId, MarkedNumber, page_end, page_mark
from farm.ledger.rows import job_of
from farm.model.job import Job

_job = schema.job.c
_FEW_PRINTERS = 16
"""So many are looked up one by one; of more, the newest jobs of all are looked through."""


class _Mark(msgspec.Struct, frozen=True, array_like=True):
    """The place of a job in the list: `at_ms` is its end, or while it is under way its start."""

    under_way: bool
    at_ms: MarkedNumber
    job_id: MarkedId


def job_page(connection: Connection, wanted: JobFilter) -> JobPage:
    """The page after the mark. Raises InvalidInput when the mark is none of ours."""
    mark = None if wanted.after is None else page_end(wanted.after, _Mark, "jobs")
    limit = max(wanted.limit, 1)
    jobs: list[Job] = []
    if mark is None or mark.under_way:
        # Nobody can have looked at what is still under way.
        if wanted.inspected is None and not wanted.ended_only:
            jobs = _fetch(connection, _under_way(connection, wanted, mark), limit + 1)
        mark = None
    if len(jobs) <= limit and not wanted.open_only:
        jobs += _fetch(connection, _ended(connection, wanted, mark), limit + 1 - len(jobs))
    page = jobs[:limit]
    return JobPage(page, _mark_of(page[-1]) if len(jobs) > limit else None)


def _fetch(connection: Connection, statement: Select[Any], limit: int) -> list[Job]:
    return [job_of(row) for row in connection.execute(statement.limit(limit)).mappings()]


def _under_way(connection: Connection, wanted: JobFilter, mark: _Mark | None) -> Select[Any]:
    """A job whose start is not known is never left out for its time, and comes last."""
    started = func.coalesce(_job.started_ms, 0)
    statement = _filtered(connection, wanted, mark, started).where(_job.ended_ms.is_(None))
    if wanted.since_ms is not None:
        statement = statement.where(or_(_job.started_ms.is_(None), _job.started_ms >= wanted.since_ms))
    if wanted.until_ms is not None:
        statement = statement.where(or_(_job.started_ms.is_(None), _job.started_ms < wanted.until_ms))
    return statement


def _ended(connection: Connection, wanted: JobFilter, mark: _Mark | None) -> Select[Any]:
    statement = _filtered(connection, wanted, mark, _job.ended_ms).where(_job.ended_ms.is_not(None))
    if wanted.since_ms is not None:
        statement = statement.where(_job.ended_ms >= wanted.since_ms)
    if wanted.until_ms is not None:
        statement = statement.where(_job.ended_ms < wanted.until_ms)
    return statement


def _filtered(
    connection: Connection, wanted: JobFilter, mark: _Mark | None, at: ColumnElement[Any]
) -> Select[Any]:
    statement = select(schema.job).order_by(at.desc(), _job.id.desc())
    for condition in _conditions(connection, wanted):
        statement = statement.where(condition)
    if mark is not None:
        # The first condition says no more than the second, but lets an index begin there.
        statement = statement.where(
            and_(at <= mark.at_ms, tuple_(at, _job.id) < tuple_(literal(mark.at_ms), literal(mark.job_id)))
        )
    return statement


def _conditions(connection: Connection, wanted: JobFilter) -> Sequence[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.printer_ids is None:
        ignored = select(schema.printer.c.id).where(schema.printer.c.ignored)
        conditions.append(_job.printer_id.not_in(ignored))
    else:
        many = len(wanted.printer_ids) > _FEW_PRINTERS
        conditions.append(among(connection, _job.printer_id, wanted.printer_ids, searched=not many))
    if wanted.outcomes is not None:
        conditions.append(among(connection, _job.outcome, wanted.outcomes))
    if wanted.file is not None:
        conditions.append(_job.file == wanted.file)
    for name, texts in wanted.says.items():
        said = among(connection, _job[name], texts)
        conditions.append(or_(said, _job[name].is_(None)) if "" in texts else said)
    if wanted.inspected is not None:
        inspected = exists().where(schema.verdict.c.job_id == _job.id)
        conditions.append(inspected if wanted.inspected else ~inspected)
    return conditions


def _mark_of(job: Job) -> str:
    under_way = job.ended_ms is None
    at_ms = (job.started_ms or 0) if job.ended_ms is None else job.ended_ms
    return page_mark(_Mark(under_way, at_ms, job.id))
