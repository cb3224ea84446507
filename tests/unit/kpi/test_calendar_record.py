"""A calendar and planned work as objects of JSON."""

from datetime import date

import pytest

from farm.errors import InvalidInput
from farm.kpi.calendar import Holiday, OtherHours, ShopCalendar
from farm.kpi.calendar_record import calendar_from, calendar_record, maintenance_record
from farm.kpi.opening_hours import parse_week
from farm.model.planned_maintenance import PlannedMaintenance
from tests.unit.kpi.events import at

SHOP = ShopCalendar(
    name="shop",
    hours=parse_week("mon 08:00-12:00 13:00-18:00, sat 09:00-13:00"),
    exceptions=(OtherHours(date(2026, 12, 19), ((540, 840),)), OtherHours(date(2026, 12, 24))),
    holidays=(Holiday(date(2026, 12, 25), "Christmas Day"), Holiday(date(2026, 12, 26), "Boxing Day")),
)
RECORD = {
    "name": "shop",
    "hours": {
        "mon": ["08:00-12:00", "13:00-18:00"],
        **{day: [] for day in ("tue", "wed", "thu", "fri")},
        "sat": ["09:00-13:00"],
        "sun": [],
    },
    "exceptions": [
        {"date": "2026-12-19", "hours": ["09:00-14:00"]},
        {"date": "2026-12-24", "hours": []},
    ],
    "holidays": [
        {"date": "2026-12-25", "name": "Christmas Day"},
        {"date": "2026-12-26", "name": "Boxing Day"},
    ],
}


def test_a_calendar_tells_every_weekday_and_its_dates() -> None:
    assert calendar_record(SHOP) == RECORD


def test_weekdays_that_are_not_named_are_closed_and_dates_come_in_any_order() -> None:
    hours = {"sat": ["09:00-13:00"], "mon": ["13:00-18:00", "08:00-12:00"]}
    days = {date(2026, 12, 24): [], date(2026, 12, 19): ["09:00-14:00"]}
    names = {date(2026, 12, 26): "Boxing Day", date(2026, 12, 25): "Christmas Day"}
    assert calendar_from("shop", hours, days.items(), names.items()) == SHOP


def test_a_weekday_that_is_none_and_hours_that_cannot_be_are_named() -> None:
    with pytest.raises(InvalidInput, match="mon, tue, wed, thu, fri, sat, sun") as refused:
        calendar_from("shop", {"monday": ["08:00-12:00"]}, (), ())
    assert (refused.value.field, refused.value.value) == ("hours", "monday")
    with pytest.raises(InvalidInput) as refused:
        calendar_from("shop", {"mon": ["8 to 12"]}, (), ())
    assert refused.value.field == "hours.mon"
    with pytest.raises(InvalidInput) as refused:
        calendar_from("shop", {}, [(date(2026, 12, 24), ["8 to 12"])], ())
    assert refused.value.field == "exceptions.2026-12-24"


def test_planned_work_tells_whom_it_is_about_and_its_times() -> None:
    planned = PlannedMaintenance(
        id=7, printer_id="p1", from_ms=at("2026-11-27T08:00"), to_ms=at("2026-11-27T09:30"),
        planned_ms=at("2026-11-20T10:00"), who="olga", why="belts",
    )  # fmt: skip
    assert maintenance_record(planned, "bay1") == {
        "id": 7,
        "printer_id": "p1",
        "printer": "bay1",
        "group": None,
        "from": "2026-11-27T08:00:00.000Z",
        "until": "2026-11-27T09:30:00.000Z",
        "planned_at": "2026-11-20T10:00:00.000Z",
        "who": "olga",
        "why": "belts",
        "withdrawn_at": None,
    }
