"""The window that a figure is compared with."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.kpi.window_before import window_before
from farm.kpi.windows import WINDOW_NAMES, Window, parse_window
from farm.model.times import DAY_MS, parse_rfc3339, rfc3339

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("window", "now", "begins", "ends"),
    [
        ("24h", "2026-11-26T12:00:00Z", "2026-11-24T12:00:00Z", "2026-11-25T12:00:00Z"),
        ("7d", "2026-11-26T12:00:00Z", "2026-11-12T12:00:00Z", "2026-11-19T12:00:00Z"),
        ("today", "2026-11-26T12:00:00Z", "2026-11-24T23:00:00Z", "2026-11-25T12:00:00Z"),
        ("week", "2026-11-26T12:00:00Z", "2026-11-15T23:00:00Z", "2026-11-19T12:00:00Z"),
        ("month", "2026-11-26T12:00:00Z", "2026-09-30T22:00:00Z", "2026-10-26T12:00:00Z"),
        ("month", "2026-11-26T12:34:56.789Z", "2026-09-30T22:00:00Z", "2026-10-26T12:34:56.789Z"),
        # February has no 30th, and is taken whole.
        ("month", "2026-03-30T12:00:00Z", "2026-01-31T23:00:00Z", "2026-02-28T23:00:00Z"),
        ("month", "2026-03-28T12:00:00Z", "2026-01-31T23:00:00Z", "2026-02-28T12:00:00Z"),
        ("2026-10-01..2026-10-31", "2026-11-26T12:00:00Z", "2026-08-31T22:00:00Z", "2026-09-30T22:00:00Z"),
        # Still running: as far into the month before.
        ("2026-11-01..2026-11-30", "2026-11-26T12:00:00Z", "2026-09-30T22:00:00Z", "2026-10-26T12:00:00Z"),
        ("2026-11-20..2026-11-30", "2026-11-26T12:00:00Z", "2026-11-08T23:00:00Z", "2026-11-15T12:00:00Z"),
        ("yesterday", "2026-11-26T12:00:00Z", "2026-11-23T23:00:00Z", "2026-11-24T23:00:00Z"),
        # The day on which summer time begins has 23 hours, the one before it 24.
        ("2026-03-29", "2026-11-26T12:00:00Z", "2026-03-27T23:00:00Z", "2026-03-28T23:00:00Z"),
        ("2026-03-30", "2026-11-26T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        # The hour that the clock showed twice counts as it was shown first, from either of the two.
        ("today", "2026-10-26T01:30:00Z", "2026-10-24T22:00:00Z", "2026-10-25T00:30:00Z"),
        ("today", "2026-10-25T01:30:00.250Z", "2026-10-23T22:00:00Z", "2026-10-24T00:30:00.250Z"),
        (
            "2026-11-01T00:00:00Z..2026-11-08T00:00:00Z",
            "2026-11-26T12:00:00Z",
            "2026-10-25T00:00:00Z",
            "2026-11-01T00:00:00Z",
        ),
    ],
)
def test_the_window_before_is_as_long_or_has_the_days_before(
    window: str, now: str, begins: str, ends: str
) -> None:
    now_ms = parse_rfc3339(now)
    found = window_before(parse_window(window, now_ms, BERLIN), now_ms, BERLIN)
    wanted = [parse_rfc3339(begins), parse_rfc3339(ends)]
    assert [found.from_ms, found.to_ms] == wanted, (rfc3339(found.from_ms), rfc3339(found.to_ms))


@given(
    st.sampled_from(WINDOW_NAMES),
    st.integers(0, 4_000 * DAY_MS),
    st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe"]),
)
def test_it_ends_before_the_window_begins_but_for_what_has_not_passed(
    name: str, now_ms: int, zone_name: str
) -> None:
    zone = ZoneInfo(zone_name)
    window = parse_window(name, now_ms, zone)
    found = window_before(window, now_ms, zone)
    assert found.from_ms <= found.to_ms <= window.from_ms or window.length_ms == 0
    assert found.from_ms < window.from_ms


def test_a_window_that_lies_ahead_has_one_without_length_before_it() -> None:
    found = window_before(Window("ahead", 100, 200), 50, BERLIN)
    assert (found.from_ms, found.to_ms) == (0, 0)
