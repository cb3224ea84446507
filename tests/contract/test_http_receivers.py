"""What holds for every receiver that is told over HTTP, whatever its message looks like."""

import json
import logging
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from alerts.notifiers import notifier_types
from alerts.notifiers.base import Notifier
from alerts.retry import LONGEST_WISH_MS
from farm.errors import DeliveryError
from farm.model.alert import DeliveryProgress
from tests.dripping import flooding
from tests.servers import free_port
from tests.unit.alerts.makings import START_MS, evidence, notification
from tests.unit.alerts.receivers import (
    Behaviour,
    HttpReceiver,
    answer,
    hang_up,
    hang_up_in_the_middle,
    http_receiver,
    mail_server,
    talk_nonsense,
)

DELIVERY = "5f0c9a4e-2222-4222-8222-222222222222"
SECRET = "v3ry-s3cret-t0ken"
PASSWORD = "p4ss-w0rd-that-is-long"
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Way:
    """How a receiver of a kind is made for a server on this machine, and how that says yes."""

    kind: str
    success: str
    more: dict[str, Any]

    def notifier(self, address: str, **more: Any) -> Notifier[Any, Any]:
        settings = notifier_types()[self.kind].settings_type.model_validate(
            {"timeout_s": 5} | self.more | self.placed(address) | more
        )
        made: Any = notifier_types()[self.kind]
        maker: Notifier[Any, Any] = made(settings, clock=lambda: START_MS)
        return maker

    def placed(self, address: str) -> dict[str, Any]:
        if self.kind == "ntfy":
            return {"server": f"http://{address}"}
        if self.kind == "apprise":
            return {"url": f"json://layerline:{PASSWORD}@{address}/hook/{SECRET}"}
        return {"webhook_url" if self.kind == "slack" else "url": f"http://{address}/hook/{SECRET}"}


WAYS = {
    way.kind: way
    for way in (
        Way("slack", "ok", {}),
        Way("webhook", "", {"secret": SECRET, "headers": {"Authorization": f"Bearer {PASSWORD}"}}),
        Way(
            "ntfy",
            '{"id": "a1", "event": "message"}',
            {"topic": SECRET, "username": "layerline", "password": PASSWORD},
        ),
        Way("apprise", "", {"timeout_s": 30}),
    )
}


@pytest.fixture(params=list(WAYS.values()), ids=list(WAYS))
def way(request: pytest.FixtureRequest) -> Way:
    chosen: Way = request.param
    return chosen


@pytest.fixture
def server() -> Iterator[HttpReceiver]:
    with http_receiver() as receiver:
        yield receiver


def at(server: HttpReceiver) -> str:
    return server.url.split("/")[2]


def deliver(notifier: Notifier[Any, Any]) -> str:
    result = notifier.deliver(notification(), DELIVERY, DeliveryProgress())
    assert result.progress.outstanding == ()
    return result.answer


def refusal(notifier: Notifier[Any, Any]) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        deliver(notifier)
    assert caught.value.__cause__ is None
    return caught.value


def test_every_kind_that_speaks_http_is_looked_at() -> None:
    assert {*WAYS, "email"} == set(notifier_types())


def test_a_message_that_is_taken_is_delivered_once(way: Way, server: HttpReceiver) -> None:
    server.behave(answer(200, way.success))
    assert "HTTP 200" in deliver(way.notifier(at(server)))
    assert len(server.requests) == 1
    assert server.requests[0].headers["content-type"].startswith("application/json")
    assert DELIVERY in server.requests[0].body.decode()


@pytest.mark.parametrize("status", [400, 403, 410])
def test_a_refusal_is_permanent_and_says_why(way: Way, server: HttpReceiver, status: int) -> None:
    server.behave(answer(status, "not you"))
    error = refusal(way.notifier(at(server)))
    assert f"HTTP {status} not you" in str(error)
    assert error.permanent
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_what_may_pass_is_tried_again_by_the_dispatcher_alone(
    way: Way, server: HttpReceiver, status: int
) -> None:
    server.behave(answer(status, "later"))
    error = refusal(way.notifier(at(server)))
    assert f"HTTP {status}" in str(error)
    assert (error.permanent, error.retry_after_s) == (False, None)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("wish", "seconds"),
    [
        ("37", 37),
        ("Sat, 22 Nov 2025 08:27:40 GMT", 60),
        ("99999999", LONGEST_WISH_MS / 1000),
        ("soon", None),
    ],
)
def test_a_wish_to_wait_is_heeded_up_to_a_bound(
    way: Way, server: HttpReceiver, wish: str, seconds: float | None
) -> None:
    server.behave(answer(429, "", Retry_After=wish))
    assert refusal(way.notifier(at(server))).retry_after_s == seconds


@pytest.mark.parametrize("status", [301, 302, 304, 307])
def test_a_redirection_is_never_followed(way: Way, server: HttpReceiver, status: int) -> None:
    with http_receiver() as elsewhere:
        elsewhere.behave(answer(200, way.success))
        server.behave(answer(status, "", Location=elsewhere.url))
        error = refusal(way.notifier(at(server)))
        assert elsewhere.requests == []
    assert f"HTTP {status}" in str(error)
    assert error.permanent


@pytest.mark.parametrize("behaviour", [hang_up, talk_nonsense])
def test_a_broken_connection_is_tried_again(way: Way, server: HttpReceiver, behaviour: Behaviour) -> None:
    server.behave(behaviour)
    assert not refusal(way.notifier(at(server))).permanent
    assert len(server.requests) == 1


def test_an_answer_that_breaks_off_is_tried_again_where_it_matters(way: Way, server: HttpReceiver) -> None:
    server.behave(hang_up_in_the_middle)
    if way.kind == "webhook":
        assert deliver(way.notifier(at(server))) == "HTTP 200"
    else:
        assert not refusal(way.notifier(at(server))).permanent


def test_an_answer_that_never_comes_is_tried_again(way: Way, server: HttpReceiver) -> None:
    server.behave(server.never_answer)
    assert not refusal(way.notifier(at(server), timeout_s=2)).permanent


@pytest.mark.parametrize(
    "beginning",
    [
        b"HTTP/1.1 500 Broken\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 9999999999\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n",
        b"HTTP/1.1 429 Slow down\r\nTransfer-Encoding: chunked\r\n\r\n7fffffff\r\n",
        b"HTTP/1.1 200 OK\r\nX-Endless: ",
        b"",
    ],
)
@pytest.mark.timeout(60)
def test_of_an_answer_without_end_only_a_little_is_read(way: Way, beginning: bytes) -> None:
    with flooding(beginning) as flood:
        error = refusal(way.notifier(f"127.0.0.1:{flood.port}"))
    assert len(str(error)) <= 500
    # What lies in the buffers of the two sockets was sent as well.
    assert flood.sent < 20 * MEGABYTE
    assert flood.connections == 1


def test_what_is_no_success_of_its_own_is_none(server: HttpReceiver) -> None:
    for kind, way in WAYS.items():
        server.behave(answer(200, "<!doctype html><html>please sign in</html>"))
        if kind in ("webhook", "apprise"):
            assert "HTTP 200" in deliver(way.notifier(at(server)))
        else:
            assert not refusal(way.notifier(at(server))).permanent


def test_no_secret_is_in_an_answer_an_error_or_the_log(
    way: Way, server: HttpReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = f"no\r\n\x1b[31m {SECRET} {PASSWORD} {'x' * 5000}"
    server.behave(answer(500, echo))
    told = [str(refusal(way.notifier(at(server))))]
    told.append(str(refusal(way.notifier(f"127.0.0.1:{free_port()}"))))
    server.behave(answer(200, way.success.replace("a1", SECRET)))
    told.append(deliver(way.notifier(at(server))))
    told.append(repr(way.notifier(at(server)).settings))
    for text in [*told, caplog.text]:
        assert SECRET not in text
        assert PASSWORD not in text or not way.more
        assert "\x1b" not in text
        assert "\n" not in text or text == caplog.text


def test_a_proxy_is_passed_by_for_hosts_that_need_none(
    way: Way, server: HttpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(urllib.request, "_opener", None)
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server.behave(answer(200, way.success))
    assert "HTTP 200" in deliver(way.notifier(at(server)))


# Webhook


def test_every_attempt_has_the_same_key_and_body_and_its_own_time(server: HttpReceiver) -> None:
    kind: Any = notifier_types()["webhook"]
    settings = kind.settings_type.model_validate({"url": server.url, "secret": SECRET})
    times = iter([START_MS, START_MS + 1_999])
    notifier = kind(settings, clock=lambda: next(times))
    server.behave(answer(200))
    deliver(notifier)
    deliver(notifier)
    first, second = server.requests
    for name in ("idempotency-key", "webhook-id"):
        assert first.headers[name] == second.headers[name] == DELIVERY
    assert first.body == second.body
    assert first.headers["webhook-timestamp"] == str(START_MS // 1000)
    assert second.headers["webhook-timestamp"] == str(START_MS // 1000 + 1)
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


def test_without_a_secret_nothing_is_signed(server: HttpReceiver) -> None:
    deliver(WAYS["webhook"].notifier(at(server), secret=None))
    assert "webhook-signature" not in server.requests[0].headers
    assert server.requests[0].headers["authorization"] == f"Bearer {PASSWORD}"


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_says_that_a_webhook_took_it(server: HttpReceiver, status: int) -> None:
    server.behave(answer(status, ""))
    assert deliver(WAYS["webhook"].notifier(at(server))) == f"HTTP {status}"


@pytest.mark.parametrize("status", [200, 204, 400, 404, 405, 501])
def test_somebody_at_the_address_of_a_webhook_is_found_without_a_message(
    server: HttpReceiver, status: int
) -> None:
    server.behave(answer(status, ""))
    assert f"HTTP {status} to HEAD" in WAYS["webhook"].notifier(at(server)).probe()
    (request,) = server.requests
    assert (request.method, request.body) == ("HEAD", b"")
    assert request.headers["authorization"] == f"Bearer {PASSWORD}"


@pytest.mark.parametrize("status", [301, 401, 403, 407, 410, 500, 503])
def test_an_address_that_lets_nobody_in_fails_the_probe_of_a_webhook(
    server: HttpReceiver, status: int
) -> None:
    server.behave(answer(status, "", Location=server.url))
    with pytest.raises(DeliveryError, match=f"HTTP {status}"):
        WAYS["webhook"].notifier(at(server)).probe()
    assert len(server.requests) == 1


# ntfy


def test_ntfy_gets_json_at_its_root_with_the_topic_in_it(server: HttpReceiver) -> None:
    server.behave(answer(200, WAYS["ntfy"].success))
    deliver(WAYS["ntfy"].notifier(at(server), username=None, password=None, token="tk_abc"))
    (request,) = server.requests
    told = json.loads(request.body)
    assert request.path == "/"
    assert request.headers["authorization"] == "Bearer tk_abc"
    assert told["topic"] == SECRET
    assert (told["title"], told["priority"]) == ("bay1: 3 failed prints in a row", 5)
    assert told["click"] == "http://farm.local:8642"


def test_a_topic_is_probed_without_publishing(server: HttpReceiver) -> None:
    server.behave(answer(400, '{"code": 40007, "http": 400, "error": "invalid priority parameter"}'))
    assert "may be published to" in WAYS["ntfy"].notifier(at(server)).probe()
    assert json.loads(server.requests[0].body)["priority"] == 9


@pytest.mark.parametrize(
    ("status", "body", "words", "permanent"),
    [
        (401, '{"code": 40101, "error": "unauthorized"}', "HTTP 401", True),
        (403, '{"code": 40301, "error": "forbidden"}', "HTTP 403", True),
        (400, '{"code": 40010, "error": "topic name is not allowed"}', "HTTP 400", True),
        (429, '{"code": 42909, "error": "too many auth failures"}', "HTTP 429", False),
        (400, "Bad Request", "no ntfy", False),
        (404, "<html>not here</html>", "no ntfy", False),
        (200, "ok", "no ntfy", False),
        (200, '{"id": "a1", "event": "message"}', "no ntfy", False),
        (302, "", "no ntfy", False),
    ],
)
def test_what_does_not_let_publish_fails_the_probe(
    server: HttpReceiver, status: int, body: str, words: str, permanent: bool
) -> None:
    server.behave(answer(status, body, Location=server.url))
    with pytest.raises(DeliveryError, match=words) as caught:
        WAYS["ntfy"].notifier(at(server)).probe()
    assert caught.value.permanent == permanent
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "body", ["", "ok", "{}", '{"id": "a1"}', '{"event": "message"}', '{"id": 1, "event": "message"}', "[1]"]
)
def test_only_the_published_message_says_that_ntfy_took_it(server: HttpReceiver, body: str) -> None:
    server.behave(answer(200, body))
    error = refusal(WAYS["ntfy"].notifier(at(server)))
    assert "no ntfy" in str(error)
    assert not error.permanent


# apprise


def apprise(url: str, **more: Any) -> Notifier[Any, Any]:
    kind: Any = notifier_types()["apprise"]
    made: Notifier[Any, Any] = kind(kind.settings_type.model_validate({"url": url} | more))
    return made


def test_the_library_sends_title_text_and_type(server: HttpReceiver) -> None:
    deliver(WAYS["apprise"].notifier(at(server)))
    (request,) = server.requests
    told = json.loads(request.body)
    assert told["title"] == "bay1: 3 failed prints in a row"
    assert told["type"] == "failure"
    assert "Heater extruder not heating at expected rate" in told["message"]
    assert request.path == f"/hook/{SECRET}"
    assert request.headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("text", "<b>*_[x]\u2060(y)"),
        ("html", "&lt;b&gt;*_[x]\u2060(y)"),
        ("markdown", "<b\\>\\*\\_\\[x\\]\u2060\\(y\\)"),
    ],
)
def test_a_name_comes_through_as_text_whatever_the_service_reads(
    server: HttpReceiver, form: str, expected: str
) -> None:
    told = notification([evidence("<b>*_[x](y)")])
    notifier = apprise(f"json://{at(server)}/?format={form}")
    notifier.deliver(told, DELIVERY, DeliveryProgress())
    assert expected in json.loads(server.requests[0].body)["message"]


def test_a_message_is_shortened_to_what_the_service_takes(server: HttpReceiver) -> None:
    told = notification([evidence("x" * 400, detail="y" * 400)] * 10)
    notifier = apprise(f"mmost://{at(server)}/3ccdd113474722377935511fc85d3dd4?format=text")
    assert "Mattermost took it" in notifier.deliver(told, DELIVERY, DeliveryProgress()).answer
    assert len(json.loads(server.requests[0].body)["text"]) <= 4_000


def test_an_address_that_the_library_does_not_know_is_refused_for_good() -> None:
    notifier = apprise(f"nonsense://{SECRET}/x")
    for attempt in (notifier.probe, lambda: deliver(notifier)):
        with pytest.raises(DeliveryError, match="knows no service") as caught:
            attempt()
        assert caught.value.permanent


def test_an_address_is_probed_without_asking_anybody(server: HttpReceiver) -> None:
    assert "an address of JSON" in WAYS["apprise"].notifier(at(server)).probe()
    assert server.requests == []


def test_a_library_that_is_not_there_is_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setattr("alerts.notifiers.apprise._PROCESS", "alerts.no_such_process")
    error = refusal(apprise("json://127.0.0.1:9/x"))
    assert "the process of apprise ended with status 1" in str(error)
    assert not error.permanent


def test_mail_goes_through_the_library_too(tmp_path: Path) -> None:
    with mail_server(tmp_path, "none") as server:
        notifier = apprise(
            f"mailto://127.0.0.1:{server.port}?mode=insecure&from=layerline@farm.example&to=ada@farm.example"
        )
        assert deliver(notifier) == "E-Mail took it"
        server.answer_to_data = "552 5.2.2 mailbox full"
        error = refusal(notifier)
    assert not error.permanent, "the library does not tell why"
    ((to, mail),) = server.mails
    assert to == ["ada@farm.example"]
    assert mail["Subject"] == "bay1: 3 failed prints in a row"
