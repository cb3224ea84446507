"""A print takes much longer than it was to take."""

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from alerts.duration import Duration, milliseconds
from alerts.rules._prints import named
from alerts.rules._standing import facts_of
from alerts.rules.base import KIND, Condition, ConditionSettings, PrinterRule, RuleName, RuleSettings
from alerts.wording import duration
from farm.model.printer_status import PrinterStatus
from farm.model.states import PrinterState

_AT_WORK = (PrinterState.PREPARING, PrinterState.PRINTING)


class OverEstimateSettings(ConditionSettings):
    """The print is over its estimate."""

    kind: Annotated[Literal["over_estimate"], KIND] = "over_estimate"
    name: RuleName = "over_estimate"
    factor: Annotated[
        float,
        Field(gt=1, le=100, description="So many times its estimate, without pauses, may a print take."),
    ] = 1.25
    at_least: Annotated[
        Duration, Field(description="So much longer than its estimate it must take all the same.")
    ] = timedelta(minutes=10)


class OverEstimateRule(PrinterRule[OverEstimateSettings]):
    """By the source's own estimate (the slicer's, or the firmware's); silent where there is none."""

    settings_type: ClassVar[type[RuleSettings]] = OverEstimateSettings

    @override
    def condition(self, status: PrinterStatus) -> Condition | None:
        """From when on the print is over its estimate, if it is not paused meanwhile."""
        job = status.job
        if status.state not in _AT_WORK or job is None or job.started_ms is None or not job.expected_ms:
            return None
        more_ms = max(job.expected_ms * (self.settings.factor - 1), milliseconds(self.settings.at_least))
        return Condition(
            since_ms=job.started_ms + job.paused_ms + job.expected_ms + round(more_ms),
            title="print over its estimate",
            summary=f"{named(job)} was to take {duration(job.expected_ms)} and still prints.",
            facts=facts_of(status) | {"expected_seconds": job.expected_ms / 1000},
        )


RULE = OverEstimateRule
