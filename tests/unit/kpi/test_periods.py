from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from farm.kpi.periods import SHORTEST_MS, Period, edges, next_start, start_of
from farm.model.times import DAY_MS, HOUR_MS
from tests.unit.kpi.events import at

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from(
    [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "America/Havana",
        "America/Sao_Paulo",
        "Africa/Cairo",
        "Asia/Kolkata",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Pacific/Kiritimati",
    ]
).map(ZoneInfo)
INSTANTS = st.integers(at("2005-01-01T00:00:00"), at("2035-01-01T00:00:00"))


@pytest.mark.parametrize(
    ("noon", "hours"),
    [("2026-03-28T12:00:00", 24), ("2026-03-29T12:00:00", 23), ("2026-10-25T12:00:00", 25)],
)
def test_days_of_a_clock_change_have_23_and_25_hours(noon: str, hours: int) -> None:
    start, end = start_of(Period.DAY, at(noon), BERLIN), next_start(Period.DAY, at(noon), BERLIN)
    assert end - start == hours * HOUR_MS
    assert len(edges(Period.HOUR, start, end, BERLIN)) == hours + 1


def test_a_day_begins_at_midnight_of_the_farms_clock() -> None:
    assert start_of(Period.DAY, at("2026-07-10T23:30:00"), BERLIN) == at("2026-07-10T22:00:00")
    assert next_start(Period.DAY, at("2026-07-10T23:30:00"), BERLIN) == at("2026-07-11T22:00:00")


def test_a_week_begins_on_monday() -> None:
    assert start_of(Period.WEEK, at("2026-11-22T12:00:00"), BERLIN) == at("2026-11-15T23:00:00")
    assert start_of(Period.WEEK, at("2026-11-23T12:00:00"), BERLIN) == at("2026-11-22T23:00:00")


def test_a_month_begins_on_its_first_day() -> None:
    assert start_of(Period.MONTH, at("2026-04-30T12:00:00"), BERLIN) == at("2026-03-31T22:00:00")
    assert next_start(Period.MONTH, at("2026-12-05T12:00:00"), BERLIN) == at("2026-12-31T23:00:00")


def test_hours_begin_at_the_full_hour_of_a_zone_that_is_half_an_hour_off() -> None:
    kolkata = ZoneInfo("Asia/Kolkata")
    assert start_of(Period.HOUR, at("2026-01-01T10:45:00"), kolkata) == at("2026-01-01T10:30:00")


def test_an_hour_that_is_cut_by_half_an_hour_ends_when_the_clock_shows_a_full_one() -> None:
    """On Lord Howe the clocks went from 2:00 to 2:30 on 4 October 2026."""
    lord_howe = ZoneInfo("Australia/Lord_Howe")
    assert next_start(Period.HOUR, at("2026-10-03T14:45:00"), lord_howe) == at("2026-10-03T16:00:00")


def test_hours_begin_at_the_full_hour_of_a_zone_that_is_a_quarter_off() -> None:
    kathmandu = ZoneInfo("Asia/Kathmandu")
    assert start_of(Period.HOUR, at("2026-01-01T10:45:00"), kathmandu) == at("2026-01-01T10:15:00")
    assert next_start(Period.HOUR, at("2026-01-01T10:45:00"), kathmandu) == at("2026-01-01T11:15:00")


def test_a_day_without_midnight_begins_when_its_clock_does() -> None:
    cairo = ZoneInfo("Africa/Cairo")
    start = start_of(Period.DAY, at("2024-04-26T12:00:00"), cairo)
    assert start == at("2024-04-25T22:00:00")
    assert next_start(Period.DAY, start, cairo) - start == 23 * HOUR_MS


def test_a_midnight_that_passed_before_the_clock_went_back_over_it_is_not_next() -> None:
    """At 00:01 it was 23:01 again, so that the new day had begun already."""
    st_johns = ZoneInfo("America/St_Johns")
    assert next_start(Period.DAY, at("2005-10-30T02:45:00"), st_johns) == at("2005-10-31T03:30:00")


def test_a_date_that_a_zone_left_out_is_no_day() -> None:
    apia = ZoneInfo("Pacific/Apia")
    left_out = at("2011-12-30T10:00:00")
    assert edges(Period.DAY, left_out - DAY_MS, left_out + DAY_MS, apia) == [
        left_out - DAY_MS,
        left_out,
        left_out + DAY_MS,
    ]


@given(st.sampled_from(Period), INSTANTS, ZONES)
def test_every_instant_lies_in_its_period(period: Period, instant: int, zone: ZoneInfo) -> None:
    start, end = start_of(period, instant, zone), next_start(period, instant, zone)
    assert start <= instant < end
    assert next_start(period, start, zone) == end
    assert start_of(period, end, zone) == end


@example(Period.HOUR, at("2005-01-01T00:00:00"), 85 * DAY_MS, ZoneInfo("Australia/Lord_Howe"))
@given(st.sampled_from(Period), INSTANTS, st.integers(1, 100 * DAY_MS), ZONES)
def test_edges_cut_a_stretch_without_hole_or_overlap(
    period: Period, start: int, length: int, zone: ZoneInfo
) -> None:
    cuts = edges(period, start, start + length, zone)
    assert cuts[0] == start
    assert cuts[-1] == start + length
    assert all(earlier < later for earlier, later in pairwise(cuts))
    assert all(start_of(period, cut, zone) == cut for cut in cuts[1:-1])


@given(st.sampled_from(Period), INSTANTS)
def test_no_period_of_a_usual_zone_is_shorter_than_stated(period: Period, instant: int) -> None:
    start = start_of(period, instant, BERLIN)
    assert next_start(period, instant, BERLIN) - start >= SHORTEST_MS[period]
