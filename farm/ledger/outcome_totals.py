"""How many jobs ended how: sums kept beside the jobs, so that any window takes two rows a printer.

A row of `outcome_total` sums up every job of the printer that ended until its instant. When
a job ends, is revised or withdrawn, what it counts for is added to or taken from every row
from its end on.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeAlias

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    and_,
    bindparam,
    func,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from farm.ledger import schema
from farm.ledger.chosen_printers import chosen, listed, one_of
from farm.ledger.row_statement import RowStatement, insertion_of_new
from farm.model.job import Job
from farm.model.outcome_count import EndedCount, OutcomeCount
from farm.model.states import CancelledBy, Cause, Outcome

_KINDS: tuple[tuple[Outcome, CancelledBy | None], ...] = (
    (Outcome.SUCCEEDED, None),
    (Outcome.FAILED, None),
    (Outcome.CANCELLED, None),
    (Outcome.CANCELLED, CancelledBy.PERSON),
    (Outcome.CANCELLED, CancelledBy.SYSTEM),
    (Outcome.UNKNOWN, None),
)
"""What each of `schema.ENDINGS` stands for."""
_COUNT = len(_KINDS)
_PLACE: Mapping[tuple[str, str | None], int] = {kind: place for place, kind in enumerate(_KINDS)}

_EVER = 2**62
"""An instant (ms) after every other."""

_total = schema.outcome_total
_KEYS = ("printer_id", "ended_ms")
_SUMS = tuple(column.name for column in _total.columns if column.name not in _KEYS)
"""Jobs, then units, then printing time, of each ending in order."""

_Counted: TypeAlias = tuple[Any, ...]
"""What of a job counts: printer, end, outcome, by whom cancelled, units, printing time."""
_Changes: TypeAlias = defaultdict[tuple[str, int], list[int]]


def book_outcomes(connection: Connection, jobs: Sequence[Job], withdrawn: Collection[str]) -> None:
    """Carry the jobs into the sums. This must come before they are written or deleted."""
    latest: dict[str, Job | None] = {job.id: job for job in jobs}
    latest.update(dict.fromkeys(withdrawn))
    if not latest:
        return
    dialect = connection.dialect.name
    stored = {row[0]: row[1:] for row in _stored(dialect).fetch(connection, listed(dialect, latest))}
    changes: _Changes = defaultdict(lambda: [0] * len(_SUMS))
    for job_id, job in latest.items():
        before = stored.get(job_id)
        after = None if job is None else _counted(job)
        if before != after:
            _count(changes, before, -1)
            _count(changes, after, 1)
    ends = sorted(end for end, change in changes.items() if any(change))
    _carried_on(dialect).run(connection, ends)
    _begun(dialect).run(connection, ((*end, *[0] * len(_SUMS)) for end in ends))
    _added(dialect).run(connection, ((*end, *changes[end]) for end in ends))


def outcome_counts(
    connection: Connection, from_ms: int, to_ms: int, printer_ids: Sequence[str] | None
) -> list[OutcomeCount]:
    """The jobs that ended in the window, counted by printer, outcome and who cancelled."""
    dialect = connection.dialect.name
    if printer_ids is None:
        found = _ended_within(dialect, None).fetch(connection, from_ms, to_ms)
    else:
        names = listed(dialect, printer_ids)
        found = _ended_within(dialect, "printers").fetch(connection, from_ms, to_ms, names)
    return [count for row in found for count in _counts(row)]


def ended_jobs(connection: Connection) -> list[EndedCount]:
    """All jobs that ever ended, those of ignored printers left out, counted by outcome and cause."""
    job, last, printer = schema.job.c, _total.alias("last"), schema.printer.c
    ever = (
        select(*(last.c[name] for name in _SUMS[:_COUNT]))
        .select_from(schema.printer.join(last, _stands_before(last, "end")))
        .where(printer.ignored.is_(False))
        .order_by(printer.id)  # else SQLite would read every row of the sums
    )
    caused = (
        select(job.outcome, job.cause, func.count())
        .where(job.cause.is_not(None), job.outcome.is_not(None))
        .where(job.printer_id.not_in(select(printer.id).where(printer.ignored)))
        .group_by(job.cause, job.outcome)
    )
    counts: Counter[tuple[Outcome, Cause | None]] = Counter()
    for row in connection.execute(ever, {"end": _EVER}):
        for (outcome, _), jobs in zip(_KINDS, row, strict=True):
            counts[outcome, None] += jobs
    for outcome, cause, jobs in connection.execute(caused):
        counts[Outcome(outcome), Cause(cause)] += jobs
        counts[Outcome(outcome), None] -= jobs
    found = sorted(counts.items(), key=lambda count: (count[0][0], count[0][1] or ""))
    return [EndedCount(outcome=outcome, cause=cause, jobs=jobs) for (outcome, cause), jobs in found if jobs]


@cache
def _ended_within(dialect: str, printers: str | None) -> RowStatement:
    """Takes (from, to) and under the name `printers` a list of ids, if any: printer id, *sums."""
    last, first = _total.alias("last"), _total.alias("first")
    printer = schema.printer.c
    joined = schema.printer.join(last, _stands_before(last, "to_ms")).outerjoin(
        first, _stands_before(first, "from_ms")
    )
    statement = (
        select(printer.id, *(last.c[name] - func.coalesce(first.c[name], 0) for name in _SUMS))
        .select_from(joined)
        .where(chosen(dialect, printers))
        .order_by(printer.id)
    )
    return RowStatement(statement, dialect, ("from_ms", "to_ms", *([printers] if printers else [])))


def _stands_before(total: Any, instant: str) -> ColumnElement[bool]:
    """Whether the row is the printer's last one before the parameter of that name."""
    at: BindParameter[int] = bindparam(instant, type_=_total.c.ended_ms.type)
    earlier = _total.alias().c
    printer_id = schema.printer.c.id
    last = select(func.max(earlier.ended_ms)).where(earlier.printer_id == printer_id, earlier.ended_ms < at)
    return and_(total.c.printer_id == printer_id, total.c.ended_ms == last.scalar_subquery())


def _counts(row: Sequence[Any]) -> Iterator[OutcomeCount]:
    printer_id, sums = row[0], row[1:]
    for place, (outcome, cancelled_by) in enumerate(_KINDS):
        if sums[place]:
            yield OutcomeCount(
                printer_id=printer_id,
                outcome=outcome,
                cancelled_by=cancelled_by,
                jobs=sums[place],
                units=sums[place + _COUNT],
                printing_ms=sums[place + 2 * _COUNT],
            )


def _counted(job: Job) -> _Counted:
    return job.printer_id, job.ended_ms, job.outcome, job.cancelled_by, job.units, job.printing_ms


def _count(changes: _Changes, counted: _Counted | None, sign: int) -> None:
    if counted is None:
        return
    printer_id, ended_ms, outcome, cancelled_by, units, printing_ms = counted
    if ended_ms is None or outcome is None:
        return
    place = _PLACE[outcome, cancelled_by if outcome == Outcome.CANCELLED else None]
    change = changes[printer_id, ended_ms]
    change[place] += sign
    change[place + _COUNT] += sign * units
    change[place + 2 * _COUNT] += sign * printing_ms


@cache
def _stored(dialect: str) -> RowStatement:
    """Takes (job ids,): each job's id and what of it counts as it stands."""
    job = schema.job.c
    counted = job.printer_id, job.ended_ms, job.outcome, job.cancelled_by, job.units, job.printing_ms
    return RowStatement(select(job.id, *counted).where(one_of(dialect, job.id, "ids")), dialect, ("ids",))


@cache
def _carried_on(dialect: str) -> RowStatement:
    """Takes (printer id, instant): a row with the sums of the one before, unless one stands."""
    printer: BindParameter[str] = bindparam("printer", type_=_total.c.printer_id.type)
    at: BindParameter[int] = bindparam("at", type_=_total.c.ended_ms.type)
    earlier = _total.alias("earlier").c
    last = select(func.max(earlier.ended_ms)).where(earlier.printer_id == printer, earlier.ended_ms < at)
    before = select(printer, at, *(_total.c[name] for name in _SUMS)).where(
        _total.c.printer_id == printer, _total.c.ended_ms == last.scalar_subquery()
    )
    insert: Any = sqlite.insert if dialect == "sqlite" else postgresql.insert
    statement = insert(_total).from_select([*_KEYS, *_SUMS], before).on_conflict_do_nothing()
    return RowStatement(statement, dialect, ("printer", "at"))


@cache
def _begun(dialect: str) -> RowStatement:
    """Takes a row of nothing: the printer's first, unless one stands."""
    return insertion_of_new(_total, dialect, (*_KEYS, *_SUMS))


@cache
def _added(dialect: str) -> RowStatement:
    """Takes (printer id, instant, *sums): adds the sums to every row from the instant on."""
    added = {name: _total.c[name] + bindparam(f"add_{name}", type_=_total.c[name].type) for name in _SUMS}
    statement = (
        update(_total)
        .where(_total.c.printer_id == bindparam("printer"), _total.c.ended_ms >= bindparam("at"))
        .values(added)
    )
    return RowStatement(statement, dialect, ("printer", "at", *(f"add_{name}" for name in _SUMS)))
