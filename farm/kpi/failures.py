"""Failures: how many prints failed, and why."""

from typing import Final

from farm.kpi.calculation import KpiInput, KpiResult, Tally, hours
from farm.kpi.indicator import Cadence, Indicator, Unit
from farm.model.states import Cause, Outcome

_COUNT_OF: Final = {cause: f"failed_by_{cause.value}" for cause in Cause}


def failures_by_cause(given: KpiInput) -> KpiResult:
    """Failed prints, parted by cause; None where nothing was observed and no job ended.

    At worst the jobs of unknown outcome failed too. A failure of which nothing is known counts with the
    cause `unknown`.
    """
    outcomes, jobs = given.outcomes, given.outcomes.jobs_by_outcome()
    failed = float(jobs[Outcome.FAILED])
    seen = bool(given.account.observed_share) or outcomes.ended > 0
    return KpiResult(
        value=failed if seen else None,
        low=failed if seen else None,
        high=failed + jobs[Outcome.UNKNOWN] if seen else None,
        counts={
            "failed": jobs[Outcome.FAILED],
            "ended": outcomes.ended,
            "unknown": jobs[Outcome.UNKNOWN],
            **{name: outcomes.failed_by.get(cause, 0) for cause, name in _COUNT_OF.items()},
        },
        amounts={"failed_hours": hours(outcomes.printing_ms.get(Outcome.FAILED, 0))},
    )


FAILURES_BY_CAUSE = Indicator(
    id="failures_by_cause",
    name="Failures by cause",
    unit=Unit.PRINTS,
    formula="failed prints, by cause; by printer, file, material, operator or hour of the day as asked",
    source="the guides: logs that correlate failures with printers, materials, operators",
    more_is_better=False,
    cadences=(Cadence.DAILY,),
    targets=(),
    calculate=failures_by_cause,
    reads=frozenset({Tally.JOBS, Tally.CAUSES}),
)
