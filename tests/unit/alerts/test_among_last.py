"""So many among a printer's last prints: failed ones, and ones of unknown outcome."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from alerts.lifecycle import AlertChange, EvaluationInput, reconcile
from alerts.rules.failed_of_last import FailedOfLastRule, FailedOfLastSettings
from alerts.rules.unknown_outcomes import UnknownOutcomesRule, UnknownOutcomesSettings
from farm.model.alert import Alert, AlertState
from farm.model.job import Job
from farm.model.times import HOUR_MS
from tests.unit.alerts.makings import PRINTER, START_MS, past

Rule = FailedOfLastRule | UnknownOutcomesRule


def failed(count: int = 3, of_last: int = 5) -> FailedOfLastRule:
    return FailedOfLastRule(FailedOfLastSettings(count=count, of_last=of_last))


def unknown(count: int = 3, of_last: int = 10) -> UnknownOutcomesRule:
    return UnknownOutcomesRule(UnknownOutcomesSettings(count=count, of_last=of_last))


def looked(rule: Rule, jobs: Sequence[Job], known: Sequence[Alert] = ()) -> list[AlertChange]:
    given: dict[str, Any] = {"printer_id": PRINTER, "name": "bay1", "jobs": jobs, "whole": True}
    now_ms = START_MS + len(jobs) * HOUR_MS
    return reconcile(rule, EvaluationInput(**given, now_ms=now_ms, max_age_ms=10**15), known)


@pytest.mark.parametrize(
    ("letters", "found"),
    [
        ("", False),
        ("FF", False),
        ("FFF", True),
        ("FSFSF", True),
        ("FFSSFS", False),
        ("FFFSSSS", False),
        ("FCFUFC", True),
        ("SSSFCCCCCFUUUF", True),
        ("FFSSSF", False),
    ],
)
def test_failures_count_among_prints_that_failed_or_succeeded(letters: str, found: bool) -> None:
    assert bool(failed().findings(past(letters))) is found


@pytest.mark.parametrize(
    ("letters", "found"), [("UU", False), ("UUU", True), ("USFCUSU", True), ("UUUSSSSSSSS", False)]
)
def test_unknown_outcomes_count_among_all_prints(letters: str, found: bool) -> None:
    assert bool(unknown().findings(past(letters))) is found


def test_the_alert_says_how_many_of_how_many_and_which_was_the_last() -> None:
    (change,) = looked(failed(), past("SFSFFC"))
    assert change.alert.title == "bay1: 3 of the last 5 prints failed"
    assert change.alert.summary == "The last that failed was part-4.gcode."
    assert change.alert.facts == {"count": 3, "of": 5, "threshold": 3}
    assert change.at_ms == START_MS + 4 * HOUR_MS
    assert change.finding is not None
    assert [job.file for job in change.finding.prints][:2] == ["part-4.gcode", "part-3.gcode"]


def test_it_came_about_with_the_print_that_made_it_enough() -> None:
    (finding,) = failed(2, 10).findings(past("FSFSF"))
    assert (finding.at_ms, finding.latest_ms) == (START_MS + 2 * HOUR_MS, START_MS + 4 * HOUR_MS)


def test_it_is_one_alert_while_the_prints_slide_through_and_over_when_they_are_too_few() -> None:
    rule, letters = failed(), "FFSFFSFFSSSS"
    known: dict[str, Alert] = {}
    told: list[str] = []
    for length in range(1, len(letters) + 1):
        for change in looked(rule, past(letters[:length]), list(known.values())):
            known[change.alert.id] = change.alert
            if change.reason is not None:
                told.append(f"{length} {change.reason.value}")
    assert told == ["4 fired", "10 resolved"]
    (alert,) = known.values()
    assert alert.resolution == "Of the last 5 prints it is 2 now."


@pytest.mark.parametrize("settings", [{"count": 6, "of_last": 5}, {"count": 0}, {"of_last": 101}])
def test_what_cannot_come_about_is_refused(settings: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match=r"count|of_last"):
        FailedOfLastSettings(**settings)


@given(letters=st.text("FSCU", max_size=40), count=st.integers(1, 5), more=st.integers(0, 5))
def test_it_holds_just_when_so_many_are_there(letters: str, count: int, more: int) -> None:
    known: dict[str, Alert] = {}
    for length in range(len(letters) + 1):
        for change in looked(failed(count, count + more), past(letters[:length]), list(known.values())):
            known[change.alert.id] = change.alert
    counted = [letter for letter in letters if letter in "FS"][-(count + more) :]
    firing = [alert for alert in known.values() if alert.state is AlertState.FIRING]
    assert len(firing) == (1 if counted.count("F") >= count else 0)


@pytest.mark.parametrize(("prints", "shown", "earlier"), [(10, 10, 0), (11, 10, 1), (30, 10, 20)])
def test_ten_prints_are_shown_and_the_others_counted(prints: int, shown: int, earlier: int) -> None:
    (finding,) = failed(3, prints).findings(past("F" * prints))
    assert (len(finding.prints), finding.earlier_prints) == (shown, earlier)


def test_unless_set_otherwise_it_is_three_of_five_failed_and_three_of_ten_unknown() -> None:
    failed_of, unknown_of = FailedOfLastSettings(), UnknownOutcomesSettings()
    assert (failed_of.count, failed_of.of_last) == (3, 5)
    assert (unknown_of.count, unknown_of.of_last) == (3, 10)
