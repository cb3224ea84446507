"""What a rule is: it looks at evidence and says what it finds. It is pure.

A rule is one file in this folder, ending with `RULE` naming its class. It is found by
listing the folder; there is no table to add it to.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

import msgspec

from alerts.settings import AlertSettings
from farm.model.alert import Alert, Severity
from farm.model.job import Job


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


class JobRule(Protocol):
    """A rule about the ended jobs of one printer; re-evaluated when one ends or is revised."""

    name: ClassVar[str]
    severity: ClassVar[Severity]

    def __init__(self, settings: AlertSettings) -> None: ...

    @property
    def fingerprint(self) -> str:
        """The settings that decide what is found: when they change, everything is looked at anew."""

    def findings(self, jobs: Sequence[Job]) -> list[Finding]:
        """What is found in the printer's ended jobs (newest first), newest finding first."""

    def resolution(self, over_by: Job) -> str:
        """In words, why an alert is over that `over_by` ended."""

    def withdrawal(self, alert: Alert, jobs: Sequence[Job]) -> str:
        """In words, why an alert is over whose finding no longer stands in `jobs`."""
