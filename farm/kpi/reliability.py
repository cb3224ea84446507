"""Reliability: how long, and for how many prints, printers go without a failed print."""

from farm.kpi.calculation import KpiInput, KpiResult, hours
from farm.kpi.indicator import Cadence, Indicator, Unit
from farm.kpi.utilization import productive_states
from farm.model.states import Outcome, PrinterState


def mtbf(given: KpiInput) -> KpiResult:
    """Printing hours ÷ failed prints, in hours; None where none failed: the hours are told beside."""
    productive = given.account.in_states(productive_states(given.site))
    unknown = given.account.in_states({PrinterState.UNKNOWN})
    at_most = hours(productive + unknown)
    return _between_failures(given, hours(productive), at_most, {"printing_hours": hours(productive)})


def mcbf(given: KpiInput) -> KpiResult:
    """Prints that ended well or failed ÷ those that failed; None where none failed."""
    jobs = given.outcomes.jobs_by_outcome()
    ended = jobs[Outcome.SUCCEEDED] + jobs[Outcome.FAILED]
    return _between_failures(given, float(ended), float(ended + jobs[Outcome.UNKNOWN]), {})


def _between_failures(given: KpiInput, amount: float, at_most: float, amounts: dict[str, float]) -> KpiResult:
    """At worst every job of unknown outcome failed, at best none did and there was `at_most` between them."""
    jobs = given.outcomes.jobs_by_outcome()
    failed, unknown = jobs[Outcome.FAILED], jobs[Outcome.UNKNOWN]
    value = amount / failed if failed else None
    return KpiResult(
        value=value,
        low=amount / (failed + unknown) if failed else None,
        high=at_most / failed if failed else None,
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
)
