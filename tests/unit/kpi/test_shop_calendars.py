from datetime import date

import msgspec
import pytest

from farm.kpi.calendar import OtherHours, ShopCalendar
from farm.kpi.opening_hours import parse_week
from farm.kpi.shop_calendars import ShopCalendars, maintenance_intervals, restated_from
from farm.model.planned_maintenance import PlannedMaintenance
from farm.model.times import DAY_MS, HOUR_MS
from tests.unit.kpi.events import at
from tests.unit.kpi.test_periods import BERLIN

SEEN = at("2026-11-02T00:00")
NOW = at("2026-11-27T12:00")
DAY = ShopCalendar(name="day", hours=parse_week("mon-fri 08:00-18:00"))
NIGHT = ShopCalendar(name="night", hours=parse_week("mon-fri 22:00-06:00"))
BOTH = ShopCalendars(calendars={"day": DAY, "night": NIGHT}, groups={"A": "night"}, default="day")


def restated(before: ShopCalendars, after: ShopCalendars, **seen_ms: int) -> int | None:
    groups = {None if name == "none" else name: at_ms for name, at_ms in seen_ms.items()}
    return restated_from(before, after, groups, BERLIN, NOW)


@pytest.mark.parametrize(("group", "expected"), [("A", NIGHT), ("B", DAY), (None, DAY)])
def test_a_group_has_its_calendar_or_that_of_all_others(group: str | None, expected: ShopCalendar) -> None:
    assert BOTH.calendar_of(group) is expected


def test_a_calendar_that_is_not_there_is_none() -> None:
    assert ShopCalendars().calendar_of("A") is None
    assert ShopCalendars(groups={"A": "gone"}, default="day").calendar_of("A") is None


def test_what_is_laid_above_wins_name_by_name_and_group_by_group() -> None:
    shorter = msgspec.structs.replace(DAY, hours=parse_week("mon 08:00-12:00"))
    above = ShopCalendars(calendars={"day": shorter}, groups={"B": "night"})
    laid = BOTH.overlaid(above)
    assert laid.calendars == {"day": shorter, "night": NIGHT}
    assert (laid.groups, laid.default) == ({"A": "night", "B": "night"}, "day")
    assert BOTH.overlaid(ShopCalendars(default="night")).default == "night"


def test_a_change_reaches_back_to_the_first_hour_that_is_another() -> None:
    closed = msgspec.structs.replace(DAY, exceptions=(OtherHours(date(2026, 11, 10)),))
    after = BOTH.overlaid(ShopCalendars(calendars={"day": closed}))
    assert restated(BOTH, after, B=SEEN) == at("2026-11-10T07:00")
    assert restated(after, BOTH, B=SEEN) == at("2026-11-10T07:00")


def test_of_several_changes_that_lead_to_one_calendar_or_from_it_the_first_counts() -> None:
    early, late = (
        msgspec.structs.replace(DAY, name=f"{day}th", exceptions=(OtherHours(date(2026, 11, day)),))
        for day in (10, 17)
    )
    together = ShopCalendars(calendars={each.name: each for each in (DAY, early, late)}, default="day")
    apart = msgspec.structs.replace(together, groups={"A": early.name, "B": late.name})
    for one, other in ((together, apart), (apart, together)):
        assert restated(one, other, A=SEEN, B=SEEN) == at("2026-11-10T07:00")
        assert restated(one, other, B=SEEN, A=SEEN) == at("2026-11-10T07:00")
        assert restated(one, other, B=SEEN) == at("2026-11-17T07:00")


def test_a_change_of_the_future_or_of_nobody_reaches_back_to_nothing() -> None:
    closed = msgspec.structs.replace(DAY, exceptions=(OtherHours(date(2026, 11, 28)),))
    after = BOTH.overlaid(ShopCalendars(calendars={"day": closed}))
    assert restated(BOTH, after, B=SEEN) is None
    past = msgspec.structs.replace(DAY, exceptions=(OtherHours(date(2026, 11, 10)),))
    assert restated(BOTH, BOTH.overlaid(ShopCalendars(calendars={"day": past})), A=SEEN) is None
    assert restated(BOTH, BOTH, A=SEEN, B=SEEN) is None


def test_a_change_reaches_no_further_back_than_the_first_printer_that_it_is_about() -> None:
    after = msgspec.structs.replace(BOTH, default=None)
    later, earlier = at("2026-11-14T00:00"), at("2026-11-12T20:00")
    assert restated(BOTH, after, A=SEEN, none=earlier, B=later) == earlier
    assert restated(BOTH, after, A=SEEN, B=later) == later
    assert restated(BOTH, after, A=SEEN) is None


def test_maintenance_is_about_a_printer_its_group_or_all() -> None:
    def work(number: int, **facts: str | int) -> PlannedMaintenance:
        start = SEEN + number * DAY_MS
        return msgspec.convert(
            {"from_ms": start, "to_ms": start + HOUR_MS, "planned_ms": 0, "who": "olga", **facts},
            PlannedMaintenance,
        )

    planned = [
        work(3),
        work(0, printer_id="a"),
        work(1, group="A"),
        work(2, withdrawn_ms=5),
        work(4, group="B"),
    ]
    days = [(start - SEEN) // DAY_MS for start, _ in maintenance_intervals(planned, "a", "A")]
    assert days == [0, 1, 3]
    assert len(maintenance_intervals(planned, "b", None)) == 1
