"""Utilization: how much of the time that the printers could print they did print."""

from farm.kpi.account import Condition, TimeAccount
from farm.kpi.calculation import KpiInput, KpiResult, hours
from farm.kpi.indicator import Cadence, Indicator, Unit
from farm.kpi.targets import Level, Profile, Target
from farm.model.states import PrinterState, StateReason
from farm.settings import SiteSettings

_ENGINEERING = Condition(PrinterState.MAINTENANCE, StateReason.ENGINEERING)
_HOURS_IN = {state: f"{state.value}_hours" for state in PrinterState}


def productive_states(site: SiteSettings) -> frozenset[PrinterState]:
    """The states that count as printing at this site. Paused never does."""
    if site.preparing_counts_as_printing:
        return frozenset({PrinterState.PRINTING, PrinterState.PREPARING})
    return frozenset({PrinterState.PRINTING})


def utilization(given: KpiInput) -> KpiResult:
    """Productive time ÷ available time, a ratio; None where no available time was observed.

    Unknown time counts as available and not productive in the value and at worst, and as
    productive at best.
    """
    account, productive = given.account, productive_states(given.site)
    utilized, available = account.in_states(productive), account.available_ms(productive)
    possibly = productive | {PrinterState.UNKNOWN}
    at_best = _ratio(account.in_states(possibly), account.available_ms(possibly))
    at_worst = None if at_best is None else _ratio(utilized, available) or 0.0
    observed = available - account.open_ms.get(PrinterState.UNKNOWN, 0)
    return KpiResult(
        value=at_worst if observed else None,
        low=at_worst,
        high=at_best,
        counts={"printers": given.printers},
        amounts=_hours_of(account, utilized, available),
    )


def _ratio(part_ms: int, whole_ms: int) -> float | None:
    return part_ms / whole_ms if whole_ms else None


def _hours_of(account: TimeAccount, utilized_ms: int, available_ms: int) -> dict[str, float]:
    by_state = account.by_state()
    engineering = account.reasons_ms.get(_ENGINEERING, 0)
    by_state[PrinterState.MAINTENANCE] -= engineering
    return {
        "window_hours": hours(account.whole_ms),
        "closed_hours": hours(account.whole_closed_ms),
        "available_hours": hours(available_ms),
        "utilized_hours": hours(utilized_ms),
        **{_HOURS_IN[state]: hours(ms) for state, ms in by_state.items()},
        "engineering_hours": hours(engineering),
    }


UTILIZATION = Indicator(
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
        Target(profile=Profile.RESIN_MINIATURES, low=0.90, level=Level.EXCEPTIONAL, meaning="near-perfect"),
        Target(profile=Profile.RESIN_MINIATURES, low=0.70, level=Level.FLOOR, meaning="below it: plan anew"),
        Target(
            profile=Profile.RESIN_MINIATURES,
            low=0.65,
            level=Level.FLOOR,
            meaning="below it: review the size of the fleet",
        ),
        Target(profile=Profile.SERVICE_BUREAU, low=0.75),
    ),
    calculate=utilization,
    reads=frozenset(),
    needs_hours=True,
)
