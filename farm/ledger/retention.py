"""What the ledger does not keep for ever: telemetry, evidence with its snapshots, and the feed."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
)

from farm.ledger import schema
from farm.ledger.ledger_database import LedgerDatabase
from farm.ledger.outbox_positions import FEED, settled_telemetry
from farm.model.alert import EVALUATOR

_PRINTERS_AT_ONCE = 50
_ENTRIES_AT_ONCE = 5_000
_FEED_READERS = (EVALUATOR, FEED)

_evidence, _snapshot, _job = schema.evidence.c, schema.snapshot.c, schema.job.c


class LedgerRetention(LedgerDatabase):
    """Deletes what has grown old, in transactions so small that nobody waits long for the write lock."""

    _client_id: str | None = None
    """Client id of the shard that this ledger has claimed; None before."""

    def trim(self, telemetry_before_ms: int) -> int:
        """Delete telemetry older than the instant; gives the number of samples deleted."""
        with self._reads() as connection:
            printers = list(connection.execute(select(schema.printer.c.id)).scalars())
            settled = settled_telemetry(connection)
        sample, gone = schema.telemetry.c, 0
        for first in range(0, len(printers), _PRINTERS_AT_ONCE):
            some = printers[first : first + _PRINTERS_AT_ONCE]
            old = sample.printer_id.in_(some) & (sample.at_ms < telemetry_before_ms)
            if settled is not None:
                old &= sample.id <= settled  # what is still to be shipped to InfluxDB stays
            with self._writes() as connection:
                gone += connection.execute(delete(schema.telemetry).where(old)).rowcount
        return gone

    def trim_evidence(self, before_ms: int) -> int:
        """Delete evidence older than the instant; gives the number of rows deleted.

        Of each printer of the claimed shard the newest snapshot before the instant stays, with
        all evidence behind it: it can be run again from there. What an open job rests on stays.
        """
        with self._reads() as connection:
            due: list[str] = list(connection.execute(_due(self._client_id, before_ms)).scalars())
        gone = 0
        for first in range(0, len(due), _PRINTERS_AT_ONCE):
            with self._writes() as connection:
                for printer_id in due[first : first + _PRINTERS_AT_ONCE]:
                    start = _kept_from(connection, printer_id, before_ms)
                    gone += 0 if start is None else _cut(connection, printer_id, start)
        return gone

    def evidence_cut(self, printer_id: str) -> int | None:
        """The instant up to which the printer's evidence is no longer kept; None while all of it is.

        Nothing at or before it can be put in its place any more: the printer is run again from
        its first snapshot at the earliest.
        """
        with self._reads() as connection:
            first = connection.execute(
                select(_snapshot.at_ms, _snapshot.ordinal)
                .where(_snapshot.printer_id == printer_id)
                .order_by(_snapshot.at_ms, _snapshot.ordinal)
                .limit(1)
            ).first()
            if first is None or _stands_before(connection, printer_id, (first.at_ms, first.ordinal)):
                return None
            return int(first.at_ms)

    def trim_feed(self, before_ms: int) -> int:
        """Delete entries of the feed older than the instant; gives their number.

        What the evaluator or the way to InfluxDB has not read yet stays, and so does the last entry.
        """
        gone = 0
        while True:
            with self._writes() as connection:
                deleted = _cut_feed(connection, before_ms)
            gone += deleted
            if deleted < _ENTRIES_AT_ONCE:
                return gone


def _due(client_id: str | None, before_ms: int) -> Select[Any]:
    """The printers of the shard that have evidence as old as the snapshot that must be kept, or older."""
    printer = schema.printer.c
    newest = (
        select(func.max(_snapshot.at_ms))
        .where(_snapshot.printer_id == printer.id, _snapshot.at_ms < before_ms)
        .scalar_subquery()
    )
    oldest = select(func.min(_evidence.at_ms)).where(_evidence.printer_id == printer.id).scalar_subquery()
    return select(printer.id).where(printer.collector == client_id, oldest <= newest).order_by(printer.id)


def _kept_from(connection: Connection, printer_id: str, before_ms: int) -> tuple[int, int] | None:
    """The place of the snapshot from which the printer stays re-runnable; None where all must stay."""
    under_way = select(func.min(func.coalesce(_job.started_ms, 0))).where(
        _job.printer_id == printer_id, _job.ended_ms.is_(None)
    )
    began_ms = connection.execute(under_way).scalar()
    at_most_ms = before_ms if began_ms is None else min(before_ms, began_ms)
    found = connection.execute(
        select(_snapshot.at_ms, _snapshot.ordinal)
        .where(_snapshot.printer_id == printer_id, _snapshot.at_ms < at_most_ms)
        .order_by(_snapshot.at_ms.desc(), _snapshot.ordinal.desc())
        .limit(1)
    ).first()
    return None if found is None else (found.at_ms, found.ordinal)


def _evidence_up_to(printer_id: str, place: tuple[int, int]) -> ColumnElement[bool]:
    return and_(
        _evidence.printer_id == printer_id,
        _evidence.at_ms <= place[0],  # says no more than the next, but lets the index end there
        tuple_(_evidence.at_ms, _evidence.ordinal) <= tuple_(literal(place[0]), literal(place[1])),
    )


def _stands_before(connection: Connection, printer_id: str, place: tuple[int, int]) -> bool:
    wanted = select(exists().where(_evidence_up_to(printer_id, place)))
    return bool(connection.execute(wanted).scalar())


def _cut(connection: Connection, printer_id: str, start: tuple[int, int]) -> int:
    """Delete evidence up to the snapshot and the snapshots before it, all at once.

    Half of it would leave a snapshot behind which evidence is missing.
    """
    older = and_(
        _snapshot.printer_id == printer_id,
        or_(_snapshot.at_ms < start[0], and_(_snapshot.at_ms == start[0], _snapshot.ordinal < start[1])),
    )
    connection.execute(delete(schema.snapshot).where(older))
    return connection.execute(delete(schema.evidence).where(_evidence_up_to(printer_id, start))).rowcount


def _cut_feed(connection: Connection, before_ms: int) -> int:
    cursor, entry = schema.cursor.c, schema.feed.c
    read = connection.execute(select(func.min(cursor.seq)).where(cursor.reader.in_(_FEED_READERS))).scalar()
    head = connection.execute(select(func.max(entry.seq))).scalar() or 0
    last = head - 1 if read is None else min(read, head - 1)
    old = select(entry.seq).where(entry.at_ms < before_ms, entry.seq <= last).limit(_ENTRIES_AT_ONCE)
    return connection.execute(delete(schema.feed).where(entry.seq.in_(old))).rowcount
