"""How far InfluxDB is behind the ledger, read from the ledger by whoever wants to show it."""

from typing import Final

import msgspec
from sqlalchemy import Connection, Engine, func, select

from farm.ledger import schema
from farm.ledger.ledger_database import LedgerDatabase
from farm.ledger.outbox_positions import (
    FEED,
    KPIS,
    READERS,
    RESTATED,
    TELEMETRY,
    Gap,
    Position,
    Trouble,
    read_position,
)
from farm.model.times import SECOND_MS

RESTATED_QUEUE: Final = "restated"
"""The name of the queue whose work may take hours without anything being wrong."""
_SAMPLE = 1_000

_feed, _telemetry = schema.feed.c, schema.telemetry.c


class QueueStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One queue to InfluxDB.

    `entries` and `bytes` are unsent; the bytes of the feed are estimated from its next
    thousand entries, indicators take no room. `seconds` is the age of the oldest unsent
    entry by event time, of restated indicators how long the first change has waited; 0 when
    nothing is unsent. The other figures count from the beginning.
    """

    queue: str
    entries: int
    bytes: int
    seconds: float
    stored: int
    rejected: int
    dropped: int
    stored_ms: int | None
    trouble: Trouble | None


class OutboxStatus(LedgerDatabase):
    """Reads how the outbox stands; it needs no connection to InfluxDB."""

    def __init__(self, engine: Engine, kpi_every_seconds: int = 60) -> None:
        super().__init__(engine)
        self._kpi_every_ms = kpi_every_seconds * SECOND_MS

    def queues(self, now_ms: int) -> list[QueueStatus]:
        """The queues `feed`, `telemetry`, `kpi` and `restated`, as far as they were ever begun."""
        with self._reads() as connection:
            begun = [read_position(connection, reader) for reader in (*READERS, RESTATED)]
            return [self._status(connection, each, now_ms) for each in begun if each is not None]

    def _status(self, connection: Connection, position: Position, now_ms: int) -> QueueStatus:
        if position.reader == KPIS:
            entries, size, oldest_ms = self._unsent_kpis(position, now_ms)
        elif position.reader == RESTATED:
            entries, size, oldest_ms = self._unsent_restated(position)
        else:
            unsent = {FEED: _unsent_feed, TELEMETRY: _unsent_telemetry}[position.reader]
            entries, size, oldest_ms = unsent(connection, position)
        return QueueStatus(
            queue=position.reader.removeprefix("influx:"),
            entries=entries,
            bytes=size,
            seconds=0.0 if oldest_ms is None else max(0, now_ms - oldest_ms) / SECOND_MS,
            stored=position.stored,
            rejected=position.rejected,
            dropped=position.dropped,
            stored_ms=position.stored_ms,
            trouble=position.trouble,
        )

    def _unsent_kpis(self, position: Position, now_ms: int) -> "_Unsent":
        """The instants that were missed; the one that is due just now is not."""
        every_ms = self._kpi_every_ms
        intervals = list(position.gaps)
        if now_ms - position.seq >= 2 * every_ms:
            intervals.append(Gap(position.seq, now_ms // every_ms * every_ms))
        entries = sum(gap.upto - gap.after for gap in intervals) // every_ms
        return entries, 0, intervals[0].after + every_ms if intervals else None

    def _unsent_restated(self, position: Position) -> "_Unsent":
        """The instants whose points are still to be written again."""
        entries = sum(gap.upto - gap.after for gap in position.gaps) // self._kpi_every_ms
        return entries, 0, position.waiting_ms


_Unsent = tuple[int, int, int | None]


def _unsent_feed(connection: Connection, position: Position) -> _Unsent:
    head = connection.execute(select(func.max(_feed.seq))).scalar() or 0
    wanted = select(func.length(_feed.body), _feed.at_ms).where(_feed.seq > position.seq)
    sample = connection.execute(wanted.order_by(_feed.seq).limit(_SAMPLE)).all()
    if not sample:
        return 0, 0, None
    entries = head - position.seq
    return entries, sum(row[0] for row in sample) * entries // len(sample), sample[0][1]


def _unsent_telemetry(connection: Connection, position: Position) -> _Unsent:
    head = connection.execute(select(func.max(_telemetry.id))).scalar() or 0
    intervals = [*position.gaps, Gap(position.seq, max(head, position.seq))]
    entries = sum(gap.upto - gap.after for gap in intervals)
    if not entries:
        return 0, 0, None
    fresh = func.coalesce(func.sum(func.length(_telemetry.body)), 0)
    start = max(position.measured, position.seq)
    size = connection.execute(select(fresh).where(_telemetry.id > start)).scalar_one()
    first = (
        select(_telemetry.at_ms).where(_telemetry.id > intervals[0].after).order_by(_telemetry.id).limit(1)
    )
    return entries, position.unsent_bytes + int(size), connection.execute(first).scalar()
