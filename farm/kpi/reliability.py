"""Reliability: how long, and for how many prints, printers go without a failed print."""

from farm.kpi.calculation import KpiInput, KpiResult, Tally, hours
from farm.kpi.indicator import Cadence, Indicator, Unit
from farm.kpi.utilization import productive_states
from farm.model.states import Outcome


def mtbf(given: KpiInput) -> KpiResult:
    """Printing hours ÷ failed prints, in hours; None where none failed: the hours are told beside."""
    productive = given.account.in_states(productive_states(given.site))
    return _between_failures(given, hours(productive), {"printing_hours": hours(productive)})


def mcbf(given: KpiInput) -> KpiResult:
    """Prints that ended well or failed ÷ those that failed; None where none failed."""
    jobs = given.outcomes.jobs_by_outcome()
    return _between_failures(given, float(jobs[Outcome.SUCCEEDED] + jobs[Outcome.FAILED]), {})


def _between_failures(given: KpiInput, amount: float, amounts: dict[str, float]) -> KpiResult:
    """At worst every job of unknown outcome failed, at best none did."""
    jobs = given.outcomes.jobs_by_outcome()
    failed, unknown = jobs[Outcome.FAILED], jobs[Outcome.UNKNOWN]
    value = amount / failed if failed else None
    return KpiResult(
        value=value,
        low=None if value is None else amount / (failed + unknown),
        high=value,
        counts={name: jobs[name] for name in (Outcome.SUCCEEDED, Outcome.FAILED, Outcome.UNKNOWN)},
        amounts=amounts,
    )


MTBF = Indicator(
    id="mtbf",
    name="Mean time between failures",
    unit=Unit.HOURS,
    formula="printing hours ÷ failed prints",
    source="ISO 22400-2 and SEMI E10 (mean time between failures), by failed prints",
    more_is_better=True,
    cadences=(Cadence.WEEKLY,),
    targets=(),
    calculate=mtbf,
    reads=frozenset({Tally.JOBS}),
    needs_hours=True,
)

MCBF = Indicator(
    id="mcbf",
    name="Mean cycles between failures",
    unit=Unit.PRINTS,
    formula="(succeeded prints + failed prints) ÷ failed prints",
    source="SEMI E10 (mean cycles between failures), a print being a cycle",
    more_is_better=True,
    cadences=(Cadence.WEEKLY,),
    targets=(),
    calculate=mcbf,
    reads=frozenset({Tally.JOBS}),
)
