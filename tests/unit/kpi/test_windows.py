from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.errors import InvalidQuery
from farm.kpi.moments import LONGEST_MS, span_ms
from farm.kpi.windows import ROLLING_MS, WINDOW_NAMES, WINDOW_PATTERN, Window, parse_window
from farm.model.times import DAY_MS, HOUR_MS
from tests.unit.kpi.events import at

BERLIN = ZoneInfo("Europe/Berlin")
NOW = at("2026-11-19T10:30:00")


@pytest.mark.parametrize(
    ("name", "length"),
    [("1h", HOUR_MS), ("8h", 8 * HOUR_MS), ("24h", DAY_MS), ("7d", 7 * DAY_MS), ("30d", 30 * DAY_MS)],
)
def test_a_rolling_window_ends_now(name: str, length: int) -> None:
    assert parse_window(name, NOW, BERLIN) == Window(name, NOW - length, NOW)


def test_a_rolling_window_is_as_long_as_its_name_says() -> None:
    assert {name: span_ms(name) for name in ROLLING_MS} == ROLLING_MS
    assert [*ROLLING_MS.values()] == sorted(ROLLING_MS.values())


def test_no_window_is_longer_than_a_hundred_years_of_which_25_are_leap_years() -> None:
    assert LONGEST_MS == (100 * 365 + 25) * DAY_MS
    assert parse_window("36525d", NOW, BERLIN).length_ms == LONGEST_MS
    with pytest.raises(InvalidQuery, match="a hundred years"):
        parse_window("36526d", NOW, BERLIN)


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("today", "2026-11-18T23:00:00"),
        ("week", "2026-11-15T23:00:00"),
        ("month", "2026-10-31T23:00:00"),
    ],
)
def test_a_calendar_window_begins_as_on_the_farms_clock(name: str, start: str) -> None:
    assert parse_window(name, NOW, BERLIN) == Window(name, at(start), NOW)


@pytest.mark.parametrize(
    ("last_moment", "hours"), [("2026-03-29T21:59:59.999", 23), ("2026-10-25T22:59:59.999", 25)]
)
def test_today_has_23_or_25_hours_when_the_clock_changes(last_moment: str, hours: int) -> None:
    assert parse_window("today", at(last_moment), BERLIN).length_ms == hours * HOUR_MS - 1


def test_a_window_may_be_given_by_two_times_of_any_zone() -> None:
    window = parse_window("2026-11-01T00:00:00+01:00..2026-11-02T00:00:00.5Z", NOW, BERLIN)
    assert window.from_ms == at("2026-10-31T23:00:00")
    assert window.to_ms == at("2026-11-02T00:00:00") + 500
    assert window.name == "2026-10-31T23:00:00.000Z..2026-11-02T00:00:00.500Z"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0h",
        "30s",
        "99999d",
        "24 h",
        "..",
        "2026-11-01T00:00:00Z",
        "2026-11-31",
        "2026-11-02..2026-11-01",
        "2026-11-02T00:00:00Z..2026-11-01T00:00:00Z",
        "2026-11-01T00:00:00Z..2026-11-01T00:00:00Z",
        "2026-11-01T00:00:00Z..soon",
        "0001-01-01T00:00:00+01:00..2026-11-01T00:00:00Z",
        "2026-11-01T00:00:00Z..9999-12-31T23:59:59-01:00",
    ],
)
def test_any_other_text_is_refused_with_the_allowed_forms(text: str) -> None:
    with pytest.raises(InvalidQuery) as refusal:
        parse_window(text, NOW, BERLIN)
    assert all(name in str(refusal.value) for name in (*WINDOW_NAMES, "FROM..TO"))


@pytest.mark.parametrize(
    ("text", "length"),
    [("90m", HOUR_MS * 3 // 2), ("2d", 2 * DAY_MS), ("14d", 14 * DAY_MS), ("2w", 14 * DAY_MS)],
)
def test_a_rolling_window_may_have_any_length(text: str, length: int) -> None:
    assert parse_window(text, NOW, BERLIN) == Window(text, NOW - length, NOW)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-11-01", "2026-10-31T23:00:00", "2026-11-01T23:00:00"),
        ("yesterday", "2026-11-17T23:00:00", "2026-11-18T23:00:00"),
        ("2026-11-01..2026-11-08", "2026-10-31T23:00:00", "2026-11-08T23:00:00"),
        ("2026-10-25..2026-10-25", "2026-10-24T22:00:00", "2026-10-25T23:00:00"),
    ],
)
def test_a_window_of_days_holds_the_whole_of_the_last_one(text: str, start: str, end: str) -> None:
    assert parse_window(text, NOW, BERLIN) == Window(text, at(start), at(end))


def test_the_ends_of_a_window_may_be_named_in_different_ways() -> None:
    window = parse_window("2026-11-18T08:00..2h", NOW, BERLIN)
    assert (window.from_ms, window.to_ms) == (at("2026-11-18T07:00:00"), NOW - 2 * HOUR_MS)
    assert window.name == "2026-11-18T07:00:00.000Z..2026-11-19T08:30:00.000Z"


@settings(deadline=None)  # the first text of a pattern takes long to find
@given(st.from_regex(WINDOW_PATTERN, fullmatch=True))
def test_what_has_the_form_of_a_window_is_one_or_refused(text: str) -> None:
    assert is_a_window_or_refused(text)


@given(st.text())
def test_a_text_is_a_window_or_refused(text: str) -> None:
    assert is_a_window_or_refused(text)


def is_a_window_or_refused(text: str) -> bool:
    try:
        window = parse_window(text, NOW, BERLIN)
    except InvalidQuery:
        return True
    return window.from_ms < window.to_ms


def test_every_named_window_is_listed_as_it_stands() -> None:
    assert [parse_window(name, NOW, BERLIN).name for name in WINDOW_NAMES] == list(WINDOW_NAMES)


def test_the_windows_with_a_name_are_the_rolling_ones_and_those_of_the_calendar() -> None:
    assert WINDOW_NAMES == ("1h", "8h", "24h", "7d", "30d", "today", "week", "month")


def test_only_what_has_passed_of_a_window_counts() -> None:
    window = Window("any", NOW - 10, NOW + 10)
    assert window.until(NOW) == Window("any", NOW - 10, NOW)
    assert window.until(NOW + 10) is window
    assert window.until(NOW - 20).length_ms == 0


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("2026-11-01..2026-11-02", "2026-11-01..2026-11-02"),
        ("2026-11-01..2026-11-02T12:00", "2026-10-31T23:00:00.000Z..2026-11-02T11:00:00.000Z"),
        ("2026-11-01T12:00..2026-11-02", "2026-11-01T11:00:00.000Z..2026-11-02T23:00:00.000Z"),
    ],
)
def test_a_window_of_whole_days_alone_keeps_its_name(text: str, name: str) -> None:
    assert parse_window(text, NOW, BERLIN).name == name
