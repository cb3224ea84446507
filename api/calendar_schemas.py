"""Calendars of the shop and planned maintenance over HTTP: the bodies of requests, and what answers them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas import Answer, Instant, PrinterId
from farm.kpi.calendar import MOST_DATES, ShopCalendar
from farm.kpi.calendar_record import calendar_from
from farm.kpi.opening_hours import parse_dates
from farm.model import limits
from farm.model.calendar_change import ChangeKind

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Span = Annotated[str, Field(max_length=11, examples=["08:00-18:00"])]
Spans = Annotated[list[Span], Field(max_length=100)]
DateText = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        examples=["2026-12-24"],
        json_schema_extra={"format": "date"},
    ),
]
Group = Annotated[str, Field(min_length=1, max_length=limits.GROUP.length, examples=["Hall A"])]
Why = Annotated[
    str, Field(max_length=limits.WHY.length, description="The reason.", examples=["winter hours"])
]
_CLOSED: list[str] = []


class DayOfItsOwn(BaseModel):
    """A date with hours of its own; closed where it has none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    date: DateText
    hours: Spans = _CLOSED


class NamedHoliday(BaseModel):
    """A date on which the shop is closed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    date: DateText
    name: str = Field(min_length=1, max_length=limits.HOLIDAY.length, examples=["Christmas Day"])


class CalendarRequest(BaseModel):
    """A calendar as a whole. `groups` and `default` stay as they are where they are left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hours: dict[Weekday, Spans] = Field(
        description="Hours by weekday, on the clock of the site, `24:00` for the end of the day. "
        "Weekdays that are left out are closed.",
        examples=[{"mon": ["08:00-12:00", "13:00-18:00"], "sat": ["09:00-13:00"]}],
    )
    exceptions: list[DayOfItsOwn] = Field([], max_length=MOST_DATES, examples=[[]])
    holidays: list[NamedHoliday] = Field([], max_length=MOST_DATES, examples=[[]])
    groups: list[Group] | None = Field(
        None,
        max_length=1000,
        description="The groups of printers for which it holds, and no others.",
        examples=[["Hall A"]],
    )
    default: bool | None = Field(
        None,
        strict=True,
        description="Whether it holds for all printers whose group has no other.",
        examples=[True],
    )
    version: int | None = Field(
        None,
        strict=True,
        ge=0,
        le=limits.VERSION.most,
        description="The version that is to be replaced, 0 for a new calendar; 409 where it is another.",
        examples=[3],
    )
    why: Why = ""

    def calendar(self, name: str) -> ShopCalendar:
        """As it is kept. Raises InvalidInput, with the field, for what is no calendar."""
        return calendar_from(
            name,
            {str(day): spans for day, spans in self.hours.items()},
            [(parse_dates(each.date, "exceptions")[0], each.hours) for each in self.exceptions],
            [(parse_dates(each.date, "holidays")[0], each.name) for each in self.holidays],
        )


class CalendarRecord(Answer):
    """A calendar, and for which printers it holds."""

    name: str = Field(examples=["shop"])
    hours: dict[Weekday, list[Span]] = Field(
        description="Every weekday; closed where there are none.",
        examples=[{"mon": ["08:00-12:00", "13:00-18:00"], "sat": ["09:00-13:00"], "sun": []}],
    )
    exceptions: list[DayOfItsOwn] = Field(description="Dates with hours of their own, in order.")
    holidays: list[NamedHoliday]
    time_zone: str = Field(description="Of the clock that is meant.", examples=["Europe/Berlin"])
    groups: list[str] = Field(examples=[["Hall A"]])
    default: bool = Field(description="Whether it holds for all others.", examples=[False])
    kept_in: Literal["file", "ledger"] = Field(
        description="A calendar of the configuration file is changed there and nowhere else.",
        examples=["ledger"],
    )
    version: int | None = Field(description="Counts the changes; null in the file.", examples=[3])


class CalendarChangeRecord(Answer):
    """One change of the trail, with what stood before and after it."""

    id: int = Field(examples=[17])
    at: Instant
    who: str = Field(examples=["olga"])
    why: str = Field(examples=["winter hours"])
    what: ChangeKind = Field(examples=["calendar.set"])
    calendar: str | None = Field(description="Null for planned maintenance.", examples=["shop"])
    restates_from: Instant | None = Field(
        description="From when on open hours of the past are others by it; null where none are."
    )
    before: dict[str, Any] | None = Field(
        description="A calendar, the calendar of a group, or planned work; null where nothing stood.",
        examples=[{"group": "Hall A", "calendar": None}],
    )
    after: dict[str, Any] | None = Field(examples=[{"group": "Hall A", "calendar": "shop"}])


class ChangeAnswer(Answer):
    """What was changed. Figures that reach back to `restates_from` or further are others now."""

    restates_from: Instant | None
    changes: list[CalendarChangeRecord]


class CalendarAnswer(ChangeAnswer):
    """The calendar as it stands after the changes; null when it was removed."""

    calendar: CalendarRecord | None


class MaintenanceRequest(BaseModel):
    """Work on a printer, on a group, or on the whole farm where neither is named."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    printer: str | None = Field(
        None, max_length=512, description="Id or name of the printer.", examples=["bay1"]
    )
    group: Group | None = Field(None, examples=["Hall A"])
    from_: str = Field(
        alias="from",
        max_length=64,
        description="When it begins, RFC 3339.",
        examples=["2026-11-27T08:00:00Z"],
        json_schema_extra={"format": "date-time"},
    )
    until: str = Field(
        max_length=64,
        description="When it ends, RFC 3339.",
        examples=["2026-11-27T12:00:00Z"],
        json_schema_extra={"format": "date-time"},
    )
    why: Why = ""


class MaintenanceRecord(Answer):
    """Planned work: on a printer, on a group, or on the whole farm where both are null."""

    id: int = Field(examples=[3])
    printer_id: PrinterId | None
    printer: str | None = Field(examples=["bay1"])
    group: str | None = Field(examples=[None])
    from_: Instant = Field(alias="from")
    until: Instant
    planned_at: Instant
    who: str = Field(examples=["olga"])
    why: str = Field(examples=["new nozzle"])
    withdrawn_at: Instant | None = Field(description="When it was taken back; null while it stands.")


class MaintenanceAnswer(ChangeAnswer):
    """The planned work as it stands after the change."""

    maintenance: MaintenanceRecord
