"""Uptime: for how much of the time the printers were in a condition to print."""

from collections.abc import Mapping
from typing import Final

from farm.kpi.account import Condition
from farm.kpi.calculation import KpiInput, KpiResult
from farm.kpi.columns import otherwise, ratio, where
from farm.kpi.indicator import Cadence, Indicator, Unit
from farm.kpi.parts import EVERY_STATE, LeftOut, Part, TimeAs
from farm.kpi.time_classes import CLASS_OF, TimeClass, time_by_class, total
from farm.model.states import PrinterState

UP: Final = frozenset({TimeClass.PRODUCTIVE, TimeClass.STANDBY, TimeClass.ENGINEERING})
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
    high = ratio(up + unknown + hidden_ms, at_most_ms)
    low = where(at_most_ms > 0, otherwise(ratio(up, whole_ms), 0.0))
    observed = total(by_class, OPERATIONS) - unknown
    return KpiResult(
        value=where(observed > 0, low),
        low=low,
        high=high,
    )


def _time_of(time_class: TimeClass) -> TimeAs:
    """The time of the class; in closed hours only what was productive keeps its class."""
    conditions = frozenset(each for each, its_class in CLASS_OF.items() if its_class is time_class)
    productive = frozenset(
        state for state in EVERY_STATE if CLASS_OF[Condition(state)] is TimeClass.PRODUCTIVE
    )
    if time_class is TimeClass.NON_SCHEDULED:
        return TimeAs(closed=EVERY_STATE - productive)
    return TimeAs(opened=conditions, closed=productive & {each.state for each in conditions})


_BY_CLASS: Final = tuple(Part(f"{each.value}_hours", _time_of(each)) for each in TimeClass)
_CLOSED: Final = LeftOut(
    "closed", "the shop was closed and it did not print", _time_of(TimeClass.NON_SCHEDULED)
)
_NOT_OBSERVED: Final = LeftOut(
    "not_observed",
    "nobody saw whether it could print: it counts as down, and opens the range",
    _time_of(TimeClass.UNKNOWN),
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
    parts=_BY_CLASS,
    expression="(productive_hours + standby_hours + engineering_hours) ÷ "
    "(productive_hours + standby_hours + engineering_hours + "
    "scheduled_down_hours + unscheduled_down_hours + unknown_hours)",
    left_out=(_CLOSED, _NOT_OBSERVED),
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
    parts=_BY_CLASS,
    expression="(productive_hours + standby_hours + engineering_hours) ÷ "
    "(productive_hours + standby_hours + engineering_hours + "
    "scheduled_down_hours + unscheduled_down_hours + non_scheduled_hours + unknown_hours)",
    left_out=(_NOT_OBSERVED,),
    calculate=total_uptime,
    reads=frozenset(),
    needs_hours=True,
)
