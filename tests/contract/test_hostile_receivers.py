"""Receivers of alerts that lie, send elsewhere, or answer without end."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from alerts.dispatcher import Dispatcher
from alerts.notifiers import _blueprint, make_notifier, notifier_types
from alerts.notifiers.base import Notifier
from farm.errors import DeliveryError
from farm.ledger.alert_store import AlertStore
from farm.ledger.ledger import open_ledger
from farm.model.alert import DeliveryProgress
from farm.model.clock import system_clock
from tests.dripping import dripping, flooding
from tests.servers import wait_until
from tests.unit.alerts.makings import notification
from tests.unit.alerts.receivers import HttpReceiver, answer, http_receiver
from tests.unit.alerts.test_dispatcher import Deliveries

DELIVERY = "5f0c9a4e-2222-4222-8222-222222222222"
HTML = "<!doctype html><html><body>Please sign in</body></html>"
MEGABYTE = 1_000_000


@pytest.fixture
def webhook() -> Iterator[HttpReceiver]:
    with http_receiver() as receiver:
        yield receiver


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """An inner address that takes everything, and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            line = self.rfile.readline()
            if line:
                asked.append(line.decode())
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/admin", asked
    server.shutdown()
    server.server_close()
    thread.join(10)


def slack(url: str, **more: Any) -> Notifier[Any, Any]:
    settings = notifier_types()["slack"].settings_type
    return make_notifier(settings.model_validate({"kind": "slack", "webhook_url": url} | more))


def blueprint(url: str) -> Notifier[Any, Any]:
    return _blueprint.NOTIFIER(_blueprint.BlueprintSettings.model_validate({"url": url}))


def deliver(notifier: Notifier[Any, Any]) -> str:
    return notifier.deliver(notification(), DELIVERY, DeliveryProgress()).answer


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 307, 308, 399])
@pytest.mark.parametrize("make", [slack, blueprint])
def test_a_redirection_is_never_followed_and_is_no_delivery(
    make: Any, status: int, webhook: HttpReceiver, elsewhere: tuple[str, list[str]]
) -> None:
    address, asked = elsewhere
    webhook.behave(answer(status, "", Location=address))
    with pytest.raises(DeliveryError, match=f"HTTP {status}") as caught:
        deliver(make(webhook.url))
    assert caught.value.permanent
    assert asked == []


def test_a_redirection_is_not_followed_by_a_probe_either(
    webhook: HttpReceiver, elsewhere: tuple[str, list[str]]
) -> None:
    address, asked = elsewhere
    webhook.behave(answer(302, "", Location=address))
    with pytest.raises(DeliveryError, match="HTTP 302"):
        slack(webhook.url).probe()
    assert asked == []


@pytest.mark.parametrize(
    "body", ["", HTML, "OK, we got it", "ok ok", "nok", '{"ok":false}', '{"ok":1}', "[true]", "x" * 200_000]
)
@pytest.mark.parametrize("status", [200, 201, 204])
def test_only_a_webhooks_own_success_is_a_delivery(body: str, status: int, webhook: HttpReceiver) -> None:
    webhook.behave(answer(status, "" if status == 204 else body))
    with pytest.raises(DeliveryError, match="no webhook") as caught:
        deliver(slack(webhook.url))
    assert not caught.value.permanent


@pytest.mark.parametrize("body", ["ok", "ok\n", '{"ok":true}', '{"success": true}'])
def test_every_way_in_which_webhooks_say_that_they_took_it_is_a_delivery(
    body: str, webhook: HttpReceiver
) -> None:
    webhook.behave(answer(200, body))
    assert deliver(slack(webhook.url)).startswith("HTTP 200")


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("body", ["", HTML, "Bad Request", "[]", "{}"])
def test_a_web_page_is_not_taken_for_a_webhook_by_a_probe(
    status: int, body: str, webhook: HttpReceiver
) -> None:
    webhook.behave(answer(status, body))
    with pytest.raises(DeliveryError, match="no webhook"):
        slack(webhook.url).probe()


@pytest.mark.parametrize("status", [201, 204, 301])
def test_a_status_that_no_webhook_gives_fails_a_probe(status: int, webhook: HttpReceiver) -> None:
    webhook.behave(answer(status, "" if status == 204 else "ok"))
    with pytest.raises(DeliveryError, match=f"HTTP {status}"):
        slack(webhook.url).probe()


@pytest.mark.parametrize(
    "beginning",
    [
        b"HTTP/1.1 200 OK\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\nok",
        b"HTTP/1.1 500 Broken\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffff\r\n",
        b"HTTP/1.1 200 OK\r\nX-Endless: ",
        b"",
    ],
)
@pytest.mark.parametrize("attempt", ["deliver", "probe"])
@pytest.mark.timeout(60)
def test_of_an_answer_without_end_only_a_little_is_read(beginning: bytes, attempt: str) -> None:
    with flooding(beginning) as server:
        notifier = slack(f"http://127.0.0.1:{server.port}/x", timeout_s=5)
        with pytest.raises(DeliveryError) as caught:
            deliver(notifier) if attempt == "deliver" else notifier.probe()
    assert len(str(caught.value)) <= 500
    # What lies in the buffers of the two sockets was sent as well.
    assert server.sent < 20 * MEGABYTE
    assert server.connections == 1


@pytest.mark.parametrize("beginning", [b"", b"220-mail.example\r\n", b"220 mail.example ESMTP\r\n250-"])
@pytest.mark.timeout(60)
def test_of_a_mail_servers_answer_without_end_only_a_little_is_read(beginning: bytes) -> None:
    with flooding(beginning) as server:
        settings = notifier_types()["email"].settings_type.model_validate(
            {
                "kind": "email",
                "host": "127.0.0.1",
                "port": server.port,
                "security": "none",
                "sender": "layerline@farm.example",
                "recipients": ["ada@farm.example"],
                "timeout_s": 5,
            }
        )
        with pytest.raises(DeliveryError) as caught:
            deliver(make_notifier(settings))
    assert not caught.value.permanent
    assert server.sent < 20 * MEGABYTE


@pytest.mark.timeout(60)
def test_an_answer_that_drips_is_given_up_within_its_lease_so_that_nobody_else_sends_it_again(
    tmp_path: Path,
) -> None:
    beginning = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
    with dripping(beginning) as server, open_ledger(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        deliveries = Deliveries(AlertStore(ledger.engine))
        deliveries.due("slack")
        sender = slack(f"http://127.0.0.1:{server.port}/x", timeout_s=0.3)
        others = slack(f"http://127.0.0.1:{server.port}/x", timeout_s=0.3)
        at_work = threading.Thread(target=Dispatcher(deliveries.store, [sender], system_clock).step)
        at_work.start()
        beside = Dispatcher(deliveries.store, [others], system_clock)
        wait_until(lambda: server.connections == 1, "the first attempt is under way")
        while at_work.is_alive():
            assert beside.step() == 0
            at_work.join(0.02)
        assert server.connections == 1
        assert [attempt.ok for attempt in deliveries.delivery().tried] == [False]
