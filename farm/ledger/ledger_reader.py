"""The ledger as everybody but the collector sees it."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, RowMapping, Select, and_, func, select

from farm.ledger import job_counts, rows, schema, time_account
from farm.ledger.chosen_printers import among, asked_for
from farm.ledger.job_filter import JobFilter, JobPage
from farm.ledger.job_pages import job_page
from farm.ledger.kind_of_time import simulated_now
from farm.ledger.ledger_database import LedgerDatabase
from farm.ledger.median_reach import first_by_median
from farm.ledger.records import Evidence, IntakeFault, RejectedMessage, Revision, ShardStanding, TelemetryRow
from farm.model.clash import PublisherClash
from farm.model.feed import FeedEntry
from farm.model.job import Job
from farm.model.observation import Telemetry
from farm.model.outcome_count import EndedCount
from farm.model.printer import Printer
from farm.model.printer_status import PrinterStatus
from farm.model.span import Span
from farm.model.states import PrinterState

_job, _printer, _span = schema.job.c, schema.printer.c, schema.span.c
NO_PROCESS = "rebuild"
"""The holder of a shard that was filled once and that no process books into."""
_by_name = (_printer.name, _printer.id)


class _Named(msgspec.Struct, frozen=True):
    """The name in an earlier row; a job's row, which stands in the same place, has none."""

    name: str | None = None


class LedgerReader(LedgerDatabase):
    """`LedgerReader` over SQL."""

    def now_ms(self, system_ms: int) -> int:
        """The ledger's present: `system_ms`, or the last simulated instant of a simulated ledger."""
        with self._reads() as connection:
            simulated = simulated_now(connection)
        return system_ms if simulated is None else simulated

    def printers(self, *, everything: bool = False) -> list[Printer]:
        """The printers, by name."""
        wanted = select(*(_printer[name] for name in Printer.__struct_fields__)).order_by(*_by_name)
        if not everything:
            wanted = wanted.where(_printer.retired_ms.is_(None), _printer.ignored.is_(False))
        with self._reads() as connection:
            return [rows.printer_with(*row) for row in connection.execute(wanted)]

    def prefixes(self) -> list[str]:
        """The topic prefixes under which printers are heard, or were, in order."""
        prefix = schema.printer_address.c.prefix
        with self._reads() as connection:
            return list(connection.execute(select(prefix).distinct().order_by(prefix)).scalars())

    def statuses(self, printer_ids: Iterable[str] | None = None) -> list[PrinterStatus]:
        """How the printers stand, by name; the named ones also when retired or ignored."""
        wanted = None if printer_ids is None else list(printer_ids)
        with self._reads() as connection:
            stand = connection.execute(_printers_now(connection, wanted)).mappings().all()
            under_way = connection.execute(_open_jobs(connection, wanted)).mappings()
            jobs = {row["printer_id"]: rows.job_of(row) for row in under_way}
            heard = _last_heard(connection.execute(_sessions(connection, wanted)).mappings())
        return [_status(row, jobs.get(row["id"]), heard.get(row["id"])) for row in stand]

    def shards(self) -> list[ShardStanding]:
        """The shards that hold printers, by name; one that only `rebuild` filled is nobody's."""
        held, printers = schema.collector.c, func.count(_printer.id)
        wanted = (
            select(held.client_id, held.booked_until_ms, printers)
            .join(schema.printer, _printer.collector == held.client_id)
            .where(_printer.retired_ms.is_(None), _printer.ignored.is_(False), held.holder != NO_PROCESS)
            .group_by(held.client_id, held.booked_until_ms)
            .order_by(held.client_id)
        )
        with self._reads() as connection:
            return [ShardStanding(*row) for row in connection.execute(wanted)]

    def spans(self, from_ms: int, to_ms: int, printer_ids: Sequence[str] | None = None) -> list[Span]:
        """Spans that touch the window, cut to it, by printer and start.

        An open span reaches until its collector last booked; after that, up to `to_ms`,
        stands a span `unknown` (source `silence`), as in every other hole.
        """
        with self._reads() as connection:
            return time_account.spans(connection, from_ms, to_ms, printer_ids)

    def ended_jobs(self) -> list[EndedCount]:
        """All jobs that ever ended, counted by outcome and cause."""
        with self._reads() as connection:
            return job_counts.ended_jobs(connection)

    def jobs(self, wanted: JobFilter) -> JobPage:
        """One page of jobs. Raises InvalidQuery when `after` is no mark of a page."""
        with self._reads() as connection:
            return job_page(connection, wanted)

    def jobs_with_prefix(self, prefix: str, limit: int) -> list[Job]:
        """Jobs whose ids begin so, by id; at most `limit`."""
        wanted = select(schema.job).where(_job.id.startswith(prefix, autoescape=True))
        with self._reads() as connection:
            found = connection.execute(wanted.order_by(_job.id).limit(limit)).mappings()
            return [rows.job_of(row) for row in found]

    def first_by_median(self, file: str) -> int | None:
        """When the first print of the file ended that is held against its median; None for none."""
        with self._reads() as connection:
            return first_by_median(connection, file)

    def revisions(self, job_id: str) -> list[Revision]:
        """Every revision of a job, oldest first."""
        revision = schema.revision.c
        wanted = (
            select(schema.revision).where(revision.job_id == job_id).order_by(revision.at_ms, revision.id)
        )
        with self._reads() as connection:
            return [rows.revision_of(row) for row in connection.execute(wanted).mappings()]

    def former_names(self) -> list[tuple[str, str]]:
        """Id of the printer and name, for every name that people took from a printer; the last ones first."""
        revision = schema.revision.c
        wanted = select(revision.printer_id, revision.before).where(
            revision.job_id.is_(None), revision.before.is_not(None)
        )
        with self._reads() as connection:
            found = connection.execute(wanted.order_by(revision.at_ms.desc(), revision.id.desc())).all()
        named = ((row.printer_id, msgspec.json.decode(row.before, type=_Named).name) for row in found)
        return [(printer_id, name) for printer_id, name in named if name is not None]

    def evidence(self, printer_id: str, from_ms: int, to_ms: int, limit: int = 1000) -> list[Evidence]:
        """The printer's evidence in the window, in order: what its jobs and states rest on."""
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
        """The printer's last ended jobs, newest first."""
        wanted = (
            select(schema.job)
            .where(_job.printer_id == printer_id, _job.ended_ms.is_not(None))
            .order_by(_job.ended_ms.desc(), _job.started_ms.desc(), _job.id.desc())
            .limit(limit)
        )
        with self._reads() as connection:
            return [rows.job_of(row) for row in connection.execute(wanted).mappings()]

    def last_ended_jobs(self, printer_ids: Iterable[str]) -> dict[str, Job]:
        """The job that each of the printers ended last, by printer; none where none ended."""
        one = schema.job.alias("one")
        its_last = (
            select(one.c.id)
            .where(one.c.printer_id == _printer.id, one.c.ended_ms.is_not(None))
            .order_by(one.c.ended_ms.desc(), one.c.started_ms.desc(), one.c.id.desc())
            .limit(1)
            .scalar_subquery()
        )
        with self._reads() as connection:
            wanted = select(its_last).where(among(connection, _printer.id, printer_ids))
            found = connection.execute(select(schema.job).where(_job.id.in_(wanted))).mappings()
            return {row["printer_id"]: rows.job_of(row) for row in found}

    def feed(self, after_seq: int, limit: int) -> list[FeedEntry]:
        """Feed entries after `after_seq`, in order; never skips one that commits late."""
        feed = schema.feed.c
        wanted = select(schema.feed).where(feed.seq > after_seq).order_by(feed.seq).limit(limit)
        with self._reads() as connection:
            return [rows.feed_entry_of(row) for row in connection.execute(wanted).mappings()]

    def feed_head(self) -> int:
        """The highest `seq` of the feed, 0 when it is empty."""
        with self._reads() as connection:
            return connection.execute(select(func.max(schema.feed.c.seq))).scalar() or 0

    def faults(self) -> list[IntakeFault]:
        """The counters of dropped messages."""
        fault = schema.intake_fault.c
        wanted = select(schema.intake_fault).order_by(fault.source, fault.reason)
        with self._reads() as connection:
            return [IntakeFault(**row) for row in connection.execute(wanted).mappings()]

    def rejected_messages(self, limit: int) -> list[RejectedMessage]:
        """The messages put aside last, newest first; only the newest of all are kept."""
        wanted = select(*(schema.rejected_message.c[name] for name in rows.REJECTED_COLUMNS))
        wanted = wanted.order_by(schema.rejected_message.c.id.desc()).limit(limit)
        with self._reads() as connection:
            return [RejectedMessage(**row) for row in connection.execute(wanted).mappings()]

    def rejected_count(self) -> int:
        """How many rejected messages are kept."""
        with self._reads() as connection:
            return connection.execute(select(func.count()).select_from(schema.rejected_message)).scalar_one()

    def telemetry(self, printer_id: str, from_ms: int, to_ms: int) -> list[TelemetryRow]:
        """Kept telemetry of one printer in the window, in order."""
        sample = schema.telemetry.c
        wanted = (
            select(schema.telemetry)
            .where(sample.printer_id == printer_id, sample.at_ms >= from_ms, sample.at_ms < to_ms)
            .order_by(sample.at_ms, sample.id)
        )
        with self._reads() as connection:
            return [rows.telemetry_of(row) for row in connection.execute(wanted).mappings()]


def _printers_now(connection: Connection, printer_ids: list[str] | None) -> Select[Any]:
    """Each printer with its last span and its collector, where there are any."""
    other = schema.span.alias("other")
    last = select(func.max(other.c.from_ms)).where(other.c.printer_id == _printer.id).scalar_subquery()
    held = schema.collector.c
    joined = schema.printer.outerjoin(
        schema.span, and_(_span.printer_id == _printer.id, _span.from_ms == last)
    ).outerjoin(schema.collector, held.client_id == _printer.collector)
    wanted = (
        select(
            schema.printer,
            _span.state,
            _span.from_ms,
            _span.to_ms,
            _span.source,
            _span.reason,
            held.booked_until_ms,
        )
        .select_from(joined)
        .where(asked_for(connection, printer_ids))
        .order_by(*_by_name)
    )
    return wanted.where(_printer.retired_ms.is_(None)) if printer_ids is None else wanted


def _sessions(connection: Connection, printer_ids: list[str] | None) -> Select[Any]:
    """The sessions of the printers, the one heard last at the end."""
    wanted = select(schema.session).order_by(schema.session.c.heard_ms)
    if printer_ids is None:
        return wanted
    return wanted.where(among(connection, schema.session.c.printer_id, printer_ids))


class _Heard(NamedTuple):
    """When a printer was last heard, its telemetry, its last clash, when its progress moved last, and
    when its print is done by its own account.
    """

    heard_ms: int
    live: Telemetry
    clash: PublisherClash | None
    progress_ms: int | None
    done_ms: int | None


def _last_heard(sessions: Iterable[RowMapping]) -> dict[str, _Heard]:
    """What is known of each printer by its sessions: of several addresses the later word counts."""
    heard: dict[str, _Heard] = {}
    for row in sessions:
        session = rows.session_of(row)
        before = heard.get(session.printer_id)
        live = session.live if before is None else before.live.overlaid(session.live)
        clashes = [each for each in (session.clash, before and before.clash) if each is not None]
        clash = max(clashes, key=lambda each: each.last_ms, default=None)
        moved = [each for each in (session.progress_ms, before and before.progress_ms) if each is not None]
        done_ms = session.done_ms if session.done_ms is not None or before is None else before.done_ms
        heard[session.printer_id] = _Heard(session.heard_ms, live, clash, max(moved, default=None), done_ms)
    return heard


def _open_jobs(connection: Connection, printer_ids: list[str] | None) -> Select[Any]:
    """Jobs under way, of each printer the latest last."""
    wanted = select(schema.job).where(_job.ended_ms.is_(None)).order_by(func.coalesce(_job.started_ms, 0))
    return wanted if printer_ids is None else wanted.where(among(connection, _job.printer_id, printer_ids))


def _status(row: RowMapping, job: Job | None, heard: _Heard | None) -> PrinterStatus:
    printer = rows.printer_of(row)
    state, since_ms, source = PrinterState.UNKNOWN, printer.first_seen_ms, time_account.SILENCE
    reason: str | None = None
    if row["to_ms"] is not None:
        since_ms = row["to_ms"]
    elif row["state"] is not None:
        state, since_ms, source = PrinterState(row["state"]), row["from_ms"], row["source"]
        reason = row["reason"]
    return PrinterStatus(
        printer=printer,
        state=state,
        since_ms=since_ms,
        source=source,
        heard_ms=printer.first_seen_ms if heard is None else heard.heard_ms,
        known_until_ms=row["booked_until_ms"] or 0,
        live=Telemetry() if heard is None else heard.live,
        job=job,
        clash=None if heard is None else heard.clash,
        progress_ms=None if heard is None else heard.progress_ms,
        done_ms=None if heard is None or job is None else heard.done_ms,
        reason=reason,
    )
