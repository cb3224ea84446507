import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.kpi.intervals import Interval, first_difference, less, merged

INTERVALS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 40)).map(lambda ends: (min(ends), max(ends)))
)


def instants(intervals: list[Interval]) -> set[int]:
    return {at for from_ms, to_ms in intervals for at in range(from_ms, to_ms)}


def test_intervals_that_touch_or_overlap_become_one() -> None:
    assert merged([(5, 7), (0, 2), (2, 4), (6, 9), (11, 11)]) == [(0, 4), (5, 9)]
    assert merged([(1, 1), (2, 3), (9, 9)]) == [(2, 3)]
    assert merged([(0, 1), (5, 10), (6, 7)]) == [(0, 1), (5, 10)]


def test_what_lies_before_takes_nothing_and_what_follows_it_does() -> None:
    assert less([(10, 20)], [(0, 1), (12, 13)]) == [(10, 12), (13, 20)]
    assert less([(10, 20), (30, 40)], [(0, 10), (12, 13), (15, 32), (40, 50)]) == [
        (10, 12),
        (13, 15),
        (32, 40),
    ]


@given(INTERVALS)
def test_what_is_merged_covers_the_same_instants_in_order(intervals: list[Interval]) -> None:
    found = merged(intervals)
    assert instants(found) == instants(intervals)
    ends = [end for interval in found for end in interval]
    assert ends == sorted(set(ends))


@given(INTERVALS, INTERVALS)
def test_what_is_taken_out_is_out_and_the_rest_stays(one: list[Interval], other: list[Interval]) -> None:
    found = less(merged(one), merged(other))
    assert instants(found) == instants(one) - instants(other)
    assert found == merged(found)


@given(INTERVALS, INTERVALS)
def test_the_first_difference_is_the_first_instant_of_one_alone(
    one: list[Interval], other: list[Interval]
) -> None:
    differing = instants(one) ^ instants(other)
    assert first_difference(merged(one), merged(other)) == min(differing, default=None)


@pytest.mark.parametrize(("more", "first"), [((0, 3), 0), ((20, 30), 20), ((9, 12), 10)])
def test_an_interval_more_differs_from_its_beginning(more: Interval, first: int) -> None:
    assert first_difference([(5, 10)], merged([(5, 10), more])) == first
