"""What people do about alerts, on a real ledger: acknowledged, silenced, resolved by hand."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alerts.evaluator import Evaluator
from alerts.notification import notification_of
from alerts.settings import AlertSettings
from farm.ledger.acknowledgement_store import AcknowledgementStore
from farm.ledger.ledger import open_ledger
from farm.ledger.silence_store import SilenceStore
from farm.model.alert import Alert, AlertState, DeliveryState
from farm.model.silence import Silence
from farm.model.times import HOUR_MS, MINUTE_MS
from tests.unit.alerts.farm import Farm
from tests.unit.alerts.makings import PRINTER

RECEIVERS = [
    {"kind": "slack", "webhook_url": "http://127.0.0.1:9/hook"},
    {"kind": "email", "host": "127.0.0.1", "sender": "a@b.example", "recipients": ["c@d.example"]},
]


class Shop(Farm):
    """A farm whose people do something about its alerts, at the farm's time."""

    evaluating: Evaluator

    def begin(self, **more: Any) -> None:
        settings = AlertSettings.model_validate({"receivers": RECEIVERS[:1]} | more)
        self.evaluating = self.evaluator(settings)
        self.look()

    def look(self) -> None:
        """The evaluator looks, again where what a person did let its first step not be booked."""
        for _ in range(2):
            self.evaluating.step()
            self.evaluating.step()
            self.evaluating.repeat()

    def fires(self) -> Alert:
        self.ends("FFF")
        self.look()
        return self.alert

    def hours(self, count: float) -> None:
        """So much time passes, and the evaluator looks."""
        self.pass_time(round(count * HOUR_MS))
        self.look()

    @property
    def alert(self) -> Alert:
        (alert,) = self.alerts()
        return alert

    @property
    def people(self) -> AcknowledgementStore:
        return AcknowledgementStore(self.ledger.engine)

    def acknowledge(self, hours: float = 4) -> None:
        until_ms = self.now_ms + round(hours * HOUR_MS)
        self.people.acknowledge([self.alert.id], who="olga", until_ms=until_ms, now_ms=self.now_ms)

    def silence(self, hours: float = 2, **matchers: str) -> Silence:
        return SilenceStore(self.ledger.engine).make(
            matchers or {"printer": "bay*"},
            to_ms=self.now_ms + round(hours * HOUR_MS),
            who="olga",
            now_ms=self.now_ms,
        )

    def end(self, silence: Silence) -> None:
        SilenceStore(self.ledger.engine).end(silence.id, who="olga", now_ms=self.now_ms)

    def close(self, why: str = "nozzle replaced") -> None:
        self.people.close([self.alert.id], who="olga", why=why, now_ms=self.now_ms)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with open_ledger(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        yield Shop(ledger)


FIRED = ["fired slack"]


def test_an_acknowledged_alert_is_not_repeated_until_that_is_over(shop: Shop) -> None:
    shop.begin()
    shop.fires()
    shop.hours(1)
    shop.acknowledge(5)
    shop.hours(4)
    assert shop.told() == FIRED
    shop.hours(0.99)
    assert shop.told() == FIRED
    shop.hours(0.01)
    assert shop.told() == [*FIRED, "repeated slack"]
    shop.hours(3.9)
    assert shop.told() == [*FIRED, "repeated slack"]
    shop.hours(0.1)
    assert shop.told() == [*FIRED, "repeated slack", "repeated slack"]


def test_nothing_is_repeated_where_that_is_turned_off(shop: Shop) -> None:
    shop.begin(repeat="0")
    shop.fires()
    shop.acknowledge(1)
    shop.hours(9)
    assert shop.told() == FIRED


def test_an_acknowledgement_that_is_taken_back_lets_it_be_repeated(shop: Shop) -> None:
    shop.begin()
    shop.fires()
    shop.acknowledge(20)
    shop.hours(5)
    shop.people.take_back([shop.alert.id], who="ben", now_ms=shop.now_ms)
    shop.look()
    assert shop.told() == [*FIRED, "repeated slack"]


def test_an_acknowledged_alert_resolves_by_evidence_and_is_seen_to_by_nobody_then(shop: Shop) -> None:
    shop.begin()
    shop.fires()
    shop.acknowledge(20)
    shop.ends("S")
    shop.look()
    assert shop.told() == [*FIRED, "resolved slack"]
    shop.pass_time(MINUTE_MS)
    shop.revise(3, "F")
    shop.look()
    assert shop.told() == [*FIRED, "resolved slack", "fired slack"]
    assert shop.people.standing([shop.alert.id]) == {}
    shop.hours(4)
    assert shop.told()[3:] == ["repeated slack"]


def test_what_was_about_to_be_repeated_is_not_booked_over_an_acknowledgement(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.begin()
    shop.fires()
    shop.pass_time(4 * HOUR_MS)
    book = shop.store.book

    def book_late(batch: Any) -> Any:
        monkeypatch.undo()
        shop.acknowledge()
        return book(batch)

    monkeypatch.setattr(shop.store, "book", book_late)
    shop.evaluating.repeat()
    shop.look()
    assert shop.told() == FIRED


def test_what_fires_in_a_silence_is_recorded_and_told_when_it_is_over(shop: Shop) -> None:
    shop.begin()
    shop.ends("FF")
    shop.silence(6)
    shop.ends("F")
    shop.look()
    assert shop.told() == ["[fired slack]"]
    assert [entry.body["told"] for entry in shop.entries("alert.fired")] == [False]
    shop.hours(4)
    assert shop.told() == ["[fired slack]", "[repeated slack]"]
    shop.hours(2)
    assert shop.told() == ["[fired slack]", "[repeated slack]", "fired slack"]
    shop.hours(4)
    assert shop.told()[3:] == ["repeated slack"]


def test_it_is_told_once_at_the_end_of_a_silence_however_often_one_looks(shop: Shop) -> None:
    shop.begin(repeat="0")
    silence = shop.silence(6)
    shop.fires()
    shop.end(silence)
    for _ in range(3):
        shop.look()
    assert shop.told() == ["[fired slack]", "fired slack"]


def test_what_was_told_before_a_silence_is_repeated_after_it(shop: Shop) -> None:
    shop.begin()
    shop.fires()
    shop.silence(2)
    shop.hours(1.9)
    assert shop.told() == FIRED
    shop.hours(0.1)
    assert shop.told() == [*FIRED, "repeated slack"]


def test_a_silence_about_others_holds_nothing_back(shop: Shop) -> None:
    shop.begin()
    shop.silence(printer="hall*")
    shop.silence(printer="bay1", severity="warning")
    shop.fires()
    shop.hours(2)
    assert shop.told() == FIRED


def test_two_silences_hold_until_the_last_is_over(shop: Shop) -> None:
    shop.begin()
    shop.silence(2)
    shop.silence(3, rule="failed_streak")
    shop.fires()
    shop.hours(1.6)
    assert shop.told() == ["[fired slack]"]
    shop.hours(1)
    assert shop.told() == ["[fired slack]", "fired slack"]


def test_what_ends_in_a_silence_is_told_to_those_who_know_that_it_began(shop: Shop) -> None:
    shop.begin()
    shop.fires()
    shop.evaluating = shop.evaluator(AlertSettings.model_validate({"receivers": RECEIVERS}))
    shop.look()
    shop.silence()
    shop.ends("S")
    shop.look()
    assert shop.told() == ["fired slack", "[resolved email]", "resolved slack"]
    assert [entry.body["told"] for entry in shop.entries("alert.resolved")] == [True]


def test_what_begins_and_ends_in_a_silence_is_told_to_nobody(shop: Shop) -> None:
    shop.begin()
    shop.silence(20)
    shop.fires()
    shop.ends("S")
    shop.look()
    shop.hours(30)
    assert shop.told() == ["[fired slack]", "[resolved slack]"]
    assert shop.alert.state is AlertState.RESOLVED


def test_what_ends_at_the_end_of_a_silence_is_kept_from_those_who_never_heard_of_it(shop: Shop) -> None:
    shop.begin()
    silence = shop.silence(20)
    shop.fires()
    shop.end(silence)
    shop.ends("S")
    shop.evaluating.step()
    shop.evaluating.step()
    assert shop.told() == ["[fired slack]", "[resolved slack]"]


def test_a_printer_that_is_renamed_in_a_silence_is_told_of_all_the_same(shop: Shop) -> None:
    shop.begin(repeat="0")
    shop.silence(20)
    shop.fires()
    shop.printer(PRINTER, "hall1")
    shop.look()
    assert shop.told() == ["[fired slack]", "fired slack"]


def test_an_alert_that_was_told_as_silence_began_is_still_delivered(shop: Shop) -> None:
    shop.begin()
    shop.fires()
    shop.silence()
    assert [each.state for each in shop.deliveries()] == [DeliveryState.PENDING]


def test_what_a_person_resolves_is_told_with_name_and_reason(shop: Shop) -> None:
    shop.begin()
    shop.fires()
    shop.acknowledge()
    shop.pass_time(MINUTE_MS)
    shop.close()
    assert (shop.alert.state, shop.alert.resolved_by) == (AlertState.RESOLVED, "olga")
    shop.look()
    shop.look()
    assert shop.told() == [*FIRED, "resolved slack"]
    assert shop.feed_kinds() == ["alert.fired", "alert.acknowledged", "alert.closed", "alert.resolved"]
    told = notification_of(shop.deliveries()[-1].notification)
    assert told.resolution == "Resolved by olga: nozzle replaced"
    assert len(told.prints) == 3


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("", []),
        ("C", []),
        ("U", []),
        ("S", []),
        ("F", ["fired slack"]),
        ("CF", ["fired slack"]),
        ("FS", ["fired slack", "resolved slack"]),
        ("SFFF", ["fired slack"]),
    ],
)
def test_only_another_failure_opens_it_again(shop: Shop, more: str, told: list[str]) -> None:
    shop.begin()
    shop.fires()
    shop.close()
    shop.look()
    assert shop.told() == [*FIRED, "resolved slack"]
    for letter in more:
        shop.ends(letter)
        shop.look()
    shop.evaluating = shop.evaluator(
        AlertSettings.model_validate({"receivers": RECEIVERS[:1], "streak_length": 2})
    )
    shop.look()
    assert shop.told()[2:] == told


def test_a_revision_that_shortens_the_streak_does_not_open_it_again(shop: Shop) -> None:
    shop.begin()
    shop.ends("FFFF")
    shop.look()
    shop.close()
    shop.look()
    shop.revise(0, "S")
    shop.look()
    assert shop.told() == [*FIRED, "resolved slack"]


def test_an_alert_that_opens_again_is_resolved_by_nobody(shop: Shop) -> None:
    shop.begin()
    shop.fires()
    shop.close()
    shop.ends("F")
    shop.look()
    assert (shop.alert.state, shop.alert.resolved_by, shop.alert.resolution) == ("firing", None, None)


def test_what_a_person_resolved_while_no_evaluator_ran_is_told_by_the_next(shop: Shop) -> None:
    shop.begin()
    shop.fires()
    shop.close()
    shop.begin(streak_length=2)
    assert shop.told() == [*FIRED, "resolved slack"]
