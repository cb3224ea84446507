"""What an indicator is: its words, its targets and its formula."""

from collections.abc import Callable
from enum import StrEnum

import msgspec

from farm.kpi.calculation import EVERY_TALLY, KpiInput, KpiResult, Tally
from farm.kpi.targets import Target


class Unit(StrEnum):
    """What an indicator is measured in."""

    RATIO = "ratio"
    """A share from 0 to 1, shown to people in per cent."""
    UNITS = "units"
    """Printed parts; a plate may hold several."""
    HOURS = "hours"
    PRINTS = "prints"
    """Attempts that ended."""


class Cadence(StrEnum):
    """How often the guides say to read it."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"


class Indicator(msgspec.Struct, frozen=True, kw_only=True):
    """One indicator: its words, its targets and its formula.

    `reads` are the parts of its input, beside the hours, that the formula looks at. One that `needs_hours`
    has no data for a subject that has none: a file, a material, an operator, a cause, an hour of the day.
    """

    id: str
    name: str
    unit: Unit
    formula: str
    source: str
    more_is_better: bool
    cadences: tuple[Cadence, ...]
    targets: tuple[Target, ...]
    calculate: Callable[[KpiInput], KpiResult]
    reads: frozenset[Tally] = EVERY_TALLY
    needs_hours: bool = False


def shown(value: float | None, unit: Unit) -> str:
    """The value as people read it: `76.39 %`, `450 units`, `5.00 h`, `no data`."""
    if value is None:
        return "no data"
    if unit is Unit.RATIO:
        return f"{value * 100:.2f} %"
    if unit is Unit.HOURS:
        return f"{value:,.2f} h"
    amount = f"{value:,.0f}" if unit is Unit.UNITS or value == round(value) else f"{value:,.1f}"
    return f"{amount} {unit.value.removesuffix('s') if amount == '1' else unit.value}"
