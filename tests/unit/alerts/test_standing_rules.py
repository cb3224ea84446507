"""Each rule about how a printer stands, driven through its life by a clock of the test's own."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.conditions import FIRING_LOOK_MS, Followed, Look, follow
from alerts.lifecycle import AlertChange
from alerts.rules import make_rule, rule_types
from alerts.rules.base import ConditionSettings, PrinterRule, RuleSettings
from farm.model.alert import Alert, AlertState, NotificationReason, Severity
from farm.model.job import Job
from farm.model.observation import Telemetry
from farm.model.printer import Printer
from farm.model.printer_status import PrinterStatus
from farm.model.states import PrinterState, StateReason
from farm.model.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from tests.unit.alerts.makings import PRINTER, START_MS

AT = START_MS


def rule_of(kind: str, **given: Any) -> PrinterRule[Any]:
    settings: RuleSettings = rule_types()[kind].settings_type.model_validate({"kind": kind} | given)
    rule = make_rule(settings)
    assert isinstance(rule, PrinterRule)
    return rule


def status(state: str, since_ms: int = AT, **more: Any) -> PrinterStatus:
    facts: dict[str, Any] = {
        "printer": Printer(
            id=PRINTER, site="main", name="bay1", group="north wall", adapter="native", first_seen_ms=0
        ),
        "state": PrinterState(state),
        "since_ms": since_ms,
        "source": "observed",
        "heard_ms": since_ms,
        "known_until_ms": since_ms,
        "live": Telemetry(),
        "job": None,
    }
    return PrinterStatus(**(facts | more))


def under_way(**more: Any) -> Job:
    facts: dict[str, Any] = {"file": "vase.gcode", "started_ms": AT, "progress": 0.4}
    return Job(id="j", printer_id=PRINTER, **(facts | more))


class Life:
    """One rule about one printer, looked at from time to time."""

    def __init__(self, rule: PrinterRule[Any], max_age_ms: int = HOUR_MS) -> None:
        self.rule = rule
        self.max_age_ms = max_age_ms
        self.alert: Alert | None = None
        self.gone_ms: int | None = None
        self.told: list[str] = []

    def look(self, at_ms: int, standing: PrinterStatus, *, watched: bool = True) -> Followed:
        look = Look(
            status=standing, now_ms=at_ms, max_age_ms=self.max_age_ms, watched=watched, gone_ms=self.gone_ms
        )
        followed = follow(self.rule, look, self.alert)
        self.gone_ms = followed.gone_ms
        if followed.change is not None:
            self._take(followed.change)
        return followed

    def _take(self, change: AlertChange) -> None:
        firing = change.alert.state is AlertState.FIRING
        self.alert = change.alert if firing else None
        self.last = change.alert
        if change.reason is not None:
            self.told.append(change.reason.value if change.told else f"({change.reason.value})")


STANDING = {
    "printer_offline": (status("offline"), 2 * MINUTE_MS),
    "printer_error": (status("error"), 0),
    "print_paused": (status("paused", job=under_way()), 30 * MINUTE_MS),
    "print_stalled": (status("printing", job=under_way(), progress_ms=AT), 20 * MINUTE_MS),
    "over_estimate": (status("printing", job=under_way(expected_ms=HOUR_MS)), 75 * MINUTE_MS),
    "bed_not_cleared": (status("finished"), HOUR_MS),
}
"""By kind: a standing that it alerts on, since AT, and after how long (ms) with its settings as they are."""
GOOD = status("idle")


def test_every_rule_about_a_standing_has_a_row() -> None:
    standing = {kind for kind, rule in rule_types().items() if issubclass(rule, PrinterRule)}
    assert STANDING.keys() == standing


@pytest.mark.parametrize("kind", STANDING)
def test_a_rule_fires_when_it_has_lasted_and_not_a_moment_before(kind: str) -> None:
    standing, after_ms = STANDING[kind]
    life = Life(rule_of(kind))
    early = life.look(AT + after_ms - 1, standing)
    assert (early.change, early.next_ms) == (None, AT + after_ms)
    assert life.look(AT + after_ms, standing).next_ms == AT + after_ms + FIRING_LOOK_MS
    assert life.told == ["fired"]
    assert life.alert is not None
    assert (life.alert.fired_ms, life.alert.rule) == (AT + after_ms, kind)
    assert life.alert.severity is life.rule.severity or life.alert.severity is Severity.CRITICAL
    assert life.alert.title.startswith("bay1: ")


@pytest.mark.parametrize("kind", STANDING)
def test_it_is_over_when_it_has_been_gone_for_the_clear_delay(kind: str) -> None:
    standing, after_ms = STANDING[kind]
    life = Life(rule_of(kind))
    life.look(AT + after_ms, standing)
    gone_ms = AT + after_ms + 10 * MINUTE_MS
    assert life.look(gone_ms, GOOD).next_ms == gone_ms + 30 * SECOND_MS
    assert life.look(gone_ms + 30 * SECOND_MS - 1, GOOD).change is None
    life.look(gone_ms + 30 * SECOND_MS, GOOD)
    assert life.told == ["fired", "resolved"]
    assert (life.last.state, life.last.resolved_ms) == (AlertState.RESOLVED, gone_ms)
    assert life.last.resolution is not None
    assert life.last.resolution.endswith("It lasted 10 min.")


@pytest.mark.parametrize("kind", STANDING)
def test_what_flaps_within_the_clear_delay_is_one_alert(kind: str) -> None:
    standing, after_ms = STANDING[kind]
    life = Life(rule_of(kind))
    now_ms = AT + after_ms
    life.look(now_ms, standing)
    for _ in range(20):
        life.look(now_ms := now_ms + 10 * SECOND_MS, GOOD)
        life.look(now_ms := now_ms + 10 * SECOND_MS, standing)
    assert life.told == ["fired"]


@pytest.mark.parametrize("kind", STANDING)
def test_nothing_is_found_of_what_the_rule_is_not_about(kind: str) -> None:
    standing, after_ms = STANDING[kind]
    for narrowed in ({"printers": ["line-*"]}, {"groups": ["south*"]}):
        life = Life(rule_of(kind, **narrowed))
        assert life.look(AT + after_ms, standing) == Followed()
    fits = Life(rule_of(kind, printers=["b?y*"], groups=["north*"]))
    fits.look(AT + after_ms, standing)
    assert fits.told == ["fired"]


@pytest.mark.parametrize("kind", STANDING)
def test_a_printer_that_is_no_longer_watched_has_no_alert(kind: str) -> None:
    standing, after_ms = STANDING[kind]
    life = Life(rule_of(kind))
    assert life.look(AT + after_ms, standing, watched=False) == Followed()
    life.look(AT + after_ms, standing)
    life.look(AT + after_ms + 1, standing, watched=False)
    assert life.told == ["fired", "resolved"]
    assert "no longer about" in (life.last.resolution or "")


@pytest.mark.parametrize("kind", STANDING)
def test_what_is_long_past_when_first_seen_is_recorded_and_not_told(kind: str) -> None:
    standing, after_ms = STANDING[kind]
    life = Life(rule_of(kind))
    life.look(AT + after_ms + HOUR_MS + 1, standing)
    life.look(AT + 2 * DAY_MS, GOOD)
    life.look(AT + 2 * DAY_MS + HOUR_MS, GOOD)
    assert life.told == ["(fired)", "(resolved)"]


@pytest.mark.parametrize("kind", STANDING)
@pytest.mark.parametrize("state", list(PrinterState))
def test_a_rule_alerts_on_its_own_states_alone(kind: str, state: PrinterState) -> None:
    standing, _ = STANDING[kind]
    alike = {
        "over_estimate": {PrinterState.PRINTING, PrinterState.PREPARING},
    }.get(kind, {standing.state})
    other = msgspec.structs.replace(standing, state=state)
    assert (rule_of(kind).condition(other) is not None) is (state in alike)


@pytest.mark.parametrize(
    ("source", "found"), [("silence", True), ("link", True), ("absence", False), ("observed", False)]
)
def test_silence_counts_and_our_own_absence_does_not(source: str, found: bool) -> None:
    condition = rule_of("printer_offline").condition(status("unknown", source=source))
    assert (condition is not None) is found
    if condition is not None:
        assert condition.title == "silent"


def test_a_link_that_is_gone_is_told_from_silence_and_is_graver_in_mid_print() -> None:
    rule = rule_of("printer_offline")
    idle = rule.condition(status("offline"))
    busy = rule.condition(status("offline", job=under_way()))
    assert idle is not None
    assert busy is not None
    assert (idle.title, idle.severity) == ("offline", None)
    assert (busy.severity, busy.summary) == (
        Severity.CRITICAL,
        "Its connection is gone, in the middle of vase.gcode (40 %).",
    )
    alone = rule_of("printer_offline", only_in_mid_print=True)
    assert alone.condition(status("offline")) is None
    assert alone.condition(status("offline", job=under_way())) is not None


@pytest.mark.parametrize(
    ("reason", "after_ms", "title"),
    [
        (StateReason.PAUSED_BY_MACHINE, 0, "paused by the printer"),
        (StateReason.WAITING_FOR_MATERIAL, 0, "waits for material"),
        (StateReason.WAITING_FOR_OPERATOR, 0, "waits for somebody"),
        (StateReason.PAUSED_BY_PERSON, 30 * MINUTE_MS, "paused for long"),
        (None, 30 * MINUTE_MS, "paused for long"),
    ],
)
def test_a_pause_that_wants_hands_is_told_at_once(reason: str | None, after_ms: int, title: str) -> None:
    condition = rule_of("print_paused").condition(status("paused", job=under_way(), reason=reason))
    assert condition is not None
    assert (condition.since_ms, condition.title) == (AT + after_ms, title)


def test_a_long_print_may_move_slowly() -> None:
    long = status("printing", job=under_way(expected_ms=40 * HOUR_MS), progress_ms=AT)
    condition = rule_of("print_stalled").condition(long)
    assert condition is not None
    assert condition.since_ms == AT + 2 * HOUR_MS
    assert rule_of("print_stalled").condition(status("printing", job=under_way())) is None


def test_a_print_that_moves_again_says_so() -> None:
    life = Life(rule_of("print_stalled"))
    life.look(AT + 20 * MINUTE_MS, STANDING["print_stalled"][0])
    moving = status("printing", job=under_way(), progress_ms=AT + 21 * MINUTE_MS)
    life.look(AT + 21 * MINUTE_MS, moving)
    life.look(AT + 22 * MINUTE_MS, moving)
    assert life.told == ["fired", "resolved"]
    assert (life.last.resolution or "").startswith("It makes progress again.")


def test_a_print_without_an_estimate_or_a_start_is_never_over_it() -> None:
    rule = rule_of("over_estimate")
    for job in (under_way(), under_way(expected_ms=HOUR_MS, started_ms=None), None):
        assert rule.condition(status("printing", job=job)) is None


@pytest.mark.parametrize(
    ("expected_ms", "paused_ms", "late_ms"),
    [(HOUR_MS, 0, 75 * MINUTE_MS), (HOUR_MS, HOUR_MS, 135 * MINUTE_MS), (8 * MINUTE_MS, 0, 18 * MINUTE_MS)],
)
def test_pauses_are_not_held_against_a_print_and_short_prints_have_a_margin(
    expected_ms: int, paused_ms: int, late_ms: int
) -> None:
    job = under_way(expected_ms=expected_ms, paused_ms=paused_ms)
    condition = rule_of("over_estimate").condition(status("printing", job=job))
    assert condition is not None
    assert condition.since_ms == AT + late_ms


def test_delays_are_settings() -> None:
    rule = rule_of("printer_error", lasting="5m", clear_after="0")
    assert isinstance(rule.settings, ConditionSettings)
    assert (rule.settings.lasting, rule.settings.clear_after) == (timedelta(minutes=5), timedelta())
    life = Life(rule)
    life.look(AT + 5 * MINUTE_MS, status("error"))
    life.look(AT + 6 * MINUTE_MS, GOOD)
    assert life.told == ["fired", "resolved"]


def test_words_stay_while_figures_move() -> None:
    life = Life(rule_of("printer_offline"))
    life.look(AT + 2 * MINUTE_MS, status("offline", job=under_way()))
    said = life.last.summary
    life.look(AT + 3 * MINUTE_MS, status("unknown", source="silence", job=under_way(progress=0.9)))
    assert life.last.summary == said
    assert life.last.title == "bay1: silent"
    assert life.told == ["fired"]


WALKS = st.lists(st.tuples(st.integers(0, 90), st.sampled_from([*PrinterState])), max_size=40)


@given(
    kind=st.sampled_from(sorted(STANDING)),
    walk=WALKS,
)
def test_whatever_happens_firing_and_resolved_take_turns_and_time_does_not_run_back(
    kind: str, walk: list[tuple[int, str]]
) -> None:
    life, now_ms, since_ms, last = Life(rule_of(kind)), AT, AT, ""
    for minutes, state in walk:
        now_ms += minutes * MINUTE_MS
        since_ms = since_ms if state == last else now_ms
        last = state
        life.look(now_ms, status(state, since_ms, job=under_way(expected_ms=HOUR_MS), progress_ms=since_ms))
    words = [word.strip("()") for word in life.told]
    assert words == [NotificationReason.FIRED, NotificationReason.RESOLVED] * (len(words) // 2) + (
        [NotificationReason.FIRED] if len(words) % 2 else []
    )
    if life.told and life.last.resolved_ms is not None:
        assert life.last.fired_ms <= life.last.resolved_ms <= now_ms


@pytest.mark.parametrize("kind", STANDING)
def test_the_figures_of_an_alert_are_the_printers_own(kind: str) -> None:
    standing, _ = STANDING[kind]
    condition = rule_of(kind).condition(standing)
    assert condition is not None
    expected: dict[str, Any] = {"state": standing.state.value, "source": "observed"}
    if standing.job is not None:
        expected["file"] = "vase.gcode"
    more: dict[str, dict[str, Any]] = {
        "print_paused": {"reason": None},
        "print_stalled": {"progress": 0.4},
        "over_estimate": {"expected_seconds": 3600.0},
    }
    assert condition.facts == expected | more.get(kind, {})


@pytest.mark.parametrize(
    ("progress", "words"), [(None, ""), (0.0, " (0 %)"), (0.333, " (33 %)"), (1.0, " (100 %)")]
)
def test_how_far_a_print_is_stands_beside_it_where_that_is_known(progress: float | None, words: str) -> None:
    condition = rule_of("printer_error").condition(status("error", job=under_way(progress=progress)))
    assert condition is not None
    assert condition.summary == f"It reports an error, in the middle of vase.gcode{words}."


DEFAULTS: dict[str, dict[str, Any]] = {
    "printer_offline": {"lasting": 120, "in_mid_print": "critical", "only_in_mid_print": False},
    "printer_error": {"lasting": 0, "severity": "critical"},
    "print_paused": {"lasting": 0, "by_person_after": 1800, "severity": "warning"},
    "print_stalled": {"without_progress": 1200, "share_of_print": 0.05, "severity": "warning"},
    "over_estimate": {"factor": 1.25, "at_least": 600, "severity": "warning"},
    "bed_not_cleared": {"lasting": 3600, "severity": "info"},
}


@pytest.mark.parametrize("kind", STANDING)
def test_unless_set_otherwise_it_is_what_most_shops_want(kind: str) -> None:
    settings = rule_of(kind).settings
    assert (settings.name, settings.kind, settings.clear_after) == (kind, kind, timedelta(seconds=30))
    for name, value in DEFAULTS[kind].items():
        found = getattr(settings, name)
        assert (found.total_seconds() if isinstance(found, timedelta) else found) == value


@pytest.mark.parametrize("kind", STANDING)
def test_what_fires_is_put_to_the_receivers_once_and_knows_its_print(kind: str) -> None:
    standing, after_ms = STANDING[kind]
    life = Life(rule_of(kind))
    life.look(AT + after_ms + 7, standing)
    assert (life.last.count, life.last.suppressed) == (1, False)
    assert life.last.notified_ms == AT + after_ms + 7
    assert life.last.job_ids == (("j",) if standing.job is not None else ())
    old = Life(rule_of(kind), max_age_ms=HOUR_MS)
    old.look(AT + after_ms + HOUR_MS, standing)
    assert old.told == ["fired"]
    old = Life(rule_of(kind), max_age_ms=HOUR_MS)
    old.look(AT + after_ms + HOUR_MS + 1, standing)
    assert (old.last.notified_ms, old.last.suppressed) == (None, True)


@pytest.mark.parametrize("kind", STANDING)
def test_what_fires_is_looked_at_every_five_seconds_and_keeps_its_words(kind: str) -> None:
    standing, after_ms = STANDING[kind]
    life = Life(rule_of(kind))
    life.look(AT + after_ms, standing)
    begun = life.last
    again = life.look(AT + after_ms + MINUTE_MS, standing)
    assert (again.change, again.next_ms) == (None, AT + after_ms + MINUTE_MS + 5_000)
    assert begun.summary != ""
    assert begun.facts["state"] == standing.state.value


def test_figures_follow_what_goes_on() -> None:
    life = Life(rule_of("printer_offline"))
    life.look(AT + 2 * MINUTE_MS, status("offline"))
    life.look(AT + 3 * MINUTE_MS, status("unknown", source="silence"))
    assert life.last.facts == {"state": "unknown", "source": "silence"}


def test_what_holds_from_this_very_moment_on_holds() -> None:
    life = Life(rule_of("printer_error"))
    life.look(AT, status("error"))
    assert life.look(AT + MINUTE_MS, status("error", AT + MINUTE_MS)).gone_ms is None


def test_what_is_over_before_it_was_due_lasted_no_time() -> None:
    life = Life(rule_of("printer_error", clear_after="0"))
    life.look(AT, status("error"))
    life.look(AT, GOOD)
    assert (life.last.resolution or "").endswith("It lasted 0 s.")


def test_the_print_that_an_error_and_a_bed_are_about_is_shown() -> None:
    showing = {kind for kind in STANDING if rule_of(kind).shows_last_print}
    assert showing == {"printer_error", "bed_not_cleared"}
