"""From what the ledger holds to points: the data model of InfluxDB, pure.

The same fact always gives the same point, so that writing it twice changes nothing. Tags
hold only what is bounded and never revised; whatever a later revision may change is a
field. Start and end of a job are one point each, whose time carries a number made of the
job's id: a revised job takes the place of its point and is never counted twice. All other
events carry their place in the feed.
"""

import zlib
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any, Final

import msgspec

from farm.influx.line_protocol import (
    NANOSECONDS_PER_MS,
    FieldValue,
    field,
    fields,
    line,
    series,
    timestamp,
)
from farm.kpi.figure import KpiFigure, figure_numbers
from farm.kpi.forecast import Forecast
from farm.kpi.subjects import Scope
from farm.model.feed import FeedEntry, FeedKind
from farm.model.job import Job
from farm.model.printer import Address, Printer
from farm.model.span import Span
from farm.model.times import SECOND_MS

JOB_EVENT: Final = "job_event"
PRINTER_STATE: Final = "printer_state"
TELEMETRY: Final = "telemetry"
KPI: Final = "kpi"
FORECAST: Final = "forecast"
ALERT: Final = "alert"

STARTED: Final = "started"
ENDED: Final = "ended"
INSPECTED: Final = "inspected"
STATE: Final = "state"

_JOB_MOMENTS = {
    FeedKind.JOB_PAUSED: "paused",
    FeedKind.JOB_RESUMED: "resumed",
    FeedKind.JOB_REVISED: "revised",
}
_PRINTER_EVENTS = {FeedKind.PRINTER_APPEARED: "appeared", FeedKind.PRINTER_CHANGED: "changed"}
_ALERT_EVENTS = {
    FeedKind.ALERT_FIRED: "fired",
    FeedKind.ALERT_REPEATED: "repeated",
    FeedKind.ALERT_RESOLVED: "resolved",
}
_ALERT_TEXTS = ("alert_id", "rule", "subject", "state", "severity", "title", "summary")
_WHOLE: Final = frozenset({"layer", "layers"})


class KnownPrinters(msgspec.Struct):
    """What the ledger says beside the feed: the printers with their addresses, and under
    which (history, native id) the printers themselves know the jobs.
    """

    printers: Mapping[str, Printer]
    addresses: Mapping[str, list[Address]] = {}
    aliases: Mapping[str, list[tuple[str, str]]] = {}


class TimedFigure(msgspec.Struct, frozen=True):
    """One indicator of the farm, a group or a printer of `site`, as it was worked out for `at_ms`."""

    at_ms: int
    site: str
    figure: KpiFigure


class TimedForecast(msgspec.Struct, frozen=True):
    """What was coming at an instant: when a printer is done, and whether it is the one that is free next."""

    at_ms: int
    printer: Printer
    forecast: Forecast
    is_next: bool


def feed_lines(entry: FeedEntry, known: KnownPrinters) -> list[bytes]:
    """The points of one entry of the feed; none where it tells nothing that is kept here."""
    printer = known.printers.get(entry.printer_id or "")
    if entry.kind in _ALERT_EVENTS:
        return [_alert_line(entry, printer)]
    if printer is None:
        return []
    match entry.kind:
        case FeedKind.STATE_CHANGED:
            return [_state_line(printer, entry.at_ms, entry.seq, entry.body)]
        case FeedKind.PRINTER_APPEARED | FeedKind.PRINTER_CHANGED:
            return [_printer_line(entry, printer, known.addresses.get(printer.id, []))]
        case FeedKind.JOB_STARTED:
            return [line for job in _told_job(entry) for line in _job_point(printer, job, STARTED)]
        case FeedKind.JOB_ENDED:
            return [
                line for job in _told_job(entry) for line in _job_point(printer, job, ENDED, known.aliases)
            ]
        case FeedKind.JOB_PAUSED | FeedKind.JOB_RESUMED | FeedKind.JOB_REVISED:
            return [_job_moment(entry, printer)]
        case FeedKind.JOB_INSPECTED:
            return [_inspection_line(entry, printer)]
    return []


def revised_lines(entry: FeedEntry, known: KnownPrinters) -> list[bytes]:
    """Start and end of a revised job as they stand from now on."""
    printer = known.printers.get(entry.printer_id or "")
    if printer is None:
        return []
    return [line for job in _told_job(entry) for line in job_lines(printer, job, known.aliases)]


def job_lines(printer: Printer, job: Job, aliases: Mapping[str, list[tuple[str, str]]]) -> list[bytes]:
    """Start and, once it has an outcome, end of a job. `aliases` are looked up by job."""
    events = (STARTED,) if job.outcome is None else (STARTED, ENDED)
    return [line for event in events for line in _job_point(printer, job, event, aliases)]


def span_line(printer: Printer, span: Span) -> bytes:
    """The state that began with the span, as written when spans were revised."""
    return _state_line(printer, span.from_ms, 0, {"state": span.state.value, "source": span.source})


def telemetry_head(printer: Printer) -> str:
    """Measurement and tags of a printer's telemetry, the same for every sample."""
    return series(TELEMETRY, _printer_tags(printer))


def telemetry_line(head: str, at_ms: int, row_id: int, figures: Mapping[str, float | None]) -> bytes | None:
    """One sample, its figures by name; None where it holds none that can be written."""
    parts = []
    for name, value in figures.items():
        if name in _WHOLE:
            text = field(value)
        else:
            text = repr(float(value)) if value is not None and isfinite(value) else None
        if text is not None:
            parts.append(f"{name}={text}")
    return line(head, ",".join(parts), timestamp(at_ms, row_id)) if parts else None


def kpi_line(point: TimedFigure, restated_ms: int | None = None) -> bytes:
    """One indicator's figure. Where there is no data it has no `value`, which is not zero.

    `restated_ms` says when it was worked out again, since a change of the past touched it.
    """
    figure = point.figure
    tags = {"site": point.site, "kpi": figure.id, "scope": figure.scope, "window": figure.window.name}
    if figure.scope != Scope.FARM:
        tags[figure.scope] = figure.scope_id
    values: dict[str, FieldValue] = {
        "label": figure.label,
        "unit": figure.unit.value,
        "restated_ms": restated_ms,
        **{name: _float(number) for name, number in figure_numbers(figure).items()},
        **{f"count_{name}": int(value) for name, value in figure.counts.items()},
        **{f"amount_{name}": float(value) for name, value in figure.amounts.items()},
    }
    return line(series(KPI, tags), fields(values), timestamp(point.at_ms, 0))


def forecast_line(point: TimedForecast) -> bytes:
    """When a printer is done, as things stood. Where nothing tells it has no `done_ms`, which is not now."""
    found, at_ms = point.forecast, point.at_ms
    instants = {
        "done_ms": found.done_ms,
        "earliest_ms": found.earliest_ms,
        "latest_ms": found.latest_ms,
    }
    values: dict[str, FieldValue] = {
        "job": found.job_id,
        **_labels(point.printer),
        "file": found.file,
        "state": found.state.value,
        **instants,
        "left_s": None if found.done_ms is None else (found.done_ms - at_ms) / SECOND_MS,
        "told": None if found.told is None else found.told.value,
        "basis": None if found.basis is None else found.basis.value,
        "prints": found.prints,
        "next": point.is_next,
    }
    return line(series(FORECAST, _printer_tags(point.printer)), fields(values), timestamp(at_ms, 0))


def job_sequence(name: str) -> int:
    """The digits below the millisecond: of a job's start and end made of its id, of a verdict of its name."""
    return zlib.crc32(name.encode()) % NANOSECONDS_PER_MS


def _told_job(entry: FeedEntry) -> list[Job]:
    """The job as the entry tells it; none where it only names it."""
    return [msgspec.convert(entry.body, Job)] if entry.body.get("id") else []


def _job_point(
    printer: Printer, job: Job, event: str, aliases: Mapping[str, list[tuple[str, str]]] | None = None
) -> list[bytes]:
    """The point of a job's start or end; a start that nobody knows stands at the end, if there is one."""
    at_ms = job.ended_ms
    if event is STARTED and job.started_ms is not None:
        at_ms = job.started_ms
    if at_ms is None:
        return []
    values = _job_fields(printer, msgspec.to_builtins(job))
    if event is STARTED:
        values = {name: value for name, value in values.items() if name in _START_FIELDS}
    else:
        known_as = sorted((aliases or {}).get(job.id, []))
        values["aliases"] = msgspec.json.encode(known_as).decode() if known_as else None
    head = series(JOB_EVENT, _printer_tags(printer) | {"event": event})
    return [line(head, fields(values), timestamp(at_ms, job_sequence(job.id)))]


def _job_moment(entry: FeedEntry, printer: Printer) -> bytes:
    return line(
        series(JOB_EVENT, _printer_tags(printer) | {"event": _JOB_MOMENTS[entry.kind]}),
        fields(_job_fields(printer, {**entry.body, "id": entry.job_id})),
        timestamp(entry.at_ms, entry.seq),
    )


def _inspection_line(entry: FeedEntry, printer: Printer) -> bytes:
    """The verdict as it was given, or that it was withdrawn; each stays, the last one holds.

    Its number below the millisecond is its own, so that it is the same point without the feed.
    """
    verdict = entry.body.get("after") or {}
    values: dict[str, FieldValue] = {
        "job": entry.job_id,
        **_labels(printer),
        **{name: entry.body.get(name) for name in ("file", "units", "who", "note", "version")},
        **{name: verdict.get(name) for name in ("good_units", "rejected_units", "reason")},
        "withdrawn": not verdict,
    }
    return line(
        series(JOB_EVENT, _printer_tags(printer) | {"event": INSPECTED}),
        fields(values),
        timestamp(entry.at_ms, job_sequence(f"{entry.job_id} {entry.body.get('version')}")),
    )


_START_FIELDS = frozenset(
    {
        "job",
        "name",
        "group",
        "model",
        "file",
        "started_ms",
        "start_provenance",
        "material",
        "operator",
        "spool",
        "units",
        "expected_ms",
    }
)
_JOB_FLOATS = frozenset({"progress", "filament_mm", "filament_g", "resin_ml"})


def _job_fields(printer: Printer, job: Mapping[str, Any]) -> dict[str, FieldValue]:
    named: dict[str, FieldValue] = {"job": job["id"], **_labels(printer)}
    for name in Job.__struct_fields__:
        if name not in {"id", "printer_id"}:
            value = job.get(name)
            named[name] = _float(value) if name in _JOB_FLOATS else value
    return named


def _state_line(printer: Printer, at_ms: int, sequence: int, body: Mapping[str, Any]) -> bytes:
    values = {name: body.get(name) for name in ("state", "before", "source")}
    return line(
        series(PRINTER_STATE, _printer_tags(printer) | {"event": STATE}),
        fields({**values, **_labels(printer)}),
        timestamp(at_ms, sequence),
    )


def _printer_line(entry: FeedEntry, printer: Printer, addresses: Iterable[Address]) -> bytes:
    values: dict[str, FieldValue] = {
        **_labels(printer),
        "first_seen_ms": printer.first_seen_ms,
        "retired_ms": printer.retired_ms,
        "ignored": printer.ignored,
        "addresses": msgspec.json.encode(sorted(addresses)).decode(),
    }
    return line(
        series(PRINTER_STATE, _printer_tags(printer) | {"event": _PRINTER_EVENTS[entry.kind]}),
        fields(values),
        timestamp(entry.at_ms, entry.seq),
    )


def _alert_line(entry: FeedEntry, printer: Printer | None) -> bytes:
    tags = {} if printer is None else _printer_tags(printer)
    values: dict[str, FieldValue] = {
        name: None if (value := entry.body.get(name)) is None else str(value) for name in _ALERT_TEXTS
    }
    values["told"] = bool(entry.body.get("told", True))
    if printer is not None:
        values |= _labels(printer)
    return line(
        series(ALERT, tags | {"event": _ALERT_EVENTS[entry.kind]}),
        fields(values),
        timestamp(entry.at_ms, entry.seq),
    )


def _printer_tags(printer: Printer) -> dict[str, str | None]:
    return {"site": printer.site, "printer": printer.id, "adapter": printer.adapter}


def _labels(printer: Printer) -> dict[str, FieldValue]:
    return {"name": printer.name, "group": printer.group, "model": printer.model}


def _float(value: float | None) -> float | None:
    return None if value is None else float(value)
