"""How long a printer may be silent: its own interval, learnt and unlearnt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.sessions.report_interval import ReportInterval
from farm.model.times import MINUTE_MS

STATED = 30_000


def heard(*gaps: int, stated: int = STATED, limit: int = 0) -> ReportInterval:
    interval = ReportInterval(stated, limit)
    for gap in gaps:
        interval.hear(gap)
    return interval


@pytest.mark.parametrize(("stored", "limit"), [(0, 30_000), (29_999, 30_000), (30_001, 30_001)])
def test_it_begins_with_the_stated_limit_or_a_longer_one_learnt_before(stored: int, limit: int) -> None:
    assert ReportInterval(STATED, stored).limit_ms == limit


def test_it_begins_with_nothing_heard() -> None:
    interval = ReportInterval(STATED)
    assert (interval.last_gap_ms, interval.brisk, interval.limit_ms) == (0, 0, STATED)


def test_one_long_gap_is_no_interval() -> None:
    assert heard(60_000).limit_ms == STATED


def test_two_long_gaps_alike_are_the_interval_and_three_of_them_the_limit() -> None:
    assert heard(60_000, 60_000).limit_ms == 180_000


@pytest.mark.parametrize(
    ("first", "second", "limit"),
    [
        (40_000, 60_000, 180_000),
        (40_000, 60_001, STATED),
        (60_000, 40_000, 180_000),
        (60_001, 40_000, STATED),
    ],
)
def test_gaps_are_alike_up_to_half_as_much_again(first: int, second: int, limit: int) -> None:
    assert heard(first, second).limit_ms == limit


def test_two_long_gaps_unlike_leave_the_limit_and_the_later_one_counts_for_the_next() -> None:
    assert heard(40_000, 100_000).limit_ms == STATED
    assert heard(40_000, 100_000, 110_000).limit_ms == 330_000


@pytest.mark.parametrize(("gap", "limit"), [(15_000, STATED), (15_001, 45_003)])
def test_a_gap_is_long_above_half_of_the_stated_limit(gap: int, limit: int) -> None:
    assert heard(gap, gap).limit_ms == limit


@pytest.mark.parametrize(("gap", "limit"), [(599_999, 1_799_997), (600_000, 1_800_000), (600_001, 1_800_000)])
def test_no_printer_is_waited_for_longer_than_half_an_hour(gap: int, limit: int) -> None:
    assert heard(gap, gap).limit_ms == limit


def test_a_stated_limit_above_the_ceiling_stands() -> None:
    assert heard(40 * MINUTE_MS, 40 * MINUTE_MS, stated=60 * MINUTE_MS).limit_ms == 60 * MINUTE_MS


def test_a_shorter_interval_replaces_a_longer_one() -> None:
    assert heard(100_000, 100_000, 50_000, 50_000).limit_ms == 150_000


@pytest.mark.parametrize(("messages", "limit"), [(50, 180_000), (51, STATED)])
def test_many_short_gaps_in_a_row_bring_the_stated_limit_back(messages: int, limit: int) -> None:
    interval = heard(60_000, 60_000, *[1_000] * messages)
    assert interval.limit_ms == limit


def test_after_that_a_single_long_gap_is_no_interval_again() -> None:
    interval = heard(60_000, 60_000, *[1_000] * 51)
    assert (interval.last_gap_ms, interval.brisk) == (0, 0)
    interval.hear(60_000)
    assert interval.limit_ms == STATED


def test_a_long_gap_begins_the_count_of_short_ones_anew() -> None:
    interval = heard(60_000, 60_000, *[1_000] * 50, 60_000, *[1_000] * 50)
    assert interval.limit_ms == 180_000
    interval.hear(1_000)
    assert interval.limit_ms == STATED


@pytest.mark.parametrize(
    ("gap", "counts"), [(1, True), (7_499, True), (7_500, False), (0, False), (-1, False)]
)
def test_a_gap_is_short_below_a_quarter_of_the_stated_limit(gap: int, counts: bool) -> None:
    interval = heard(60_000, 60_000, *[gap] * 51)
    assert interval.limit_ms == (STATED if counts else 180_000)


def test_gaps_between_short_and_long_neither_count_nor_break() -> None:
    interval = heard(60_000, 60_000, *[1_000] * 50, 10_000, 1_000)
    assert interval.limit_ms == STATED


def test_short_gaps_count_only_while_a_longer_limit_is_in_force() -> None:
    assert heard(*[1_000] * 60).brisk == 0
    assert heard(*[1_000] * 40, 60_000, 60_000, *[1_000] * 50).limit_ms == 180_000


@given(st.integers(1_000, 4_000_000), st.lists(st.integers(-5_000, 10_000_000), max_size=120))
def test_the_limit_lies_between_the_stated_one_and_the_ceiling(stated: int, gaps: list[int]) -> None:
    interval = heard(*gaps, stated=stated)
    assert stated <= interval.limit_ms <= max(stated, 30 * MINUTE_MS)


@given(st.integers(15_001, 600_000), st.integers(0, 10))
def test_a_printer_that_speaks_regularly_is_never_taken_for_silent_after_two_gaps(
    gap: int, more: int
) -> None:
    assert heard(*[gap] * (2 + more)).limit_ms >= gap
