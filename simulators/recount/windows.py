"""The windows over which true and reported figures are compared."""

import itertools
from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from farm.kpi.windows import Window
from farm.model.times import DAY_MS, HOUR_MS, SECOND_MS
from simulators.truth import Header

_SOME = 3


def windows_of(header: Header) -> list[Window]:
    """The whole run, months, weeks and days of it, every day on which the clock is turned, and odd ones.

    The same run has the same windows.
    """
    rng, zone = Random(f"{header.seed}/windows"), ZoneInfo(header.time_zone)
    days = _days(header, zone)
    found = [Window("whole", header.from_ms, header.to_ms)]
    found += [Window("odd", *_odd(header, rng)) for _ in range(_SOME)]
    found += [
        Window("turned day", begin, end) for begin, end in itertools.pairwise(days) if end - begin != DAY_MS
    ]
    for name, length in (("day", 1), ("week", 7), ("month", 30)):
        starts = range(len(days) - length)
        found += [
            Window(name, days[start], days[start + length])
            for start in rng.sample(starts, min(_SOME, len(starts)))
        ]
    unique = {(each.from_ms, each.to_ms): each for each in reversed(found)}
    return list(reversed(unique.values()))


def _odd(header: Header, rng: Random) -> tuple[int, int]:
    """From some instant to some other, at least an hour later, or in a short run a quarter of it."""
    least_ms = min(HOUR_MS, (header.to_ms - header.from_ms) // 4)
    begin = rng.randrange(header.from_ms, header.to_ms - 2 * least_ms)
    return begin, rng.randrange(begin + least_ms, header.to_ms)


def _days(header: Header, zone: ZoneInfo) -> list[int]:
    """The midnights within the run on the wall's clock (ms)."""
    day = datetime.fromtimestamp(header.from_ms / SECOND_MS, zone).date()
    found: list[int] = []
    while True:
        midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
        at_ms = round(midnight.timestamp()) * SECOND_MS
        if at_ms > header.to_ms:
            return found
        if at_ms >= header.from_ms:
            found.append(at_ms)
        day += timedelta(days=1)
