"""The account of time as readers see it: spans cut to a window, without holes.

A printer counts from `first_seen_ms` until it is retired. An open span reaches until the
printer's collector last booked. Whatever no span covers is `unknown`, source `silence`.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    Select,
    case,
    func,
    select,
)

from farm.ledger import schema
from farm.ledger.chosen_printers import asked_for
from farm.model.span import Span
from farm.model.states import PrinterState

SILENCE = "silence"

_span, _printer, _collector = schema.span.c, schema.printer.c, schema.collector.c
_booking = schema.printer.outerjoin(schema.collector, _collector.client_id == _printer.collector)


class Life(msgspec.Struct, frozen=True):
    """The part of a window in which a printer counts, and until when its collector has booked."""

    printer_id: str
    from_ms: int
    to_ms: int
    booked_until_ms: int


def spans(
    connection: Connection,
    from_ms: int,
    to_ms: int,
    printer_ids: Sequence[str] | None,
    most: int | None = None,
) -> list[Span]:
    """The account of the window by printer and start, without holes.

    With `most` no more rows than that are read, and the account of the last printer in it may end early.
    """
    wanted = asked_for(connection, printer_ids)
    rows = list(connection.execute(_touching(from_ms, to_ms, wanted).limit(most)))
    if most is not None and len(rows) == most:
        # What follows the last row is not known, so the account ends where that row begins.
        to_ms = rows.pop().from_ms
    by_printer = {printer_id: list(group) for printer_id, group in groupby(rows, attrgetter("printer_id"))}
    begun, ended = _begun(from_ms), _ended(to_ms)
    booked_until_ms = func.coalesce(_collector.booked_until_ms, 0)
    serving = select(_printer.id, begun, ended, booked_until_ms).select_from(_booking)
    lives = connection.execute(serving.where(wanted, begun < ended).order_by(_printer.id))
    return [span for life in lives for span in account(Life(*life), by_printer.get(life.id, ()))]


def account(life: Life, booked: Iterable[Sequence[Any]]) -> list[Span]:
    """The printer's account: its spans cut to its life, with the holes between them filled.

    `booked` are (printer id, from, to or None, state, source, reason) in the order of their start.
    """
    pieces: list[Span] = []
    at = life.from_ms
    for _, from_ms, to_ms, state, source, reason in booked:
        start = max(from_ms, at)
        end = min(life.booked_until_ms if to_ms is None else to_ms, life.to_ms)
        silent = state == PrinterState.UNKNOWN and source == SILENCE
        if start < end and not silent:  # silence is a hole like any other
            _fill(pieces, life.printer_id, at, start)
            pieces.append(Span(life.printer_id, PrinterState(state), start, end, source, reason))
            at = end
    _fill(pieces, life.printer_id, at, life.to_ms)
    return pieces


def _touching(from_ms: int, to_ms: int, wanted: ColumnElement[bool]) -> Select[Any]:
    """Spans that touch the window. Of those that start before it only a printer's last can."""
    first = func.coalesce(_last_start(_printer.id, from_ms + 1), from_ms)
    return (
        select(_span.printer_id, _span.from_ms, _span.to_ms, _span.state, _span.source, _span.reason)
        .select_from(schema.printer.join(schema.span, _span.printer_id == _printer.id))
        .where(wanted, _span.from_ms >= first, _span.from_ms < to_ms)
        .order_by(_printer.id, _span.from_ms)  # by the span's own column SQLite would read them all
    )


def _last_start(printer_id: ColumnElement[str], before_ms: ColumnElement[int] | int) -> ScalarSelect[int]:
    earlier = schema.span.alias("earlier").c
    return (
        select(func.max(earlier.from_ms))
        .where(earlier.printer_id == printer_id, earlier.from_ms < before_ms)
        .scalar_subquery()
    )


def _begun(from_ms: ColumnElement[int] | int) -> ColumnElement[int]:
    """Where the printer's life in the window begins."""
    return case((_printer.first_seen_ms > from_ms, _printer.first_seen_ms), else_=from_ms)


def _ended(to_ms: ColumnElement[int] | int) -> ColumnElement[int]:
    """Where the printer's life in the window ends."""
    return case((_printer.retired_ms < to_ms, _printer.retired_ms), else_=to_ms)


def _fill(pieces: list[Span], printer_id: str, from_ms: int, to_ms: int) -> None:
    if from_ms < to_ms:
        pieces.append(Span(printer_id, PrinterState.UNKNOWN, from_ms, to_ms, SILENCE))
