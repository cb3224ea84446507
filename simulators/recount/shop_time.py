"""When a simulated shop was open and worked on its printers, minute by minute on its clock."""

import itertools
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from farm.model.times import DAY_MS, MINUTE_MS, SECOND_MS
from simulators.shop_truth import CalendarTruth, DayMinutes, MaintenanceTruth
from simulators.truth import Truth

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONGEST_DAY_MINUTES = 27 * 60
_DAY_MINUTES = 24 * 60


class Stretches:
    """Stretches of time, in order and apart from each other."""

    def __init__(self, bounds: Iterable[tuple[int, int]]) -> None:
        """`bounds` (ms since 1970, half open) may be in any order and overlap."""
        self.edges: list[int] = []
        for from_ms, to_ms in sorted(each for each in bounds if each[0] < each[1]):
            if self.edges and from_ms <= self.edges[-1]:
                self.edges[-1] = max(self.edges[-1], to_ms)
            else:
                self.edges += [from_ms, to_ms]

    def __contains__(self, at_ms: int) -> bool:
        return bisect_right(self.edges, at_ms) % 2 == 1

    def edges_between(self, from_ms: int, to_ms: int) -> list[int]:
        """Where a stretch begins or ends strictly between the two instants."""
        return self.edges[bisect_right(self.edges, from_ms) : bisect_right(self.edges, to_ms - 1)]

    def within(self, from_ms: int, to_ms: int) -> int:
        """How much of the time between the two instants lies in stretches (ms)."""
        cuts = [from_ms, *self.edges_between(from_ms, to_ms), to_ms]
        return sum(end - begin for begin, end in itertools.pairwise(cuts) if begin in self)


class OpenTimes:
    """When a shop is open, worked out once for each of its calendars."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self._known: dict[str | None, Stretches] = {}

    def of(self, group: str | None) -> Stretches:
        """For the printers of the group."""
        calendar, header = calendar_for(self._truth.calendars, group), self._truth.header
        name = None if calendar is None else calendar.name
        if name not in self._known:
            zone = ZoneInfo(header.time_zone)
            self._known[name] = open_time(calendar, zone, header.from_ms, header.to_ms)
        return self._known[name]


def open_time(calendar: CalendarTruth | None, zone: ZoneInfo, from_ms: int, to_ms: int) -> Stretches:
    """When the shop is open, at least from `from_ms` until `to_ms`; always where it has no calendar."""
    if calendar is None:
        return Stretches([(from_ms - 2 * DAY_MS, to_ms + 2 * DAY_MS)])
    return Stretches(_openings(calendar, zone, from_ms, to_ms))


def _openings(calendar: CalendarTruth, zone: ZoneInfo, from_ms: int, to_ms: int) -> Iterator[tuple[int, int]]:
    day = datetime.fromtimestamp(from_ms / SECOND_MS, zone).date() - timedelta(days=1)
    last = datetime.fromtimestamp(to_ms / SECOND_MS, zone).date() + timedelta(days=1)
    while day <= last:
        hours = calendar.dates.get(day.isoformat())
        yield from _on_the_clock(
            day, calendar.hours.get(WEEKDAYS[day.weekday()], ()) if hours is None else hours, zone
        )
        day += timedelta(days=1)


def _on_the_clock(day: date, hours: DayMinutes, zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    """Watch the clock through the day: hours begin and end when it first shows their time, or a later one."""
    if not hours:
        return
    midnight_ms = round(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * SECOND_MS
    shown: list[tuple[int, int]] = []
    at_ms = midnight_ms
    for _ in range(_LONGEST_DAY_MINUTES):
        wall = datetime.fromtimestamp(at_ms / SECOND_MS, zone)
        if wall.date() == day:
            shown.append((wall.hour * 60 + wall.minute, at_ms))
            day_ends_ms = at_ms + MINUTE_MS
        at_ms += MINUTE_MS

    def first(minute: int) -> int:
        if minute >= _DAY_MINUTES:
            return day_ends_ms
        return next((at for wall_minute, at in shown if wall_minute >= minute), day_ends_ms)

    for opens, closes in hours:
        yield first(opens), first(closes)


def calendar_for(calendars: Sequence[CalendarTruth], group: str | None) -> CalendarTruth | None:
    """The calendar of the printers of the group: its own, else the one for all others."""
    own = [each for each in calendars if group is not None and group in each.groups]
    others = [each for each in calendars if each.default]
    return next(iter(own + others), None)


def work_on(planned: Iterable[MaintenanceTruth], printer: str, group: str | None) -> Stretches:
    """When work was planned on the printer, on its group or on the whole farm."""
    return Stretches(
        (each.from_ms, each.to_ms)
        for each in planned
        if (each.printer == printer if each.printer is not None else each.group in (None, group))
    )
