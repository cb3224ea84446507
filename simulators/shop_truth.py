"""What the people of a simulated shop decide and find, as it stands in the ledger of truth."""

from typing import Any

import msgspec

from farm.model.states import RejectionReason
from farm.model.times import parse_rfc3339, rfc3339

DayMinutes = tuple[tuple[int, int], ...]
"""Hours of a day: from and until, in minutes on the clock of the wall."""


class CalendarTruth(msgspec.Struct, frozen=True, kw_only=True):
    """When the shop is open: hours by weekday (`mon`), and by date (`2026-12-24`) where others hold."""

    name: str
    groups: tuple[str, ...]
    default: bool
    hours: dict[str, DayMinutes]
    dates: dict[str, DayMinutes]


class MaintenanceTruth(msgspec.Struct, frozen=True, kw_only=True):
    """Planned work on a printer, on a group, or on the whole farm. Times in milliseconds since 1970."""

    printer: str | None
    group: str | None
    from_ms: int
    to_ms: int
    by: str


class VerdictTruth(msgspec.Struct, frozen=True, kw_only=True):
    """What a person found who inspected the printer's job of that number."""

    printer: str
    number: int
    good_units: int
    rejected_units: int
    reason: RejectionReason | None
    by: str
    at_ms: int


def calendar_line(calendar: CalendarTruth) -> dict[str, Any]:
    """The calendar as it stands in the file."""
    return {"kind": "calendar", **msgspec.to_builtins(calendar)}


def maintenance_line(planned: MaintenanceTruth) -> dict[str, Any]:
    """The planned work as it stands in the file."""
    line = {"kind": "maintenance", **msgspec.to_builtins(planned)}
    return _timed(line, from_ms="from", to_ms="to")


def verdict_line(verdict: VerdictTruth) -> dict[str, Any]:
    """The verdict as it stands in the file."""
    return _timed({"kind": "verdict", **msgspec.to_builtins(verdict)}, at_ms="at")


def calendar_in(line: dict[str, Any]) -> CalendarTruth:
    """The calendar of a line of the file."""
    return msgspec.convert(line, CalendarTruth)


def maintenance_in(line: dict[str, Any]) -> MaintenanceTruth:
    """The planned work of a line of the file."""
    times = {"from_ms": parse_rfc3339(line.pop("from")), "to_ms": parse_rfc3339(line.pop("to"))}
    return msgspec.convert({**line, **times}, MaintenanceTruth)


def verdict_in(line: dict[str, Any]) -> VerdictTruth:
    """The verdict of a line of the file."""
    at_ms = parse_rfc3339(line.pop("at"))
    return msgspec.convert({**line, "at_ms": at_ms}, VerdictTruth)


def _timed(line: dict[str, Any], **names: str) -> dict[str, Any]:
    for field, name in names.items():
        line[name] = rfc3339(line.pop(field))
    return line
