"""What every notifier must keep to, and how the two of them meet good and bad receivers."""

import inspect
import json
import logging
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from email.message import EmailMessage
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter

import alerts.notifiers
from alerts.notification import Notification
from alerts.notifiers import _blueprint, make_notifier, notifier_types
from alerts.notifiers.base import Notifier, NotifierSettings
from alerts.notifiers.email import EmailNotifier, EmailSettings
from alerts.notifiers.slack import (
    LONGEST_HEADER,
    LONGEST_TEXT,
    MOST_BLOCKS,
    MOST_TOGETHER,
    SlackNotifier,
    SlackSettings,
)
from farm.errors import DeliveryError
from farm.model.alert import DeliveryProgress, NotificationReason, Severity
from farm.model.states import CancelledBy, Cause, Outcome
from tests.dripping import dripping
from tests.servers import free_port
from tests.unit.alerts.makings import ODD_NAMES, again, evidence, notification
from tests.unit.alerts.receivers import (
    HttpReceiver,
    MailServer,
    answer,
    hang_up,
    hang_up_in_the_middle,
    http_receiver,
    mail_server,
    talk_nonsense,
    vouched_for,
)

DELIVERY = "5f0c9a4e-2222-4222-8222-222222222222"

SETTINGS: dict[str, dict[str, Any]] = {
    "slack": {"webhook_url": "http://127.0.0.1:9/services/T/B/v3ry-s3cret-t0ken", "timeout_s": 0.3},
    "email": {
        "host": "127.0.0.1",
        "port": 9,
        "security": "starttls",
        "username": "layerline",
        "password": "p4ss:w0rd/?",
        "sender": "Layerline <layerline@farm.example>",
        "recipients": ["ada@farm.example", "bob@farm.example"],
        "timeout_s": 0.3,
    },
    "webhook": {
        "url": "http://127.0.0.1:9/hook?key=v3ry-s3cret-t0ken",
        "secret": "v3ry-s3cret-t0ken",
        "headers": {"Authorization": "Bearer p4ss:w0rd/?"},
        "timeout_s": 0.3,
    },
    "apprise": {
        "url": "json://layerline:p4ss%3Aw0rd%2F%3F@127.0.0.1:9/v3ry-s3cret-t0ken",
        "timeout_s": 6,
    },
    "ntfy": {
        "server": "http://127.0.0.1:9",
        "topic": "v3ry-s3cret-t0ken",
        "username": "layerline",
        "password": "p4ss:w0rd/?",
        "timeout_s": 0.3,
    },
}
SECRETS = ["v3ry-s3cret-t0ken", "p4ss:w0rd/?", "p4ss%3Aw0rd%2F%3F"]

# The test server's library does not notice that it speaks TLS from the first byte on.
WITHIN_TLS = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")

KINDS = sorted(notifier_types())


def settings_of(kind: str, **more: Any) -> NotifierSettings:
    return notifier_types()[kind].settings_type.model_validate({"kind": kind} | SETTINGS[kind] | more)


def placed(kind: str, port: int) -> dict[str, Any]:
    """The settings that send a receiver of the kind to a port of this machine."""
    if kind == "email":
        return {"port": port}
    key = {"slack": "webhook_url", "ntfy": "server"}.get(kind, "url")
    path = "" if kind == "ntfy" else "/v3ry-s3cret-t0ken"
    scheme = "json" if kind == "apprise" else "http"
    return {key: f"{scheme}://127.0.0.1:{port}{path}"}


def notifier_of(kind: str, **more: Any) -> Notifier[Any, Any]:
    return make_notifier(settings_of(kind, **more))


def as_text(content: Any) -> str:
    """All that is sent, decoded."""
    if isinstance(content, EmailMessage):
        parts = [part.get_content() for part in content.walk() if not part.is_multipart()]
        return "\n".join([str(content["Subject"]), *parts])
    return json.dumps(content, ensure_ascii=False)


def as_bytes(content: Any) -> bytes:
    return content.as_bytes() if isinstance(content, EmailMessage) else json.dumps(content).encode()


def many_notifications() -> list[Notification]:
    """Every odd name in every place, every reason, cause, outcome and severity."""
    odd = [
        notification(
            [evidence(name, detail=name)],
            printer=name or None,
            group=name or None,
            model=name or None,
            title=f"{name}: 3 failed prints in a row",
            summary=f"The last was {name}.",
            resolution=f"{name} succeeded.",
        )
        for name in ODD_NAMES
    ]
    full = [
        notification([evidence(name, detail=name) for name in [*ODD_NAMES, *ODD_NAMES]], earlier_prints=99),
        notification([evidence("&" * 4000, detail="<" * 4000) for _ in range(80)]),
        notification([], url=None, group=None, model=None, printer=None),
        notification(url="http://farm.local/" + "x" * 5000),
    ]
    causes = [notification([evidence(cause=cause)]) for cause in [*Cause, None]]
    outcomes = [notification([evidence(outcome=outcome, cause=None)]) for outcome in [*Outcome, None]]
    cancelled = [
        notification([evidence(outcome=Outcome.CANCELLED, cancelled_by=who)]) for who in [*CancelledBy, None]
    ]
    reasons = [
        notification(reason=reason, severity=level) for reason in NotificationReason for level in Severity
    ]
    times = [
        notification([evidence(started_ms=None)]),
        notification([evidence(started_ms=None, ended_ms=None)]),
    ]
    return [*odd, *full, *causes, *outcomes, *cancelled, *reasons, *times]


NOTIFICATIONS = many_notifications()


def test_the_folder_holds_the_notifiers_and_nothing_else_is_one() -> None:
    assert KINDS == ["apprise", "email", "ntfy", "slack", "webhook"]
    assert set(SETTINGS) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_notifier_is_one_file_named_by_its_kind(kind: str) -> None:
    notifier = notifier_types()[kind]
    assert notifier.__module__ == f"alerts.notifiers.{kind}"
    assert issubclass(notifier, Notifier)
    assert not inspect.isabstract(notifier)
    assert get_args(notifier.settings_type.model_fields["kind"].annotation) == (kind,)
    assert notifier_types()[kind].settings_type is type(settings_of(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_says_what_it_is_for(kind: str) -> None:
    fields = notifier_types()[kind].settings_type.model_fields
    assert all(field.description for field in fields.values())


def test_the_blueprint_is_a_whole_notifier_and_is_not_found() -> None:
    assert "blueprint" not in notifier_types()
    with http_receiver() as receiver:
        made = _blueprint.NOTIFIER(
            TypeAdapter(_blueprint.BlueprintSettings).validate_python(
                {"kind": "blueprint", "url": receiver.url}
            )
        )
        assert made.deliver(notification(), DELIVERY, DeliveryProgress()).answer == "HTTP 200"
        assert made.probe() == "HTTP 200"
        receiver.behave(answer(503))
        with pytest.raises(DeliveryError, match="503") as caught:
            made.deliver(notification(), DELIVERY, DeliveryProgress())
        assert not caught.value.permanent
        receiver.behave(hang_up)
        with pytest.raises(DeliveryError):
            made.deliver(notification(), DELIVERY, DeliveryProgress())
    assert b"bay1: 3 failed prints in a row" in receiver.requests[0].body


@pytest.mark.parametrize("kind", KINDS)
def test_building_is_pure_and_the_same_every_time(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = [as_bytes(notifier_of(kind).build(each, DELIVERY)) for each in NOTIFICATIONS]

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("a pure function may not do this")

    for module, name in ((socket, "socket"), (time, "time"), (time, "time_ns"), (threading.Thread, "start")):
        monkeypatch.setattr(module, name, forbidden)
    notifier = notifier_of(kind)
    assert [as_bytes(notifier.build(again(each), DELIVERY)) for each in NOTIFICATIONS] == first


@pytest.mark.parametrize("kind", KINDS)
def test_every_message_can_be_put_on_the_wire(kind: str) -> None:
    for each in NOTIFICATIONS:
        assert as_bytes(notifier_of(kind).build(each, DELIVERY))


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_says_printer_streak_prints_causes_and_where_to_look(kind: str) -> None:
    prints = [evidence("hook.gcode"), evidence("benchy.gcode", cause=Cause.ADHESION, detail=None)]
    text = as_text(notifier_of(kind).build(notification(prints, earlier_prints=1), DELIVERY))
    for words in (
        "bay1", "3 failed prints in a row", "Voron 2.4", "north wall", "hook.gcode", "benchy.gcode",
        "temperature fault", "adhesion", "Heater extruder not heating at expected rate", "14 min",
        "and 1 earlier", "http://farm.local:8642", "2025-11-22 09:26",
    ):  # fmt: skip
        assert words in text, words


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_says_for_which_reason_it_is(kind: str) -> None:
    texts = {
        reason: as_text(notifier_of(kind).build(notification(reason=reason), DELIVERY))
        for reason in NotificationReason
    }
    assert "Still:" in texts[NotificationReason.REPEATED]
    assert "Resolved:" in texts[NotificationReason.RESOLVED]
    assert "Still:" not in texts[NotificationReason.FIRED]
    assert "Resolved:" not in texts[NotificationReason.FIRED]


@pytest.mark.parametrize("kind", KINDS)
def test_the_delivery_is_named_in_the_message(kind: str) -> None:
    assert DELIVERY.encode() in as_bytes(notifier_of(kind).build(notification(), DELIVERY))


@pytest.mark.parametrize("kind", KINDS)
def test_no_name_can_turn_the_direction_of_reading_or_break_a_line(kind: str) -> None:
    text = as_text(
        notifier_of(kind).build(
            notification([evidence("gcode.\u202eexe\r\nX: y")], printer="a\u2066\nb", title="a\u2066\nb: 3"),
            DELIVERY,
        )
    )
    assert "\u202e" not in text
    assert "\u2066" not in text
    assert "gcode.exe X: y" in text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("secret", SECRETS)
def test_secrets_are_in_no_representation_of_settings_or_notifier(kind: str, secret: str) -> None:
    settings = settings_of(kind)
    for text in (repr(settings), str(settings), repr(notifier_of(kind)), settings.model_dump_json()):
        assert secret not in text


@pytest.mark.parametrize("kind", KINDS)
def test_a_receiver_that_is_not_there_is_tried_again_and_no_secret_is_told(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    notifier = notifier_of(kind, **placed(kind, free_port()))
    attempts: list[Callable[[], object]] = [
        lambda: notifier.deliver(notification(), DELIVERY, DeliveryProgress())
    ]
    # The library behind `apprise` has no way to ask a service.
    attempts += [notifier.probe] if kind != "apprise" else []
    for attempt in attempts:
        with pytest.raises(DeliveryError) as caught:
            attempt()
        assert not caught.value.permanent
        assert caught.value.__cause__ is None
    for secret in SECRETS:
        assert secret not in caplog.text
        assert secret not in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_receiver_that_takes_the_connection_and_is_silent_is_given_up_in_time(kind: str) -> None:
    with closing(socket.socket()) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        notifier = notifier_of(kind, **placed(kind, silent.getsockname()[1]))
        began = time.monotonic()
        with pytest.raises(DeliveryError) as caught:
            notifier.deliver(notification(), DELIVERY, DeliveryProgress())
        assert time.monotonic() - began < notifier.patience_s + 5
    assert not caught.value.permanent


@pytest.mark.parametrize(
    ("kind", "beginning"),
    [
        ("slack", b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"),
        ("slack", b"HTTP/1.1 200 OK\r\nX-Endless: "),
        ("slack", b""),
        ("email", b"220 mail.example ESMTP\r\n250-"),
        ("email", b""),
        ("webhook", b"HTTP/1.1 200 OK\r\nX-Endless: "),
        ("webhook", b"HTTP/1.1 500 Broken\r\nContent-Length: 1000000\r\n\r\n"),
        ("webhook", b""),
        ("ntfy", b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"),
        ("ntfy", b"HTTP/1.1 200 OK\r\nX-Endless: "),
        ("ntfy", b""),
        ("apprise", b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"),
        ("apprise", b"HTTP/1.1 200 OK\r\nX-Endless: "),
        ("apprise", b""),
    ],
)
@pytest.mark.timeout(60)
def test_a_receiver_that_answers_a_byte_at_a_time_is_given_up_in_time(kind: str, beginning: bytes) -> None:
    with dripping(beginning) as server:
        # A process of its own has to begin first.
        timeout_s = 4 if kind == "apprise" else 0.4
        notifier = notifier_of(kind, **placed(kind, server.port), timeout_s=timeout_s)
        began = time.monotonic()
        with pytest.raises(DeliveryError) as caught:
            notifier.deliver(notification(), DELIVERY, DeliveryProgress())
        assert time.monotonic() - began < notifier.patience_s + 5
    assert not caught.value.permanent


# Slack


@pytest.fixture
def webhook() -> Iterator[HttpReceiver]:
    with http_receiver() as receiver:
        yield receiver


def slack(receiver: HttpReceiver, **more: Any) -> SlackNotifier:
    settings = settings_of("slack", webhook_url=receiver.url, **more)
    assert isinstance(settings, SlackSettings)
    return SlackNotifier(settings, clock=lambda: 1_763_800_000_000)


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def texts_in(blocks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for block in blocks:
        if "text" in block:
            yield block["text"]
        yield from block.get("elements", [])


@pytest.mark.parametrize("each", NOTIFICATIONS)
def test_a_slack_message_keeps_within_slacks_published_limits(each: Notification) -> None:
    body = notifier_of("slack").build(each, DELIVERY)
    blocks = body["blocks"]
    assert 0 < len(blocks) <= MOST_BLOCKS == 50
    assert 0 < units(body["text"]) <= 4000
    assert {block["type"] for block in blocks} <= {"header", "section", "divider", "context"}
    for block in blocks:
        if block["type"] == "header":
            assert block["text"]["type"] == "plain_text"
            assert 0 < units(block["text"]["text"]) <= LONGEST_HEADER == 150
        if block["type"] == "section":
            assert 0 < units(block["text"]["text"]) <= LONGEST_TEXT == 3000
        if block["type"] == "context":
            assert 0 < len(block["elements"]) <= 10
            assert all(0 < units(element["text"]) <= 2000 for element in block["elements"])
    assert len(json.dumps(blocks, ensure_ascii=False)) <= MOST_TOGETHER + 2000 < 13_100


@pytest.mark.parametrize("each", NOTIFICATIONS)
def test_nothing_in_a_slack_message_calls_anybody_or_hides_a_link(each: Notification) -> None:
    body = notifier_of("slack").build(each, DELIVERY)
    for text in [body["text"], *(part["text"] for part in texts_in(body["blocks"]))]:
        for mark in text.split("<")[1:]:
            assert mark.startswith(("!date^", "http://farm.local"))


@pytest.mark.parametrize("name", ["*bold*", "_it_", "~gone~", "`code`", "<!channel>", "a & b"])
def test_a_file_name_stands_as_code_where_slack_reads_no_marks(name: str) -> None:
    body = notifier_of("slack").build(notification([evidence(name, detail=name)], printer=name), DELIVERY)
    escaped = name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("`", "ʼ")
    sections = [block["text"]["text"] for block in body["blocks"] if block["type"] == "section"]
    assert f"*Printer* `{escaped}`" in sections[0]
    assert sections[1].count(f"`{escaped}`") == 2


def test_marks_in_running_text_are_taken_their_meaning() -> None:
    body = notifier_of("slack").build(notification(summary="The last was *a_b*."), DELIVERY)
    lead = body["blocks"][1]["text"]["text"]
    assert "\u2060*\u2060a\u2060_\u2060b" in lead


def test_slack_is_told_not_to_make_links_or_mentions_of_its_own() -> None:
    body = notifier_of("slack").build(notification(), DELIVERY)
    assert all(part["verbatim"] for part in texts_in(body["blocks"]) if part["type"] == "mrkdwn")
    assert body["unfurl_links"] is False


def test_prints_that_do_not_fit_are_counted() -> None:
    body = notifier_of("slack").build(
        notification([evidence("&" * 4000, detail="<" * 4000)] * 80, earlier_prints=5), DELIVERY
    )
    sections = [block for block in body["blocks"] if block["type"] == "section"]
    shown = len(sections) - 1
    assert 0 < shown < 80
    assert f"and {85 - shown} earlier" in json.dumps(body)


def test_slack_gets_the_message_as_json(webhook: HttpReceiver) -> None:
    receipt = slack(webhook).deliver(notification(), DELIVERY, DeliveryProgress())
    assert receipt.answer == "HTTP 200 ok"
    assert receipt.progress.outstanding == ()
    (request,) = webhook.requests
    assert json.loads(request.body) == notifier_of("slack").build(notification(), DELIVERY)
    assert request.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, "invalid_payload"),
        (403, "action_prohibited"),
        (404, "channel_not_found"),
        (404, "no_service"),
        (410, "channel_is_archived"),
    ],
)
def test_what_slack_refuses_for_good_is_permanent_and_says_why(
    webhook: HttpReceiver, status: int, body: str
) -> None:
    webhook.behave(answer(status, body))
    with pytest.raises(DeliveryError, match=f"HTTP {status} {body}") as caught:
        slack(webhook).deliver(notification(), DELIVERY, DeliveryProgress())
    assert caught.value.permanent
    assert len(webhook.requests) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_slack_cannot_do_now_is_tried_again_by_us_alone(webhook: HttpReceiver, status: int) -> None:
    webhook.behave(answer(status, "later"))
    with pytest.raises(DeliveryError, match=str(status)) as caught:
        slack(webhook).deliver(notification(), DELIVERY, DeliveryProgress())
    assert not caught.value.permanent
    assert caught.value.retry_after_s is None
    assert len(webhook.requests) == 1


@pytest.mark.parametrize("name", ["Retry_After", "retry_after"])
def test_a_wish_to_wait_is_passed_on(webhook: HttpReceiver, name: str) -> None:
    webhook.behave(answer(429, "rate_limited", **{name: "37"}))
    with pytest.raises(DeliveryError) as caught:
        slack(webhook).deliver(notification(), DELIVERY, DeliveryProgress())
    assert caught.value.retry_after_s == 37


def test_a_wish_to_wait_until_a_moment_is_passed_on(webhook: HttpReceiver) -> None:
    webhook.behave(answer(503, "", Retry_After="Sat, 22 Nov 2025 08:27:40 GMT"))
    with pytest.raises(DeliveryError) as caught:
        slack(webhook).deliver(notification(), DELIVERY, DeliveryProgress())
    assert caught.value.retry_after_s == 60


@pytest.mark.parametrize("behaviour", [hang_up, hang_up_in_the_middle, talk_nonsense])
def test_a_broken_connection_is_tried_again(webhook: HttpReceiver, behaviour: Any) -> None:
    webhook.behave(behaviour)
    with pytest.raises(DeliveryError) as caught:
        slack(webhook).deliver(notification(), DELIVERY, DeliveryProgress())
    assert not caught.value.permanent
    assert len(webhook.requests) == 1


def test_an_answer_that_never_comes_is_tried_again(webhook: HttpReceiver) -> None:
    webhook.behave(webhook.never_answer)
    with pytest.raises(DeliveryError, match="imed out") as caught:
        slack(webhook).deliver(notification(), DELIVERY, DeliveryProgress())
    assert not caught.value.permanent


def test_an_answer_in_no_known_encoding_is_tried_again(webhook: HttpReceiver) -> None:
    webhook.behave(answer(200, "ok", Content_Type="text/plain; charset=klingon"))
    with pytest.raises(DeliveryError):
        slack(webhook).deliver(notification(), DELIVERY, DeliveryProgress())


def test_a_webhook_is_probed_without_posting_a_message(webhook: HttpReceiver) -> None:
    webhook.behave(answer(400, "no_text"))
    assert slack(webhook).probe() == "HTTP 400 no_text, as a webhook answers an empty message"
    assert b"blocks" not in webhook.requests[0].body
    webhook.behave(answer(404, "no_service"))
    with pytest.raises(DeliveryError, match="no_service") as caught:
        slack(webhook).probe()
    assert caught.value.permanent


def test_the_answer_is_recorded_short_on_one_line_and_without_the_secret(
    webhook: HttpReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    webhook.behave(answer(500, f"no\r\nroute to {webhook.url} {'x' * 5000}"))
    with pytest.raises(DeliveryError) as caught:
        slack(webhook).deliver(notification(), DELIVERY, DeliveryProgress())
    assert "v3ry-s3cret-t0ken" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) <= 500
    assert "v3ry-s3cret-t0ken" not in caplog.text


def test_an_answer_of_control_signs_becomes_a_line_that_any_database_takes(
    webhook: HttpReceiver,
) -> None:
    webhook.behave(answer(500, "o\x00k\r\n\x1b[31m\u2028"))
    with pytest.raises(DeliveryError) as caught:
        slack(webhook).deliver(notification(), DELIVERY, DeliveryProgress())
    assert str(caught.value) == "HTTP 500 o k [31m"


def test_a_proxy_is_passed_by_for_hosts_that_need_none(
    webhook: HttpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(urllib.request, "_opener", None)
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert slack(webhook).deliver(notification(), DELIVERY, DeliveryProgress()).answer == "HTTP 200 ok"


# E-mail


def email(server: MailServer, **more: Any) -> EmailNotifier:
    given = {"host": "localhost", "port": server.port, "ca_file": str(server.ca_file), "timeout_s": 10} | more
    settings = settings_of("email", **given)
    assert isinstance(settings, EmailSettings)
    return EmailNotifier(settings)


@pytest.fixture
def mails(tmp_path: Path) -> Iterator[MailServer]:
    with mail_server(tmp_path) as server:
        yield server


@WITHIN_TLS
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mail_goes_encrypted_and_signed_in(tmp_path: Path, security: str) -> None:
    with mail_server(tmp_path, security) as server:
        receipt = email(server, security=security).deliver(notification(), DELIVERY, DeliveryProgress())
    assert receipt.answer == "250 2.0.0 taken"
    assert receipt.progress == DeliveryProgress(
        taken=("ada@farm.example", "bob@farm.example"), outstanding=()
    )
    assert server.encrypted == [True]
    assert server.signed_in == ["layerline"]
    ((to, mail),) = server.mails
    assert to == ["ada@farm.example", "bob@farm.example"]
    assert mail["Subject"] == "bay1: 3 failed prints in a row"


def test_mail_goes_in_the_clear_only_when_that_is_stated(tmp_path: Path) -> None:
    with mail_server(tmp_path, "none") as server:
        email(server, security="none", username=None, password=None).deliver(
            notification(), DELIVERY, DeliveryProgress()
        )
    assert server.encrypted == [False]


def test_a_server_without_starttls_gets_nothing(tmp_path: Path) -> None:
    with mail_server(tmp_path, offer_starttls=False) as server:
        with pytest.raises(DeliveryError, match="STARTTLS") as caught:
            email(server).deliver(notification(), DELIVERY, DeliveryProgress())
        assert server.mails == []
        assert server.signed_in == []
    assert not caught.value.permanent


@WITHIN_TLS
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_server_whose_certificate_nobody_vouches_for_gets_nothing(tmp_path: Path, security: str) -> None:
    with mail_server(tmp_path, security) as server:
        with pytest.raises(DeliveryError, match=r"(?i)certificate") as caught:
            email(server, security=security, ca_file=None).deliver(
                notification(), DELIVERY, DeliveryProgress()
            )
        assert server.mails == []
        assert server.signed_in == []
    assert not caught.value.permanent


def test_a_certificate_for_another_name_is_refused(mails: MailServer) -> None:
    with pytest.raises(DeliveryError, match=r"(?i)certificate"):
        email(mails, host="127.0.0.1").deliver(notification(), DELIVERY, DeliveryProgress())
    assert mails.mails == []


def test_a_wrong_password_is_permanent_and_told_nowhere(
    mails: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(DeliveryError, match="535") as caught:
        email(mails, password="wr0ng:passw0rd").deliver(notification(), DELIVERY, DeliveryProgress())
    assert caught.value.permanent
    assert "wr0ng:passw0rd" not in str(caught.value) + caplog.text


def test_a_refused_login_leaves_no_connection_open(tmp_path: Path) -> None:
    """The server takes no leave: TLS would wait for its farewell."""
    context = vouched_for(tmp_path / "ca.pem")
    is_over = threading.Event()

    def refuse(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        client = context.wrap_socket(connection, server_side=True)
        with suppress(ConnectionError):
            for reply in (b"220 mail.example\r\n", b"250-mail.example\r\n250 AUTH PLAIN\r\n", b"535 no\r\n"):
                client.sendall(reply)
                client.recv(1000)
        with closing(socket.socket(fileno=client.detach())) as connection, suppress(ConnectionError):
            while connection.recv(1000):
                pass
        is_over.set()

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=refuse, args=(listener,))
        thread.start()
        server = MailServer(port=listener.getsockname()[1], ca_file=tmp_path / "ca.pem")
        with pytest.raises(DeliveryError, match="535"):
            email(server, security="tls").deliver(notification(), DELIVERY, DeliveryProgress())
        assert is_over.wait(10)
        thread.join(10)


def test_a_mail_has_text_and_html_and_belongs_to_the_thread_of_its_alert(mails: MailServer) -> None:
    notifier = email(mails)
    notifier.deliver(notification(), DELIVERY, DeliveryProgress())
    notifier.deliver(notification(reason=NotificationReason.RESOLVED), "another", DeliveryProgress())
    (_, first), (_, second) = mails.mails
    assert first.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in first.iter_parts()] == ["text/plain", "text/html"]
    assert first["Message-ID"] == f"<{DELIVERY}@farm.example>"
    assert second["Message-ID"] == "<another@farm.example>"
    assert first["References"] == second["References"] == f"<alert-{notification().alert_id}@farm.example>"
    assert first["In-Reply-To"] == first["References"]
    assert first["Auto-Submitted"] == "auto-generated"
    assert first["Date"].datetime.timestamp() == 1_763_800_000


def test_odd_names_arrive_as_they_are_and_do_nothing(mails: MailServer) -> None:
    sent = [name for name in ODD_NAMES if name and len(name) < 100 and name.isprintable()]
    prints = [evidence(name, detail=None) for name in sent]
    email(mails).deliver(
        notification(prints, printer="<i>bay</i>", title="<i>bay</i>: 3 failed"), DELIVERY, DeliveryProgress()
    )
    ((_, mail),) = mails.mails
    plain, html = (part.get_content() for part in mail.iter_parts())
    for name in sent:
        assert name in plain
        assert (name in html) == (not any(sign in name for sign in "<>&"))
    assert "<script" not in html
    assert "&lt;/p&gt;&lt;script&gt;" in html
    assert "<i>" not in html


def test_a_name_cannot_add_headers(mails: MailServer) -> None:
    email(mails).deliver(
        notification(title="bay1\r\nBcc: everybody@example.com: 3 failed"), DELIVERY, DeliveryProgress()
    )
    ((to, mail),) = mails.mails
    assert mail["Bcc"] is None
    assert "Bcc: everybody" in mail["Subject"]
    assert len(to) == 2


def test_no_line_of_a_mail_is_longer_than_mail_allows() -> None:
    for each in NOTIFICATIONS:
        raw = notifier_of("email").build(each, DELIVERY).as_bytes()
        assert max(map(len, raw.split(b"\r\n"))) <= 998


def test_only_who_was_refused_for_now_is_tried_again(mails: MailServer) -> None:
    mails.refusals = {"bob@farm.example": ["451 4.3.0 mailbox busy"]}
    notifier = email(mails, recipients=["ada@farm.example", "bob@farm.example", "cyd@farm.example"])
    first = notifier.deliver(notification(), DELIVERY, DeliveryProgress())
    assert first.progress == DeliveryProgress(
        taken=("ada@farm.example", "cyd@farm.example"), outstanding=("bob@farm.example",)
    )
    assert "bob@farm.example: 451" in first.answer
    second = notifier.deliver(notification(), DELIVERY, first.progress)
    assert second.progress.outstanding == ()
    assert set(second.progress.taken) == {"ada@farm.example", "bob@farm.example", "cyd@farm.example"}
    assert [to for to, _ in mails.mails] == [["ada@farm.example", "cyd@farm.example"], ["bob@farm.example"]]
    assert mails.mails[0][1]["Message-ID"] == mails.mails[1][1]["Message-ID"]


def test_who_is_refused_for_good_is_named_and_not_tried_again(mails: MailServer) -> None:
    mails.refusals = {"bob@farm.example": ["550 5.1.1 no such user"]}
    receipt = email(mails).deliver(notification(), DELIVERY, DeliveryProgress())
    assert receipt.progress == DeliveryProgress(
        taken=("ada@farm.example",), refused=("bob@farm.example",), outstanding=()
    )
    assert "bob@farm.example: 550 5.1.1 no such user" in receipt.answer


def test_when_all_are_refused_for_now_all_are_tried_again(mails: MailServer) -> None:
    mails.refusals = {who: ["450 greylisted"] for who in ("ada@farm.example", "bob@farm.example")}
    receipt = email(mails).deliver(notification(), DELIVERY, DeliveryProgress())
    assert receipt.progress.outstanding == ("ada@farm.example", "bob@farm.example")
    assert receipt.progress.taken == ()


def test_when_all_are_refused_for_good_that_is_permanent(mails: MailServer) -> None:
    mails.refusals = {who: ["550 no"] for who in ("ada@farm.example", "bob@farm.example")}
    with pytest.raises(DeliveryError, match="every recipient refused") as caught:
        email(mails).deliver(notification(), DELIVERY, DeliveryProgress())
    assert caught.value.permanent


@pytest.mark.parametrize(("reply", "permanent"), [("554 spam", True), ("452 disk full", False)])
def test_a_refused_message_is_judged_by_its_code(mails: MailServer, reply: str, permanent: bool) -> None:
    mails.answer_to_data = reply
    with pytest.raises(DeliveryError, match=reply) as caught:
        email(mails).deliver(notification(), DELIVERY, DeliveryProgress())
    assert caught.value.permanent is permanent


def test_a_mail_server_is_probed_without_sending_a_mail(mails: MailServer) -> None:
    assert email(mails).probe().startswith("250")
    assert mails.signed_in == ["layerline"]
    assert mails.mails == []


def test_a_mail_server_that_hangs_up_in_mid_answer_is_tried_again() -> None:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def greet_and_leave() -> None:
            connection, _ = listener.accept()
            with closing(connection):
                connection.sendall(b"220-mail.example\r\n220 rea")

        thread = threading.Thread(target=greet_and_leave)
        thread.start()
        with pytest.raises(DeliveryError) as caught:
            notifier_of("email", port=listener.getsockname()[1]).deliver(
                notification(), DELIVERY, DeliveryProgress()
            )
        thread.join(10)
    assert not caught.value.permanent


def test_notifiers_are_listed_from_the_folder() -> None:
    folder = Path(alerts.notifiers.__file__).parent
    files = {path.stem for path in folder.glob("*.py") if not path.stem.startswith("_")} - {"base"}
    assert files == set(KINDS)
