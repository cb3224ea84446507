"""The webhook's message: its schema as docs/webhook.md has it, its signature, its settings."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from alerts.notifiers.base import shortened
from alerts.notifiers.webhook import (
    LONGEST_NAME,
    LONGEST_TEXT,
    LONGEST_WORDS,
    MOST_PRINTS,
    SCHEMA_VERSION,
    WebhookSettings,
    body_of,
    encoded,
    key_of,
    signature,
)
from alerts.wording import units
from farm.model.alert import AlertState, NotificationReason, Severity
from farm.model.states import CancelledBy, Cause, Outcome
from farm.model.times import parse_rfc3339
from tests.unit.alerts.makings import ODD_NAMES, evidence, notification

PAGE = (Path(__file__).parents[3] / "docs" / "webhook.md").read_text("utf-8")
DELIVERY = "5f0c9a4e-2222-4222-8222-222222222222"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def block(language: str) -> str:
    """The only block of code in that language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def names(value: Any, prefix: str = "") -> Iterator[str]:
    """Every field as the documentation writes it: `alert.id`, `prints[].file`."""
    for key, inner in value.items():
        if key != "alert":
            yield f"{prefix}{key}"
        if isinstance(inner, dict):
            yield from names(inner, f"{key}.")
        if isinstance(inner, list):
            yield from names(inner[0], f"{key}[].")


def test_the_example_is_what_is_sent() -> None:
    prints = [evidence("hook.gcode"), evidence("benchy.gcode", cause=Cause.ADHESION, detail=None)]
    assert json.loads(block("json")) == body_of(notification(prints, earlier_prints=1), DELIVERY)


def test_every_field_is_documented_and_nothing_else() -> None:
    rows = re.findall(r"^\| `([\w.\[\]]+)` \| [a-z ]+ \| ", PAGE, re.MULTILINE)
    assert rows == list(names(body_of(notification(), DELIVERY)))


def test_every_word_that_may_stand_in_a_field_is_documented() -> None:
    reasons = [f"alert.{reason}" for reason in NotificationReason]
    for word in [*reasons, *AlertState, *Severity, *Outcome, *Cause, *CancelledBy]:
        assert f"`{word}`" in PAGE, word


def test_the_figures_of_the_page_are_those_of_the_program() -> None:
    assert f"at most {MOST_PRINTS}" in PAGE
    assert f"cut to {LONGEST_NAME} characters, sentences to {LONGEST_WORDS:,}" in PAGE
    assert LONGEST_TEXT + LONGEST_WORDS == 5_000
    assert "at most 5,000 characters" in PAGE
    assert f"Version of this schema, {SCHEMA_VERSION}." in PAGE


def test_one_alert_has_one_id_whatever_is_told_of_it() -> None:
    bodies = [body_of(notification(reason=reason), DELIVERY) for reason in NotificationReason]
    assert len({body["alert"]["id"] for body in bodies}) == 1
    assert [body["type"] for body in bodies] == ["alert.fired", "alert.repeated", "alert.resolved"]
    assert [body["alert"]["state"] for body in bodies] == ["firing", "firing", "resolved"]
    assert [body["alert"]["resolved_at"] is None for body in bodies] == [True, True, False]


def test_times_are_rfc_3339_in_utc() -> None:
    body = body_of(notification(), DELIVERY)
    for text in (body["timestamp"], body["alert"]["fired_at"], body["prints"][0]["started_at"]):
        assert text.endswith("Z")
        assert parse_rfc3339(text)


def test_a_name_comes_through_as_it_is_and_can_do_nothing() -> None:
    name = "<b>*_[x](y)"
    body = json.loads(encoded(body_of(notification([evidence(name)], printer=name), DELIVERY)))
    assert body["printer"]["name"] == body["prints"][0]["file"] == name
    assert name in body["text"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_body_is_utf_8_on_one_line_and_bounded(name: str) -> None:
    prints = [evidence(name, detail=name)] * 80
    body = body_of(notification(prints, printer=name, title=name, summary=name), DELIVERY)
    data = encoded(body)
    assert b"\n" not in data
    assert json.loads(data) == body
    assert len(data) < 200_000
    assert len(body["prints"]) == MOST_PRINTS
    assert body["earlier_prints"] == 60
    assert units(body["text"]) <= LONGEST_TEXT + LONGEST_WORDS


def test_an_alert_about_the_farm_has_no_printer() -> None:
    assert body_of(notification(printer=None, group=None, model=None), DELIVERY)["printer"] is None


def test_the_signature_is_the_one_that_the_libraries_of_standard_webhooks_expect() -> None:
    # From the tests of their reference library in Python.
    made = signature(key_of(SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("secret", [SECRET, "a plain text of some length"])
def test_the_recipe_of_the_page_verifies_what_is_sent(secret: str) -> None:
    known: dict[str, Any] = {}
    exec(block("python"), known)  # noqa: S102 - what is documented
    verify = known["is_from_layerline"]
    body, now = encoded(body_of(notification(), DELIVERY)), 1_763_800_000
    headers = {
        "webhook-id": DELIVERY,
        "webhook-timestamp": str(now),
        "webhook-signature": f"v1,b3RoZXI= {signature(key_of(secret), DELIVERY, now, body)}",
    }
    assert verify(headers, body, secret, now + 299)
    assert not verify(headers, body, secret, now + 301)
    assert not verify(headers, body + b" ", secret, now)
    assert not verify(headers, body, secret + "abcd", now)
    assert not verify(headers | {"webhook-id": "another"}, body, secret, now)
    assert not verify(headers | {"webhook-timestamp": "²"}, body, secret, now)
    assert not verify({}, body, secret, now)


URL = "https://example.com/hook?key=t0ps3cret"


def complaint(**more: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        WebhookSettings.model_validate({"url": URL} | more)
    return str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x/t0ps3cret",
        "https://u:t0ps3cret@x/",
        "https://x/t0p s3cret",
        "https://ä/t0ps3cret",
        "https://x/#t0ps3cret",
        "https://x:99999/t0ps3cret",
        "t0ps3cret",
    ],
)
def test_an_address_that_cannot_be_posted_to_is_refused_and_not_told(url: str) -> None:
    words = complaint(url=url)
    assert "must be an address such as" in words
    assert "t0p" not in words


@pytest.mark.parametrize("secret", ["t0ps3cret", "whsec_t0ps3cret", "whsec_***t0ps3cret", "whsec_"])
def test_a_secret_that_signs_nothing_is_refused_and_not_told(secret: str) -> None:
    words = complaint(secret=secret)
    assert "must" in words
    assert "t0ps3cret" not in words


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Content-Type": "t0ps3cret"}, "set by Layerline itself"),
        ({"Webhook-Id": "t0ps3cret"}, "set by Layerline itself"),
        ({"X Y": "t0ps3cret"}, "letters, digits and hyphens"),
        ({"X": "t0ps3cret\r\nY: z"}, "on one line"),
        ({"X": "t0ps3cret\u00e4"}, "ASCII"),
        ({"X": ""}, "ASCII"),
        ({"X": "t0ps3cret", "x": "t0ps3cret"}, "twice"),
        ("t0ps3cret", "line 1 must be a header"),
        (["t0ps3cret"], "headers"),
    ],
)
def test_a_header_that_cannot_be_sent_is_refused_and_not_told(headers: object, expected: str) -> None:
    words = complaint(headers=headers)
    assert expected in words
    assert "t0ps3cret" not in words


def test_headers_of_a_file_stand_one_on_a_line() -> None:
    settings = WebhookSettings.model_validate(
        {"url": URL, "headers": "Authorization: Bearer t0ps3cret\n\nX-A:b"}
    )
    told = {name: value.get_secret_value() for name, value in settings.headers.items()}
    assert told == {"Authorization": "Bearer t0ps3cret", "X-A": "b"}
    assert "t0ps3cret" in settings.secrets(), "a server may answer with the token alone"
    assert shortened(repr(settings)).count("t0ps3cret") == 0
