"""What the read model of the figures is made from: printers, spans and ended jobs, and what changed."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Select, select

from farm.ledger import rows, schema
from farm.ledger.chosen_printers import among
from farm.ledger.feed_log import feed_position
from farm.ledger.job_filter import JobFilter, JobPage
from farm.ledger.job_pages import job_page
from farm.ledger.ledger_database import LedgerDatabase
from farm.ledger.maintenance_store import standing_maintenance
from farm.ledger.span_pages import CountedInterval, SpanPage, span_page
from farm.ledger.verdict_store import standing_verdicts
from farm.model.feed import FeedEntry
from farm.model.planned_maintenance import PlannedMaintenance
from farm.model.printer import Printer
from farm.model.span import Span
from farm.model.states import PrinterState
from farm.model.verdict import Verdict

_job, _span, _printer, _feed = schema.job.c, schema.span.c, schema.printer.c, schema.feed.c
_verdict = schema.verdict.c
_ROWS_AT_ONCE = 10_000
_STATES: Final = {state.value: state for state in PrinterState}


class EndedRow(NamedTuple):
    """What counts of a job that ended; the fields are columns of its table."""

    id: str
    printer_id: str
    ended_ms: int
    outcome: str
    cancelled_by: str | None
    units: int
    printing_ms: int
    preparing_ms: int
    paused_ms: int
    started_ms: int | None
    file: str | None
    material: str | None
    operator: str | None
    spool: str | None
    cause: str | None
    filament_g: float | None
    filament_mm: float | None
    resin_ml: float | None
    expected_ms: int | None


class InspectedRow(NamedTuple):
    """What counts of a job that ended and was inspected."""

    id: str
    printer_id: str
    ended_ms: int
    outcome: str
    cancelled_by: str | None
    started_ms: int | None
    units: int
    file: str | None
    material: str | None
    operator: str | None
    spool: str | None
    cause: str | None
    filament_g: float | None
    filament_mm: float | None
    resin_ml: float | None
    good_units: int
    rejected_units: int


class PrinterRow(NamedTuple):
    """A printer, also a retired or ignored one, and the shard that holds it."""

    printer: Printer
    shard: str | None


class LedgerState:
    """One state of the ledger, for as long as its transaction lasts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def feed_position(self) -> int:
        """The `seq` of the last entry that the feed was ever given."""
        return feed_position(self._connection)

    def feed(self, after_seq: int, limit: int) -> list[FeedEntry]:
        """Entries after `after_seq`, in order."""
        wanted = select(schema.feed).where(_feed.seq > after_seq).order_by(_feed.seq).limit(limit)
        return [rows.feed_entry_of(row) for row in self._connection.execute(wanted).mappings()]

    def feed_entry(self, seq: int) -> FeedEntry | None:
        """The entry of that number, None where it is no longer kept."""
        row = self._connection.execute(select(schema.feed).where(_feed.seq == seq)).mappings().first()
        return None if row is None else rows.feed_entry_of(row)

    def booked_until(self) -> dict[str, int]:
        """Until when (ms) each shard booked."""
        shard = schema.collector.c
        found = self._connection.execute(select(shard.client_id, shard.booked_until_ms))
        return {row.client_id: row.booked_until_ms for row in found}

    def printers(self) -> list[PrinterRow]:
        """Every printer, by first sight and id."""
        wanted = select(*(_printer[name] for name in Printer.__struct_fields__), _printer.collector)
        found = self._connection.execute(wanted.order_by(_printer.first_seen_ms, _printer.id))
        return [PrinterRow(rows.printer_with(*facts), shard) for *facts, shard in found]

    def planned_maintenance(self) -> list[PlannedMaintenance]:
        """All work that was planned and not withdrawn."""
        return standing_maintenance(self._connection)

    def accounts(self) -> Iterator[tuple[str, list[Span]]]:
        """The spans of every printer, each printer's by start."""
        wanted = _spans().order_by(_span.printer_id, _span.from_ms)
        for printer_id, found in groupby(self._streamed(wanted), itemgetter(0)):
            yield printer_id, [_span_of(row) for row in found]

    def spans_from(self, printer_id: str, from_ms: int) -> list[Span]:
        """The printer's spans that begin at `from_ms` or later, by start."""
        wanted = _spans().where(_span.printer_id == printer_id, _span.from_ms >= from_ms)
        return [_span_of(row) for row in self._connection.execute(wanted.order_by(_span.from_ms))]

    def ended_jobs(self) -> Iterator[EndedRow]:
        """Every job that ended."""
        return (EndedRow(*row) for row in self._streamed(_ended()))

    def ended_among(self, job_ids: Iterable[str]) -> list[EndedRow]:
        """Those of the named jobs that ended."""
        wanted = _ended().where(among(self._connection, _job.id, job_ids))
        return [EndedRow(*row) for row in self._connection.execute(wanted)]

    def job_page(self, wanted: JobFilter) -> JobPage:
        """The jobs of a page. Raises InvalidInput for a mark that is none of ours."""
        return job_page(self._connection, wanted)

    def verdicts(self, job_ids: Iterable[str]) -> dict[str, Verdict]:
        """The verdicts on the named jobs, by job."""
        return standing_verdicts(self._connection, job_ids)

    def span_page(self, services: Sequence[CountedInterval], after: str | None, limit: int) -> SpanPage:
        """The account of the services in their order, page by page. Raises InvalidInput for another mark."""
        return span_page(self._connection, services, after, limit)

    def inspected(self, job_ids: Iterable[str] | None = None) -> list[InspectedRow]:
        """Every job that ended and was inspected, or those of the named ones."""
        facts = (_job[name] for name in InspectedRow._fields[:-2])
        wanted = (
            select(*facts, _verdict.good_units, _verdict.rejected_units)
            .select_from(schema.verdict.join(schema.job, _job.id == _verdict.job_id))
            .where(_job.ended_ms.is_not(None), _job.outcome.is_not(None))
        )
        if job_ids is not None:
            wanted = wanted.where(among(self._connection, _job.id, job_ids))
        return [InspectedRow._make(row) for row in self._connection.execute(wanted)]

    def _streamed(self, wanted: Select[Any]) -> Iterator[Any]:
        found = self._connection.execute(wanted, execution_options={"stream_results": True})
        for part in found.partitions(_ROWS_AT_ONCE):
            yield from part


class FigureRows(LedgerDatabase):
    """Gives states of the ledger to read from."""

    @contextmanager
    def state(self) -> Iterator[LedgerState]:
        """The ledger as it stands. Raises LedgerError when it cannot be read."""
        with self._reads() as connection:
            yield LedgerState(connection)


def _spans() -> Select[Any]:
    return select(_span.printer_id, _span.state, _span.from_ms, _span.to_ms, _span.source, _span.reason)


def _span_of(row: Any) -> Span:
    printer_id, state, from_ms, to_ms, source, reason = row
    return Span(printer_id, _STATES[state], from_ms, to_ms, source, reason)


def _ended() -> Select[Any]:
    columns = (_job[name] for name in EndedRow._fields)
    return select(*columns).where(_job.ended_ms.is_not(None), _job.outcome.is_not(None))
