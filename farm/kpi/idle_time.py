"""Idle time: hours in which printers could have printed and did not, by what kept them."""

from collections.abc import Mapping
from typing import Final

from farm.kpi.calculation import KpiInput, KpiResult, hours
from farm.kpi.indicator import Cadence, Indicator, Unit
from farm.kpi.utilization import productive_states
from farm.model.states import PrinterState

REASON: Final[Mapping[PrinterState, str]] = {
    PrinterState.IDLE: "no_job",
    PrinterState.FINISHED: "bed_not_cleared",
    PrinterState.PAUSED: "paused",
    PrinterState.PREPARING: "preparing",
    PrinterState.ERROR: "fault",
    PrinterState.OFFLINE: "offline",
    PrinterState.UNKNOWN: "unknown",
}
"""What keeps a printer in the state from printing. Maintenance is not idle, and stands beside."""


def idle_time(given: KpiInput) -> KpiResult:
    """Available hours that are known not to have been used; None where no available time was observed.

    At worst unknown time was idle, at best it was not.
    """
    account, productive = given.account, productive_states(given.site)
    kept = {
        reason: account.open_ms.get(state, 0) for state, reason in REASON.items() if state not in productive
    }
    unknown = kept["unknown"]
    whole = sum(kept.values())
    available = account.available_ms(productive)
    amounts = {f"{reason}_hours": hours(ms) for reason, ms in kept.items()}
    beside = account.open_ms.get(PrinterState.MAINTENANCE, 0)
    closed = account.whole_closed_ms - sum(account.closed_ms.get(state, 0) for state in productive)
    return KpiResult(
        value=hours(whole - unknown) if available - unknown else None,
        low=hours(whole - unknown) if available else None,
        high=hours(whole) if available else None,
        amounts=amounts | {"maintenance_hours": hours(beside), "closed_hours": hours(closed)},
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
