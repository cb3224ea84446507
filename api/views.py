"""From the words of the ledger to what the API answers."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import msgspec

from api import kpi_schemas, schemas, setup_schemas, working_schemas
from api.series_cache import CachedSeries
from farm.influx.status import QueueStatus
from farm.kpi.catalogue import indicator
from farm.kpi.figure import KpiFigure, figure_record, target_record, window_record
from farm.kpi.forecast import Forecast
from farm.kpi.indicator import Indicator
from farm.kpi.targets import Target
from farm.kpi.windows import Window
from farm.kpi.working import Working
from farm.kpi.working_record import working_record
from farm.ledger.history_port import TelemetrySample
from farm.ledger.records import IntakeFault, RejectedMessage, Revision
from farm.model.acknowledgement import Acknowledgement
from farm.model.alert import Alert, Delivery
from farm.model.alert_record import acknowledgement_record
from farm.model.attention import Attention, Need, NeedKind
from farm.model.job import Job
from farm.model.job_record import job_record
from farm.model.payload_redaction import readable
from farm.model.printer import Printer
from farm.model.printer_status import PrinterStatus
from farm.model.refused_client import RefusedClient
from farm.model.silence import Silence
from farm.model.span import Span
from farm.model.states import PrinterState
from farm.model.times import SECOND_MS, rfc3339, rfc3339_or_none
from farm.model.verdict import Verdict, VerdictChange
from farm.model.verdict_record import change_record, verdict_of_job, verdict_record


def seconds(ms: int) -> float:
    """Milliseconds as seconds."""
    return ms / SECOND_MS


def status_view(
    status: PrinterStatus, streak: int, coming: Forecast | None, now_ms: int, stale_ms: int
) -> schemas.PrinterStatusRecord:
    """A printer as it stands at `now_ms`; not observed when its collector booked longer ago.

    `coming` says when its print is done.
    """
    return schemas.PrinterStatusRecord(**_status_fields(status, streak, coming, now_ms, stale_ms))


def printer_detail(
    status: PrinterStatus,
    streak: int,
    coming: Forecast | None,
    now_ms: int,
    stale_ms: int,
    *,
    window: Window,
    spans: Sequence[Span],
    jobs: Sequence[schemas.JobRecord],
) -> schemas.PrinterDetail:
    """A printer with the spans of a window and the jobs that ended in it."""
    printer = status.printer
    return schemas.PrinterDetail(
        **_status_fields(status, streak, coming, now_ms, stale_ms),
        first_seen_at=rfc3339(printer.first_seen_ms),
        retired_at=rfc3339_or_none(printer.retired_ms),
        account=time_account(window, spans),
        spans=[span_view(span) for span in spans],
        jobs=list(jobs),
    )


def _status_fields(
    status: PrinterStatus, streak: int, coming: Forecast | None, now_ms: int, stale_ms: int
) -> dict[str, Any]:
    printer = status.printer
    fresh = now_ms - status.known_until_ms <= stale_ms
    return {
        "id": printer.id,
        "name": printer.name,
        "group": printer.group,
        "model": printer.model,
        "site": printer.site,
        "adapter": printer.adapter,
        "state": status.state,
        "since": rfc3339(status.since_ms),
        "source": status.source,
        "observed": fresh and status.state is not PrinterState.UNKNOWN,
        "heard_at": rfc3339(status.heard_ms),
        "job": job_under_way(status, coming, now_ms),
        "readings": _readings(status),
        "failed_streak": streak,
    }


def _readings(status: PrinterStatus) -> schemas.Readings:
    live = status.live
    return schemas.Readings(
        nozzle=_tenths(live.nozzle),
        nozzle_target=_tenths(live.nozzle_target),
        bed=_tenths(live.bed),
        bed_target=_tenths(live.bed_target),
        chamber=_tenths(live.chamber),
        layer=live.layer,
        layers=live.layers,
    )


def _tenths(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def job_under_way(status: PrinterStatus, coming: Forecast | None, now_ms: int) -> schemas.JobUnderWay | None:
    """The open job of the printer; `coming` says when it is done, None where nothing tells."""
    job = status.job
    if job is None or job.outcome is not None:
        return None
    progress = job.progress if status.live.progress is None else status.live.progress
    elapsed_ms = None if job.started_ms is None else max(0, status.heard_ms - job.started_ms)
    done_ms = None if coming is None else coming.done_ms
    return schemas.JobUnderWay(
        id=job.id,
        file=job.file,
        started_at=rfc3339_or_none(job.started_ms),
        progress=None if progress is None else round(progress, 4),
        elapsed_seconds=None if elapsed_ms is None else seconds(elapsed_ms),
        time_left_seconds=None if done_ms is None else float(round(seconds(done_ms - now_ms))),
        done_at=rfc3339_or_none(done_ms),
        earliest_at=None if coming is None else rfc3339_or_none(coming.earliest_ms),
        latest_at=None if coming is None else rfc3339_or_none(coming.latest_ms),
        material=job.material,
        operator=job.operator,
        spool=job.spool,
        units=job.units,
    )


def attention_view(found: Attention) -> schemas.AttentionRecord:
    """What needs a look."""
    return schemas.AttentionRecord(
        quiet=found.is_quiet,
        needs=[
            schemas.NeedRecord(
                kind=need.kind,
                rank=need.rank,
                printer_id=need.printer_id,
                printer=need.printer,
                since=rfc3339_or_none(need.since_ms),
                task=need.task,
                words=need.words,
            )
            for need in found.needs
        ],
    )


def dropped_need(fault: IntakeFault) -> Need:
    """Messages that are dropped, as something to look at."""
    sample = f": {fault.sample}" if fault.sample else ""
    return Need(
        kind=NeedKind.DROPPED_MESSAGES,
        task="See why messages are dropped: what they say is in no figure",
        since_ms=fault.last_ms,
        words=f"{fault.count} × {fault.reason} of {fault.source}, the last{sample}",
    )


def refused_need(client: RefusedClient) -> Need:
    """A client that the broker refuses, as something to look at."""
    return Need(
        kind=NeedKind.REFUSED_CLIENT,
        task=f"Let in or turn off: {client.who} is refused by the broker, {client.reason.words}",
        since_ms=client.last_ms,
        words=client.reason.remedy,
    )


def span_view(span: Span) -> schemas.StateSpan:
    """A span of a printer's time."""
    return schemas.StateSpan(
        printer_id=span.printer_id,
        state=span.state,
        from_=rfc3339(span.from_ms),
        to=rfc3339_or_none(span.to_ms),
        source=span.source,
    )


def window_view(window: Window) -> schemas.WindowBounds:
    """A window with its bounds."""
    return schemas.WindowBounds(name=window.name, from_=rfc3339(window.from_ms), to=rfc3339(window.to_ms))


def time_account(window: Window, spans: Sequence[Span]) -> schemas.TimeAccountRecord:
    """The spans of one printer summed up by state."""
    sums: dict[PrinterState, int] = {}
    for span in spans:
        end_ms = window.to_ms if span.to_ms is None else span.to_ms
        sums[span.state] = sums.get(span.state, 0) + max(0, end_ms - span.from_ms)
    whole = sum(sums.values())
    unknown = sums.get(PrinterState.UNKNOWN, 0)
    return schemas.TimeAccountRecord(
        window=window_view(window),
        seconds={state: seconds(ms) for state, ms in sums.items()},
        observed_share=(whole - unknown) / whole if whole else None,
    )


def telemetry_view(sample: TelemetrySample) -> schemas.TelemetrySample:
    """One sample of a printer's telemetry."""
    return schemas.TelemetrySample(at=rfc3339(sample.at_ms), **msgspec.structs.asdict(sample.values))


def outbox_view(queue: QueueStatus) -> schemas.OutboxQueueRecord:
    """How a queue to InfluxDB stands."""
    trouble = None
    if queue.trouble is not None:
        trouble = schemas.OutboxTrouble(
            since=rfc3339(queue.trouble.since_ms), status=queue.trouble.status, words=queue.trouble.words
        )
    return schemas.OutboxQueueRecord(
        queue=queue.queue,
        entries=queue.entries,
        bytes=queue.bytes,
        lag_seconds=queue.seconds,
        stored=queue.stored,
        rejected=queue.rejected,
        dropped=queue.dropped,
        stored_at=rfc3339_or_none(queue.stored_ms),
        trouble=trouble,
    )


def job_view(job: Job, printers: Mapping[str, Printer], verdicts: Mapping[str, Verdict]) -> schemas.JobRecord:
    """A job with the labels of its printer, and its verdict if it has one."""
    return schemas.JobRecord(**_job_fields(job, printers, verdicts))


def job_detail(
    job: Job,
    printers: Mapping[str, Printer],
    verdicts: Mapping[str, Verdict],
    *,
    revisions: Sequence[Revision],
    trail: Sequence[VerdictChange],
) -> schemas.JobDetail:
    """A job with its revisions and the trail of its verdict."""
    return schemas.JobDetail(
        **_job_fields(job, printers, verdicts),
        revisions=[revision_view(revision) for revision in revisions],
        verdicts=[verdict_change_view(change) for change in trail],
    )


def _job_fields(job: Job, printers: Mapping[str, Printer], verdicts: Mapping[str, Verdict]) -> dict[str, Any]:
    printer = printers.get(job.printer_id)
    labels = (job.printer_id,) if printer is None else (printer.name, printer.group)
    return job_record(job, *labels) | {"verdict": verdict_of_job(job.id, verdicts)}


def verdict_view(verdict: Verdict) -> schemas.VerdictRecord:
    """The verdict that holds of a job."""
    return schemas.VerdictRecord(**verdict_record(verdict))


def verdict_change_view(change: VerdictChange) -> schemas.VerdictChangeRecord:
    """One step of a verdict's trail."""
    return schemas.VerdictChangeRecord(**change_record(change))


def revision_view(revision: Revision) -> schemas.JobRevision:
    """One change of a booked job."""
    return schemas.JobRevision(
        at=rfc3339(revision.at_ms),
        who=revision.who,
        why=revision.why,
        before=None if revision.before is None else json.loads(revision.before),
        after=None if revision.after is None else json.loads(revision.after),
    )


def rejected_view(message: RejectedMessage) -> schemas.RejectedMessageRecord:
    """A message put aside, with what can be read of it."""
    return schemas.RejectedMessageRecord(
        at=rfc3339(message.at_ms),
        source=message.source,
        reason=message.reason,
        topic=message.topic,
        detail=readable(message.detail.encode("utf-8", "replace")),
        size=message.size,
        payload=readable(message.payload),
    )


def refused_view(client: RefusedClient, now_ms: int) -> setup_schemas.RefusedClientRecord:
    """A client that was not let in, as it stands at `now_ms`."""
    return setup_schemas.RefusedClientRecord(
        address=client.address,
        client_id=client.client_id,
        reason=client.reason,
        words=client.reason.words,
        remedy=client.reason.remedy,
        count=client.count,
        current=client.is_current(now_ms),
        first_at=rfc3339(client.first_ms),
        last_at=rfc3339(client.last_ms),
        let_in_at=rfc3339_or_none(client.let_in_ms),
    )


def fault_view(fault: IntakeFault) -> schemas.IntakeFaultCount:
    """One counter of dropped messages."""
    return schemas.IntakeFaultCount(
        source=fault.source,
        reason=fault.reason,
        count=fault.count,
        last_at=rfc3339(fault.last_ms),
        sample=fault.sample,
    )


def kpi_view(figure: KpiFigure) -> kpi_schemas.KpiReading:
    """One indicator's figure."""
    before = figure.before
    shown = kpi_record(figure) | {"window": window_view(figure.window)}
    if before is not None:
        shown["before"] |= {"window": window_view(before.window)}
    return kpi_schemas.KpiReading(**shown)


def kpi_record(figure: KpiFigure) -> dict[str, Any]:
    """The same as an object of JSON."""
    return {"name": indicator(figure.id).name, **figure_record(figure)}


def kpi_list_document(figures: Sequence[KpiFigure], window: Window, left_out: int, now_ms: int) -> bytes:
    """Figures of a window: `kpi_schemas.KpiList` as a JSON text, written without its models as series are."""
    items = [kpi_record(figure) for figure in figures]
    shown = {"at": rfc3339(now_ms), "items": items, "window": window_record(window), "left_out": left_out}
    return msgspec.json.encode(shown)


def kpi_rows_document(found: CachedSeries) -> bytes:
    """An indicator's figures over time, of each subject: `kpi_schemas.KpiRows` as a JSON text.

    Written without its models: of thousands of points they take longer than the figures themselves.
    """
    # Subjects share their periods, and writing an instant down takes longer than anything else here.
    shown = cache(rfc3339)
    rows = [
        {
            "id": row.id,
            "scope": row.scope,
            "scope_id": row.scope_id,
            "label": row.label,
            "unit": row.unit,
            "window": window_record(row.window),
            "period": row.period,
            "points": [
                {
                    "from": shown(point.from_ms),
                    "to": shown(point.to_ms),
                    "value": point.value,
                    "low": point.low,
                    "high": point.high,
                    "observed_share": point.observed_share,
                }
                for point in row.points
            ],
        }
        for row in found.rows
    ]
    return msgspec.json.encode({"at": rfc3339(found.at_ms), "items": rows, "left_out": found.left_out})


def kpi_definition(entry: Indicator, held_to: Sequence[Target]) -> kpi_schemas.KpiDefinition:
    """What an indicator means, and which targets the farm holds it to."""
    return kpi_schemas.KpiDefinition(
        id=entry.id,
        name=entry.name,
        unit=entry.unit,
        formula=entry.formula,
        source=entry.source,
        more_is_better=entry.more_is_better,
        cadences=list(entry.cadences),
        inputs=list(entry.inputs),
        expression=entry.expression,
        parts=[kpi_schemas.KpiPart(name=part.name, measure=part.rows.measure) for part in entry.parts],
        left_out=[kpi_schemas.KpiOmission(name=each.name, why=each.why) for each in entry.left_out],
        beside=dict(entry.beside),
        targets=[kpi_schemas.KpiTarget(**target_record(target, entry.unit)) for target in entry.targets],
        held_to=[kpi_schemas.KpiTarget(**target_record(target, entry.unit)) for target in held_to],
    )


def working_view(working: Working, now_ms: int) -> working_schemas.KpiWorking:
    """How a figure came about."""
    record = working_record(working)
    shown = record | {"at": rfc3339(now_ms), "figure": kpi_view(working.figure)}
    return working_schemas.KpiWorking(**shown)


def alert_view(
    alert: Alert,
    printers: Mapping[str, Printer],
    jobs: Sequence[schemas.JobRecord],
    deliveries: Sequence[Delivery],
    *,
    acknowledged: Acknowledgement | None,
    silences: Sequence[Silence],
) -> schemas.AlertRecord:
    """An alert with its evidence, what people do about it, and what became of telling it.

    `acknowledged` and `silences` are those that hold now.
    """
    printer = None if alert.printer_id is None else printers.get(alert.printer_id)
    return schemas.AlertRecord(
        id=alert.id,
        rule=alert.rule,
        subject=alert.subject,
        printer_id=alert.printer_id,
        printer=None if printer is None else printer.name,
        state=alert.state,
        severity=alert.severity,
        title=alert.title,
        summary=alert.summary,
        fired_at=rfc3339(alert.fired_ms),
        notified_at=rfc3339_or_none(alert.notified_ms),
        resolved_at=rfc3339_or_none(alert.resolved_ms),
        resolution=alert.resolution,
        resolved_by=alert.resolved_by,
        acknowledged=None if acknowledged is None else _acknowledgement_view(acknowledged),
        silenced=[silence.id for silence in silences],
        notifications=alert.count,
        facts=alert.facts,
        jobs=list(jobs),
        deliveries=[delivery_view(delivery) for delivery in deliveries],
    )


def _acknowledgement_view(given: Acknowledgement) -> schemas.AcknowledgementRecord:
    return schemas.AcknowledgementRecord(**acknowledgement_record(given))


def delivery_view(delivery: Delivery) -> schemas.DeliveryRecord:
    """One message to one receiver with its attempts."""
    return schemas.DeliveryRecord(
        id=delivery.id,
        receiver=delivery.receiver,
        reason=delivery.reason,
        state=delivery.state,
        created_at=rfc3339(delivery.created_ms),
        due_at=rfc3339(delivery.due_ms),
        delivered_at=rfc3339_or_none(delivery.delivered_ms),
        attempts=[
            schemas.DeliveryAttempt(
                at=rfc3339(attempt.at_ms),
                duration_seconds=seconds(attempt.duration_ms),
                ok=attempt.ok,
                answer=attempt.answer,
            )
            for attempt in delivery.tried
        ],
    )
