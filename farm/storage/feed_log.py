"""Writing to the feed: what happened, in the order in which it was booked."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Connection, Text, cast

from farm.model.feed import FeedEntry
from farm.storage import schema
from farm.storage.row_statement import RowStatement, insertion, upsertion

_POSITION = "feed_position"
_COLUMNS = ("seq", "at_ms", "kind", "printer_id", "job_id", "body")


def append_feed(connection: Connection, entries: Sequence[FeedEntry]) -> None:
    """Add the entries to the feed within the transaction of `connection`, each under the next `seq`.

    Until the transaction ends no other one can add to the feed. So the numbers are
    committed in their order, and a reader that goes on after the last one it saw skips
    nothing. For the same reason this belongs at the end of a transaction.
    """
    if not entries:
        return
    dialect = connection.dialect.name
    last = int(_advance(dialect).run_one(connection, _POSITION, str(len(entries))).scalar_one())
    encode = msgspec.json.encode
    rows = [
        (seq, entry.at_ms, entry.kind.value, entry.printer_id, entry.job_id, encode(entry.body).decode())
        for seq, entry in enumerate(entries, last - len(entries) + 1)
    ]
    _addition(dialect).run(connection, rows)


@cache
def _addition(dialect: str) -> RowStatement:
    return insertion(schema.feed, dialect, _COLUMNS)


@cache
def _advance(dialect: str) -> RowStatement:
    """Moves the position by the number given as text, and gives the new one."""
    value = schema.ledger_meta.c.value

    def moved(given: Any) -> Any:
        return cast(cast(value, BigInteger) + cast(given, BigInteger), Text)

    return upsertion(schema.ledger_meta, dialect, ("key", "value"), {"value": moved}, returning=value)
