"""Waste: the material and the hours that failed prints took."""

from collections.abc import Iterable
from typing import Final

from farm.kpi.calculation import KpiInput, KpiResult, Tally, hours
from farm.kpi.columns import most, otherwise, ratio, where
from farm.kpi.indicator import Cadence, Indicator, Unit
from farm.kpi.material_parts import MaterialMeasure, MaterialRejected, MaterialTaken, grams_of
from farm.kpi.outcomes import OutcomeTally
from farm.kpi.parts import EVERY_OUTCOME, EndedJobs, JobMeasure, LeftOut, Part
from farm.model.states import Outcome
from farm.settings import SiteSettings

_FAILED: Final = (Outcome.FAILED,)
_UNKNOWN: Final = (Outcome.UNKNOWN,)
_OTHERS: Final = (Outcome.SUCCEEDED, Outcome.CANCELLED, Outcome.UNKNOWN)
_ALL_FAILED: Final = frozenset(_FAILED)
_FAILED_JOBS: Final = Part("failed", EndedJobs(outcomes=_ALL_FAILED))


def material_waste(given: KpiInput) -> KpiResult:
    """Grams that failed prints took ÷ grams that all prints took; None where no print says what it took.

    Filament of which only the length is known, and resin, are weighed by the densities of the site. At
    worst the prints of unknown outcome failed too, and the failed ones that say nothing took what others
    take in the mean; at best only the others that say nothing did. Where all that is known to be taken is
    nothing, one of unknown outcome may have taken everything, and wasted it or not.
    """
    outcomes, site = given.outcomes, given.site
    failed, unknown = _grams(outcomes, _FAILED, site), _grams(outcomes, _UNKNOWN, site)
    used = _grams(outcomes, Outcome, site)
    known = outcomes.ended - _silent(outcomes, Outcome)
    mean = otherwise(where(known > 0, ratio(used, known)), 0.0)
    more_failed = mean * _silent(outcomes, (*_FAILED, *_UNKNOWN))
    more_others = mean * _silent(outcomes, _OTHERS)
    is_open = (used == 0) & (known > 0) & (outcomes.jobs.get(Outcome.UNKNOWN, 0) > 0)
    return KpiResult(
        value=ratio(failed, used),
        low=most(where(used > 0, ratio(failed, used + more_others)), where(is_open, 0.0)),
        high=most(
            where(used > 0, ratio(failed + unknown + more_failed, used + more_failed)), where(is_open, 1.0)
        ),
    )


def failed_hours(given: KpiInput) -> KpiResult:
    """Hours from the start to the end of the prints that failed, seen or not; None where none ended.

    At worst those of unknown outcome failed too.
    """
    outcomes = given.outcomes
    failed, unknown = _hours(outcomes, Outcome.FAILED), _hours(outcomes, Outcome.UNKNOWN)
    ended = outcomes.ended - outcomes.jobs.get(Outcome.UNKNOWN, 0)
    return KpiResult(
        value=where(ended > 0, failed),
        low=where(outcomes.ended > 0, failed),
        high=where(outcomes.ended > 0, failed + unknown),
    )


def _grams(outcomes: OutcomeTally, of: Iterable[Outcome], site: SiteSettings) -> float:
    return sum(grams_of(outcomes.material_of(each), site) for each in of)


def _silent(outcomes: OutcomeTally, of: Iterable[Outcome]) -> int:
    return sum(outcomes.material_of(each).silent for each in of)


def _hours(outcomes: OutcomeTally, of: Outcome) -> float:
    return hours(outcomes.whole_ms.get(of, 0))


MATERIAL_WASTE = Indicator(
    id="material_waste",
    name="Material waste",
    unit=Unit.RATIO,
    formula="grams that failed prints took ÷ grams that all prints took",
    source="the guides: logs of material by print; ISO 22400-2 (scrap ratio), of material",
    more_is_better=False,
    cadences=(Cadence.WEEKLY,),
    targets=(),
    parts=(
        _FAILED_JOBS,
        Part("without_material", MaterialTaken(of=MaterialMeasure.SILENT, outcomes=EVERY_OUTCOME)),
        Part("failed_grams", MaterialTaken(of=MaterialMeasure.GRAMS, outcomes=_ALL_FAILED)),
        Part("used_grams", MaterialTaken(of=MaterialMeasure.GRAMS, outcomes=EVERY_OUTCOME)),
        Part("failed_millilitres", MaterialTaken(of=MaterialMeasure.MILLILITRES, outcomes=_ALL_FAILED)),
        Part("used_millilitres", MaterialTaken(of=MaterialMeasure.MILLILITRES, outcomes=EVERY_OUTCOME)),
        Part("used_metres", MaterialTaken(of=MaterialMeasure.METRES, outcomes=EVERY_OUTCOME)),
        Part("rejected_grams", MaterialRejected()),
    ),
    expression="failed_grams ÷ used_grams",
    left_out=(
        LeftOut(
            "material_unknown",
            "it says nothing of what it took: it opens the range",
            MaterialTaken(of=MaterialMeasure.SILENT, outcomes=EVERY_OUTCOME),
        ),
    ),
    calculate=material_waste,
    reads=frozenset({Tally.JOBS, Tally.MATERIAL, Tally.INSPECTIONS}),
)

FAILED_HOURS = Indicator(
    id="failed_hours",
    name="Hours lost to failures",
    unit=Unit.HOURS,
    formula="hours from the start to the end of the prints that failed",
    source="the guides: logs of failures with the time that they cost",
    more_is_better=False,
    cadences=(Cadence.WEEKLY,),
    targets=(),
    parts=(
        _FAILED_JOBS,
        Part("ended", EndedJobs(outcomes=EVERY_OUTCOME)),
        Part("lost_hours", EndedJobs(outcomes=_ALL_FAILED, of=JobMeasure.WHOLE_TIME)),
        Part("failed_printing_hours", EndedJobs(outcomes=_ALL_FAILED, of=JobMeasure.PRINTING_TIME)),
        Part("all_hours", EndedJobs(outcomes=EVERY_OUTCOME, of=JobMeasure.WHOLE_TIME)),
    ),
    expression="lost_hours",
    left_out=(
        LeftOut(
            "outcome_unknown",
            "how it ended is not known: it opens the range",
            EndedJobs(outcomes=frozenset(_UNKNOWN), of=JobMeasure.WHOLE_TIME),
        ),
    ),
    calculate=failed_hours,
    reads=frozenset({Tally.JOBS, Tally.TIMES}),
)
