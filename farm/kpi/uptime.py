"""Uptime: for how much of the time the printers were in a condition to print."""

from collections.abc import Mapping
from typing import Final

from farm.kpi.calculation import KpiInput, KpiResult, hours
from farm.kpi.indicator import Cadence, Indicator, Unit
from farm.kpi.time_classes import TimeClass, time_by_class, total
from farm.model.states import PrinterState

UP: Final = frozenset({TimeClass.PRODUCTIVE, TimeClass.STANDBY})
OPERATIONS: Final = frozenset(TimeClass) - {TimeClass.NON_SCHEDULED}


def operational_uptime(given: KpiInput) -> KpiResult:
    """Uptime ÷ operations time, a ratio; None where no operations time was observed."""
    by_class, hidden = time_by_class(given.account), _hidden_ms(given)
    operations = total(by_class, OPERATIONS)
    return _uptime(by_class, hidden, operations, operations + hidden)


def total_uptime(given: KpiInput) -> KpiResult:
    """Uptime ÷ all time, closed hours included, a ratio; None where no operations time was observed."""
    by_class, whole = time_by_class(given.account), given.account.whole_ms
    return _uptime(by_class, _hidden_ms(given), whole, whole)


def _hidden_ms(given: KpiInput) -> int:
    """Unknown time in closed hours: the printers may have printed then, which is operations time."""
    return given.account.closed_ms.get(PrinterState.UNKNOWN, 0)


def _uptime(by_class: Mapping[TimeClass, int], hidden_ms: int, whole_ms: int, at_most_ms: int) -> KpiResult:
    """Unknown time, in closed hours too, was up at best, and down in the value and at worst.

    At best it is a part of `at_most_ms`.
    """
    up, unknown = total(by_class, UP), by_class[TimeClass.UNKNOWN]
    low = up / whole_ms if whole_ms else None
    observed = total(by_class, OPERATIONS) - unknown
    return KpiResult(
        value=low if observed else None,
        low=low,
        high=(up + unknown + hidden_ms) / at_most_ms if at_most_ms else None,
        amounts={f"{each.value}_hours": hours(ms) for each, ms in by_class.items()},
    )


_SOURCE = "SEMI E10-0422, as OPC 40100-1 (11.6.1, 12.21) repeats it"

OPERATIONAL_UPTIME = Indicator(
    id="operational_uptime",
    name="Operational uptime",
    unit=Unit.RATIO,
    formula="(productive hours + standby hours) ÷ operations hours; operations hours = all hours − "
    "closed hours in which nothing was printed",
    source=_SOURCE,
    more_is_better=True,
    cadences=(Cadence.WEEKLY,),
    targets=(),
    calculate=operational_uptime,
)

TOTAL_UPTIME = Indicator(
    id="total_uptime",
    name="Total uptime",
    unit=Unit.RATIO,
    formula="(productive hours + standby hours) ÷ all hours",
    source=_SOURCE,
    more_is_better=True,
    cadences=(Cadence.WEEKLY,),
    targets=(),
    calculate=total_uptime,
)
