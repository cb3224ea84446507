"""What a rule is: it looks at evidence and says what it finds. It is pure.

A rule is one file in this folder: its settings, its class, and `RULE` naming the class. It is found
by listing the folder; there is no table to add it to. Of one kind there may be several rules, each
with a name, under which its alerts are kept.

A `JobRule` looks at the ended jobs of one printer, a `PrinterRule` at how a printer stands now.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Annotated, Any, ClassVar, Generic, TypeVar

import msgspec
from pydantic import ConfigDict, Field

from alerts.duration import Duration, milliseconds
from farm.model.alert import Alert, Severity
from farm.model.job import Job
from farm.model.limits import ALERT_RULE
from farm.model.printer import Printer
from farm.model.printer_status import PrinterStatus
from farm.settings import Section

MOST_PRINTS = 10
"""How many prints are shown as evidence."""


RuleName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=ALERT_RULE.length,
        description="The rule's name in alerts and messages, under which its alerts are kept.",
    ),
]
KIND = Field(description="The kind of this rule.")


class RuleSettings(Section):
    """What the settings of every rule share."""

    model_config = ConfigDict(hide_input_in_errors=True)

    name: RuleName
    severity: Annotated[
        Severity, Field(description="How much its alerts matter: `info`, `warning` or `critical`.")
    ] = Severity.WARNING
    printers: Annotated[
        tuple[str, ...],
        Field(description="Names of the printers that it watches, `*` and `?` allowed; all unless set."),
    ] = ()
    groups: Annotated[
        tuple[str, ...],
        Field(description="Groups of the printers that it watches, `*` and `?` allowed; all unless set."),
    ] = ()

    def watches(self, printer: Printer) -> bool:
        """Whether the rule is about the printer."""
        return _is_among(printer.name, self.printers) and _is_among(printer.group or "", self.groups)


class ConditionSettings(RuleSettings):
    """What the settings of every rule share that looks at how a printer stands."""

    lasting: Annotated[
        Duration, Field(description="How long it must have been so before there is an alert.")
    ] = timedelta()
    clear_after: Annotated[
        Duration, Field(description="How long it must no longer be so before the alert is over.")
    ] = timedelta(seconds=30)

    @property
    def lasting_ms(self) -> int:
        """`lasting` in milliseconds."""
        return milliseconds(self.lasting)

    @property
    def clear_after_ms(self) -> int:
        """`clear_after` in milliseconds."""
        return milliseconds(self.clear_after)


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule finds about a printer, whether it still holds or is over.

    `jobs` are those that it rests on, oldest first: by a job in common it is known again as
    the finding of an alert, and the first one names a new alert. `at_ms` is when it came
    about, `latest_ms` when the newest of these jobs ended. `over_by` is the job that ended
    it, None while it holds. `prints` are the evidence to show, newest first,
    and `earlier_prints` counts those left out.
    """

    jobs: tuple[str, ...]
    at_ms: int
    latest_ms: int
    over_by: Job | None
    title: str
    summary: str
    facts: dict[str, Any]
    prints: tuple[Job, ...]
    earlier_prints: int = 0


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """What holds of a printer since `since_ms`, in words that stay the same for as long as it holds.

    `severity` is the rule's own where it is None.
    """

    since_ms: int
    title: str
    summary: str
    severity: Severity | None = None
    facts: dict[str, Any] = {}


SettingsT = TypeVar("SettingsT", bound=RuleSettings)
ConditionSettingsT = TypeVar("ConditionSettingsT", bound=ConditionSettings)


class Rule(ABC, Generic[SettingsT]):
    """One rule as it is configured."""

    settings_type: ClassVar[type[RuleSettings]]

    def __init__(self, settings: SettingsT) -> None:
        self.settings = settings

    @property
    def name(self) -> str:
        """The name under which its alerts are kept."""
        return self.settings.name

    @property
    def severity(self) -> Severity:
        """How much its alerts matter."""
        return self.settings.severity

    @property
    def fingerprint(self) -> str:
        """The settings that decide what is found: when they change, everything is looked at anew."""
        return self.settings.model_dump_json()


class JobRule(Rule[SettingsT]):
    """A rule about the ended jobs of one printer; re-evaluated when one ends or is revised."""

    @abstractmethod
    def findings(self, jobs: Sequence[Job]) -> list[Finding]:
        """What is found in the printer's ended jobs (newest first), newest finding first."""

    @abstractmethod
    def resolution(self, over_by: Job) -> str:
        """In words, why an alert is over that `over_by` ended."""

    @abstractmethod
    def withdrawal(self, alert: Alert, jobs: Sequence[Job]) -> str:
        """In words, why an alert is over whose finding no longer stands in `jobs`."""


class PrinterRule(Rule[ConditionSettingsT]):
    """A rule about how a printer stands; looked at when that changes, and when time makes it due.

    `shows_last_print` says that the last print is evidence where none is under way.
    """

    shows_last_print: ClassVar[bool] = False

    @abstractmethod
    def condition(self, status: PrinterStatus) -> Condition | None:
        """What holds of the printer by now, or will hold from an instant on if nothing changes."""

    def over(self, status: PrinterStatus) -> str:
        """In words, what is so instead, when an alert is over."""
        return f"It is {status.state.value} now."


def _is_among(name: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)
