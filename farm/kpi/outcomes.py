"""How the jobs of a window ended, in sums."""

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from farm.model.outcome_count import OutcomeCount
from farm.model.states import CancelledBy, Outcome


class OutcomeTally(msgspec.Struct, frozen=True):
    """Jobs that ended, their units, and jobs cancelled by whom. What is missing is none."""

    jobs: Mapping[Outcome, int]
    units: Mapping[Outcome, int]
    cancelled_by: Mapping[CancelledBy, int]

    @property
    def ended(self) -> int:
        """All jobs that ended, however they did."""
        return sum(self.jobs.values())

    def jobs_by_outcome(self) -> dict[str, int]:
        """The number of jobs of every outcome, by its word."""
        return {outcome.value: self.jobs.get(outcome, 0) for outcome in Outcome}


def tally(counts: Iterable[OutcomeCount]) -> OutcomeTally:
    """The sum of the ledger's counts, of whatever printers and intervals."""
    jobs: Counter[Outcome] = Counter()
    units: Counter[Outcome] = Counter()
    cancelled_by: Counter[CancelledBy] = Counter()
    for count in counts:
        jobs[count.outcome] += count.jobs
        units[count.outcome] += count.units
        if count.cancelled_by is not None:
            cancelled_by[count.cancelled_by] += count.jobs
    return OutcomeTally(jobs, units, cancelled_by)


def add_tallies(tallies: Iterable[OutcomeTally]) -> OutcomeTally:
    """The sum of tallies of intervals that follow each other."""
    jobs: Counter[Outcome] = Counter()
    units: Counter[Outcome] = Counter()
    cancelled_by: Counter[CancelledBy] = Counter()
    for each in tallies:
        jobs.update(each.jobs)
        units.update(each.units)
        cancelled_by.update(each.cancelled_by)
    return OutcomeTally(jobs, units, cancelled_by)
