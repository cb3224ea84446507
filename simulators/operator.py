"""The people of the farm: they come in shifts, make rounds, and do one thing at a time."""

from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from heapq import heapify, heapreplace
from random import Random
from zoneinfo import ZoneInfo

from farm.model.times import MINUTE_MS, SECOND_MS

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MINUTES = 24 * 60


class Shift:
    """When somebody is there: weekdays and minutes of the day in the farm's time zone."""

    def __init__(self, zone: ZoneInfo, days: AbstractSet[str], begin: int, end: int) -> None:
        self._zone = zone
        self._days = frozenset(WEEKDAYS.index(day) for day in days)
        self._begin = begin
        self._end = end

    def _bounds_ms(self, day: datetime) -> tuple[int, int] | None:
        if day.weekday() not in self._days:
            return None
        midnight = day.replace(hour=0, minute=0, second=0, microsecond=0)
        begin, end = (
            int((midnight + timedelta(minutes=minute)).timestamp() * SECOND_MS)
            for minute in (self._begin, self._end)
        )
        return begin, end

    def next_ms(self, at_ms: int) -> int:
        """The first instant at or after `at_ms` (ms) at which somebody is there."""
        day = datetime.fromtimestamp(at_ms / SECOND_MS, self._zone)
        for ahead in range(9):
            bounds = self._bounds_ms(day + timedelta(days=ahead))
            if bounds is not None and at_ms < bounds[1]:
                return max(at_ms, bounds[0])
        raise ValueError("a shift needs at least one weekday")

    def ends_within(self, at_ms: int, span_ms: int) -> bool:
        """Whether the shift that runs at `at_ms` is over before `span_ms` have passed."""
        if self._end - self._begin >= _DAY_MINUTES:
            return False
        bounds = self._bounds_ms(datetime.fromtimestamp(at_ms / SECOND_MS, self._zone))
        return bounds is not None and bounds[0] <= at_ms < bounds[1] <= at_ms + span_ms


class Crew:
    """So many people on shift. Work is taken up in the order in which it is noticed."""

    def __init__(
        self,
        shift: Shift,
        people: int,
        notice_minutes: tuple[float, float],
        rng: Random,
        *,
        tempo: float = 1.0,
    ) -> None:
        self.shift = shift
        self._minute_ms = MINUTE_MS / tempo
        self._notice_minutes = notice_minutes
        self._rng = rng
        self._free_ms = [0] * people
        heapify(self._free_ms)

    def attend(self, since_ms: int, minutes: float, *, called: bool = False) -> tuple[int, int]:
        """When a person begins and ends work of so many minutes on what happened at `since_ms`.

        Things are noticed on the next round, or at once when somebody `called`.
        """
        noticed = (
            since_ms
            if called
            else since_ms + round(self._rng.uniform(*self._notice_minutes) * self._minute_ms)
        )
        begin = self.shift.next_ms(max(self.shift.next_ms(noticed), self._free_ms[0]))
        end = begin + round(minutes * self._minute_ms)
        heapreplace(self._free_ms, end)
        return begin, end
