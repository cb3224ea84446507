"""What is published to ntfy: its limits in bytes, priorities, and its settings."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from alerts.notifiers.ntfy import (
    LONGEST_BODY,
    LONGEST_CLICK,
    LONGEST_MESSAGE,
    LONGEST_TITLE,
    NtfyNotifier,
    NtfySettings,
)
from farm.model.alert import NotificationReason, Severity
from tests.unit.alerts.makings import ODD_NAMES, evidence, notification

DELIVERY = "5f0c9a4e-2222-4222-8222-222222222222"


def built(told: Any) -> dict[str, Any]:
    return NtfyNotifier(NtfySettings.model_validate({"topic": "t" * 64})).build(told, DELIVERY)


@pytest.mark.parametrize("name", [*ODD_NAMES, '"\\' * 2000, "=?UTF-8?Q?=E2=80=AE?="])
def test_it_keeps_within_the_limits_of_a_server(name: str) -> None:
    # A message of exactly 4,096 bytes becomes an attached file, a body of more than twice that is refused.
    told = notification(
        [evidence(name, detail=name)] * 80, title=name, summary=name, url="http://x/" + "y" * 900
    )
    content = built(told)
    assert 0 < len(content["message"].encode()) <= LONGEST_MESSAGE == 4_095
    assert len(content["title"].encode()) <= LONGEST_TITLE
    assert (
        len(json.dumps(content | {"topic": "t" * 64}, ensure_ascii=False).encode()) <= LONGEST_BODY == 8_191
    )
    assert "This message is shortened" in content["message"]
    assert "=?" not in content["title"], "ntfy would read an encoded word in it"


def test_a_name_comes_through_as_text() -> None:
    content = built(notification([evidence("<b>*_[x](y)")], printer="<b>*_[x](y)", title="<b>*_[x](y): 3"))
    assert content["title"] == "<b>*_[x](y): 3"
    assert content["message"].count("<b>*_[x](y)") == 2
    assert "markdown" not in content


@pytest.mark.parametrize(
    ("reason", "severity", "priority", "tag"),
    [
        (NotificationReason.FIRED, Severity.CRITICAL, 5, "rotating_light"),
        (NotificationReason.REPEATED, Severity.WARNING, 4, "warning"),
        (NotificationReason.FIRED, Severity.INFO, 3, "information_source"),
        (NotificationReason.RESOLVED, Severity.CRITICAL, 3, "white_check_mark"),
    ],
)
def test_the_priority_follows_the_severity(
    reason: NotificationReason, severity: Severity, priority: int, tag: str
) -> None:
    content = built(notification(reason=reason, severity=severity))
    assert (content["priority"], content["tags"]) == (priority, [tag])


def test_a_tap_opens_the_page_where_its_address_is_known() -> None:
    assert built(notification())["click"] == "http://farm.local:8642"
    assert "click" not in built(notification(url=None))
    assert "click" not in built(notification(url="http://x/" + "y" * LONGEST_CLICK))


@pytest.mark.parametrize(
    ("more", "header"),
    [
        ({}, None),
        ({"token": "tk_abc"}, "Bearer tk_abc"),
        ({"username": "ada", "password": "p4ss"}, "Basic YWRhOnA0c3M="),
    ],
)
def test_it_signs_in_with_a_token_or_a_password(more: dict[str, str], header: str | None) -> None:
    assert NtfySettings.model_validate({"topic": "farm"} | more).authorization() == header


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"topic": "farm/t0ps3cret"}, "letters, digits"),
        ({"topic": "t0ps3cret" * 10}, "letters, digits"),
        ({"topic": ""}, "letters, digits"),
        ({"username": "ada"}, "belong together"),
        ({"password": "t0ps3cret"}, "belong together"),
        ({"username": "ada", "password": "t0ps3cret", "token": "tk_t0ps3cret"}, "not both"),
        ({"server": "https://ada:t0ps3cret@ntfy.sh"}, "address of an ntfy server"),
        ({"server": "ntfy.sh"}, "address of an ntfy server"),
        ({"server": "https://ntfy.sh/?auth=t0ps3cret"}, "address of an ntfy server"),
    ],
)
def test_a_receiver_that_cannot_work_is_refused(more: dict[str, str], expected: str) -> None:
    with pytest.raises(ValidationError) as caught:
        NtfySettings.model_validate({"topic": "farm"} | more)
    assert expected in str(caught.value)
    assert "t0ps3cret" not in str(caught.value)
