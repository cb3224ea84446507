"""A print is paused: by the printer itself, which wants hands, or by a person who may have forgotten it."""

from datetime import timedelta
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field
from typing_extensions import override

from alerts.duration import Duration, milliseconds
from alerts.rules._standing import facts_of, in_the_middle
from alerts.rules.base import KIND, Condition, ConditionSettings, PrinterRule, RuleName, RuleSettings
from farm.model.printer_status import PrinterStatus
from farm.model.states import PrinterState, StateReason

_WORDS: Final = {
    StateReason.PAUSED_BY_MACHINE: ("paused by the printer", "The printer paused by itself"),
    StateReason.WAITING_FOR_MATERIAL: ("waits for material", "It waits for material"),
    StateReason.WAITING_FOR_OPERATOR: ("waits for somebody", "It waits for somebody"),
}
"""The pauses that want hands at once."""


class PrintPausedSettings(ConditionSettings):
    """A print is paused."""

    kind: Annotated[Literal["print_paused"], KIND] = "print_paused"
    name: RuleName = "print_paused"
    by_person_after: Annotated[
        Duration,
        Field(description="How long a pause may last that the printer is not known to have made itself."),
    ] = timedelta(minutes=30)


class PrintPausedRule(PrinterRule[PrintPausedSettings]):
    """At once where the printer paused, or waits for something; after a while where a person did."""

    settings_type: ClassVar[type[RuleSettings]] = PrintPausedSettings

    @override
    def condition(self, status: PrinterStatus) -> Condition | None:
        """From when on the pause is too long."""
        if status.state is not PrinterState.PAUSED:
            return None
        reason = None if status.reason is None else StateReason(status.reason)
        at_once = _WORDS.get(reason) if reason is not None else None
        title, words = at_once or ("paused for long", "It has been paused for long")
        grace_ms = 0 if at_once else milliseconds(self.settings.by_person_after)
        return Condition(
            since_ms=status.since_ms + grace_ms,
            title=title,
            summary=f"{words}{in_the_middle(status)}.",
            facts=facts_of(status) | {"reason": reason},
        )


RULE = PrintPausedRule
