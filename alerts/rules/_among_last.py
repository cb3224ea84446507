"""So many prints of a kind among a printer's last ones: what the rules of this shape share."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Annotated, Any, Self, TypeVar

from pydantic import Field, model_validator
from typing_extensions import override

from alerts.rules._prints import ended, named
from alerts.rules.base import MOST_PRINTS, Finding, JobRule, RuleSettings
from farm.model.alert import Alert
from farm.model.job import Job


class AmongLastSettings(RuleSettings):
    """So many among so many."""

    count: Annotated[int, Field(ge=1, le=100, description="How many such prints make an alert.")]
    of_last: Annotated[
        int, Field(ge=1, le=100, description="Among how many of the printer's last prints that count.")
    ]

    @model_validator(mode="after")
    def _can_come_about(self) -> Self:
        if self.count > self.of_last:
            raise ValueError(f"count ({self.count}) must not be more than of_last ({self.of_last})")
        return self


SettingsT = TypeVar("SettingsT", bound=AmongLastSettings)


class AmongLastRule(JobRule[SettingsT]):
    """Holds while `count` of the last `of_last` prints that count are of the kind."""

    @abstractmethod
    def counts(self, job: Job) -> bool:
        """Whether the print is one of those that are looked at."""

    @abstractmethod
    def is_one(self, job: Job) -> bool:
        """Whether the print, which counts, is of the kind."""

    @abstractmethod
    def words(self, found: int, of: int) -> tuple[str, str]:
        """The title for so many of so many prints, and how the sentence begins that names the last."""

    @override
    def findings(self, jobs: Sequence[Job]) -> list[Finding]:
        """What holds now; what held before is over."""
        last = [job for job in jobs if self.counts(job)][: self.settings.of_last]
        found = [job for job in last if self.is_one(job)]
        if len(found) < self.settings.count:
            return []
        title, begins = self.words(len(found), len(last))
        facts: dict[str, Any] = {"count": len(found), "of": len(last), "threshold": self.settings.count}
        return [
            Finding(
                jobs=tuple(job.id for job in reversed(found)),
                at_ms=ended(found[len(found) - self.settings.count]),
                latest_ms=ended(found[0]),
                over_by=None,
                title=title,
                summary=f"{begins} {named(found[0])}.",
                facts=facts,
                prints=tuple(last[:MOST_PRINTS]),
                earlier_prints=max(0, len(last) - MOST_PRINTS),
            )
        ]

    @override
    def resolution(self, over_by: Job) -> str:
        """Not asked for: nothing single ends it."""
        return f"{named(over_by)} ended it."

    @override
    def withdrawal(self, alert: Alert, jobs: Sequence[Job]) -> str:
        """How many there are now."""
        last = [job for job in jobs if self.counts(job)][: self.settings.of_last]
        found = sum(1 for job in last if self.is_one(job))
        return f"Of the last {len(last)} prints it is {found} now."
