"""The life of a streak alert, told as a table of looks at the same printer."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st

from alerts.lifecycle import (
    AlertChange,
    EvaluationInput,
    alert_id,
    closed,
    delivery_id,
    given_up,
    reconcile,
    repeated,
)
from alerts.rules.failed_streak import FailedStreakSettings, StreakRule
from farm.model.alert import Alert, AlertState, NotificationReason
from farm.model.job import Job
from farm.model.states import Outcome
from farm.model.times import DAY_MS, HOUR_MS
from tests.unit.alerts.makings import OUTCOMES, PRINTER, START_MS, ended_job, past

RULE = StreakRule(FailedStreakSettings())


class Printer:
    """A printer whose jobs are looked at time and again."""

    def __init__(self) -> None:
        self.name = "bay1"
        self.alerts: dict[str, Alert] = {}

    def evaluate(
        self, jobs: Sequence[Job], *, late_ms: int = 0, whole: bool = True, watched: bool = True
    ) -> list[AlertChange]:
        """EvaluationInput `late_ms` after the newest job ended, and keep what follows."""
        newest = max((job.ended_ms or 0 for job in jobs), default=START_MS)
        evaluate = EvaluationInput(
            printer_id=PRINTER,
            name=self.name,
            jobs=jobs,
            whole=whole,
            now_ms=newest + late_ms,
            max_age_ms=HOUR_MS,
            watched=watched,
        )
        changes = reconcile(RULE, evaluate, list(self.alerts.values()))
        self.alerts |= {change.alert.id: change.alert for change in changes}
        return changes

    @property
    def firing(self) -> list[Alert]:
        return [alert for alert in self.alerts.values() if alert.state is AlertState.FIRING]


def told(changes: list[AlertChange]) -> list[str]:
    """What the changes tell, as words; what is only recorded stands in brackets."""
    words = [(change.reason, change.told) for change in changes if change.reason is not None]
    return [str(reason) if is_told else f"({reason})" for reason, is_told in words]


def one_by_one(letters: str) -> tuple[Printer, list[list[str]]]:
    printer = Printer()
    return printer, [told(printer.evaluate(past(letters[: n + 1]))) for n in range(len(letters))]


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ("FF", [[], []]),
        ("FFF", [[], [], ["fired"]]),
        ("FFFFF", [[], [], ["fired"], [], []]),
        ("FFFS", [[], [], ["fired"], ["resolved"]]),
        ("FFFCUS", [[], [], ["fired"], [], [], ["resolved"]]),
        ("FFCFU", [[], [], [], ["fired"], []]),
        ("FFSFF", [[], [], [], [], []]),
        ("FFFSFFFS", [[], [], ["fired"], ["resolved"], [], [], ["fired"], ["resolved"]]),
        ("FFFSSC", [[], [], ["fired"], ["resolved"], [], []]),
    ],
)
def test_an_alert_is_fired_once_a_streak_and_resolved_by_the_next_success(
    letters: str, expected: list[list[str]]
) -> None:
    assert one_by_one(letters)[1] == expected


@trials(max_examples=60, deadline=None)
@given(st.text("FSCU", max_size=14))
def test_looking_again_at_the_same_jobs_changes_nothing(letters: str) -> None:
    printer = Printer()
    for end in range(len(letters) + 1):
        printer.evaluate(past(letters[:end]))
        assert printer.evaluate(past(letters[:end])) == []


@trials(max_examples=60, deadline=None)
@given(st.text("FSCU", max_size=14))
def test_an_alert_is_firing_exactly_while_a_streak_stands(letters: str) -> None:
    printer = Printer()
    for end in range(len(letters) + 1):
        printer.evaluate(past(letters[:end]))
        streak = letters[:end].rpartition("S")[2].count("F")
        assert len(printer.firing) == (streak >= 3)
        if printer.firing:
            assert printer.firing[0].facts["length"] == streak


@trials(max_examples=60, deadline=None)
@given(st.text("FSCU", max_size=12), st.data())
def test_whatever_is_revised_at_most_one_alert_is_firing_and_it_is_the_streak_that_stands(
    letters: str, data: st.DataObject
) -> None:
    printer = Printer()
    printer.evaluate(past(letters))
    for _ in range(4):
        letters = "".join(
            data.draw(st.sampled_from("FSCU")) if data.draw(st.booleans()) else x for x in letters
        )
        jobs = past(letters)
        printer.evaluate(jobs)
        streak = letters.rpartition("S")[2].count("F")
        assert len(printer.firing) == (streak >= 3)
        assert printer.evaluate(jobs) == []


@trials(max_examples=60, deadline=None)
@given(st.text("FSCU", max_size=14))
def test_the_same_alerts_come_about_whether_jobs_are_seen_one_by_one_or_all_at_once(letters: str) -> None:
    slowly, _ = one_by_one(letters)
    at_once = Printer()
    at_once.evaluate(past(letters))

    def essence(printer: Printer) -> set[tuple[str, str, int, int | None]]:
        return {(a.id, a.state, a.fired_ms, a.resolved_ms) for a in printer.alerts.values()}

    assert essence(slowly) == essence(at_once)


def test_the_alert_is_named_by_rule_printer_and_first_failure() -> None:
    printer, _ = one_by_one("SFFF")
    (alert,) = printer.alerts.values()
    assert alert.id == alert_id("failed_streak", PRINTER, ended_job(1, "F").id)
    assert alert.fired_ms == ended_job(3, "F").ended_ms
    assert alert.severity == "critical"


def test_a_success_resolves_at_the_moment_it_ended() -> None:
    printer, _ = one_by_one("FFFS")
    (alert,) = printer.alerts.values()
    assert alert.resolved_ms == ended_job(3, "S").ended_ms
    assert alert.resolution == "part-3.gcode succeeded."


def revised(letters: str, number: int, outcome: Outcome) -> list[Job]:
    return [
        msgspec.structs.replace(job, outcome=outcome, revision=1)
        if job.id == ended_job(number, "F").id
        else job
        for job in past(letters)
    ]


def test_a_failure_revised_to_succeeded_at_the_end_resolves() -> None:
    printer, _ = one_by_one("FFF")
    assert told(printer.evaluate(revised("FFF", 2, Outcome.SUCCEEDED))) == ["resolved"]
    assert not printer.firing


@pytest.mark.parametrize("outcome", [Outcome.CANCELLED, Outcome.UNKNOWN, Outcome.SUCCEEDED])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_any_failure_of_a_shortest_streak_that_turns_out_to_be_none_resolves(
    number: int, outcome: Outcome
) -> None:
    printer, _ = one_by_one("FFF")
    changes = printer.evaluate(revised("FFF", number, outcome), late_ms=7)
    assert told(changes) == ["resolved"]
    assert changes[0].alert.resolution is not None
    assert "part-" in changes[0].alert.resolution


def test_an_unknown_outcome_revised_to_failed_completes_a_streak() -> None:
    printer = Printer()
    assert printer.evaluate(past("FFU")) == []
    assert told(printer.evaluate(past("FFF"))) == ["fired"]


def test_a_success_revised_to_failed_opens_the_same_alert_again() -> None:
    printer, _ = one_by_one("FFFS")
    (resolved,) = printer.alerts.values()
    changes = printer.evaluate(past("FFFF"))
    assert told(changes) == ["fired"]
    (alert,) = printer.firing
    assert (alert.id, alert.count, alert.resolved_ms, alert.resolution) == (resolved.id, 2, None, None)


def test_telling_of_a_reopened_alert_is_another_message_than_the_first() -> None:
    printer = Printer()
    first = printer.evaluate(past("FFF"))[-1].alert
    printer.evaluate(past("FFFS"))
    second = printer.evaluate(past("FFFF"))[-1].alert
    assert delivery_id(first, NotificationReason.FIRED, "slack") != delivery_id(
        second, NotificationReason.FIRED, "slack"
    )


def test_an_earlier_failure_learnt_of_late_makes_no_second_alert() -> None:
    printer = Printer()
    printer.evaluate(past("UFFF"))
    (before,) = printer.alerts
    changes = printer.evaluate(past("FFFF"))
    assert told(changes) == []
    assert list(printer.alerts) == [before]
    assert printer.firing[0].facts["length"] == 4


def test_a_streak_cut_in_two_keeps_its_alert_for_the_part_that_stands() -> None:
    printer, _ = one_by_one("FFFFFFF")
    assert told(printer.evaluate(past("FFFSFFF"))) == []
    (alert,) = printer.firing
    assert alert.job_ids == tuple(ended_job(n, "F").id for n in (4, 5, 6))


def test_two_streaks_joined_by_a_revision_stay_one_alert() -> None:
    printer, _ = one_by_one("FFFSFFF")
    assert told(printer.evaluate(past("FFFFFFF"))) == []
    assert len(printer.firing) == 1
    assert printer.firing[0].facts["length"] == 7


def test_more_failures_change_the_alert_and_tell_nothing() -> None:
    printer, _ = one_by_one("FFF")
    (change,) = printer.evaluate(past("FFFF"))
    assert change.reason is None
    assert change.alert.title == "bay1: 4 failed prints in a row"


def test_a_printer_that_is_renamed_renames_its_firing_alert_and_tells_nothing() -> None:
    printer, _ = one_by_one("FFF")
    printer.name = "corner"
    assert told(printer.evaluate(past("FFF"))) == []
    assert printer.firing[0].title == "corner: 3 failed prints in a row"


def test_what_came_about_long_ago_is_recorded_and_not_told() -> None:
    printer = Printer()
    assert told(printer.evaluate(past("FFF"), late_ms=HOUR_MS + 1)) == ["(fired)"]
    (alert,) = printer.firing
    assert alert.suppressed
    assert alert.notified_ms is None


def test_what_came_about_just_within_the_time_is_told() -> None:
    assert told(Printer().evaluate(past("FFF"), late_ms=HOUR_MS)) == ["fired"]


def test_a_long_past_streak_that_is_over_is_recorded_with_both_ends() -> None:
    printer = Printer()
    assert told(printer.evaluate(past("FFFS"), late_ms=DAY_MS)) == ["(fired)", "(resolved)"]
    assert not printer.firing


def test_a_streak_over_before_it_was_seen_is_told_with_both_ends_when_it_is_news() -> None:
    jobs = [ended_job(n, x, ended_ms=START_MS + n) for n, x in enumerate("FFFS")][::-1]
    assert told(Printer().evaluate(jobs)) == ["fired", "resolved"]


def test_the_end_of_an_alert_that_nobody_was_told_of_is_not_told_either() -> None:
    printer = Printer()
    printer.evaluate(past("FFF"), late_ms=DAY_MS)
    assert told(printer.evaluate(past("FFFS"))) == ["(resolved)"]


def test_a_recorded_streak_that_goes_on_before_our_eyes_is_told() -> None:
    printer = Printer()
    printer.evaluate(past("FFF"), late_ms=DAY_MS)
    assert told(printer.evaluate(past("FFFF"))) == ["fired"]
    (alert,) = printer.firing
    assert not alert.suppressed
    assert told(printer.evaluate(past("FFFFF"))) == []


def test_a_recorded_streak_that_is_only_looked_at_again_stays_untold() -> None:
    printer = Printer()
    printer.evaluate(past("FFF"), late_ms=DAY_MS)
    assert printer.evaluate(past("FFF"), late_ms=DAY_MS + 1) == []
    assert printer.evaluate(past("FFF")) == []


def test_an_alert_beyond_what_was_read_is_left_alone() -> None:
    printer, _ = one_by_one("FFF")
    later = [ended_job(n, "C") for n in range(9, 3, -1)]
    assert printer.evaluate(later, whole=False) == []
    assert len(printer.firing) == 1


def test_jobs_that_were_withdrawn_take_their_alert_with_them() -> None:
    printer, _ = one_by_one("FFF")
    assert told(printer.evaluate(past("F"))) == ["resolved"]


def test_a_printer_that_is_no_longer_watched_has_no_alerts() -> None:
    printer, _ = one_by_one("FFF")
    (change,) = printer.evaluate(past("FFF"), watched=False)
    assert change.alert.state is AlertState.RESOLVED
    assert change.alert.resolution == "The printer is no longer watched."
    assert Printer().evaluate(past("FFF"), watched=False) == []


def test_a_repetition_counts_and_is_a_message_of_its_own() -> None:
    printer, _ = one_by_one("FFF")
    (alert,) = printer.firing
    change = repeated(alert, START_MS + DAY_MS)
    assert change.reason is NotificationReason.REPEATED
    assert (change.alert.count, change.alert.notified_ms) == (2, START_MS + DAY_MS)
    again = repeated(change.alert, START_MS + 2 * DAY_MS)
    ids = {delivery_id(each.alert, NotificationReason.REPEATED, "slack") for each in (change, again)}
    assert len(ids) == 2


def test_a_delivery_has_the_same_id_whoever_works_it_out() -> None:
    alerts = [one_by_one("FFF")[0].firing[0] for _ in range(2)]
    ids = {delivery_id(alert, NotificationReason.FIRED, "slack") for alert in alerts}
    assert len(ids) == 1
    assert delivery_id(alerts[0], NotificationReason.FIRED, "mail") not in ids


def test_every_outcome_is_exercised_by_these_tests() -> None:
    assert set(OUTCOMES.values()) == set(Outcome)


def test_a_printer_that_is_no_longer_watched_is_resolved_however_long_its_past() -> None:
    printer = Printer()
    printer.evaluate(past("FFF"))
    assert told(printer.evaluate(past("FFF"), whole=False, watched=False)) == ["resolved"]
    assert printer.firing == []


def resolved_by_hand(letters: str) -> Printer:
    """A printer whose open alert a person has resolved after these prints, if it has one."""
    printer, _ = one_by_one(letters)
    for alert in printer.firing:
        printer.alerts[alert.id] = msgspec.structs.replace(
            alert, state=AlertState.RESOLVED, resolved_ms=START_MS, resolution="seen to", resolved_by="olga"
        )
    return printer


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("FFF", "FFF", []),
        ("FFF", "FFFC", []),
        ("FFF", "FFFU", []),
        ("FFF", "FFFS", []),
        ("FFF", "FFFF", ["fired"]),
        ("FFF", "FFFCF", ["fired"]),
        ("FFF", "FFFFS", []),
        ("FFF", "FFFSFFF", ["fired"]),
        # What people found out of the same prints.
        ("FFFF", "SFFF", []),
        ("FFFF", "FFFS", []),
        ("FFFFFFF", "FFFSFFF", []),
        # A print that counted as none turns out to have failed: nobody has seen that.
        ("FFFU", "FFFF", ["fired"]),
        ("UFFF", "FFFF", ["fired"]),
    ],
)
def test_an_alert_that_a_person_resolved_is_opened_again_by_another_failure_alone(
    before: str, after: str, expected: list[str]
) -> None:
    printer = resolved_by_hand(before)
    assert told(printer.evaluate(past(after))) == expected


def test_an_alert_that_opens_again_is_no_longer_resolved_by_a_person() -> None:
    printer = resolved_by_hand("FFF")
    (change,) = printer.evaluate(past("FFFF"))
    assert (change.alert.state, change.alert.resolved_by, change.alert.resolution) == ("firing", None, None)
    assert change.alert.count == 2
    (over,) = printer.evaluate(past("FFFFS"))
    assert (over.alert.resolved_by, over.alert.resolution) == (None, "part-4.gcode succeeded.")


@trials(max_examples=60, deadline=None)
@given(st.text("FSCU", max_size=14))
def test_looking_again_at_what_a_person_has_seen_changes_nothing(letters: str) -> None:
    assert resolved_by_hand(letters).evaluate(past(letters)) == []


def test_what_a_person_resolved_is_told_unless_nobody_was_told_of_it() -> None:
    (alert,) = resolved_by_hand("FFF").alerts.values()
    assert told([closed(alert)]) == ["resolved"]
    assert told([closed(msgspec.structs.replace(alert, suppressed=True))]) == ["(resolved)"]
    assert closed(alert).at_ms == START_MS


def test_an_alert_that_was_silenced_is_put_anew_as_fired() -> None:
    printer, _ = one_by_one("FFF")
    change = repeated(printer.firing[0], START_MS + DAY_MS, NotificationReason.FIRED)
    assert told([change]) == ["fired"]
    assert (change.alert.count, change.alert.notified_ms) == (2, START_MS + DAY_MS)


@pytest.mark.parametrize("suppressed", [False, True])
def test_the_alert_of_a_rule_that_is_gone_is_over_and_told_where_it_was_told(suppressed: bool) -> None:
    printer, _ = one_by_one("FFF")
    alert = msgspec.structs.replace(printer.firing[0], suppressed=suppressed)
    change = given_up(alert, START_MS + DAY_MS)
    assert told([change]) == ["(resolved)" if suppressed else "resolved"]
    assert (change.at_ms, change.alert.resolved_ms) == (START_MS + DAY_MS, START_MS + DAY_MS)
    assert change.alert.resolution == "The rule is no longer configured."
