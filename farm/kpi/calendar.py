"""When a shop is open: weekly hours on its clock, holidays, and days with other hours.

The hours are those of a clock on the wall, and a day of a change to or from summer time is
counted by what that clock shows. One rule says which instant a time of a day means: the
first at which the clock of that day shows it, or a later time. So an opening that the clock
skips is at the moment of the skip, a time that the clock shows twice is the first of the two,
and whatever the clock does, hours that follow each other never overlap.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from farm.errors import InvalidInput
from farm.kpi.intervals import Interval
from farm.model import limits
from farm.model.times import SECOND_MS
from farm.model.writable import UNWRITABLE

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOUR_MINUTES: Final = 60
DAY_MINUTES: Final = 24 * HOUR_MINUTES
MOST_DATES: Final = 4_000
"""How many days of its own a calendar may have: ten years of days."""

DayHours: TypeAlias = tuple[tuple[int, int], ...]
"""The hours of one day: from and until, in minutes on the clock (0 to 1440), sorted, not overlapping."""

CLOSED: Final[DayHours] = ()


class OtherHours(msgspec.Struct, frozen=True):
    """A date with hours of its own, closed where it has none. It goes before holiday and weekday."""

    day: date
    hours: DayHours = CLOSED


class Holiday(msgspec.Struct, frozen=True):
    """A date on which the shop is closed, and what it is called."""

    day: date
    name: str


class ShopCalendar(msgspec.Struct, frozen=True, kw_only=True):
    """Opening hours for every weekday from Monday on, and the dates on which others hold.

    Making one raises InvalidInput for hours and dates that cannot be, or are not in their order.
    """

    name: str
    hours: tuple[DayHours, DayHours, DayHours, DayHours, DayHours, DayHours, DayHours]
    exceptions: tuple[OtherHours, ...] = ()
    holidays: tuple[Holiday, ...] = ()

    def __post_init__(self) -> None:
        _check_name("name", self.name, limits.CALENDAR.length)
        if "/" in self.name:
            raise InvalidInput("name", self.name, "must not hold '/', since it becomes a part of addresses")
        for weekday, hours in zip(WEEKDAYS, self.hours, strict=True):
            _check_hours(f"hours.{weekday}", hours)
        for other in self.exceptions:
            _check_hours(f"exceptions.{other.day}", other.hours)
        for holiday in self.holidays:
            _check_name(f"holidays.{holiday.day}", holiday.name, limits.HOLIDAY.length)
        _check_dates("exceptions", [other.day for other in self.exceptions])
        _check_dates("holidays", [holiday.day for holiday in self.holidays])

    @property
    def dates(self) -> dict[date, DayHours]:
        """The hours of the dates that have some of their own."""
        return {each.day: CLOSED for each in self.holidays} | {
            each.day: each.hours for each in self.exceptions
        }


def span_text(span: tuple[int, int]) -> str:
    """Hours as they are written: `08:00-18:00`."""
    opens, closes = (f"{at // HOUR_MINUTES:02d}:{at % HOUR_MINUTES:02d}" for at in span)
    return f"{opens}-{closes}"


def open_intervals(calendar: ShopCalendar | None, zone: ZoneInfo, from_ms: int, to_ms: int) -> list[Interval]:
    """When the shop is open from `from_ms` until `to_ms` (ms since 1970), its clock being that of `zone`.

    Sorted and disjoint; hours that touch are one interval. Without a calendar it is always open.
    """
    if from_ms >= to_ms:
        return []
    if calendar is None:
        return [(from_ms, to_ms)]
    found: list[Interval] = []
    for opens_ms, closes_ms in _openings(calendar, zone, from_ms, to_ms):
        start, end = max(opens_ms, from_ms), min(closes_ms, to_ms)
        if start >= end:
            continue
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def _openings(calendar: ShopCalendar, zone: ZoneInfo, from_ms: int, to_ms: int) -> Iterator[Interval]:
    """Until the day after: where a clock goes back over midnight, its hours begin before the day ends."""
    dates = calendar.dates
    day = datetime.fromtimestamp(from_ms // SECOND_MS, zone).date()
    last = datetime.fromtimestamp(to_ms // SECOND_MS, zone).date() + timedelta(days=1)
    while day <= last:
        for opens, closes in dates.get(day, calendar.hours[day.weekday()]):
            yield (_instant(day, opens, zone), _instant(day, closes, zone))
        day += timedelta(days=1)


def _instant(day: date, minute: int, zone: ZoneInfo) -> int:
    """The first instant (ms since 1970) at which the clock of the day shows this minute or a later one."""
    shown = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)  # noqa: DTZ001  a clock's face
    first, second = (int(shown.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1))
    if first <= second:
        return first * SECOND_MS
    # The clock skips it: with the offset from before the skip it lies after it, and the other way round.
    before, after = second, first
    while after - before > 1:
        middle = (before + after) // 2
        if datetime.fromtimestamp(middle, zone).replace(tzinfo=None) < shown:
            before = middle
        else:
            after = middle
    return after * SECOND_MS


def _check_name(field: str, name: str, longest: int) -> None:
    if not name.strip() or name != name.strip():
        raise InvalidInput(field, name, "must not be empty, nor begin or end with a blank")
    if len(name) > longest:
        raise InvalidInput(field, name, f"has {len(name)} characters, at most {longest} are kept")
    if UNWRITABLE.search(name):
        raise InvalidInput(field, ascii(name)[1:-1], "leave out control characters and line breaks")


def _check_hours(field: str, hours: DayHours) -> None:
    reached = 0
    for opens, closes in hours:
        if not 0 <= opens < closes <= DAY_MINUTES:
            raise InvalidInput(
                field, span_text((opens, closes)), "must open before it closes, from 00:00 to 24:00"
            )
        if opens < reached:
            raise InvalidInput(field, span_text((opens, closes)), "must be in order and not overlap")
        reached = closes


def _check_dates(field: str, days: list[date]) -> None:
    if len(days) > MOST_DATES:
        raise InvalidInput(field, len(days), f"at most {MOST_DATES:,} dates are kept")
    for one, following in pairwise(days):
        if one >= following:
            raise InvalidInput(field, following, "must be in order, each date once")
