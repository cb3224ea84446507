"""Overall equipment effectiveness and its three factors, by ISO 22400-2, for printers."""

from typing import Final

from farm.kpi.calculation import KpiInput, KpiResult, Tally, told
from farm.kpi.columns import product, ratio
from farm.kpi.estimates import ByMedian, Estimated, EstimateMeasure, MedianMeasure
from farm.kpi.good_units import CountedUnits, Worth, inspected_units
from farm.kpi.indicator import Cadence, Indicator, Unit
from farm.kpi.inspection import INSPECTED
from farm.kpi.parts import EVERY_OUTCOME, EndedJobs, LeftOut, Part, Remainder, Together
from farm.kpi.success import NOT_ATTEMPTED, attempted
from farm.kpi.utilization import AVAILABLE, NOT_AVAILABLE, UTILIZED, utilization
from farm.kpi.wilson import wilson_interval
from farm.model.states import Outcome

_SUCCEEDED: Final = frozenset({Outcome.SUCCEEDED})
_UNKNOWN: Final = frozenset({Outcome.UNKNOWN})
_ESTIMATED: Final = Estimated(of=EstimateMeasure.JOBS)
_BY_MEDIAN: Final = ByMedian(of=MedianMeasure.JOBS)
_PLANNED: Final = (
    Part("by_estimate", _ESTIMATED),
    Part("by_median", _BY_MEDIAN),
    Part(
        "planned_hours",
        Together(one=Estimated(of=EstimateMeasure.EXPECTED), other=ByMedian(of=MedianMeasure.PLANNED)),
    ),
    Part(
        "actual_hours",
        Together(one=Estimated(of=EstimateMeasure.ACTUAL), other=ByMedian(of=MedianMeasure.ACTUAL)),
    ),
)
_NOT_PLANNED: Final = LeftOut(
    "not_planned",
    "neither its source nor its file says how long it should take, or it did not print",
    Remainder(whole=EndedJobs(outcomes=_SUCCEEDED), less=Together(one=_ESTIMATED, other=_BY_MEDIAN)),
)
_GOOD: Final = CountedUnits(outcomes=attempted, of=Worth.GOOD)
_ALL: Final = CountedUnits(outcomes=attempted)
_NOT_KNOWN: Final = CountedUnits(outcomes=_UNKNOWN)
_UNITS: Final = (
    Part("good_units", _GOOD),
    Part("units", _ALL),
    Part("unknown_units", _NOT_KNOWN),
    Part("inspected", INSPECTED),
)
_NOT_COUNTED: Final = tuple(
    LeftOut(each.name, each.why, CountedUnits(outcomes=each.rows.outcomes))
    for each in NOT_ATTEMPTED
    if isinstance(each.rows, EndedJobs)
)
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
    return KpiResult(value=value, low=value, high=value)


def quality(given: KpiInput) -> KpiResult:
    """Good units ÷ units that were printed, a ratio; None before a job ended with a known outcome.

    Units of inspected jobs are those that were found, and good those that were found good. Without an
    inspection the units of a job that succeeded are good, and those of one that failed are not. Cancelled
    jobs join in where the site counts them as attempts. Units of unknown outcome stay out of the value;
    they are bad at worst and good at best, where no inspection says which are.
    """
    good, printed, unknown = (selector.total(given) for selector in (_GOOD, _ALL, _NOT_KNOWN))
    found = inspected_units(given, Outcome.UNKNOWN)
    return KpiResult(
        value=ratio(good, printed),
        low=ratio(good, printed + unknown - found.good),
        high=ratio(good + unknown - found.rejected, printed + unknown - found.rejected),
        interval=wilson_interval(good, printed),
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
        counts=factors["availability"].counts,
        amounts=shown,
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
    parts=(AVAILABLE, UTILIZED, *_PLANNED, *_UNITS),
    expression="availability × performance × quality",
    left_out=(*NOT_AVAILABLE, _NOT_PLANNED, *_NOT_COUNTED),
    beside={
        "availability": "utilized_hours ÷ available_hours",
        "performance": "planned_hours ÷ actual_hours",
        "quality": "good_units ÷ units",
        **_PRINTERS,
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
    parts=_PLANNED,
    expression="planned_hours ÷ actual_hours",
    left_out=(
        _NOT_PLANNED,
        LeftOut("not_succeeded", "it did not succeed", EndedJobs(outcomes=EVERY_OUTCOME - _SUCCEEDED)),
    ),
    calculate=performance,
    reads=frozenset({Tally.ESTIMATES, Tally.MEDIANS}),
)

QUALITY = Indicator(
    id="quality",
    name="Quality",
    unit=Unit.RATIO,
    formula="good units ÷ units of the jobs that succeeded or failed; good are the units of the jobs that "
    "succeeded; of inspected jobs count the units that were found, and are good those that were found good",
    source="ISO 22400-2 (quality ratio = good quantity ÷ produced quantity)",
    more_is_better=True,
    cadences=(Cadence.WEEKLY,),
    targets=(),
    parts=_UNITS,
    expression="good_units ÷ units",
    left_out=_NOT_COUNTED,
    calculate=quality,
    reads=frozenset({Tally.JOBS, Tally.INSPECTIONS}),
)
