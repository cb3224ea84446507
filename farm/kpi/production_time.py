"""Production time: how long a piece takes."""

from typing import Final

from farm.kpi.calculation import KpiInput, KpiResult, Tally, hours
from farm.kpi.columns import least, most, ratio, where
from farm.kpi.indicator import Cadence, Indicator, Unit
from farm.kpi.parts import EndedJobs, JobMeasure, LeftOut, Part
from farm.kpi.targets import Level, Profile, Target
from farm.kpi.throughput import UNITS
from farm.model.states import Outcome

_SUCCEEDED: Final = frozenset({Outcome.SUCCEEDED})
_FAILED: Final = EndedJobs(outcomes=frozenset({Outcome.FAILED}), of=JobMeasure.PRINTING_TIME)


def avg_production_time(given: KpiInput) -> KpiResult:
    """Printing hours of the jobs that succeeded ÷ their units; None before one was made.

    A single job of unknown outcome came out too, or did not. Of several, any may have: at best those with
    all the units and none of the hours, at worst those with all the hours and hardly a unit.
    """
    good_ms, units, _ = _made(given, Outcome.SUCCEEDED)
    more_ms, more_units, unknown = _made(given, Outcome.UNKNOWN)
    value = ratio(hours(good_ms), units)
    all_came_out = ratio(hours(good_ms + more_ms), units + more_units)
    at_best = where(unknown > 1, ratio(hours(good_ms), units + more_units))
    at_worst = where(unknown > 1, ratio(hours(good_ms + more_ms), most(units, 1)))
    bounds = (value, all_came_out, at_best, at_worst)
    return KpiResult(value=value, low=least(*bounds), high=most(*bounds))


def _made(given: KpiInput, outcome: Outcome) -> tuple[int, int, int]:
    """Printing time (ms) and units of the jobs that ended so, and how many they are."""
    told = given.outcomes
    return told.printing_ms.get(outcome, 0), told.units.get(outcome, 0), told.jobs.get(outcome, 0)


AVG_PRODUCTION_TIME = Indicator(
    id="avg_production_time",
    name="Average production time",
    unit=Unit.HOURS,
    formula="printing hours of the jobs that succeeded ÷ their units",
    source="guide of model-studio",
    more_is_better=False,
    cadences=(Cadence.WEEKLY,),
    targets=(
        Target(profile=Profile.MODEL_STUDIO, low=10, high=15, meaning="typical"),
        Target(profile=Profile.MODEL_STUDIO, low=0, high=5, level=Level.EXCEPTIONAL),
    ),
    parts=(
        UNITS,
        Part("succeeded", EndedJobs(outcomes=_SUCCEEDED)),
        Part("production_hours", EndedJobs(outcomes=_SUCCEEDED, of=JobMeasure.PRINTING_TIME)),
        Part("failed_hours", _FAILED),
    ),
    expression="production_hours ÷ units",
    left_out=(
        LeftOut(
            "outcome_unknown",
            "how it ended is not known: it opens the range",
            EndedJobs(outcomes=frozenset({Outcome.UNKNOWN}), of=JobMeasure.PRINTING_TIME),
        ),
        LeftOut("failed", "it failed: nothing was made", _FAILED),
        LeftOut(
            "cancelled",
            "it was cancelled: nothing was made",
            EndedJobs(outcomes=frozenset({Outcome.CANCELLED}), of=JobMeasure.PRINTING_TIME),
        ),
    ),
    calculate=avg_production_time,
    reads=frozenset({Tally.JOBS}),
)
