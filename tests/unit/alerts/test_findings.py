"""What an alert says, how it is told from others, and what is told of it."""

import itertools

import msgspec
import pytest

from alerts.lifecycle import AlertChange, EvaluationInput, alert_id, delivery_id, reconcile, repeated
from alerts.rules.base import MOST_PRINTS, Finding
from alerts.rules.failed_streak import FailedStreakSettings, StreakRule
from farm.model.alert import Alert, AlertState, NotificationReason
from farm.model.states import Outcome
from farm.model.times import HOUR_MS
from tests.unit.alerts.makings import PRINTER, START_MS, ended_job, past


def rule(length: int = 3) -> StreakRule:
    return StreakRule(FailedStreakSettings(length=length))


def fired(letters: str, *, length: int = 3, late_ms: int = 0) -> AlertChange:
    """The one change of a printer looked at for the first time."""
    jobs = past(letters)
    given = EvaluationInput(
        printer_id=PRINTER,
        name="bay1",
        jobs=jobs,
        whole=True,
        now_ms=(jobs[0].ended_ms or 0) + late_ms,
        max_age_ms=HOUR_MS,
    )
    (change,) = reconcile(rule(length), given, [])
    return change


@pytest.mark.parametrize(
    ("letters", "title", "summary"),
    [
        ("F", "1 failed print", "A print failed: part-0.gcode."),
        ("FF", "2 failed prints in a row", "2 prints in a row failed; the last was part-1.gcode."),
        ("FFF", "3 failed prints in a row", "3 prints in a row failed; the last was part-2.gcode."),
    ],
)
def test_one_failure_and_several_are_said_differently(letters: str, title: str, summary: str) -> None:
    (found,) = rule(1).findings(past(letters))
    assert (found.title, found.summary) == (title, summary)
    assert found.facts == {"length": len(letters), "threshold": 1}


@pytest.mark.parametrize("more", [0, 1, 2])
def test_at_most_ten_prints_are_shown_and_the_others_are_counted(more: int) -> None:
    (found,) = rule().findings(past("F" * (MOST_PRINTS + more)))
    assert MOST_PRINTS == 10
    assert (len(found.prints), found.earlier_prints) == (10, more)


def test_fewer_prints_leave_none_out() -> None:
    (found,) = rule().findings(past("FFF"))
    assert found.earlier_prints == 0


def test_a_finding_came_about_with_the_print_that_made_it_long_enough() -> None:
    (found,) = rule().findings(past("FFFF"))
    assert (found.at_ms, found.latest_ms) == (START_MS + 2 * HOUR_MS, START_MS + 3 * HOUR_MS)


def test_a_withdrawal_names_the_revised_print_that_came_last() -> None:
    alert = fired("FFFF").alert
    revised = [
        msgspec.structs.replace(job, outcome=Outcome.SUCCEEDED) if number in (1, 2) else job
        for number, job in enumerate(past("FFFF"))
    ]
    by_age = revised[::-1]
    words = rule().withdrawal(alert, revised)
    assert [job.file for job in by_age if job.outcome is Outcome.SUCCEEDED] == [
        "part-1.gcode",
        "part-2.gcode",
    ]
    assert "part-2.gcode" in words
    assert "part-1.gcode" not in words


def test_an_alert_is_named_by_rule_subject_and_first_print() -> None:
    named = itertools.product(("a", "b"), ("p", "q"), ("1", "2"))
    assert len({alert_id(*parts) for parts in named}) == 8
    assert alert_id("a", "p", "1") == alert_id("a", "p", "1")


def test_a_delivery_is_named_by_alert_reason_count_and_receiver() -> None:
    alert = fired("FFF").alert
    alerts = [alert, msgspec.structs.replace(alert, id="other"), msgspec.structs.replace(alert, count=7)]
    reasons = (NotificationReason.FIRED, NotificationReason.RESOLVED)
    names = {delivery_id(*parts) for parts in itertools.product(alerts, reasons, ("slack", "mail"))}
    assert len(names) == 12


def test_what_is_news_is_told_and_what_is_old_only_recorded() -> None:
    news, old = fired("FFF"), fired("FFF", late_ms=HOUR_MS + 1)
    assert (news.told, news.alert.suppressed, news.alert.notified_ms) == (True, False, START_MS + 2 * HOUR_MS)
    assert (old.told, old.alert.suppressed, old.alert.notified_ms) == (False, True, None)
    assert fired("FFF", late_ms=HOUR_MS).told


def test_a_repetition_is_told() -> None:
    alert: Alert = fired("FFF").alert
    change = repeated(alert, START_MS + 5 * HOUR_MS)
    assert (change.told, change.reason, change.alert.count) == (True, NotificationReason.REPEATED, 2)


def test_a_printer_is_watched_unless_said_otherwise() -> None:
    given = EvaluationInput(printer_id="p", name="n", jobs=[], whole=True, now_ms=0, max_age_ms=0)
    assert given.watched


def test_a_job_that_ended_in_the_first_moment_of_all_ended_then() -> None:
    jobs = [ended_job(number, "F", ended_ms=0) for number in range(3)]
    (found,) = rule().findings(jobs)
    assert (found.at_ms, found.latest_ms) == (0, 0)


def looked_at(letters: str, known: list[Alert], *, length: int = 3) -> list[AlertChange]:
    jobs = past(letters)
    given = EvaluationInput(
        printer_id=PRINTER,
        name="bay1",
        jobs=jobs,
        whole=True,
        now_ms=jobs[0].ended_ms or 0,
        max_age_ms=HOUR_MS,
    )
    return reconcile(rule(length), given, known)


def test_every_change_that_has_evidence_shows_it() -> None:
    first = fired("FFF")
    assert first.finding is not None
    assert first.alert.summary == first.finding.summary
    (grown,) = looked_at("FFFF", [first.alert])
    assert grown.finding is not None
    assert grown.finding.facts["length"] == 4
    assert grown.alert.summary == grown.finding.summary
    (over,) = looked_at("FFFFS", [grown.alert])
    assert (over.reason, over.finding is not None) == (NotificationReason.RESOLVED, True)


@pytest.mark.parametrize("late_ms", [0, HOUR_MS + 1])
def test_of_an_alert_that_was_only_recorded_the_end_is_not_told_either(late_ms: int) -> None:
    alert = fired("FFF", late_ms=late_ms).alert
    (withdrawn,) = looked_at("SFF", [alert])
    assert (withdrawn.reason, withdrawn.told) == (NotificationReason.RESOLVED, late_ms == 0)
    (over,) = looked_at("FFFS", [alert])
    assert over.told is (late_ms == 0)


def test_a_streak_goes_on_with_the_alert_that_is_firing_and_then_with_the_latest() -> None:
    alert = fired("FFF").alert
    resolved = msgspec.structs.replace(
        alert, id="resolved", state=AlertState.RESOLVED, fired_ms=alert.fired_ms + 9
    )
    (change,) = looked_at("FFFF", [resolved, alert])
    assert change.alert.id == alert.id
    older = msgspec.structs.replace(resolved, id="older", fired_ms=alert.fired_ms - 9)
    for known in ([older, resolved], [resolved, older]):
        (change,) = looked_at("FFFF", known)
        assert change.alert.id == "resolved"


def test_a_finding_leaves_no_print_out_unless_it_says_so() -> None:
    found = Finding(jobs=(), at_ms=0, latest_ms=0, over_by=None, title="", summary="", facts={}, prints=())
    assert found.earlier_prints == 0
