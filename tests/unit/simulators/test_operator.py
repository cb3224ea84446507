"""Shifts and the work of people."""

from random import Random
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from farm.model.times import DAY_MS, HOUR_MS, MINUTE_MS, parse_rfc3339, rfc3339
from simulators.operator import WEEKDAYS, Crew, Shift

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY_MS = parse_rfc3339("2026-01-05T00:00:00Z")


def shift(days: str = "mon tue wed thu fri", begin: int = 6 * 60, end: int = 22 * 60) -> Shift:
    return Shift(BERLIN, frozenset(days.split()), begin, end)


def test_people_are_there_by_the_clock_of_the_farm() -> None:
    assert rfc3339(shift().next_ms(MONDAY_MS)) == "2026-01-05T05:00:00.000Z"


def test_summer_time_moves_the_shift() -> None:
    at = shift().next_ms(parse_rfc3339("2026-07-06T00:00:00Z"))
    assert rfc3339(at) == "2026-07-06T04:00:00.000Z"


def test_friday_evening_waits_for_monday_morning() -> None:
    at = shift().next_ms(parse_rfc3339("2026-01-09T21:30:00Z"))
    assert rfc3339(at) == "2026-01-12T05:00:00.000Z"


def test_during_the_shift_it_is_now() -> None:
    noon = MONDAY_MS + 12 * HOUR_MS
    assert shift().next_ms(noon) == noon


def test_round_the_clock_there_is_always_somebody() -> None:
    always = Shift(BERLIN, frozenset(WEEKDAYS), 0, 24 * 60)
    for hour in range(48):
        assert always.next_ms(MONDAY_MS + hour * HOUR_MS) == MONDAY_MS + hour * HOUR_MS
    assert not always.ends_within(MONDAY_MS, DAY_MS)


def test_the_end_of_the_shift_is_seen_coming() -> None:
    evening = parse_rfc3339("2026-01-05T20:10:00Z")
    assert shift().ends_within(evening, HOUR_MS)
    assert not shift().ends_within(evening, 30 * MINUTE_MS)
    assert not shift().ends_within(parse_rfc3339("2026-01-05T22:00:00Z"), HOUR_MS)


@given(st.lists(st.tuples(st.integers(0, 14 * 24 * 60), st.floats(1, 90)), max_size=30), st.integers(1, 3))
def test_nobody_works_twice_at_once_or_begins_out_of_hours(
    work: list[tuple[int, float]], people: int
) -> None:
    crew = Crew(shift(), people, (2, 25), Random(4))
    done = []
    for since, minutes in sorted(work):
        noticed = MONDAY_MS + since * MINUTE_MS
        begin, end = crew.attend(noticed, minutes)
        assert begin >= noticed
        assert crew.shift.next_ms(begin) == begin
        assert end - begin == round(minutes * MINUTE_MS)
        done.append((begin, end))
    for begin, _ in done:
        assert sum(other <= begin < end for other, end in done) <= people


def test_somebody_who_is_called_comes_at_once() -> None:
    crew = Crew(shift(), 1, (20, 25), Random(4))
    noon = MONDAY_MS + 12 * HOUR_MS
    assert crew.attend(noon, 5, called=True)[0] == noon
