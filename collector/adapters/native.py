"""Layerline's own JSON, for anything that can publish MQTT. Documented in docs/adapters/native.md."""

from typing import Any

import msgspec

from collector.adapters._json import number, refuse, salvage, text
from collector.adapters.base import ClockKind, Fields, Reading
from farm.errors import UnreadableMessage
from farm.model.observation import JobReading, JobSignal, Link, Observation, Telemetry
from farm.model.states import ACTIVE_STATES, CancelledBy, Cause, PrinterState
from farm.model.times import parse_rfc3339

VERSION = 1
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
_FIGURES = ("nozzle", "nozzle_target", "bed", "bed_target", "chamber", "progress", "filament_mm")
_LAYERS = ("layer", "layers")
_JOB: Fields = dict.fromkeys(
    (
        "id",
        "file",
        "printing_seconds",
        "elapsed_seconds",
        "progress",
        "filament_mm",
        "filament_g",
        "material",
        "operator",
        "units",
    )
)


class NativeMemory(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is remembered of one publisher."""

    state: PrinterState | None = None
    job: JobReading | None = None
    figures: Telemetry = Telemetry()


class _Message(msgspec.Struct):
    v: Any = None
    at: Any = None
    state: Any = None
    event: Any = None
    job: Any = None
    cause: Any = None
    detail: Any = None
    cancelled_by: Any = None


_decoder = msgspec.json.Decoder(_Message)


def _decode(payload: bytes) -> _Message:
    refuse(payload)
    try:
        said = _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        said = msgspec.convert(salvage(payload), _Message)
    if said.v != VERSION:
        raise UnreadableMessage("wrong_version", f"v is {said.v!r}, {VERSION} is understood")
    return said


def _time_ms(said: object) -> int | None:
    if said is None:
        return None
    try:
        return parse_rfc3339(str(said))
    except (ValueError, OverflowError) as error:
        raise UnreadableMessage("bad_time", str(said)[:40]) from error


def _milliseconds(value: object) -> int | None:
    seconds = number(value)
    return None if seconds is None else round(seconds * 1000)


def _job(said: object) -> JobReading | None:
    if not isinstance(said, dict):
        return None
    native, units = text(said.get("id")), number(said.get("units"))
    return JobReading(
        file=text(said.get("file")),
        token=native,
        native_id=native,
        printing_ms=_milliseconds(said.get("printing_seconds")),
        elapsed_ms=_milliseconds(said.get("elapsed_seconds")),
        progress=number(said.get("progress")),
        filament_mm=number(said.get("filament_mm")),
        filament_g=number(said.get("filament_g")),
        material=text(said.get("material")),
        operator=text(said.get("operator")),
        units=None if units is None or units < 0 else int(units),
    )


class Native:
    """The adapter of `{prefix}/link`, `/state`, `/event` and `/telemetry`."""

    kind = "native"
    clock = ClockKind.WALL
    default_topics = ("layerline/native/v1/{printer}",)
    silence_ms = 300_000
    suffixes = ("link", "state", "event", "telemetry")
    memory_type = NativeMemory
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

    def recorded_fields(self, suffix: str) -> Fields:
        """See `Adapter.recorded_fields`."""
        if suffix == "telemetry":
            return dict.fromkeys(("v", "at", *_FIGURES, *_LAYERS))
        return {
            field.name: _JOB if field.name == "job" else None for field in msgspec.structs.fields(_Message)
        }

    def read(self, memory: NativeMemory, suffix: str, payload: bytes, retained: bool) -> Reading | None:
        """See `Adapter.read`."""
        if suffix == "link":
            return self._link(memory, payload, retained)
        if suffix == "telemetry":
            return self._telemetry(memory, payload, retained)
        said = _decode(payload)
        at = None if retained else _time_ms(said.at)
        if suffix == "state":
            return Reading(at, (self._state(memory, said, at, retained),))
        return None if retained else Reading(at, (self._event(memory, said, at),))

    def _link(self, memory: NativeMemory, payload: bytes, retained: bool) -> Reading:
        word = payload.strip()
        if word == b"online":
            return Reading(None, (Observation(link=Link.ONLINE, retained=retained),))
        if word == b"offline":
            self.forget(memory)
            return Reading(None, (Observation(link=Link.OFFLINE, retained=retained),))
        raise UnreadableMessage("wrong_shape", "online or offline was expected")

    def _telemetry(self, memory: NativeMemory, payload: bytes, retained: bool) -> Reading:
        refuse(payload)
        said = salvage(payload)
        if said.get("v") != VERSION:
            raise UnreadableMessage("wrong_version", f"v is {said.get('v')!r}, {VERSION} is understood")
        changes: dict[str, Any] = {
            name: value for name in _FIGURES if (value := number(said.get(name))) is not None
        }
        changes |= {name: int(value) for name in _LAYERS if (value := number(said.get(name))) is not None}
        memory.figures = msgspec.structs.replace(memory.figures, **changes)
        return Reading(None if retained else _time_ms(said.get("at")))

    def _state(self, memory: NativeMemory, said: _Message, at: int | None, retained: bool) -> Observation:
        word = text(said.state) or ""
        state = _STATES.get(word, PrinterState.UNKNOWN)
        memory.state, memory.job = state, _job(said.job)
        return Observation(
            time_ms=at,
            retained=retained,
            level=True,
            state=state,
            detail=text(said.detail) if word in _STATES else f"state {word!r}",
            job=memory.job if state in ACTIVE_STATES else None,
        )

    def _event(self, memory: NativeMemory, said: _Message, at: int | None) -> Observation:
        if said.event not in _SIGNALS:
            raise UnreadableMessage("unknown_event", str(said.event)[:40])
        signal, state = _SIGNALS[said.event]
        memory.state, memory.job = state, _job(said.job)
        return Observation(
            time_ms=at,
            state=state,
            signal=signal,
            cause=_CAUSES.get(text(said.cause) or ""),
            detail=text(said.detail),
            cancelled_by=_CANCELLERS.get(text(said.cancelled_by) or ""),
            job=memory.job,
        )


ADAPTER = Native()
