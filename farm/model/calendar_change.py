"""The trail of calendars and planned maintenance: who changed what, when and why."""

from enum import StrEnum
from typing import Any

import msgspec


class ChangeKind(StrEnum):
    """What was changed."""

    CALENDAR_SET = "calendar.set"
    CALENDAR_REMOVED = "calendar.removed"
    CALENDAR_ASSIGNED = "calendar.assigned"
    MAINTENANCE_PLANNED = "maintenance.planned"
    MAINTENANCE_WITHDRAWN = "maintenance.withdrawn"


class ChangedBy(msgspec.Struct, frozen=True):
    """Who makes a change, why, and at which instant of the ledger (ms since 1970)."""

    who: str
    why: str
    at_ms: int


class CalendarChange(msgspec.Struct, frozen=True, kw_only=True):
    """One change, with what stood before and after it; None where nothing did.

    `calendar` is the name of the calendar that it is about. `restates_from_ms` is the instant from
    which open hours of the past are others by it, None where it bears on the future alone.
    """

    id: int = 0
    at_ms: int
    who: str
    why: str
    what: ChangeKind
    calendar: str | None = None
    restates_from_ms: int | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
