"""Idle time: hours in which printers could have printed and did not, by what kept them."""

from typing import Final

from farm.kpi.account import Condition
from farm.kpi.calculation import KpiInput, KpiResult
from farm.kpi.columns import real, where
from farm.kpi.indicator import Cadence, Indicator, Unit
from farm.kpi.parts import LeftOut, Part, TimeAs
from farm.kpi.time_classes import KEPT_BY
from farm.kpi.utilization import AVAILABLE, NOT_AVAILABLE, UTILIZED, productive_states
from farm.settings import SiteSettings

_UNKNOWN: Final = "unknown"
REASONS: Final = tuple(dict.fromkeys(KEPT_BY.values()))
"""What keeps printers from printing, each once."""


def _kept_by(*reasons: str) -> TimeAs:
    """Open time in which one of these kept a printer, where its state does not count as printing."""
    conditions = frozenset(condition for condition, reason in KEPT_BY.items() if reason in reasons)

    def idle(site: SiteSettings) -> frozenset[Condition]:
        productive = productive_states(site)
        return frozenset(each for each in conditions if each.state not in productive)

    return TimeAs(opened=idle)


_IDLE: Final = Part("idle_hours", _kept_by(*(reason for reason in REASONS if reason != _UNKNOWN)))
_NOT_SEEN: Final = Part("unknown_hours", _kept_by(_UNKNOWN))


def idle_time(given: KpiInput) -> KpiResult:
    """Available hours that are known not to have been used; None where no available time was observed.

    At worst unknown time was idle, at best it was not. Maintenance, engineering and closed hours
    are not idle, and stand beside.
    """
    idle, unknown, available = (real(part.total(given)) for part in (_IDLE, _NOT_SEEN, AVAILABLE))
    return KpiResult(
        value=where(available > unknown, idle),
        low=where(available > 0, idle),
        high=where(available > 0, idle + unknown),
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
        *(Part(f"{reason}_hours", _kept_by(reason)) for reason in REASONS),
        *(Part(f"{each.name}_hours", each.rows) for each in NOT_AVAILABLE),
    ),
    expression="idle_hours",
    left_out=(
        *NOT_AVAILABLE,
        LeftOut("not_observed", "nobody saw what it did: it opens the range", _NOT_SEEN.rows),
        LeftOut("printing", "it printed", UTILIZED.rows),
    ),
    calculate=idle_time,
    reads=frozenset(),
    needs_hours=True,
)
