"""Accuracy of estimates: how long prints take against what their source said beforehand."""

from math import sqrt

from farm.kpi.calculation import KpiInput, KpiResult, Tally, hours
from farm.kpi.indicator import Cadence, Indicator, Unit
from farm.kpi.outcomes import EstimateTally
from farm.model.states import Outcome

_THOUSAND = 1_000


def estimate_accuracy(given: KpiInput) -> KpiResult:
    """Printing time ÷ estimate of the jobs that succeeded and carry one, a ratio; None without such a job.

    Above 1 they take longer than was said. Nothing that is unknown changes it: a job without an estimate,
    or whose end nobody knows, is held against nothing.
    """
    told = given.outcomes.estimates
    value = told.actual_ms / told.expected_ms if told.expected_ms else None
    return KpiResult(
        value=value,
        low=value,
        high=value,
        counts={"estimated": told.jobs, "succeeded": given.outcomes.jobs.get(Outcome.SUCCEEDED, 0)},
        amounts={
            "actual_hours": hours(told.actual_ms),
            "expected_hours": hours(told.expected_ms),
            "off_hours": hours(told.off_ms),
            **({} if not told.jobs else {"spread": spread(told)}),
        },
    )


def spread(told: EstimateTally) -> float:
    """The standard deviation of printing time ÷ estimate, job by job; 0 for none or one."""
    if told.jobs < 2:
        return 0.0
    mean = told.thousandths / told.jobs
    variance = (told.squared - told.jobs * mean * mean) / (told.jobs - 1)
    return sqrt(max(0.0, variance)) / _THOUSAND


ESTIMATE_ACCURACY = Indicator(
    id="estimate_accuracy",
    name="Estimate accuracy",
    unit=Unit.RATIO,
    formula="printing hours ÷ estimated hours of the jobs that succeeded and carry an estimate",
    source="ISO 22400-2 (actual ÷ planned run time), the plan being the slicer's estimate",
    more_is_better=False,
    cadences=(Cadence.WEEKLY,),
    targets=(),
    calculate=estimate_accuracy,
    reads=frozenset({Tally.JOBS, Tally.ESTIMATES}),
)
