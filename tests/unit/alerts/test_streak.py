import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st

from alerts.rules import rule_types
from alerts.rules.failed_streak import FailedStreakSettings, StreakRule
from farm.kpi.streak import streaks
from farm.model.alert import Alert, AlertState, Severity
from farm.model.job import Job
from farm.model.states import Outcome
from tests.unit.alerts.makings import PRINTER, ended_job, past


def lengths(letters: str) -> list[tuple[int, bool]]:
    """Oldest first: how long each streak is, and whether a success broke it."""
    return [(len(streak.failed), streak.broken_by is not None) for streak in reversed(streaks(past(letters)))]


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ("", []),
        ("S", []),
        ("CUCU", []),
        ("F", [(1, False)]),
        ("FFF", [(3, False)]),
        ("FCFUF", [(3, False)]),
        ("CFFU", [(2, False)]),
        ("FFFS", [(3, True)]),
        ("FFFCS", [(3, True)]),
        ("FFSF", [(2, True), (1, False)]),
        ("SSFSSFFS", [(1, True), (2, True)]),
    ],
)
def test_failed_extends_succeeded_breaks_and_the_others_do_neither(
    letters: str, expected: list[tuple[int, bool]]
) -> None:
    assert lengths(letters) == expected


@trials(max_examples=60, deadline=None)
@given(st.text("FSCU", max_size=30))
def test_cancelled_and_unknown_prints_change_no_streak(letters: str) -> None:
    assert lengths(letters) == lengths(letters.replace("C", "").replace("U", ""))


@trials(max_examples=60, deadline=None)
@given(st.text("FSCU", max_size=30))
def test_every_failure_is_in_exactly_one_streak_and_no_success_is_inside_one(letters: str) -> None:
    found = streaks(past(letters))
    failed = [job.id for streak in found for job in streak.failed]
    assert sorted(failed) == sorted(job.id for job in past(letters) if job.outcome is Outcome.FAILED)
    for streak in found:
        assert all(job.outcome is not Outcome.SUCCEEDED for job in streak.prints)
        assert streak.prints[0] == streak.failed[-1]
        assert streak.prints[-1] == streak.failed[0]


def test_a_streak_shorter_than_the_setting_is_no_finding() -> None:
    assert StreakRule(FailedStreakSettings()).findings(past("FF")) == []


def test_a_finding_came_about_with_the_failure_that_made_it_long_enough() -> None:
    (finding,) = StreakRule(FailedStreakSettings()).findings(past("SFFFFF"))
    assert finding.at_ms == ended_job(3, "F").ended_ms
    assert finding.latest_ms == ended_job(5, "F").ended_ms
    assert finding.jobs == tuple(ended_job(n, "F").id for n in range(1, 6))
    assert finding.over_by is None
    assert finding.title == "5 failed prints in a row"
    assert finding.summary == "5 prints in a row failed; the last was part-5.gcode."


def test_the_evidence_shows_what_lies_between_the_failures_too() -> None:
    (finding,) = StreakRule(FailedStreakSettings()).findings(past("SFCFUFC"))
    assert [job.outcome for job in finding.prints] == [
        Outcome.FAILED,
        Outcome.UNKNOWN,
        Outcome.FAILED,
        Outcome.CANCELLED,
        Outcome.FAILED,
    ]


def test_of_a_long_streak_ten_prints_are_shown_and_the_rest_counted() -> None:
    (finding,) = StreakRule(FailedStreakSettings()).findings(past("F" * 25))
    assert len(finding.prints) == 10
    assert finding.earlier_prints == 15
    assert finding.prints[0] == ended_job(24, "F")


def test_a_length_of_one_alerts_at_every_failure() -> None:
    (finding,) = StreakRule(FailedStreakSettings(length=1)).findings(past("SF"))
    assert finding.title == "1 failed print"
    assert finding.summary == "A print failed: part-1.gcode."


def alert_on(jobs: list[Job]) -> Alert:
    return Alert(
        id="a", rule="failed_streak", subject=PRINTER, printer_id=PRINTER, state=AlertState.FIRING,
        severity=Severity.CRITICAL, fired_ms=0, title="", summary="",
        job_ids=tuple(job.id for job in reversed(jobs)),
    )  # fmt: skip


def test_a_withdrawal_names_the_print_whose_outcome_was_revised() -> None:
    jobs = past("FFF")
    revised = [msgspec.structs.replace(jobs[0], outcome=Outcome.CANCELLED), *jobs[1:]]
    words = StreakRule(FailedStreakSettings()).withdrawal(alert_on(jobs), revised)
    assert "part-2.gcode" in words
    assert "cancelled" in words


def test_a_withdrawal_says_so_when_the_prints_are_gone() -> None:
    assert "revised" in StreakRule(FailedStreakSettings()).withdrawal(alert_on(past("FFF")), [])


def test_the_rule_is_found_by_listing_the_folder_and_knows_its_settings_apart() -> None:
    assert rule_types()["failed_streak"] is StreakRule
    prints = {StreakRule(FailedStreakSettings(length=n)).fingerprint for n in (2, 3, 4)}
    assert len(prints) == 3
    assert StreakRule(FailedStreakSettings()).fingerprint == StreakRule(FailedStreakSettings()).fingerprint
