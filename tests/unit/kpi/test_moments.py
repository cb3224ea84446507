"""How people name an instant."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.kpi.moments import is_day, parse_moment, span_ms
from farm.model.times import DAY_MS, HOUR_MS, MINUTE_MS
from tests.unit.kpi.events import at

BERLIN = ZoneInfo("Europe/Berlin")
NOW = at("2026-11-22T12:00:00")


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("90m", NOW - 90 * MINUTE_MS),
        ("24h", NOW - DAY_MS),
        ("7d", NOW - 7 * DAY_MS),
        ("2w", NOW - 14 * DAY_MS),
        ("36525d", NOW - 36_525 * DAY_MS),
        ("2026-11-22T11:00:00+00:00", NOW - HOUR_MS),
        ("2026-11-22T12:00:00+01:00", NOW - HOUR_MS),
        ("2026-11-22T12:00", NOW - HOUR_MS),
        ("2026-11-22 12:00:30", NOW - HOUR_MS + 30_000),
        ("2026-11-22", at("2026-11-21T23:00:00")),
        ("today", at("2026-11-21T23:00:00")),
        ("yesterday", at("2026-11-20T23:00:00")),
        ("2026-07-01", at("2026-06-30T22:00:00")),
    ],
)
def test_a_moment_is_an_instant_a_day_or_so_long_ago(text: str, instant: int) -> None:
    assert parse_moment(text, NOW, BERLIN) == instant


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-21", at("2026-11-21T23:00:00")),
        ("yesterday", at("2026-11-21T23:00:00")),
        ("2026-10-25", at("2026-10-25T23:00:00")),
        ("24h", NOW - DAY_MS),
        ("2026-11-22T12:00", NOW - HOUR_MS),
    ],
)
def test_at_the_end_a_day_is_within(text: str, instant: int) -> None:
    assert parse_moment(text, NOW, BERLIN, at_end=True) == instant


@pytest.mark.parametrize("zone", ["America/Sao_Paulo", "Africa/Cairo", "Pacific/Apia", "Europe/Lisbon"])
def test_a_day_begins_where_the_clocks_change_at_midnight_too(zone: str) -> None:
    begin = parse_moment("2018-11-04", NOW, ZoneInfo(zone))
    end = parse_moment("2018-11-04", NOW, ZoneInfo(zone), at_end=True)
    assert 23 * HOUR_MS <= end - begin <= 25 * HOUR_MS


@pytest.mark.parametrize(
    "text", ["", "24", "h", "-3h", "2026-13-01", "40000d", "99999-01-01T00:00:00Z", "tomorrow", "12:00"]
)
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_moment(text, NOW, BERLIN)


@settings(deadline=None)  # what is loaded by the first call takes its time
@given(st.text())
def test_a_text_is_a_moment_or_refused(text: str) -> None:
    try:
        instant = parse_moment(text, NOW, BERLIN, at_end=True)
    except (ValueError, OverflowError):
        return
    assert isinstance(instant, int)


def test_lengths_and_days_are_told_apart() -> None:
    assert (span_ms("2d"), span_ms("2 d"), span_ms("d")) == (2 * DAY_MS, None, None)
    assert is_day("2026-11-01")
    assert not is_day("2026-11-01T00:00")
