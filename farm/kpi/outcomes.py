"""How the jobs of a window ended, in sums."""

from collections.abc import Mapping

import msgspec

from farm.model.states import CancelledBy, Outcome


class OutcomeTally(msgspec.Struct, frozen=True):
    """Jobs that ended, their units, jobs cancelled by whom, and printing time. What is missing is none."""

    jobs: Mapping[Outcome, int]
    units: Mapping[Outcome, int]
    cancelled_by: Mapping[CancelledBy, int]
    printing_ms: Mapping[Outcome, int] = {}

    @property
    def ended(self) -> int:
        """All jobs that ended, however they did."""
        return sum(self.jobs.values())

    def jobs_by_outcome(self) -> dict[str, int]:
        """The number of jobs of every outcome, by its word."""
        return {outcome.value: self.jobs.get(outcome, 0) for outcome in Outcome}
