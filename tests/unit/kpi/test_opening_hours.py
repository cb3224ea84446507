from datetime import date, timedelta

import pytest
from hypothesis import given

from farm.errors import InvalidInput
from farm.kpi.calendar import MOST_DATES, Holiday, OtherHours
from farm.kpi.opening_hours import (
    Week,
    dates_text,
    parse_dates,
    parse_holiday,
    parse_other_hours,
    parse_week,
    runs_of_dates,
    week_text,
)
from tests.unit.kpi.test_calendar import WEEKS

WORK = (480, 1080)


def test_weekdays_are_read_with_their_hours() -> None:
    found = parse_week("Mon-Wed 08:00-18:00, fri 8:00-12:00 13:00-18:00")
    assert found == ((WORK,), (WORK,), (WORK,), (), ((480, 720), (780, 1080)), (), ())


def test_a_weekday_that_is_named_twice_has_both_hours_in_order() -> None:
    assert parse_week("mon 13:00-18:00, mon 08:00-12:00")[0] == ((480, 720), (780, 1080))


def test_days_may_go_round_the_week() -> None:
    assert [bool(hours) for hours in parse_week("sat-mon 08:00-18:00")] == [True, *[False] * 4, True, True]


def test_hours_past_midnight_go_on_into_the_next_day() -> None:
    found = parse_week("sun 22:00-06:00, fri 22:00-00:00")
    assert (found[6], found[0], found[4], found[5]) == (((1320, 1440),), ((0, 360),), ((1320, 1440),), ())


@pytest.mark.parametrize(
    "text",
    ["", "mon", "08:00-18:00", "funday 08:00-18:00", "mon 8-18", "mon 08:60-18:00", "mon 08:00-24:01",
     "mon 08:00-17:60", "mon 24:00-08:00", "mon 25:00-26:00", "mon 08:00-08:00", "mon-xyz 08:00-18:00",
     "mon 08:00-18:00,"],
)  # fmt: skip
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="hours"):
        parse_week(text)


@given(WEEKS)
def test_a_week_is_read_as_it_is_written(hours: Week) -> None:
    assert parse_week(week_text(hours)) == hours


@pytest.mark.parametrize(
    "text",
    [
        "mon-wed 08:00-18:00, fri 08:00-12:00 13:00-18:00",
        "mon-fri 22:00-06:00",
        "mon-sun 22:00-06:00",
        "fri 08:00-12:00 20:00-02:00, sun 00:00-24:00",
        "mon-sun 00:00-24:00",
        "mon 09:00-24:00, tue 00:00-09:00",
        "closed",
    ],
)
def test_weekdays_that_are_alike_are_written_as_one(text: str) -> None:
    assert week_text(parse_week(text)) == text


def test_dates_are_read_alone_and_as_a_run() -> None:
    assert parse_dates("2026-12-24") == [date(2026, 12, 24)]
    assert parse_dates("2026-12-31..2027-01-01") == [date(2026, 12, 31), date(2027, 1, 1)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "2026-13-01",
        "2026-12-24..",
        "2027-01-01..2026-12-24",
        "2026-12-24..2026-12-23",
        "0001-01-01..9999-12-31",
    ],
)
def test_other_dates_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="closed"):
        parse_dates(text)


def test_a_run_names_as_many_dates_as_are_kept_and_no_more() -> None:
    last = date(2026, 1, 1) + timedelta(days=MOST_DATES - 1)
    assert len(parse_dates(f"2026-01-01..{last}")) == MOST_DATES
    with pytest.raises(InvalidInput, match="at most 4,000 dates"):
        parse_dates(f"2026-01-01..{last + timedelta(days=1)}")


def test_dates_with_hours_of_their_own() -> None:
    found = parse_other_hours("2026-12-19..2026-12-20 13:00-14:00 09:00-12:00")
    hours = ((540, 720), (780, 840))
    assert found == [OtherHours(date(2026, 12, 19), hours), OtherHours(date(2026, 12, 20), hours)]


@pytest.mark.parametrize("text", ["", "2026-12-19", "2026-12-19 22:00-06:00", "09:00-14:00 2026-12-19"])
def test_other_days_with_hours_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="exceptions"):
        parse_other_hours(text)


def test_a_holiday_has_a_date_and_a_name() -> None:
    assert parse_holiday(" 2026-12-25  Christmas Day ") == Holiday(date(2026, 12, 25), "Christmas Day")
    for text in ("2026-12-25", "Christmas", "2026-12-25..2026-12-26 Christmas"):
        with pytest.raises(InvalidInput, match="holidays"):
            parse_holiday(text)


def test_dates_that_follow_each_other_are_one_run() -> None:
    days = [date(2026, 12, 24), date(2026, 12, 25), date(2026, 12, 31), date(2027, 1, 1), date(2027, 1, 5)]
    texts = [dates_text(first, last) for first, last in runs_of_dates(days)]
    assert texts == ["2026-12-24..2026-12-25", "2026-12-31..2027-01-01", "2027-01-05"]
    assert list(runs_of_dates([])) == []
    apart = [date(2026, 12, day) for day in (24, 26, 27)]
    assert list(runs_of_dates(apart)) == [(apart[0], apart[0]), (apart[1], apart[2])]
