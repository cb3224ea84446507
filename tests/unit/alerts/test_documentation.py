import re
from pathlib import Path

import pytest

from alerts.dispatcher import LEASE_MARGIN_MS
from alerts.evaluator import SWEEP_DEPTH
from alerts.history import FURTHEST
from alerts.notifiers import make_notifier, notifier_types
from alerts.notifiers.webhook import WebhookSettings
from alerts.retry import FIRST_DELAY_MS, LONGEST_DELAY_MS, RetryDecision, judge_http
from alerts.rules import rule_types
from alerts.settings import AlertSettings
from farm.app.config import load_configuration
from farm.model.alert import AlertState, DeliveryState, NotificationReason

PAGE = (Path(__file__).parents[3] / "docs" / "alerts.md").read_text("utf-8")


def section(title: str) -> str:
    """The text below a heading, up to the next of any level."""
    found = re.search(rf"^#+ {re.escape(title)}$(.*?)(?=^#|\Z)", PAGE, re.DOTALL | re.MULTILINE)
    assert found, title
    return found[1]


def rows(text: str) -> set[str]:
    """The names in the first column of the tables."""
    firsts = re.findall(r"^\| ([^|]+) \|", text, re.MULTILINE)
    return {name for first in firsts for name in re.findall(r"`([^`]+)`", first)}


def test_every_setting_is_documented_and_nothing_else() -> None:
    assert rows(section("Settings")) == set(AlertSettings.model_fields)


@pytest.mark.parametrize("kind", sorted(notifier_types()))
def test_every_receiver_is_documented_with_its_settings(kind: str) -> None:
    fields = set(notifier_types()[kind].settings_type.model_fields) - {"kind"}
    assert rows(section(f"`{kind}`")) == fields


def test_every_rule_state_and_reason_is_documented() -> None:
    for word in [*rule_types(), *AlertState, *NotificationReason, *DeliveryState]:
        assert f"`{word}`" in PAGE


def test_the_sample_configuration_is_valid(tmp_path: Path) -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "slack-webhook").write_text("https://hooks.slack.com/services/T/B/x")
    for name in ("mail-password", "ntfy-topic", "ntfy-token"):
        (tmp_path / name).write_text("secret")
    (tmp_path / "telegram").write_text("tgram://token/chat")
    (tmp_path / "webhook-secret").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    (tmp_path / "webhook-headers").write_text("Authorization: Bearer secret\n")
    (tmp_path / "layerline.toml").write_text(block.replace("/etc/layerline", str(tmp_path)), "utf-8")
    settings = load_configuration(config=tmp_path / "layerline.toml", data=tmp_path, environment={}).alerts
    assert {type(make_notifier(receiver)) for receiver in settings.receivers} == set(
        notifier_types().values()
    )
    (webhook,) = (each for each in settings.receivers if isinstance(each, WebhookSettings))
    assert webhook.headers["Authorization"].get_secret_value() == "Bearer secret"
    leases = {r.kind: make_notifier(r).patience_s + LEASE_MARGIN_MS / 1000 for r in settings.receivers}  # type: ignore[attr-defined]
    assert leases == {"slack": 40, "email": 70, "webhook": 40, "ntfy": 40, "apprise": 40}


def test_defaults_and_limits_are_those_of_the_program() -> None:
    settings = AlertSettings()
    assert settings.streak_length == 3
    assert "| `streak_length` | `3` |" in PAGE
    assert f"{FURTHEST:,}" in PAGE
    assert f"last {SWEEP_DEPTH} prints" in PAGE
    assert (FIRST_DELAY_MS, LONGEST_DELAY_MS) == (2_000, 15 * 60_000)


def test_the_retry_table_names_every_status_that_is_tried_again() -> None:
    again = [status for status in range(100, 500) if judge_http(status) is RetryDecision.AGAIN]
    assert f"| HTTP {', '.join(map(str, again))} | again |" in PAGE
