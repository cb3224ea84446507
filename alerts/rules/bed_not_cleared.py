"""A print is done and stays on the bed: the printer earns nothing until somebody clears it."""

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from alerts.duration import Duration
from alerts.rules._standing import facts_of
from alerts.rules.base import KIND, Condition, ConditionSettings, PrinterRule, RuleName, RuleSettings
from farm.model.alert import Severity
from farm.model.printer_status import PrinterStatus
from farm.model.states import PrinterState


class BedNotClearedSettings(ConditionSettings):
    """The bed has not been cleared for long."""

    kind: Annotated[Literal["bed_not_cleared"], KIND] = "bed_not_cleared"
    name: RuleName = "bed_not_cleared"
    severity: Annotated[Severity, Field(description="How much its alerts matter.")] = Severity.INFO
    lasting: Annotated[
        Duration, Field(description="How long it must have been so before there is an alert.")
    ] = timedelta(hours=1)


class BedNotClearedRule(PrinterRule[BedNotClearedSettings]):
    """Holds while the printer stands finished."""

    settings_type: ClassVar[type[RuleSettings]] = BedNotClearedSettings
    shows_last_print: ClassVar[bool] = True

    @override
    def condition(self, status: PrinterStatus) -> Condition | None:
        """Since when it is done."""
        if status.state is not PrinterState.FINISHED:
            return None
        return Condition(
            since_ms=status.since_ms,
            title="bed not cleared",
            summary="Its print is done and still on the bed.",
            facts=facts_of(status),
        )


RULE = BedNotClearedRule
