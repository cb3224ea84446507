"""Klipper through Moonraker's MQTT component: whole-status and split-status mode.

Klipper's state is only ever sent as a change, so the memory merges what came. Its clock
(`eventtime`) is the host's monotonic clock. What MQTT cannot tell is asked for over the
JSON-RPC topics, with `printer.objects.query` only: a subscription would replace the
printer's own for everyone.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import UNSET

from collector.adapters._causes import cause_in
from collector.adapters._json import salvage
from collector.adapters._klipper_memory import MoonrakerMemory, is_of_host_gone, merge, without_state
from collector.adapters._klipper_sensors import FIELDS as SENSOR_FIELDS
from collector.adapters._klipper_sensors import is_sensor, tells_sensors, with_told
from collector.adapters._klipper_status import (
    OBJECTS,
    STATUS_FIELDS,
    Status,
    decode_split,
    decode_whole,
    eventtime_ms,
    status_of,
)
from collector.adapters._moonraker_gap import AFTER_GAP, STALLED_MS
from collector.adapters._moonraker_history import (
    ESTIMATE_FIELDS,
    HISTORY_FIELDS,
    estimate_of_file,
    history_row,
)
from collector.adapters.base import ClockKind, Fields, Question, Reading, Trait
from farm.errors import UnreadableMessage
from farm.model.clash import ClashSign
from farm.model.observation import JobFact, JobReading, JobSignal, Link, Observation, Telemetry
from farm.model.states import ACTIVE_STATES, Cause, PrinterState

_PAUSE_CONFIRMED_MS = 1_500
_LEAP_MS = 3_000
"""A clock that falls or leaps by more, from one message to the next, may be another host's."""
_ACTIVE = frozenset({"printing", "paused"})
_DEAD = frozenset({"shutdown", "error"})
_TOLD_ENDS = frozenset({JobSignal.DONE, JobSignal.CANCELLED, JobSignal.FAILED})
_GONE: Final = "disconnected"
"""What stands for Klipper's word of its own state once Moonraker said that it is not there."""
_KLIPPER_GONE = frozenset({"Klippy Host not connected", "Klippy Disconnected"})


class Moonraker:
    """The adapter of Moonraker's topics below `instance_name`."""

    kind = "moonraker"
    clock = ClockKind.MONOTONIC
    resolution_ms = 1
    default_topics = ("{printer}",)
    silence_ms = 30_000
    suffixes = ("moonraker/status", "moonraker/api/response", "klipper/status", "klipper/state/+/+")
    memory_type = MoonrakerMemory
    after_gap = AFTER_GAP
    plain_words = ()

    def new_memory(self) -> MoonrakerMemory:
        """The memory of a host never heard of."""
        return MoonrakerMemory()

    def telemetry(self, memory: MoonrakerMemory) -> Telemetry:
        """Temperatures, progress, layers, speeds as they stand."""
        return Telemetry(
            nozzle=memory.nozzle,
            nozzle_target=memory.nozzle_target,
            bed=memory.bed,
            bed_target=memory.bed_target,
            progress=memory.progress,
            layer=memory.layer,
            layers=memory.layers,
            speed_mm_s=memory.speed,
            speed_factor=memory.speed_factor,
            flow_factor=memory.flow_factor,
            fan=memory.fan,
            filament_mm=memory.filament_mm,
        )

    def forget(self, memory: MoonrakerMemory) -> None:
        """Changes may have been lost, so the merged status is void until a full set comes."""
        memory.webhooks = memory.webhooks_message = memory.state = memory.message = None
        memory.file = memory.print_s = memory.total_s = memory.growth_s = None
        memory.counted_ms = memory.uncounted_ms = None
        memory.is_paused = memory.pause_ms = memory.told = memory.told_reason = None
        memory.sensors = {}
        memory.state_ms = memory.file_ms = 0

    def doubt(self, memory: MoonrakerMemory) -> None:
        """Changes may have been lost: what is told next shows whether the merged status holds."""
        memory.doubted = memory.told is not None

    def questions(self, number: int) -> tuple[Question, ...]:
        """Ask for the whole state and the last jobs of the history."""
        query = {"objects": dict.fromkeys(OBJECTS)}
        asked = (("printer.objects.query", query), ("server.history.list", {"limit": 50, "order": "desc"}))
        return tuple(
            Question(
                "moonraker/api/request",
                msgspec.json.encode({"jsonrpc": "2.0", "method": method, "params": params, "id": number + i}),
            )
            for i, (method, params) in enumerate(asked)
        )

    def question_of_estimate(self, memory: MoonrakerMemory, number: int) -> Question | None:
        """Ask for what Moonraker found in the file under way."""
        if memory.file is None:
            return None
        asked = {"method": "server.files.metadata", "params": {"filename": memory.file}}
        return Question(
            "moonraker/api/request", msgspec.json.encode({"jsonrpc": "2.0", **asked, "id": number})
        )

    def recorded_fields(self, suffix: str) -> Fields:
        """See `Adapter.recorded_fields`."""
        if suffix.startswith("klipper/state/"):
            name, field = suffix.split("/", 3)[2:]
            fields = STATUS_FIELDS.get(name)
            if is_sensor(name) and field in SENSOR_FIELDS:
                return {"eventtime": None, "value": None}
            if not fields or field not in fields:
                return {"eventtime": None}
            return {"eventtime": None, "value": fields[field]}
        return _RECORDED.get(suffix, {})

    def read(self, memory: MoonrakerMemory, suffix: str, payload: bytes, retained: bool) -> Reading | None:
        """See `Adapter.read`."""
        if suffix == "klipper/status":
            at, status, refused = decode_whole(payload)
            if tells_sensors(payload):
                memory.sensors = with_told(memory.sensors, salvage(payload).get("status"))
            traits = () if retained else _clock_trait(memory, at)
            found = self._merge(memory, at, status, retained, only_changes=not retained)
            return Reading(at, found, refused, traits)
        if suffix.startswith("klipper/state/"):
            return self._read_split(memory, suffix, payload, retained)
        if suffix == "moonraker/status":
            return self._read_link(memory, payload, retained)
        if suffix == "moonraker/api/response":
            return self._read_answer(memory, payload)
        return None

    def _read_link(self, memory: MoonrakerMemory, payload: bytes, retained: bool) -> Reading:
        word = salvage(payload).get("server")
        if word == "online":
            memory.online = True
            return Reading(None, (Observation(link=Link.ONLINE, retained=retained),))
        if word == "offline":
            memory.online = False
            self.forget(memory)
            return Reading(None, (Observation(link=Link.OFFLINE, retained=retained),))
        raise UnreadableMessage("wrong_shape", "server is neither online nor offline")

    def _read_split(
        self, memory: MoonrakerMemory, suffix: str, payload: bytes, retained: bool
    ) -> Reading | None:
        _, _, name, field = suffix.split("/", 3)
        at, value = decode_split(payload)
        told = None if retained else at
        if is_sensor(name):
            memory.sensors = with_told(memory.sensors, {name: {field: value}})
            return Reading(told, () if retained else _explain_pause(memory, at))
        if name not in OBJECTS:
            return Reading(told)
        refused: list[str] = []
        status = status_of({name: {field: value}}, refused)
        traits = () if retained else _clock_trait(memory, at)
        return Reading(told, self._merge(memory, at, status, retained), tuple(refused), traits)

    def _read_answer(self, memory: MoonrakerMemory, payload: bytes) -> Reading | None:
        answer = salvage(payload)
        result = answer.get("result")
        if not isinstance(result, dict):
            return self._read_refusal(memory, answer.get("error"))
        refused: list[str] = []
        if "status" in result and "eventtime" in result:
            at = eventtime_ms(result["eventtime"])
            status = status_of(result["status"], refused)
            news = self._merge(memory, at, status, False)
            return Reading(at, news, tuple(refused), is_answer=True)
        if isinstance(result.get("jobs"), list):
            rows = tuple(row for job in result["jobs"] if (row := history_row(job, refused)) is not None)
            told = (Observation(level=True, history=rows),) if rows else ()
            return Reading(None, told, tuple(refused)) if told or refused else None
        if "estimated_time" in result:
            found = estimate_of_file(result, refused)
            return Reading(None, () if found is None else (found,), tuple(refused))
        return None

    def _read_refusal(self, memory: MoonrakerMemory, error: object) -> Reading | None:
        """Moonraker is there and says that Klipper is not, since it last counted.

        It tells that to those alone who ask.
        """
        words = error.get("message") if isinstance(error, dict) else None
        if not isinstance(words, str) or words not in _KLIPPER_GONE or memory.webhooks == _GONE:
            return None
        memory.webhooks, memory.webhooks_message, memory.gone_ms = _GONE, None, memory.clock_ms
        last = memory.counted_ms
        told = self._tell(memory, (last or 0) + 1, level=False, retained=False)
        gone = tuple(msgspec.structs.replace(each, time_ms=last) for each in told)
        return Reading(last, gone, only_now=True)

    def _merge(
        self, memory: MoonrakerMemory, at: int, status: Status, retained: bool, *, only_changes: bool = False
    ) -> tuple[Observation, ...]:
        if retained and (memory.online is False or memory.webhooks == _GONE):
            # Kept from before the link broke, or before Klipper died, which can take nothing back: what
            # the print did since is not in it.
            status = without_state(status)
        if not retained and is_of_host_gone(memory, at):
            self.forget(memory)
        is_back = not retained and memory.webhooks == _GONE and at > memory.gone_ms
        if is_back and status.webhooks is UNSET:
            self.forget(memory)
        full = merge(memory, at, status)
        memory.is_kept = retained and memory.state is not None
        if full:
            memory.told, memory.doubted = None, False
        elif not retained and _is_stalled(memory, at):
            return self._lose_count(memory, at)
        is_edge = only_changes and not full and memory.state_ms == memory.counted_ms == at
        told = self._tell(memory, at, level=full or retained, retained=retained, is_edge=is_edge)
        if is_back and not told and memory.webhooks is None:
            return (Observation(time_ms=at, state=PrinterState.UNKNOWN, detail="Klipper speaks again"),)
        return told

    def _tell_file(self, memory: MoonrakerMemory, at: int) -> tuple[Observation, ...]:
        """The name of the file under way, which came behind the state that began it."""
        memory.told_file = memory.file
        if memory.file is None:
            return ()
        job = JobReading(file=memory.file)
        return (Observation(time_ms=at, level=True, state=memory.told, job=job),)

    def _confirm(self, memory: MoonrakerMemory, at: int) -> tuple[Observation, ...]:
        """The print's clock counts on behind messages that may be missing: it tells which print that is."""
        if memory.told not in ACTIVE_STATES or memory.counted_ms != at:
            return ()
        memory.doubted = False
        return (Observation(time_ms=at, level=True, state=memory.told, job=_job(memory, at, False)),)

    def _lose_count(self, memory: MoonrakerMemory, at: int) -> tuple[Observation, ...]:
        """`total_duration` counts while a print lasts: when it stands, the end of the print was missed."""
        since = memory.counted_ms
        webhooks = memory.webhooks
        self.forget(memory)
        memory.webhooks = webhooks
        detail = "the print's clock stands"
        return (Observation(time_ms=at, since_ms=since, state=PrinterState.UNKNOWN, detail=detail),)

    def _tell(
        self, memory: MoonrakerMemory, at: int, *, level: bool, retained: bool, is_edge: bool = False
    ) -> tuple[Observation, ...]:
        """What changed in the meaning of the merged status since it was last told.

        `is_edge`: Klipper told the state just now, as a change, and its account of the print's time with it.
        """
        state = _meaning(memory, at)
        if state is None:
            return ()
        is_under_way = state is memory.told and state in ACTIVE_STATES
        if is_under_way and memory.file != memory.told_file and not retained:
            return self._tell_file(memory, at)
        if state is memory.told and memory.told_end and not memory.told_cause:
            return _refine(memory, at)
        if state is memory.told:
            if memory.doubted and not retained:
                return self._confirm(memory, at)
            return () if retained else _explain_pause(memory, at)
        memory.doubted = False
        before, memory.told, memory.told_file = memory.told, state, memory.file
        signal, cause, detail = _signal(memory, state, before)
        memory.told_end = signal is not None
        memory.told_cause = cause is not Cause.UNKNOWN
        since = None
        reason = memory.told_reason = memory.pause_reason if state is PrinterState.PAUSED else None
        if state is PrinterState.PAUSED:
            since = memory.pause_ms
        elif state is PrinterState.PRINTING and before is PrinterState.PREPARING and memory.print_s:
            since = at - int(memory.print_s * 1000)
        return (
            Observation(
                time_ms=None if retained else at,
                since_ms=since,
                retained=retained,
                # What is heard first after knowing nothing is a state that may stand for long, no change,
                # unless it is the end of a print whose time tells which one it is.
                level=level or (before is None and not (is_edge and signal in _TOLD_ENDS)),
                state=state,
                signal=signal,
                cause=cause,
                detail=detail,
                facts=(JobFact.CANCEL_COMMAND,) if signal is JobSignal.CANCELLED else (),
                job=_job(memory, at, retained) if memory.state != "standby" else None,
                reason=reason,
            ),
        )


_ANSWER: Fields = {"eventtime": None, "status": STATUS_FIELDS, "jobs": HISTORY_FIELDS, **ESTIMATE_FIELDS}
_RECORDED: Mapping[str, Fields] = {
    "moonraker/status": {"server": None},
    "klipper/status": {"eventtime": None, "status": STATUS_FIELDS},
    "moonraker/api/response": {"jsonrpc": None, "id": None, "result": _ANSWER, "error": {"message": None}},
}


def _clock_trait(memory: MoonrakerMemory, at: int) -> tuple[Trait, ...]:
    """The host's clock where it fell or leapt, which two hosts in turn make it do all the time."""
    before, memory.clock_ms = memory.clock_ms, at
    if -_LEAP_MS <= at - before <= _LEAP_MS:
        return ()
    return (Trait(ClashSign.CLOCK, "", at),)


def _is_stalled(memory: MoonrakerMemory, at: int) -> bool:
    """Whether the print's clock stands while messages come.

    In split mode the clock's own message may be behind others of the same moment, so one
    whole moment without it must have passed.
    """
    if memory.told not in ACTIVE_STATES or memory.counted_ms is None or memory.webhooks in _DEAD:
        return False
    if at <= memory.counted_ms:
        return False
    if memory.uncounted_ms is None:
        memory.uncounted_ms = at
    return at > memory.uncounted_ms and at - memory.counted_ms > STALLED_MS


def _meaning(memory: MoonrakerMemory, at: int) -> PrinterState | None:
    """The state that the merged status means, None while too little is known.

    A dead Klipper wins over `print_stats`, whose state stays or even turns `paused` then.
    """
    if memory.webhooks in _DEAD:
        return PrinterState.ERROR
    if memory.webhooks == "startup":
        return PrinterState.UNKNOWN
    if memory.webhooks == _GONE:
        return PrinterState.OFFLINE
    word = memory.state
    if word is None:
        return PrinterState.PRINTING if memory.growth_s else None
    if word == "printing":
        if memory.total_s == 0 and memory.told in (PrinterState.PRINTING, PrinterState.PAUSED):
            # The file is being cleared; in split mode the word for it follows the figures.
            return memory.told
        return PrinterState.PRINTING if memory.print_s else PrinterState.PREPARING
    if word == "paused":
        held = memory.pause_ms is not None and at - memory.pause_ms < _PAUSE_CONFIRMED_MS
        return memory.told if held and not memory.is_paused and memory.told else PrinterState.PAUSED
    return _RESTING.get(word, PrinterState.UNKNOWN)


_RESTING = {
    "standby": PrinterState.IDLE,
    "complete": PrinterState.FINISHED,
    "cancelled": PrinterState.IDLE,
    "error": PrinterState.ERROR,
}


def _signal(
    memory: MoonrakerMemory, state: PrinterState, before: PrinterState | None
) -> tuple[JobSignal | None, Cause | None, str | None]:
    """What the change says of the job, with cause and the printer's own words."""
    if memory.webhooks in _DEAD:
        words = memory.webhooks_message
        if memory.state in _ACTIVE or before in (PrinterState.PREPARING, PrinterState.PRINTING):
            return JobSignal.HALTED, cause_in(words), words
        return None, None, words
    if memory.webhooks == _GONE:
        under_way = memory.state in _ACTIVE or before in ACTIVE_STATES
        return JobSignal.HOST_GONE if under_way else None, None, None
    match memory.state:
        case "complete":
            return JobSignal.DONE, None, None
        case "cancelled":
            return JobSignal.CANCELLED, None, None
        case "error":
            return JobSignal.FAILED, cause_in(memory.message), memory.message
        case "standby":
            return JobSignal.LOST, None, None
    detail = f"state {memory.state!r}" if state is PrinterState.UNKNOWN and memory.state else None
    return None, None, detail


def _explain_pause(memory: MoonrakerMemory, at: int) -> tuple[Observation, ...]:
    """What a pause waits for, where a sensor tells it behind the pause."""
    reason = memory.pause_reason
    if memory.told is not PrinterState.PAUSED or reason is None or reason is memory.told_reason:
        return ()
    memory.told_reason = reason
    return (Observation(time_ms=at, level=True, state=PrinterState.PAUSED, reason=reason),)


def _refine(memory: MoonrakerMemory, at: int) -> tuple[Observation, ...]:
    """The words of a failure, which in split mode follow the state in a message of their own."""
    halted = memory.webhooks in _DEAD
    words = memory.webhooks_message if halted else memory.message
    if not words or not (halted or memory.state == "error"):
        return ()
    memory.told_cause = True
    return (
        Observation(
            time_ms=at,
            level=True,
            signal=JobSignal.HALTED if halted else JobSignal.FAILED,
            cause=cause_in(words),
            detail=words,
            job=_job(memory, at, False),
        ),
    )


def _job(memory: MoonrakerMemory, at: int, retained: bool) -> JobReading:
    """The job as measured by Klipper at the moment `at`.

    `total_duration` counts on after a shutdown, and one of an earlier moment is of another time.
    """
    elapsed = None if memory.total_s is None else int(memory.total_s * 1000)
    if memory.webhooks in _DEAD or not (retained or memory.counted_ms == at):
        elapsed = None
    return JobReading(
        file=memory.file,
        printing_ms=None if memory.print_s is None else int(memory.print_s * 1000),
        elapsed_ms=elapsed,
        progress=memory.progress,
        filament_mm=memory.filament_mm,
    )


ADAPTER = Moonraker()
