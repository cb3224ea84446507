"""Idle time: hours in which printers could have printed and did not, by what kept them."""

from farm.kpi.calculation import KpiInput, KpiResult, hours
from farm.kpi.indicator import Cadence, Indicator, Unit
from farm.kpi.time_classes import KEPT_BY, TimeClass, time_by_class
from farm.kpi.utilization import productive_states

_UNKNOWN = "unknown"


def idle_time(given: KpiInput) -> KpiResult:
    """Available hours that are known not to have been used; None where no available time was observed.

    At worst unknown time was idle, at best it was not. Maintenance, engineering and closed hours
    are not idle, and stand beside.
    """
    account, productive = given.account, productive_states(given.site)
    spent = account.open_conditions()
    kept = {reason: 0 for condition, reason in KEPT_BY.items() if condition.state not in productive}
    for condition, reason in KEPT_BY.items():
        if condition.state not in productive:
            kept[reason] += spent.get(condition, 0)
    unknown, whole = kept[_UNKNOWN], sum(kept.values())
    available = account.available_ms(productive)
    by_class = time_by_class(account)
    closed = account.whole_closed_ms - sum(account.closed_ms.get(state, 0) for state in productive)
    beside = {
        "maintenance_hours": hours(by_class[TimeClass.SCHEDULED_DOWN]),
        "engineering_hours": hours(by_class[TimeClass.ENGINEERING]),
        "closed_hours": hours(closed),
    }
    return KpiResult(
        value=hours(whole - unknown) if available - unknown else None,
        low=hours(whole - unknown) if available else None,
        high=hours(whole) if available else None,
        amounts={f"{reason}_hours": hours(ms) for reason, ms in kept.items()} | beside,
    )


IDLE_TIME = Indicator(
    id="idle_time",
    name="Idle time",
    unit=Unit.HOURS,
    formula="available hours − printing hours − unknown hours, by what kept the printers",
    source="the guides ask for the reasons, not for a number; classes of time after SEMI E10",
    more_is_better=False,
    cadences=(Cadence.DAILY,),
    targets=(),
    calculate=idle_time,
    reads=frozenset(),
    needs_hours=True,
)
