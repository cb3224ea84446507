"""What goes into an indicator's formula and what comes out of it."""

from enum import StrEnum

import msgspec

from farm.kpi.account import TimeAccount
from farm.kpi.faults import RepairTally
from farm.kpi.outcomes import OutcomeTally
from farm.kpi.wilson import Interval95
from farm.model.times import HOUR_MS
from farm.settings import SiteSettings


class Extra(StrEnum):
    """What only some indicators are made from, and is summed up for those alone."""

    REPAIRS = "repairs"


class KpiInput(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one subject (printer, group or farm) in one window.

    `printers` lived in the window, and `elapsed_ms` passed from the first of them
    appearing to the last of them going. `site` holds the rules of counting.
    What stands in `Extra` is nothing where no indicator that was asked for is made from it.
    """

    account: TimeAccount
    outcomes: OutcomeTally
    printers: int
    elapsed_ms: int
    site: SiteSettings
    repairs: RepairTally = RepairTally()


class KpiResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a formula gives.

    `value` is None where there is no data. `low` and `high` are the value at worst and at
    best, once everything unknown were known; they are None where nothing could change it
    into a value. `counts` and `amounts` are what it is made of.
    """

    value: float | None
    low: float | None
    high: float | None
    interval: Interval95 | None = None
    counts: dict[str, int] = {}
    amounts: dict[str, float] = {}


def hours(ms: int) -> float:
    """Milliseconds as hours."""
    return ms / HOUR_MS
