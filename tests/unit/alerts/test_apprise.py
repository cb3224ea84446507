"""What is handed to the library apprise, and the addresses that it is given."""

import pytest
from pydantic import ValidationError

from alerts.notifiers.apprise import LONGEST_BODY, LONGEST_TITLE, AppriseNotifier, AppriseSettings
from alerts.notifiers.base import shortened
from alerts.wording import units
from farm.model.alert import NotificationReason, Severity
from tests.unit.alerts.makings import ODD_NAMES, evidence, notification

DELIVERY = "5f0c9a4e-2222-4222-8222-222222222222"
URL = "tgram://123456789:AAbbccddeeff-t0ps3cret/987654321012?format=html&key=an0ther%2Fs3cret"


def notifier(url: str = URL) -> AppriseNotifier:
    return AppriseNotifier(AppriseSettings.model_validate({"url": url}))


@pytest.mark.parametrize(
    ("reason", "severity", "kind"),
    [
        (NotificationReason.FIRED, Severity.CRITICAL, "failure"),
        (NotificationReason.REPEATED, Severity.WARNING, "warning"),
        (NotificationReason.FIRED, Severity.INFO, "info"),
        (NotificationReason.RESOLVED, Severity.CRITICAL, "success"),
    ],
)
def test_the_type_follows_the_severity(reason: NotificationReason, severity: Severity, kind: str) -> None:
    assert notifier().build(notification(reason=reason, severity=severity), DELIVERY)["type"] == kind


@pytest.mark.parametrize("name", ODD_NAMES)
def test_title_and_text_are_bounded(name: str) -> None:
    told = notification([evidence(name, detail=name)] * 80, title=name, summary=name)
    content = notifier().build(told, DELIVERY)
    assert units(content["title"]) <= LONGEST_TITLE + 10
    assert units(content["body"]) <= LONGEST_BODY + 50


@pytest.mark.parametrize(
    "name",
    ["@all", "<!channel>", "<!channel|x>", "<@U024BE7LH>", "<@&42>", "<#C1>", "[x](http://evil.example)"],
)
def test_a_name_calls_nobody_and_hides_no_address(name: str) -> None:
    content = notifier().build(notification([evidence(name)], title=name), DELIVERY)
    for text in (content["title"], content["body"]):
        assert name not in text
        assert name in text.replace("\u2060", "")


def test_the_address_of_the_page_stays_whole() -> None:
    url = "http://farm.local:8642/@floor"
    assert url in notifier().build(notification(url=url), DELIVERY)["body"].split("\n")


@pytest.mark.parametrize(
    "part", ["AAbbccddeeff-t0ps3cret", "987654321012", "an0ther%2Fs3cret", "an0ther/s3cret"]
)
def test_each_part_of_the_address_is_a_secret(part: str) -> None:
    made = notifier()
    assert part in made.settings.secrets()
    assert part not in made.clean(f"Failed to send to {part}: {URL}")
    assert part not in shortened(repr(made.settings))


@pytest.mark.parametrize(
    "url", ["t0ps3cret", "://t0ps3cret", "json://", "json://a t0ps3cret", "json://a, json://b"]
)
def test_what_is_no_single_address_is_refused_and_not_told(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        AppriseSettings.model_validate({"url": url})
    assert "must be one address as apprise takes it" in str(caught.value)
    assert "t0ps3cret" not in str(caught.value)
