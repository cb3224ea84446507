"""The outbox: what is to be written to InfluxDB, as the ledger holds it.

It has no copy of anything. The feed and the telemetry were committed in the same
transactions as the facts that they tell; each queue only remembers how far it has come.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import Row, func, select

from farm.influx.points import KnownPrinters
from farm.ledger import rows, schema
from farm.ledger.ledger_database import LedgerDatabase
from farm.ledger.median_reach import first_by_median
from farm.ledger.outbox_positions import (
    READERS,
    Position,
    Reject,
    forget_positions,
    read_position,
    record_rejects,
    write_position,
)
from farm.model.feed import FeedEntry
from farm.model.job import Job
from farm.model.printer import Address, Printer
from farm.model.span import Span
from farm.model.states import PrinterState

_MOST_AT_ONCE = 500

_telemetry = schema.telemetry.c


class Outbox(LedgerDatabase):
    """The ledger as the sender uses it."""

    def position(self, reader: str) -> Position | None:
        """Where the queue stands; None when it was never begun."""
        with self._reads() as connection:
            return read_position(connection, reader)

    def save(self, position: Position, at_ms: int, rejects: Sequence[Reject]) -> None:
        """Store where the queue stands and what was refused on the way."""
        with self._writes() as connection:
            write_position(connection, position)
            record_rejects(connection, position.reader, at_ms, rejects)

    def forget(self) -> None:
        """Forget how far everything was shipped, when nothing is shipped any more.

        Else telemetry would be kept for a server that is not there. If shipping is taken up
        again, it begins with all that the ledger holds, which doubles nothing.
        """
        with self._reads() as connection:
            if not any(read_position(connection, reader) for reader in READERS):
                return
        with self._writes() as connection:
            forget_positions(connection)

    def feed(self, after_seq: int, limit: int) -> list[FeedEntry]:
        """Entries of the feed, in order."""
        table = schema.feed
        wanted = select(table).where(table.c.seq > after_seq).order_by(table.c.seq).limit(limit)
        with self._reads() as connection:
            return [rows.feed_entry_of(row) for row in connection.execute(wanted).mappings()]

    def feed_head(self) -> int:
        """The number of the feed's last entry, 0 without one."""
        with self._reads() as connection:
            return connection.execute(select(func.max(schema.feed.c.seq))).scalar() or 0

    def first_by_median(self, file: str) -> int | None:
        """When the first print of the file ended that is held against its median; None for none."""
        with self._reads() as connection:
            return first_by_median(connection, file)

    def known(self) -> KnownPrinters:
        """Every printer with its addresses."""
        addresses: dict[str, list[Address]] = {}
        with self._reads() as connection:
            for row in connection.execute(select(schema.printer_address)):
                address = Address(row.broker, row.adapter, row.prefix)
                addresses.setdefault(row.printer_id, []).append(address)
            found = connection.execute(select(schema.printer)).mappings()
            printers: dict[str, Printer] = {row["id"]: rows.printer_of(row) for row in found}
        return KnownPrinters(printers, addresses)

    def aliases(self, job_ids: Collection[str]) -> dict[str, list[tuple[str, str]]]:
        """Under which (history, native id) the printers know these jobs."""
        if not job_ids:
            return {}
        wanted = sorted(job_ids)
        aliases: dict[str, list[tuple[str, str]]] = {}
        with self._reads() as connection:
            for start in range(0, len(wanted), _MOST_AT_ONCE):
                some = schema.job_alias.c.job_id.in_(wanted[start : start + _MOST_AT_ONCE])
                for row in connection.execute(select(schema.job_alias).where(some)):
                    aliases.setdefault(row.job_id, []).append((row.history, row.native_id))
        return aliases

    def spans_from(self, printer_id: str, from_ms: int) -> list[Span]:
        """The printer's spans that start at the instant or later."""
        table = schema.span.c
        wanted = (
            select(schema.span)
            .where(table.printer_id == printer_id, table.from_ms >= from_ms)
            .order_by(table.from_ms)
        )
        with self._reads() as connection:
            found = connection.execute(wanted).all()
        return [
            Span(row.printer_id, PrinterState(row.state), row.from_ms, row.to_ms, row.source, row.reason)
            for row in found
        ]

    def jobs_from(self, printer_id: str, from_ms: int) -> list[Job]:
        """The printer's jobs that began or ended at the instant or later."""
        table = schema.job.c
        wanted = select(schema.job).where(
            table.printer_id == printer_id, (table.started_ms >= from_ms) | (table.ended_ms >= from_ms)
        )
        with self._reads() as connection:
            return [rows.job_of(row) for row in connection.execute(wanted).mappings()]

    def telemetry(self, after: int, upto: int, limit: int) -> Sequence[Row[int, str, int, bytes]]:
        """Samples (id, printer_id, at_ms, body) after one id, up to and with the other, in order."""
        wanted = (
            select(_telemetry.id, _telemetry.printer_id, _telemetry.at_ms, _telemetry.body)
            .where(_telemetry.id > after, _telemetry.id <= upto)
            .order_by(_telemetry.id)
            .limit(limit)
        )
        with self._reads() as connection:
            return connection.execute(wanted).all()

    def telemetry_bytes(self, after: int, upto: int) -> int:
        """The size of the samples in that interval."""
        size = func.coalesce(func.sum(func.length(_telemetry.body)), 0)
        wanted = select(size).where(_telemetry.id > after, _telemetry.id <= upto)
        with self._reads() as connection:
            return int(connection.execute(wanted).scalar_one())

    def telemetry_sizes(self, after: int, upto: int, limit: int) -> list[tuple[int, int]]:
        """Id and size of samples in that interval, in order."""
        wanted = (
            select(_telemetry.id, func.length(_telemetry.body))
            .where(_telemetry.id > after, _telemetry.id <= upto)
            .order_by(_telemetry.id)
            .limit(limit)
        )
        with self._reads() as connection:
            return [(row[0], row[1]) for row in connection.execute(wanted)]

    def telemetry_head(self) -> int:
        """The highest id. Transactions add telemetry one after the other, so no lower one can follow."""
        with self._reads() as connection:
            return int(connection.execute(select(func.coalesce(func.max(_telemetry.id), 0))).scalar_one())
