"""What goes into an indicator's formula and what comes out of it."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec
import numpy as np

from farm.kpi.account import TimeAccount
from farm.kpi.columns import Maybe, plain
from farm.kpi.faults import RepairTally
from farm.kpi.outcomes import OutcomeTally
from farm.kpi.streak import StreakTally
from farm.kpi.wilson import Interval95
from farm.model.times import HOUR_MS
from farm.settings import SiteSettings


class Tally(StrEnum):
    """A part of a formula's input beside the hours. What an indicator does not read is not worked out."""

    JOBS = "jobs"
    """Jobs, units and printing time, and who cancelled."""
    TIMES = "times"
    """The time from the start to the end."""
    MATERIAL = "material"
    CAUSES = "causes"
    """Failures by cause."""
    ESTIMATES = "estimates"
    MEDIANS = "medians"
    """Jobs without an estimate, held against the median of their file."""
    INSPECTIONS = "inspections"
    """What people found."""
    FIRST_ATTEMPTS = "first_attempts"
    """Which jobs were the first attempt at their parts."""
    REPAIRS = "repairs"
    """Faults of printers, and how long they took to repair."""
    STREAKS = "streaks"
    """Failed prints in a row on each printer."""


EVERY_TALLY: Final = frozenset(Tally)


class KpiInput(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one subject in one window.

    A subject of printers (printer, group, model, site, farm) has an `account` of their hours; `printers`
    lived in the window, and `elapsed_ms` passed from the first of them appearing to the last of them
    going. A subject of jobs (file, material, operator, spool, cause, hour of the day, weekday) has no
    hours: its `account` is empty, `printers` is 0, and `elapsed_ms` is that of the printers that were asked
    for. `outcomes` are the jobs that ended in the window, all times in milliseconds. `site` holds the rules
    of counting.

    Of many subjects and windows at once every number is a column of theirs (`farm.kpi.columns`).
    """

    account: TimeAccount
    outcomes: OutcomeTally
    printers: int
    elapsed_ms: int
    site: SiteSettings
    repairs: RepairTally = RepairTally()
    streaks: StreakTally = StreakTally()


class KpiResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a formula gives.

    `value` is None where there is no data. `low` and `high` are the value at worst and at
    best, once everything unknown were known; they are None where nothing could change it
    into a value. `counts` and `amounts` are what it is made of.

    Of many subjects and windows at once every number is a column of theirs (`farm.kpi.columns`), which
    `apart` takes apart.
    """

    value: float | None
    low: float | None
    high: float | None
    interval: Interval95 | None = None
    counts: dict[str, int] = {}
    amounts: dict[str, float] = {}


def apart(found: KpiResult, rows: int) -> list[KpiResult]:
    """The results of so many subjects and windows, of that in columns."""
    low, high = found.interval or (None, None)
    columns = (found.value, found.low, found.high, low, high)
    return [
        KpiResult(
            value=value,
            low=worst,
            high=best,
            interval=None if least is None else Interval95(least, most),
            counts=counts,
            amounts=amounts,
        )
        for value, worst, best, least, most, counts, amounts in zip(
            *(plain(each, rows) for each in columns),
            _by_row(found.counts, rows),
            _by_row(found.amounts, rows),
            strict=True,
        )
    ]


def alone(given: KpiInput, row: int) -> KpiInput:
    """What is known of one subject in one window, out of columns of many."""
    found: KpiInput = _at(given, row)
    return found


def _at(known: Any, row: int) -> Any:
    if isinstance(known, np.ndarray):
        return known[row].item()
    if isinstance(known, Mapping):
        return {name: _at(each, row) for name, each in known.items()}
    if isinstance(known, msgspec.Struct):
        facts = {name: _at(getattr(known, name), row) for name in known.__struct_fields__}
        return msgspec.structs.replace(known, **facts)
    return known


def _by_row(columns: Mapping[str, Maybe], rows: int) -> Iterable[dict[str, Any]]:
    """What has data of each row, by name."""
    if not columns:
        return ({} for _ in range(rows))
    numbers = zip(*(plain(each, rows) for each in columns.values()), strict=True)
    return (
        {name: number for name, number in zip(columns, row, strict=True) if number is not None}
        for row in numbers
    )


def told(**amounts: Maybe) -> dict[str, float]:
    """The amounts that have data."""
    return {name: amount for name, amount in amounts.items() if amount is not None}


def hours(ms: int) -> float:
    """Milliseconds as hours."""
    return ms / HOUR_MS
