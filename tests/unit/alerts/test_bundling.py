"""Many messages at once in one: what it says, how it is known again, and what receivers make of it."""

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from alerts import wording
from alerts.bundling import bundle_id, bundle_of
from alerts.notification import Notification, plain
from alerts.notifiers import notifier_types
from alerts.notifiers.email import MOST_LISTED, EmailNotifier, EmailSettings
from alerts.notifiers.slack import (
    LONGEST_HEADER,
    LONGEST_TEXT,
    MOST_BLOCKS,
    MOST_TOGETHER,
    SlackNotifier,
    SlackSettings,
)
from alerts.plain_text import plain_text
from farm.model.alert import Delivery, DeliveryState, NotificationReason, Severity
from farm.model.times import MINUTE_MS
from tests.unit.alerts.makings import ODD_NAMES, START_MS, again, notification


def delivery(number: int, reason: str = "fired", severity: str = "critical", **more: Any) -> Delivery:
    told = notification(
        (),
        alert_id=f"alert-{number}",
        reason=NotificationReason(reason),
        severity=Severity(severity),
        **({"title": f"bay{number}: offline", "fired_ms": START_MS + number * MINUTE_MS} | more),
    )
    return Delivery(
        id=f"delivery-{number}", alert_id=f"alert-{number}", receiver="slack", reason=told.reason,
        state=DeliveryState.PENDING, notification=plain(told), created_ms=START_MS, due_ms=START_MS,
    )  # fmt: skip


MIXED = [
    delivery(1, "resolved"),
    delivery(2, "fired", "info"),
    delivery(3, "repeated", "critical"),
    delivery(4, "fired", "critical"),
    delivery(5, "fired", "warning", rule="printer_error", title="bay5: error"),
    delivery(6, "resolved", "info"),
]


def test_it_counts_by_what_is_told_and_names_each_gravest_first() -> None:
    told = bundle_of(MIXED)
    assert told.title == "6 alerts: 3 new, 1 still firing, 2 over"
    assert wording.headline(told) == told.title
    assert [wording.bundled_line(each) for each in told.bundled] == [
        "bay4: offline",
        "bay5: error",
        "bay2: offline",
        "Still: bay3: offline",
        "Resolved: bay1: offline",
        "Resolved: bay6: offline",
    ]
    assert (told.reason, told.severity) == (NotificationReason.FIRED, Severity.CRITICAL)
    assert told.rule == "failed_streak, printer_error"
    assert (told.fired_ms, told.printer, told.prints) == (START_MS + MINUTE_MS, None, ())
    assert again(told) == told


def test_what_is_all_over_is_told_as_over() -> None:
    told = bundle_of([delivery(number, "resolved") for number in range(7)])
    assert (told.title, told.reason) == ("7 alerts: 7 over", NotificationReason.RESOLVED)


@given(st.permutations(MIXED))
def test_the_order_in_which_they_wait_changes_neither_id_nor_words(order: list[Delivery]) -> None:
    assert bundle_id(order) == bundle_id(MIXED)
    assert bundle_of(order).title == bundle_of(MIXED).title
    assert bundle_id(order[1:]) != bundle_id(MIXED)


def many(count: int) -> Notification:
    drawn = random.Random(7)
    names = [f"{drawn.choice(ODD_NAMES)[:150]}: offline" for _ in range(count)]
    return bundle_of(
        [
            delivery(
                number, drawn.choice(["fired", "resolved"]), drawn.choice(["info", "critical"]), title=name
            )
            for number, name in enumerate(names)
        ]
    )


@pytest.mark.parametrize("count", [6, 40, 1_000])
def test_slack_gets_as_many_as_it_takes_and_is_told_how_many_more(count: int) -> None:
    slack = SlackNotifier(SlackSettings(webhook_url=SecretStr("https://hooks.slack.com/services/T/B/x")))
    body = slack.build(many(count), "id")
    blocks = body["blocks"]
    texts = [block["text"]["text"] for block in blocks if block["type"] == "section"]
    lines = [line for text in texts[:-1] for line in text.split("\n")]
    left_out = next(
        (block["elements"][0]["text"] for block in blocks if "more" in json.dumps(block.get("elements", ""))),
        None,
    )
    assert len(blocks) <= MOST_BLOCKS
    assert len(blocks[0]["text"]["text"]) <= LONGEST_HEADER
    assert all(0 < wording.units(text) <= LONGEST_TEXT for text in texts)
    assert len(json.dumps(blocks, ensure_ascii=False)) <= MOST_TOGETHER
    assert left_out == (f"and {count - len(lines)} more" if len(lines) < count else None)
    assert len(lines) >= min(count, 25)
    assert "<!channel>" not in "".join(texts)


def test_a_mail_names_two_hundred_and_counts_the_others() -> None:
    mail = EmailNotifier(EmailSettings(host="h", sender="a@b.example", recipients=("c@d.example",))).build(
        many(500), "id"
    )
    for kind in ("plain", "html"):
        body = mail.get_body((kind,))
        assert body is not None
        text = body.get_content()
        assert f"and {500 - MOST_LISTED} more" in text
        assert text.count("offline") == MOST_LISTED
        assert "<script>" not in text or kind == "plain"
    assert mail["Subject"].startswith("500 alerts: ")


@pytest.mark.parametrize("count", [6, 40, 1_000])
def test_plain_text_names_as_many_as_there_is_room_for(count: int) -> None:
    told = many(count)
    text = plain_text(told, "id", 4_000, wording.utf8_bytes)
    named = [line for line in text.splitlines() if "offline" in line]
    assert wording.utf8_bytes(text) <= 4_000
    assert len(named) >= min(count, 10)
    assert (f"and {count - len(named)} more" in text) is (len(named) < count)
    assert "Printer:" not in text
    assert text.splitlines()[0] == wording.bundled_line(told.bundled[0])


def test_who_reads_gets_many_at_once_and_a_program_each_by_itself() -> None:
    assert {kind for kind, notifier in notifier_types().items() if not notifier.bundles} == {"webhook"}
