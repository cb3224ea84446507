"""A calendar and planned maintenance as objects of JSON: in answers, in the trail, on the command line."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from farm.errors import InvalidInput
from farm.kpi.calendar import WEEKDAYS, DayHours, Holiday, OtherHours, ShopCalendar, span_text
from farm.kpi.opening_hours import parse_day_hours, week
from farm.model.planned_maintenance import PlannedMaintenance
from farm.model.times import rfc3339, rfc3339_or_none


def calendar_record(calendar: ShopCalendar) -> dict[str, Any]:
    """Its hours by weekday, every weekday named, and its dates."""
    return {
        "name": calendar.name,
        "hours": {day: _spans(hours) for day, hours in zip(WEEKDAYS, calendar.hours, strict=True)},
        "exceptions": [
            {"date": each.day.isoformat(), "hours": _spans(each.hours)} for each in calendar.exceptions
        ],
        "holidays": [{"date": each.day.isoformat(), "name": each.name} for each in calendar.holidays],
    }


def calendar_from(
    name: str,
    hours: Mapping[str, Iterable[str]],
    exceptions: Iterable[tuple[date, Iterable[str]]],
    holidays: Iterable[tuple[date, str]],
) -> ShopCalendar:
    """The calendar of such a record; weekdays that are not named are closed, dates in any order.

    Raises InvalidInput for what is no calendar.
    """
    for day in hours:
        if day not in WEEKDAYS:
            raise InvalidInput("hours", day, f"must be one of {', '.join(WEEKDAYS)}")
    return ShopCalendar(
        name=name,
        hours=week({day: parse_day_hours(spans, f"hours.{day}") for day, spans in hours.items()}),
        exceptions=tuple(
            sorted(
                (OtherHours(day, parse_day_hours(spans, f"exceptions.{day}")) for day, spans in exceptions),
                key=lambda other: other.day,
            )
        ),
        holidays=tuple(
            sorted((Holiday(day, called) for day, called in holidays), key=lambda holiday: holiday.day)
        ),
    )


def maintenance_record(planned: PlannedMaintenance, printer: str | None) -> dict[str, Any]:
    """The planned work, `printer` being the name of the printer that it is on."""
    return {
        "id": planned.id,
        "printer_id": planned.printer_id,
        "printer": printer,
        "group": planned.group,
        "from": rfc3339(planned.from_ms),
        "until": rfc3339(planned.to_ms),
        "planned_at": rfc3339(planned.planned_ms),
        "who": planned.who,
        "why": planned.why,
        "withdrawn_at": rfc3339_or_none(planned.withdrawn_ms),
    }


def _spans(hours: DayHours) -> list[str]:
    return [span_text(span) for span in hours]
