"""Filling an empty ledger with the printers, jobs, verdicts and spans that a bucket holds.

What a bucket does not hold comes back neither: evidence, checkpoints, revisions, alerts and
their deliveries, and telemetry, which InfluxDB keeps longer anyway. So a figure comes out
as it was, but late evidence from before can no longer revise it.
"""

from typing import Any, NamedTuple

import msgspec

from farm.errors import LedgerError
from farm.influx.client import InfluxServer
from farm.influx.history import job_of, spans_of, verdict_trail
from farm.influx.influxql import one_of, quoted, select
from farm.influx.line_protocol import NANOSECONDS_PER_MS
from farm.influx.points import ENDED, JOB_EVENT, KPI, PRINTER_STATE, STARTED, STATE, TELEMETRY
from farm.ledger.batch import Batch
from farm.ledger.ledger import Ledger
from farm.ledger.ledger_reader import NO_PROCESS
from farm.ledger.records import JobAlias
from farm.ledger.verdict_store import VerdictStore
from farm.model.job import Job
from farm.model.printer import Address, Printer
from farm.model.span import Span
from farm.model.states import Outcome, PrinterState, Provenance
from farm.model.verdict import VerdictChange

CLIENT_ID = "rebuilt-from-influxdb"
"""The shard under which the ledger holds what was rebuilt, until a collector takes the printers over."""

_TOLD = ("appeared", "changed")


class Rebuilt(NamedTuple):
    """How much was brought back, and the last instant (ms) of which the bucket knows."""

    printers: int
    jobs: int
    spans: int
    known_until_ms: int


class _Past(NamedTuple):
    printer: Printer
    addresses: list[Address]
    spans: list[Span]
    jobs: list[Job]
    aliases: list[JobAlias]
    verdicts: list[VerdictChange]


def rebuild(server: InfluxServer, ledger: Ledger) -> Rebuilt:
    """Fill the ledger, which must not hold a printer yet.

    Raises LedgerError when it does or when the bucket holds none, and InfluxError.
    """
    if ledger.printers(everything=True):
        raise LedgerError("the ledger holds printers already; rebuild into an empty one (--database)")
    printers = _printers(server)
    if not printers:
        raise LedgerError(f"the bucket {server.settings.bucket!r} holds no printers")
    known_until_ms = _known_until_ms(server)
    ledger.claim(CLIENT_ID, NO_PROCESS, simulated=False, now_ms=known_until_ms)
    jobs = spans = 0
    for printer, addresses in printers:
        past = _past(server, printer, addresses, known_until_ms)
        ledger.commit(
            Batch(
                printers=[past.printer],
                addresses=[(address, printer.id) for address in past.addresses],
                jobs=past.jobs,
                aliases=past.aliases,
                spans=past.spans,
                booked_until_ms=known_until_ms,
            )
        )
        VerdictStore(ledger.engine).restore(past.verdicts)
        jobs += len(past.jobs)
        spans += len(past.spans)
    return Rebuilt(len(printers), jobs, spans, known_until_ms)


def _printers(server: InfluxServer) -> list[tuple[Printer, list[Address]]]:
    """Every printer as it was told last."""
    query = select("*", PRINTER_STATE, [one_of("event", _TOLD)], "site, adapter, printer")
    found: dict[str, dict[str, Any]] = {}
    for series in server.influxql(server.settings.bucket, query):
        for row in series.rows():
            before = found.get(row["printer"])
            if before is None or before["time"] <= row["time"]:
                found[row["printer"]] = row
    return [_printer(row) for row in found.values()]


def _printer(row: dict[str, Any]) -> tuple[Printer, list[Address]]:
    printer = Printer(
        id=row["printer"],
        site=row["site"],
        name=row["name"],
        group=row.get("group"),
        model=row.get("model"),
        adapter=row["adapter"],
        first_seen_ms=row["first_seen_ms"],
        retired_ms=row.get("retired_ms"),
        ignored=row.get("ignored", False),
    )
    return printer, msgspec.json.decode(row.get("addresses", "[]"), type=list[Address])


def _known_until_ms(server: InfluxServer) -> int:
    """The time of the newest point of all."""
    settings = server.settings
    newest = 0
    for bucket, measurement in (
        (settings.bucket, PRINTER_STATE),
        (settings.bucket, JOB_EVENT),
        (settings.bucket, KPI),
        (settings.telemetry_bucket, TELEMETRY),
    ):
        query = f"{select('*', measurement, ['time > 0'], 'printer')} ORDER BY time DESC LIMIT 1"
        for series in server.influxql(bucket, query):
            newest = max([newest, *(row["time"] for row in series.rows())])
    return newest // NANOSECONDS_PER_MS


def _past(server: InfluxServer, printer: Printer, addresses: list[Address], known_until_ms: int) -> _Past:
    of_printer = f"printer = {quoted(printer.id)}"
    states = select("state, source", PRINTER_STATE, [of_printer, f"event = {quoted(STATE)}"], "printer")
    moves = [row for series in server.influxql(server.settings.bucket, states) for row in series.rows()]
    events = [of_printer, one_of("event", (STARTED, ENDED))]
    jobs: dict[str, Job] = {}
    aliases: list[JobAlias] = []
    found = server.influxql(server.settings.bucket, select("*", JOB_EVENT, events, "event, printer"))
    for series in sorted(found, key=lambda each: each.tags["event"] == ENDED):
        for row in series.rows():
            job = job_of(printer.id, row)
            jobs[job.id] = job
            known_as = msgspec.json.decode(row.get("aliases", "[]"), type=list[tuple[str, str]])
            aliases += [JobAlias(printer.id, history, native_id, job.id) for history, native_id in known_as]
    spans = _whole_account(printer, spans_of(printer.id, moves, known_until_ms))
    settled = [_settled(job, known_until_ms) for job in jobs.values()]
    return _Past(printer, addresses, spans, settled, aliases, verdict_trail(server, of_printer))


def _whole_account(printer: Printer, spans: list[Span]) -> list[Span]:
    """The spans without a hole at the beginning and without one that has no length."""
    whole = [span for span in spans if span.to_ms is None or span.to_ms > span.from_ms]
    if whole and whole[0].from_ms > printer.first_seen_ms:
        start = printer.first_seen_ms
        whole.insert(0, Span(printer.id, PrinterState.UNKNOWN, start, whole[0].from_ms, "silence"))
    return whole


def _settled(job: Job, known_until_ms: int) -> Job:
    """A job under way ends, unknown, with what the bucket knows: nobody follows it any more."""
    if job.outcome is not None:
        return job
    return msgspec.structs.replace(
        job, ended_ms=known_until_ms, outcome=Outcome.UNKNOWN, provenance=Provenance.INFERRED
    )
