"""How times are asked for and told on the command line."""

from zoneinfo import ZoneInfo

import pytest

from farm.cli.times import FarmClock, rough_span, span_text
from farm.errors import InvalidQuery
from farm.model.times import DAY_MS, HOUR_MS, MINUTE_MS, parse_rfc3339
from farm.tables import NOTHING, Displayed

NOW = parse_rfc3339("2026-11-22T12:00:00Z")
BERLIN = FarmClock(ZoneInfo("Europe/Berlin"), NOW)
UTC = FarmClock(ZoneInfo("UTC"), NOW)


def test_a_day_begins_on_the_farms_clock_and_is_within_at_its_end() -> None:
    assert BERLIN.moment("2026-11-01", "--since") == parse_rfc3339("2026-10-31T23:00:00Z")
    assert BERLIN.moment("2026-11-01", "--until", at_end=True) == parse_rfc3339("2026-11-01T23:00:00Z")
    assert UTC.moment("2026-11-01", "--since") == parse_rfc3339("2026-11-01T00:00:00Z")


def test_what_is_no_time_is_refused_with_the_option_and_the_forms() -> None:
    with pytest.raises(InvalidQuery, match=r"--since soon: must be a date such as 2026-11-01, .* 7d, 2w"):
        BERLIN.moment("soon", "--since")


@pytest.mark.parametrize(
    ("at", "short"),
    [
        ("2026-11-22T11:30:00Z", "12:30"),
        ("2026-11-21T23:30:00Z", "00:30"),
        ("2026-11-21T11:30:00Z", "Sat 12:30"),
        ("2026-11-16T11:30:00Z", "Mon 12:30"),
        ("2026-11-15T11:30:00Z", "15 Nov 12:30"),
        ("2026-01-02T11:30:00Z", "2 Jan 12:30"),
        ("2025-12-31T22:30:00Z", "2025-12-31"),
        ("2026-11-23T11:30:00Z", "23 Nov 12:30"),
        ("2027-01-27T11:30:00Z", "27 Jan 12:30"),
        ("2027-11-22T11:30:00Z", "2027-11-22"),
    ],
)
def test_an_instant_is_as_short_as_its_day_lets_it_be(at: str, short: str) -> None:
    told = BERLIN.instant(parse_rfc3339(at))
    assert isinstance(told, Displayed)
    assert told.short == short
    assert parse_rfc3339(told.whole) == parse_rfc3339(at)


def test_a_pipe_gets_the_offset_from_utc() -> None:
    assert BERLIN.exact(NOW + 1) == "2026-11-22T13:00:00+01:00"
    assert UTC.exact(NOW + 1) == "2026-11-22T12:00:00Z"
    assert BERLIN.ago(NOW - HOUR_MS) == Displayed("60 min ago", "2026-11-22T12:00:00+01:00")
    assert BERLIN.lasting(NOW - 3 * DAY_MS) == Displayed("3 d", "2026-11-19T13:00:00+01:00")
    assert BERLIN.instant(None) == BERLIN.ago(None) == NOTHING


@pytest.mark.parametrize(
    ("length_ms", "text"),
    [
        (-5, "0 s"),
        (59_999, "59 s"),
        (MINUTE_MS, "1 min"),
        (119 * MINUTE_MS, "119 min"),
        (2 * HOUR_MS, "2 h"),
        (47 * HOUR_MS, "47 h"),
        (50 * HOUR_MS, "2 d"),
    ],
)
def test_a_rough_length_has_one_unit(length_ms: int, text: str) -> None:
    assert rough_span(length_ms) == text


@pytest.mark.parametrize(
    ("length_ms", "text"),
    [
        (0, "0 s"),
        (59_999, "59 s"),
        (723_000, "12 min 03 s"),
        (7_500_000, "2 h 05 min"),
        (90 * HOUR_MS, "90 h 00 min"),
    ],
)
def test_a_length_of_time_is_told_as_people_say_it(length_ms: int, text: str) -> None:
    assert span_text(length_ms) == text
