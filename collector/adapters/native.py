"""Layerline's own JSON, for anything that can publish MQTT. Documented in docs/adapters/native.md."""

from enum import StrEnum
from typing import Any

import msgspec

from collector.adapters._gap_rules import ANY_STATE, AS_TOLD, GapRule, JobAfterGap
from collector.adapters._json import WireDecoder, shown, text, wire_fields
from collector.adapters._wire_types import (
    Celsius,
    FilamentG,
    FilamentMm,
    FileName,
    LayerFigure,
    Material,
    NativeId,
    Operator,
    Ratio,
    ResinMl,
    Seconds,
    Spool,
    Units,
    Word,
    Words,
)
from collector.adapters.base import ClockKind, Fields, Reading, Trait
from farm.errors import UnreadableMessage
from farm.model.clash import ClashSign
from farm.model.limits import INSTANT_MS
from farm.model.observation import JobReading, JobSignal, Link, Observation, Telemetry
from farm.model.states import (
    ACTIVE_STATES,
    PAUSE_REASONS,
    CancelledBy,
    Cause,
    PrinterState,
    StateReason,
)
from farm.model.times import parse_rfc3339

VERSION = 1
_PERCENT = 100
_SIGNALS = {
    "job_started": (JobSignal.STARTED, PrinterState.PRINTING),
    "job_paused": (None, PrinterState.PAUSED),
    "job_resumed": (None, PrinterState.PRINTING),
    "job_succeeded": (JobSignal.DONE, PrinterState.FINISHED),
    "job_failed": (JobSignal.FAILED, PrinterState.ERROR),
    "job_cancelled": (JobSignal.CANCELLED, PrinterState.IDLE),
}
_STATES = {state.value: state for state in PrinterState}
_CAUSES = {cause.value: cause for cause in Cause}
_CANCELLERS = {by.value: by for by in CancelledBy}
_REASONS = {reason.value: reason for reason in PAUSE_REASONS}
_LAYERS = ("layer", "layers")


class NativeMemory(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is remembered of one publisher."""

    state: PrinterState | None = None
    job: JobReading | None = None
    figures: Telemetry = Telemetry()


class _Job(msgspec.Struct):
    id: NativeId | None = None
    file: FileName | None = None
    printing_seconds: Seconds | None = None
    elapsed_seconds: Seconds | None = None
    expected_seconds: Seconds | None = None
    remaining_seconds: Seconds | None = None
    progress: Ratio | None = None
    filament_mm: FilamentMm | None = None
    filament_g: FilamentG | None = None
    resin_ml: ResinMl | None = None
    material: Material | None = None
    operator: Operator | None = None
    spool: Spool | None = None
    units: Units | None = None


class _Message(msgspec.Struct):
    v: Any = None
    at: Any = None
    state: Word | None = None
    event: Word | None = None
    job: _Job | None = None
    cause: Word | None = None
    detail: Words | None = None
    cancelled_by: Word | None = None
    reason: Word | None = None


class _Figures(msgspec.Struct):
    v: Any = None
    at: Any = None
    nozzle: Celsius | None = None
    nozzle_target: Celsius | None = None
    bed: Celsius | None = None
    bed_target: Celsius | None = None
    chamber: Celsius | None = None
    progress: Ratio | None = None
    filament_mm: FilamentMm | None = None
    layer: LayerFigure | None = None
    layers: LayerFigure | None = None
    remaining_s: Seconds | None = msgspec.field(default=None, name="remaining_seconds")


_decode_message = WireDecoder(_Message).decode
_decode_figures = WireDecoder(_Figures).decode
_FIGURES = tuple(name for name in _Figures.__struct_fields__ if name not in ("v", "at"))


def _check_version(version: object) -> None:
    if version != VERSION:
        raise UnreadableMessage("wrong_version", f"v is {shown(version)}, {VERSION} is understood")


def _time_ms(said: object) -> int | None:
    if said is None:
        return None
    if not isinstance(said, str):
        raise UnreadableMessage("bad_time", f"at is {shown(said)}, not RFC 3339")
    try:
        at = parse_rfc3339(said)
    except (ValueError, OverflowError) as error:
        raise UnreadableMessage("bad_time", f"at is {shown(said)}, not RFC 3339") from error
    if not INSTANT_MS.holds(at):
        raise UnreadableMessage("absurd_time", f"at is {shown(said)}")
    return at


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _job(said: _Job | None) -> JobReading | None:
    if said is None:
        return None
    native = text(said.id)
    return JobReading(
        file=text(said.file),
        token=native,
        native_id=native,
        printing_ms=_milliseconds(said.printing_seconds),
        elapsed_ms=_milliseconds(said.elapsed_seconds),
        expected_ms=_milliseconds(said.expected_seconds),
        progress=said.progress,
        filament_mm=said.filament_mm,
        filament_g=said.filament_g,
        resin_ml=said.resin_ml,
        material=text(said.material),
        operator=text(said.operator),
        spool=text(said.spool),
        units=None if said.units is None else int(said.units),
    )


def _follow_remaining(memory: NativeMemory, state: PrinterState, said: _Job | None) -> None:
    """What remains of the print as the message has it; what was told of another print is void."""
    job = memory.job
    goes_on = (
        state in ACTIVE_STATES and job is not None and said is not None and job.native_id == text(said.id)
    )
    told = said.remaining_seconds if said is not None and state in ACTIVE_STATES else None
    if (told is not None or not goes_on) and told != memory.figures.remaining_s:
        memory.figures = msgspec.structs.replace(memory.figures, remaining_s=told)


class NativeSign(StrEnum):
    """What is seen after a gap."""

    STATE = "`state`, which the broker keeps"
    EVENT = "an `event` that ends the job"


class Native:
    """The adapter of `{prefix}/link`, `/state`, `/event` and `/telemetry`."""

    kind = "native"
    clock = ClockKind.WALL
    resolution_ms = 1
    default_topics = ("layerline/native/v1/{printer}",)
    silence_ms = 300_000
    suffixes = ("link", "state", "event", "telemetry")
    memory_type = NativeMemory
    after_gap = (
        GapRule(
            name="kept_state",
            sign=NativeSign.STATE,
            before=ANY_STATE,
            state=AS_TOLD,
            job=JobAfterGap.GOES_ON,
        ),
        GapRule(
            name="told_event",
            sign=NativeSign.EVENT,
            before=ANY_STATE,
            state=AS_TOLD,
            job=JobAfterGap.TOLD,
        ),
    )
    plain_words = ("online", "offline")

    def new_memory(self) -> NativeMemory:
        """The memory of a publisher never heard of."""
        return NativeMemory()

    def telemetry(self, memory: NativeMemory) -> Telemetry:
        """The figures as last published."""
        return memory.figures

    def forget(self, memory: NativeMemory) -> None:
        """The state topic is retained and is published again; until then nothing is known."""
        memory.state = None
        memory.job = None

    def doubt(self, memory: NativeMemory) -> None:
        """Each state is told whole, and the broker keeps the last: nothing here depends on those before."""

    def recorded_fields(self, suffix: str) -> Fields:
        """See `Adapter.recorded_fields`."""
        return wire_fields(_Figures if suffix == "telemetry" else _Message)

    def read(self, memory: NativeMemory, suffix: str, payload: bytes, retained: bool) -> Reading | None:
        """See `Adapter.read`."""
        if suffix == "link":
            return self._link(memory, payload, retained)
        if suffix == "telemetry":
            return self._telemetry(memory, payload, retained)
        said, refused = _decode_message(payload)
        _check_version(said.v)
        at = None if retained else _time_ms(said.at)
        if suffix == "state":
            traits = () if retained else _traits_of_state(said, at)
            return Reading(at, (self._state(memory, said, at, retained),), refused, traits)
        return None if retained else Reading(at, (self._event(memory, said, at),), refused)

    def _link(self, memory: NativeMemory, payload: bytes, retained: bool) -> Reading:
        word = payload.strip()
        if word == b"online":
            return Reading(None, (Observation(link=Link.ONLINE, retained=retained),))
        if word == b"offline":
            self.forget(memory)
            return Reading(None, (Observation(link=Link.OFFLINE, retained=retained),))
        raise UnreadableMessage("wrong_shape", "online or offline was expected")

    def _telemetry(self, memory: NativeMemory, payload: bytes, retained: bool) -> Reading:
        said, refused = _decode_figures(payload)
        _check_version(said.v)
        at = None if retained else _time_ms(said.at)
        told = {name: value for name in _FIGURES if (value := getattr(said, name)) is not None}
        told |= {name: int(told[name]) for name in _LAYERS if name in told}
        memory.figures = msgspec.structs.replace(memory.figures, **told)
        return Reading(at, (), refused, () if retained else _traits_of_figures(said, at))

    def _state(self, memory: NativeMemory, said: _Message, at: int | None, retained: bool) -> Observation:
        word = text(said.state) or ""
        state = _STATES.get(word, PrinterState.UNKNOWN)
        _follow_remaining(memory, state, said.job)
        memory.state, memory.job = state, _job(said.job)
        return Observation(
            time_ms=at,
            retained=retained,
            level=True,
            state=state,
            detail=text(said.detail) if word in _STATES else f"state {word!r}",
            job=memory.job if state in ACTIVE_STATES else None,
            reason=_reason(said, state),
        )

    def _event(self, memory: NativeMemory, said: _Message, at: int | None) -> Observation:
        if said.event not in _SIGNALS:
            raise UnreadableMessage("unknown_event", f"event is {shown(said.event)}")
        signal, state = _SIGNALS[said.event]
        _follow_remaining(memory, state, said.job)
        memory.state, memory.job = state, _job(said.job)
        return Observation(
            time_ms=at,
            state=state,
            signal=signal,
            cause=_CAUSES.get(text(said.cause) or ""),
            detail=text(said.detail),
            cancelled_by=_CANCELLERS.get(text(said.cancelled_by) or ""),
            job=memory.job,
            reason=_reason(said, state),
        )


def _reason(said: _Message, state: PrinterState) -> StateReason | None:
    return _REASONS.get(text(said.reason) or "") if state is PrinterState.PAUSED else None


def _traits_of_state(said: _Message, at: int | None) -> tuple[Trait, ...]:
    """What tells this publisher from another: its clock, and the job it is at."""
    traits = () if at is None else (Trait(ClashSign.CLOCK, "state", at),)
    job = said.job
    if job is None or not job.id:
        return traits
    return (*traits, Trait(ClashSign.PROGRESS, "state", _PERCENT * (job.progress or 0), job.id))


def _traits_of_figures(said: _Figures, at: int | None) -> tuple[Trait, ...]:
    """What tells this publisher from another: its clock, heaters and progress."""
    traits = [] if at is None else [Trait(ClashSign.CLOCK, "telemetry", at)]
    if said.nozzle is not None and said.nozzle_target is not None:
        traits.append(Trait(ClashSign.NOZZLE, "", said.nozzle, str(said.nozzle_target)))
    if said.bed_target is not None:
        traits.append(Trait(ClashSign.BED, "", 0, str(said.bed_target)))
    if said.progress is not None:
        traits.append(Trait(ClashSign.PROGRESS, "telemetry", _PERCENT * said.progress))
    return tuple(traits)


ADAPTER = Native()
