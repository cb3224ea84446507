"""Uptime: for how much of the time the printers were in a condition to print."""

from collections.abc import Mapping
from typing import Final

from farm.kpi.calculation import KpiInput, KpiResult, hours
from farm.kpi.indicator import Cadence, Indicator, Unit
from farm.kpi.time_classes import TimeClass, time_by_class, total

UP: Final = frozenset({TimeClass.PRODUCTIVE, TimeClass.STANDBY, TimeClass.ENGINEERING})
OPERATIONS: Final = frozenset(TimeClass) - {TimeClass.NON_SCHEDULED}


def operational_uptime(given: KpiInput) -> KpiResult:
    """Uptime ÷ operations time, a ratio; None where no operations time was observed."""
    by_class = time_by_class(given.account)
    return _uptime(by_class, total(by_class, OPERATIONS))


def total_uptime(given: KpiInput) -> KpiResult:
    """Uptime ÷ all time, closed hours included, a ratio; None where no operations time was observed."""
    by_class = time_by_class(given.account)
    return _uptime(by_class, total(by_class, TimeClass))


def _uptime(by_class: Mapping[TimeClass, int], whole_ms: int) -> KpiResult:
    """Unknown time was up at best, and down in the value and at worst."""
    up, unknown = total(by_class, UP), by_class[TimeClass.UNKNOWN]
    low = up / whole_ms if whole_ms else None
    observed = total(by_class, OPERATIONS) - unknown
    return KpiResult(
        value=low if observed else None,
        low=low,
        high=(up + unknown) / whole_ms if whole_ms else None,
        amounts={f"{each.value}_hours": hours(ms) for each, ms in by_class.items()},
    )


_SOURCE = "SEMI E10-0422, as OPC 40100-1 (11.6.1, 12.21) repeats it"

OPERATIONAL_UPTIME = Indicator(
    id="operational_uptime",
    name="Operational uptime",
    unit=Unit.RATIO,
    formula="(productive hours + standby hours + engineering hours) ÷ operations hours; "
    "operations hours = all hours − closed hours in which nothing was printed",
    source=_SOURCE,
    more_is_better=True,
    cadences=(Cadence.WEEKLY,),
    targets=(),
    calculate=operational_uptime,
    reads=frozenset(),
    needs_hours=True,
)

TOTAL_UPTIME = Indicator(
    id="total_uptime",
    name="Total uptime",
    unit=Unit.RATIO,
    formula="(productive hours + standby hours + engineering hours) ÷ all hours",
    source=_SOURCE,
    more_is_better=True,
    cadences=(Cadence.WEEKLY,),
    targets=(),
    calculate=total_uptime,
    reads=frozenset(),
    needs_hours=True,
)
