"""A printer reports an error and does nothing until somebody sees to it."""

from typing import ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from alerts.rules._standing import facts_of, in_the_middle
from alerts.rules.base import Condition, ConditionSettings, PrinterRule, RuleSettings
from farm.model.alert import Severity
from farm.model.limits import ALERT_RULE
from farm.model.printer_status import PrinterStatus
from farm.model.states import PrinterState


class PrinterErrorSettings(ConditionSettings):
    """The printer is in its error state."""

    kind: Literal["printer_error"] = Field("printer_error", description="The kind of this rule.")
    name: str = Field(
        "printer_error",
        min_length=1,
        max_length=ALERT_RULE.length,
        description="The rule's name in alerts and messages.",
    )
    severity: Severity = Field(Severity.CRITICAL, description="How much its alerts matter.")


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
