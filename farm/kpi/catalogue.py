"""The indicators: what each is called, how it is worked out, and what it should be.

A new indicator is one entry here and one pure function from `KpiInput` to `KpiResult`.
"""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from enum import StrEnum

import msgspec

from farm.errors import InvalidQuery
from farm.kpi.calculation import KpiInput, KpiResult
from farm.kpi.periods import Period
from farm.kpi.success import print_success_rate
from farm.kpi.targets import Level, Profile, Target
from farm.kpi.throughput import throughput
from farm.kpi.utilization import utilization


class Unit(StrEnum):
    """What an indicator is measured in."""

    RATIO = "ratio"
    """A share from 0 to 1, shown to people in per cent."""
    UNITS = "units"
    """Printed parts; a plate may hold several."""


class Cadence(StrEnum):
    """How often the guides say to read it."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"


class Indicator(msgspec.Struct, frozen=True, kw_only=True):
    """One indicator: its words, its targets and its formula."""

    id: str
    name: str
    unit: Unit
    formula: str
    source: str
    more_is_better: bool
    cadences: tuple[Cadence, ...]
    targets: tuple[Target, ...]
    calculate: Callable[[KpiInput], KpiResult]


CATALOGUE: tuple[Indicator, ...] = (
    Indicator(
        id="utilization",
        name="Utilization",
        unit=Unit.RATIO,
        formula="printing hours ÷ available hours; available hours = hours of the window − closed hours "
        "− planned maintenance + printing hours in closed hours",
        source="guides of jewelry, custom-miniatures, resin-miniatures and service-bureau; "
        "classes of time after SEMI E10",
        more_is_better=True,
        cadences=(Cadence.DAILY, Cadence.WEEKLY),
        targets=(
            Target(profile=Profile.JEWELRY, low=0.70, high=0.85),
            Target(
                profile=Profile.JEWELRY, low=0.80, level=Level.STRETCH, meaning="from here on idle cost falls"
            ),
            Target(profile=Profile.CUSTOM_MINIATURES, low=0.70, high=0.85),
            Target(profile=Profile.RESIN_MINIATURES, low=0.80),
            Target(profile=Profile.RESIN_MINIATURES, low=0.85, level=Level.STRETCH),
            Target(
                profile=Profile.RESIN_MINIATURES, low=0.90, level=Level.EXCEPTIONAL, meaning="near-perfect"
            ),
            Target(
                profile=Profile.RESIN_MINIATURES, low=0.70, level=Level.FLOOR, meaning="below it: plan anew"
            ),
            Target(
                profile=Profile.RESIN_MINIATURES,
                low=0.65,
                level=Level.FLOOR,
                meaning="below it: review the size of the fleet",
            ),
            Target(profile=Profile.SERVICE_BUREAU, low=0.75),
        ),
        calculate=utilization,
    ),
    Indicator(
        id="print_success_rate",
        name="Print success rate",
        unit=Unit.RATIO,
        formula="succeeded jobs ÷ (succeeded jobs + failed jobs)",
        source="guides of jewelry, custom-miniatures and resin-miniatures",
        more_is_better=True,
        cadences=(Cadence.DAILY,),
        targets=(
            Target(profile=Profile.JEWELRY, low=0.90),
            Target(profile=Profile.CUSTOM_MINIATURES, low=0.90),
            Target(profile=Profile.RESIN_MINIATURES, low=0.90),
        ),
        calculate=print_success_rate,
    ),
    Indicator(
        id="throughput",
        name="Throughput",
        unit=Unit.UNITS,
        formula="units of the jobs that succeeded, by the time at which they ended",
        source="guides of resin-miniatures and model-studio",
        more_is_better=True,
        cadences=(Cadence.DAILY, Cadence.WEEKLY),
        targets=(
            Target(profile=Profile.RESIN_MINIATURES, low=416, per=Period.MONTH),
            Target(
                profile=Profile.RESIN_MINIATURES,
                low=104,
                level=Level.FLOOR,
                per=Period.WEEK,
                meaning="the least a week should bring",
            ),
            Target(
                profile=Profile.MODEL_STUDIO,
                low=100,
                high=150,
                per=Period.MONTH,
                meaning="orders; above average",
            ),
            Target(
                profile=Profile.MODEL_STUDIO,
                low=200,
                level=Level.EXCEPTIONAL,
                per=Period.MONTH,
                meaning="orders",
            ),
        ),
        calculate=throughput,
    ),
)
"""Every indicator, in the order in which they are shown."""

_BY_ID = {entry.id: entry for entry in CATALOGUE}


def indicator(kpi_id: str) -> Indicator:
    """The indicator of that id. Raises InvalidQuery, naming the nearest, when there is none."""
    if (found := _BY_ID.get(kpi_id)) is not None:
        return found
    near = get_close_matches(kpi_id, _BY_ID, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise InvalidQuery(f"{kpi_id!r} is no indicator{hint}; allowed are {', '.join(_BY_ID)}")


def indicators(kpi_ids: Sequence[str] | None) -> tuple[Indicator, ...]:
    """The indicators of those ids in that order, or all. Raises InvalidQuery for an unknown id."""
    return CATALOGUE if kpi_ids is None else tuple(indicator(kpi_id) for kpi_id in kpi_ids)


def shown(value: float | None, unit: Unit) -> str:
    """The value as people read it: `76.39 %`, `450 units`, `no data`."""
    if value is None:
        return "no data"
    if unit is Unit.RATIO:
        return f"{value * 100:.2f} %"
    amount = f"{value:,.0f}"
    return f"{amount} {unit.value.removesuffix('s') if amount == '1' else unit.value}"
