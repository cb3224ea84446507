"""The outcomes of many of a printer's prints are not known: its reports do not all arrive."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from alerts.rules._among_last import AmongLastRule, AmongLastSettings
from alerts.rules.base import KIND, RuleName, RuleSettings
from farm.model.job import Job
from farm.model.states import Outcome


class UnknownOutcomesSettings(AmongLastSettings):
    """Of so many of the last prints nobody knows how they ended."""

    kind: Annotated[Literal["unknown_outcomes"], KIND] = "unknown_outcomes"
    name: RuleName = "unknown_outcomes"
    count: Annotated[
        int, Field(ge=1, le=100, description="How many prints of unknown outcome make an alert.")
    ] = 3
    of_last: Annotated[
        int, Field(ge=1, le=100, description="Among how many of the printer's last prints.")
    ] = 10


class UnknownOutcomesRule(AmongLastRule[UnknownOutcomesSettings]):
    """Every print counts."""

    settings_type: ClassVar[type[RuleSettings]] = UnknownOutcomesSettings

    @override
    def counts(self, job: Job) -> bool:
        """Every print."""
        return True

    @override
    def is_one(self, job: Job) -> bool:
        """Whether nobody knows how it ended."""
        return job.outcome is Outcome.UNKNOWN

    @override
    def words(self, found: int, of: int) -> tuple[str, str]:
        """How many."""
        return (
            f"Outcome unknown of {found} of the last {of} prints",
            "What it reports does not all arrive, or it cannot say how a print ended; the last was",
        )


RULE = UnknownOutcomesRule
