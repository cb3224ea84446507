"""What jobs add to the sums of first attempts."""

from enum import StrEnum

from farm.kpi.calculation import KpiInput
from farm.kpi.parts import Input, JobRow, JobSelector


class AttemptMeasure(StrEnum):
    """What is summed up of attempts, by its name in `farm.kpi.outcomes.AttemptTally`."""

    ATTEMPTS = "attempts"
    REPRINTS = "reprints"
    PARTS = "parts"
    GOOD_PARTS = "good_parts"
    UNKNOWN_PARTS = "unknown_parts"
    DOUBTFUL_PARTS = "doubtful_parts"


class Attempted(JobSelector, frozen=True, kw_only=True):
    """First attempts and reprints, jobs each, or the units of the first attempts."""

    of: AttemptMeasure

    @property
    def inputs(self) -> frozenset[Input]:
        """The verdicts too, which outrank what the printer says."""
        return frozenset({Input.JOBS, Input.VERDICTS})

    def total(self, given: KpiInput) -> int:
        """The sum over all jobs."""
        found: int = getattr(given.outcomes.attempts, self.of.value)
        return found

    def share(self, row: JobRow) -> int:
        """What the job adds, by the jobs of its file before it."""
        found: int = getattr(row.attempt, self.of.value)
        return found
