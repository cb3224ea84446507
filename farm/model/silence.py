"""Silences: which alerts are not told for a while, by what their labels say."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from farm.model.alert import Alert
from farm.model.printer import Printer
from farm.model.times import DAY_MS

LONGEST_MS: Final = 366 * DAY_MS
"""What is silent for longer is no alert: its rule or its printer is to be turned off."""

Labels = Mapping["Label", str]


class Label(StrEnum):
    """What an alert can be told apart by."""

    RULE = "rule"
    PRINTER = "printer"
    GROUP = "group"
    SEVERITY = "severity"
    SUBJECT = "subject"


class SilenceState(StrEnum):
    """Where a silence stands."""

    WAITING = "waiting"
    """It begins later."""
    IN_FORCE = "in_force"
    OVER = "over"


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts that match are not told from `from_ms` until `to_ms`, or until it was ended before.

    `matchers` are patterns by label, which must all match: `*` stands for any signs, `?` for one.
    """

    id: int = 0
    matchers: dict[Label, str]
    from_ms: int
    to_ms: int
    who: str
    why: str = ""
    made_ms: int
    ended_ms: int | None = None

    @property
    def over_ms(self) -> int:
        """When it is or was over."""
        return self.to_ms if self.ended_ms is None else min(self.to_ms, self.ended_ms)

    def state(self, now_ms: int) -> SilenceState:
        """Where it stands then."""
        if self.over_ms <= now_ms:
            return SilenceState.OVER
        return SilenceState.IN_FORCE if self.from_ms <= now_ms else SilenceState.WAITING

    def has_been_in_force(self, since_ms: int, now_ms: int) -> bool:
        """Whether it was in force at any time after `since_ms`, up to `now_ms`."""
        return self.from_ms < self.over_ms and self.from_ms <= now_ms and since_ms < self.over_ms

    def matches(self, labels: Labels) -> bool:
        """Whether it is about an alert of these labels."""
        return do_match(self.matchers, labels)


def labels_of(alert: Alert, printer: Printer | None) -> dict[Label, str]:
    """The labels of an alert about this printer; empty where there is nothing to say."""
    return {
        Label.RULE: alert.rule,
        Label.PRINTER: "" if printer is None else printer.name,
        Label.GROUP: "" if printer is None else printer.group or "",
        Label.SEVERITY: alert.severity.value,
        Label.SUBJECT: alert.subject,
    }


def do_match(matchers: Mapping[Label, str], labels: Labels) -> bool:
    """Whether every pattern matches its label; case does not tell labels apart."""
    return all(_is_like(labels[label].casefold(), like.casefold()) for label, like in matchers.items())


def _is_like(text: str, pattern: str) -> bool:
    """Whether the text is of the pattern. A regular expression would take its time for many `*`."""
    at = place = 0
    star, resumed = -1, 0
    while at < len(text):
        if place < len(pattern) and pattern[place] == "*":
            star, resumed = place, at
            place += 1
        elif place < len(pattern) and pattern[place] in ("?", text[at]):
            place, at = place + 1, at + 1
        elif star >= 0:
            resumed += 1
            place, at = star + 1, resumed
        else:
            return False
    return not pattern[place:].strip("*")
