"""What the store of alerts keeps to, over every kind of database."""

import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from farm.errors import InvalidQuery, LedgerError, LedgerUnreachable
from farm.ledger.alert_store import AlertStore
from farm.ledger.ledger import Ledger, open_ledger
from farm.model.alert import (
    Alert,
    AlertBatch,
    AlertFilter,
    AlertState,
    Bookmark,
    Delivery,
    DeliveryAttempt,
    DeliveryProgress,
    DeliveryState,
    DeliveryTotal,
    NotificationReason,
    Settlement,
    Severity,
)
from farm.model.feed import FeedEntry, FeedKind
from tests.contract.ledger_samples import an_id

READER = "evaluator"
LEASE_MS = 1_000


@pytest.fixture
def store(empty_ledger: Ledger) -> AlertStore:
    return AlertStore(empty_ledger.engine)


def an_alert(word: str = "streak", **more: Any) -> Alert:
    facts: dict[str, Any] = {
        "id": an_id(word),
        "rule": "failed_streak",
        "subject": an_id("anna"),
        "printer_id": an_id("anna"),
        "state": AlertState.FIRING,
        "severity": Severity.CRITICAL,
        "fired_ms": 100,
        "notified_ms": 100,
        "title": "3 failed prints in a row",
        "summary": "It has failed.",
        "job_ids": (an_id("one"), an_id("two")),
        "count": 1,
        "facts": {"length": 3},
    }
    return Alert(**(facts | more))


def a_delivery(word: str, alert: Alert | None = None, **more: Any) -> Delivery:
    facts: dict[str, Any] = {
        "id": an_id(word),
        "alert_id": (alert or an_alert()).id,
        "receiver": "slack",
        "reason": NotificationReason.FIRED,
        "state": DeliveryState.PENDING,
        "notification": {"title": "3 failed prints in a row", "file": "größe 🧨.gcode"},
        "created_ms": 100,
        "due_ms": 100,
    }
    return Delivery(**(facts | more))


def an_entry(kind: FeedKind = FeedKind.ALERT_FIRED) -> FeedEntry:
    return FeedEntry(kind=kind, at_ms=100, printer_id=an_id("anna"), body={"alert_id": an_alert().id})


class AlertBooks:
    """Books on and on, as the evaluator does."""

    def __init__(self, store: AlertStore) -> None:
        self.store = store
        self.seen: Bookmark | None = store.bookmark(READER)

    def book(self, *things: Alert | Delivery | FeedEntry, seq: int = 0) -> Bookmark | None:
        reached = self.store.book(
            AlertBatch(
                reader=READER,
                seen=self.seen,
                seq=seq,
                note="failed_streak=3",
                alerts=[thing for thing in things if isinstance(thing, Alert)],
                deliveries=[thing for thing in things if isinstance(thing, Delivery)],
                feed=[thing for thing in things if isinstance(thing, FeedEntry)],
            )
        )
        self.seen = reached
        return reached


@pytest.fixture
def books(store: AlertStore) -> AlertBooks:
    return AlertBooks(store)


def settled(state: DeliveryState, *, due_ms: int = 0, at_ms: int = 200, **more: Any) -> Settlement:
    ok = state is DeliveryState.DELIVERED
    return Settlement(
        attempt=DeliveryAttempt(at_ms=at_ms, duration_ms=12, ok=ok, answer=more.get("answer", "HTTP 200 ok")),
        state=state,
        due_ms=due_ms,
        progress=more.get("progress", DeliveryProgress(outstanding=())),
    )


def claimed(store: AlertStore, now_ms: int = 200, receiver: str = "slack") -> Delivery:
    delivery = store.claim(receiver, now_ms, LEASE_MS)
    assert delivery is not None
    return delivery


def test_an_alert_comes_back_as_it_was_booked(store: AlertStore, books: AlertBooks) -> None:
    for alert in (
        an_alert(),
        an_alert("two", resolved_ms=5, resolution="ö", state=AlertState.RESOLVED, suppressed=True),
    ):
        books.book(alert)
        assert store.alert(alert.id) == alert
    assert store.alert(an_id("none")) is None


def test_an_alert_booked_again_is_changed(store: AlertStore, books: AlertBooks) -> None:
    books.book(an_alert())
    changed = an_alert(
        state=AlertState.RESOLVED, resolved_ms=300, title="4 failed prints in a row", notified_ms=None
    )
    books.book(changed)
    assert store.alerts(AlertFilter()).alerts == [changed]


def test_a_delivery_comes_back_with_its_attempts(store: AlertStore, books: AlertBooks) -> None:
    delivery = a_delivery("d")
    books.book(an_alert(), delivery)
    assert store.deliveries([an_alert().id]) == [delivery]
    store.settle(claimed(store), settled(DeliveryState.PENDING, due_ms=900, answer="HTTP 503"))
    store.settle(claimed(store, 950), settled(DeliveryState.DELIVERED, at_ms=950))
    (found,) = store.deliveries([an_alert().id])
    assert found.state is DeliveryState.DELIVERED
    assert found.delivered_ms == 962
    assert found.attempts == 2
    assert [(each.at_ms, each.ok, each.answer) for each in found.tried] == [
        (200, False, "HTTP 503"),
        (950, True, "HTTP 200 ok"),
    ]
    assert store.deliveries([]) == []
    assert store.deliveries([an_id("none")]) == []


def test_a_delivery_booked_again_is_left_as_it_stands(store: AlertStore, books: AlertBooks) -> None:
    books.book(an_alert(), a_delivery("d"))
    store.settle(claimed(store), settled(DeliveryState.DELIVERED))
    books.book(an_alert(), a_delivery("d"))
    (found,) = store.deliveries([an_alert().id])
    assert found.state is DeliveryState.DELIVERED
    assert store.claim("slack", 9_999, LEASE_MS) is None


def test_everything_of_a_step_is_booked_or_nothing(
    store: AlertStore, books: AlertBooks, empty_ledger: Ledger
) -> None:
    books.book(seq=1)
    stale = books.seen
    books.book(seq=2)
    books.seen = stale
    assert books.book(an_alert(), a_delivery("d"), an_entry(), seq=3) is None
    assert store.alerts(AlertFilter()).alerts == []
    assert store.deliveries([an_alert().id]) == []
    assert empty_ledger.feed_head() == 0
    assert store.bookmark(READER) == Bookmark(seq=2, version=2, note="failed_streak=3")


def test_a_step_that_breaks_leaves_nothing(
    store: AlertStore, books: AlertBooks, empty_ledger: Ledger
) -> None:
    with pytest.raises(LedgerError):
        books.book(an_alert(), a_delivery("d", an_alert("not booked")), an_entry(), seq=9)
    assert store.alerts(AlertFilter()).alerts == []
    assert empty_ledger.feed_head() == 0
    assert store.bookmark(READER) is None


def test_of_two_evaluators_only_one_books_the_first_step(store: AlertStore) -> None:
    first, second = AlertBooks(store), AlertBooks(store)
    assert first.book(an_alert(), seq=4) is not None
    assert second.book(an_alert(), seq=4) is None


def test_of_many_evaluators_at_once_one_books(shared_url: str) -> None:
    with open_ledger(shared_url) as ledger:
        store = AlertStore(ledger.engine)
        start, won = threading.Barrier(4), []

        def book() -> None:
            books = AlertBooks(store)
            start.wait(10)
            if books.book(an_alert(), a_delivery("d"), an_entry(), seq=1) is not None:
                won.append(books)

        threads = [threading.Thread(target=book) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert len(won) == 1
        assert ledger.feed_head() == 1


def test_the_entries_are_added_to_the_feed(books: AlertBooks, empty_ledger: Ledger) -> None:
    books.book(an_alert(), an_entry(), an_entry(FeedKind.ALERT_RESOLVED))
    kinds = [(entry.seq, entry.kind) for entry in empty_ledger.feed(0, 10)]
    assert kinds == [(1, FeedKind.ALERT_FIRED), (2, FeedKind.ALERT_RESOLVED)]


def test_readers_have_a_bookmark_each(store: AlertStore, books: AlertBooks) -> None:
    books.book(seq=7)
    assert store.bookmark("another") is None
    assert store.book(AlertBatch(reader="another", seen=None, seq=3)) == Bookmark(seq=3, version=1)
    assert store.bookmark(READER) == Bookmark(seq=7, version=1, note="failed_streak=3")


@pytest.fixture
def five(books: AlertBooks) -> list[Alert]:
    """Alerts, newest first."""
    alerts = [
        an_alert(
            f"a{n}", fired_ms=100 + n // 2, printer_id=an_id("anna" if n % 2 else "ben"), subject=str(n % 2)
        )
        for n in range(5)
    ]
    alerts[0] = msgspec.structs.replace(alerts[0], state=AlertState.RESOLVED)
    alerts[1] = msgspec.structs.replace(alerts[1], rule="offline")
    books.book(*alerts)
    return sorted(alerts, key=lambda alert: (alert.fired_ms, alert.id), reverse=True)


def test_alerts_are_listed_newest_first_page_by_page(store: AlertStore, five: list[Alert]) -> None:
    found: list[Alert] = []
    after = None
    for _ in range(3):
        page = store.alerts(AlertFilter(limit=2, after=after))
        found += page.alerts
        after = page.next
    assert found == five
    assert after is None


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (AlertFilter(states=[AlertState.RESOLVED]), {"a0"}),
        (AlertFilter(states=[]), set()),
        (AlertFilter(rules=["offline"]), {"a1"}),
        (AlertFilter(printer_ids=[an_id("ben")]), {"a0", "a2", "a4"}),
        (AlertFilter(since_ms=101), {"a2", "a3", "a4"}),
        (AlertFilter(until_ms=101), {"a0", "a1"}),
        (AlertFilter(since_ms=101, until_ms=102, printer_ids=[an_id("anna")]), {"a3"}),
    ],
)
def test_alerts_are_filtered(
    store: AlertStore, five: list[Alert], wanted: AlertFilter, names: set[str]
) -> None:
    assert {alert.id for alert in store.alerts(wanted).alerts} == {an_id(name) for name in names}


@pytest.mark.parametrize("mark", ["", "x", "12", "~a", "1.5~a", "٣~a"])
def test_what_is_no_mark_of_a_page_is_refused(store: AlertStore, mark: str) -> None:
    with pytest.raises(InvalidQuery):
        store.alerts(AlertFilter(after=mark))


def test_the_alerts_of_a_subject_are_those_of_the_rule(store: AlertStore, five: list[Alert]) -> None:
    assert {alert.id for alert in store.alerts_of("failed_streak", "1")} == {an_id("a3")}
    assert [alert.fired_ms for alert in store.alerts_of("failed_streak", "0")] == [102, 101, 100]


def test_firing_alerts_can_be_limited_to_those_told_long_ago(store: AlertStore, books: AlertBooks) -> None:
    told = {"old": 100, "new": 500, "never": None}
    for name, notified_ms in told.items():
        books.book(an_alert(name, notified_ms=notified_ms))
    books.book(an_alert("over", notified_ms=50, state=AlertState.RESOLVED))
    assert {alert.id for alert in store.firing("failed_streak")} == {an_id(name) for name in told}
    assert [alert.id for alert in store.firing("failed_streak", 499)] == [an_id("old")]
    assert [alert.id for alert in store.firing("failed_streak", 100)] == [an_id("old")]
    assert store.firing("offline") == []


def test_a_delivery_is_claimed_by_one_and_no_other(store: AlertStore, books: AlertBooks) -> None:
    books.book(an_alert(), a_delivery("d"))
    delivery = claimed(store, 200)
    assert (delivery.attempts, delivery.lease_until_ms) == (1, 1_200)
    assert store.claim("slack", 200, LEASE_MS) is None
    assert store.claim("slack", 1_199, LEASE_MS) is None


def test_a_lease_that_runs_out_frees_the_delivery(store: AlertStore, books: AlertBooks) -> None:
    books.book(an_alert(), a_delivery("d"))
    claimed(store, 200)
    assert claimed(store, 1_200).attempts == 2


def test_of_many_dispatchers_at_once_one_claims(shared_url: str) -> None:
    with open_ledger(shared_url) as ledger:
        store = AlertStore(ledger.engine)
        slack = [a_delivery(f"d{n}", receiver="slack", created_ms=n) for n in range(3)]
        AlertBooks(store).book(an_alert(), *slack, an_alert("b"), a_delivery("b", an_alert("b")))
        start, got = threading.Barrier(4), []

        def claim() -> None:
            start.wait(10)
            while (delivery := store.claim("slack", 200, LEASE_MS)) is not None:
                got.append(delivery.id)

        threads = [threading.Thread(target=claim) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(got) == sorted([an_id("d0"), an_id("b")])


def test_what_is_not_due_or_not_ours_or_not_pending_is_not_claimed(
    store: AlertStore, books: AlertBooks
) -> None:
    books.book(
        an_alert(),
        a_delivery("later", due_ms=201),
        a_delivery("other", receiver="email"),
        an_alert("b"),
        *(
            a_delivery(state, an_alert("b"), state=state)
            for state in DeliveryState
            if state is not DeliveryState.PENDING
        ),
    )
    assert store.claim("slack", 200, LEASE_MS) is None
    assert claimed(store, 201).id == an_id("later")


def test_messages_about_one_alert_come_in_their_order(store: AlertStore, books: AlertBooks) -> None:
    books.book(
        an_alert(),
        a_delivery("resolved", reason=NotificationReason.RESOLVED),
        a_delivery("fired", reason=NotificationReason.FIRED, due_ms=150),
        a_delivery("repeated", reason=NotificationReason.REPEATED, created_ms=110),
    )
    assert store.claim("slack", 120, LEASE_MS) is None
    order = []
    for now_ms in (200, 300, 400):
        delivery = claimed(store, now_ms)
        order.append(delivery.id)
        store.settle(delivery, settled(DeliveryState.DELIVERED))
    assert order == [an_id("fired"), an_id("resolved"), an_id("repeated")]


def test_a_message_that_fails_for_good_holds_no_later_one_up(store: AlertStore, books: AlertBooks) -> None:
    books.book(
        an_alert(),
        a_delivery("first"),
        a_delivery("second", created_ms=110, reason=NotificationReason.RESOLVED),
    )
    store.settle(claimed(store), settled(DeliveryState.FAILED))
    assert claimed(store).id == an_id("second")


def test_a_message_to_one_receiver_holds_no_other_receiver_up(store: AlertStore, books: AlertBooks) -> None:
    books.book(
        an_alert(),
        a_delivery("slack"),
        a_delivery("mail", receiver="email", reason=NotificationReason.RESOLVED),
    )
    assert claimed(store, receiver="email").id == an_id("mail")


def test_what_was_due_first_comes_first(store: AlertStore, books: AlertBooks) -> None:
    books.book(
        an_alert("a"),
        an_alert("b"),
        a_delivery("b", an_alert("b"), due_ms=150),
        a_delivery("a", an_alert("a")),
    )
    assert [claimed(store).id, claimed(store).id] == [an_id("a"), an_id("b")]


def test_progress_is_kept_between_attempts(store: AlertStore, books: AlertBooks) -> None:
    books.book(an_alert(), a_delivery("d"))
    progress = DeliveryProgress(taken=("ada",), refused=("bob",), outstanding=("cyd",))
    store.settle(claimed(store), settled(DeliveryState.PENDING, due_ms=300, progress=progress))
    again = claimed(store, 300)
    assert again.progress == progress
    assert again.notification == a_delivery("d").notification


def test_a_late_attempt_is_recorded_and_changes_nothing(store: AlertStore, books: AlertBooks) -> None:
    books.book(an_alert(), a_delivery("d"))
    slow, quick = claimed(store, 200), claimed(store, 1_200)
    assert not store.settle(slow, settled(DeliveryState.FAILED))
    assert store.settle(quick, settled(DeliveryState.PENDING, due_ms=2_000))
    (found,) = store.deliveries([an_alert().id])
    assert found.state is DeliveryState.PENDING
    assert found.due_ms == 2_000
    assert len(found.tried) == 2


def test_a_late_attempt_that_delivered_counts(store: AlertStore, books: AlertBooks) -> None:
    books.book(an_alert(), a_delivery("d"))
    slow, quick = claimed(store, 200), claimed(store, 1_200)
    assert not store.settle(slow, settled(DeliveryState.DELIVERED))
    (found,) = store.deliveries([an_alert().id])
    assert found.state is DeliveryState.DELIVERED
    assert not store.settle(quick, settled(DeliveryState.PENDING, due_ms=2_000))
    assert store.deliveries([an_alert().id])[0].state is DeliveryState.DELIVERED


def test_deliveries_are_counted(store: AlertStore, books: AlertBooks) -> None:
    books.book(
        an_alert(), a_delivery("a"), a_delivery("b", created_ms=110), a_delivery("c", receiver="email")
    )
    store.settle(claimed(store), settled(DeliveryState.DELIVERED))
    assert store.totals() == [
        DeliveryTotal("email", DeliveryState.PENDING, 1),
        DeliveryTotal("slack", DeliveryState.DELIVERED, 1),
        DeliveryTotal("slack", DeliveryState.PENDING, 1),
    ]


def test_firing_alerts_are_found_by_an_index(
    store: AlertStore, books: AlertBooks, empty_ledger: Ledger
) -> None:
    if empty_ledger.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL reads a table of a few rows whole whatever its indexes")
    with empty_ledger.engine.connect() as connection:
        for query in (
            "SELECT id FROM alert WHERE state IN ('firing', 'resolved') AND rule = 'r' AND subject = 's'",
            "SELECT id FROM delivery WHERE state = 'pending' AND receiver = 'x' AND due_ms <= 5",
        ):
            plan = " ".join(
                str(row.detail) for row in connection.execute(text(f"EXPLAIN QUERY PLAN {query}"))
            )
            assert "USING" in plan
            assert "SCAN" not in plan


@pytest.fixture
def dead_store() -> Iterator[AlertStore]:
    from farm.ledger.engine import ledger_engine

    engine = ledger_engine("postgresql://nobody@127.0.0.1:9/nothing")
    yield AlertStore(engine)
    engine.dispose()


def test_a_database_that_does_not_answer_is_said_to_be_unreachable(dead_store: AlertStore) -> None:
    with pytest.raises(LedgerUnreachable):
        dead_store.bookmark(READER)
    with pytest.raises(LedgerUnreachable):
        dead_store.book(AlertBatch(reader=READER, seen=None, seq=0))
