"""Accuracy of estimates: how long prints take against what their source said beforehand."""

from enum import StrEnum
from typing import Final

from farm.kpi.calculation import KpiInput, KpiResult, Tally, told
from farm.kpi.columns import Maybe, most, otherwise, ratio, root, where
from farm.kpi.indicator import Cadence, Indicator, Unit
from farm.kpi.outcomes import EstimateTally
from farm.kpi.parts import (
    EVERY_OUTCOME,
    EndedJobs,
    JobRow,
    JobSelector,
    LeftOut,
    Measure,
    Part,
    Remainder,
)
from farm.model.states import Outcome

_THOUSAND = 1_000
_SUCCEEDED: Final = frozenset({Outcome.SUCCEEDED})


class EstimateMeasure(StrEnum):
    """What is summed up of jobs that can be held against an estimate, by its name in `EstimateTally`."""

    JOBS = "jobs"
    ACTUAL = "actual_ms"
    EXPECTED = "expected_ms"
    OFF = "off_ms"
    """The difference, whichever way it goes."""


class Estimated(JobSelector, frozen=True, kw_only=True):
    """Jobs that succeeded, printed and carry an estimate: how many, or their times."""

    of: EstimateMeasure

    @property
    def measure(self) -> Measure:
        """A count, or time."""
        return Measure.COUNT if self.of is EstimateMeasure.JOBS else Measure.TIME

    def total(self, given: KpiInput) -> int:
        """The sum over these jobs."""
        found: int = getattr(given.outcomes.estimates, self.of.value)
        return found

    def share(self, row: JobRow) -> int:
        """What the job adds, where it is one of them."""
        actual, expected = row.job.printing_ms, row.job.expected_ms or 0
        if row.job.outcome is not Outcome.SUCCEEDED or actual <= 0 or expected <= 0:
            return 0
        return {
            EstimateMeasure.JOBS: 1,
            EstimateMeasure.ACTUAL: actual,
            EstimateMeasure.EXPECTED: expected,
            EstimateMeasure.OFF: abs(actual - expected),
        }[self.of]


class MedianMeasure(StrEnum):
    """What is summed up of jobs held against the median of their file, by its name in `MedianTally`."""

    JOBS = "jobs"
    ACTUAL = "actual_ms"
    PLANNED = "median_ms"
    """The medians."""


class ByMedian(JobSelector, frozen=True, kw_only=True):
    """Jobs that succeeded, printed and carry no estimate: how many, or their times."""

    of: MedianMeasure

    @property
    def measure(self) -> Measure:
        """A count, or time."""
        return Measure.COUNT if self.of is MedianMeasure.JOBS else Measure.TIME

    def total(self, given: KpiInput) -> int:
        """The sum over these jobs."""
        found: int = getattr(given.outcomes.by_median, self.of.value)
        return found

    def share(self, row: JobRow) -> int:
        """What the job adds, where it is one of them."""
        job, median_ms = row.job, row.median_ms
        if job.outcome is not Outcome.SUCCEEDED or job.printing_ms <= 0 or median_ms <= 0:
            return 0
        if (job.expected_ms or 0) > 0:
            return 0
        return {
            MedianMeasure.JOBS: 1,
            MedianMeasure.ACTUAL: job.printing_ms,
            MedianMeasure.PLANNED: median_ms,
        }[self.of]


def estimate_accuracy(given: KpiInput) -> KpiResult:
    """Printing time ÷ estimate of the jobs that succeeded and carry one, a ratio; None without such a job.

    Above 1 they take longer than was said. Nothing that is unknown changes it: a job without an estimate,
    or whose end nobody knows, is held against nothing.
    """
    estimates = given.outcomes.estimates
    value = ratio(estimates.actual_ms, estimates.expected_ms)
    return KpiResult(
        value=value,
        low=value,
        high=value,
        amounts=told(spread=where(estimates.jobs > 0, spread(estimates))),
    )


def spread(tally: EstimateTally) -> Maybe:
    """The standard deviation of printing time ÷ estimate, job by job; 0 for none or one."""
    mean = otherwise(ratio(tally.thousandths, tally.jobs), 0.0)
    variance = otherwise(ratio(tally.squared - tally.jobs * mean * mean, tally.jobs - 1), 0.0)
    return root(most(0.0, variance)) / _THOUSAND


ESTIMATE_ACCURACY = Indicator(
    id="estimate_accuracy",
    name="Estimate accuracy",
    unit=Unit.RATIO,
    formula="printing hours ÷ estimated hours of the jobs that succeeded and carry an estimate",
    source="ISO 22400-2 (actual ÷ planned run time), the plan being the slicer's estimate",
    more_is_better=False,
    cadences=(Cadence.WEEKLY,),
    targets=(),
    parts=(
        Part("estimated", Estimated(of=EstimateMeasure.JOBS)),
        Part("succeeded", EndedJobs(outcomes=_SUCCEEDED)),
        Part("actual_hours", Estimated(of=EstimateMeasure.ACTUAL)),
        Part("expected_hours", Estimated(of=EstimateMeasure.EXPECTED)),
        Part("off_hours", Estimated(of=EstimateMeasure.OFF)),
    ),
    expression="actual_hours ÷ expected_hours",
    left_out=(
        LeftOut(
            "not_estimated",
            "its source said no estimate, or it did not print",
            Remainder(whole=EndedJobs(outcomes=_SUCCEEDED), less=Estimated(of=EstimateMeasure.JOBS)),
        ),
        LeftOut("not_succeeded", "it did not succeed", EndedJobs(outcomes=EVERY_OUTCOME - _SUCCEEDED)),
    ),
    beside={"spread": "the standard deviation of printing time ÷ estimate, job by job"},
    calculate=estimate_accuracy,
    reads=frozenset({Tally.JOBS, Tally.ESTIMATES}),
)
