"""So many of a printer's last prints have failed, whatever came between them."""

from typing import ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from alerts.rules._among_last import AmongLastRule, AmongLastSettings
from alerts.rules.base import RuleSettings
from farm.model.job import Job
from farm.model.limits import ALERT_RULE
from farm.model.states import Outcome

_COUNTED = (Outcome.FAILED, Outcome.SUCCEEDED)


class FailedOfLastSettings(AmongLastSettings):
    """So many of the last prints have failed."""

    kind: Literal["failed_of_last"] = Field("failed_of_last", description="The kind of this rule.")
    name: str = Field(
        "failed_of_last",
        min_length=1,
        max_length=ALERT_RULE.length,
        description="The rule's name in alerts and messages.",
    )
    count: int = Field(3, ge=1, le=100, description="How many failed prints make an alert.")
    of_last: int = Field(
        5, ge=1, le=100, description="Among how many of the last prints that succeeded or failed."
    )


class FailedOfLastRule(AmongLastRule[FailedOfLastSettings]):
    """Prints that were cancelled, or whose outcome nobody knows, count neither way."""

    settings_type: ClassVar[type[RuleSettings]] = FailedOfLastSettings

    @override
    def counts(self, job: Job) -> bool:
        """Whether it succeeded or failed."""
        return job.outcome in _COUNTED

    @override
    def is_one(self, job: Job) -> bool:
        """Whether it failed."""
        return job.outcome is Outcome.FAILED

    @override
    def words(self, found: int, of: int) -> tuple[str, str]:
        """How many failed."""
        return f"{found} of the last {of} prints failed", "The last that failed was"


RULE = FailedOfLastRule
