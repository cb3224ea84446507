"""The ledger as everybody but the collector sees it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, and_, func, select

from farm.model.feed import FeedEntry
from farm.model.job import Job
from farm.model.printer import Printer
from farm.model.span import Span
from farm.model.states import PrinterState
from farm.storage import outcome_totals, rows, schema, time_account
from farm.storage.chosen_printers import among, asked_for
from farm.storage.job_pages import job_page
from farm.storage.kind_of_time import simulated_now
from farm.storage.ledger_database import LedgerDatabase
from farm.storage.ledger_port import (
    EndedCount,
    Evidence,
    IntakeFault,
    JobFilter,
    JobPage,
    OutcomeCount,
    Revision,
    Standing,
    TelemetryRow,
)

_job, _printer, _span = schema.job.c, schema.printer.c, schema.span.c
_by_name = (_printer.name, _printer.id)


class SqlLedgerReader(LedgerDatabase):
    """`LedgerReader` over SQL."""

    def now_ms(self, system_ms: int) -> int:
        """As `LedgerReader.now_ms`."""
        with self._reads() as connection:
            simulated = simulated_now(connection)
        return system_ms if simulated is None else simulated

    def printers(self, *, everything: bool = False) -> list[Printer]:
        """As `LedgerReader.printers`."""
        wanted = select(*(_printer[name] for name in Printer.__struct_fields__)).order_by(*_by_name)
        if not everything:
            wanted = wanted.where(_printer.retired_ms.is_(None), _printer.ignored.is_(False))
        with self._reads() as connection:
            return [rows.printer_with(*row) for row in connection.execute(wanted)]

    def standings(self, printer_ids: Iterable[str] | None = None) -> list[Standing]:
        """As `LedgerReader.standings`."""
        wanted = None if printer_ids is None else list(printer_ids)
        with self._reads() as connection:
            stand = connection.execute(_standings(connection, wanted)).mappings().all()
            under_way = connection.execute(_open_jobs(connection, wanted)).mappings()
            jobs = {row["printer_id"]: rows.job_of(row) for row in under_way}
        return [_standing(row, jobs.get(row["id"])) for row in stand]

    def spans(self, from_ms: int, to_ms: int, printer_ids: Sequence[str] | None = None) -> list[Span]:
        """As `LedgerReader.spans`."""
        with self._reads() as connection:
            return time_account.spans(connection, from_ms, to_ms, printer_ids)

    def state_totals(
        self, from_ms: int, to_ms: int, printer_ids: Sequence[str] | None = None
    ) -> Mapping[str, Mapping[PrinterState, int]]:
        """As `LedgerReader.state_totals`."""
        with self._reads() as connection:
            return time_account.state_totals(connection, from_ms, to_ms, printer_ids)

    def outcome_counts(
        self, from_ms: int, to_ms: int, printer_ids: Sequence[str] | None = None
    ) -> list[OutcomeCount]:
        """As `LedgerReader.outcome_counts`."""
        with self._reads() as connection:
            return outcome_totals.outcome_counts(connection, from_ms, to_ms, printer_ids)

    def ended_jobs(self) -> list[EndedCount]:
        """As `LedgerReader.ended_jobs`."""
        with self._reads() as connection:
            return outcome_totals.ended_jobs(connection)

    def jobs(self, wanted: JobFilter) -> JobPage:
        """As `LedgerReader.jobs`."""
        with self._reads() as connection:
            return job_page(connection, wanted)

    def revisions(self, job_id: str) -> list[Revision]:
        """As `LedgerReader.revisions`."""
        revision = schema.revision.c
        wanted = (
            select(schema.revision).where(revision.job_id == job_id).order_by(revision.at_ms, revision.id)
        )
        with self._reads() as connection:
            return [rows.revision_of(row) for row in connection.execute(wanted).mappings()]

    def evidence(self, printer_id: str, from_ms: int, to_ms: int, limit: int = 1000) -> list[Evidence]:
        """As `LedgerReader.evidence`."""
        evidence = schema.evidence.c
        wanted = (
            select(schema.evidence)
            .where(evidence.printer_id == printer_id, evidence.at_ms >= from_ms, evidence.at_ms < to_ms)
            .order_by(evidence.at_ms, evidence.ordinal)
            .limit(limit)
        )
        with self._reads() as connection:
            return [Evidence(**row) for row in connection.execute(wanted).mappings()]

    def last_terminal_jobs(self, printer_id: str, limit: int) -> list[Job]:
        """As `LedgerReader.last_terminal_jobs`."""
        wanted = (
            select(schema.job)
            .where(_job.printer_id == printer_id, _job.ended_ms.is_not(None))
            .order_by(_job.ended_ms.desc(), _job.started_ms.desc(), _job.id.desc())
            .limit(limit)
        )
        with self._reads() as connection:
            return [rows.job_of(row) for row in connection.execute(wanted).mappings()]

    def feed(self, after_seq: int, limit: int) -> list[FeedEntry]:
        """As `LedgerReader.feed`."""
        feed = schema.feed.c
        wanted = select(schema.feed).where(feed.seq > after_seq).order_by(feed.seq).limit(limit)
        with self._reads() as connection:
            return [rows.feed_entry_of(row) for row in connection.execute(wanted).mappings()]

    def feed_head(self) -> int:
        """As `LedgerReader.feed_head`."""
        with self._reads() as connection:
            return connection.execute(select(func.max(schema.feed.c.seq))).scalar() or 0

    def faults(self) -> list[IntakeFault]:
        """As `LedgerReader.faults`."""
        fault = schema.intake_fault.c
        wanted = select(schema.intake_fault).order_by(fault.source, fault.reason)
        with self._reads() as connection:
            return [IntakeFault(**row) for row in connection.execute(wanted).mappings()]

    def telemetry(self, printer_id: str, from_ms: int, to_ms: int) -> list[TelemetryRow]:
        """As `LedgerReader.telemetry`."""
        sample = schema.telemetry.c
        wanted = (
            select(schema.telemetry)
            .where(sample.printer_id == printer_id, sample.at_ms >= from_ms, sample.at_ms < to_ms)
            .order_by(sample.at_ms, sample.id)
        )
        with self._reads() as connection:
            return [rows.telemetry_of(row) for row in connection.execute(wanted).mappings()]


def _standings(connection: Connection, printer_ids: list[str] | None) -> Select[Any]:
    """Each printer with its last span, its checkpoint and its collector, where there are any."""
    other = schema.span.alias("other")
    last = select(func.max(other.c.from_ms)).where(other.c.printer_id == _printer.id).scalar_subquery()
    point, held = schema.checkpoint.c, schema.collector.c
    joined = (
        schema.printer.outerjoin(schema.span, and_(_span.printer_id == _printer.id, _span.from_ms == last))
        .outerjoin(schema.checkpoint, point.printer_id == _printer.id)
        .outerjoin(schema.collector, held.client_id == _printer.collector)
    )
    wanted = (
        select(
            schema.printer,
            _span.state,
            _span.from_ms,
            _span.to_ms,
            _span.source,
            point.heard_ms,
            point.live,
            held.booked_until_ms,
        )
        .select_from(joined)
        .where(asked_for(connection, printer_ids))
        .order_by(*_by_name)
    )
    return wanted.where(_printer.retired_ms.is_(None)) if printer_ids is None else wanted


def _open_jobs(connection: Connection, printer_ids: list[str] | None) -> Select[Any]:
    """Jobs under way, of each printer the latest last."""
    wanted = select(schema.job).where(_job.ended_ms.is_(None)).order_by(func.coalesce(_job.started_ms, 0))
    return wanted if printer_ids is None else wanted.where(among(connection, _job.printer_id, printer_ids))


def _standing(row: RowMapping, job: Job | None) -> Standing:
    printer = rows.printer_of(row)
    state, since_ms, source = PrinterState.UNKNOWN, printer.first_seen_ms, time_account.SILENCE
    if row["to_ms"] is not None:
        since_ms = row["to_ms"]
    elif row["state"] is not None:
        state, since_ms, source = PrinterState(row["state"]), row["from_ms"], row["source"]
    return Standing(
        printer=printer,
        state=state,
        since_ms=since_ms,
        source=source,
        heard_ms=printer.first_seen_ms if row["heard_ms"] is None else row["heard_ms"],
        known_until_ms=row["booked_until_ms"] or 0,
        live=rows.live_of(row["live"]),
        job=job,
    )
