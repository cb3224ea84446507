"""A printer reports an error and does nothing until somebody sees to it."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from alerts.rules._standing import facts_of, in_the_middle
from alerts.rules.base import KIND, Condition, ConditionSettings, PrinterRule, RuleName, RuleSettings
from farm.model.alert import Severity
from farm.model.printer_status import PrinterStatus
from farm.model.states import PrinterState


class PrinterErrorSettings(ConditionSettings):
    """The printer is in its error state."""

    kind: Annotated[Literal["printer_error"], KIND] = "printer_error"
    name: RuleName = "printer_error"
    severity: Annotated[Severity, Field(description="How much its alerts matter.")] = Severity.CRITICAL


class PrinterErrorRule(PrinterRule[PrinterErrorSettings]):
    """Holds for as long as the error state does."""

    settings_type: ClassVar[type[RuleSettings]] = PrinterErrorSettings
    shows_last_print: ClassVar[bool] = True

    @override
    def condition(self, status: PrinterStatus) -> Condition | None:
        """Since when it is in error."""
        if status.state is not PrinterState.ERROR:
            return None
        return Condition(
            since_ms=status.since_ms,
            title="error",
            summary=f"It reports an error{in_the_middle(status)}.",
            facts=facts_of(status),
        )


RULE = PrinterErrorRule
