"""Failures: how many prints failed, and why."""

from typing import Final

from farm.kpi.calculation import KpiInput, KpiResult, Tally
from farm.kpi.columns import real, where
from farm.kpi.indicator import Cadence, Indicator, Unit
from farm.kpi.parts import EVERY_OUTCOME, EndedJobs, FailedJobs, JobMeasure, LeftOut, Part
from farm.model.states import Cause, Outcome

_FAILED: Final = frozenset({Outcome.FAILED})
_UNKNOWN: Final = frozenset({Outcome.UNKNOWN})


def failures_by_cause(given: KpiInput) -> KpiResult:
    """Failed prints, parted by cause; None where nothing was observed and no job ended.

    At worst the jobs of unknown outcome failed too. A failure of which nothing is known counts with the
    cause `unknown`.
    """
    outcomes, jobs = given.outcomes, given.outcomes.jobs_by_outcome()
    failed = real(jobs[Outcome.FAILED])
    seen = given.account.is_observed | (outcomes.ended > 0)
    return KpiResult(
        value=where(seen, failed),
        low=where(seen, failed),
        high=where(seen, failed + jobs[Outcome.UNKNOWN]),
    )


FAILURES_BY_CAUSE = Indicator(
    id="failures_by_cause",
    name="Failures by cause",
    unit=Unit.PRINTS,
    formula="failed prints, by cause; by printer, file, material, operator, spool or hour of the day as "
    "asked",
    source="the guides: logs that correlate failures with printers, materials, operators",
    more_is_better=False,
    cadences=(Cadence.DAILY,),
    targets=(),
    parts=(
        Part("failed", EndedJobs(outcomes=_FAILED)),
        Part("ended", EndedJobs(outcomes=EVERY_OUTCOME)),
        Part("unknown", EndedJobs(outcomes=_UNKNOWN)),
        *(Part(f"failed_by_{cause.value}", FailedJobs(cause=cause)) for cause in Cause),
        Part("failed_hours", EndedJobs(outcomes=_FAILED, of=JobMeasure.PRINTING_TIME)),
    ),
    expression="failed",
    left_out=(
        LeftOut(
            "outcome_unknown", "how it ended is not known: it opens the range", EndedJobs(outcomes=_UNKNOWN)
        ),
    ),
    calculate=failures_by_cause,
    reads=frozenset({Tally.JOBS, Tally.CAUSES}),
)
