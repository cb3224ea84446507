"""Waste: the material and the hours that failed prints took."""

from collections.abc import Iterable
from typing import Final

from farm.kpi.calculation import KpiInput, KpiResult, Tally, hours
from farm.kpi.indicator import Cadence, Indicator, Unit
from farm.kpi.outcomes import MaterialTally, OutcomeTally
from farm.model.states import Outcome
from farm.settings import SiteSettings

_FAILED: Final = (Outcome.FAILED,)
_UNKNOWN: Final = (Outcome.UNKNOWN,)
_OTHERS: Final = (Outcome.SUCCEEDED, Outcome.CANCELLED, Outcome.UNKNOWN)
_MILLI: Final = 1_000
_MICRO: Final = 1_000_000


def material_waste(given: KpiInput) -> KpiResult:
    """Grams that failed prints took ÷ grams that all prints took; None where no print says what it took.

    Filament of which only the length is known, and resin, are weighed by the densities of the site. At
    worst the prints of unknown outcome failed too, and the failed ones that say nothing took what others
    take in the mean; at best only the others that say nothing did.
    """
    outcomes, site = given.outcomes, given.site
    failed, unknown = _grams(outcomes, _FAILED, site), _grams(outcomes, _UNKNOWN, site)
    used = _grams(outcomes, Outcome, site)
    known = outcomes.ended - _silent(outcomes, Outcome)
    mean = used / known if known > 0 else 0.0
    more_failed = mean * _silent(outcomes, (*_FAILED, *_UNKNOWN))
    more_others = mean * _silent(outcomes, _OTHERS)
    return KpiResult(
        value=failed / used if used else None,
        low=failed / (used + more_others) if used else None,
        high=(failed + unknown + more_failed) / (used + more_failed) if used else None,
        counts={
            "failed": outcomes.jobs.get(Outcome.FAILED, 0),
            "without_material": _silent(outcomes, Outcome),
        },
        amounts={
            "failed_grams": failed,
            "used_grams": used,
            "failed_millilitres": _millilitres(outcomes, _FAILED),
            "used_millilitres": _millilitres(outcomes, Outcome),
            "used_metres": sum(outcomes.material_of(each).millimetres for each in Outcome) / _MILLI,
            "rejected_grams": _rejected_grams(outcomes, site),
        },
    )


def failed_hours(given: KpiInput) -> KpiResult:
    """Hours of printing, preparing and pauses of the prints that failed; None where none ended.

    At worst those of unknown outcome failed too.
    """
    outcomes = given.outcomes
    failed, unknown = _hours(outcomes, Outcome.FAILED), _hours(outcomes, Outcome.UNKNOWN)
    ended = outcomes.ended - outcomes.jobs.get(Outcome.UNKNOWN, 0)
    return KpiResult(
        value=failed if ended else None,
        low=failed if outcomes.ended else None,
        high=failed + unknown if outcomes.ended else None,
        counts={"failed": outcomes.jobs.get(Outcome.FAILED, 0), "ended": outcomes.ended},
        amounts={
            "failed_printing_hours": hours(outcomes.printing_ms.get(Outcome.FAILED, 0)),
            "all_hours": sum(_hours(outcomes, each) for each in Outcome),
        },
    )


def grams_of(used: MaterialTally, site: SiteSettings) -> float:
    """What the jobs took, in grams: as they say, else by the densities of the site."""
    return (
        used.grams
        + used.unweighed_micrometres / _MICRO * site.filament_grams_per_metre
        + used.unweighed_microlitres / _MILLI * site.resin_grams_per_millilitre
    )


def _grams(outcomes: OutcomeTally, of: Iterable[Outcome], site: SiteSettings) -> float:
    return sum(grams_of(outcomes.material_of(each), site) for each in of)


def _millilitres(outcomes: OutcomeTally, of: Iterable[Outcome]) -> float:
    return sum(outcomes.material_of(each).millilitres for each in of)


def _silent(outcomes: OutcomeTally, of: Iterable[Outcome]) -> int:
    return sum(outcomes.material_of(each).silent for each in of)


def _rejected_grams(outcomes: OutcomeTally, site: SiteSettings) -> float:
    taken = outcomes.inspected.rejected
    return grams_of(
        MaterialTally(
            milligrams=taken.milligrams,
            unweighed_micrometres=taken.micrometres,
            unweighed_microlitres=taken.microlitres,
        ),
        site,
    )


def _hours(outcomes: OutcomeTally, of: Outcome) -> float:
    spent = (outcomes.printing_ms, outcomes.preparing_ms, outcomes.paused_ms)
    return hours(sum(each.get(of, 0) for each in spent))


MATERIAL_WASTE = Indicator(
    id="material_waste",
    name="Material waste",
    unit=Unit.RATIO,
    formula="grams that failed prints took ÷ grams that all prints took",
    source="the guides: logs of material by print; ISO 22400-2 (scrap ratio), of material",
    more_is_better=False,
    cadences=(Cadence.WEEKLY,),
    targets=(),
    calculate=material_waste,
    reads=frozenset({Tally.JOBS, Tally.MATERIAL, Tally.INSPECTIONS}),
)

FAILED_HOURS = Indicator(
    id="failed_hours",
    name="Hours lost to failures",
    unit=Unit.HOURS,
    formula="hours of printing, preparing and pauses of the prints that failed",
    source="the guides: logs of failures with the time that they cost",
    more_is_better=False,
    cadences=(Cadence.WEEKLY,),
    targets=(),
    calculate=failed_hours,
    reads=frozenset({Tally.JOBS, Tally.TIMES}),
)
