from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.errors import InvalidInput
from farm.kpi.calendar import WEEKDAYS, Holiday, OtherHours, ShopCalendar, open_intervals
from farm.kpi.intervals import Interval
from farm.kpi.opening_hours import Week, parse_week
from farm.model.times import DAY_MS, HOUR_MS, MINUTE_MS, rfc3339
from tests.unit.kpi.events import at
from tests.unit.kpi.test_periods import BERLIN, INSTANTS, ZONES

UTC = ZoneInfo("UTC")
KOLKATA = ZoneInfo("Asia/Kolkata")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
APIA = ZoneInfo("Pacific/Apia")


def shop(hours: str, *exceptions: OtherHours, holidays: tuple[Holiday, ...] = ()) -> ShopCalendar:
    return ShopCalendar(name="shop", hours=parse_week(hours), exceptions=exceptions, holidays=holidays)


def told(intervals: list[Interval]) -> list[tuple[str, str]]:
    return [(rfc3339(start)[:16], rfc3339(end)[:16]) for start, end in intervals]


def opened(calendar: ShopCalendar | None, zone: ZoneInfo, start: str, end: str) -> list[tuple[str, str]]:
    return told(open_intervals(calendar, zone, at(start), at(end)))


def test_without_a_calendar_it_is_always_open() -> None:
    assert open_intervals(None, BERLIN, 5, 9) == [(5, 9)]
    assert open_intervals(None, BERLIN, 9, 9) == []


def test_a_day_may_have_several_hours_and_a_weekday_none() -> None:
    weekend = opened(shop("fri 08:00-12:00 13:00-18:00"), UTC, "2026-11-26T00:00", "2026-11-30T00:00")
    assert weekend == [("2026-11-27T08:00", "2026-11-27T12:00"), ("2026-11-27T13:00", "2026-11-27T18:00")]


def test_what_is_asked_for_cuts_the_hours() -> None:
    cut = opened(shop("fri 08:00-18:00"), UTC, "2026-11-27T09:30", "2026-11-27T10:15")
    assert cut == [("2026-11-27T09:30", "2026-11-27T10:15")]


def test_hours_on_both_sides_of_midnight_are_one_interval() -> None:
    night = opened(shop("fri 22:00-06:00"), UTC, "2026-11-27T00:00", "2026-11-30T00:00")
    assert night == [("2026-11-27T22:00", "2026-11-28T06:00")]


def test_hours_that_touch_join_the_ones_right_before_them() -> None:
    days = opened(
        shop("thu 08:00-12:00, fri 08:00-12:00 22:00-06:00"), UTC, "2026-11-26T00:00", "2026-11-30T00:00"
    )
    assert days == [
        ("2026-11-26T08:00", "2026-11-26T12:00"),
        ("2026-11-27T08:00", "2026-11-27T12:00"),
        ("2026-11-27T22:00", "2026-11-28T06:00"),
    ]


def test_always_open_days_are_one_interval() -> None:
    whole = shop("mon-sun 00:00-24:00")
    assert opened(whole, BERLIN, "2026-03-01T00:00", "2026-11-01T00:00") == [
        ("2026-03-01T00:00", "2026-11-01T00:00")
    ]


def test_a_date_of_its_own_goes_before_a_holiday_and_that_before_the_weekday() -> None:
    calendar = shop(
        "mon-sun 08:00-18:00",
        OtherHours(date(2026, 12, 24), ((540, 720),)),
        OtherHours(date(2026, 12, 28)),
        holidays=(Holiday(date(2026, 12, 24), "Christmas Eve"), Holiday(date(2026, 12, 25), "Christmas Day")),
    )
    days = opened(calendar, UTC, "2026-12-24T00:00", "2026-12-29T00:00")
    assert days == [
        ("2026-12-24T09:00", "2026-12-24T12:00"),
        ("2026-12-26T08:00", "2026-12-26T18:00"),
        ("2026-12-27T08:00", "2026-12-27T18:00"),
    ]


@pytest.mark.parametrize(
    ("day", "hours", "expected"),
    [
        pytest.param("2026-03-29", "sun 00:00-24:00", [("28T23:00", "29T22:00")], id="a day of 23 hours"),
        pytest.param("2026-10-25", "sun 00:00-24:00", [("24T22:00", "25T23:00")], id="a day of 25 hours"),
        pytest.param("2026-03-29", "sun 02:30-08:00", [("29T01:00", "29T06:00")], id="opening is skipped"),
        pytest.param("2026-03-29", "sun 00:00-02:30", [("28T23:00", "29T01:00")], id="closing is skipped"),
        pytest.param("2026-03-29", "sun 02:10-02:50", [], id="both are skipped"),
        pytest.param("2026-10-25", "sun 02:30-08:00", [("25T00:30", "25T07:00")], id="opening comes twice"),
        pytest.param("2026-10-25", "sun 00:00-02:30", [("24T22:00", "25T00:30")], id="closing comes twice"),
        pytest.param(
            "2026-10-25",
            "sun 00:00-02:15 02:45-08:00",
            [("24T22:00", "25T00:15"), ("25T00:45", "25T07:00")],
            id="a break comes twice",
        ),
    ],
)
def test_a_change_of_the_clock_in_berlin(day: str, hours: str, expected: list[tuple[str, str]]) -> None:
    noon = at(f"{day}T12:00")
    found = told(open_intervals(shop(hours), BERLIN, noon - DAY_MS, noon + DAY_MS))
    assert [(start[8:], end[8:]) for start, end in found] == expected


@pytest.mark.parametrize("minute", range(60))
def test_whatever_minute_the_clock_skips_is_at_the_moment_of_the_skip(minute: int) -> None:
    calendar = shop(f"sun 02:{minute:02}-05:00")
    found = open_intervals(calendar, BERLIN, at("2026-03-29T00:00"), at("2026-03-30T00:00"))
    assert found == [(at("2026-03-29T01:00"), at("2026-03-29T03:00"))]


def test_hours_of_a_zone_that_is_half_an_hour_off() -> None:
    week = opened(shop("fri 09:00-17:00"), KOLKATA, "2026-11-23T00:00", "2026-11-30T00:00")
    assert week == [("2026-11-27T03:30", "2026-11-27T11:30")]


def test_a_change_of_the_clock_by_half_an_hour() -> None:
    spring = open_intervals(
        shop("sun 00:00-24:00"), LORD_HOWE, at("2026-10-02T00:00"), at("2026-10-06T00:00")
    )
    assert [end - start for start, end in spring] == [23 * HOUR_MS + 30 * MINUTE_MS]


def test_a_clock_that_goes_back_over_midnight_closes_nothing_that_was_open() -> None:
    sunday = shop("sun 00:00-24:00")
    start, end = "2010-11-07T02:40", "2010-11-07T03:00"  # from one minute past midnight back to Saturday
    assert opened(sunday, ZoneInfo("America/St_Johns"), start, end) == [(start, end)]


def test_a_date_that_a_zone_left_out_has_no_hours() -> None:
    days = opened(shop("fri 08:00-18:00, sat 08:00-18:00"), APIA, "2011-12-29T00:00", "2012-01-01T00:00")
    assert days == [("2011-12-30T18:00", "2011-12-31T04:00")]


SPANS = st.lists(st.integers(0, 96), max_size=6, unique=True).map(
    lambda ends: tuple(
        (15 * start, 15 * end)
        for start, end in zip(*[iter(sorted(ends)[: len(ends) // 2 * 2])] * 2, strict=True)
    )
)
WEEKS = st.tuples(*[SPANS] * 7)


@given(WEEKS, ZONES, INSTANTS, st.integers(0, 20 * DAY_MS), st.floats(0, 1))
def test_a_window_cut_anywhere_is_open_as_long(
    hours: Week, zone: ZoneInfo, start: int, length: int, share: float
) -> None:
    calendar = ShopCalendar(name="shop", hours=hours)
    cut, end = start + int(length * share), start + length
    whole = open_intervals(calendar, zone, start, end)
    parts = open_intervals(calendar, zone, start, cut) + open_intervals(calendar, zone, cut, end)
    assert sum(b - a for a, b in parts) == sum(b - a for a, b in whole)
    ends = [each for interval in whole for each in interval]
    assert ends == sorted(set(ends))


@given(WEEKS, ZONES, INSTANTS)
def test_it_is_open_when_the_clock_says_so_but_where_it_was_turned(
    hours: Week, zone: ZoneInfo, start: int
) -> None:
    calendar = ShopCalendar(name="shop", hours=hours)
    found = open_intervals(calendar, zone, start, start + 3 * DAY_MS)
    for instant in range(start, start + 3 * DAY_MS, 97 * MINUTE_MS):
        clocks = [
            datetime.fromtimestamp(at_ms // 1000, zone)
            for at_ms in (instant - DAY_MS, instant, instant + DAY_MS)
        ]
        if len({clock.utcoffset() for clock in clocks}) > 1:
            continue
        minute = clocks[1].hour * 60 + clocks[1].minute
        shown_open = any(opens <= minute < closes for opens, closes in hours[clocks[1].weekday()])
        assert shown_open == any(opens <= instant < closes for opens, closes in found)


def test_hours_before_the_day_are_told_its_bounds() -> None:
    with pytest.raises(InvalidInput, match="from 00:00 to 24:00"):
        ShopCalendar(name="shop", hours=(((-1, 60),), (), (), (), (), (), ()))


@pytest.mark.parametrize(
    ("week", "field"),
    [
        (((600, 600),), "hours.mon"),
        (((600, 500),), "hours.mon"),
        (((0, 1441),), "hours.mon"),
        (((-1, 60),), "hours.mon"),
        (((600, 700), (650, 800)), "hours.mon"),
        (((700, 800), (600, 650)), "hours.mon"),
    ],
)
def test_hours_that_cannot_be_are_refused(week: tuple[tuple[int, int], ...], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        ShopCalendar(name="shop", hours=(week, (), (), (), (), (), ()))
    assert refused.value.field == field


def test_hours_of_a_date_are_held_to_the_same() -> None:
    with pytest.raises(InvalidInput, match="open before it closes") as refused:
        shop("closed", OtherHours(date(2026, 12, 24), ((600, 500),)))
    assert refused.value.field == "exceptions.2026-12-24"


def test_dates_stand_once_and_in_order() -> None:
    christmas, eve = OtherHours(date(2026, 12, 25)), OtherHours(date(2026, 12, 24))
    for days in ((christmas, eve), (eve, eve)):
        with pytest.raises(InvalidInput, match="in order, each date once"):
            shop("mon 08:00-18:00", *days)
    with pytest.raises(InvalidInput, match="each date once"):
        shop("closed", holidays=(Holiday(eve.day, "a"), Holiday(eve.day, "b")))


def test_four_thousand_dates_of_their_own_are_kept_and_no_more() -> None:
    days = [OtherHours(date(2026, 1, 1) + timedelta(days=number)) for number in range(4_001)]
    assert len(shop("mon 08:00-18:00", *days[:-1]).exceptions) == 4_000
    with pytest.raises(InvalidInput, match="at most 4,000 dates"):
        shop("mon 08:00-18:00", *days)


@pytest.mark.parametrize("name", ["", " shop", "a\nb", "a\ud800b", "x" * 65])
def test_a_name_is_one_line_within_bounds(name: str) -> None:
    with pytest.raises(InvalidInput, match="name"):
        ShopCalendar(name=name, hours=parse_week("closed"))


def test_a_holiday_is_called_something() -> None:
    with pytest.raises(InvalidInput) as refused:
        shop("closed", holidays=(Holiday(date(2026, 12, 25), ""),))
    assert refused.value.field == "holidays.2026-12-25"


def test_a_name_of_64_signs_is_kept() -> None:
    assert ShopCalendar(name="x" * 64, hours=parse_week("closed")).name == "x" * 64


def test_every_weekday_is_named() -> None:
    assert len(WEEKDAYS) == len(parse_week("closed"))


def test_a_week_has_seven_days() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ShopCalendar(name="shop", hours=((),) * 6)  # type: ignore[arg-type]
