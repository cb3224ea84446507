"""What the API answers with. Times are RFC 3339 UTC with milliseconds, durations seconds."""

from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from farm.model.alert import AlertState, DeliveryState, NotificationReason, Severity
from farm.model.attention import NeedKind
from farm.model.states import (
    CancelledBy,
    Cause,
    Confidence,
    Outcome,
    PrinterState,
    Provenance,
    RejectionReason,
)

Item = TypeVar("Item")

PRINTER_ID = "0b6f6a0e-6a0c-5c0e-9d0f-3a3f7c9b1d11"
JOB_ID = "5f0f1c9a-55b1-5f0e-8f0e-1f7e6f0f2a33"
INSTANT = "2026-11-22T09:41:07.250Z"

Instant = Annotated[str, Field(examples=[INSTANT], json_schema_extra={"format": "date-time"})]
PrinterId = Annotated[str, Field(examples=[PRINTER_ID])]
JobId = Annotated[str, Field(examples=[JOB_ID])]
Share = Annotated[float, Field(description="A ratio from 0 to 1.", examples=[0.42])]
Seconds = Annotated[float, Field(examples=[5400.0])]


class Answer(BaseModel):
    """What every part of an answer keeps to."""

    model_config = ConfigDict(frozen=True)


class Listing(Answer, Generic[Item]):
    """A whole list, as it was at `at`."""

    at: Instant
    items: list[Item]


class Page(Listing[Item], Generic[Item]):
    """One page of a list."""

    next: str | None = Field(
        description="Mark to hand back as `after` for the next page; null on the last.", examples=[None]
    )


class Readings(Answer):
    """The last temperatures (degrees Celsius) and layers that the printer told; null where it told none."""

    nozzle: float | None = Field(examples=[214.8])
    nozzle_target: float | None = Field(examples=[215.0])
    bed: float | None = Field(examples=[60.1])
    bed_target: float | None = Field(examples=[60.0])
    chamber: float | None = Field(examples=[None])
    layer: int | None = Field(examples=[84])
    layers: int | None = Field(examples=[212])


class JobUnderWay(Answer):
    """The job that a printer is at. When it is done is the forecast, as `/forecast` tells it."""

    id: JobId
    file: str | None = Field(examples=["gearbox_cover.gcode"])
    started_at: Instant | None
    progress: Share | None
    elapsed_seconds: Seconds | None = Field(description="Since the start, pauses included.")
    time_left_seconds: Seconds | None = Field(
        description="Until it is done, if it goes on without a pause; null where nothing tells.",
        examples=[7380.0],
    )
    done_at: Instant | None = Field(description="The same as an instant.")
    earliest_at: Instant | None = Field(
        description="With `latest_at` it holds four of five prints; null where too few tell how far off."
    )
    latest_at: Instant | None
    material: str | None = Field(examples=["PLA"])
    operator: str | None = Field(examples=["Ana"])
    spool: str | None = Field(examples=["17"])
    units: int = Field(description="Parts on the plate.", examples=[4])


class PrinterStatusRecord(Answer):
    """How a printer stands."""

    id: PrinterId
    name: str = Field(examples=["bay1"])
    group: str | None = Field(examples=["Hall A"])
    model: str | None = Field(examples=["MK4S"])
    site: str = Field(examples=["main"])
    adapter: str = Field(examples=["octoprint"])
    state: PrinterState = Field(examples=["printing"])
    since: Instant
    source: str = Field(
        description="What the state rests on: observed, silence, link, person or calendar.",
        examples=["observed"],
    )
    observed: bool = Field(
        description="Whether the state is known and the collector up to date.", examples=[True]
    )
    heard_at: Instant
    job: JobUnderWay | None
    readings: Readings
    failed_streak: int = Field(
        description="Failed jobs in a row; cancelled and unknown ones neither extend nor break it.",
        examples=[0],
    )


class NeedRecord(Answer):
    """One thing that needs a look or a hand: of a printer, or of the farm where `printer_id` is null."""

    kind: NeedKind = Field(examples=["bed_to_clear"])
    rank: int = Field(description="How urgent: 0 is most urgent.", examples=[8])
    printer_id: PrinterId | None
    printer: str | None = Field(examples=["bay1"])
    since: Instant | None
    task: str = Field(description="What to do.", examples=["Clear the bed"])
    words: str | None = Field(
        description="What was told of it, in the printer's own words where it told any.",
        examples=["Heater extruder not heating at expected rate"],
    )


class AttentionRecord(Answer):
    """Everything that needs a look, most urgent first.

    `quiet` holds where nothing does and every printer is known: only then is nothing to do.
    """

    quiet: bool = Field(examples=[False])
    needs: list[NeedRecord]


class StateSpan(Answer):
    """The printer was in one state from `from` until `to`; `to` is null while it lasts."""

    printer_id: PrinterId
    state: PrinterState = Field(examples=["printing"])
    from_: Instant = Field(serialization_alias="from")
    to: Instant | None
    source: str = Field(examples=["observed"])


class TelemetrySample(Answer):
    """What a printer measured at one moment: degrees Celsius, ratios, millimetres; null where unknown."""

    at: Instant
    nozzle: float | None = Field(examples=[214.8])
    nozzle_target: float | None = Field(examples=[215.0])
    bed: float | None = Field(examples=[60.1])
    bed_target: float | None = Field(examples=[60.0])
    chamber: float | None = Field(examples=[None])
    progress: Share | None
    layer: int | None = Field(examples=[84])
    layers: int | None = Field(examples=[212])
    z_mm: float | None = Field(examples=[16.8])
    speed_mm_s: float | None = Field(examples=[120.0])
    speed_factor: float | None = Field(examples=[1.0])
    flow_factor: float | None = Field(examples=[1.0])
    fan: float | None = Field(examples=[0.6])
    filament_mm: float | None = Field(examples=[5210.4])
    remaining_s: float | None = Field(
        description="What remains of the print by its source's own account, seconds.", examples=[7380.0]
    )


class VerdictRecord(Answer):
    """What a person found who inspected a job. `version` counts the changes of the verdict up to it."""

    job_id: JobId
    good_units: int = Field(examples=[3])
    rejected_units: int = Field(examples=[1])
    reason: RejectionReason | None = Field(description="Why units were rejected.", examples=["warping"])
    note: str = Field(examples=["front left corner up"])
    who: str = Field(examples=["api"])
    at: Instant
    version: int = Field(examples=[1])


class VerdictChangeRecord(Answer):
    """A verdict that was given, or withdrawn: then both counts are null, and `note` says why."""

    job_id: JobId
    version: int = Field(examples=[2])
    at: Instant
    who: str = Field(examples=["api"])
    withdrawn: bool = Field(examples=[False])
    good_units: int | None = Field(examples=[3])
    rejected_units: int | None = Field(examples=[1])
    reason: RejectionReason | None = Field(examples=["warping"])
    note: str = Field(examples=["front left corner up"])


class JobRecord(Answer):
    """One attempt to print one file. `outcome` and `ended_at` are null while it is under way."""

    id: JobId
    printer_id: PrinterId
    printer: str = Field(examples=["bay1"])
    group: str | None = Field(examples=["Hall A"])
    file: str | None = Field(examples=["gearbox_cover.gcode"])
    outcome: Outcome | None = Field(examples=["failed"])
    provenance: Provenance | None = Field(
        description="How the outcome was found out: inferred, observed, history or person.",
        examples=["observed"],
    )
    cancelled_by: CancelledBy | None = Field(examples=[None])
    cause: Cause | None = Field(examples=["thermal"])
    detail: str | None = Field(examples=["Thermal runaway on hotend"])
    started_at: Instant | None
    start_provenance: Provenance = Field(examples=["observed"])
    ended_at: Instant | None
    printing_seconds: Seconds
    preparing_seconds: Seconds
    paused_seconds: Seconds
    pauses: int = Field(examples=[0])
    measured: bool = Field(
        description="Whether `printing_seconds` is the printer's own figure.", examples=[True]
    )
    expected_seconds: Seconds | None = Field(
        description="How long the whole print was to take, by the source's first word on it.",
        examples=[8100.0],
    )
    progress: Share | None
    filament_mm: float | None = Field(examples=[5210.4])
    filament_g: float | None = Field(examples=[15.6])
    resin_ml: float | None = Field(examples=[None])
    material: str | None = Field(examples=["PLA"])
    operator: str | None = Field(examples=["Ana"])
    spool: str | None = Field(examples=["17"])
    units: int = Field(examples=[4])
    confidence: Confidence | None = Field(
        description="How sure the outcome is: certain, strong, weak or none.", examples=["certain"]
    )
    note: str | None = Field(description="What a person remarked on it.", examples=[None])
    revision: int = Field(description="How often it was revised.", examples=[0])
    verdict: VerdictRecord | None = Field(description="Null while nobody has inspected it.")


class JobRevision(Answer):
    """One change of a booked job: who made it, why, and what it said before and after."""

    at: Instant
    who: str = Field(examples=["tracker"])
    why: str = Field(examples=["the printer's history arrived"])
    before: Any = Field(examples=[{"outcome": "unknown"}])
    after: Any = Field(examples=[{"outcome": "succeeded"}])


class JobDetail(JobRecord):
    """A job with everything that was changed about it, and every verdict on it, oldest first."""

    revisions: list[JobRevision]
    verdicts: list[VerdictChangeRecord]


class InputRecord(Answer):
    """An entry of the inbox: who said what of a printer or job, for when and why, and what became of it."""

    id: int = Field(examples=[17])
    printer_id: PrinterId
    printer: str = Field(examples=["bay1"])
    job_id: JobId | None
    what: str = Field(
        description="One of `state rename retire forget restore correct close describe note`.",
        examples=["state"],
    )
    said: dict[str, Any] = Field(description="The word itself.", examples=[{"state": "maintenance"}])
    for_: Instant = Field(alias="for")
    said_at: Instant
    who: str = Field(examples=["api"])
    why: str = Field(examples=["new nozzle"])
    status: str = Field(
        description="`waiting`, then `taken`, or `refused` where it was not followed.", examples=["waiting"]
    )
    taken_at: Instant | None = Field(examples=[None])
    answer: str | None = Field(
        description="Why it waits or was not followed.",
        examples=["is taken in by the collector that holds the printer; waiting"],
    )


class TimeAccountRecord(Answer):
    """Seconds that a printer spent in each state during the window."""

    window: "WindowBounds"
    seconds: dict[PrinterState, float] = Field(examples=[{"printing": 61200.0, "idle": 25200.0}])
    observed_share: Share | None


class WindowBounds(Answer):
    """An interval of time, half open."""

    name: str = Field(examples=["24h"])
    from_: Instant = Field(serialization_alias="from")
    to: Instant


class PrinterDetail(PrinterStatusRecord):
    """A printer with the account of a window, and the jobs that ended in it, newest first."""

    first_seen_at: Instant
    retired_at: Instant | None
    account: TimeAccountRecord
    spans: list[StateSpan]
    jobs: list[JobRecord]


class IntakeFaultCount(Answer):
    """How often messages of a source were dropped for a reason."""

    source: str = Field(examples=["octoprint=farm/{printer}/octoprint"])
    reason: str = Field(examples=["not_json"])
    count: int = Field(examples=[3])
    last_at: Instant
    sample: str | None = Field(examples=['farm/bay1/octoprint/event/PrintDone: {"path"'])


class RejectedMessageRecord(Answer):
    """A message that could not be digested; `payload` is its beginning, without secrets."""

    at: Instant
    source: str = Field(examples=["octoprint=farm/{printer}/octoprint"])
    reason: str = Field(examples=["internal_error"])
    topic: str = Field(examples=["farm/bay1/octoprint/event/PrintDone"])
    detail: str = Field(examples=["RecursionError: maximum recursion depth exceeded"])
    size: int = Field(description="Bytes of the whole message.", examples=[200_000])
    payload: str = Field(examples=['{"path": "a.gcode", "time": 1e999'])


class OutboxTrouble(Answer):
    """Why a queue waits: the status of InfluxDB's answer, null where none came, and its words."""

    since: Instant
    status: int | None = Field(examples=[503])
    words: str = Field(examples=["engine: cache maximum memory size exceeded"])


class OutboxQueueRecord(Answer):
    """One queue to InfluxDB. What is unsent is counted now, the fates from the beginning.

    `lag_seconds` is the age of the oldest unsent entry, of `restated` how long the first change has waited;
    `bytes` of the feed are an estimate.
    """

    queue: str = Field(examples=["telemetry"])
    entries: int = Field(examples=[1200])
    bytes: int = Field(examples=[96_000])
    lag_seconds: Seconds
    stored: int = Field(examples=[4_210_000])
    rejected: int = Field(examples=[0])
    dropped: int = Field(examples=[0])
    stored_at: Instant | None
    trouble: OutboxTrouble | None


class DeliveryAttempt(Answer):
    """One try to deliver, and what the receiver answered."""

    at: Instant
    duration_seconds: Seconds
    ok: bool = Field(examples=[True])
    answer: str = Field(examples=["200 ok"])


class DeliveryRecord(Answer):
    """One message about an alert to one receiver."""

    id: str = Field(examples=["d0a1f7c2-3b1e-5f60-9a0e-6a51c0c9d0a4"])
    receiver: str = Field(examples=["slack"])
    reason: NotificationReason = Field(examples=["fired"])
    state: DeliveryState = Field(examples=["delivered"])
    created_at: Instant
    due_at: Instant
    delivered_at: Instant | None
    attempts: list[DeliveryAttempt]


class AcknowledgementRecord(Answer):
    """Who sees to an alert; it is not repeated until then."""

    by: str = Field(examples=["olga"])
    note: str = Field(examples=["new nozzle on its way"])
    at: Instant
    until: Instant


class AlertRecord(Answer):
    """One alert of one rule about one subject, with the jobs that it rests on, oldest first."""

    id: str = Field(examples=["a8b0f0ce-94b6-5c8b-8a52-0f6f3a3f9d3c"])
    rule: str = Field(examples=["failed_streak"])
    subject: str = Field(examples=[PRINTER_ID])
    printer_id: PrinterId | None
    printer: str | None = Field(examples=["bay1"])
    state: AlertState = Field(examples=["firing"])
    severity: Severity = Field(examples=["critical"])
    title: str = Field(examples=["bay1: 3 failed prints in a row"])
    summary: str = Field(examples=["The last 3 prints on bay1 failed, most often with cause thermal."])
    fired_at: Instant
    notified_at: Instant | None
    resolved_at: Instant | None
    resolution: str | None = Field(examples=[None])
    resolved_by: str | None = Field(
        description="The person who resolved it; null where evidence did.", examples=[None]
    )
    acknowledged: AcknowledgementRecord | None = Field(
        description="Who sees to it; null where nobody does any more."
    )
    silenced: list[int] = Field(
        description="Numbers of the silences that keep it from being told now.", examples=[[3]]
    )
    notifications: int = Field(description="How many times it was put to the receivers.", examples=[1])
    facts: dict[str, Any] = Field(description="The rule's own figures.", examples=[{"streak": 3}])
    jobs: list[JobRecord]
    deliveries: list[DeliveryRecord]


class Liveness(Answer):
    """The process answers."""

    status: str = Field(examples=["live"])


class ShardRecord(Answer):
    """One collector: how many printers it holds, and when it last booked."""

    shard: str = Field(description="Its MQTT client id.", examples=["layerline-shard-1"])
    printers: int = Field(examples=[120])
    booked_at: Instant
    age_seconds: float = Field(examples=[1.2])
    stale: bool = Field(examples=[False])


class Readiness(Answer):
    """Whether the figures can be trusted now: the ledger answers and every collector books.

    `collector_booked_at` and `collector_age_seconds` are of the collector that booked longest ago.
    """

    status: str = Field(examples=["ready"])
    ledger: str = Field(examples=["reachable"])
    collector: str = Field(
        description="`fresh`, `stale`, or `silent` while no printer was ever seen.", examples=["fresh"]
    )
    collector_booked_at: Instant | None
    collector_age_seconds: float | None = Field(examples=[1.2])
    shards: list[ShardRecord]
