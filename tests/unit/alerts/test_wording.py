import pytest
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st

from alerts import wording
from farm.model.states import Cause, Outcome
from farm.model.times import HOUR_MS, MINUTE_MS, SECOND_MS
from tests.unit.alerts.makings import START_MS, evidence, notification

ANY_TEXT = st.text(st.characters(), max_size=60)


@pytest.mark.parametrize(
    ("length_ms", "words"),
    [
        (0, "0 s"),
        (-5, "0 s"),
        (40 * SECOND_MS + 999, "40 s"),
        (MINUTE_MS, "1 min"),
        (59 * MINUTE_MS + 59 * SECOND_MS, "59 min"),
        (HOUR_MS, "1 h 00 min"),
        (26 * HOUR_MS + 5 * MINUTE_MS, "26 h 05 min"),
    ],
)
def test_a_duration_is_put_into_words(length_ms: int, words: str) -> None:
    assert wording.duration(length_ms) == words


def test_times_are_told_on_the_clock_of_the_farm() -> None:
    assert wording.local_time(START_MS, "Europe/Berlin") == "2025-11-22 09:26 CET"
    assert wording.local_time(START_MS, "America/New_York") == "2025-11-22 03:26 EST"


def test_a_period_says_the_day_once_where_it_is_one() -> None:
    assert wording.local_period(evidence(), "UTC") == "2025-11-22 08:06 – 08:26"
    night = evidence(started_ms=START_MS - 20 * HOUR_MS)
    assert wording.local_period(night, "UTC") == "2025-11-21 12:26 – 2025-11-22 08:26"


def test_a_period_without_a_beginning_or_an_end_says_what_is_known() -> None:
    assert wording.local_period(evidence(started_ms=None), "UTC") == "ended 2025-11-22 08:26"
    assert wording.local_period(evidence(ended_ms=None), "UTC") == ""


def test_every_cause_and_outcome_has_words() -> None:
    assert set(wording.CAUSES) == set(Cause)
    assert set(wording.OUTCOMES) == set(Outcome)


def test_only_a_failure_has_a_reason() -> None:
    assert wording.reason(evidence(outcome=Outcome.CANCELLED)) is None
    assert wording.reason(evidence(cause=None)) == "cause unknown"


@trials(max_examples=60, deadline=None)
@given(ANY_TEXT)
def test_one_line_is_one_line_that_can_be_written(text: str) -> None:
    line = wording.one_line(text)
    assert len(line.splitlines()) <= 1
    assert line == line.strip()
    line.encode("utf-8")
    assert wording.one_line(line) == line


@trials(max_examples=60, deadline=None)
@given(ANY_TEXT, st.integers(1, 40))
def test_a_clipped_text_keeps_within_its_limit_and_its_beginning(text: str, limit: int) -> None:
    text = wording.one_line(text)
    clipped = wording.clipped(text, limit)
    assert wording.units(clipped) <= limit
    assert text.startswith(clipped.removesuffix("…"))
    assert clipped == text or clipped.endswith("…")


def test_a_print_without_a_file_is_named_as_such() -> None:
    assert wording.file_name(evidence(None)) == "(file not known)"
    assert wording.file_name(evidence(" \n ")) == "(file not known)"


def test_labels_that_are_not_set_are_left_out() -> None:
    assert wording.printer_labels(notification()) == "Voron 2.4 · north wall"
    assert wording.printer_labels(notification(model=None)) == "north wall"
    assert wording.printer_labels(notification(model=None, group=None)) == ""


def test_a_headline_is_one_line() -> None:
    assert wording.headline(notification(title="bay\r\n1: 3 failed")) == "bay 1: 3 failed"
