"""Failed prints in a row on one printer, as `farm.kpi.streak` counts them."""

from collections.abc import Sequence
from typing import ClassVar

from alerts.rules.base import Finding, JobRule
from alerts.settings import AlertSettings
from alerts.wording import OUTCOMES, one_line
from farm.kpi.streak import Streak, streaks
from farm.model.alert import Alert, Severity
from farm.model.job import Job
from farm.model.states import Outcome

MOST_PRINTS = 10
"""How many prints are shown as evidence."""


class StreakRule(JobRule):
    """Alerts when `streak_length` prints in a row have failed."""

    name: ClassVar[str] = "failed_streak"
    severity: ClassVar[Severity] = Severity.CRITICAL

    def __init__(self, settings: AlertSettings) -> None:
        self._length = settings.streak_length

    @property
    def fingerprint(self) -> str:
        """The length that makes an alert."""
        return f"{self.name}={self._length}"

    def findings(self, jobs: Sequence[Job]) -> list[Finding]:
        """The streaks that are long enough."""
        return [self._finding(streak) for streak in streaks(jobs) if len(streak.failed) >= self._length]

    def resolution(self, over_by: Job) -> str:
        """That the next print succeeded."""
        return f"{_named(over_by)} succeeded."

    def withdrawal(self, alert: Alert, jobs: Sequence[Job]) -> str:
        """Which of the failures turned out to be none."""
        now = {job.id: job for job in jobs}
        revised = [now[job_id] for job_id in alert.job_ids if job_id in now]
        changed = [job for job in revised if job.outcome is not Outcome.FAILED]
        if not changed:
            return "The streak no longer stands: its prints were revised."
        last = changed[-1]
        outcome = OUTCOMES[last.outcome or Outcome.UNKNOWN].lower()
        return f"The streak no longer stands: the outcome of {_named(last)} was revised to {outcome}."

    def _finding(self, streak: Streak) -> Finding:
        length = len(streak.failed)
        last = streak.failed[-1]
        row = f"{length} prints in a row failed; the last was"
        return Finding(
            jobs=tuple(job.id for job in streak.failed),
            at_ms=_ended(streak.failed[self._length - 1]),
            latest_ms=_ended(last),
            over_by=streak.broken_by,
            title=f"{length} failed print{'s in a row' if length > 1 else ''}",
            summary=f"{row if length > 1 else 'A print failed:'} {_named(last)}.",
            facts={"length": length, "threshold": self._length},
            prints=streak.prints[:MOST_PRINTS],
            earlier_prints=max(0, len(streak.prints) - MOST_PRINTS),
        )


def _ended(job: Job) -> int:
    """When the job ended. Jobs come from the list of ended ones, where all have an end."""
    return job.ended_ms or 0


def _named(job: Job) -> str:
    return one_line(job.file or "") or "a print whose file is not known"


RULE = StreakRule
