"""Calendars as they stand, and changes of them, as objects of JSON: for API and command line alike."""

from typing import Any
from zoneinfo import ZoneInfo

from farm.kpi.calendar_record import calendar_record
from farm.ledger.calendar_store import KnownCalendar
from farm.model.calendar_change import CalendarChange
from farm.model.times import rfc3339, rfc3339_or_none


def known_calendar_record(known: KnownCalendar, zone: ZoneInfo) -> dict[str, Any]:
    """A calendar, where it is kept, and for whom it holds; `zone` is that of its clock."""
    return calendar_record(known.calendar) | {
        "time_zone": zone.key,
        "groups": list(known.groups),
        "default": known.default,
        "kept_in": "file" if known.version is None else "ledger",
        "version": known.version,
    }


def change_record(change: CalendarChange) -> dict[str, Any]:
    """One entry of the trail."""
    return {
        "id": change.id,
        "at": rfc3339(change.at_ms),
        "who": change.who,
        "why": change.why,
        "what": change.what.value,
        "calendar": change.calendar,
        "restates_from": rfc3339_or_none(change.restates_from_ms),
        "before": change.before,
        "after": change.after,
    }


def restated_since(changes: list[CalendarChange]) -> int | None:
    """The instant from which the changes together restate open hours of the past; None where they do not."""
    return min((each.restates_from_ms for each in changes if each.restates_from_ms is not None), default=None)
