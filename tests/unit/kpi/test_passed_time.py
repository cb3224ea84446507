import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.kpi.intervals import Interval, merged
from farm.kpi.passed_time import PassedTime
from farm.model.times import DAY_MS

START_MS = 1_790_000_000_000
INSTANT = st.integers(START_MS, START_MS + 1_000 * DAY_MS)
INTERVALS = st.lists(st.tuples(INSTANT, INSTANT).map(lambda ends: (min(ends), max(ends))), max_size=12).map(
    merged
)


def passed(intervals: list[Interval], *at: int) -> list[int]:
    found: list[int] = PassedTime(intervals)(np.array(at, np.int64)).tolist()
    return found


def clipped(intervals: list[Interval], from_ms: int, to_ms: int) -> int:
    return sum(max(0, min(end, to_ms) - max(start, from_ms)) for start, end in intervals)


def test_it_grows_within_the_intervals_and_stands_still_between_them() -> None:
    assert passed([(10, 20), (30, 35)], 0, 10, 13, 20, 25, 30, 34, 35, 99) == [
        0,
        0,
        3,
        10,
        10,
        10,
        14,
        15,
        15,
    ]


def test_the_lengths_of_many_intervals_add_up() -> None:
    assert passed([(0, 1), (2, 4), (7, 8), (20, 30)], 5, 7, 9, 99) == [3, 3, 4, 14]


def test_nothing_passes_without_intervals() -> None:
    assert passed([], 0, START_MS) == [0, 0]


def test_it_takes_instants_in_any_shape() -> None:
    at = np.array([[0, 15], [32, 40]], np.int64)
    assert PassedTime([(10, 20), (30, 35)])(at).tolist() == [[0, 5], [12, 15]]


@pytest.mark.parametrize(
    "intervals",
    [[(5, 5)], [(1, 2), (3, 3)], [(7, 5)], [(10, 20), (15, 30)], [(10, 20), (19, 30)], [(10, 20), (0, 5)]],
)
def test_intervals_out_of_order_are_refused(intervals: list[Interval]) -> None:
    with pytest.raises(ValueError, match="sorted, disjoint"):
        PassedTime(intervals)


@given(INTERVALS, INSTANT, INSTANT)
def test_a_window_holds_its_part_of_every_interval(intervals: list[Interval], one: int, other: int) -> None:
    from_ms, to_ms = sorted((one, other))
    before, after = passed(intervals, from_ms, to_ms)
    assert after - before == clipped(intervals, from_ms, to_ms)


@given(INTERVALS, st.lists(INSTANT, min_size=2))
def test_it_never_falls_and_is_never_faster_than_time(intervals: list[Interval], at: list[int]) -> None:
    instants = sorted(at)
    steps = np.diff(passed(intervals, *instants))
    assert (steps >= 0).all()
    assert (steps <= np.diff(instants)).all()


@given(INTERVALS, INSTANT)
def test_intervals_cut_in_two_hold_the_same_time(intervals: list[Interval], cut: int) -> None:
    halves = [
        (max(start, low), min(end, high))
        for low, high in ((0, cut), (cut, 2**60))
        for start, end in intervals
    ]
    pieces = [piece for piece in halves if piece[0] < piece[1]]
    at = [cut - 1, cut, cut + 1, *(end for interval in intervals for end in interval)]
    assert passed(pieces, *at) == passed(intervals, *at)
