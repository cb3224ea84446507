"""Opening hours as people write them: `mon-fri 08:00-12:00 13:00-18:00, sat 09:00-13:00`, and dates."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Final

from farm.errors import InvalidInput
from farm.kpi.calendar import (
    CLOSED,
    DAY_MINUTES,
    HOUR_MINUTES,
    MOST_DATES,
    WEEKDAYS,
    DayHours,
    Holiday,
    OtherHours,
    span_text,
)

HOURS_FORMS: Final = (
    'weekdays with their hours, such as "mon-fri 08:00-12:00 13:00-18:00, sat 09:00-13:00"; '
    "hours past midnight (22:00-06:00) go on into the next day"
)
"""What `parse_week` takes, in words."""
DATES_FORMS: Final = "a date such as 2026-12-24, or the first and the last of several: 2026-12-24..2027-01-01"
"""What `parse_dates` takes, in words."""
OTHER_HOURS_FORMS: Final = "a date, or several, and their hours, such as 2026-12-19 09:00-14:00"
"""What `parse_other_hours` takes, in words."""
HOLIDAY_FORMS: Final = "a date and what the day is called, such as 2026-12-25 Christmas Day"
"""What `parse_holiday` takes, in words."""

_SPAN = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

Week = tuple[DayHours, DayHours, DayHours, DayHours, DayHours, DayHours, DayHours]
"""The hours of every weekday, from Monday on."""


def week(hours: Mapping[str, DayHours]) -> Week:
    """The hours by weekday (`mon` to `sun`) in their order; closed on those that are not named."""
    mon, tue, wed, thu, fri, sat, sun = (tuple(sorted(hours.get(day, CLOSED))) for day in WEEKDAYS)
    return mon, tue, wed, thu, fri, sat, sun


def parse_week(text: str) -> Week:
    """The hours of every weekday, closed on those that are not named, as all are in `closed`.

    Raises InvalidInput.
    """
    if text.strip().casefold() == "closed":
        return week({})
    hours: dict[str, list[tuple[int, int]]] = {day: [] for day in WEEKDAYS}
    for part in text.split(","):
        days, *spans = part.split() or [""]
        if not spans:
            raise InvalidInput("hours", part.strip() or text, f"must be {HOURS_FORMS}")
        for place in _weekdays(days):
            for span in spans:
                for following, piece in _over_midnight(*parse_span(span)):
                    hours[WEEKDAYS[(place + following) % len(WEEKDAYS)]].append(piece)
    return week({day: tuple(found) for day, found in hours.items()})


def parse_span(text: str, field: str = "hours") -> tuple[int, int]:
    """From and until in minutes of the day, of `08:00-18:00`; the later may be the next morning's.

    Raises InvalidInput, naming the `field`.
    """
    found = _SPAN.fullmatch(text.strip())
    if found is not None:
        opens, closes = (int(found[at]) * HOUR_MINUTES + int(found[at + 1]) for at in (1, 3))
        minutes = (int(found[2]), int(found[4]))
        if max(minutes) < HOUR_MINUTES and opens < DAY_MINUTES and closes <= DAY_MINUTES and opens != closes:
            return opens, closes
    raise InvalidInput(field, text, "must be from and until on the clock, such as 08:00-18:00 or 00:00-24:00")


def parse_day_hours(spans: Iterable[str], field: str) -> DayHours:
    """The hours of one day, in their order. Raises InvalidInput for what is none, or passes midnight."""
    hours = []
    for span in spans:
        opens, closes = parse_span(span, field)
        if opens > closes:
            raise InvalidInput(
                field, span, "must close on the same day; write the rest of it on the next one"
            )
        hours.append((opens, closes))
    return tuple(sorted(hours))


def parse_dates(text: str, field: str = "closed") -> list[date]:
    """The dates that `2026-12-24` or `2026-12-24..2027-01-01` names, both included. Raises InvalidInput."""
    start, dots, end = text.strip().partition("..")
    try:
        first = _date(start)
        last = _date(end) if dots else first
    except ValueError as error:
        raise InvalidInput(field, text, f"must be {DATES_FORMS}") from error
    if not 0 <= (last - first).days < MOST_DATES:
        raise InvalidInput(field, text, f"must end after it begins, and name at most {MOST_DATES:,} dates")
    return [first + timedelta(days=day) for day in range((last - first).days + 1)]


def parse_other_hours(text: str, field: str = "exceptions") -> list[OtherHours]:
    """The dates of `2026-12-19 09:00-14:00` with these hours. Raises InvalidInput."""
    days, *spans = text.split() or [""]
    if not spans:
        raise InvalidInput(field, text, f"must be {OTHER_HOURS_FORMS}")
    hours = parse_day_hours(spans, field)
    return [OtherHours(day, hours) for day in parse_dates(days, field)]


def parse_holiday(text: str, field: str = "holidays") -> Holiday:
    """The date and the name of `2026-12-25 Christmas Day`. Raises InvalidInput."""
    day, _, name = text.strip().partition(" ")
    if not name.strip() or ".." in day:
        raise InvalidInput(field, text, f"must be {HOLIDAY_FORMS}")
    return Holiday(parse_dates(day, field)[0], name.strip())


def day_text(hours: DayHours) -> str:
    """The hours of a day: `08:00-12:00 13:00-18:00`, or `closed`."""
    return " ".join(span_text(span) for span in hours) or "closed"


def week_text(hours: Sequence[DayHours]) -> str:
    """The hours of a week, as `parse_week` reads them: weekdays that are alike in one; `closed` for none.

    Hours on both sides of midnight are told as they began: `22:00-06:00`.
    """
    told = _told_as_begun(hours)
    parts = []
    for first, last in _runs_of_alike(told):
        if told[first]:
            days = WEEKDAYS[first] if first == last else f"{WEEKDAYS[first]}-{WEEKDAYS[last]}"
            parts.append(f"{days} {day_text(told[first])}")
    return ", ".join(parts) or "closed"


def runs_of_dates(days: Sequence[date]) -> Iterator[tuple[date, date]]:
    """Sorted dates as runs of days that follow each other: first and last of each."""
    start = 0
    for at in range(1, len(days) + 1):
        if at == len(days) or days[at] - days[at - 1] > timedelta(days=1):
            yield days[start], days[at - 1]
            start = at


def dates_text(first: date, last: date) -> str:
    """A run of dates, as `parse_dates` reads it."""
    return f"{first}" if first == last else f"{first}..{last}"


def _weekdays(text: str) -> list[int]:
    """Places in the week; from Saturday to Monday there are three."""
    first, dash, last = text.casefold().partition("-")
    if first not in WEEKDAYS or (dash and last not in WEEKDAYS):
        raise InvalidInput("hours", text, f"must be a weekday or two: {', '.join(WEEKDAYS)}, or mon-fri")
    start = WEEKDAYS.index(first)
    count = (WEEKDAYS.index(last) - start) % len(WEEKDAYS) if dash else 0
    return [(start + step) % len(WEEKDAYS) for step in range(count + 1)]


def _over_midnight(opens: int, closes: int) -> list[tuple[int, tuple[int, int]]]:
    """The pieces of the hours, with how many days later each lies."""
    if opens < closes:
        return [(0, (opens, closes))]
    return [
        (day, piece) for day, piece in ((0, (opens, DAY_MINUTES)), (1, (0, closes))) if piece[0] < piece[1]
    ]


def _told_as_begun(hours: Sequence[DayHours]) -> list[DayHours]:
    """The hours of each day with what goes on past midnight, which the day after is told without."""
    told = [list(day) for day in hours]
    for at, day in enumerate(hours):
        following = (at + 1) % len(hours)
        if day and hours[following] and day[-1][1] == DAY_MINUTES and hours[following][0][0] == 0:
            opens, closes = day[-1][0], hours[following][0][1]
            if closes < opens:
                told[at][-1] = (opens, closes)
                told[following].remove((0, closes))
    return [tuple(day) for day in told]


def _runs_of_alike(hours: Sequence[DayHours]) -> Iterator[tuple[int, int]]:
    start = 0
    for at in range(1, len(hours) + 1):
        if at == len(hours) or hours[at] != hours[start]:
            yield start, at - 1
            start = at


def _date(text: str) -> date:
    if not _DAY.fullmatch(text.strip()):
        raise ValueError(text)
    return date.fromisoformat(text.strip())
