"""A printer is cut off, or has fallen silent. In the middle of a print that is graver."""

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from alerts.duration import Duration
from alerts.rules._standing import facts_of, in_the_middle
from alerts.rules.base import KIND, Condition, ConditionSettings, PrinterRule, RuleName, RuleSettings
from farm.model.alert import Severity
from farm.model.printer_status import PrinterStatus
from farm.model.states import PrinterState

_UNHEARD = ("silence", "link")
"""What an unknown state rests on when it is the printer that is not heard, and not we that were away."""


class PrinterOfflineSettings(ConditionSettings):
    """The printer is offline or silent."""

    kind: Annotated[Literal["printer_offline"], KIND] = "printer_offline"
    name: RuleName = "printer_offline"
    lasting: Annotated[
        Duration, Field(description="How long it must have been so before there is an alert.")
    ] = timedelta(minutes=2)
    in_mid_print: Annotated[
        Severity, Field(description="How much it matters while a print is under way.")
    ] = Severity.CRITICAL
    only_in_mid_print: Annotated[
        bool, Field(description="Whether it matters only then, as where printers are switched off at night.")
    ] = False


class PrinterOfflineRule(PrinterRule[PrinterOfflineSettings]):
    """Tells a link that is said to be gone from silence."""

    settings_type: ClassVar[type[RuleSettings]] = PrinterOfflineSettings

    @override
    def condition(self, status: PrinterStatus) -> Condition | None:
        """Since when it is offline or silent."""
        is_offline = status.state is PrinterState.OFFLINE
        is_silent = status.state is PrinterState.UNKNOWN and status.source in _UNHEARD
        in_mid_print = status.job is not None
        if not (is_offline or is_silent) or (self.settings.only_in_mid_print and not in_mid_print):
            return None
        words = "Its connection is gone" if is_offline else "Nothing is heard of it"
        return Condition(
            since_ms=status.since_ms,
            title="offline" if is_offline else "silent",
            summary=f"{words}{in_the_middle(status)}.",
            severity=self.settings.in_mid_print if in_mid_print else None,
            facts=facts_of(status),
        )


RULE = PrinterOfflineRule
