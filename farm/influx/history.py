"""History as InfluxDB has it, in InfluxQL."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

import msgspec

from farm.influx.client import InfluxServer
from farm.influx.influxql import one_of, quoted, select, within
from farm.influx.line_protocol import NANOSECONDS_PER_MS
from farm.influx.points import ENDED, INSPECTED, JOB_EVENT, PRINTER_STATE, STATE, TELEMETRY
from farm.ledger.history_ledger import WHOLE_FIGURES
from farm.ledger.history_port import TelemetrySample
from farm.model.job import Job
from farm.model.observation import Telemetry
from farm.model.span import Span
from farm.model.states import PrinterState, RejectionReason
from farm.model.times import MINUTE_MS
from farm.model.verdict import Verdict, VerdictChange

DOWNSAMPLED_MS: Final = 10 * MINUTE_MS
"""The interval of the downsampled telemetry."""

_APPEARED = "appeared"
_FIGURES: Final[tuple[str, ...]] = Telemetry.__struct_fields__
_STATE_EVENTS = (STATE, _APPEARED)


class InfluxHistory:
    """`HistoryReader` over InfluxDB. Its methods raise InfluxError.

    Beyond the retention of the telemetry bucket it gives the downsampled means, where the
    interval asked for is theirs or a multiple of it.
    """

    def __init__(self, server: InfluxServer) -> None:
        self._server = server
        self._settings = server.settings

    def telemetry(
        self, printer_id: str, from_ms: int, to_ms: int, every_ms: int | None = None
    ) -> list[TelemetrySample]:
        """As `HistoryReader.telemetry`."""
        asked = (printer_id, from_ms, to_ms, every_ms)
        found: dict[int, TelemetrySample] = {}
        if every_ms is not None and every_ms % DOWNSAMPLED_MS == 0:
            found |= _by_time(self._samples(self._settings.downsampled_bucket, *asked))
            found |= _by_time(self._samples(self._settings.telemetry_bucket, *asked))
            return [found[at_ms] for at_ms in sorted(found)]
        return self._samples(self._settings.telemetry_bucket, *asked)

    def states(self, from_ms: int, to_ms: int, printer_ids: Sequence[str] | None = None) -> list[Span]:
        """As `HistoryReader.states`; until when the printers were watched is not known here."""
        where = [one_of("event", _STATE_EVENTS), *_of_printers(printer_ids)]
        before = select('state, source, "name"', PRINTER_STATE, [*where, f"time < {from_ms}ms"], "printer")
        inside = select('state, source, "name"', PRINTER_STATE, [*where, within(from_ms, to_ms)], "printer")
        moves: dict[str, list[dict[str, Any]]] = {}
        for query in (f"{before} ORDER BY time DESC LIMIT 1", inside):
            for series in self._server.influxql(self._settings.bucket, query):
                moves.setdefault(series.tags["printer"], []).extend(series.rows())
        spans = [
            span for printer_id in sorted(moves) for span in spans_of(printer_id, moves[printer_id], to_ms)
        ]
        return [
            msgspec.structs.replace(span, from_ms=max(span.from_ms, from_ms))
            for span in spans
            if (span.to_ms or to_ms) > from_ms
        ]

    def ended_jobs(self, from_ms: int, to_ms: int, printer_ids: Sequence[str] | None = None) -> list[Job]:
        """As `HistoryReader.ended_jobs`."""
        where = [f"event = {quoted(ENDED)}", within(from_ms, to_ms), *_of_printers(printer_ids)]
        found = self._server.influxql(self._settings.bucket, select("*", JOB_EVENT, where, "printer"))
        jobs = [job_of(series.tags["printer"], row) for series in found for row in series.rows()]
        return sorted(jobs, key=lambda job: (job.ended_ms or 0, job.id))

    def verdicts(self, job_ids: Collection[str]) -> dict[str, Verdict]:
        """As `HistoryReader.verdicts`; the verdicts of all printers are looked through."""
        wanted = frozenset(job_ids)
        last = {each.job_id: each.verdict for each in verdict_trail(self._server) if each.job_id in wanted}
        return {job_id: verdict for job_id, verdict in last.items() if verdict is not None}

    def _samples(
        self, bucket: str, printer_id: str, from_ms: int, to_ms: int, every_ms: int | None
    ) -> list[TelemetrySample]:
        where = [f"printer = {quoted(printer_id)}", within(from_ms, to_ms)]
        if every_ms is None:
            query = select(", ".join(_FIGURES), TELEMETRY, where, "printer")
        else:
            means = ", ".join(f"{_summary(name)}({name}) AS {name}" for name in _FIGURES)
            query = f"{select(means, TELEMETRY, where, f'time({every_ms}ms)')} fill(none)"
        return [
            TelemetrySample(row.pop("time") // NANOSECONDS_PER_MS, _telemetry(row))
            for series in self._server.influxql(bucket, query)
            for row in series.rows()
        ]


def spans_of(printer_id: str, moves: Iterable[dict[str, Any]], to_ms: int | None) -> list[Span]:
    """The spans between the moves of one printer, in order; the last ends at `to_ms`.

    Of moves in one millisecond the last counts. A move into the state that stands already
    begins no span, since a revision may write a state a second time.
    """
    entered: dict[int, tuple[PrinterState, str]] = {}
    for move in moves:
        state = PrinterState(move.get("state", PrinterState.UNKNOWN))
        entered[move["time"] // NANOSECONDS_PER_MS] = (state, move.get("source", "silence"))
    spans: list[Span] = []
    for at_ms, (state, source) in sorted(entered.items()):
        if spans and (spans[-1].state, spans[-1].source) == (state, source):
            continue
        if spans:
            spans[-1] = msgspec.structs.replace(spans[-1], to_ms=at_ms)
        spans.append(Span(printer_id, state, at_ms, to_ms, source))
    return spans


def job_of(printer_id: str, row: dict[str, Any]) -> Job:
    """The job in the point of its start or end."""
    known = {name: row[name] for name in Job.__struct_fields__ if name in row}
    return msgspec.convert(
        {"file": None, "started_ms": None, **known, "id": row["job"], "printer_id": printer_id}, Job
    )


def verdict_trail(server: InfluxServer, *conditions: str) -> list[VerdictChange]:
    """Every verdict and withdrawal, oldest first, of the points that fulfil the conditions.

    Raises InfluxError.
    """
    query = select("*", JOB_EVENT, [*conditions, f"event = {quoted(INSPECTED)}"], "printer")
    found = [row for series in server.influxql(server.settings.bucket, query) for row in series.rows()]
    return [
        VerdictChange(
            job_id=row["job"],
            version=row["version"],
            at_ms=row["time"] // NANOSECONDS_PER_MS,
            who=row["who"],
            good_units=row.get("good_units"),
            rejected_units=row.get("rejected_units"),
            reason=None if row.get("reason") is None else RejectionReason(row["reason"]),
            note=row.get("note") or "",
        )
        for row in sorted(found, key=lambda row: (row["time"], row["version"]))
    ]


def _of_printers(printer_ids: Sequence[str] | None) -> list[str]:
    if printer_ids is None:
        return []
    # No tag is empty, so this holds for no printer.
    return [one_of("printer", printer_ids) if printer_ids else "printer = ''"]


def _summary(figure: str) -> str:
    return "last" if figure in WHOLE_FIGURES else "mean"


def _telemetry(row: dict[str, Any]) -> Telemetry:
    values = {name: row[name] for name in _FIGURES if name in row}
    for name in WHOLE_FIGURES & values.keys():
        values[name] = round(values[name])
    return msgspec.convert(values, Telemetry)


def _by_time(samples: Iterable[TelemetrySample]) -> dict[int, TelemetrySample]:
    return {sample.at_ms: sample for sample in samples}
