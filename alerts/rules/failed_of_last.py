"""So many of a printer's last prints have failed, whatever came between them."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from alerts.rules._among_last import AmongLastRule, AmongLastSettings
from alerts.rules.base import KIND, RuleName, RuleSettings
from farm.model.job import Job
from farm.model.states import Outcome

_COUNTED = (Outcome.FAILED, Outcome.SUCCEEDED)


class FailedOfLastSettings(AmongLastSettings):
    """So many of the last prints have failed."""

    kind: Annotated[Literal["failed_of_last"], KIND] = "failed_of_last"
    name: RuleName = "failed_of_last"
    count: Annotated[int, Field(ge=1, le=100, description="How many failed prints make an alert.")] = 3
    of_last: Annotated[
        int, Field(ge=1, le=100, description="Among how many of the last prints that succeeded or failed.")
    ] = 5


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
