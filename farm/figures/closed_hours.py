"""The closed hours of the shop as clocks, by which the time that printers spend is counted apart."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from farm.figures.state_changes import Clock
from farm.kpi.calendar import ShopCalendar, open_intervals
from farm.kpi.intervals import less
from farm.kpi.passed_time import PassedTime
from farm.kpi.shop_calendars import ShopCalendars
from farm.model.printer import Printer
from farm.model.times import DAY_MS

_AHEAD_MS = 400 * DAY_MS


class ClosedHours:
    """Gives each calendar the clock of its closed hours, the same one for as long as it says the same.

    Sums by a clock are kept for as long as the clock is (`farm.figures.state_history`).
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._from_ms = 0
        self._until_ms = 0
        self._clocks: dict[str, tuple[ShopCalendar, Clock]] = {}

    def clocks(
        self, calendars: ShopCalendars, printers: Sequence[Printer], now_ms: int
    ) -> list[Clock | None]:
        """The clock of each printer's closed hours until now, None where its shop is always open."""
        if not calendars.calendars or not printers:
            return [None] * len(printers)
        first_ms = min(printer.first_seen_ms for printer in printers)
        if first_ms < self._from_ms or now_ms > self._until_ms or not self._clocks:
            self._from_ms, self._until_ms, self._clocks = first_ms, now_ms + _AHEAD_MS, {}
        groups = {printer.group for printer in printers}
        by_group = {group: self._clock_of(calendars.calendar_of(group)) for group in groups}
        return [by_group[printer.group] for printer in printers]

    def _clock_of(self, calendar: ShopCalendar | None) -> Clock | None:
        if calendar is None:
            return None
        held = self._clocks.get(calendar.name)
        if held is None or held[0] != calendar:
            whole = [(self._from_ms, self._until_ms)]
            opened = open_intervals(calendar, self._zone, self._from_ms, self._until_ms)
            held = self._clocks[calendar.name] = (calendar, PassedTime(less(whole, opened)))
        return held[1]
