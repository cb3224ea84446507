"""Utilization: how much of the time that the printers could print they did print."""

from typing import Final

from farm.kpi.account import Condition
from farm.kpi.calculation import KpiInput, KpiResult
from farm.kpi.columns import otherwise, ratio, where
from farm.kpi.indicator import Cadence, Indicator, Unit
from farm.kpi.parts import EVERY_STATE, LeftOut, Part, TimeAs, TimeIn, time_in
from farm.kpi.targets import Level, Profile, Target
from farm.model.states import PrinterState, StateReason
from farm.settings import SiteSettings

_PRINTING: Final = frozenset({PrinterState.PRINTING})
_WITH_PREPARING: Final = _PRINTING | {PrinterState.PREPARING}
_MAINTENANCE: Final = frozenset({PrinterState.MAINTENANCE})
_UNKNOWN: Final = frozenset({PrinterState.UNKNOWN})


def productive_states(site: SiteSettings) -> frozenset[PrinterState]:
    """The states that count as printing at this site. Paused never does."""
    return _WITH_PREPARING if site.preparing_counts_as_printing else _PRINTING


def _unproductive(site: SiteSettings) -> frozenset[PrinterState]:
    return EVERY_STATE - productive_states(site)


UTILIZED: Final = Part("utilized_hours", time_in(productive_states))
"""Time that counts as printing, in open and closed hours."""
AVAILABLE: Final = Part(
    "available_hours", TimeIn(opened=EVERY_STATE - _MAINTENANCE, closed=productive_states)
)
"""Open time without maintenance, and what was printed in closed hours."""
ENGINEERING: Final = TimeAs(opened=frozenset({Condition(PrinterState.MAINTENANCE, StateReason.ENGINEERING)}))
"""Open time of calibration and tests."""
NOT_AVAILABLE: Final = (
    LeftOut("closed", "the shop was closed and it did not print", TimeIn(closed=_unproductive)),
    LeftOut(
        "maintenance",
        "maintenance was planned or set by a person",
        TimeAs(opened=frozenset({Condition(PrinterState.MAINTENANCE)})),
    ),
    LeftOut("engineering", "it was calibrated or tested", ENGINEERING),
)
"""Time in which nobody could have expected it to print."""
_HOURS_BY_STATE: Final = tuple(
    Part(f"{state.value}_hours", time_in(frozenset({state})))
    for state in PrinterState
    if state is not PrinterState.MAINTENANCE
)


def utilization(given: KpiInput) -> KpiResult:
    """Productive time ÷ available time, a ratio; None where no available time was observed.

    Unknown time counts as available and not productive in the value and at worst, and as
    productive at best.
    """
    account, productive = given.account, productive_states(given.site)
    utilized, available = account.in_states(productive), account.available_ms(productive)
    possibly = productive | {PrinterState.UNKNOWN}
    at_most = account.available_ms(possibly)
    at_best = ratio(account.in_states(possibly), at_most)
    at_worst = where(at_most > 0, otherwise(ratio(utilized, available), 0.0))
    observed = available - account.open_ms.get(PrinterState.UNKNOWN, 0)
    return KpiResult(
        value=where(observed > 0, at_worst),
        low=at_worst,
        high=at_best,
        counts={"printers": given.printers},
    )


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
    parts=(
        Part("window_hours", time_in(EVERY_STATE)),
        Part("closed_hours", TimeIn(closed=EVERY_STATE)),
        AVAILABLE,
        UTILIZED,
        *_HOURS_BY_STATE,
        Part(
            "maintenance_hours",
            TimeAs(opened=frozenset({Condition(PrinterState.MAINTENANCE)}), closed=_MAINTENANCE),
        ),
        Part("engineering_hours", ENGINEERING),
    ),
    expression="utilized_hours ÷ available_hours",
    left_out=(
        *NOT_AVAILABLE,
        LeftOut(
            "not_observed",
            "nobody saw what it did: it counts as available and not as printing, and opens the range",
            TimeIn(opened=_UNKNOWN),
        ),
    ),
    beside={"printers": "the printers that were there in the window"},
    calculate=utilization,
    reads=frozenset(),
    needs_hours=True,
)
