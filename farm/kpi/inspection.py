"""Inspection: what the printer called a success and a person looked at."""

from farm.kpi.calculation import KpiInput, KpiResult, Tally
from farm.kpi.indicator import Cadence, Indicator, Unit
from farm.kpi.success import attempts_of
from farm.kpi.targets import Profile, Target
from farm.kpi.wilson import wilson_interval
from farm.model.states import Outcome


def success_after_inspection(given: KpiInput) -> KpiResult:
    """As the print success rate, but a print of which an inspection found nothing good did not succeed.

    A success that nobody inspected stands. At worst and at best as there.
    """
    jobs, spoiled = given.outcomes.jobs_by_outcome(), given.outcomes.inspected.spoiled
    attempts, unknown = attempts_of(given), jobs[Outcome.UNKNOWN]
    good, possible = jobs[Outcome.SUCCEEDED] - spoiled, attempts + unknown
    return KpiResult(
        value=good / attempts if attempts else None,
        low=good / possible if possible else None,
        high=(good + unknown) / possible if possible else None,
        interval=wilson_interval(good, attempts),
        counts={
            "attempts": attempts,
            "good": good,
            "rejected": spoiled,
            "inspected": given.outcomes.inspected.jobs,
            "not_inspected": jobs[Outcome.SUCCEEDED] - given.outcomes.inspected.jobs,
        },
    )


def inspected_yield(given: KpiInput) -> KpiResult:
    """Good units ÷ inspected units, a ratio; None before one was inspected."""
    found = given.outcomes.inspected
    units = found.good_units + found.rejected_units
    value = found.good_units / units if units else None
    return KpiResult(
        value=value,
        low=value,
        high=value,
        interval=wilson_interval(found.good_units, units),
        counts={
            "good_units": found.good_units,
            "rejected_units": found.rejected_units,
            "inspected": found.jobs,
        },
    )


SUCCESS_AFTER_INSPECTION = Indicator(
    id="success_after_inspection",
    name="Success after inspection",
    unit=Unit.RATIO,
    formula="(succeeded jobs − those of which an inspection found no good unit) ÷ "
    "(succeeded jobs + failed jobs)",
    source="guides of jewelry, custom-miniatures and resin-miniatures: success at the printer is not quality",
    more_is_better=True,
    cadences=(Cadence.DAILY, Cadence.WEEKLY),
    targets=tuple(
        Target(profile=profile, low=0.90)
        for profile in (Profile.JEWELRY, Profile.CUSTOM_MINIATURES, Profile.RESIN_MINIATURES)
    ),
    calculate=success_after_inspection,
    reads=frozenset({Tally.JOBS, Tally.INSPECTIONS}),
)

INSPECTED_YIELD = Indicator(
    id="inspected_yield",
    name="Yield at inspection",
    unit=Unit.RATIO,
    formula="good units ÷ (good units + rejected units) of the jobs that were inspected",
    source="ISO 22400-2, quality ratio: good quantity ÷ produced quantity, of what was inspected",
    more_is_better=True,
    cadences=(Cadence.WEEKLY,),
    targets=(),
    calculate=inspected_yield,
    reads=frozenset({Tally.INSPECTIONS}),
)
