"""Reliability: how long, and for how many prints, printers go without a failed print."""

from typing import Final

from farm.kpi.calculation import KpiInput, KpiResult, Tally, hours
from farm.kpi.columns import ratio, where
from farm.kpi.indicator import Cadence, Indicator, Unit
from farm.kpi.parts import Amount, EndedJobs, LeftOut, Part, Repaired, RepairMeasure, time_in
from farm.kpi.utilization import productive_states
from farm.model.states import Outcome, PrinterState

_PRINTING: Final = Part("printing_hours", time_in(productive_states))
_PRINTS: Final = tuple(
    Part(each.value, EndedJobs(outcomes=frozenset({each})))
    for each in (Outcome.SUCCEEDED, Outcome.FAILED, Outcome.UNKNOWN)
)
_NOT_COUNTED: Final = (
    LeftOut(
        "outcome_unknown",
        "how it ended is not known: as a failure it opens the range",
        EndedJobs(outcomes=frozenset({Outcome.UNKNOWN})),
    ),
    LeftOut(
        "cancelled",
        "it was cancelled, which is no failure",
        EndedJobs(outcomes=frozenset({Outcome.CANCELLED})),
    ),
)


def mtbf(given: KpiInput) -> KpiResult:
    """Printing hours ÷ failed prints, in hours; None where none failed: the hours are told beside."""
    productive_hours = _PRINTING.total(given)
    unknown_hours = hours(given.account.in_states({PrinterState.UNKNOWN}))
    return _between_failures(given, productive_hours, productive_hours + unknown_hours)


def mcbf(given: KpiInput) -> KpiResult:
    """Prints that ended well or failed ÷ those that failed; None where none failed."""
    jobs = given.outcomes.jobs_by_outcome()
    ended = jobs[Outcome.SUCCEEDED] + jobs[Outcome.FAILED]
    return _between_failures(given, ended, ended + jobs[Outcome.UNKNOWN])


def mttr(given: KpiInput) -> KpiResult:
    """Hours from a fault to the next productive state, a mean over the repairs that ended; None without one.

    At best a printer worked again as soon as nobody saw it any more; at worst it was at fault as soon as
    nobody saw it, before the fault showed.
    """
    told = given.repairs
    value, low, high = (
        ratio(hours(ms), told.repairs) for ms in (told.repair_ms, told.least_ms, told.most_ms)
    )
    return KpiResult(value=value, low=low, high=high)


def _between_failures(given: KpiInput, amount: Amount, at_most: Amount) -> KpiResult:
    """At worst every job of unknown outcome failed, at best none did and there was `at_most` between them."""
    jobs = given.outcomes.jobs_by_outcome()
    failed, unknown = jobs[Outcome.FAILED], jobs[Outcome.UNKNOWN]
    return KpiResult(
        value=ratio(amount, failed),
        low=where(failed > 0, ratio(amount, failed + unknown)),
        high=ratio(at_most, failed),
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
    parts=(*_PRINTS, _PRINTING),
    expression="printing_hours ÷ failed",
    left_out=_NOT_COUNTED,
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
    parts=_PRINTS,
    expression="(succeeded + failed) ÷ failed",
    left_out=_NOT_COUNTED,
    calculate=mcbf,
    reads=frozenset({Tally.JOBS}),
)

MTTR = Indicator(
    id="mttr",
    name="Mean time to repair",
    unit=Unit.HOURS,
    formula="hours from a fault to the next productive state ÷ repairs, by the time at which they ended",
    source="ISO 22400-2 (mean time to repair) and SEMI E10 (unscheduled downtime)",
    more_is_better=False,
    cadences=(Cadence.WEEKLY,),
    targets=(),
    parts=(
        Part("faults", Repaired(of=RepairMeasure.FAULTS)),
        Part("repairs", Repaired(of=RepairMeasure.REPAIRS)),
        Part("repair_hours", Repaired(of=RepairMeasure.TIME)),
    ),
    expression="repair_hours ÷ repairs",
    calculate=mttr,
    reads=frozenset({Tally.REPAIRS}),
    needs_hours=True,
)
