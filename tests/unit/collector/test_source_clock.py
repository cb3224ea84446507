"""From the source's clock to ours: both sides of every bound, and what holds for any messages."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.adapters.base import ClockKind
from collector.sessions.source_clock import (
    ABSURD_MS,
    BOUND_MS,
    PATIENCE_MS,
    RESTART_MS,
    STEADY_MS,
    ClockChange,
    Placed,
    SourceClock,
    is_plausible,
    place,
    restarted,
)
from farm.model.times import DAY_MS

NOW = 1_795_000_000_000
BOOT = 5_000_000
WALL, MONOTONIC = ClockKind.WALL, ClockKind.MONOTONIC


@dataclass
class Source:
    """A source whose messages are placed one after another."""

    kind: ClockKind
    clock: SourceClock = field(default_factory=SourceClock)

    def say(self, source_ms: int, received_ms: int, *, live: bool = True, floor_ms: int = 0) -> Placed:
        placed = place(self.clock, self.kind, source_ms, received_ms, live=live, floor_ms=floor_ms)
        self.clock = placed.clock
        return placed


@pytest.fixture
def host() -> Source:
    """A monotonic clock that is known: it showed `BOOT` at `NOW`."""
    source = Source(MONOTONIC)
    source.say(BOOT, NOW)
    return source


@pytest.fixture
def wall() -> Source:
    """A wall clock that is right and known to be."""
    source = Source(WALL)
    source.say(NOW, NOW)
    return source


def test_the_bounds_are_the_documented_ones() -> None:
    assert (BOUND_MS, STEADY_MS, PATIENCE_MS, RESTART_MS) == (2_000, 1_500, 10_000, 30_000)


def test_a_clock_of_which_nothing_is_known_lags_by_nothing() -> None:
    clock = SourceClock()
    assert (clock.session, clock.lag_since_ms, clock.lag_messages) == (0, 0, 0)
    assert (clock.offset_ms, clock.lag_ms, clock.judged) == (None, None, False)


# -- monotonic ------------------------------------------------------------------------------


def test_the_first_live_message_of_a_host_sets_its_offset_and_is_now() -> None:
    placed = place(SourceClock(), MONOTONIC, BOOT, NOW, live=True, floor_ms=0)
    assert placed.at_ms == NOW
    assert placed.change is None
    assert placed.clock == SourceClock(offset_ms=NOW - BOOT, judged=True, lag_since_ms=NOW)


def test_the_first_message_from_a_backlog_is_booked_at_the_least_that_is_certain() -> None:
    placed = place(SourceClock(), MONOTONIC, BOOT, NOW, live=False, floor_ms=NOW - 60_000)
    assert placed.at_ms == NOW - 60_000
    assert placed.clock.offset_ms == NOW - 60_000 - BOOT
    assert not placed.clock.judged
    assert placed.clock.lag_since_ms == NOW


def test_no_floor_lifts_a_message_behind_its_receipt() -> None:
    assert place(SourceClock(), MONOTONIC, BOOT, NOW, live=False, floor_ms=NOW + 5_000).at_ms == NOW


def test_the_offset_of_a_session_met_in_a_backlog_is_learnt_from_the_first_live_message() -> None:
    source = Source(MONOTONIC)
    source.say(BOOT, NOW, live=False, floor_ms=NOW - 60_000)
    assert source.say(BOOT + 1_000, NOW + 10, live=False).at_ms == NOW - 59_000
    placed = source.say(BOOT + 30_000, NOW + 20)
    assert placed.at_ms == NOW + 20
    assert (placed.change, placed.since_ms, placed.moved_ms) == (ClockChange.LEARNT, NOW, 0)
    assert placed.clock.offset_ms == NOW + 20 - BOOT - 30_000
    assert placed.clock.judged
    assert source.say(BOOT + 31_000, NOW + 1_020).change is None


def test_what_is_learnt_forgets_a_lag_of_before() -> None:
    clock = SourceClock(offset_ms=0, lag_ms=9_000, lag_since_ms=NOW)
    assert place(clock, MONOTONIC, BOOT, NOW, live=True, floor_ms=0).clock.lag_ms is None


def test_a_message_of_a_known_host_is_placed_by_its_offset(host: Source) -> None:
    placed = host.say(BOOT + 4_000, NOW + 4_700)
    assert (placed.at_ms, placed.change) == (NOW + 4_000, None)
    assert (placed.since_ms, placed.moved_ms) == (0, 0)


def test_an_offset_of_nothing_is_an_offset() -> None:
    clock = SourceClock(offset_ms=0, judged=True)
    assert place(clock, MONOTONIC, 7_000, 7_500, live=True, floor_ms=0).at_ms == 7_000
    assert place(clock, MONOTONIC, 7_000, 9_500_000, live=False, floor_ms=0).at_ms == 7_000


def test_a_queued_message_of_a_known_host_judges_nothing(host: Source) -> None:
    before = host.clock
    placed = host.say(BOOT + 1_000, NOW + 3_600_000, live=False)
    assert placed == Placed(NOW + 1_000, before)


def test_a_host_started_anew_begins_a_session_of_which_nothing_is_known(host: Source) -> None:
    assert restarted(host.clock) == SourceClock(session=1)
    assert restarted(restarted(host.clock)) == SourceClock(session=2)


# -- wall -----------------------------------------------------------------------------------


@pytest.mark.parametrize("lag", [0, BOUND_MS, -BOUND_MS])
def test_a_wall_clock_within_the_bound_is_judged_right_at_once(lag: int) -> None:
    placed = place(SourceClock(), WALL, NOW - lag, NOW, live=True, floor_ms=0)
    assert placed.clock == SourceClock(offset_ms=0, judged=True)
    assert placed.at_ms == min(NOW - lag, NOW)


@pytest.mark.parametrize("lag", [BOUND_MS + 1, -BOUND_MS - 1])
def test_a_wall_clock_beyond_the_bound_is_not_judged_and_its_message_is_now(lag: int) -> None:
    placed = place(SourceClock(), WALL, NOW - lag, NOW, live=True, floor_ms=0)
    assert not placed.clock.judged
    assert placed.at_ms == NOW
    assert (placed.clock.lag_ms, placed.clock.lag_since_ms, placed.clock.lag_messages) == (lag, NOW, 1)


def test_confirming_a_corrected_wall_clock_keeps_its_offset() -> None:
    clock = SourceClock(offset_ms=3_600_000)
    placed = place(clock, WALL, NOW - 3_600_000, NOW, live=True, floor_ms=0)
    assert placed.clock == SourceClock(offset_ms=3_600_000, judged=True)
    assert placed.at_ms == NOW


def test_a_queued_message_of_a_wall_clock_is_placed_by_its_own_time(wall: Source) -> None:
    before = wall.clock
    assert wall.say(NOW - 3_600_000, NOW, live=False) == Placed(NOW - 3_600_000, before)
    assert wall.say(NOW + 5_000, NOW, live=False).at_ms == NOW
    unknown = Source(WALL)
    assert unknown.say(NOW - 60_000, NOW, live=False) == Placed(NOW - 60_000, SourceClock())


def test_a_judged_wall_clock_places_a_late_message_where_it_says(wall: Source) -> None:
    placed = wall.say(NOW + 1_000, NOW + 31_000)
    assert (placed.at_ms, placed.change) == (NOW + 1_000, None)


def test_an_offset_moves_every_message_of_a_wall_clock() -> None:
    clock = SourceClock(offset_ms=-7_200_000, judged=True)
    placed = place(clock, WALL, NOW + 7_200_000, NOW + 300, live=True, floor_ms=0)
    assert placed.at_ms == NOW


# -- a steady lag ---------------------------------------------------------------------------


@pytest.mark.parametrize(("lag", "noticed"), [(2_000, False), (2_001, True), (-1_500, False), (-1_501, True)])
def test_a_lag_is_noticed_beyond_the_bound(host: Source, lag: int, noticed: bool) -> None:
    placed = host.say(BOOT + 60_000 - lag, NOW + 60_000)
    assert placed.clock.lag_ms == (lag if noticed else None)
    assert placed.at_ms == min(NOW + 60_000 - lag, NOW + 60_000)


def test_a_message_within_the_bound_ends_a_lag(host: Source) -> None:
    host.say(BOOT, NOW + 5_000)
    assert host.clock.lag_ms == 5_000
    placed = host.say(BOOT + 6_000, NOW + 6_000)
    assert placed.clock.lag_ms is None
    assert placed.at_ms == NOW + 6_000


@pytest.mark.parametrize(("other", "alike"), [(6_500, True), (6_501, False), (3_500, True), (3_499, False)])
def test_lags_within_the_steady_bound_are_one_lag(host: Source, other: int, alike: bool) -> None:
    host.say(BOOT, NOW + 5_000)
    host.say(BOOT + 1_000, NOW + 1_000 + other)
    assert host.clock.lag_messages == (2 if alike else 1)
    assert host.clock.lag_since_ms == (NOW + 5_000 if alike else NOW + 1_000 + other)
    assert host.clock.lag_ms == (5_000 if alike else other)


def _lag_steadily(source: Source, moments: list[int], lag: int = 5_000) -> list[Placed]:
    return [source.say(BOOT + at - lag, NOW + at) for at in moments]


def test_a_lag_that_stays_long_enough_over_enough_messages_is_the_clocks_error(host: Source) -> None:
    *before, last = _lag_steadily(host, [20_000, 23_000, 26_000, 30_000])
    assert [placed.change for placed in before] == [None] * 3
    assert [placed.at_ms for placed in before] == [NOW + 15_000, NOW + 18_000, NOW + 21_000]
    assert (last.change, last.at_ms) == (ClockChange.CORRECTED, NOW + 30_000)
    assert (last.since_ms, last.moved_ms) == (NOW + 20_000, 5_000)
    clock = last.clock
    assert (clock.session, clock.offset_ms, clock.judged) == (1, NOW - BOOT + 5_000, True)
    assert clock.lag_ms is None
    assert host.say(BOOT + 26_000, NOW + 31_000).at_ms == NOW + 31_000


@pytest.mark.parametrize(
    "moments",
    [[20_000, 23_000, 26_000, 29_999], [20_000, 25_000, 30_000]],
    ids=["too short", "too few messages"],
)
def test_a_lag_that_stays_too_short_or_in_too_few_messages_is_a_delay(
    host: Source, moments: list[int]
) -> None:
    assert all(placed.change is None for placed in _lag_steadily(host, moments))


def test_each_correction_begins_a_session(host: Source) -> None:
    _lag_steadily(host, [20_000, 23_000, 26_000, 30_000])
    _lag_steadily(host, [40_000, 43_000, 46_000, 50_000], lag=15_000)
    assert host.clock.session == 2


def test_a_clock_that_goes_ahead_is_corrected_too(host: Source) -> None:
    *before, last = _lag_steadily(host, [20_000, 23_000, 26_000, 30_000], lag=-5_000)
    assert [placed.at_ms for placed in before] == [NOW + 20_000, NOW + 23_000, NOW + 26_000]
    assert (last.change, last.moved_ms, last.at_ms) == (ClockChange.CORRECTED, -5_000, NOW + 30_000)


def test_a_wall_clock_an_hour_slow_from_the_start_is_corrected_and_its_messages_are_now() -> None:
    source = Source(WALL)
    hour = 3_600_000
    placed = [source.say(NOW - hour + at, NOW + at) for at in (0, 3_000, 6_000, 10_000, 11_000)]
    assert [found.at_ms for found in placed] == [NOW, NOW + 3_000, NOW + 6_000, NOW + 10_000, NOW + 11_000]
    assert [found.change for found in placed] == [None, None, None, ClockChange.CORRECTED, None]
    assert [found.clock.judged for found in placed] == [False, False, False, True, True]
    assert source.clock == SourceClock(
        offset_ms=hour, judged=True, session=1, lag_since_ms=NOW, lag_messages=4, lag_ms=None
    )


def test_a_judged_wall_clock_that_jumps_is_corrected(wall: Source) -> None:
    placed = [wall.say(NOW - 60_000 + at, NOW + at) for at in (5_000, 8_000, 11_000, 15_000)]
    assert [found.at_ms for found in placed][:3] == [NOW - 55_000, NOW - 52_000, NOW - 49_000]
    assert (placed[-1].change, placed[-1].at_ms) == (ClockChange.CORRECTED, NOW + 15_000)


# -- what can be meant ----------------------------------------------------------------------


@pytest.mark.parametrize("sign", [1, -1])
def test_a_wall_clock_may_be_off_by_a_year_and_no_more(sign: int) -> None:
    assert ABSURD_MS == 366 * DAY_MS
    assert is_plausible(WALL, NOW + sign * (ABSURD_MS - 1), NOW)
    assert not is_plausible(WALL, NOW + sign * ABSURD_MS, NOW)


def test_a_host_does_not_start_before_nothing_and_does_not_stay_up_for_decades() -> None:
    assert is_plausible(MONOTONIC, 0, NOW)
    assert not is_plausible(MONOTONIC, -1, NOW)
    assert is_plausible(MONOTONIC, 9 * 366 * DAY_MS, NOW)
    assert not is_plausible(MONOTONIC, 21 * 366 * DAY_MS, NOW)


# -- for any messages -----------------------------------------------------------------------

_steps = st.lists(
    st.tuples(st.integers(0, 20_000), st.integers(-30_000, 30_000), st.booleans()), min_size=1, max_size=30
)


@given(st.sampled_from(list(ClockKind)), _steps)
def test_no_message_is_placed_behind_its_receipt(kind: ClockKind, steps: list[tuple[int, int, bool]]) -> None:
    source, at = Source(kind), NOW
    for step, late, live in steps:
        at += step
        placed = source.say(at - late if kind is WALL else max(0, at - NOW + BOOT - late), at, live=live)
        assert placed.at_ms <= at


@given(_steps)
def test_only_live_messages_move_an_offset(steps: list[tuple[int, int, bool]]) -> None:
    source, at = Source(WALL), NOW
    for step, late, live in steps:
        at += step
        before = source.clock
        placed = source.say(at - late, at, live=live)
        if not live:
            assert placed.clock == before
            assert placed.change is None


@given(st.integers(-(10**9), 10**9), _steps)
def test_an_offset_is_the_same_whatever_the_hosts_clock_began_with(
    other: int, steps: list[tuple[int, int, bool]]
) -> None:
    """Two hosts that differ only in their uptime are placed alike."""
    one, two, at = Source(MONOTONIC), Source(MONOTONIC), NOW
    for step, late, live in steps:
        at += step
        source_ms = at - NOW - late
        here = one.say(source_ms, at, live=live, floor_ms=NOW)
        there = two.say(source_ms + other, at, live=live, floor_ms=NOW)
        assert here.at_ms == there.at_ms
        assert here.change == there.change


@pytest.mark.parametrize(("offset_ms", "shift"), [(None, 0), (0, 0), (7_000, 7_000), (-7_000, -7_000)])
def test_an_instant_is_told_in_either_clock(offset_ms: int | None, shift: int) -> None:
    clock = SourceClock(offset_ms=offset_ms)
    assert clock.ours(NOW) == NOW + shift
    assert clock.theirs(NOW + shift) == NOW
