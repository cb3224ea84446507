"""A print is under way and makes no progress: a printer that hangs says nothing of it."""

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from alerts.duration import Duration, milliseconds
from alerts.rules._prints import named
from alerts.rules._standing import facts_of
from alerts.rules.base import KIND, Condition, ConditionSettings, PrinterRule, RuleName, RuleSettings
from farm.model.printer_status import PrinterStatus
from farm.model.states import PrinterState


class PrintStalledSettings(ConditionSettings):
    """The print makes no progress."""

    kind: Annotated[Literal["print_stalled"], KIND] = "print_stalled"
    name: RuleName = "print_stalled"
    without_progress: Annotated[Duration, Field(description="How long a print may make no progress.")] = (
        timedelta(minutes=20)
    )
    share_of_print: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="Or so much of the print's estimate, where that is longer: long prints move slowly.",
        ),
    ] = 0.05


class PrintStalledRule(PrinterRule[PrintStalledSettings]):
    """By the progress that the printer tells; silent where it tells none."""

    settings_type: ClassVar[type[RuleSettings]] = PrintStalledSettings

    @override
    def condition(self, status: PrinterStatus) -> Condition | None:
        """From when on no progress is too long, if there is none meanwhile."""
        job = status.job
        if status.state is not PrinterState.PRINTING or job is None or status.progress_ms is None:
            return None
        share_ms = round((job.expected_ms or 0) * self.settings.share_of_print)
        patience_ms = max(milliseconds(self.settings.without_progress), share_ms)
        moved_ms = max(status.progress_ms, status.since_ms)
        return Condition(
            since_ms=moved_ms + patience_ms,
            title="no progress",
            summary=f"{named(job)} is said to print and makes no progress.",
            facts=facts_of(status) | {"progress": job.progress},
        )

    @override
    def over(self, status: PrinterStatus) -> str:
        """That it moves, or what it does instead."""
        return "It makes progress again." if status.state is PrinterState.PRINTING else super().over(status)


RULE = PrintStalledRule
