"""Calendars and which group they hold for, in every database: kept, changed, with a trail and on the feed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from zoneinfo import ZoneInfo

import msgspec
import pytest
from sqlalchemy import insert

from farm.errors import InputConflict, InvalidInput, InvalidQuery
from farm.kpi.calendar import Holiday, OtherHours, ShopCalendar
from farm.kpi.opening_hours import parse_week
from farm.kpi.shop_calendars import ShopCalendars
from farm.ledger import schema
from farm.ledger.batch import Batch
from farm.ledger.calendar_store import CalendarStore, KnownCalendar
from farm.ledger.calendar_trail import CalendarTrail
from farm.ledger.ledger import Ledger, open_ledger
from farm.model.calendar_change import CalendarChange, ChangedBy, ChangeKind
from farm.model.feed import FeedKind
from farm.model.times import DAY_MS, HOUR_MS, parse_rfc3339
from tests.contract.ledger_samples import a_printer

UTC = ZoneInfo("UTC")
FRIDAY = parse_rfc3339("2026-11-20T00:00:00Z")
NOW = FRIDAY + 7 * DAY_MS
OLGA = ChangedBy("olga", "winter", NOW)


def a_calendar(name: str = "shop", hours: str = "mon-fri 08:00-18:00", *days: OtherHours) -> ShopCalendar:
    return ShopCalendar(name=name, hours=parse_week(hours), exceptions=days)


@pytest.fixture
def store(ledger: Ledger) -> CalendarStore:
    """Of a farm with the groups A and B, and a printer without one, all seen since Friday."""
    printers = [
        a_printer(name, group=group, first_seen_ms=FRIDAY)
        for name, group in (("anna", "A"), ("bert", "B"), ("carl", None))
    ]
    ledger.commit(Batch(printers=printers))
    return CalendarStore(ledger.engine, UTC)


def filed(store: CalendarStore, calendar: ShopCalendar, *groups: str, default: bool = False) -> CalendarStore:
    """The store of a farm whose configuration file has the calendar."""
    name = calendar.name
    said = ShopCalendars(
        calendars={name: calendar}, groups=dict.fromkeys(groups, name), default=name if default else None
    )
    return CalendarStore(store.engine, UTC, said)


def trail(store: CalendarStore) -> list[CalendarChange]:
    return CalendarTrail(store.engine).changes().changes


def test_a_calendar_is_told_as_it_was_set(store: CalendarStore) -> None:
    calendar = ShopCalendar(
        name="Werkstatt Süd",
        hours=parse_week("mon-fri 08:00-12:00 13:00-18:00"),
        exceptions=(OtherHours(date(2026, 12, 19), ((540, 840),)), OtherHours(date(2026, 12, 24))),
        holidays=(Holiday(date(2026, 12, 25), "Weihnachten"),),
    )
    store.set_calendar(calendar, OLGA, groups=["B", "A"], default=True)
    expected = KnownCalendar(calendar=calendar, version=1, groups=("A", "B"), default=True)
    assert store.calendars() == [expected]
    assert store.known("Werkstatt Süd") == expected
    assert store.known("shop") is None


def test_every_change_counts_the_version_up_and_nothing_else_does(store: CalendarStore) -> None:
    store.set_calendar(a_calendar(), OLGA)
    assert store.set_calendar(a_calendar(), OLGA) == []
    store.set_calendar(a_calendar(hours="mon 08:00-12:00"), OLGA)
    assert [each.version for each in store.calendars()] == [2]


def test_a_calendar_that_changed_meanwhile_is_not_written_over(store: CalendarStore) -> None:
    store.set_calendar(a_calendar(), OLGA, version=0)
    for seen in (0, 2):
        with pytest.raises(InputConflict, match="has version 1 now"):
            store.set_calendar(a_calendar(hours="closed"), OLGA, version=seen)
    store.set_calendar(a_calendar(hours="closed"), OLGA, version=1)
    assert store.calendars()[0].version == 2


def test_groups_have_their_calendar_and_all_others_the_default(store: CalendarStore) -> None:
    store.set_calendar(a_calendar("day"), OLGA, default=True)
    store.set_calendar(a_calendar("night"), OLGA, groups=["A"])
    known = store.shop_calendars()
    names = [calendar and calendar.name for calendar in map(known.calendar_of, ("A", "B", None))]
    assert names == ["night", "day", "day"]
    store.assign(None, OLGA, default=True)
    known = store.shop_calendars()
    assert [known.calendar_of(group) is None for group in ("A", "B", None)] == [False, True, True]


def test_setting_the_groups_takes_it_from_the_others(store: CalendarStore) -> None:
    store.set_calendar(a_calendar(), OLGA, groups=["A"], default=True)
    store.set_calendar(a_calendar(), OLGA, groups=["B"], default=False)
    assert (store.calendars()[0].groups, store.calendars()[0].default) == (("B",), False)
    store.set_calendar(a_calendar(hours="closed"), OLGA)
    assert store.calendars()[0].groups == ("B",)


def test_another_calendars_default_is_left_alone(store: CalendarStore) -> None:
    store.set_calendar(a_calendar("day"), OLGA, default=True)
    store.set_calendar(a_calendar("night"), OLGA, default=False)
    assert store.shop_calendars().default == "day"


def test_a_calendar_that_is_removed_holds_for_nobody(store: CalendarStore) -> None:
    store.set_calendar(a_calendar(), OLGA, groups=["A"], default=True)
    changes = store.remove_calendar("shop", OLGA)
    assert [change.what for change in changes] == [
        ChangeKind.CALENDAR_ASSIGNED,
        ChangeKind.CALENDAR_ASSIGNED,
        ChangeKind.CALENDAR_REMOVED,
    ]
    assert store.shop_calendars() == ShopCalendars()


def test_what_there_is_not_cannot_be_named(store: CalendarStore) -> None:
    store.set_calendar(a_calendar(), OLGA)
    with pytest.raises(InvalidInput, match="there are: shop"):
        store.remove_calendar("ship", OLGA)
    with pytest.raises(InvalidInput, match="there are: shop"):
        store.assign("ship", OLGA, default=True)
    with pytest.raises(InvalidInput, match="no printer is in a group of this name"):
        store.assign("shop", OLGA, groups=["C"])
    with pytest.raises(InvalidInput, match="who"):
        store.set_calendar(a_calendar("day"), ChangedBy(" ", "", NOW))
    assert [change.what for change in trail(store)] == [ChangeKind.CALENDAR_SET]


def test_the_file_goes_before_the_ledger_and_is_not_changed(store: CalendarStore) -> None:
    store.set_calendar(a_calendar(), OLGA, groups=["A"], default=True)
    of_file = a_calendar(hours="sat 09:00-13:00")
    both = filed(store, of_file, "B")
    assert both.calendars() == [
        KnownCalendar(calendar=of_file, version=None, groups=("A", "B"), default=True)
    ]
    with pytest.raises(InputConflict, match="configuration file"):
        both.set_calendar(a_calendar(), OLGA)
    with pytest.raises(InputConflict, match="configuration file"):
        both.remove_calendar("shop", OLGA)
    with pytest.raises(InputConflict, match="configuration file"):
        both.assign(None, OLGA, groups=["B"])


def test_a_calendar_of_the_file_can_be_assigned(store: CalendarStore) -> None:
    both = filed(store, a_calendar("day"), default=True)
    both.assign("day", OLGA, groups=["A"])
    assert both.shop_calendars().groups == {"A": "day"}
    assert store.shop_calendars().calendar_of("A") is None
    with pytest.raises(InputConflict, match="all others"):
        both.assign(None, OLGA, default=True)


def test_the_trail_says_who_when_why_before_and_after(store: CalendarStore) -> None:
    store.set_calendar(a_calendar(), OLGA)
    store.set_calendar(a_calendar(hours="mon 08:00-12:00"), ChangedBy(" bert ", " shorter ", NOW + 1))
    last, first = trail(store)
    assert (first.id, first.who, first.why, first.at_ms, first.before) == (1, "olga", "winter", NOW, None)
    assert (last.who, last.why, last.at_ms) == ("bert", "shorter", NOW + 1)
    assert last.before is not None
    assert last.after is not None
    assert (last.before["hours"]["tue"], last.after["hours"]["tue"]) == (["08:00-18:00"], [])


def test_the_trail_is_told_by_pages_and_by_calendar(store: CalendarStore) -> None:
    for number in range(5):
        store.set_calendar(a_calendar(f"shop {number % 2}", f"mon 08:00-1{number}:00"), OLGA)
    told = CalendarTrail(store.engine)
    page = told.changes(limit=3)
    rest = told.changes(limit=3, after=page.next)
    assert [change.id for change in page.changes + rest.changes] == [5, 4, 3, 2, 1]
    assert rest.next is None
    assert [change.id for change in told.changes(calendar="shop 1").changes] == [4, 2]
    with pytest.raises(InvalidQuery, match="`next` of the page before"):
        told.changes(after="nonsense")


def test_every_change_is_on_the_feed(store: CalendarStore, ledger: Ledger) -> None:
    store.set_calendar(a_calendar(), OLGA, groups=["A"])
    entries = ledger.feed(0, 100)
    assert [entry.kind for entry in entries] == [FeedKind.CALENDAR_CHANGED] * 2
    assert entries[1].body == {
        "change": 2,
        "what": "calendar.assigned",
        "calendar": "shop",
        "who": "olga",
        "why": "winter",
        "restates_from_ms": FRIDAY,
    }
    assert entries[1].at_ms == NOW


def test_a_change_restates_the_past_from_the_first_hour_that_differs(store: CalendarStore) -> None:
    unused = store.set_calendar(a_calendar(), OLGA)
    assert [change.restates_from_ms for change in unused] == [None]
    used = store.assign("shop", OLGA, groups=["A"])
    assert [change.restates_from_ms for change in used] == [FRIDAY]
    closed = a_calendar("shop", "mon-fri 08:00-18:00", OtherHours(date(2026, 11, 24)))
    assert store.set_calendar(closed, OLGA)[0].restates_from_ms == FRIDAY + 4 * DAY_MS + 8 * HOUR_MS
    ahead = msgspec.structs.replace(closed, holidays=(Holiday(date(2026, 12, 25), "Christmas"),))
    assert store.set_calendar(ahead, OLGA)[0].restates_from_ms is None


def test_nothing_is_written_where_the_change_fails(store: CalendarStore, ledger: Ledger) -> None:
    with pytest.raises(InvalidInput):
        store.set_calendar(a_calendar(), OLGA, groups=["A", "C"])
    assert (store.calendars(), trail(store), ledger.feed(0, 10)) == ([], [], [])


def test_a_group_may_have_a_calendar_that_is_not_there_any_more(store: CalendarStore) -> None:
    with store.engine.begin() as connection:
        connection.execute(insert(schema.calendar_group).values(group="A", calendar="gone"))
    assert store.shop_calendars().calendar_of("A") is None
    store.assign(None, OLGA, groups=["A"])
    assert store.shop_calendars().groups == {}


def test_changes_at_the_same_time_wait_for_each_other(shared_url: str) -> None:
    with open_ledger(shared_url) as ledger, ThreadPoolExecutor(4) as pool:
        store = CalendarStore(ledger.engine, UTC)
        hours = [f"mon 08:00-1{number}:00" for number in range(8)]
        list(pool.map(lambda text: store.set_calendar(a_calendar(hours=text), OLGA), hours))
        assert [each.version for each in store.calendars()] == [8]
        assert len(trail(store)) == len(ledger.feed(0, 100)) == 8
