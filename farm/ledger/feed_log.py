"""Writing to the feed: what happened, in the order in which it was booked."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Text, cast, select

from farm.ledger import schema
from farm.ledger.row_statement import RowStatement, insertion, upsertion
from farm.ledger.rows import FEED_COLUMNS, feed_row
from farm.model.feed import FeedEntry

_POSITION = "feed_position"


def append_feed(connection: Connection, entries: Sequence[FeedEntry]) -> None:
    """Add the entries to the feed within the transaction of `connection`, each under the next `seq`.

    Until the transaction ends no other one can add to the feed. So the numbers are
    committed in their order, and a reader that goes on after the last one it saw skips
    nothing. For the same reason this belongs at the end of a transaction.
    """
    if not entries:
        return
    first = _advance_by(connection, len(entries)) - len(entries) + 1
    numbered = [feed_row(seq, entry) for seq, entry in enumerate(entries, first)]
    _addition(connection.dialect.name).run(connection, numbered)


def hold_feed(connection: Connection) -> None:
    """Let no other transaction add to the feed until this one ends.

    For rows of other tables that are read by cursor and must become visible in the order
    of their ids.
    """
    _advance_by(connection, 0)


def feed_position(connection: Connection) -> int:
    """The `seq` that the feed gave last, 0 before the first; also where that entry is no longer kept."""
    meta = schema.ledger_meta.c
    value = connection.execute(select(meta.value).where(meta.key == _POSITION)).scalar()
    return 0 if value is None else int(value)


def _advance_by(connection: Connection, count: int) -> int:
    """Move the position on and give the new one; the row stays locked until the transaction ends."""
    moved = _advance(connection.dialect.name).run_one(connection, _POSITION, str(count))
    return 0 if moved is None else int(moved[0])


@cache
def _addition(dialect: str) -> RowStatement:
    return insertion(schema.feed, dialect, FEED_COLUMNS)


@cache
def _advance(dialect: str) -> RowStatement:
    """Moves the position by the number given as text, and gives the new one."""
    value = schema.ledger_meta.c.value

    def moved(given: ColumnElement[Any]) -> ColumnElement[Any]:
        return cast(cast(value, BigInteger) + cast(given, BigInteger), Text)

    return upsertion(schema.ledger_meta, dialect, ("key", "value"), {"value": moved}, returning=[value])
