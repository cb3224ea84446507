"""The window before a window, to compare figures with: as long as it, or its days of the calendar."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from farm.kpi.moments import is_day
from farm.kpi.periods import Period, next_start, start_of
from farm.kpi.windows import CALENDAR, Window
from farm.model.times import SECOND_MS

NAME = "before"


def window_before(window: Window, now_ms: int, zone: ZoneInfo) -> Window:
    """The one that lies before `window`, as far into it as `window` has passed at `now_ms`.

    Days and weeks of the calendar have those before them, from and until the same time on the clock; a month
    the month before, until the same day of it. Any other window has the time before it, as long as it is.
    """
    passed = window.until(now_ms)
    if _is_a_month(window, zone):
        return _of_the_month_before(passed, zone)
    days = _days(window, zone)
    if days is None:
        return Window(NAME, window.from_ms - window.length_ms, passed.to_ms - window.length_ms)
    return Window(NAME, _days_earlier(passed.from_ms, days, zone), _days_earlier(passed.to_ms, days, zone))


def _is_a_month(window: Window, zone: ZoneInfo) -> bool:
    if window.name in CALENDAR:
        return CALENDAR[window.name] is Period.MONTH
    begins = start_of(Period.MONTH, window.from_ms, zone)
    return window.from_ms == begins and window.to_ms == next_start(Period.MONTH, begins, zone)


def _days(window: Window, zone: ZoneInfo) -> int | None:
    """How many days of the calendar it has, None where it does not go by them."""
    if window.name in CALENDAR:
        return 7 if CALENDAR[window.name] is Period.WEEK else 1
    start, dots, end = window.name.partition("..")
    if not (is_day(start) and (is_day(end) if dots else True)):
        return None
    first, after = (datetime.fromtimestamp(at // SECOND_MS, zone) for at in (window.from_ms, window.to_ms))
    return (after.date() - first.date()).days


def _days_earlier(at_ms: int, days: int, zone: ZoneInfo) -> int:
    """When the clock showed the same so many days earlier."""
    shown = datetime.fromtimestamp(at_ms // SECOND_MS, zone) - timedelta(days=days)
    return int(shown.timestamp()) * SECOND_MS + at_ms % SECOND_MS


def _of_the_month_before(passed: Window, zone: ZoneInfo) -> Window:
    """A month that had fewer days than have passed of this one is taken whole."""
    from_ms = start_of(Period.MONTH, passed.from_ms - 1, zone)
    into = datetime.fromtimestamp(passed.to_ms // SECOND_MS, zone)
    if passed.to_ms >= next_start(Period.MONTH, passed.from_ms, zone):
        return Window(NAME, from_ms, passed.from_ms)
    first = datetime.fromtimestamp(from_ms // SECOND_MS, zone)
    shown = (first + timedelta(days=into.day - 1)).replace(
        hour=into.hour, minute=into.minute, second=into.second
    )
    at_ms = int(shown.timestamp()) * SECOND_MS + passed.to_ms % SECOND_MS
    return Window(NAME, from_ms, min(at_ms, passed.from_ms))
