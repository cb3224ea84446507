"""A print is done and stays on the bed: the printer earns nothing until somebody clears it."""

from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from alerts.duration import Duration
from alerts.rules._standing import facts_of
from alerts.rules.base import Condition, ConditionSettings, PrinterRule, RuleSettings
from farm.model.alert import Severity
from farm.model.limits import ALERT_RULE
from farm.model.printer_status import PrinterStatus
from farm.model.states import PrinterState


class BedNotClearedSettings(ConditionSettings):
    """The bed has not been cleared for long."""

    kind: Literal["bed_not_cleared"] = Field("bed_not_cleared", description="The kind of this rule.")
    name: str = Field(
        "bed_not_cleared",
        min_length=1,
        max_length=ALERT_RULE.length,
        description="The rule's name in alerts and messages.",
    )
    severity: Severity = Field(Severity.INFO, description="How much its alerts matter.")
    lasting: Duration = Field(
        timedelta(hours=1), description="How long it must have been so before there is an alert."
    )


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
