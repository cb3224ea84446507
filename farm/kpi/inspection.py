"""Inspection: what the printer called a success and a person looked at."""

from typing import Final

from farm.kpi.calculation import KpiInput, KpiResult, Tally
from farm.kpi.columns import ratio
from farm.kpi.indicator import Cadence, Indicator, Unit
from farm.kpi.parts import EndedJobs, Inspected, LeftOut, Part, Remainder
from farm.kpi.success import ATTEMPTS, NOT_ATTEMPTED
from farm.kpi.targets import Profile, Target
from farm.kpi.wilson import wilson_interval
from farm.model.job import Job
from farm.model.states import Outcome
from farm.model.verdict import Verdict

_SUCCEEDED: Final = EndedJobs(outcomes=frozenset({Outcome.SUCCEEDED}))


def _was_success(job: Job, _: Verdict) -> int:
    return int(job.outcome is Outcome.SUCCEEDED)


def _was_spoiled(job: Job, verdict: Verdict) -> int:
    return int(job.outcome is Outcome.SUCCEEDED and verdict.good_units == 0)


INSPECTED: Final = Inspected(tallied=lambda tally: tally.jobs, found=_was_success)
_SPOILED: Final = Inspected(tallied=lambda tally: tally.spoiled, found=_was_spoiled)
_NOT_INSPECTED: Final = Remainder(whole=_SUCCEEDED, less=INSPECTED)
GOOD: Final = Part("good", Remainder(whole=_SUCCEEDED, less=_SPOILED))
"""Jobs that succeeded and of which no inspection found that nothing was good."""
GOOD_UNITS: Final = Part(
    "good_units",
    Inspected(tallied=lambda tally: tally.good_units, found=lambda _, verdict: verdict.good_units),
)
REJECTED_UNITS: Final = Part(
    "rejected_units",
    Inspected(tallied=lambda tally: tally.rejected_units, found=lambda _, verdict: verdict.rejected_units),
)


def success_after_inspection(given: KpiInput) -> KpiResult:
    """As the print success rate, but a print of which an inspection found nothing good did not succeed.

    A success that nobody inspected stands. At worst and at best as there.
    """
    attempts, unknown = ATTEMPTS.total(given), given.outcomes.jobs.get(Outcome.UNKNOWN, 0)
    good, possible = GOOD.total(given), attempts + unknown
    return KpiResult(
        value=ratio(good, attempts),
        low=ratio(good, possible),
        high=ratio(good + unknown, possible),
        interval=wilson_interval(good, attempts),
    )


def inspected_yield(given: KpiInput) -> KpiResult:
    """Good units ÷ inspected units, a ratio; None before one was inspected."""
    found = given.outcomes.inspected
    units = found.good_units + found.rejected_units
    value = ratio(found.good_units, units)
    return KpiResult(
        value=value,
        low=value,
        high=value,
        interval=wilson_interval(found.good_units, units),
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
    parts=(
        ATTEMPTS,
        GOOD,
        Part("rejected", _SPOILED),
        Part("inspected", INSPECTED),
        Part("not_inspected", _NOT_INSPECTED),
    ),
    expression="good ÷ attempts",
    left_out=NOT_ATTEMPTED,
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
    parts=(GOOD_UNITS, REJECTED_UNITS, Part("inspected", INSPECTED)),
    expression="good_units ÷ (good_units + rejected_units)",
    left_out=(LeftOut("not_inspected", "nobody inspected it", _NOT_INSPECTED),),
    calculate=inspected_yield,
    reads=frozenset({Tally.INSPECTIONS}),
)
