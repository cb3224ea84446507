"""What failed prints add to the streaks of their printers."""

from enum import StrEnum

from farm.kpi.calculation import KpiInput
from farm.kpi.parts import StreakRow, StreakSelector
from farm.kpi.streak import EXTENDS
from farm.model.states import Outcome


class StreakMeasure(StrEnum):
    """What is summed up of streaks, by its name in `farm.kpi.streak.StreakTally`."""

    CURRENT = "current"
    """Failed prints of the longest streak at the end of the window."""
    LONGEST = "longest"
    """Those of the longest at any time in it."""
    FAILING = "failing"
    """The last failed print of each printer that is in a streak at the end."""
    SHORTER = "shorter"
    """Failed prints of the other streaks at the end."""
    UNKNOWN = "unknown"
    """Prints of unknown outcome since the last success of their printer."""
    CANCELLED = "cancelled"
    """Cancelled ones since then."""


class InStreak(StreakSelector, frozen=True, kw_only=True):
    """Prints of one of these kinds."""

    of: StreakMeasure

    def total(self, given: KpiInput) -> int:
        """How many there are."""
        found: int = getattr(given.streaks, self.of.value)
        return found

    def share(self, row: StreakRow) -> int:
        """1 for one of them."""
        failed = row.job.outcome in EXTENDS
        return int(
            {
                StreakMeasure.CURRENT: failed and row.in_current,
                StreakMeasure.LONGEST: failed and row.in_longest,
                StreakMeasure.FAILING: failed and row.is_last,
                StreakMeasure.SHORTER: failed and row.since_success and not row.in_current,
                StreakMeasure.UNKNOWN: row.since_success and row.job.outcome is Outcome.UNKNOWN,
                StreakMeasure.CANCELLED: row.since_success and row.job.outcome is Outcome.CANCELLED,
            }[self.of]
        )
