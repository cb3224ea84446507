"""OctoPrint through its MQTT plugin: events, progress, temperatures and the last will.

What the protocol cannot tell: the state on connecting (only changes are published), heating
from printing, a cleared bed, and anything that happened while the plugin had no broker.
"""

import msgspec

from collector.adapters._causes import cause_in, without_ok
from collector.adapters._json import WireDecoder, text, wire_fields
from collector.adapters._octoprint_memory import (
    FORGOTTEN,
    Happening,
    OctoPrintMemory,
    as_of,
    hear,
    notice_fall,
    remember,
)
from collector.adapters._wire_types import (
    Celsius,
    FileName,
    Operator,
    Percent,
    Seconds,
    Word,
    Words,
)
from collector.adapters.base import ClockKind, Fields, Reading, Trait
from farm.errors import UnreadableMessage
from farm.model.clash import ClashSign
from farm.model.limits import INSTANT_MS
from farm.model.observation import JobFact, JobReading, JobSignal, Link, Observation, Telemetry
from farm.model.states import Cause, PrinterState

_STATES = {
    "OPERATIONAL": PrinterState.IDLE,
    "STARTING": PrinterState.PREPARING,
    "PRINTING": PrinterState.PRINTING,
    "PAUSING": PrinterState.PRINTING,
    "PAUSED": PrinterState.PAUSED,
    "RESUMING": PrinterState.PRINTING,
    "FINISHING": PrinterState.PRINTING,
    "CANCELLING": PrinterState.PRINTING,
    "TRANSFERING_FILE": PrinterState.IDLE,
    "TRANSFERRING_FILE": PrinterState.IDLE,
    "ERROR": PrinterState.ERROR,
    "CLOSED_WITH_ERROR": PrinterState.ERROR,
    "OFFLINE": PrinterState.OFFLINE,
    "CLOSED": PrinterState.OFFLINE,
    "NONE": PrinterState.OFFLINE,
    "OPEN_SERIAL": PrinterState.OFFLINE,
    "DETECT_SERIAL": PrinterState.OFFLINE,
    "DETECT_BAUDRATE": PrinterState.OFFLINE,
    "DETECTING": PrinterState.OFFLINE,
    "CONNECTING": PrinterState.OFFLINE,
}
_CLOSED = frozenset({"OFFLINE", "CLOSED", "NONE"})
_RESTING = frozenset({PrinterState.IDLE, PrinterState.FINISHED, PrinterState.ERROR, PrinterState.OFFLINE})
_PROGRESS, _BED, _NOZZLE = range(3)
_HEATERS = {"bed": _BED, "tool0": _NOZZLE}
_MISSED_START_MS = 4_000
_COLD_MS = 60_000
_SECOND_MS = 1_000


class _Payload(msgspec.Struct, rename={"timestamp": "_timestamp"}):
    timestamp: float | None = None
    path: FileName | None = None
    name: FileName | None = None
    time: Seconds | None = None
    reason: Word | None = None
    error: Words | None = None
    progress: Percent | None = None
    user: Operator | None = None
    state_id: Word | None = None
    firmwareError: Words | None = None  # noqa: N815 - OctoPrint's own spelling
    actual: Celsius | None = None
    target: Celsius | None = None


_decode = WireDecoder(_Payload).decode


def _time_ms(said: _Payload) -> int | None:
    """The message's own time. Raises UnreadableMessage for one that no printer can mean."""
    if said.timestamp is None:
        return None
    at = said.timestamp * _SECOND_MS
    if not INSTANT_MS.holds(at):
        raise UnreadableMessage("absurd_time", f"_timestamp is {said.timestamp}")
    return int(at)


class OctoPrint:
    """The adapter of the MQTT plugin's topics below any base topic."""

    kind = "octoprint"
    clock = ClockKind.WALL
    resolution_ms = 1_000
    default_topics = ("octoPrint", "octoPrint/{printer}")
    silence_ms = 900_000
    suffixes = ("mqtt", "event/+", "progress/printing", "temperature/+")
    memory_type = OctoPrintMemory
    plain_words = ("connected", "disconnected")

    def new_memory(self) -> OctoPrintMemory:
        """The memory of an instance never heard of."""
        return OctoPrintMemory()

    def telemetry(self, memory: OctoPrintMemory) -> Telemetry:
        """Temperatures, height and progress as they stand."""
        return memory.figures

    def forget(self, memory: OctoPrintMemory) -> None:
        """Nothing is published again on reconnecting, so nothing is known any more."""
        if memory.happened:
            remember(memory, Happening(memory.happened[-1].at_ms, FORGOTTEN), _follow)
        memory.state = None
        memory.progress_path = None

    def recorded_fields(self, _suffix: str) -> Fields:
        """See `Adapter.recorded_fields`: one form for all topics."""
        return wire_fields(_Payload)

    def read(self, memory: OctoPrintMemory, suffix: str, payload: bytes, retained: bool) -> Reading | None:
        """See `Adapter.read`."""
        if suffix == "mqtt":
            return self._link(memory, payload, retained)
        topic, _, leaf = suffix.partition("/")
        if topic == "event" and (retained or (not payload and leaf not in _EVENTS)):
            # The plugin keeps ZChange, FirmwareData and PausedForUser for ever: they may be hours old.
            return None
        said, refused = _decode(payload)
        at = _time_ms(said)
        if topic == "temperature":
            reading = self._temperature(memory, leaf, said, at, retained)
        elif topic == "progress":
            reading = self._progress(memory, said, at, retained)
        else:
            reading = self._event(memory, leaf, said, at)
        traits = () if retained else _traits(suffix, said, at)
        return reading._replace(refused=refused, traits=traits) if refused or traits else reading

    def _link(self, memory: OctoPrintMemory, payload: bytes, retained: bool) -> Reading:
        word = payload.strip()
        if word == b"connected":
            return Reading(None, (Observation(link=Link.ONLINE, retained=retained),))
        if word == b"disconnected":
            self.forget(memory)
            return Reading(None, (Observation(link=Link.OFFLINE, retained=retained),))
        raise UnreadableMessage("wrong_shape", "connected or disconnected was expected")

    def _temperature(
        self, memory: OctoPrintMemory, leaf: str, said: _Payload, at: int | None, retained: bool
    ) -> Reading:
        actual, target = said.actual, said.target
        if at is not None and leaf in _HEATERS and not retained:
            hear(memory, _HEATERS[leaf], at)
        if leaf == "bed":
            memory.figures = msgspec.structs.replace(memory.figures, bed=actual, bed_target=target)
        elif leaf == "tool0":
            memory.figures = msgspec.structs.replace(memory.figures, nozzle=actual, nozzle_target=target)
        elif leaf == "chamber":
            memory.figures = msgspec.structs.replace(memory.figures, chamber=actual)
        if retained:
            return Reading(None)
        return self._heaters(memory, at)

    def _heaters(self, memory: OctoPrintMemory, at: int | None) -> Reading:
        """Heaters that stay off in mid-print show that the end was missed: the state is not known."""
        figures = memory.figures
        cold = figures.nozzle_target == 0 and not figures.bed_target
        if not cold or at is None or as_of(memory, at, _follow).state is not PrinterState.PRINTING:
            memory.cold_ms = None
            return Reading(at)
        if memory.cold_ms is None:
            memory.cold_ms = at
        if at - memory.cold_ms < _COLD_MS:
            return Reading(at)
        since, memory.cold_ms = memory.cold_ms, None
        if not memory.happened or at >= memory.happened[-1].at_ms:
            memory.state = None
        detail = "heaters off in mid-print"
        return Reading(
            at, (Observation(time_ms=at, since_ms=since, state=PrinterState.UNKNOWN, detail=detail),)
        )

    def _progress(self, memory: OctoPrintMemory, said: _Payload, at: int | None, retained: bool) -> Reading:
        percent, path = said.progress, text(said.path)
        if retained or percent is None or at is None:
            return Reading(None)
        hear(memory, _PROGRESS, at)
        memory.figures = msgspec.structs.replace(memory.figures, progress=percent / 100)
        if path and percent == 100:
            job = JobReading(file=path)
            return Reading(at, (Observation(time_ms=at, level=True, signal=JobSignal.READ_THROUGH, job=job),))
        if not path or not 0 < percent < 100:
            memory.progress_path = None
            return Reading(at)
        under_way = self._proves_a_print(memory, path, at)
        if not under_way:
            return Reading(at)
        if not memory.happened or at >= memory.happened[-1].at_ms:
            memory.state = PrinterState.PRINTING
        job = JobReading(file=path, progress=percent / 100)
        return Reading(at, (Observation(time_ms=at, level=True, state=PrinterState.PRINTING, job=job),))

    def _proves_a_print(self, memory: OctoPrintMemory, path: str, at: int) -> bool:
        """Whether progress shows a print whose start was missed.

        With no state known one message does. Against a known resting state it takes two of
        them some seconds apart, since one may come late after the end. Progress of before an
        end that is known is held against the state of then, and so proves nothing.
        """
        state = as_of(memory, at, _follow).state
        if state is None:
            return True
        if state not in _RESTING:
            return False
        if memory.progress_path != path:
            memory.progress_path, memory.progress_ms = path, at
            return False
        return at - memory.progress_ms >= _MISSED_START_MS

    def _event(self, memory: OctoPrintMemory, name: str, said: _Payload, at: int | None) -> Reading:
        handler = _EVENTS.get(name)
        if handler is None:
            return Reading(at)
        if at is not None:
            notice_fall(memory, name, at)
        standing = as_of(memory, at, _follow)
        found = handler(standing, said, at)
        if at is not None:
            remember(memory, Happening(at, name, _word(name, said)), _follow)
        return Reading(at, () if found is None else (found,))


def _traits(suffix: str, said: _Payload, at: int | None) -> tuple[Trait, ...]:
    """What tells this OctoPrint from another one. A topic keeps its order, so each has its own clock."""
    if at is None or suffix not in _TRAITS:
        return ()
    clock = Trait(ClashSign.CLOCK, suffix, at)
    target, actual, path = said.target, said.actual, text(said.path)
    if _TRAITS[suffix] is ClashSign.NOZZLE and target is not None and actual is not None:
        return (clock, Trait(ClashSign.NOZZLE, "", actual, str(target)))
    if _TRAITS[suffix] is ClashSign.BED and target is not None:
        return (clock, Trait(ClashSign.BED, "", 0, str(target)))
    if _TRAITS[suffix] is ClashSign.PROGRESS and path and said.progress is not None:
        return (clock, Trait(ClashSign.PROGRESS, "", said.progress, path))
    return (clock,)


_TRAITS = {
    "temperature/tool0": ClashSign.NOZZLE,
    "temperature/bed": ClashSign.BED,
    "progress/printing": ClashSign.PROGRESS,
}


def _word(event: str, said: _Payload) -> str | None:
    """The word of an event that later messages are read by."""
    match event:
        case "PrinterStateChanged":
            return text(said.state_id)
        case "PrintFailed":
            return text(said.reason)
        case "PrintCancelling":
            return without_ok(text(said.firmwareError))
        case "Error":
            return without_ok(text(said.error)) or text(said.reason)
    return None


def _follow(memory: OctoPrintMemory, happened: Happening) -> Observation | None:
    """Let an event that is remembered act on the memory as it did when it was heard."""
    word = happened.word
    said = _Payload(state_id=word, reason=word, error=word, firmwareError=word)
    return _EVENTS[happened.event](memory, said, happened.at_ms)


def _job(said: _Payload, at: int | None, *, token: bool = False, measured: bool = True) -> JobReading:
    path = text(said.path) or text(said.name)
    seconds = said.time if measured else None
    printing = None if seconds is None else int(seconds * _SECOND_MS)
    return JobReading(
        file=path,
        token=f"{at}:{path}" if token else None,
        printing_ms=printing,
        operator=text(said.user),
    )


def _state_changed(memory: OctoPrintMemory, said: _Payload, at: int | None) -> Observation | None:
    word = text(said.state_id) or ""
    if word == "PAUSING" and memory.state in (PrinterState.PRINTING, PrinterState.PAUSED):
        # Whether it still prints or was told to be paused within the same second: nothing new.
        return None
    state = _STATES.get(word, PrinterState.UNKNOWN)
    if word in _CLOSED and memory.failed:
        state = PrinterState.ERROR
    elif state is PrinterState.IDLE and memory.bed_full:
        state = PrinterState.FINISHED
    if word not in _CLOSED:
        memory.failed = state is PrinterState.ERROR
    memory.state = state
    detail = f"state {word!r}" if state is PrinterState.UNKNOWN else None
    return Observation(time_ms=at, state=state, detail=detail)


def _started(memory: OctoPrintMemory, said: _Payload, at: int | None) -> Observation:
    memory.state = PrinterState.PRINTING
    memory.error = None
    memory.failed = memory.bed_full = False
    job = _job(said, at, token=True)
    return Observation(time_ms=at, state=PrinterState.PRINTING, signal=JobSignal.STARTED, job=job)


def _paused(memory: OctoPrintMemory, said: _Payload, at: int | None) -> Observation:
    memory.state = PrinterState.PAUSED
    return Observation(time_ms=at, state=PrinterState.PAUSED, job=_job(said, at, measured=False))


def _resumed(memory: OctoPrintMemory, said: _Payload, at: int | None) -> Observation:
    memory.state = PrinterState.PRINTING
    return Observation(time_ms=at, state=PrinterState.PRINTING, job=_job(said, at, measured=False))


def _done(memory: OctoPrintMemory, said: _Payload, at: int | None) -> Observation:
    memory.state = PrinterState.FINISHED
    memory.bed_full = True
    return Observation(time_ms=at, state=PrinterState.FINISHED, signal=JobSignal.DONE, job=_job(said, at))


def _failed(memory: OctoPrintMemory, said: _Payload, at: int | None) -> Observation:
    if said.reason == "cancelled":
        return _cancelled(memory, said, at)
    words = without_ok(text(said.error)) or memory.error
    if memory.state not in _RESTING:
        memory.state = PrinterState.ERROR
    return Observation(
        time_ms=at,
        state=memory.state,
        signal=JobSignal.FAILED,
        cause=cause_in(words),
        detail=words,
        job=_job(said, at),
    )


def _cancelling(memory: OctoPrintMemory, said: _Payload, at: int | None) -> Observation | None:
    words = without_ok(text(said.firmwareError))
    memory.error = words or memory.error
    if words is None:
        return None
    return Observation(time_ms=at, cause=cause_in(words), detail=words, facts=(JobFact.FIRMWARE_ERROR,))


def _cancelled(memory: OctoPrintMemory, said: _Payload, at: int | None) -> Observation:
    """OctoPrint calls it cancelled also when a firmware error made it cancel by itself."""
    words = without_ok(text(said.firmwareError)) or memory.error
    if memory.state not in _RESTING:
        memory.state = PrinterState.IDLE
    by = JobFact.USER_NAMED if text(said.user) else JobFact.NO_USER
    return Observation(
        time_ms=at,
        state=memory.state,
        signal=JobSignal.CANCELLED,
        cause=cause_in(words) if words else None,
        detail=words,
        job=_job(said, at),
        facts=(JobFact.FIRMWARE_ERROR, by) if words else (by,),
    )


def _error(memory: OctoPrintMemory, said: _Payload, at: int | None) -> Observation:
    memory.error = without_ok(text(said.error)) or text(said.reason)
    memory.failed = True
    memory.state = PrinterState.ERROR
    cause = Cause.CONNECTION if said.reason in ("timeout", "connection") else cause_in(memory.error)
    return Observation(
        time_ms=at,
        state=PrinterState.ERROR,
        cause=cause,
        detail=memory.error,
        facts=(JobFact.FIRMWARE_ERROR,),
    )


def _disconnected(memory: OctoPrintMemory, said: _Payload, at: int | None) -> Observation:
    memory.state = PrinterState.ERROR if memory.failed else PrinterState.OFFLINE
    return Observation(time_ms=at, state=memory.state)


def _connected(memory: OctoPrintMemory, said: _Payload, at: int | None) -> Observation:
    memory.failed = False
    memory.state = PrinterState.FINISHED if memory.bed_full else PrinterState.IDLE
    return Observation(time_ms=at, state=memory.state)


def _shutdown(memory: OctoPrintMemory, said: _Payload, at: int | None) -> Observation:
    memory.state = None
    return Observation(time_ms=at, link=Link.OFFLINE, detail="OctoPrint was shut down")


_EVENTS = {
    "PrinterStateChanged": _state_changed,
    "PrintStarted": _started,
    "PrintPaused": _paused,
    "PrintResumed": _resumed,
    "PrintDone": _done,
    "PrintFailed": _failed,
    "PrintCancelling": _cancelling,
    "PrintCancelled": _cancelled,
    "Error": _error,
    "Disconnected": _disconnected,
    "Connected": _connected,
    "Shutdown": _shutdown,
}

ADAPTER = OctoPrint()
