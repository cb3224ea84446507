"""Planned maintenance in every database: planned, withdrawn, told by printer, group and time."""

import pytest

from farm.errors import InputConflict, InvalidInput, InvalidQuery
from farm.kpi.shop_calendars import maintenance_intervals
from farm.ledger.batch import Batch
from farm.ledger.calendar_trail import CalendarTrail
from farm.ledger.ledger import Ledger
from farm.ledger.maintenance_store import LONGEST_MS, MaintenanceFilter, MaintenanceStore
from farm.model.calendar_change import ChangedBy, ChangeKind
from farm.model.feed import FeedKind
from farm.model.planned_maintenance import PlannedMaintenance
from farm.model.times import HOUR_MS, parse_rfc3339
from tests.contract.ledger_samples import a_printer, an_id

NOW = parse_rfc3339("2026-11-27T00:00:00Z")
ANNA, BERT = an_id("anna"), an_id("bert")
OLGA = ChangedBy("olga", "new nozzle", NOW)


@pytest.fixture
def store(ledger: Ledger) -> MaintenanceStore:
    """Of a farm with anna in group A and bert in none."""
    ledger.commit(Batch(printers=[a_printer("anna", group="A"), a_printer("bert")]))
    return MaintenanceStore(ledger.engine)


def planned(store: MaintenanceStore, hour: int = 8, hours: int = 4, **scope: str) -> PlannedMaintenance:
    from_ms = NOW + hour * HOUR_MS
    return store.plan(OLGA, from_ms=from_ms, to_ms=from_ms + hours * HOUR_MS, **scope).planned


def test_work_is_told_as_it_was_planned(store: MaintenanceStore) -> None:
    made = planned(store, printer_id=ANNA)
    assert made == PlannedMaintenance(
        id=1,
        printer_id=ANNA,
        from_ms=NOW + 8 * HOUR_MS,
        to_ms=NOW + 12 * HOUR_MS,
        planned_ms=NOW,
        who="olga",
        why="new nozzle",
    )
    assert store.entry(1) == made
    assert store.standing() == [made]
    assert store.entry(2) is None


def test_work_on_printer_group_and_farm_counts_for_whom_it_is_about(store: MaintenanceStore) -> None:
    planned(store, 8, 4, printer_id=ANNA)
    planned(store, 10, 4, group="A")
    planned(store, 20, 1)
    standing = store.standing()
    hours = [
        [((start - NOW) // HOUR_MS, (end - NOW) // HOUR_MS) for start, end in intervals]
        for intervals in (
            maintenance_intervals(standing, ANNA, "A"),
            maintenance_intervals(standing, BERT, None),
        )
    ]
    assert hours == [[(8, 14), (20, 21)], [(20, 21)]]


def test_withdrawn_work_counts_for_no_time_and_is_kept(store: MaintenanceStore) -> None:
    made = planned(store)
    done = store.withdraw(made.id, ChangedBy("bert", "later", NOW + 5))
    assert (done.planned.withdrawn_ms, done.change.who, done.change.why) == (NOW + 5, "bert", "later")
    assert store.standing() == []
    assert store.entry(made.id) == done.planned
    assert maintenance_intervals([done.planned], ANNA, "A") == []
    with pytest.raises(InputConflict, match="it was withdrawn at"):
        store.withdraw(made.id, OLGA)
    with pytest.raises(InvalidInput, match="no planned work of this number"):
        store.withdraw(made.id + 1, OLGA)


@pytest.mark.parametrize(
    ("from_ms", "to_ms", "scope", "field"),
    [
        (NOW, NOW, {}, "until"),
        (NOW, NOW - 1, {}, "until"),
        (NOW, NOW + LONGEST_MS + 1, {}, "until"),
        (0, NOW, {}, "from"),
        (NOW, 10**15, {}, "until"),
        (NOW, NOW + 1, {"printer_id": an_id("carl")}, "printer"),
        (NOW, NOW + 1, {"group": "B"}, "group"),
        (NOW, NOW + 1, {"group": "A", "printer_id": ANNA}, "group"),
    ],
)
def test_work_that_cannot_be_is_refused(
    store: MaintenanceStore, from_ms: int, to_ms: int, scope: dict[str, str], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        store.plan(OLGA, from_ms=from_ms, to_ms=to_ms, **scope)
    assert refused.value.field == field
    assert store.standing() == []


def test_work_is_told_by_whom_it_is_about_and_by_its_time(store: MaintenanceStore) -> None:
    planned(store, 8, 4, printer_id=ANNA)
    planned(store, 30, 4, printer_id=BERT)
    planned(store, 10, 4, group="A")
    store.withdraw(planned(store, 20, 1).id, OLGA)

    def told(**wanted: object) -> list[int]:
        return [each.id for each in store.entries(MaintenanceFilter(**wanted)).planned]  # type: ignore[arg-type]

    assert told() == [3, 2, 1]
    assert told(withdrawn=True) == [4, 3, 2, 1]
    assert told(printer_id=ANNA, withdrawn=True) == [4, 3, 1]
    assert told(printer_id=BERT) == [2]
    assert told(group="A") == [3]
    assert told(since_ms=NOW + 12 * HOUR_MS) == [3, 2]
    assert told(until_ms=NOW + 10 * HOUR_MS) == [1]


def test_work_is_told_by_pages(store: MaintenanceStore) -> None:
    for hour in range(3):
        planned(store, hour)
    page = store.entries(MaintenanceFilter(limit=2))
    rest = store.entries(MaintenanceFilter(limit=2, after=page.next))
    assert [each.id for each in page.planned + rest.planned] == [3, 2, 1]
    assert rest.next is None
    with pytest.raises(InvalidQuery, match="planned maintenance"):
        store.entries(MaintenanceFilter(after="nonsense"))


def test_every_change_is_in_the_trail_and_on_the_feed(store: MaintenanceStore, ledger: Ledger) -> None:
    planned(store, printer_id=ANNA)
    store.withdraw(1, OLGA)
    last, first = CalendarTrail(ledger.engine).changes().changes
    kinds = (ChangeKind.MAINTENANCE_PLANNED, ChangeKind.MAINTENANCE_WITHDRAWN)
    assert (first.what, last.what) == kinds
    assert first.before is None
    assert first.after is not None
    assert (first.after["printer"], first.after["from"]) == ("anna", "2026-11-27T08:00:00.000Z")
    assert last.before == first.after
    entries = ledger.feed(0, 10)
    assert [(entry.kind, entry.printer_id, entry.body["change"]) for entry in entries] == [
        (FeedKind.CALENDAR_CHANGED, ANNA, 1),
        (FeedKind.CALENDAR_CHANGED, ANNA, 2),
    ]


@pytest.mark.parametrize(("hour", "restates"), [(-3, True), (0, False), (3, False)])
def test_work_in_the_past_restates_it_from_its_beginning(
    store: MaintenanceStore, hour: int, restates: bool
) -> None:
    from_ms = NOW + hour * HOUR_MS
    made = store.plan(OLGA, from_ms=from_ms, to_ms=from_ms + 10 * HOUR_MS)
    taken = store.withdraw(made.planned.id, OLGA)
    expected = from_ms if restates else None
    assert (made.change.restates_from_ms, taken.change.restates_from_ms) == (expected, expected)
