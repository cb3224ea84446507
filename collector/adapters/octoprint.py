"""OctoPrint through its MQTT plugin: events, progress, temperatures and the last will.

What the protocol cannot tell: the state on connecting (only changes are published), heating
from printing, a cleared bed, and anything that happened while the plugin had no broker.
"""

import msgspec

from collector.adapters import _octoprint_gap as gap
from collector.adapters._json import text, wire_fields
from collector.adapters._octoprint_estimates import keep_estimate, news_of_estimate, with_estimate
from collector.adapters._octoprint_events import (
    EVENTS,
    AnalysedFile,
    EventPayload,
    Payload,
    ProgressPayload,
    decode,
    decode_analysis,
    decode_event,
    decode_progress,
    follow,
    time_ms,
    word_of,
)
from collector.adapters._octoprint_memory import (
    BED,
    FORGOTTEN,
    NOZZLE,
    PROGRESS,
    Happening,
    OctoPrintMemory,
    as_of,
    hear,
    is_present,
    lose_state,
    notice_fall,
    remember,
)
from collector.adapters.base import ClockKind, Fields, Reading, Trait
from farm.errors import UnreadableMessage
from farm.model.clash import ClashSign
from farm.model.observation import JobReading, JobSignal, Link, Observation, Telemetry
from farm.model.states import PrinterState

_HEATERS = {"bed": BED, "tool0": NOZZLE}
_ANALYSED = "MetadataAnalysisFinished"
_FORMS: dict[str, type[msgspec.Struct]] = {
    f"event/{_ANALYSED}": AnalysedFile,
    "progress/printing": ProgressPayload,
}


class OctoPrint:
    """The adapter of the MQTT plugin's topics below any base topic."""

    kind = "octoprint"
    clock = ClockKind.WALL
    resolution_ms = 1_000
    default_topics = ("octoPrint", "octoPrint/{printer}")
    silence_ms = 900_000
    suffixes = ("mqtt", "event/+", "progress/printing", "temperature/+")
    memory_type = OctoPrintMemory
    after_gap = gap.AFTER_GAP
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
            remember(memory, Happening(memory.happened[-1].at_ms, FORGOTTEN), follow)
        lose_state(memory, memory.state_before if memory.state is None else memory.state)

    def doubt(self, memory: OctoPrintMemory) -> None:
        """Nothing is published again on reconnecting: what is known stands until a sign speaks."""
        gap.doubt(memory)

    def waits(self, memory: OctoPrintMemory) -> bool:
        """Heaters that stay off are told once."""
        return memory.cold_ms is not None

    def look(self, memory: OctoPrintMemory, at_ms: int) -> Observation | None:
        """See `Waiting.look`."""
        return gap.by_heaters(memory, at_ms, retained=False)

    def recorded_fields(self, suffix: str) -> Fields:
        """See `Adapter.recorded_fields`: one form for all topics but for two."""
        return wire_fields(_FORMS.get(suffix, Payload))

    def read(self, memory: OctoPrintMemory, suffix: str, payload: bytes, retained: bool) -> Reading | None:
        """See `Adapter.read`."""
        if suffix == "mqtt":
            return self._link(memory, payload, retained)
        topic, _, leaf = suffix.partition("/")
        if topic == "event" and (retained or (not payload and leaf not in EVENTS)):
            # The plugin keeps ZChange, FirmwareData and PausedForUser for ever: they may be hours old.
            return None
        if topic == "event" and leaf == _ANALYSED:
            analysed, refused = decode_analysis(payload)
            keep_estimate(memory, analysed)
            return Reading(time_ms(analysed), refused=refused)
        if topic == "event":
            happened, refused = decode_event(payload)
            reading = self._event(memory, leaf, happened, time_ms(happened))
            return reading._replace(refused=refused) if refused else reading
        if topic == "temperature":
            said, refused = decode(payload)
            at = time_ms(said)
            reading = self._temperature(memory, leaf, said, at, retained)
        else:
            said, refused = decode_progress(payload)
            at = time_ms(said)
            reading = self._progress(memory, said, at, retained)
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
        self, memory: OctoPrintMemory, leaf: str, said: Payload, at: int | None, retained: bool
    ) -> Reading:
        place = _HEATERS.get(leaf)
        if retained and place is not None and (at is None or at <= memory.told_ms[place]):
            return Reading(None)
        if at is not None and place is not None:
            hear(memory, place, at)
        actual, target = said.actual, said.target
        if leaf == "bed":
            memory.figures = msgspec.structs.replace(memory.figures, bed=actual, bed_target=target)
        elif leaf == "tool0":
            memory.figures = msgspec.structs.replace(memory.figures, nozzle=actual, nozzle_target=target)
        elif leaf == "chamber":
            memory.figures = msgspec.structs.replace(memory.figures, chamber=actual)
        found = None if at is None else gap.by_heaters(memory, at, retained=retained)
        return Reading(None if retained else at, () if found is None else (found,))

    def _progress(
        self, memory: OctoPrintMemory, said: ProgressPayload, at: int | None, retained: bool
    ) -> Reading:
        percent, path = said.progress, text(said.path)
        if percent is None or at is None:
            return Reading(None)
        if retained:
            return Reading(None, self._kept_progress(memory, said.path, percent, at))
        hear(memory, PROGRESS, at)
        if said.path == "":
            return Reading(at, gap.began_anew(memory, at, retained=False))
        if path is None:
            memory.progress_path = None
            return Reading(at)
        memory.began_ms = None
        memory.figures = msgspec.structs.replace(
            memory.figures, progress=percent / 100, remaining_s=_remaining(said, percent)
        )
        if percent == 100:
            job = JobReading(file=path)
            return Reading(at, (Observation(time_ms=at, level=True, signal=JobSignal.READ_THROUGH, job=job),))
        news = news_of_estimate(memory, path, said.printer_data, at)
        told = () if news is None else (news,)
        if percent == 0:
            memory.progress_path = None
            return Reading(at, told)
        if not gap.by_progress(memory, path, at):
            return Reading(at, told)
        job = JobReading(file=path, progress=percent / 100)
        under_way = Observation(time_ms=at, level=True, state=PrinterState.PRINTING, job=job)
        return Reading(at, (under_way, *told))

    def _kept_progress(
        self, memory: OctoPrintMemory, path: str | None, percent: float, at: int
    ) -> tuple[Observation, ...]:
        """What the broker kept, where it was not heard when it was told."""
        if at <= memory.told_ms[PROGRESS] or not is_present(memory, at):
            return ()
        hear(memory, PROGRESS, at)
        if path == "":
            return gap.began_anew(memory, at, retained=True)
        if path is None:
            return ()
        memory.began_ms = None
        memory.figures = msgspec.structs.replace(memory.figures, progress=percent / 100)
        found = gap.kept_read_through(memory, path, at) if percent == 100 else None
        return () if found is None else (found,)

    def _event(self, memory: OctoPrintMemory, name: str, said: EventPayload, at: int | None) -> Reading:
        handler = EVENTS.get(name)
        if handler is None:
            return Reading(at)
        if at is not None:
            notice_fall(memory, name, at)
        standing = as_of(memory, at, follow)
        found = handler(standing, said, at)
        if at is not None:
            remember(memory, Happening(at, name, word_of(name, said)), follow)
        if found is not None and standing is memory:
            memory.doubted = False
            found = with_estimate(memory, found)
        return Reading(at, () if found is None else (found,))


def _remaining(said: ProgressPayload, percent: float) -> float | None:
    """Seconds that the print still takes by OctoPrint's account."""
    data = said.printer_data
    return None if percent == 100 or data is None or data.progress is None else data.progress.printTimeLeft


def _traits(suffix: str, said: Payload, at: int | None) -> tuple[Trait, ...]:
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


ADAPTER = OctoPrint()
