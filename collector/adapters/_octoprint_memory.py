"""What is remembered of one OctoPrint, and how things stood with it at an earlier moment.

Order across topics is never relied on: a queue may be handed over topic by topic. So the last
events are kept with their own times, and a message that is older than they are is read in the
light of those before it.
"""

from collections.abc import Callable, Iterable

import msgspec

from farm.model.observation import Observation, Telemetry
from farm.model.states import PrinterState

REMEMBERED = 24
"""So many events are kept with their times."""
FELL_MS = 30_000
"""A topic keeps its order, so a time that falls by more than this within one shows that the clock fell."""
PROGRESS, BED, NOZZLE = range(3)
"""The places of `OctoPrintMemory.told_ms`."""
FORGOTTEN = "-"
"""The event of our own that the way to the instance broke."""


class Happening(msgspec.Struct, frozen=True, array_like=True):
    """An event at its source's time (ms), with those of its words that later messages are read by."""

    at_ms: int
    event: str
    word: str | None = None
    """The state of a change of state, the reason of an end, the words of an error."""


class OctoPrintMemory(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is remembered of one OctoPrint instance between its messages.

    `happened` are its last events by time, `before` is how things stood before the first of them;
    where that is None, events from before it are no longer kept. While no state is known,
    `state_before` is the one known last; `doubted` says that one is known, and that messages may be
    missing since. `gap_ms` is the source's time until which it was heard before that. `cold_ms` and
    `hot_ms` say since when the heaters are off or on, `heated` that they were on in this print.
    """

    state: PrinterState | None = None
    failed: bool = False
    bed_full: bool = False
    error: str | None = None
    progress_path: str | None = None
    progress_ms: int = 0
    cold_ms: int | None = None
    hot_ms: int | None = None
    heated: bool = False
    figures: Telemetry = Telemetry()
    happened: tuple[Happening, ...] = ()
    before: tuple[PrinterState | None, bool, bool, str | None] | None = (None, False, False, None)
    told_ms: tuple[int, int, int] = (0, 0, 0)
    """The times of the last messages about progress, bed and nozzle."""
    state_before: PrinterState | None = None
    doubted: bool = False
    gap_ms: int = 0
    estimates: tuple[tuple[str, int], ...] = ()
    """How long the files take that were analysed last: path and milliseconds."""
    estimated: str | None = None
    """The path of the print whose estimate was told."""
    began_ms: int | None = None
    """When the server told that it began anew, until it tells of a file."""


Follow = Callable[[OctoPrintMemory, Happening], Observation | None]
"""Lets an event act on a memory."""


def latest_ms(memory: OctoPrintMemory) -> int:
    """The source's time of the latest message of which the time is remembered."""
    return max(*memory.told_ms, memory.happened[-1].at_ms if memory.happened else 0)


def lose_state(memory: OctoPrintMemory, state_before: PrinterState | None) -> None:
    """No state is known any more; `state_before` is the one that it was, as far as it matters."""
    memory.state, memory.state_before = None, state_before
    memory.doubted = False
    memory.gap_ms = latest_ms(memory)
    memory.progress_path = memory.cold_ms = memory.hot_ms = None


def is_present(memory: OctoPrintMemory, at_ms: int) -> bool:
    """Whether nothing that is remembered happened after `at_ms`."""
    return not memory.happened or at_ms >= memory.happened[-1].at_ms


def as_of(memory: OctoPrintMemory, at_ms: int | None, follow: Follow) -> OctoPrintMemory:
    """How things stood at `at_ms`: the memory itself, or an older one that nobody keeps.

    Of a time whose events are no longer kept the state is `unknown`.
    """
    happened = memory.happened
    if at_ms is None or not happened or at_ms >= happened[-1].at_ms:
        return memory
    if at_ms < happened[0].at_ms and memory.before is None:
        return OctoPrintMemory(state=PrinterState.UNKNOWN, figures=memory.figures)
    earlier = _run(memory, (each for each in happened if each.at_ms <= at_ms), follow)
    earlier.figures = memory.figures
    return earlier


def remember(memory: OctoPrintMemory, new: Happening, follow: Follow) -> None:
    """Put an event into its place, after its effect on the memory was taken as of its time."""
    happened = memory.happened
    if happened and new.at_ms < happened[-1].at_ms:
        if new.at_ms < happened[0].at_ms and memory.before is None:
            return
        place = next(i for i, each in enumerate(happened) if each.at_ms > new.at_ms)
        memory.happened = (*happened[:place], new, *happened[place:])
        now = _run(memory, memory.happened, follow)
        memory.state, memory.failed, memory.bed_full, memory.error = _standing(now)
    else:
        memory.happened = (*happened, new)
    if len(memory.happened) > REMEMBERED:
        memory.happened, memory.before = memory.happened[1:], None


def notice_fall(memory: OctoPrintMemory, event: str, at_ms: int) -> None:
    """See whether an event shows that the clock fell since the one of the same topic before it."""
    last = next((each for each in reversed(memory.happened) if each.event == event), None)
    if last is not None and last.at_ms - at_ms > FELL_MS:
        forget_times(memory)


def forget_times(memory: OctoPrintMemory) -> None:
    """The clock fell: what was remembered by time is void, how things stand is not."""
    memory.happened, memory.before = (), _standing(memory)
    memory.told_ms = (0, 0, 0)
    memory.gap_ms = 0
    memory.progress_path = memory.cold_ms = memory.hot_ms = memory.began_ms = None


def hear(memory: OctoPrintMemory, place: int, at_ms: int) -> None:
    """A message of the topic at `place` of `told_ms` came; each of these keeps its own order."""
    told = memory.told_ms
    if told[place] - at_ms > FELL_MS:
        forget_times(memory)
        told = memory.told_ms
    first, second, third = (at_ms if each == place else told[each] for each in range(3))
    memory.told_ms = (first, second, third)


def _standing(memory: OctoPrintMemory) -> tuple[PrinterState | None, bool, bool, str | None]:
    return memory.state, memory.failed, memory.bed_full, memory.error


def _run(memory: OctoPrintMemory, happened: Iterable[Happening], follow: Follow) -> OctoPrintMemory:
    state, failed, bed_full, error = memory.before or (PrinterState.UNKNOWN, False, False, None)
    run = OctoPrintMemory(state=state, failed=failed, bed_full=bed_full, error=error)
    for each in happened:
        if each.event == FORGOTTEN:
            run.state = None
        else:
            follow(run, each)
    return run
