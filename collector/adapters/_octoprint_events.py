"""What OctoPrint's events and states mean, in the light of what is remembered of the instance."""

import msgspec

from collector.adapters._causes import cause_in, without_ok
from collector.adapters._json import WireDecoder, text
from collector.adapters._octoprint_memory import Happening, OctoPrintMemory
from collector.adapters._wire_types import (
    Celsius,
    FileName,
    Operator,
    Percent,
    Seconds,
    Word,
    Words,
)
from farm.errors import UnreadableMessage
from farm.model.limits import INSTANT_MS
from farm.model.observation import JobFact, JobReading, JobSignal, Link, Observation
from farm.model.states import Cause, PrinterState, StateReason

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
RESTING = frozenset({PrinterState.IDLE, PrinterState.FINISHED, PrinterState.ERROR, PrinterState.OFFLINE})
_SECOND_MS = 1_000


class EventPayload(msgspec.Struct, rename={"timestamp": "_timestamp"}):
    timestamp: float | None = None
    path: FileName | None = None
    name: FileName | None = None
    time: Seconds | None = None
    reason: Word | None = None
    error: Words | None = None
    user: Operator | None = None
    state_id: Word | None = None
    firmwareError: Words | None = None  # noqa: N815 - OctoPrint's own spelling


class AnalysisResult(msgspec.Struct):
    """What OctoPrint's own analysis of a file gave."""

    estimatedPrintTime: Seconds | None = None  # noqa: N815 - OctoPrint's own spelling


class AnalysedFile(EventPayload, rename={"timestamp": "_timestamp"}):
    """Of the event that ends the analysis of a file."""

    result: AnalysisResult | None = None


class PrintProgress(msgspec.Struct):
    """How far the print is, in the plugin's `printer_data`."""

    printTimeLeft: Seconds | None = None  # noqa: N815 - OctoPrint's own spelling


class PrinterData(msgspec.Struct):
    """OctoPrint's own account of the printer, which the plugin sends where it is told to."""

    job: AnalysisResult | None = None
    progress: PrintProgress | None = None


class Payload(EventPayload, rename={"timestamp": "_timestamp"}):
    """Of all topics; events use some of these names for other things: an Upload's target is a storage."""

    progress: Percent | None = None
    actual: Celsius | None = None
    target: Celsius | None = None


class ProgressPayload(Payload, rename={"timestamp": "_timestamp"}):
    """Of progress alone."""

    printer_data: PrinterData | None = None


decode = WireDecoder(Payload).decode
decode_progress = WireDecoder(ProgressPayload).decode
decode_event = WireDecoder(EventPayload).decode
decode_analysis = WireDecoder(AnalysedFile).decode


def time_ms(said: EventPayload) -> int | None:
    """The message's own time. Raises UnreadableMessage for one that no printer can mean."""
    if said.timestamp is None:
        return None
    at = said.timestamp * _SECOND_MS
    if not INSTANT_MS.holds(at):
        raise UnreadableMessage("absurd_time", f"_timestamp is {said.timestamp}")
    return int(at)


def word_of(event: str, said: EventPayload) -> str | None:
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


def follow(memory: OctoPrintMemory, happened: Happening) -> Observation | None:
    """Let an event that is remembered act on the memory as it did when it was heard."""
    word = happened.word
    said = EventPayload(state_id=word, reason=word, error=word, firmwareError=word)
    return EVENTS[happened.event](memory, said, happened.at_ms)


def _job(said: EventPayload, at: int | None, *, token: bool = False, measured: bool = True) -> JobReading:
    path = text(said.path) or text(said.name)
    seconds = said.time if measured else None
    printing = None if seconds is None else int(seconds * _SECOND_MS)
    return JobReading(
        file=path,
        token=f"{at}:{path}" if token else None,
        printing_ms=printing,
        operator=text(said.user),
    )


def _state_changed(memory: OctoPrintMemory, said: EventPayload, at: int | None) -> Observation | None:
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


def _started(memory: OctoPrintMemory, said: EventPayload, at: int | None) -> Observation:
    memory.state = PrinterState.PRINTING
    memory.error = None
    memory.failed = memory.bed_full = memory.heated = False
    # What the print before reached is not this one's.
    memory.figures = msgspec.structs.replace(memory.figures, progress=None, remaining_s=None)
    job = _job(said, at, token=True)
    return Observation(time_ms=at, state=PrinterState.PRINTING, signal=JobSignal.STARTED, job=job)


def _paused(memory: OctoPrintMemory, said: EventPayload, at: int | None) -> Observation:
    """OctoPrint names the user who paused; one that the firmware or a script asked for has none."""
    memory.state = PrinterState.PAUSED
    reason = StateReason.PAUSED_BY_PERSON if text(said.user) else StateReason.PAUSED_BY_MACHINE
    job = _job(said, at, measured=False)
    return Observation(time_ms=at, state=PrinterState.PAUSED, job=job, reason=reason)


def _waits_for_user(memory: OctoPrintMemory, said: EventPayload, at: int | None) -> Observation | None:
    """The firmware says that it waits for somebody (`busy: paused for user`).

    When that ends nobody tells, so it explains a pause and begins none.
    """
    if memory.state is not PrinterState.PAUSED:
        return None
    return Observation(time_ms=at, state=PrinterState.PAUSED, reason=StateReason.WAITING_FOR_OPERATOR)


def _resumed(memory: OctoPrintMemory, said: EventPayload, at: int | None) -> Observation:
    memory.state = PrinterState.PRINTING
    return Observation(time_ms=at, state=PrinterState.PRINTING, job=_job(said, at, measured=False))


def _done(memory: OctoPrintMemory, said: EventPayload, at: int | None) -> Observation:
    memory.state = PrinterState.FINISHED
    memory.bed_full = True
    return Observation(time_ms=at, state=PrinterState.FINISHED, signal=JobSignal.DONE, job=_job(said, at))


def _failed(memory: OctoPrintMemory, said: EventPayload, at: int | None) -> Observation:
    if said.reason == "cancelled":
        return _cancelled(memory, said, at)
    words = without_ok(text(said.error)) or memory.error
    if memory.state not in RESTING:
        memory.state = PrinterState.ERROR
    return Observation(
        time_ms=at,
        state=memory.state,
        signal=JobSignal.FAILED,
        cause=cause_in(words),
        detail=words,
        job=_job(said, at),
    )


def _cancelling(memory: OctoPrintMemory, said: EventPayload, at: int | None) -> Observation | None:
    words = without_ok(text(said.firmwareError))
    memory.error = words or memory.error
    if words is None:
        return None
    return Observation(time_ms=at, cause=cause_in(words), detail=words, facts=(JobFact.FIRMWARE_ERROR,))


def _cancelled(memory: OctoPrintMemory, said: EventPayload, at: int | None) -> Observation:
    """OctoPrint calls it cancelled also when a firmware error made it cancel by itself."""
    words = without_ok(text(said.firmwareError)) or memory.error
    if memory.state not in RESTING:
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


def _error(memory: OctoPrintMemory, said: EventPayload, at: int | None) -> Observation:
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


def _disconnected(memory: OctoPrintMemory, said: EventPayload, at: int | None) -> Observation:
    memory.state = PrinterState.ERROR if memory.failed else PrinterState.OFFLINE
    return Observation(time_ms=at, state=memory.state)


def _connected(memory: OctoPrintMemory, said: EventPayload, at: int | None) -> Observation:
    memory.failed = False
    memory.state = PrinterState.FINISHED if memory.bed_full else PrinterState.IDLE
    return Observation(time_ms=at, state=memory.state)


def _stopped(memory: OctoPrintMemory, said: EventPayload, at: int | None) -> Observation:
    """An emergency stop closes the line to the printer, which then waits in its fault for somebody.

    OctoPrint itself stops a printer of which the firmware told an error, and says so behind that.
    """
    follows_error = memory.failed and memory.error is not None
    memory.failed = True
    memory.state = PrinterState.ERROR
    if follows_error:
        return Observation(time_ms=at, state=PrinterState.ERROR)
    memory.error = "emergency stop"
    return Observation(
        time_ms=at,
        state=PrinterState.ERROR,
        cause=Cause.OPERATOR,
        detail=memory.error,
        facts=(JobFact.FIRMWARE_ERROR,),
    )


def _shutdown(memory: OctoPrintMemory, said: EventPayload, at: int | None) -> Observation:
    memory.state = memory.state_before = None
    return Observation(time_ms=at, link=Link.OFFLINE, detail="OctoPrint was shut down")


EVENTS = {
    "PrinterStateChanged": _state_changed,
    "PrintStarted": _started,
    "PrintPaused": _paused,
    "PrintResumed": _resumed,
    "PausedForUser": _waits_for_user,
    "PrintDone": _done,
    "PrintFailed": _failed,
    "PrintCancelling": _cancelling,
    "PrintCancelled": _cancelled,
    "Error": _error,
    "EStop": _stopped,
    "Disconnected": _disconnected,
    "Connected": _connected,
    "Shutdown": _shutdown,
}
