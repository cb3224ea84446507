"""Which alerts a silence is about, and when."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.model.alert import Alert, AlertState, Severity
from farm.model.printer import Printer
from farm.model.silence import Label, Silence, SilenceState, do_match, labels_of

ALERT = Alert(
    id="streak",
    rule="failed_streak",
    subject="6d3f0c52",
    printer_id="6d3f0c52",
    state=AlertState.FIRING,
    severity=Severity.CRITICAL,
    fired_ms=0,
    title="",
    summary="",
)
BAY = Printer(id="6d3f0c52", site="main", name="Bay1", group="Hall A", adapter="native", first_seen_ms=0)


@pytest.mark.parametrize(
    ("matchers", "matches"),
    [
        ({"printer": "Bay1"}, True),
        ({"printer": "bay1"}, True),
        ({"printer": "bay"}, False),
        ({"printer": "bay*"}, True),
        ({"printer": "b?y?"}, True),
        ({"printer": "b?y"}, False),
        ({"printer": "*1"}, True),
        ({"printer": "*"}, True),
        ({"printer": "[B]ay1"}, False),
        ({"printer": ""}, False),
        ({"group": "hall *", "severity": "critical"}, True),
        ({"group": "hall *", "severity": "warning"}, False),
        ({"rule": "failed_*", "subject": "6d3f*"}, True),
    ],
)
def test_every_pattern_must_match(matchers: dict[str, str], matches: bool) -> None:
    patterns = {Label(word): pattern for word, pattern in matchers.items()}
    assert do_match(patterns, labels_of(ALERT, BAY)) is matches


def test_what_has_no_printer_and_no_group_matches_the_empty_pattern() -> None:
    labels = labels_of(ALERT, None)
    assert do_match({Label.PRINTER: "", Label.GROUP: ""}, labels)
    assert do_match({Label.GROUP: "*"}, labels)
    assert not do_match({Label.GROUP: "?*"}, labels)


@given(st.text("ab", max_size=8), st.text("ab*?", max_size=8))
def test_patterns_match_as_regular_expressions_do(text: str, pattern: str) -> None:
    expression = "".join({"*": ".*", "?": "."}.get(sign, sign) for sign in pattern)
    labels = labels_of(ALERT, None) | {Label.SUBJECT: text}
    assert do_match({Label.SUBJECT: pattern}, labels) is (re.fullmatch(expression, text) is not None)


def test_many_stars_take_no_time() -> None:
    labels = labels_of(ALERT, None) | {Label.SUBJECT: "a" * 255}
    assert not do_match({Label.SUBJECT: "*a" * 127 + "b"}, labels)


def a_silence(ended_ms: int | None = None) -> Silence:
    return Silence(
        matchers={Label.PRINTER: "bay1"}, from_ms=10, to_ms=20, who="olga", made_ms=0, ended_ms=ended_ms
    )


@pytest.mark.parametrize(
    ("ended_ms", "states"),
    [
        (None, ["waiting", "in_force", "in_force", "over"]),
        (15, ["waiting", "in_force", "over", "over"]),
        (5, ["over", "over", "over", "over"]),
    ],
)
def test_where_a_silence_stands(ended_ms: int | None, states: list[str]) -> None:
    assert [a_silence(ended_ms).state(now_ms) for now_ms in (9, 10, 19, 20)] == [
        SilenceState(state) for state in states
    ]


@pytest.mark.parametrize(
    ("ended_ms", "since_ms", "now_ms", "was"),
    [
        (None, 0, 9, False),
        (None, 0, 10, True),
        (None, 19, 40, True),
        (None, 20, 40, False),
        (15, 14, 40, True),
        (15, 15, 40, False),
        (5, 0, 40, False),
    ],
)
def test_whether_it_was_in_force(ended_ms: int | None, since_ms: int, now_ms: int, was: bool) -> None:
    assert a_silence(ended_ms).has_been_in_force(since_ms, now_ms) is was
