"""Print success rate: how many of the attempted prints came out."""

from farm.kpi.calculation import KpiInput, KpiResult, Tally
from farm.kpi.indicator import Cadence, Indicator, Unit
from farm.kpi.targets import Profile, Target
from farm.kpi.wilson import wilson_interval
from farm.model.states import CancelledBy, Outcome


def attempts_of(given: KpiInput) -> int:
    """Jobs that succeeded or failed, and those cancelled where the site counts them."""
    jobs = given.outcomes.jobs_by_outcome()
    attempts = jobs[Outcome.SUCCEEDED] + jobs[Outcome.FAILED]
    return attempts + jobs[Outcome.CANCELLED] if given.site.cancelled_counts_as_attempt else attempts


def print_success_rate(given: KpiInput) -> KpiResult:
    """Succeeded ÷ (succeeded + failed), a ratio; None before a job ended with a known outcome.

    Cancelled jobs join the denominator where the site says so. Jobs of unknown outcome
    stay out of the value and count as failed at worst and as succeeded at best. The
    interval is the 95 % Wilson interval of the value.
    """
    jobs = given.outcomes.jobs_by_outcome()
    succeeded, unknown = jobs[Outcome.SUCCEEDED], jobs[Outcome.UNKNOWN]
    attempts = attempts_of(given)
    possible = attempts + unknown
    by = given.outcomes.cancelled_by
    return KpiResult(
        value=succeeded / attempts if attempts else None,
        low=succeeded / possible if possible else None,
        high=(succeeded + unknown) / possible if possible else None,
        interval=wilson_interval(succeeded, attempts),
        counts={
            "attempts": attempts,
            **jobs,
            **{f"cancelled_by_{who.value}": by.get(who, 0) for who in CancelledBy},
        },
    )


PRINT_SUCCESS_RATE = Indicator(
    id="print_success_rate",
    name="Print success rate",
    unit=Unit.RATIO,
    formula="succeeded jobs ÷ (succeeded jobs + failed jobs)",
    source="guides of jewelry, custom-miniatures and resin-miniatures",
    more_is_better=True,
    cadences=(Cadence.DAILY,),
    targets=(
        Target(profile=Profile.JEWELRY, low=0.90),
        Target(profile=Profile.CUSTOM_MINIATURES, low=0.90),
        Target(profile=Profile.RESIN_MINIATURES, low=0.90),
    ),
    calculate=print_success_rate,
    reads=frozenset({Tally.JOBS}),
)
