import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from alerts.notifiers.email import EmailSettings
from alerts.notifiers.slack import SlackSettings
from alerts.settings import AlertSettings

SLACK = {"kind": "slack", "webhook_url": "https://hooks.slack.com/services/T/B/s3cret"}
MAIL = {
    "kind": "email",
    "host": "mail.example.com",
    "sender": "Layerline <layerline@example.com>",
    "recipients": ["floor@example.com"],
}


def read(**section: Any) -> AlertSettings:
    return TypeAdapter(AlertSettings).validate_python(section)


def complaint(**section: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        read(**section)
    return str(caught.value)


def test_with_nothing_set_three_failures_alert_and_nobody_is_told() -> None:
    settings = read()
    assert settings.streak_length == 3
    assert settings.repeat == timedelta(hours=4)
    assert settings.max_age == timedelta(hours=1)
    assert settings.public_url is None
    assert settings.receivers == ()


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("4h", timedelta(hours=4)),
        ("90m", timedelta(minutes=90)),
        ("1d12h", timedelta(days=1, hours=12)),
        ("1h 30m", timedelta(minutes=90)),
        ("120s", timedelta(minutes=2)),
        ("0", timedelta()),
        (0, timedelta()),
        (timedelta(hours=2), timedelta(hours=2)),
    ],
)
def test_a_length_of_time_is_read(text: object, length: timedelta) -> None:
    assert read(repeat=text).repeat == length


@pytest.mark.parametrize(
    "text", ["", "4", 4, "4 hours", "h", "-4h", "4h4d", False, None, "9" * 30 + "d", "٤h"]
)
def test_anything_else_is_no_length_of_time_and_the_form_is_told(text: object) -> None:
    words = complaint(max_age=text)
    assert "max_age" in words
    assert "length of time" in words or "too long" in words


def test_repeating_every_few_seconds_is_refused() -> None:
    assert "at least 1m" in complaint(repeat="30s")


@pytest.mark.parametrize("length", [0, -1, 101])
def test_an_absurd_streak_is_refused(length: int) -> None:
    assert "streak_length" in complaint(streak_length=length)


def test_an_unknown_key_is_refused() -> None:
    assert "streak_lenght" in complaint(streak_lenght=3)
    assert "channel" in complaint(receivers=[SLACK | {"channel": "#floor"}])


def test_receivers_are_told_apart_by_their_kind() -> None:
    slack, mail = read(receivers=[SLACK, MAIL]).receivers
    assert isinstance(slack, SlackSettings)
    assert isinstance(mail, EmailSettings)
    assert (slack.name, mail.name) == ("slack", "email")


def test_an_unknown_kind_is_refused_with_those_that_are_known() -> None:
    words = complaint(receivers=[MAIL, {"kind": "pager"}])
    assert "receivers.1" in words
    assert "'apprise', 'email', 'ntfy', 'slack', 'webhook'" in words


def test_two_receivers_of_one_name_are_refused() -> None:
    assert "two receivers are called 'slack'" in complaint(receivers=[SLACK, SLACK])
    assert len(read(receivers=[SLACK, SLACK | {"name": "office"}]).receivers) == 2


@pytest.mark.parametrize(
    ("url", "kept"), [("http://farm.local:8642/", "http://farm.local:8642"), ("https://x.example/farm", None)]
)
def test_the_address_of_the_page_is_kept_without_its_last_slash(url: str, kept: str | None) -> None:
    assert read(public_url=url).public_url == (kept or url)


@pytest.mark.parametrize(
    "url", ["farm.local", "ftp://farm.local", "http://", "http://a:b@farm.local", "http://x/?a=1"]
)
def test_what_is_no_address_of_a_page_is_refused(url: str) -> None:
    assert "public_url" in complaint(public_url=url)


def test_a_secret_that_is_missing_is_asked_for() -> None:
    assert "webhook_url" in complaint(receivers=[{"kind": "slack"}])


@pytest.mark.parametrize(
    "url", ["s3cret", "hooks.slack.com/s3cret", "https://ho st/s3cret", "https://[s3cret", "ftp://x/s3cret"]
)
def test_a_wrong_webhook_address_is_refused_and_not_told(url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    words = complaint(receivers=[SLACK | {"webhook_url": url}])
    assert "must be the address of an incoming webhook" in words
    assert "s3cret" not in words + caplog.text


def test_a_complaint_about_another_key_does_not_tell_the_secret() -> None:
    words = complaint(
        receivers=[MAIL | {"username": "u", "password": "s3cret", "port": "x", "security": "ssl"}]
    )
    assert "s3cret" not in words


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"username": "u"}, "belong together"),
        ({"password": "p4ssword"}, "belong together"),
        ({"username": "u", "password": "p4ssword", "security": "none"}, "for all to read"),
        ({"recipients": []}, "recipients"),
        ({"recipients": ["nobody"]}, "mail address"),
        ({"recipients": ["a@b.example\nBcc: c@d.example"]}, "mail address"),
        ({"recipients": ["@b.example"]}, "mail address"),
        ({"recipients": [""]}, "mail address"),
        ({"sender": "Layerline"}, "mail address"),
        ({"sender": "Layerline <a@b.example>\r\nBcc: c@d.example"}, "one line"),
        ({"security": "ssl"}, "security"),
        ({"port": 0}, "port"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"ca_file": "/nowhere/ca.pem"}, "ca_file = /nowhere/ca.pem"),
    ],
)
def test_a_mail_receiver_that_cannot_work_is_refused(more: dict[str, object], expected: str) -> None:
    words = complaint(receivers=[MAIL | more])
    assert expected in words
    assert "p4ssword" not in words


def test_encryption_is_demanded_unless_it_is_switched_off() -> None:
    (mail,) = read(receivers=[MAIL]).receivers
    assert isinstance(mail, EmailSettings)
    assert mail.security == "starttls"


def test_a_certificate_file_that_holds_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("not a certificate")
    assert "ca_file" in complaint(receivers=[MAIL | {"ca_file": str(tmp_path / "ca.pem")}])


@pytest.mark.parametrize("name", ["", "x" * 65])
def test_a_rule_has_a_name_that_the_ledger_takes(name: str) -> None:
    assert "name" in complaint(rules=[{"kind": "failed_streak", "name": name}])
    for right in ("x", "x" * 64):
        (rule,) = read(rules=[{"kind": "failed_streak", "name": right}]).applied_rules
        assert rule.name == right


def test_two_rules_of_one_name_are_refused_and_streak_length_beside_rules_too() -> None:
    rule = {"kind": "printer_error"}
    assert "printer_error" in complaint(rules=[rule, rule])
    assert "streak_length" in complaint(rules=[rule], streak_length=2)
    assert len(read(rules=[rule, rule | {"name": "other"}]).applied_rules) == 2


def test_without_rules_there_is_one_about_failed_prints_in_a_row() -> None:
    (rule,) = read(streak_length=5).applied_rules
    assert (rule.name, rule.model_dump()["length"]) == ("failed_streak", 5)
    assert read(rules=[]).applied_rules == ()
