"""Failed prints in a row on one printer, as `farm.kpi.streak` counts them."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from alerts.rules._prints import ended, named
from alerts.rules.base import KIND, MOST_PRINTS, Finding, JobRule, RuleName, RuleSettings
from alerts.wording import OUTCOMES
from farm.kpi.streak import Streak, streaks
from farm.model.alert import Alert, Severity
from farm.model.job import Job
from farm.model.states import Outcome


class FailedStreakSettings(RuleSettings):
    """So many prints in a row have failed."""

    kind: Annotated[Literal["failed_streak"], KIND] = "failed_streak"
    name: RuleName = "failed_streak"
    severity: Annotated[Severity, Field(description="How much its alerts matter.")] = Severity.CRITICAL
    length: Annotated[
        int, Field(ge=1, le=100, description="How many failed prints in a row make an alert.")
    ] = 3


class StreakRule(JobRule[FailedStreakSettings]):
    """Alerts when `length` prints in a row have failed."""

    settings_type: ClassVar[type[RuleSettings]] = FailedStreakSettings

    def findings(self, jobs: Sequence[Job]) -> list[Finding]:
        """The streaks that are long enough."""
        length = self.settings.length
        return [self._finding(streak) for streak in streaks(jobs) if len(streak.failed) >= length]

    def resolution(self, over_by: Job) -> str:
        """That the next print succeeded."""
        return f"{named(over_by)} succeeded."

    def withdrawal(self, alert: Alert, jobs: Sequence[Job]) -> str:
        """Which of the failures turned out to be none."""
        now = {job.id: job for job in jobs}
        revised = [now[job_id] for job_id in alert.job_ids if job_id in now]
        changed = [job for job in revised if job.outcome is not Outcome.FAILED]
        if not changed:
            return "The streak no longer stands: its prints were revised."
        last = changed[-1]
        outcome = OUTCOMES[last.outcome or Outcome.UNKNOWN].lower()
        return f"The streak no longer stands: the outcome of {named(last)} was revised to {outcome}."

    def _finding(self, streak: Streak) -> Finding:
        length, enough = len(streak.failed), self.settings.length
        last = streak.failed[-1]
        row = f"{length} prints in a row failed; the last was"
        return Finding(
            jobs=tuple(job.id for job in streak.failed),
            at_ms=ended(streak.failed[enough - 1]),
            latest_ms=ended(last),
            over_by=streak.broken_by,
            title=f"{length} failed print{'s in a row' if length > 1 else ''}",
            summary=f"{row if length > 1 else 'A print failed:'} {named(last)}.",
            facts={"length": length, "threshold": enough},
            prints=streak.prints[:MOST_PRINTS],
            earlier_prints=max(0, len(streak.prints) - MOST_PRINTS),
        )


RULE = StreakRule
