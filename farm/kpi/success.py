"""Print success rate: how many of the attempted prints came out."""

from typing import Final

from farm.kpi.calculation import KpiInput, KpiResult, Tally
from farm.kpi.columns import ratio
from farm.kpi.indicator import Cadence, Indicator, Unit
from farm.kpi.parts import EVERY_OUTCOME, CancelledJobs, EndedJobs, LeftOut, Part
from farm.kpi.targets import Profile, Target
from farm.kpi.wilson import wilson_interval
from farm.model.states import CancelledBy, Outcome
from farm.settings import SiteSettings

_TRIED: Final = frozenset({Outcome.SUCCEEDED, Outcome.FAILED})
_CANCELLED: Final = frozenset({Outcome.CANCELLED})
_UNKNOWN: Final = frozenset({Outcome.UNKNOWN})


def attempted(site: SiteSettings) -> frozenset[Outcome]:
    """The outcomes of attempts: cancelled ones join in where the site says so."""
    return _TRIED | _CANCELLED if site.cancelled_counts_as_attempt else _TRIED


def _not_attempted(site: SiteSettings) -> frozenset[Outcome]:
    return EVERY_OUTCOME - _UNKNOWN - attempted(site)


ATTEMPTS: Final = Part("attempts", EndedJobs(outcomes=attempted))
"""Jobs that succeeded or failed, and those cancelled where the site counts them."""
BY_OUTCOME: Final = tuple(Part(each.value, EndedJobs(outcomes=frozenset({each}))) for each in Outcome)
"""The jobs of every outcome."""
NOT_ATTEMPTED: Final = (
    LeftOut("outcome_unknown", "how it ended is not known: it opens the range", EndedJobs(outcomes=_UNKNOWN)),
    LeftOut(
        "cancelled_not_counted",
        "it was cancelled, which is no attempt by `cancelled_counts_as_attempt` of the site",
        EndedJobs(outcomes=_not_attempted),
    ),
)
"""Jobs that are no attempts."""


def print_success_rate(given: KpiInput) -> KpiResult:
    """Succeeded ÷ (succeeded + failed), a ratio; None before a job ended with a known outcome.

    Cancelled jobs join the denominator where the site says so. Jobs of unknown outcome
    stay out of the value and count as failed at worst and as succeeded at best. The
    interval is the 95 % Wilson interval of the value.
    """
    jobs = given.outcomes.jobs_by_outcome()
    succeeded, unknown = jobs[Outcome.SUCCEEDED], jobs[Outcome.UNKNOWN]
    attempts = ATTEMPTS.total(given)
    possible = attempts + unknown
    return KpiResult(
        value=ratio(succeeded, attempts),
        low=ratio(succeeded, possible),
        high=ratio(succeeded + unknown, possible),
        interval=wilson_interval(succeeded, attempts),
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
    parts=(
        ATTEMPTS,
        *BY_OUTCOME,
        *(Part(f"cancelled_by_{who.value}", CancelledJobs(by=who)) for who in CancelledBy),
    ),
    expression="succeeded ÷ attempts",
    left_out=NOT_ATTEMPTED,
    calculate=print_success_rate,
    reads=frozenset({Tally.JOBS}),
)
