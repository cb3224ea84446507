"""What people do about alerts, in every database: acknowledged, silenced, resolved, with a trail."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from farm.errors import InputConflict, InvalidInput, InvalidQuery
from farm.ledger.acknowledgement_store import AcknowledgementStore
from farm.ledger.alert_store import AlertStore
from farm.ledger.alert_trail import AlertTrail
from farm.ledger.batch import Batch
from farm.ledger.ledger import Ledger
from farm.ledger.silence_store import SilenceStore
from farm.model.acknowledgement import LONGEST_MS, Acknowledgement
from farm.model.alert import Alert, AlertState, DeliveryState
from farm.model.silence import LONGEST_MS as LONGEST_SILENCE_MS
from farm.model.silence import Label, Silence
from farm.model.times import HOUR_MS, parse_rfc3339
from tests.contract.ledger_samples import a_printer, an_id
from tests.contract.test_alert_store import AlertBooks, a_delivery, an_alert, an_entry

NOW = parse_rfc3339("2026-11-27T00:00:00Z")
STREAK, OTHER = an_id("streak"), an_id("other")


@pytest.fixture
def firing(ledger: Ledger) -> AlertBooks:
    """Two alerts that fire, on anna in group A and on bert; the second began later."""
    ledger.commit(Batch(printers=[a_printer("anna", group="A"), a_printer("bert")]))
    books = AlertBooks(AlertStore(ledger.engine))
    books.book(an_alert(), an_alert("other", printer_id=an_id("bert"), subject=an_id("bert"), fired_ms=200))
    return books


@pytest.fixture
def people(ledger: Ledger, firing: AlertBooks) -> AcknowledgementStore:
    return AcknowledgementStore(ledger.engine)


@pytest.fixture
def silences(ledger: Ledger, firing: AlertBooks) -> SilenceStore:
    return SilenceStore(ledger.engine)


def acknowledge(people: AcknowledgementStore, *alert_ids: str, **more: Any) -> list[Acknowledgement]:
    said: dict[str, Any] = {"who": "olga", "note": "on it", "until_ms": NOW + HOUR_MS, "now_ms": NOW} | more
    return people.acknowledge(alert_ids or [STREAK], **said)


def silence(silences: SilenceStore, **more: Any) -> Silence:
    said: dict[str, Any] = {"to_ms": NOW + HOUR_MS, "who": "olga", "why": "new nozzle", "now_ms": NOW} | more
    return silences.make(said.pop("matchers", {"printer": "an*"}), **said)


def trail(ledger: Ledger, **more: Any) -> list[tuple[str, str | None, int | None]]:
    page = AlertTrail(ledger.engine).actions(**more)
    return [(each.what.value, each.alert_id, each.silence_id) for each in page.actions]


def test_an_acknowledgement_comes_back_as_it_was_given(people: AcknowledgementStore) -> None:
    given = acknowledge(people, STREAK, OTHER, who=" olga ", note=" größe 🧨\nand more ")
    assert given == [
        Acknowledgement(
            alert_id=alert_id, who="olga", note="größe 🧨\nand more", at_ms=NOW, until_ms=NOW + HOUR_MS
        )
        for alert_id in (STREAK, OTHER)
    ]
    assert people.standing([STREAK, OTHER]) == {each.alert_id: each for each in given}
    assert people.standing([an_id("none")]) == people.standing([]) == {}


def test_one_takes_the_place_of_the_one_before(people: AcknowledgementStore, ledger: Ledger) -> None:
    acknowledge(people)
    acknowledge(people, who="ben", note="", now_ms=NOW + 1)
    assert people.standing([STREAK])[STREAK].who == "ben"
    newest, first = AlertTrail(ledger.engine).actions(alert_id=STREAK).actions
    assert (newest.who, newest.at_ms, newest.before) == ("ben", NOW + 1, first.after)
    assert first.before is None
    assert first.after == {
        "by": "olga",
        "note": "on it",
        "at": "2026-11-27T00:00:00.000Z",
        "until": "2026-11-27T01:00:00.000Z",
    }


@pytest.mark.parametrize(
    ("ids", "more", "field"),
    [
        ([an_id("none")], {}, "alert"),
        ([STREAK, an_id("none")], {}, "alert"),
        ([STREAK, STREAK], {}, "alert"),
        ([STREAK], {"who": " "}, "who"),
        ([STREAK], {"note": "x" * 4001}, "note"),
        ([STREAK], {"until_ms": NOW}, "until"),
        ([STREAK], {"until_ms": NOW + LONGEST_MS + 1}, "until"),
    ],
)
def test_what_cannot_be_acknowledged_changes_nothing(
    people: AcknowledgementStore, ledger: Ledger, ids: list[str], more: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        acknowledge(people, *ids, **more)
    assert caught.value.field == field
    assert people.standing([STREAK]) == {}
    assert trail(ledger) == []


def test_what_is_resolved_is_neither_acknowledged_nor_resolved(
    people: AcknowledgementStore, firing: AlertBooks
) -> None:
    firing.book(an_alert(state=AlertState.RESOLVED, resolved_ms=300))
    with pytest.raises(InputConflict, match="nothing to acknowledge"):
        acknowledge(people, OTHER, STREAK)
    with pytest.raises(InputConflict, match="nothing to resolve"):
        people.close([STREAK], who="olga", why="over", now_ms=NOW)
    assert people.standing([OTHER]) == {}


def test_an_acknowledgement_is_taken_back_while_it_holds(
    people: AcknowledgementStore, ledger: Ledger
) -> None:
    acknowledge(people)
    for now_ms, alert_id in ((NOW + HOUR_MS, STREAK), (NOW, OTHER)):
        with pytest.raises(InputConflict, match="no acknowledgement holds"):
            people.take_back([alert_id], who="ben", now_ms=now_ms)
    people.take_back([STREAK], who="ben", note="no time", now_ms=NOW + 1)
    assert people.standing([STREAK]) == {}
    newest, first = AlertTrail(ledger.engine).actions().actions
    assert (newest.what.value, newest.who, newest.why) == ("alert.unacknowledged", "ben", "no time")
    assert (newest.before, newest.after) == (first.after, None)


def test_an_acknowledgement_ends_with_the_alert(people: AcknowledgementStore, firing: AlertBooks) -> None:
    acknowledge(people, STREAK, OTHER)
    firing.seen = firing.store.bookmark("evaluator")
    firing.book(an_alert(state=AlertState.RESOLVED, resolved_ms=300))
    assert set(people.standing([STREAK, OTHER])) == {OTHER}


@pytest.mark.parametrize(
    "act",
    [
        lambda people, silences: acknowledge(people),
        lambda people, silences: people.close([STREAK], who="olga", why="over", now_ms=NOW),
        lambda people, silences: silence(silences),
    ],
)
def test_a_step_of_the_evaluator_that_had_read_before_is_not_booked(
    people: AcknowledgementStore,
    silences: SilenceStore,
    firing: AlertBooks,
    act: Callable[[AcknowledgementStore, SilenceStore], object],
) -> None:
    act(people, silences)
    assert firing.book(an_alert(title="as it was before")) is None
    firing.seen = firing.store.bookmark("evaluator")
    assert firing.seen is not None
    assert firing.book(an_alert(title="as it is now")) is not None


def test_an_alert_that_is_resolved_by_hand(
    people: AcknowledgementStore, firing: AlertBooks, ledger: Ledger
) -> None:
    acknowledge(people)
    closed = people.close([STREAK], who="olga", why=" nozzle replaced ", now_ms=NOW)
    assert closed == [
        an_alert(state=AlertState.RESOLVED, resolved_ms=NOW, resolution="nozzle replaced", resolved_by="olga")
    ]
    assert firing.store.alert(STREAK) == closed[0]
    assert people.standing([STREAK]) == {}
    assert people.untold_closings() == closed
    firing.seen = firing.store.bookmark("evaluator")
    firing.book(*closed)
    assert people.untold_closings() == []
    action = AlertTrail(ledger.engine).actions().actions[0]
    assert (action.before, action.after) == (
        {"state": "firing", "resolution": None, "resolved_by": None},
        {"state": "resolved", "resolution": "nozzle replaced", "resolved_by": "olga"},
    )
    with pytest.raises(InvalidInput, match="must not be empty"):
        people.close([OTHER], who="olga", why=" ", now_ms=NOW)


def test_a_silence_comes_back_as_it_was_made(silences: SilenceStore) -> None:
    made = silence(silences, matchers={"group": "", "printer": " Bay* "}, from_ms=NOW + 5)
    assert made == Silence(
        id=1,
        matchers={Label.GROUP: "", Label.PRINTER: "Bay*"},
        from_ms=NOW + 5,
        to_ms=NOW + HOUR_MS,
        who="olga",
        why="new nozzle",
        made_ms=NOW,
    )
    assert silences.silence(1) == made
    assert silences.silence(2) is None
    assert silence(silences, from_ms=NOW - 5).from_ms == NOW


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"matchers": {}}, "matchers"),
        ({"matchers": {"colour": "red"}}, "matchers"),
        ({"matchers": {"rule": " "}}, "matchers"),
        ({"matchers": {"printer": "a\x00"}}, "matchers"),
        ({"matchers": {"printer": "a" * 256}}, "matchers"),
        ({"to_ms": NOW}, "until"),
        ({"from_ms": NOW + 2 * HOUR_MS}, "until"),
        ({"to_ms": NOW + LONGEST_SILENCE_MS + 1}, "until"),
        ({"who": ""}, "who"),
        ({"why": "x" * 2001}, "why"),
    ],
)
def test_what_is_no_silence_is_refused(silences: SilenceStore, more: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        silence(silences, **more)
    assert caught.value.field == field
    assert silences.silences(NOW, everything=True).silences == []


def test_silences_are_listed_while_they_bear_on_anything(silences: SilenceStore) -> None:
    short, ended, later = (
        silence(silences, to_ms=NOW + 5),
        silence(silences),
        silence(silences, from_ms=NOW + 20),
    )
    ended = silences.end(ended.id, who="ben", why="done", now_ms=NOW + 10)
    assert ended.over_ms == NOW + 10
    assert silences.silences(NOW + 10).silences == [later]
    first = silences.silences(NOW + 10, everything=True, limit=2)
    rest = silences.silences(NOW + 10, everything=True, limit=2, after=first.next)
    assert first.silences + rest.silences == [later, ended, short]
    assert rest.next is None
    assert silences.in_force_since(NOW, NOW + 10) == [short, ended]
    assert silences.in_force_since(NOW + 10, NOW + 10) == []
    assert silences.in_force_since(NOW + 5, NOW + 20) == [ended, later]
    with pytest.raises(InvalidQuery):
        silences.silences(NOW, after="nonsense")


def test_a_silence_is_ended_once(silences: SilenceStore) -> None:
    made = silence(silences)
    silences.end(made.id, who="ben", now_ms=NOW + 1)
    with pytest.raises(InputConflict, match=r"it was over at 2026-11-27T00:00:00\.001Z"):
        silences.end(made.id, who="ben", now_ms=NOW + 2)
    with pytest.raises(InvalidInput, match="no silence of this number"):
        silences.end(99, who="ben", now_ms=NOW)


def test_the_firing_alerts_that_a_silence_would_be_about(silences: SilenceStore, firing: AlertBooks) -> None:
    def caught(**matchers: str) -> list[str]:
        return [alert.id for alert in silences.caught(matchers)]

    assert caught(printer="anna") == caught(group="a") == [STREAK]
    assert caught(group="") == [OTHER]
    assert caught(rule="failed_streak") == [OTHER, STREAK]
    assert caught(printer="anna", severity="info") == []
    firing.book(an_alert(state=AlertState.RESOLVED, resolved_ms=300))
    assert caught(rule="*") == [OTHER]


def test_the_trail_is_told_newest_first_and_by_what_it_is_about(
    people: AcknowledgementStore, silences: SilenceStore, ledger: Ledger
) -> None:
    acknowledge(people, STREAK, OTHER)
    made = silence(silences)
    silences.end(made.id, who="ben", now_ms=NOW + 1)
    people.close([STREAK], who="olga", why="over", now_ms=NOW + 2)
    assert trail(ledger) == [
        ("alert.closed", STREAK, None),
        ("alert.unsilenced", None, 1),
        ("alert.silenced", None, 1),
        ("alert.acknowledged", OTHER, None),
        ("alert.acknowledged", STREAK, None),
    ]
    assert trail(ledger, silence_id=1) == trail(ledger)[1:3]
    assert trail(ledger, alert_id=OTHER) == trail(ledger)[3:4]
    store = AlertTrail(ledger.engine)
    first = store.actions(limit=2)
    assert [each.id for each in store.actions(after=first.next).actions] == [3, 2, 1]
    with pytest.raises(InvalidQuery):
        store.actions(after="nonsense")


def test_the_feed_tells_who_did_what(
    people: AcknowledgementStore, silences: SilenceStore, ledger: Ledger
) -> None:
    head = ledger.feed_head()
    acknowledge(people)
    silence(silences)
    acknowledged, silenced = ledger.feed(head, 10)
    assert (acknowledged.kind, acknowledged.at_ms, acknowledged.printer_id) == (
        "alert.acknowledged",
        NOW,
        an_id("anna"),
    )
    assert (acknowledged.body["who"], acknowledged.body["alert_id"]) == ("olga", STREAK)
    assert acknowledged.body["after"]["until"] == "2026-11-27T01:00:00.000Z"
    assert (silenced.kind, silenced.printer_id, silenced.body["silence"]) == ("alert.silenced", None, 1)
    assert silenced.body["after"]["matchers"] == {"printer": "an*"}


def test_the_messages_about_firing_alerts_of_which_some_were_silenced(firing: AlertBooks) -> None:
    def told(alert: Alert, word: str, state: DeliveryState) -> Any:
        return a_delivery(word, alert, state=state, receiver=word)

    other = an_alert("other", printer_id=an_id("bert"), subject=an_id("bert"), fired_ms=200)
    firing.book(
        told(an_alert(), "slack", DeliveryState.SILENCED),
        told(an_alert(), "mail", DeliveryState.PENDING),
        told(other, "pager", DeliveryState.PENDING),
    )
    assert [each.receiver for each in firing.store.firing_and_silenced_once()] == ["mail", "slack"]
    firing.book(an_alert(state=AlertState.RESOLVED))
    assert firing.store.firing_and_silenced_once() == []


def test_alerts_are_given_in_the_order_in_which_they_are_named(firing: AlertBooks) -> None:
    found = firing.store.alerts_by_id([OTHER, an_id("none"), STREAK])
    assert [each.id for each in found] == [OTHER, STREAK]
    assert firing.store.alerts_by_id([]) == []


def test_alerts_are_found_by_how_their_ids_begin(firing: AlertBooks) -> None:
    assert [each.id for each in firing.store.alerts_with_prefix(STREAK[:8], 3)] == [STREAK]
    assert len(firing.store.alerts_with_prefix("", 1)) == 1
    assert firing.store.alerts_with_prefix("%", 3) == []


def test_people_and_the_evaluator_write_at_once_and_nothing_is_lost(
    people: AcknowledgementStore, firing: AlertBooks, ledger: Ledger
) -> None:
    """Whoever takes its locks in another order than the rest would be turned away by the database."""
    rounds = 20

    def say(alert_id: str) -> None:
        for number in range(rounds):
            acknowledge(people, alert_id, now_ms=NOW + number)

    def book() -> int:
        missed = 0
        for number in range(rounds):
            firing.seen = firing.store.bookmark("evaluator")
            missed += firing.book(an_alert(count=number), a_delivery(f"told {number}"), an_entry()) is None
        return missed

    with ThreadPoolExecutor(3) as threads:
        said = [threads.submit(say, alert_id) for alert_id in (STREAK, OTHER)]
        refused = threads.submit(book).result(60)
        for each in said:
            each.result(60)
    assert len(trail(ledger)) == 2 * rounds
    assert len(firing.store.deliveries([STREAK])) == rounds - refused
    kinds = [entry.kind.value for entry in ledger.feed(0, 1000)]
    assert kinds.count("alert.acknowledged") == 2 * rounds
    assert kinds.count("alert.fired") == rounds - refused
