"""When an alert is told again, as a table of what people did about it."""

from typing import Any

import pytest

from alerts.attendance import delivery_state, is_sent, resolution_in_words
from alerts.lifecycle import AlertChange
from alerts.retelling import Awareness, Circumstances, awareness, reason_to_tell
from farm.model.acknowledgement import Acknowledgement
from farm.model.alert import (
    Alert,
    AlertState,
    Delivery,
    DeliveryState,
    NotificationReason,
    Severity,
)

HOUR = 3_600_000
REASONS = {
    "F": NotificationReason.FIRED,
    "R": NotificationReason.REPEATED,
    "E": NotificationReason.RESOLVED,
}
STATES = {
    "+": DeliveryState.DELIVERED,
    "!": DeliveryState.FAILED,
    ".": DeliveryState.PENDING,
    "-": DeliveryState.SILENCED,
    "o": DeliveryState.SUPPRESSED,
}


def an_alert(**more: Any) -> Alert:
    facts: dict[str, Any] = {
        "id": "streak",
        "rule": "failed_streak",
        "subject": "anna",
        "printer_id": "anna",
        "state": AlertState.FIRING,
        "severity": Severity.CRITICAL,
        "fired_ms": 0,
        "notified_ms": 0,
        "title": "anna: 3 failed prints in a row",
        "summary": "",
    }
    return Alert(**(facts | more))


def deliveries(words: str) -> list[Delivery]:
    """`F+slack R-slack`: told that it fired, and a repetition that was silenced."""
    return [
        Delivery(
            id=str(number),
            alert_id="streak",
            receiver=word[2:],
            reason=REASONS[word[0]],
            state=STATES[word[1]],
            notification={},
            created_ms=number,
            due_ms=number,
        )
        for number, word in enumerate(words.split())
    ]


@pytest.mark.parametrize(
    ("words", "aware", "held_back"),
    [
        ("", "", ""),
        ("F+slack F.mail", "mail slack", ""),
        ("F!slack", "slack", ""),
        ("Foslack", "", ""),
        ("F-slack F-mail", "", "mail slack"),
        ("F+slack F-mail", "slack", "mail"),
        ("F+slack R-slack", "slack", "slack"),
        ("F-slack F+slack", "slack", ""),
        ("F-slack R-slack R+slack", "slack", ""),
        ("F+slack E+slack", "", ""),
        ("F-slack E-slack", "", ""),
        ("F-slack E-slack F+mail", "mail", ""),
        ("F+slack E+slack F-slack", "", "slack"),
        ("F-slack E-slack F+slack", "slack", ""),
    ],
)
def test_who_knows_of_an_alert(words: str, aware: str, held_back: str) -> None:
    found = awareness(deliveries(words))
    assert (found.aware, found.held_back) == (frozenset(aware.split()), frozenset(held_back.split()))


def given(now_h: float, *, repeat_h: float = 4, until_h: float | None = None, **more: Any) -> Circumstances:
    seen_to = None
    if until_h is not None:
        seen_to = Acknowledgement(alert_id="streak", who="olga", at_ms=0, until_ms=int(until_h * HOUR))
    return Circumstances(
        now_ms=int(now_h * HOUR), repeat_ms=int(repeat_h * HOUR), acknowledgement=seen_to, **more
    )


KNOWN = Awareness(frozenset({"slack"}))
HELD_BACK = Awareness(frozenset({"slack"}), frozenset({"slack"}))
UNTOLD = Awareness(frozenset(), frozenset({"slack"}))


@pytest.mark.parametrize(
    ("circumstances", "reason"),
    [
        # Nothing was done about it: told again when it is due, and not where that is turned off.
        (given(3.9, awareness=KNOWN), None),
        (given(4, awareness=KNOWN), "repeated"),
        (given(400, repeat_h=0, awareness=KNOWN), None),
        # Somebody sees to it: told again the moment that is over, whatever is due.
        (given(4, until_h=6), None),
        (given(5.9, until_h=6), None),
        (given(6, until_h=6), "repeated"),
        (given(2, until_h=2), "repeated"),
        (given(6, until_h=6, repeat_h=0), None),
        # A silence: recorded as often as it would be told, and told once it is over.
        (given(3, silenced=True, awareness=HELD_BACK), None),
        (given(4, silenced=True, awareness=HELD_BACK), "repeated"),
        (given(4, silenced=True, awareness=UNTOLD), "repeated"),
        (given(1, silence_over_ms=HOUR, awareness=UNTOLD), "fired"),
        (given(1, silence_over_ms=HOUR, awareness=HELD_BACK), "repeated"),
        (given(1, silence_over_ms=HOUR, awareness=KNOWN), "repeated"),
        (given(0.9, silenced=True, silence_over_ms=HOUR, awareness=KNOWN), None),
        (given(1, silence_over_ms=HOUR, awareness=KNOWN, repeat_h=0), None),
        (given(1, silence_over_ms=HOUR, awareness=UNTOLD, repeat_h=0), "fired"),
        (given(1, silence_over_ms=HOUR, awareness=HELD_BACK, repeat_h=0), "repeated"),
        # The silence matches no more, since its printer is called otherwise.
        (given(1, awareness=UNTOLD), "fired"),
        # Both: that it fires is no repetition, the rest waits.
        (given(1, silence_over_ms=HOUR, awareness=UNTOLD, until_h=6), "fired"),
        (given(1, silence_over_ms=HOUR, awareness=HELD_BACK, until_h=6), None),
        (given(4, silenced=True, awareness=UNTOLD, until_h=6), None),
        (given(6, silenced=True, awareness=UNTOLD, until_h=6), "repeated"),
    ],
)
def test_an_alert_is_told_again_for_a_reason(circumstances: Circumstances, reason: str | None) -> None:
    assert reason_to_tell(an_alert(), circumstances) == reason


def test_what_was_told_since_is_not_told_for_the_same_reason_again() -> None:
    told = an_alert(notified_ms=6 * HOUR)
    assert reason_to_tell(told, given(6.1, until_h=6)) is None
    assert reason_to_tell(told, given(6.1, silence_over_ms=6 * HOUR)) is None
    assert reason_to_tell(told, given(10, until_h=6)) == "repeated"


def test_what_was_too_old_to_tell_is_never_repeated() -> None:
    assert reason_to_tell(an_alert(notified_ms=None, suppressed=True), given(400)) is None


def change(reason: NotificationReason, **more: Any) -> AlertChange:
    return AlertChange(alert=an_alert(), reason=reason, at_ms=0, **more)


def test_a_message_is_sent_silenced_or_suppressed() -> None:
    fired, over = NotificationReason.FIRED, NotificationReason.RESOLVED
    assert delivery_state(change(fired), "slack") == "pending"
    assert delivery_state(change(fired, told=False, silenced=True), "slack") == "suppressed"
    assert delivery_state(change(fired, silenced=True), "slack") == "silenced"
    ended = change(over, silenced=True, unaware=frozenset({"mail"}))
    assert [delivery_state(ended, name) for name in ("slack", "mail")] == ["pending", "silenced"]


def test_whether_anybody_is_told() -> None:
    ended = change(NotificationReason.RESOLVED, silenced=True, unaware=frozenset({"mail"}))
    assert is_sent(ended, ["slack", "mail"])
    assert not is_sent(ended, ["mail"])
    assert is_sent(change(NotificationReason.FIRED), [])
    assert not is_sent(change(NotificationReason.FIRED, silenced=True), [])
    assert not is_sent(change(NotificationReason.FIRED, told=False), ["slack"])


def test_a_resolution_names_who_resolved_it() -> None:
    assert resolution_in_words(an_alert()) is None
    assert resolution_in_words(an_alert(resolution="part.gcode succeeded.")) == "part.gcode succeeded."
    by_hand = an_alert(resolution="nozzle replaced", resolved_by="olga")
    assert resolution_in_words(by_hand) == "Resolved by olga: nozzle replaced"
