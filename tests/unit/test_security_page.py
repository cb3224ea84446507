"""docs/security.md promises only what is there: its settings exist, its figures are those of the code."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from alerts.dispatcher import LEASE_MARGIN_MS
from alerts.notifiers import notifier_types
from alerts.notifiers._http_receiver import STEPS
from alerts.notifiers.email import TOTAL_TIMES
from api.auth import OPEN_PATHS
from api.body_limit import LARGEST_BODY
from api.connections import ConnectionLimits
from api.quiet_logs import SAY_EVERY_S
from api.routes.page import LARGEST_FORM
from api.settings import SHORTEST_TOKEN, ApiSettings
from collector.settings import BrokerSettings
from farm.answer_limit import LARGEST_ANSWER
from farm.app.embedded_broker.connect import MOST_BYTES
from farm.app.embedded_broker.front import FIRST_PACKET_S, MOST_AT_THE_DOOR, MOST_CLIENTS
from farm.app.embedded_broker.status import KEPT_MS, MOST_KEPT, SAID_A_MINUTE
from farm.influx.settings import InfluxSettings
from farm.model.secret_mask import UNMISTAKABLE
from farm.model.times import DAY_MS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
SECTIONS: dict[str, type[BaseModel]] = {
    "api": ApiSettings,
    "broker": BrokerSettings,
    "influx": InfluxSettings,
}


def limit_of(what: str) -> str:
    """The second column of the row of the table of limits."""
    (found,) = re.findall(rf"^\| {re.escape(what)} \| ([^|]+) \|", PAGE, re.MULTILINE)
    return str(found).strip()


def test_from_which_length_on_a_secret_is_masked_everywhere_is_right() -> None:
    assert f"One of fewer than {UNMISTAKABLE} characters" in PAGE


def test_every_setting_that_is_named_exists() -> None:
    named = set(re.findall(r"`(api|broker|influx)\.(\w+)`", PAGE))
    assert len(named) > 6
    for section, key in named:
        fields = SECTIONS[section].model_fields
        known = key in fields
        secret = key.removesuffix("_file")
        assert known or (key.endswith("_file") and "SecretStr" in str(fields[secret].annotation)), (
            section,
            key,
        )


def test_every_secret_of_a_receiver_is_named_with_its_file() -> None:
    for kind in notifier_types().values():
        for key, field in kind.settings_type.model_fields.items():
            if SecretStr in (field.annotation, *getattr(field.annotation, "__args__", ())):
                assert f"`{key}_file`" in PAGE


@pytest.mark.parametrize(
    ("what", "limit"),
    [
        ("connections to the API at a time", f"`api.max_connections`, {ApiSettings().max_connections:,}"),
        ("live streams at a time", f"`api.max_streams`, {ApiSettings().max_streams:,}"),
        ("a whole request, head and body", f"{ConnectionLimits().request_within_s:g} s"),
        ("the body of a request", f"{LARGEST_BODY:,} bytes"),
        ("the form that asks for the token", f"{LARGEST_FORM:,} bytes"),
        (
            "an answer that a client does not take",
            f"{ConnectionLimits().least_taken:,} bytes in {ConnectionLimits().look_every_s:g} s",
        ),
        ("clients of the built-in broker at a time", f"{MOST_CLIENTS:,}"),
        (
            "who has not finished a first packet at the built-in broker",
            f"{MOST_AT_THE_DOOR:,}, each for {FIRST_PACKET_S:g} s",
        ),
        ("a first packet to the built-in broker", f"{MOST_BYTES:,} bytes"),
        (
            "refused clients that are remembered",
            f"{MOST_KEPT} for {KEPT_MS // DAY_MS} days, {SAID_A_MINUTE} said in the log in a minute",
        ),
        ("the token", f"at least {SHORTEST_TOKEN} characters"),
        ("the answer of a receiver of alerts, or of InfluxDB to a write", f"{LARGEST_ANSWER:,} bytes"),
    ],
)
def test_every_limit_is_that_of_the_code(what: str, limit: str) -> None:
    assert limit_of(what) == limit


def test_a_whole_attempt_is_over_before_its_lease() -> None:
    makings: dict[str, dict[str, Any]] = {
        "slack": {"webhook_url": "http://127.0.0.1:9/x"},
        "email": {"host": "h", "sender": "a@b.example", "recipients": ["c@d.example"]},
        "webhook": {"url": "http://127.0.0.1:9/x"},
        "ntfy": {"topic": "farm"},
        "apprise": {"url": "json://127.0.0.1:9/x"},
    }
    assert set(makings) == set(notifier_types())
    words = {
        1: "once (apprise)",
        STEPS: "three times `timeout_s` (Slack, webhook, ntfy)",
        TOTAL_TIMES: "four times (mail)",
    }
    for kind, facts in makings.items():
        notifier = notifier_types()[kind]
        made = notifier(notifier.settings_type.model_validate({"kind": kind} | facts))
        times = round(made.patience_s / made.settings.timeout_s)
        assert words[times] in limit_of("a whole attempt to tell a receiver")
    assert LEASE_MARGIN_MS > 0


def test_what_is_open_to_all_is_named() -> None:
    for path in OPEN_PATHS - {"/login", "/logout", "/favicon.ico"}:
        assert f"`{path}`" in PAGE
    assert SAY_EVERY_S == 60
    assert "once a minute" in PAGE


def test_what_is_named_in_the_repository_is_there_and_the_page_is_linked() -> None:
    for path in re.findall(r"`((?:deploy|farm|tests)/[\w./]+)`", PAGE):
        assert (ROOT / path).exists(), path
    assert "(docs/security.md)" in (ROOT / "README.md").read_text("utf-8")
    assert "(security.md)" in (ROOT / "docs" / "configuration.md").read_text("utf-8")
    assert "(security.md)" in (ROOT / "docs" / "api.md").read_text("utf-8")
