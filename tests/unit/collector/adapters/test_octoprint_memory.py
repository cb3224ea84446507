"""How things stood with an OctoPrint at an earlier moment, and what its clock is noticed to have done.

The words of the events that are followed here are states, so that each is seen in what it left.
"""

import msgspec
import pytest

from collector.adapters._octoprint_memory import (
    FELL_MS,
    FORGOTTEN,
    REMEMBERED,
    Happening,
    OctoPrintMemory,
    as_of,
    forget_times,
    hear,
    notice_fall,
    remember,
)
from farm.model.observation import Observation, Telemetry
from farm.model.states import PrinterState

FIGURES = Telemetry(bed=60.0)
T0 = 1_000_000


def follow(memory: OctoPrintMemory, happened: Happening) -> Observation | None:
    """An event that sets the state and marks what it passed."""
    memory.state = PrinterState(happened.word or "idle")
    memory.failed = memory.failed or happened.event == "fail"
    memory.bed_full = memory.bed_full or happened.event == "fill"
    memory.error = f"{memory.error or ''}{happened.event[0]}"
    return None


def happens(memory: OctoPrintMemory, at_ms: int, event: str, word: str | None = None) -> None:
    """As the adapter does: the event acts as of its time, and is put into its place."""
    new = Happening(at_ms, event, word)
    follow(as_of(memory, at_ms, follow), new)
    remember(memory, new, follow)


def standing(memory: OctoPrintMemory) -> tuple[object, ...]:
    return memory.state, memory.failed, memory.bed_full, memory.error


@pytest.fixture
def memory() -> OctoPrintMemory:
    """An idle one that prints from 10 and failed at 20."""
    memory = OctoPrintMemory(figures=FIGURES)
    happens(memory, T0 + 10, "begin", "printing")
    happens(memory, T0 + 20, "fail", "error")
    return memory


def full() -> OctoPrintMemory:
    """One that keeps as many events as it may, from 0 on, each of a second."""
    memory = OctoPrintMemory(figures=FIGURES)
    for number in range(REMEMBERED):
        happens(memory, T0 + number * 1_000, "begin", "printing")
    return memory


@pytest.mark.parametrize("at_ms", [None, T0 + 20, T0 + 21])
def test_as_of_now_it_is_the_memory_itself(memory: OctoPrintMemory, at_ms: int | None) -> None:
    assert as_of(memory, at_ms, follow) is memory


def test_where_nothing_happened_it_is_the_memory_itself_at_any_time() -> None:
    memory = OctoPrintMemory(state=PrinterState.IDLE)
    assert as_of(memory, 0, follow) is memory


@pytest.mark.parametrize(
    ("at_ms", "stood"),
    [
        (T0 + 19, (PrinterState.PRINTING, False, False, "b")),
        (T0 + 10, (PrinterState.PRINTING, False, False, "b")),
        (T0 + 9, (None, False, False, None)),
    ],
)
def test_an_earlier_moment_is_what_had_happened_until_then(
    memory: OctoPrintMemory, at_ms: int, stood: tuple[object, ...]
) -> None:
    before = msgspec.structs.replace(memory)
    earlier = as_of(memory, at_ms, follow)
    assert standing(earlier) == stood
    assert earlier.figures == FIGURES
    assert memory == before


def test_an_event_that_comes_late_is_put_into_its_place_and_acts_on_what_stands(
    memory: OctoPrintMemory,
) -> None:
    happens(memory, T0 + 15, "fill", "paused")
    assert [each.at_ms - T0 for each in memory.happened] == [10, 15, 20]
    assert standing(memory) == (PrinterState.ERROR, True, True, "bff")
    assert standing(as_of(memory, T0 + 16, follow)) == (PrinterState.PAUSED, False, True, "bf")


def test_of_one_moment_what_came_later_is_later(memory: OctoPrintMemory) -> None:
    happens(memory, T0 + 10, "fill", "paused")
    assert [each.event for each in memory.happened] == ["begin", "fill", "fail"]
    happens(memory, T0 + 20, "fill", "idle")
    assert [each.event for each in memory.happened] == ["begin", "fill", "fail", "fill"]
    assert memory.state is PrinterState.IDLE


def test_after_the_way_broke_nothing_is_known_until_something_is_told(memory: OctoPrintMemory) -> None:
    happens(memory, T0 + 30, "begin", "printing")
    remember(memory, Happening(T0 + 25, FORGOTTEN), follow)
    assert as_of(memory, T0 + 26, follow).state is None
    assert as_of(memory, T0 + 24, follow).state is PrinterState.ERROR
    assert memory.state is PrinterState.PRINTING


def test_two_dozen_events_are_kept_and_what_was_before_them_is_not_known() -> None:
    memory = full()
    assert (REMEMBERED, len(memory.happened)) == (24, 24)
    assert standing(as_of(memory, T0 - 1, follow)) == (None, False, False, None)
    happens(memory, T0 + 60_000, "fail", "error")
    assert [memory.happened[0].at_ms, memory.happened[-1].at_ms] == [T0 + 1_000, T0 + 60_000]
    assert (len(memory.happened), memory.before) == (24, None)
    unknown = as_of(memory, T0 + 999, follow)
    assert standing(unknown) == (PrinterState.UNKNOWN, False, False, None)
    assert unknown.figures == FIGURES
    first = as_of(memory, T0 + 1_000, follow)
    assert standing(first) == (PrinterState.PRINTING, False, False, "b")


def test_an_event_from_before_those_that_are_kept_is_not_put_in() -> None:
    memory = full()
    happens(memory, T0 + 60_000, "fail", "error")
    before = msgspec.structs.replace(memory)
    remember(memory, Happening(T0 + 999, "fill", "idle"), follow)
    assert memory == before
    remember(memory, Happening(T0 + 1_000, "fill", "idle"), follow)
    # It takes the place of the oldest, which went.
    assert [each.event for each in memory.happened[:2]] == ["fill", "begin"]
    assert standing(memory) == (PrinterState.ERROR, True, True, "bf" + "b" * 22 + "f")


def test_a_late_event_starts_from_nothing_known_where_the_beginning_is_gone() -> None:
    memory = full()
    happens(memory, T0 + 60_000, "begin", "idle")
    happens(memory, T0 + 50_000, FORGOTTEN)
    assert (memory.failed, memory.bed_full) == (False, False)


# -- the clock --------------------------------------------------------------------------------


@pytest.mark.parametrize(("back", "fell"), [(FELL_MS, False), (FELL_MS + 1, True)])
def test_a_clock_falls_where_an_event_lies_half_a_minute_before_the_last_of_its_kind(
    memory: OctoPrintMemory, back: int, *, fell: bool
) -> None:
    happens(memory, T0 + 90_000, "begin", "printing")
    notice_fall(memory, "begin", T0 + 90_000 - back)
    assert (memory.happened == ()) is fell
    assert memory.state is PrinterState.PRINTING


def test_half_a_minute_is_30_seconds() -> None:
    assert FELL_MS == 30_000


@pytest.mark.parametrize("event", ["fail", "never"])
def test_the_events_of_another_kind_show_no_fall(memory: OctoPrintMemory, event: str) -> None:
    happens(memory, T0 + 90_000, "begin", "printing")
    notice_fall(memory, event, T0 + 20)
    assert len(memory.happened) == 3


def test_a_fall_voids_what_was_remembered_by_time_and_not_how_things_stand(memory: OctoPrintMemory) -> None:
    happens(memory, T0 + 25, "fill", "finished")
    memory = msgspec.structs.replace(memory, told_ms=(1, 2, 3), progress_path="a.gcode", cold_ms=7)
    stood = standing(memory)
    forget_times(memory)
    assert (memory.happened, memory.before, memory.told_ms) == ((), stood, (0, 0, 0))
    assert (memory.progress_path, memory.cold_ms, standing(memory)) == (None, None, stood)
    happens(memory, T0 + 5, "begin", "printing")
    assert standing(as_of(memory, T0 + 4, follow)) == stood


@pytest.mark.parametrize("place", [0, 1, 2])
def test_every_topic_keeps_its_own_time(memory: OctoPrintMemory, place: int) -> None:
    assert memory.told_ms == (0, 0, 0)
    for each in range(3):
        hear(memory, each, T0 + 100_000 + each)
    hear(memory, place, T0 + 70_000 + place)
    wanted = [T0 + 100_000, T0 + 100_001, T0 + 100_002]
    wanted[place] -= FELL_MS
    assert list(memory.told_ms) == wanted
    assert len(memory.happened) == 2


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_topic_whose_time_falls_shows_that_the_clock_fell(memory: OctoPrintMemory, place: int) -> None:
    for each in range(3):
        hear(memory, each, T0 + 100_000)
    hear(memory, place, T0 + 100_000 - FELL_MS - 1)
    wanted = [0, 0, 0]
    wanted[place] = T0 + 100_000 - FELL_MS - 1
    assert (list(memory.told_ms), memory.happened) == (wanted, ())
