"""Where the sender stands: how far each of its queues is settled, and what it must remember."""

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from farm.ledger import schema

FEED: Final = "influx:feed"
TELEMETRY: Final = "influx:telemetry"
KPIS: Final = "influx:kpi"
READERS: Final = (FEED, TELEMETRY, KPIS)
RESTATED: Final = "influx:restated"
"""Who follows the feed for changes of the past; it holds up nobody, and nothing waits for it."""

MOST_REJECTS_KEPT: Final = 10_000
"""How many refused points are kept for looking at; all of them are counted."""


class Trouble(msgspec.Struct, frozen=True):
    """Why nothing is stored just now, in the words of server or network, and since when."""

    since_ms: int
    status: int | None
    words: str


class Gap(msgspec.Struct, frozen=True, array_like=True):
    """A part of a queue that is still to be sent: after `after`, up to and with `upto`."""

    after: int
    upto: int


class Position(msgspec.Struct, kw_only=True):
    """One queue. Everything up to `seq` is settled, but for the `gaps`, oldest first.

    `unsent_bytes` is the size of what is unsent up to `measured`. Counters never fall. Of instants that are
    written again, `waiting_ms` is since when there are any, and `later_from_ms` since when more are to be
    from `later_ms` on.
    """

    reader: str
    seq: int = 0
    gaps: list[Gap] = []
    stored: int = 0
    rejected: int = 0
    dropped: int = 0
    stored_ms: int | None = None
    measured: int = 0
    unsent_bytes: int = 0
    trouble: Trouble | None = None
    waiting_ms: int | None = None
    later_from_ms: int | None = None
    later_ms: int = 0


class Reject(msgspec.Struct, frozen=True):
    """A point that the server refused for good; `source` is its place in the queue."""

    source: int
    status: int
    answer: str
    line: str


def read_position(connection: Connection, reader: str) -> Position | None:
    """Where the queue stands; None when it was never begun."""
    row = connection.execute(select(schema.cursor).where(schema.cursor.c.reader == reader)).one_or_none()
    if row is None:
        return None
    return msgspec.structs.replace(
        msgspec.json.decode(row.body or f'{{"reader":"{reader}"}}', type=Position), reader=reader, seq=row.seq
    )


def write_position(connection: Connection, position: Position) -> None:
    """Store where the queue stands."""
    body = msgspec.json.encode(position).decode()
    table = schema.cursor
    moved = connection.execute(
        update(table).where(table.c.reader == position.reader).values(seq=position.seq, body=body)
    )
    if moved.rowcount == 0:
        connection.execute(insert(table).values(reader=position.reader, seq=position.seq, body=body))


def settled_telemetry(connection: Connection) -> int | None:
    """The id up to which no telemetry is waited for any more; None where none is shipped at all."""
    position = read_position(connection, TELEMETRY)
    if position is None:
        return None
    return position.gaps[0].after if position.gaps else position.seq


def forget_positions(connection: Connection) -> None:
    """Forget how far everything was shipped: nothing is waited for, and a later start begins anew."""
    connection.execute(delete(schema.cursor).where(schema.cursor.c.reader.in_((*READERS, RESTATED))))


def record_rejects(connection: Connection, reader: str, at_ms: int, rejects: Sequence[Reject]) -> None:
    """Keep what was refused, the newest `MOST_REJECTS_KEPT` of it."""
    if not rejects:
        return
    table = schema.outbox_reject
    rows = [{"reader": reader, "at_ms": at_ms, **msgspec.structs.asdict(reject)} for reject in rejects]
    connection.execute(insert(table), rows)
    newest = connection.execute(select(func.max(table.c.id))).scalar_one()
    connection.execute(delete(table).where(table.c.id <= newest - MOST_REJECTS_KEPT))
