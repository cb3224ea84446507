"""The whole way of an alert: from a booked print to what a real receiver got."""

import json
import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from alerts.service import EvaluatorService, orphaned
from alerts.settings import AlertSettings
from farm.errors import LedgerUnreachable
from farm.ledger.acknowledgement_store import AcknowledgementStore
from farm.ledger.ledger import open_ledger
from farm.ledger.silence_store import SilenceStore
from farm.model.alert import DeliveryState
from farm.model.clock import system_clock
from farm.model.times import HOUR_MS, MINUTE_MS
from tests.servers import wait_until
from tests.unit.alerts.farm import Farm
from tests.unit.alerts.receivers import (
    HttpReceiver,
    answer,
    hang_up_in_the_middle,
    http_receiver,
    mail_server,
)

SECRET = "v3ry-s3cret-t0ken"


class LiveFarm(Farm):
    """Prints that end now."""

    STEP_MS = 0

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.now_ms = system_clock()

    def ends(self, letters: str, *args: Any) -> None:
        for letter in letters:
            self.now_ms = max(self.now_ms + 1, system_clock())
            super().ends(letter, *args)


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[LiveFarm]:
    with open_ledger(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        yield LiveFarm(ledger)


@pytest.fixture
def webhook() -> Iterator[HttpReceiver]:
    with http_receiver() as receiver:
        yield receiver


def settings(webhook: HttpReceiver, *others: dict[str, Any], **more: Any) -> AlertSettings:
    slack = {"kind": "slack", "webhook_url": webhook.url, "timeout_s": 2}
    return AlertSettings.model_validate({"receivers": [slack, *others]} | more)


@contextmanager
def running(
    farm: Farm, given: AlertSettings, clock: Callable[[], int] = system_clock
) -> Iterator[EvaluatorService]:
    """The service in a thread of this process."""
    service = EvaluatorService(farm.ledger, farm.store, given, clock)
    stop = threading.Event()
    thread = threading.Thread(target=service.run, args=(stop,))
    thread.start()
    try:
        wait_until(lambda: farm.store.bookmark("evaluator") is not None, "the evaluator has started")
        yield service
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


def headline(body: bytes) -> str:
    text: str = json.loads(body)["text"]
    return text


def states(farm: Farm) -> list[DeliveryState]:
    return [delivery.state for delivery in farm.deliveries()]


def test_a_failed_streak_reaches_slack_and_mail(
    farm: LiveFarm, webhook: HttpReceiver, tmp_path: Path
) -> None:
    with mail_server(tmp_path) as server:
        mail = {
            "kind": "email",
            "host": "localhost",
            "port": server.port,
            "ca_file": str(server.ca_file),
            "username": "layerline",
            "password": "p4ss:w0rd/?",
            "sender": "layerline@farm.example",
            "recipients": ["floor@farm.example"],
        }
        with running(farm, settings(webhook, mail)):
            farm.ends("SFFF")
            webhook.wait_for(1)
            wait_until(lambda: len(server.mails) == 1, "the mail came")
            farm.ends("S")
            webhook.wait_for(2)
            wait_until(lambda: len(server.mails) == 2, "the second mail came")
            wait_until(lambda: set(states(farm)) == {DeliveryState.DELIVERED}, "all is recorded")
    assert [headline(request.body) for request in webhook.requests] == [
        "bay1: 3 failed prints in a row",
        "Resolved: bay1: 3 failed prints in a row",
    ]
    assert [str(mail["Subject"]) for _, mail in server.mails] == [
        "bay1: 3 failed prints in a row",
        "Resolved: bay1: 3 failed prints in a row",
    ]
    assert len(webhook.requests) == 2


def test_all_that_a_webhook_is_told_of_one_alert_has_one_id_and_every_message_its_own(
    farm: LiveFarm, webhook: HttpReceiver
) -> None:
    webhook.behave(answer(503), answer(200))
    given = AlertSettings.model_validate(
        {"receivers": [{"kind": "webhook", "url": webhook.url, "secret": "a plain text of some length"}]}
    )
    with running(farm, given):
        farm.ends("FFF")
        webhook.wait_for(2)
        farm.ends("S")
        webhook.wait_for(3)
        wait_until(lambda: set(states(farm)) == {DeliveryState.DELIVERED}, "all is recorded")
    tried, fired, resolved = (json.loads(request.body) for request in webhook.requests)
    assert tried == fired
    assert [body["type"] for body in (fired, resolved)] == ["alert.fired", "alert.resolved"]
    assert fired["alert"]["id"] == resolved["alert"]["id"] == farm.alerts()[0].id
    keys = [request.headers["idempotency-key"] for request in webhook.requests]
    assert keys[0] == keys[1] == fired["delivery_id"]
    assert keys[2] == resolved["delivery_id"] != keys[0]
    assert fired["alert"]["resolved_at"] is None
    assert resolved["alert"]["resolved_at"] is not None


def test_a_slow_receiver_delays_neither_evaluation_nor_the_others(
    farm: LiveFarm, webhook: HttpReceiver
) -> None:
    with http_receiver() as slow:
        slow.behave(slow.never_answer)
        other = {"kind": "slack", "name": "slow", "webhook_url": slow.url, "timeout_s": 30}
        with running(farm, settings(webhook, other)):
            farm.ends("FFF")
            slow.wait_for(1)
            webhook.wait_for(1)
            farm.ends("SFFF")
            webhook.wait_for(3)
            slow.release.set()
    assert len(farm.alerts()) == 2


def test_it_stops_at_once_while_a_receiver_is_silent(farm: LiveFarm, webhook: HttpReceiver) -> None:
    webhook.behave(webhook.never_answer)
    began = 0.0
    with running(farm, settings(webhook)):
        farm.ends("FFF")
        webhook.wait_for(1)
        began = time.monotonic()
    assert time.monotonic() - began < 10


def test_what_could_not_be_sent_is_sent_after_a_restart(farm: LiveFarm, webhook: HttpReceiver) -> None:
    webhook.behave(answer(503, "down"))
    with running(farm, settings(webhook)):
        farm.ends("FFF")
        webhook.wait_for(1)
        wait_until(lambda: bool(farm.deliveries()[0].tried), "the attempt is recorded")
    webhook.behave(answer(200))
    with running(farm, settings(webhook)):
        wait_until(lambda: states(farm) == [DeliveryState.DELIVERED], "it is delivered")
    (delivery,) = farm.deliveries()
    assert [attempt.answer for attempt in delivery.tried] == ["HTTP 503 down", "HTTP 200 ok"]


def test_nothing_is_lost_with_a_receiver_that_does_everything_wrong(
    farm: LiveFarm, webhook: HttpReceiver
) -> None:
    webhook.behave(
        hang_up_in_the_middle,
        answer(429, "slow down", Retry_After="1"),
        answer(500, "oops"),
        answer(200),
    )
    with running(farm, settings(webhook)):
        farm.ends("FFFS")
        wait_until(lambda: states(farm) == [DeliveryState.DELIVERED] * 2, "all is delivered", 60)
    bodies = [headline(request.body) for request in webhook.requests]
    assert bodies == ["bay1: 3 failed prints in a row"] * 4 + ["Resolved: bay1: 3 failed prints in a row"]
    marks = {request.body.split(b"message ")[1][:36] for request in webhook.requests[:4]}
    assert len(marks) == 1


def test_a_repetition_comes_by_itself(farm: LiveFarm, webhook: HttpReceiver) -> None:
    clock_ms = [0]
    with running(farm, settings(webhook, repeat="4h"), lambda: system_clock() + clock_ms[0]):
        farm.ends("FFF")
        webhook.wait_for(1)
        clock_ms[0] = 4 * HOUR_MS
        webhook.wait_for(2)
    assert headline(webhook.requests[1].body) == "Still: bay1: 3 failed prints in a row"


def test_a_silence_that_ends_and_an_alert_resolved_by_hand_are_told(
    farm: LiveFarm, webhook: HttpReceiver
) -> None:
    silences, people = SilenceStore(farm.ledger.engine), AcknowledgementStore(farm.ledger.engine)
    now_ms = system_clock()
    made = silences.make({"printer": "bay*"}, to_ms=now_ms + HOUR_MS, who="olga", now_ms=now_ms)
    with running(farm, settings(webhook)):
        farm.ends("FFF")
        wait_until(lambda: states(farm) == [DeliveryState.SILENCED], "it is silenced")
        assert webhook.requests == []
        silences.end(made.id, who="olga", now_ms=system_clock())
        webhook.wait_for(1)
        (alert,) = farm.alerts()
        people.close([alert.id], who="olga", why="nozzle replaced", now_ms=system_clock())
        webhook.wait_for(2)
    assert "3 failed prints in a row" in headline(webhook.requests[0].body)
    assert "Resolved by olga: nozzle replaced" in webhook.requests[1].body.decode()
    assert farm.told() == ["[fired slack]", "fired slack", "resolved slack"]


def test_a_ledger_that_fails_for_a_while_is_waited_for(
    farm: LiveFarm, webhook: HttpReceiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    failing = threading.Event()
    head = farm.ledger.feed_head

    def feed_head() -> int:
        if failing.is_set():
            raise LedgerUnreachable("the database is away")
        return head()

    monkeypatch.setattr(farm.ledger, "feed_head", feed_head)
    with running(farm, settings(webhook)):
        failing.set()
        wait_until(lambda: "the database is away" in caplog.text, "the failure is noticed")
        farm.ends("FFF")
        failing.clear()
        webhook.wait_for(1)
    assert caplog.text.count("the database is away") == 1
    assert "no longer so" in caplog.text


def test_an_unforeseen_error_does_not_end_the_service(
    farm: LiveFarm, webhook: HttpReceiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    jobs = farm.ledger.last_terminal_jobs
    left = [2]

    def last_terminal_jobs(printer_id: str, limit: int) -> Any:
        if left[0]:
            left[0] -= 1
            raise ZeroDivisionError
        return jobs(printer_id, limit)

    monkeypatch.setattr(farm.ledger, "last_terminal_jobs", last_terminal_jobs)
    with running(farm, settings(webhook)):
        farm.ends("FFF")
        webhook.wait_for(1)
    assert "ZeroDivisionError" in caplog.text


def test_messages_for_a_receiver_that_is_gone_are_kept_and_named(
    farm: LiveFarm, webhook: HttpReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    evaluator = farm.evaluator(settings(webhook))
    evaluator.step()
    farm.ends("FFF")
    evaluator.step()
    with running(farm, AlertSettings()):
        wait_until(lambda: "1 messages wait for the receiver slack" in caplog.text, "it is said")
    assert orphaned(farm.store, AlertSettings()) == {"slack": 1}
    assert orphaned(farm.store, settings(webhook)) == {}
    assert states(farm) == [DeliveryState.PENDING]


def test_the_secret_is_in_no_log_and_in_no_record(
    farm: LiveFarm, webhook: HttpReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    taken = json.dumps({"ok": True, "url": webhook.url})
    webhook.behave(answer(500, f"cannot {webhook.url}"), answer(200, taken))
    with running(farm, settings(webhook)):
        farm.ends("FFF")
        wait_until(lambda: states(farm) == [DeliveryState.DELIVERED], "it is delivered", 30)
    assert SECRET not in caplog.text
    assert SECRET not in repr(farm.deliveries())
    assert SECRET in webhook.requests[0].path


_DISPATCHER = """
import sys
from alerts.dispatcher import Dispatcher
from alerts.notifiers import make_notifier
from alerts.settings import AlertSettings
from farm.model.clock import system_clock
from farm.ledger.alert_store import AlertStore
from farm.ledger.acknowledgement_store import AcknowledgementStore
from farm.ledger.ledger import open_ledger
from farm.ledger.silence_store import SilenceStore

url, hook, lease_ms = sys.argv[1], sys.argv[2], int(sys.argv[3])
receivers = [{"kind": "slack", "webhook_url": hook, "timeout_s": 60}]
settings = AlertSettings.model_validate({"receivers": receivers})
with open_ledger(url) as ledger:
    notifiers = [make_notifier(settings.receivers[0])]
    Dispatcher(AlertStore(ledger.engine), notifiers, system_clock, lease_ms=lease_ms).step()
"""


def dispatcher_process(farm: Farm, webhook: HttpReceiver, lease_ms: int) -> "subprocess.Popen[bytes]":
    url = farm.ledger.engine.url.render_as_string(hide_password=False)
    return subprocess.Popen([sys.executable, "-c", _DISPATCHER, url, webhook.url, str(lease_ms)])


def test_a_message_whose_dispatcher_is_killed_before_it_recorded_is_sent_again(
    farm: LiveFarm, webhook: HttpReceiver
) -> None:
    """SIGKILL while the receiver has the message and the answer is outstanding."""
    evaluator = farm.evaluator(settings(webhook))
    evaluator.step()
    farm.ends("FFF")
    evaluator.step()
    webhook.behave(webhook.never_answer, answer(200))
    victim = dispatcher_process(farm, webhook, lease_ms=3_000)
    webhook.wait_for(1, 60)
    victim.send_signal(signal.SIGKILL)
    assert victim.wait(20) == -signal.SIGKILL
    (held,) = farm.deliveries()
    assert held.state is DeliveryState.PENDING
    assert held.lease_until_ms is not None
    assert held.tried == ()

    def sent_again() -> bool:
        successor = dispatcher_process(farm, webhook, lease_ms=3_000)
        assert successor.wait(60) == 0
        return states(farm) == [DeliveryState.DELIVERED]

    wait_until(sent_again, "another dispatcher sent it", 60)
    (delivery,) = farm.deliveries()
    assert delivery.attempts == 2
    assert [attempt.ok for attempt in delivery.tried] == [True]
    assert webhook.requests[0].body == webhook.requests[1].body
    assert len(webhook.requests) == 2


_SERVICE = """
import sys, threading
from alerts.service import EvaluatorService
from alerts.settings import AlertSettings
from farm.ledger.alert_store import AlertStore
from farm.ledger.acknowledgement_store import AcknowledgementStore
from farm.ledger.ledger import open_ledger
from farm.ledger.silence_store import SilenceStore

receivers = [{"kind": "slack", "webhook_url": sys.argv[2]}]
with open_ledger(sys.argv[1]) as ledger:
    settings = AlertSettings.model_validate({"receivers": receivers})
    EvaluatorService(ledger, AlertStore(ledger.engine), settings).run(threading.Event())
"""


def test_a_service_killed_again_and_again_loses_no_alert(farm: LiveFarm, webhook: HttpReceiver) -> None:
    url = farm.ledger.engine.url.render_as_string(hide_password=False)
    farm.evaluator(settings(webhook)).step()
    for round_ in range(3):
        victim = subprocess.Popen([sys.executable, "-c", _SERVICE, url, webhook.url])
        farm.ends("SFFF", f"6d3f0c52-0000-4000-8000-00000000001{round_}")
        # Killed as early as its first work shows, and ever later.
        wait_until(lambda: len(farm.alerts()) == len(farm.jobs), "the alert is booked", 60)
        if round_:
            webhook.wait_for(round_, 60)
        victim.kill()
        victim.wait(20)
    # Ten minutes later, when every lease of a killed one has run out.
    with running(farm, settings(webhook), lambda: system_clock() + 10 * MINUTE_MS):
        wait_until(lambda: set(states(farm)) == {DeliveryState.DELIVERED}, "all is delivered", 60)
    sent = {headline(request.body) for request in webhook.requests}
    assert sent == {f"bay{n}: 3 failed prints in a row" for n in (1, 2, 3)}
    assert len(farm.alerts()) == 3
