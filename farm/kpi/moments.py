"""How people name an instant: `2026-11-22T00:51:14Z`, `2026-11-22 14:30`, `2026-11-22`, `24h`, `today`."""

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from farm.kpi.periods import Period, next_start, start_of
from farm.model.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, parse_rfc3339

MOMENT_FORMS = (
    "a date such as 2026-11-01, a time such as 2026-11-01T14:30 on the farm's clock or "
    "2026-11-22T00:51:14Z, today, yesterday, or so long ago, like 90m, 24h, 7d, 2w"
)
"""What `parse_moment` takes, in words."""

LONGEST_MS = 36_525 * DAY_MS
"""A hundred years: no question reaches further back."""

_SPAN = re.compile(r"(\d{1,9})([smhdw])", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_ON_THE_CLOCK = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?", re.ASCII)
_UNIT_MS = {"s": SECOND_MS, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS, "w": 7 * DAY_MS}
_MORNING = timedelta(hours=12)
"""From the middle of a day its beginning is found whatever the clocks did at midnight."""


def span_ms(text: str) -> int | None:
    """Milliseconds of a length of time like `90s`, `10m`, `24h`, `7d`, `2w`; None for any other text."""
    found = _SPAN.fullmatch(text.strip())
    return None if found is None else int(found[1]) * _UNIT_MS[found[2]]


def is_day(text: str) -> bool:
    """Whether the text names a whole day: `2026-11-01`, `today`, `yesterday`."""
    return text in {"today", "yesterday"} or _DAY.fullmatch(text) is not None


def parse_moment(text: str, now_ms: int, zone: ZoneInfo, *, at_end: bool = False) -> int:
    """The instant (ms since 1970) that the text names, days and clock times being those of `zone`.

    A day means its beginning, and with `at_end` its end. Raises ValueError for any other text.
    """
    text = text.strip()
    if is_day(text):
        begin_ms = _day_start(text, now_ms, zone)
        return next_start(Period.DAY, begin_ms, zone) if at_end else begin_ms
    if (ago_ms := span_ms(text)) is not None:
        if ago_ms > LONGEST_MS:
            raise ValueError("is longer ago than a hundred years")
        return now_ms - ago_ms
    if _ON_THE_CLOCK.fullmatch(text):
        return parse_rfc3339(datetime.fromisoformat(text).replace(tzinfo=zone).isoformat())
    return parse_rfc3339(text)


def _day_start(text: str, now_ms: int, zone: ZoneInfo) -> int:
    if text == "today":
        return start_of(Period.DAY, now_ms, zone)
    if text == "yesterday":
        return start_of(Period.DAY, start_of(Period.DAY, now_ms, zone) - 1, zone)
    day = date.fromisoformat(text)
    noon = datetime(day.year, day.month, day.day, tzinfo=zone) + _MORNING
    return start_of(Period.DAY, parse_rfc3339(noon.isoformat()), zone)
