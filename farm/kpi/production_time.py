"""Production time: how long a piece takes."""

from typing import Final

from farm.kpi.calculation import KpiInput, KpiResult, Tally, hours
from farm.kpi.columns import least, most, ratio
from farm.kpi.indicator import Cadence, Indicator, Unit
from farm.kpi.parts import EndedJobs, JobMeasure, LeftOut, Part
from farm.kpi.targets import Level, Profile, Target
from farm.kpi.throughput import UNITS
from farm.model.states import Outcome

_SUCCEEDED: Final = frozenset({Outcome.SUCCEEDED})
_FAILED: Final = EndedJobs(outcomes=frozenset({Outcome.FAILED}), of=JobMeasure.PRINTING_TIME)


def avg_production_time(given: KpiInput) -> KpiResult:
    """Printing hours of the jobs that succeeded ÷ their units; None before one was made.

    The other bound is the figure if the jobs of unknown outcome came out too.
    """
    outcomes = given.outcomes
    good_ms, units = outcomes.printing_ms.get(Outcome.SUCCEEDED, 0), outcomes.units.get(Outcome.SUCCEEDED, 0)
    value = ratio(hours(good_ms), units)
    more_ms = good_ms + outcomes.printing_ms.get(Outcome.UNKNOWN, 0)
    more_units = units + outcomes.units.get(Outcome.UNKNOWN, 0)
    with_unknown = ratio(hours(more_ms), more_units)
    return KpiResult(
        value=value,
        low=least(value, with_unknown),
        high=most(value, with_unknown),
    )


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
