"""Overall equipment effectiveness and its three factors, by ISO 22400-2, for printers."""

from typing import Final

from farm.kpi.calculation import KpiInput, KpiResult, Tally, hours, told
from farm.kpi.columns import product, ratio, within
from farm.kpi.estimates import Estimated, EstimateMeasure
from farm.kpi.indicator import Cadence, Indicator, Unit
from farm.kpi.inspection import INSPECTED
from farm.kpi.parts import EndedJobs, JobMeasure, Part
from farm.kpi.success import attempted
from farm.kpi.utilization import AVAILABLE, NOT_AVAILABLE, UTILIZED, utilization
from farm.kpi.wilson import wilson_interval
from farm.model.states import Outcome

_BY_ESTIMATE: Final = Part("by_estimate", Estimated(of=EstimateMeasure.JOBS))
_UNITS: Final = (
    Part("units", EndedJobs(outcomes=attempted, of=JobMeasure.UNITS)),
    Part("unknown_units", EndedJobs(outcomes=frozenset({Outcome.UNKNOWN}), of=JobMeasure.UNITS)),
    Part("inspected", INSPECTED),
)
_NOT_PLANNED: Final = {
    "by_median": "jobs without an estimate, held against the median of their file",
    "planned_hours": "estimates, and medians of files, of the jobs that succeeded",
    "actual_hours": "the printing hours of the same jobs",
}
_GOOD: Final = {
    "good_units": "units of the jobs that succeeded − rejected ones of them + good ones of the others"
}
_PRINTERS: Final = {"printers": "the printers that were there in the window"}


def availability(given: KpiInput) -> KpiResult:
    """Productive time ÷ planned busy time, a ratio; None where no available time was observed.

    A printer is planned to be busy in all hours in which it is available, so this is its utilization.
    """
    found = utilization(given)
    return KpiResult(
        value=found.value,
        low=found.low,
        high=found.high,
        counts=found.counts,
    )


def performance(given: KpiInput) -> KpiResult:
    """Planned ÷ actual printing time of the jobs that succeeded, a ratio; None where none has a plan.

    The plan of a job is its source's estimate; without one, the median printing time of its file.
    """
    by_estimate, by_median = given.outcomes.estimates, given.outcomes.by_median
    planned_ms = by_estimate.expected_ms + by_median.median_ms
    actual_ms = by_estimate.actual_ms + by_median.actual_ms
    value = ratio(planned_ms, actual_ms)
    return KpiResult(
        value=value,
        low=value,
        high=value,
        counts={"by_median": by_median.jobs},
        amounts={"planned_hours": hours(planned_ms), "actual_hours": hours(actual_ms)},
    )


def quality(given: KpiInput) -> KpiResult:
    """Good units ÷ units that were printed, a ratio; None before a job ended with a known outcome.

    Units of a job that succeeded are good but for those that an inspection rejected, units of a job that
    failed only where one found them good. Cancelled jobs join in where the site counts them as attempts.
    Units of unknown outcome stay out of the value, and are bad at worst and good at best.
    """
    units, found = given.outcomes.units, given.outcomes.inspected
    made, unknown = units.get(Outcome.SUCCEEDED, 0), units.get(Outcome.UNKNOWN, 0)
    printed = made + units.get(Outcome.FAILED, 0)
    if given.site.cancelled_counts_as_attempt:
        printed += units.get(Outcome.CANCELLED, 0)
    good = within(made - found.lost_units + found.saved_units, 0, printed)
    possible = printed + unknown
    return KpiResult(
        value=ratio(good, printed),
        low=ratio(good, possible),
        high=ratio(good + unknown, possible),
        interval=wilson_interval(good, printed),
        counts={"good_units": good},
    )


def oee(given: KpiInput) -> KpiResult:
    """Availability × performance × quality, a ratio; None where one of them has no data.

    At worst and at best every factor is.
    """
    factors = {
        "availability": availability(given),
        "performance": performance(given),
        "quality": quality(given),
    }
    parts = tuple(factors.values())
    shown = told(**{name: each.value for name, each in factors.items()})
    return KpiResult(
        value=product(*(each.value for each in parts)),
        low=product(*(each.low for each in parts)),
        high=product(*(each.high for each in parts)),
        counts={name: count for each in parts for name, count in each.counts.items()},
        amounts={**shown, **{name: amount for each in parts for name, amount in each.amounts.items()}},
    )


_OF_JOBS = frozenset({Tally.JOBS, Tally.ESTIMATES, Tally.MEDIANS, Tally.INSPECTIONS})

OEE = Indicator(
    id="oee",
    name="OEE",
    unit=Unit.RATIO,
    formula="availability × performance × quality",
    source="ISO 22400-2 (OEE index = availability × effectiveness × quality ratio)",
    more_is_better=True,
    cadences=(Cadence.WEEKLY,),
    targets=(),
    parts=(AVAILABLE, UTILIZED, _BY_ESTIMATE, *_UNITS),
    expression="availability × performance × quality",
    left_out=NOT_AVAILABLE,
    beside={
        "availability": "utilized_hours ÷ available_hours",
        "performance": "planned_hours ÷ actual_hours",
        "quality": "good_units ÷ units",
        **_PRINTERS,
        **_NOT_PLANNED,
        **_GOOD,
    },
    calculate=oee,
    reads=_OF_JOBS,
    needs_hours=True,
)

AVAILABILITY = Indicator(
    id="availability",
    name="Availability",
    unit=Unit.RATIO,
    formula="printing hours ÷ available hours",
    source="ISO 22400-2 (availability = actual production time ÷ planned busy time)",
    more_is_better=True,
    cadences=(Cadence.WEEKLY,),
    targets=(),
    parts=(AVAILABLE, UTILIZED),
    expression="utilized_hours ÷ available_hours",
    left_out=NOT_AVAILABLE,
    beside=_PRINTERS,
    calculate=availability,
    reads=frozenset(),
    needs_hours=True,
)

PERFORMANCE = Indicator(
    id="performance",
    name="Performance",
    unit=Unit.RATIO,
    formula="planned printing hours ÷ printing hours of the jobs that succeeded; the plan of a job is its "
    "source's estimate, else the median of its file",
    source="ISO 22400-2 (effectiveness = planned run time per item × produced quantity ÷ "
    "actual production time)",
    more_is_better=True,
    cadences=(Cadence.WEEKLY,),
    targets=(),
    parts=(_BY_ESTIMATE,),
    expression="planned_hours ÷ actual_hours",
    beside=_NOT_PLANNED,
    calculate=performance,
    reads=frozenset({Tally.ESTIMATES, Tally.MEDIANS}),
)

QUALITY = Indicator(
    id="quality",
    name="Quality",
    unit=Unit.RATIO,
    formula="good units ÷ units of the jobs that succeeded or failed; good are the units of the jobs that "
    "succeeded, after inspection where there was one",
    source="ISO 22400-2 (quality ratio = good quantity ÷ produced quantity)",
    more_is_better=True,
    cadences=(Cadence.WEEKLY,),
    targets=(),
    parts=_UNITS,
    expression="good_units ÷ units",
    beside=_GOOD,
    calculate=quality,
    reads=frozenset({Tally.JOBS, Tally.INSPECTIONS}),
)
