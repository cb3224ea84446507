"""What the configuration file says of calendars has a trail, in every database."""

from zoneinfo import ZoneInfo

import msgspec
import pytest

from farm.kpi.calendar import ShopCalendar
from farm.kpi.opening_hours import parse_week
from farm.kpi.shop_calendars import ShopCalendars
from farm.ledger.batch import Batch
from farm.ledger.calendar_store import CalendarStore
from farm.ledger.calendar_trail import CalendarTrail
from farm.ledger.filed_calendars import WHO, FiledCalendars
from farm.ledger.ledger import Ledger
from farm.model.calendar_change import CalendarChange, ChangedBy, ChangeKind
from farm.model.feed import FeedKind
from farm.model.times import DAY_MS, HOUR_MS, parse_rfc3339
from tests.contract.ledger_samples import a_printer

UTC = ZoneInfo("UTC")
FRIDAY = parse_rfc3339("2026-11-20T00:00:00Z")
NOW = FRIDAY + 7 * DAY_MS
SHOP = ShopCalendar(name="shop", hours=parse_week("mon-fri 08:00-18:00"))
LATE = ShopCalendar(name="shop", hours=parse_week("mon-fri 08:00-20:00"))
FILED = ShopCalendars(calendars={"shop": SHOP}, groups={"A": "shop"})


@pytest.fixture
def filed(ledger: Ledger) -> FiledCalendars:
    """Of a farm with a printer in the group A, seen since Friday."""
    ledger.commit(Batch(printers=[a_printer("anna", group="A", first_seen_ms=FRIDAY)]))
    return FiledCalendars(ledger.engine, UTC)


def kinds(changes: list[CalendarChange]) -> list[ChangeKind]:
    return [change.what for change in changes]


def test_what_the_file_says_is_noted_once(filed: FiledCalendars, ledger: Ledger) -> None:
    head = ledger.feed_head()
    changes = filed.note(FILED, NOW)
    assert kinds(changes) == [ChangeKind.CALENDAR_SET, ChangeKind.CALENDAR_ASSIGNED]
    assert {change.who for change in changes} == {WHO} == {"configuration"}
    assert [change.restates_from_ms for change in changes] == [None, FRIDAY]
    assert filed.note(FILED, NOW + 1) == []
    assert FiledCalendars(ledger.engine, UTC).note(FILED, NOW + 2) == []
    assert CalendarTrail(ledger.engine).changes(calendar="shop").changes == changes[::-1]
    told = ledger.feed(head, 10)
    assert [entry.kind for entry in told] == [FeedKind.CALENDAR_CHANGED] * 2
    assert [entry.body["restates_from_ms"] for entry in told] == [None, FRIDAY]


def test_other_hours_in_the_file_restate_from_the_first_that_is_another(filed: FiledCalendars) -> None:
    filed.note(FILED, NOW)
    (change,) = filed.note(msgspec.structs.replace(FILED, calendars={"shop": LATE}), NOW + 1)
    assert change.what is ChangeKind.CALENDAR_SET
    assert change.restates_from_ms == FRIDAY + 18 * HOUR_MS
    assert change.before is not None
    assert change.after is not None
    assert (change.before["hours"]["fri"], change.after["hours"]["fri"]) == (["08:00-18:00"], ["08:00-20:00"])


def test_a_calendar_that_is_gone_from_the_file_is_told(filed: FiledCalendars) -> None:
    filed.note(msgspec.structs.replace(FILED, default="shop"), NOW)
    changes = filed.note(ShopCalendars(), NOW + 1)
    assigned = ChangeKind.CALENDAR_ASSIGNED
    assert kinds(changes) == [ChangeKind.CALENDAR_REMOVED, assigned, assigned]
    assert changes[0].restates_from_ms == FRIDAY
    assert [change.after for change in changes[1:]] == [
        {"group": "A", "calendar": None},
        {"group": None, "calendar": None},
    ]


def test_where_the_file_goes_before_a_command_the_difference_is_what_restates(
    filed: FiledCalendars, ledger: Ledger
) -> None:
    CalendarStore(ledger.engine, UTC).set_calendar(SHOP, ChangedBy("olga", "", NOW), groups=["A"])
    assert [change.restates_from_ms for change in filed.note(FILED, NOW + 1)] == [None, None]


def test_a_farm_without_calendars_in_its_file_has_no_trail_of_them(filed: FiledCalendars) -> None:
    assert filed.note(ShopCalendars(), NOW) == []
