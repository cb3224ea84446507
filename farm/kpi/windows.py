"""The windows over which indicators are taken, and how people name them."""

from zoneinfo import ZoneInfo

import msgspec

from farm.errors import InvalidQuery
from farm.kpi.moments import LONGEST_MS, is_day, parse_moment, span_ms
from farm.kpi.periods import Period, start_of
from farm.model.times import DAY_MS, HOUR_MS, rfc3339

ROLLING_MS = {
    "1h": HOUR_MS,
    "8h": 8 * HOUR_MS,
    "24h": 24 * HOUR_MS,
    "7d": 7 * DAY_MS,
    "30d": 30 * DAY_MS,
}
"""Windows that end now and always have the same length (ms)."""

CALENDAR = {"today": Period.DAY, "week": Period.WEEK, "month": Period.MONTH}
"""Windows that began with the day, the week (on Monday) or the month and end now."""

WINDOW_NAMES = (*ROLLING_MS, *CALENDAR)
"""Every window that has a name, shortest first within its kind."""

WINDOW_PATTERN = (
    rf"^({'|'.join(WINDOW_NAMES)}|yesterday|[0-9]+[mhdw]|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}|\S+\.\.\S+)$"
)
"""A regular expression that every window fulfils, for whoever checks before asking."""

ALLOWED_FORMS = (
    f"{', '.join(WINDOW_NAMES)}, any other length such as 90m, 12h, 2d, 2w, a day such as 2026-11-01 or "
    "yesterday, or FROM..TO with two of days, times and lengths, e.g. 2026-11-01..2026-11-08 (the last day "
    "is within) or 2026-11-01T00:00:00Z..2026-11-08T00:00:00Z"
)


class Window(msgspec.Struct, frozen=True):
    """From `from_ms` until `to_ms` (ms since 1970, UTC, half open), under the name it was asked by."""

    name: str
    from_ms: int
    to_ms: int

    @property
    def length_ms(self) -> int:
        """How long it is, in milliseconds."""
        return self.to_ms - self.from_ms

    def until(self, now_ms: int) -> "Window":
        """The part of the window that has passed; without length where it lies ahead."""
        if self.to_ms <= now_ms:
            return self
        return Window(self.name, self.from_ms, max(self.from_ms, now_ms))


def parse_window(text: str, now_ms: int, zone: ZoneInfo) -> Window:
    """The window that `text` names at the instant `now_ms`, days beginning as in `zone`.

    Raises InvalidQuery, naming the allowed forms, for any other text.
    """
    name = text.strip()
    if name in CALENDAR:
        return Window(name, start_of(CALENDAR[name], now_ms, zone), now_ms)
    if (length_ms := span_ms(name)) is not None and not name.endswith("s"):
        if not 0 < length_ms <= LONGEST_MS:
            raise _refusal(text, "it is no length between a minute and a hundred years")
        return Window(name, now_ms - length_ms, now_ms)
    start, dots, end = (name, "..", name) if is_day(name) else name.partition("..")
    if not dots:
        raise InvalidQuery(f"{text!r} is no window; allowed are {ALLOWED_FORMS}")
    return _between(name, start, end, now_ms, zone)


def _between(text: str, start: str, end: str, now_ms: int, zone: ZoneInfo) -> Window:
    try:
        from_ms = parse_moment(start, now_ms, zone)
        to_ms = parse_moment(end, now_ms, zone, at_end=True)
    except (ValueError, OverflowError) as error:
        raise _refusal(text, str(error)) from error
    if from_ms >= to_ms:
        raise _refusal(text, "it ends before it begins")
    name = text if is_day(start) and is_day(end) else f"{rfc3339(from_ms)}..{rfc3339(to_ms)}"
    return Window(name, from_ms, to_ms)


def _refusal(text: str, reason: str) -> InvalidQuery:
    return InvalidQuery(f"{text!r} is no window: {reason}; allowed are {ALLOWED_FORMS}")
