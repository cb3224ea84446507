"""How facts are put into words, the same for every receiver. All of it is pure."""

import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from alerts.notification import Bundled, Notification, Print
from farm.model.alert import NotificationReason
from farm.model.states import CancelledBy, Cause, Outcome
from farm.model.times import HOUR_MS, MINUTE_MS, SECOND_MS

CAUSES = {
    Cause.THERMAL: "temperature fault",
    Cause.PRINTER_ERROR: "printer error",
    Cause.CONNECTION: "connection to the board lost",
    Cause.HOST: "computer at the printer stopped",
    Cause.POWER: "power lost",
    Cause.FILAMENT: "filament",
    Cause.ADHESION: "adhesion",
    Cause.FILE: "the file asked for what the printer refuses",
    Cause.OPERATOR: "emergency stop by a person",
    Cause.UNKNOWN: "cause unknown",
}

OUTCOMES = {
    Outcome.SUCCEEDED: "Succeeded",
    Outcome.FAILED: "Failed",
    Outcome.CANCELLED: "Cancelled",
    Outcome.UNKNOWN: "Outcome unknown",
}

_CANCELLERS = {CancelledBy.PERSON: "by a person", CancelledBy.SYSTEM: "by the system"}

_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
"""Signs that turn the reading direction: with them a name can be made to look like another."""

_ELLIPSIS = "…"


def one_line(text: str) -> str:
    """The text on one line: control signs, line ends and turning signs gone, runs of blanks joined."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    spaced = "".join(
        " " if unicodedata.category(sign) in ("Cc", "Zl", "Zp") else sign
        for sign in whole
        if sign not in _REORDERING
    )
    return " ".join(spaced.split())


def units(text: str) -> int:
    """The length in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def utf8_bytes(text: str) -> int:
    """The length in UTF-8 bytes."""
    return len(text.encode("utf-8", "surrogatepass"))


def clipped(text: str, limit: int, size: Callable[[str], int] = units) -> str:
    """The text, shortened by whole signs and with an ellipsis, to `limit` as `size` counts.

    That is in UTF-16 units unless told otherwise, which is what most services count.
    """
    if size(text) <= limit:
        return text
    kept, room = [], limit - size(_ELLIPSIS)
    for sign in text:
        room -= size(sign)
        if room < 0:
            break
        kept.append(sign)
    return "".join(kept).rstrip() + _ELLIPSIS


def duration(length_ms: int) -> str:
    """A length of time as `2 h 05 min`, `14 min` or `40 s`."""
    if length_ms >= HOUR_MS:
        return f"{length_ms // HOUR_MS} h {length_ms % HOUR_MS // MINUTE_MS:02d} min"
    if length_ms >= MINUTE_MS:
        return f"{length_ms // MINUTE_MS} min"
    return f"{max(0, length_ms) // SECOND_MS} s"


def local_time(at_ms: int, time_zone: str) -> str:
    """The instant on the clock of `time_zone`, as `2026-11-22 14:05 CET`."""
    return f"{_local(at_ms, time_zone):%Y-%m-%d %H:%M %Z}"


def local_period(print_: Print, time_zone: str) -> str:
    """When the print began and ended on the clock of `time_zone`; the day is said once where it is one."""
    if print_.ended_ms is None:
        return ""
    end = _local(print_.ended_ms, time_zone)
    if print_.started_ms is None:
        return f"ended {end:%Y-%m-%d %H:%M}"
    start = _local(print_.started_ms, time_zone)
    until = f"{end:%H:%M}" if start.date() == end.date() else f"{end:%Y-%m-%d %H:%M}"
    return f"{start:%Y-%m-%d %H:%M} – {until}"


def _local(at_ms: int, time_zone: str) -> datetime:
    return datetime.fromtimestamp(at_ms / SECOND_MS, UTC).astimezone(ZoneInfo(time_zone))


def outcome(print_: Print) -> str:
    """How the print ended, in words."""
    if print_.outcome is None:
        return "Under way"
    if print_.outcome is Outcome.CANCELLED and print_.cancelled_by is not None:
        return f"{OUTCOMES[print_.outcome]} {_CANCELLERS[print_.cancelled_by]}"
    return OUTCOMES[print_.outcome]


def reason(print_: Print) -> str | None:
    """Why it failed, in words; None where it did not fail."""
    if print_.outcome is not Outcome.FAILED:
        return None
    return CAUSES[print_.cause or Cause.UNKNOWN]


def file_name(print_: Print) -> str:
    """The name of the file on one line, or that it has none."""
    return one_line(print_.file or "") or "(file not known)"


def detail(print_: Print) -> str:
    """What the printer itself said, on one line; empty where it said nothing."""
    return one_line(print_.detail or "")


def headline(notification: Notification) -> str:
    """The title with its reason, on one line; that of several alerts counts the reasons itself."""
    if notification.bundled:
        return one_line(notification.title)
    return _with_reason(notification)


def bundled_line(alert: Bundled) -> str:
    """One of several alerts, on one line."""
    return _with_reason(alert)


def _with_reason(told: Notification | Bundled) -> str:
    words = one_line(told.title)
    return {
        NotificationReason.FIRED: words,
        NotificationReason.REPEATED: f"Still: {words}",
        NotificationReason.RESOLVED: f"Resolved: {words}",
    }[told.reason]


def printer_labels(notification: Notification) -> str:
    """Group and model of the printer in one line; empty where neither is set."""
    return " · ".join(one_line(label) for label in (notification.model, notification.group) if label)
