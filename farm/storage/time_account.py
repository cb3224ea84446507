"""The account of time as readers see it: spans cut to a window, without holes, and their sums.

A printer counts from `first_seen_ms` until it is retired. An open span reaches until the
printer's collector last booked. Whatever no span covers is `unknown`, source `silence`.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, case, func, or_, select

from farm.model.span import Span
from farm.model.states import PrinterState
from farm.storage import schema
from farm.storage.chosen_printers import asked_for

SILENCE = "silence"

_span, _printer, _collector = schema.span.c, schema.printer.c, schema.collector.c
_booking = schema.printer.outerjoin(schema.collector, _collector.client_id == _printer.collector)


class Life(msgspec.Struct, frozen=True):
    """The part of a window in which a printer counts, and until when its collector has booked."""

    printer_id: str
    from_ms: int
    to_ms: int
    booked_until_ms: int


def spans(connection: Connection, from_ms: int, to_ms: int, printer_ids: Sequence[str] | None) -> list[Span]:
    """The account of the window by printer and start, without holes."""
    booked = _span.printer_id, _span.from_ms, _span.to_ms, _span.state, _span.source
    touching = _touching(connection, from_ms, to_ms, printer_ids, booked).order_by(*booked[:2])
    by_printer = {
        printer_id: list(group)
        for printer_id, group in groupby(connection.execute(touching), attrgetter("printer_id"))
    }
    lives = _lives(connection, from_ms, to_ms, printer_ids)
    return [span for life in lives for span in account(life, by_printer.get(life.printer_id, ()))]


def account(life: Life, booked: Iterable[Sequence[Any]]) -> list[Span]:
    """The printer's account: its spans cut to its life, with the holes between them filled.

    `booked` are (printer id, from, to or None, state, source) in the order of their start.
    """
    pieces: list[Span] = []
    at = life.from_ms
    for _, from_ms, to_ms, state, source in booked:
        start = max(from_ms, at)
        end = min(life.booked_until_ms if to_ms is None else to_ms, life.to_ms)
        silent = state == PrinterState.UNKNOWN and source == SILENCE
        if start < end and not silent:  # silence is a hole like any other
            _fill(pieces, life.printer_id, at, start)
            pieces.append(Span(life.printer_id, PrinterState(state), start, end, source))
            at = end
    _fill(pieces, life.printer_id, at, life.to_ms)
    return pieces


def state_totals(
    connection: Connection, from_ms: int, to_ms: int, printer_ids: Sequence[str] | None
) -> Mapping[str, Mapping[PrinterState, int]]:
    """Milliseconds per printer and state in the window."""
    end = func.coalesce(_span.to_ms, _collector.booked_until_ms, _span.from_ms)
    length = _least(_least(end, to_ms), func.coalesce(_printer.retired_ms, to_ms)) - _greatest(
        _greatest(_span.from_ms, from_ms), _printer.first_seen_ms
    )
    total = func.sum(_greatest(length, 0)).label("total")
    summed = _touching(connection, from_ms, to_ms, printer_ids, (_span.printer_id, _span.state, total))
    summed = summed.group_by(_span.printer_id, _span.state)
    totals: dict[str, dict[PrinterState, int]] = {
        life.printer_id: {PrinterState.UNKNOWN: life.to_ms - life.from_ms}
        for life in _lives(connection, from_ms, to_ms, printer_ids)
    }
    for printer_id, state, booked in connection.execute(summed):
        if booked and state != PrinterState.UNKNOWN:
            totals[printer_id][PrinterState(state)] = int(booked)
            totals[printer_id][PrinterState.UNKNOWN] -= int(booked)
    return {
        printer_id: {state: ms for state, ms in by_state.items() if ms}
        for printer_id, by_state in totals.items()
    }


def _touching(
    connection: Connection,
    from_ms: int,
    to_ms: int,
    printer_ids: Sequence[str] | None,
    columns: Sequence[ColumnElement[Any]],
) -> Select[Any]:
    return (
        select(*columns)
        .select_from(_booking.join(schema.span, _span.printer_id == _printer.id))
        .where(
            asked_for(connection, printer_ids),
            _span.from_ms < to_ms,
            or_(_span.to_ms.is_(None), _span.to_ms > from_ms),
        )
    )


def _lives(connection: Connection, from_ms: int, to_ms: int, printer_ids: Sequence[str] | None) -> list[Life]:
    """Of the printers that count in the window, by id."""
    wanted = (
        select(
            _printer.id,
            _printer.first_seen_ms,
            _printer.retired_ms,
            _collector.booked_until_ms.label("booked_ms"),
        )
        .select_from(_booking)
        .where(asked_for(connection, printer_ids))
        .order_by(_printer.id)
    )
    lives = (
        Life(
            row.id,
            max(from_ms, row.first_seen_ms),
            to_ms if row.retired_ms is None else min(to_ms, row.retired_ms),
            row.booked_ms or 0,
        )
        for row in connection.execute(wanted)
    )
    return [life for life in lives if life.from_ms < life.to_ms]


def _fill(pieces: list[Span], printer_id: str, from_ms: int, to_ms: int) -> None:
    if from_ms < to_ms:
        pieces.append(Span(printer_id, PrinterState.UNKNOWN, from_ms, to_ms, SILENCE))


def _least(one: ColumnElement[Any], other: ColumnElement[Any] | int) -> ColumnElement[Any]:
    return case((one < other, one), else_=other)


def _greatest(one: ColumnElement[Any], other: ColumnElement[Any] | int) -> ColumnElement[Any]:
    return case((one > other, one), else_=other)
