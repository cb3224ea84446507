"""Booking spans, each with the sums of what lies before it.

A span's row carries the time that its printer spent in each state before it. So the sums
of any window follow from two rows of each printer, however long the window is.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import zip_longest
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, func, select

from farm.ledger import schema
from farm.ledger.row_statement import RowStatement, upsertion
from farm.model.span import Span

BEFORE_COLUMNS = tuple(f"{state}_before_ms" for state in schema.SUMMED_STATES)
"""The sums that a row of `span` carries, in the order of `SUMMED_STATES`."""

_COLUMNS = ("printer_id", "from_ms", "to_ms", "state", "source", "reason", *BEFORE_COLUMNS)
_PLACE = {state: place for place, state in enumerate(schema.SUMMED_STATES)}
_NOTHING = (0,) * len(BEFORE_COLUMNS)


def book_spans(connection: Connection, spans: Iterable[Span]) -> None:
    """Write the spans over those that start at the same instants.

    A span that would reach beyond the start of the next one ends there.
    """
    booked: dict[str, dict[int, Span]] = {}
    for span in spans:
        booked.setdefault(span.printer_id, {})[span.from_ms] = span
    if not booked:
        return
    dialect = connection.dialect.name
    changed: list[tuple[Any, ...]] = []
    for printer_id, new in booked.items():
        stored = _stored(dialect).fetch(connection, printer_id, min(new))
        changed += carried_on(printer_id, stored, new)
    _booking(dialect).run(connection, changed)


def carried_on(
    printer_id: str, stored: Sequence[tuple[Any, ...]], new: Mapping[int, Span]
) -> Iterator[tuple[Any, ...]]:
    """The rows to write so that `new` stands among the `stored` rows and all sums are right.

    `stored` are the printer's rows by start, from the last one before the first of `new` on.
    """
    stand = {row[1]: row for row in stored}
    starts = sorted(stand.keys() | new.keys())
    before = list(stand[starts[0]][6:] if starts[0] in stand else _NOTHING)
    for start, following in zip_longest(starts, starts[1:]):
        to_ms, state, source, reason = _facts(new[start]) if start in new else stand[start][2:6]
        if following is not None and (to_ms is None or to_ms > following):
            to_ms = following
        row = (printer_id, start, to_ms, state, source, reason, *before)
        if row != stand.get(start):
            yield row
        if to_ms is not None and state in _PLACE:
            before[_PLACE[state]] += max(to_ms - start, 0)


def _facts(span: Span) -> tuple[int | None, str, str, str | None]:
    return span.to_ms, span.state.value, span.source, span.reason


@cache
def _booking(dialect: str) -> RowStatement:
    return upsertion(schema.span, dialect, _COLUMNS)


@cache
def _stored(dialect: str) -> RowStatement:
    """Takes (printer id, instant): the last span before the instant and all later ones, by start."""
    span, earlier = schema.span.c, schema.span.alias("earlier").c
    printer: BindParameter[str] = bindparam("printer", type_=span.printer_id.type)
    at: BindParameter[int] = bindparam("at", type_=span.from_ms.type)
    last = select(func.max(earlier.from_ms)).where(earlier.printer_id == printer, earlier.from_ms < at)
    statement = (
        select(*(span[name] for name in _COLUMNS))
        .where(span.printer_id == printer, span.from_ms >= func.coalesce(last.scalar_subquery(), at))
        .order_by(span.from_ms)
    )
    return RowStatement(statement, dialect, ("printer", "at"))
