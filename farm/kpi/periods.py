"""Hours, days, weeks and months of the farm's own clock.

They are bounded by what the clock on the wall shows: a day of a change to or from summer
time has 23 or 25 hours, and an hour begins at the full hour also where the zone is half
an hour off UTC.
"""

from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from farm.model.times import DAY_MS, HOUR_MS, SECOND_MS


class Period(StrEnum):
    """An interval of the calendar."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


SHORTEST_MS = {
    Period.HOUR: HOUR_MS // 2,
    Period.DAY: 23 * HOUR_MS,
    Period.WEEK: 7 * DAY_MS - HOUR_MS,
    Period.MONTH: 28 * DAY_MS - HOUR_MS,
}
"""The least length (ms) that each period has in practice; bounds how many fit in a window."""


def start_of(period: Period, at_ms: int, zone: ZoneInfo) -> int:
    """When the period that holds the instant `at_ms` began (ms since 1970, UTC)."""
    if period is Period.HOUR:
        # Across a change of half an hour the clock shows no full hour at its first guess.
        while over := _local_ms(at_ms, zone) % HOUR_MS:
            at_ms -= over
        return at_ms
    return _midnight(_first_day(period, _local(at_ms, zone).date()), zone)


def next_start(period: Period, at_ms: int, zone: ZoneInfo) -> int:
    """When the period after the one that holds `at_ms` begins (ms since 1970, UTC)."""
    if period is Period.HOUR:
        following = at_ms + HOUR_MS - _local_ms(at_ms, zone) % HOUR_MS
        while over := _local_ms(following, zone) % HOUR_MS:
            following += HOUR_MS - over
        return following
    day = _day_after(period, _local(at_ms, zone).date())
    while (start := _midnight(day, zone)) <= at_ms:
        day += timedelta(days=1)
    return start


def edges(period: Period, from_ms: int, to_ms: int, zone: ZoneInfo) -> list[int]:
    """`from_ms`, every start of a period between, and `to_ms`: the interval cut into its periods."""
    cuts = [from_ms]
    while (following := next_start(period, cuts[-1], zone)) < to_ms:
        cuts.append(following)
    return [*cuts, to_ms]


def _local(at_ms: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(at_ms // SECOND_MS, zone)


def _local_ms(at_ms: int, zone: ZoneInfo) -> int:
    offset = _local(at_ms, zone).utcoffset() or timedelta()
    return at_ms + offset // timedelta(milliseconds=1)


def _midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * SECOND_MS


def _first_day(period: Period, day: date) -> date:
    if period is Period.WEEK:
        return day - timedelta(days=day.weekday())
    if period is Period.MONTH:
        return day.replace(day=1)
    return day


def _day_after(period: Period, day: date) -> date:
    first = _first_day(period, day)
    if period is Period.WEEK:
        return first + timedelta(days=7)
    if period is Period.MONTH:
        return (first + timedelta(days=31)).replace(day=1)
    return first + timedelta(days=1)
