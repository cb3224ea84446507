"""The windows over which indicators are taken, and how people name them."""

from zoneinfo import ZoneInfo

import msgspec

from farm.errors import InvalidQuery
from farm.kpi.periods import Period, start_of
from farm.model.times import DAY_MS, HOUR_MS, parse_rfc3339, rfc3339

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

ALLOWED_FORMS = (
    f"{', '.join(WINDOW_NAMES)} or FROM..TO with two RFC 3339 times, "
    "e.g. 2026-11-01T00:00:00Z..2026-11-08T00:00:00Z"
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
    if name in ROLLING_MS:
        return Window(name, now_ms - ROLLING_MS[name], now_ms)
    if name in CALENDAR:
        return Window(name, start_of(CALENDAR[name], now_ms, zone), now_ms)
    return _explicit(name)


def _explicit(text: str) -> Window:
    start, dots, end = text.partition("..")
    if not dots:
        raise InvalidQuery(f"{text!r} is no window; allowed are {ALLOWED_FORMS}")
    try:
        from_ms, to_ms = parse_rfc3339(start), parse_rfc3339(end)
        name = f"{rfc3339(from_ms)}..{rfc3339(to_ms)}"
    except ValueError as error:
        raise InvalidQuery(f"{text!r} is no window: {error}; allowed are {ALLOWED_FORMS}") from error
    if from_ms >= to_ms:
        raise InvalidQuery(f"{text!r} is no window: it ends before it begins; allowed are {ALLOWED_FORMS}")
    return Window(name, from_ms, to_ms)
