"""The dispatcher with receivers that do as they are told, on a real store."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from alerts.bundling import BUNDLE_FROM
from alerts.dispatcher import BULK_PAUSE_MS, LONGEST_PAUSE_MS, MOST_A_MINUTE, Dispatcher
from alerts.notification import Notification, plain
from alerts.notifiers.base import DeliveryResult, Notifier, NotifierSettings
from alerts.retry import LONGEST_DELAY_MS
from farm.errors import DeliveryError
from farm.ledger.alert_store import AlertStore
from farm.ledger.ledger import open_ledger
from farm.model.alert import (
    Alert,
    AlertBatch,
    AlertState,
    Bookmark,
    Delivery,
    DeliveryProgress,
    DeliveryState,
    NotificationReason,
    Severity,
)
from farm.model.times import HOUR_MS
from tests.unit.alerts.makings import START_MS, notification


class Told(Notifier[NotifierSettings, str]):
    """A receiver that answers one message after the other as its list says; then it takes all."""

    def __init__(self, name: str = "slack", *answers: DeliveryResult | Exception) -> None:
        super().__init__(NotifierSettings(name=name))
        self.answers = list(answers)
        self.got: list[tuple[str, DeliveryProgress]] = []

    @property
    def patience_s(self) -> float:
        return 3

    def build(self, notification: Notification, delivery_id: str) -> str:
        return delivery_id

    def send(self, content: str, progress: DeliveryProgress) -> DeliveryResult:
        self.got.append((content, progress))
        answer = self.answers.pop(0) if self.answers else DeliveryResult(answer="taken")
        if isinstance(answer, Exception):
            raise answer
        return answer

    def probe(self) -> str:
        return "there"


class Deliveries:
    """A store with deliveries, and a clock that stands until it is moved."""

    def __init__(self, store: AlertStore) -> None:
        self.store = store
        self.now_ms = START_MS
        self._seen: Bookmark | None = None
        self._count = 0

    def clock(self) -> int:
        return self.now_ms

    def due(self, receiver: str = "slack", **more: object) -> str:
        """One more delivery, due now, about an alert of its own."""
        self._count += 1
        alert = Alert(
            id=f"alert-{self._count}", rule="failed_streak", subject="p", printer_id="p",
            state=AlertState.FIRING, severity=Severity.CRITICAL, fired_ms=self.now_ms, title="", summary="",
        )  # fmt: skip
        delivery = Delivery(
            id=f"delivery-{self._count}", alert_id=alert.id, receiver=receiver,
            reason=NotificationReason.FIRED,
            state=DeliveryState.PENDING, notification=plain(notification()) | more,
            created_ms=self.now_ms, due_ms=self.now_ms,
        )  # fmt: skip
        batch = AlertBatch(reader="t", seen=self._seen, seq=0, alerts=[alert], deliveries=[delivery])
        self._seen = self.store.book(batch)
        return delivery.id

    def dispatcher(self, *notifiers: Told) -> Dispatcher:
        return Dispatcher(self.store, notifiers, self.clock, chance=lambda: 0.0)

    def of(self, delivery_id: str) -> Delivery:
        return self.delivery(int(delivery_id.removeprefix("delivery-")))

    def delivery(self, number: int = 1) -> Delivery:
        (found,) = self.store.deliveries([f"alert-{number}"])
        return found


@pytest.fixture
def deliveries(tmp_path: Path) -> Iterator[Deliveries]:
    with open_ledger(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        yield Deliveries(AlertStore(ledger.engine))


def later(text: str = "HTTP 503", retry_after_s: float | None = None) -> DeliveryError:
    return DeliveryError(text, permanent=False, retry_after_s=retry_after_s)


def test_what_is_due_is_delivered_and_recorded(deliveries: Deliveries) -> None:
    deliveries.due()
    slack = Told()
    assert deliveries.dispatcher(slack).step() == 1
    found = deliveries.delivery()
    assert found.state is DeliveryState.DELIVERED
    assert found.delivered_ms == START_MS
    assert [(each.ok, each.answer) for each in found.tried] == [(True, "taken")]
    assert slack.got == [("delivery-1", DeliveryProgress())]


def test_nothing_due_is_nothing_done(deliveries: Deliveries) -> None:
    assert deliveries.dispatcher(Told()).step() == 0
    deliveries.due("email")
    assert deliveries.dispatcher(Told()).step() == 0


def test_a_passing_failure_is_tried_again_ever_more_seldom(deliveries: Deliveries) -> None:
    deliveries.due()
    slack = Told("slack", *[later() for _ in range(14)])
    dispatcher = deliveries.dispatcher(slack)
    waits = []
    for _ in range(14):
        assert dispatcher.step() == 1
        wait = deliveries.delivery().due_ms - deliveries.now_ms
        waits.append(wait)
        deliveries.now_ms += wait - 1
        assert dispatcher.step() == 0
        deliveries.now_ms += 1
    assert dispatcher.step() == 1
    assert waits[:4] == [2_000, 4_000, 8_000, 16_000]
    assert waits[-1] == LONGEST_DELAY_MS
    assert deliveries.delivery().state is DeliveryState.DELIVERED
    assert len(deliveries.delivery().tried) == 15


def test_the_wait_goes_on_over_a_restart(deliveries: Deliveries) -> None:
    deliveries.due()
    for expected in (2_000, 4_000, 8_000):
        deliveries.dispatcher(Told("slack", later())).step()
        assert deliveries.delivery().due_ms - deliveries.now_ms == expected
        deliveries.now_ms += expected
    deliveries.dispatcher(Told()).step()
    assert deliveries.delivery().state is DeliveryState.DELIVERED


def test_a_refusal_for_good_is_not_tried_again_and_can_be_seen(
    deliveries: Deliveries, caplog: pytest.LogCaptureFixture
) -> None:
    deliveries.due()
    slack = Told("slack", DeliveryError("HTTP 404 no_service", permanent=True))
    dispatcher = deliveries.dispatcher(slack)
    dispatcher.step()
    deliveries.now_ms += HOUR_MS
    assert dispatcher.step() == 0
    found = deliveries.delivery()
    assert found.state is DeliveryState.FAILED
    assert found.tried[0].answer == "HTTP 404 no_service"
    assert found.delivered_ms is None
    assert "HTTP 404 no_service" in caplog.text


def test_a_wish_to_wait_is_kept_for_every_message_to_that_receiver(deliveries: Deliveries) -> None:
    deliveries.due()
    deliveries.due()
    deliveries.due("email")
    slack, mail = Told("slack", later("HTTP 429", retry_after_s=90)), Told("email")
    dispatcher = deliveries.dispatcher(slack, mail)
    assert dispatcher.step() == 2
    assert len(mail.got) == 1
    deliveries.now_ms += 89_999
    assert dispatcher.step() == 0
    deliveries.now_ms += 1
    assert dispatcher.step() == 2


def test_a_receiver_that_is_down_is_not_troubled_with_every_message(deliveries: Deliveries) -> None:
    for _ in range(20):
        deliveries.due()
    slack = Told("slack", *[later() for _ in range(200)])
    dispatcher = deliveries.dispatcher(slack)
    for _ in range(60):
        dispatcher.step()
        deliveries.now_ms += 1_000
    assert len(slack.got) <= 8


def test_when_a_receiver_is_back_everything_comes_soon(deliveries: Deliveries) -> None:
    for _ in range(20):
        deliveries.due()
    slack = Told("slack", *[later() for _ in range(12)])
    dispatcher = deliveries.dispatcher(slack)
    while slack.answers:
        dispatcher.step()
        deliveries.now_ms += 1_000
    deliveries.now_ms += LONGEST_PAUSE_MS
    dispatcher.step()
    states = [deliveries.delivery(number + 1).state for number in range(20)]
    assert states.count(DeliveryState.DELIVERED) >= 8
    deliveries.now_ms += LONGEST_DELAY_MS
    dispatcher.step()
    assert {deliveries.delivery(number + 1).state for number in range(20)} == {DeliveryState.DELIVERED}


def test_partly_taken_is_tried_again_for_the_others_and_holds_nothing_up(deliveries: Deliveries) -> None:
    deliveries.due()
    deliveries.due()
    half = DeliveryProgress(taken=("ada",), outstanding=("bob",))
    mail = Told("slack", DeliveryResult(answer="250; bob: 451", progress=half))
    dispatcher = deliveries.dispatcher(mail)
    assert dispatcher.step() == 2
    assert deliveries.delivery(1).state is DeliveryState.PENDING
    assert deliveries.delivery(2).state is DeliveryState.DELIVERED
    assert not deliveries.delivery(1).tried[0].ok
    deliveries.now_ms += 2_000
    dispatcher.step()
    assert mail.got[-1] == ("delivery-1", half)
    assert deliveries.delivery(1).state is DeliveryState.DELIVERED


def test_partly_refused_for_good_is_a_state_of_its_own(
    deliveries: Deliveries, caplog: pytest.LogCaptureFixture
) -> None:
    deliveries.due()
    part = DeliveryProgress(taken=("ada",), refused=("bob",), outstanding=())
    deliveries.dispatcher(Told("slack", DeliveryResult(answer="250; bob: 550", progress=part))).step()
    found = deliveries.delivery()
    assert found.state is DeliveryState.PARTIAL
    assert found.progress == part
    assert found.delivered_ms is not None
    assert "refused for good by bob" in caplog.text


def test_a_refusal_after_a_part_was_taken_leaves_it_at_that_part(deliveries: Deliveries) -> None:
    deliveries.due()
    half = DeliveryProgress(taken=("ada",), outstanding=("bob",))
    mail = Told("slack", DeliveryResult(answer="half", progress=half), DeliveryError("554", permanent=True))
    dispatcher = deliveries.dispatcher(mail)
    dispatcher.step()
    deliveries.now_ms += 2_000
    dispatcher.step()
    assert deliveries.delivery().state is DeliveryState.PARTIAL
    assert deliveries.delivery().progress == DeliveryProgress(
        taken=("ada",), refused=("bob",), outstanding=()
    )


def test_a_fault_of_ours_in_one_message_stops_no_other(
    deliveries: Deliveries, caplog: pytest.LogCaptureFixture
) -> None:
    deliveries.due()
    deliveries.due()
    dispatcher = deliveries.dispatcher(Told("slack", KeyError("oops")))
    dispatcher.step()
    deliveries.now_ms += 60_000
    dispatcher.step()
    assert {deliveries.delivery(n).state for n in (1, 2)} == {DeliveryState.DELIVERED}
    assert deliveries.delivery(1).tried[0].answer == "KeyError: 'oops'"
    assert "Traceback" in caplog.text


def test_a_notice_that_cannot_be_read_stays_visible_and_stops_no_other(deliveries: Deliveries) -> None:
    deliveries.due(reason="nonsense")
    deliveries.due()
    dispatcher = deliveries.dispatcher(Told())
    dispatcher.step()
    deliveries.now_ms += 60_000
    dispatcher.step()
    assert deliveries.delivery(1).state is DeliveryState.PENDING
    assert "nonsense" in deliveries.delivery(1).tried[0].answer
    assert deliveries.delivery(2).state is DeliveryState.DELIVERED


def test_the_same_trouble_is_logged_once_and_its_end_too(
    deliveries: Deliveries, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    deliveries.due()
    dispatcher = deliveries.dispatcher(Told("slack", later(), later(), later("HTTP 500"), later("HTTP 500")))
    for _ in range(5):
        dispatcher.step()
        deliveries.now_ms += HOUR_MS
    texts = [record.getMessage() for record in caplog.records]
    assert [text.rsplit(": ")[-1] for text in texts] == [
        "HTTP 503",
        "HTTP 500",
        "receiver slack takes messages again",
    ]


def test_told_to_stop_it_leaves_the_rest(deliveries: Deliveries) -> None:
    for _ in range(5):
        deliveries.due()
    slack = Told()
    deliveries.dispatcher(slack).step(stopping=lambda: len(slack.got) >= 2)
    assert len(slack.got) == 2


def test_a_slow_attempt_is_recorded_with_its_duration(deliveries: Deliveries) -> None:
    deliveries.due()

    class Slow(Told):
        def send(self, content: str, progress: DeliveryProgress) -> DeliveryResult:
            deliveries.now_ms += 1_234
            return super().send(content, progress)

    deliveries.dispatcher(Slow()).step()
    assert deliveries.delivery().tried[0].duration_ms == 1_234
    assert deliveries.delivery().tried[0].at_ms == START_MS


def test_an_attempt_that_outlives_its_lease_may_come_twice_and_says_so(
    deliveries: Deliveries, caplog: pytest.LogCaptureFixture
) -> None:
    deliveries.due()
    quick = Told()

    class Slow(Told):
        def send(self, content: str, progress: DeliveryProgress) -> DeliveryResult:
            deliveries.now_ms += HOUR_MS
            deliveries.dispatcher(quick).step()
            raise later()

    deliveries.dispatcher(Slow()).step()
    assert len(quick.got) == 1
    assert deliveries.delivery().state is DeliveryState.DELIVERED
    assert "may come twice" in caplog.text


class Read(Told):
    """One that people read."""

    bundles = True


def test_few_messages_are_told_one_by_one_and_many_at_once(deliveries: Deliveries) -> None:
    for _ in range(BUNDLE_FROM - 1):
        deliveries.due()
    reader = Read()
    dispatcher = deliveries.dispatcher(reader)
    assert dispatcher.step() == BUNDLE_FROM - 1
    ids = {deliveries.due() for _ in range(300)}
    assert dispatcher.step() == 1
    assert len(reader.got) == BUNDLE_FROM
    assert {deliveries.of(each).state for each in ids} == {DeliveryState.DELIVERED}
    assert all(len(deliveries.of(each).tried) == 1 for each in ids)


def test_a_program_gets_each_message_by_itself(deliveries: Deliveries) -> None:
    for _ in range(50):
        deliveries.due()
    program = Told()
    assert deliveries.dispatcher(program).step() == 50


def test_messages_that_could_not_be_told_at_once_are_tried_again_at_once(deliveries: Deliveries) -> None:
    ids = [deliveries.due() for _ in range(40)]
    reader = Read("slack", DeliveryError("HTTP 503", permanent=False))
    dispatcher = deliveries.dispatcher(reader)
    assert dispatcher.step() == 1
    assert {deliveries.of(each).state for each in ids} == {DeliveryState.PENDING}
    deliveries.now_ms += LONGEST_DELAY_MS
    assert dispatcher.step() == 1
    assert {deliveries.of(each).state for each in ids} == {DeliveryState.DELIVERED}
    assert reader.got[0][0] == reader.got[1][0]


def test_what_somebody_has_got_a_part_of_is_told_by_itself(deliveries: Deliveries) -> None:
    partly = DeliveryProgress(taken=("a",), outstanding=("b",))
    reader = Read("slack", DeliveryResult(answer="some", progress=partly))
    dispatcher = deliveries.dispatcher(reader)
    first = deliveries.due()
    dispatcher.step()
    deliveries.now_ms += HOUR_MS
    for _ in range(20):
        deliveries.due()
    assert dispatcher.step() == 2
    assert sorted(progress.outstanding or () for _, progress in reader.got[1:]) == [(), ("b",)]
    assert deliveries.of(first).state is DeliveryState.DELIVERED


def test_a_stream_of_messages_is_thinned_and_loses_nothing(deliveries: Deliveries) -> None:
    reader, ids = Read(), []
    dispatcher = deliveries.dispatcher(reader)
    for _ in range(600):
        ids.append(deliveries.due())
        dispatcher.step()
        deliveries.now_ms += 100
    deliveries.now_ms += BULK_PAUSE_MS
    dispatcher.step()
    assert {deliveries.of(each).state for each in ids} == {DeliveryState.DELIVERED}
    assert MOST_A_MINUTE < len(reader.got) <= MOST_A_MINUTE + 2 + 60_000 // BULK_PAUSE_MS


def test_two_processes_do_not_tell_the_same_at_once(deliveries: Deliveries) -> None:
    ids = [deliveries.due() for _ in range(30)]
    other = deliveries.dispatcher(Read())
    met: list[int] = []

    class Slow(Read):
        def send(self, content: str, progress: DeliveryProgress) -> DeliveryResult:
            met.append(other.step())
            return super().send(content, progress)

    assert deliveries.dispatcher(Slow()).step() == 1
    assert met == [0]
    assert {deliveries.of(each).state for each in ids} == {DeliveryState.DELIVERED}


def test_a_message_that_cannot_be_told_with_the_others_stops_none_of_them(deliveries: Deliveries) -> None:
    good = [deliveries.due() for _ in range(10)]
    bad = deliveries.due(severity="purple")
    good += [deliveries.due() for _ in range(10)]
    dispatcher = deliveries.dispatcher(reader := Read())
    for _ in range(3):
        dispatcher.step()
        deliveries.now_ms += LONGEST_PAUSE_MS
    assert {deliveries.of(each).state for each in good} == {DeliveryState.DELIVERED}
    assert deliveries.of(bad).state is DeliveryState.PENDING
    assert sorted(content for content, _ in reader.got) == sorted(good)


def test_what_is_refused_when_told_together_is_told_one_by_one(deliveries: Deliveries) -> None:
    ids = [deliveries.due() for _ in range(30)]
    reader = Read("slack", DeliveryError("HTTP 400 invalid_blocks", permanent=True))
    dispatcher = deliveries.dispatcher(reader)
    for _ in range(3):
        dispatcher.step()
        deliveries.now_ms += LONGEST_PAUSE_MS
    assert {deliveries.of(each).state for each in ids} == {DeliveryState.DELIVERED}
    assert len(reader.got) == 31
