"""Idle time: hours in which printers could have printed and did not, by what kept them."""

from collections.abc import Mapping
from typing import Final

from farm.kpi.calculation import KpiInput, KpiResult
from farm.kpi.indicator import Cadence, Indicator, Unit
from farm.kpi.parts import LeftOut, Part, TimeIn
from farm.kpi.utilization import AVAILABLE, NOT_AVAILABLE, UTILIZED, productive_states
from farm.model.states import PrinterState
from farm.settings import SiteSettings

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


def _kept_by(*states: PrinterState) -> TimeIn:
    """Open time in these of the states, where they do not count as printing."""

    def idle(site: SiteSettings) -> frozenset[PrinterState]:
        return frozenset(states) - productive_states(site)

    return TimeIn(opened=idle)


_IDLE: Final = Part("idle_hours", _kept_by(*(state for state in REASON if state is not PrinterState.UNKNOWN)))
_UNKNOWN: Final = Part("unknown_hours", _kept_by(PrinterState.UNKNOWN))


def idle_time(given: KpiInput) -> KpiResult:
    """Available hours that are known not to have been used; None where no available time was observed.

    At worst unknown time was idle, at best it was not.
    """
    idle, unknown, available = (float(part.total(given)) for part in (_IDLE, _UNKNOWN, AVAILABLE))
    return KpiResult(
        value=idle if available > unknown else None,
        low=idle if available else None,
        high=idle + unknown if available else None,
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
    parts=(
        _IDLE,
        *(Part(f"{reason}_hours", _kept_by(state)) for state, reason in REASON.items()),
        *(Part(f"{each.name}_hours", each.rows) for each in NOT_AVAILABLE),
    ),
    expression="idle_hours",
    left_out=(
        *NOT_AVAILABLE,
        LeftOut("not_observed", "nobody saw what it did: it opens the range", _UNKNOWN.rows),
        LeftOut("printing", "it printed", UTILIZED.rows),
    ),
    calculate=idle_time,
)
