"""Alerts about how printers stand, on real ledgers: SQLite and PostgreSQL."""

from typing import Any

import pytest

from alerts.evaluator import Evaluator
from alerts.settings import AlertSettings
from farm.ledger.ledger import open_ledger
from farm.model.alert import AlertState, Severity
from farm.model.times import HOUR_MS, MINUTE_MS, SECOND_MS
from tests.unit.alerts.farm import Farm
from tests.unit.alerts.makings import PRINTER

BEN = "6d3f0c52-0000-4000-8000-000000000002"
SLACK = {"kind": "slack", "webhook_url": "http://127.0.0.1:9/hook"}
OFFLINE: dict[str, Any] = {"kind": "printer_offline"}
ERROR: dict[str, Any] = {"kind": "printer_error"}
STREAK: dict[str, Any] = {"kind": "failed_streak"}


@pytest.fixture
def farm(ledger_url: str) -> Any:
    with open_ledger(ledger_url) as ledger:
        yield Farm(ledger)


def evaluator(farm: Farm, *rules: dict[str, Any], **more: Any) -> Evaluator:
    """As after a start: it has looked at everything once."""
    found = farm.evaluator(AlertSettings.model_validate({"receivers": [SLACK], "rules": rules} | more))
    turn(found)
    return found


def turn(found: Evaluator) -> None:
    """What the service does again and again."""
    while found.step().read:
        pass
    found.watch()
    found.repeat()


def live(farm: Farm, found: Evaluator, length_ms: int, every_ms: int = 10 * SECOND_MS) -> None:
    """Time passes, the collector is there, and the evaluator looks."""
    for _ in range(length_ms // every_ms):
        farm.runs_on(every_ms)
        turn(found)


def standing(farm: Farm) -> list[tuple[str, str]]:
    """Every alert, oldest first, as rule and state."""
    return [(alert.rule, alert.state.value) for alert in farm.alerts()]


def test_a_printer_that_is_cut_off_is_told_once_and_its_return_too(farm: Farm) -> None:
    found = evaluator(farm, OFFLINE)
    farm.stands("idle")
    farm.runs_on(HOUR_MS)
    farm.stands("offline", source="link")
    gone_ms = farm.now_ms
    live(farm, found, MINUTE_MS)
    assert farm.told() == []
    live(farm, found, 10 * MINUTE_MS)
    assert farm.told() == ["fired slack"]
    farm.stands("idle")
    live(farm, found, 5 * MINUTE_MS)
    assert farm.told() == ["fired slack", "resolved slack"]
    (alert,) = farm.alerts()
    assert alert.fired_ms == gone_ms + 2 * MINUTE_MS
    assert alert.resolution == "It is idle now. It lasted 9 min."
    assert farm.feed_kinds() == ["alert.fired", "alert.resolved"]


def test_a_restart_tells_nothing_again_and_forgets_nothing(farm: Farm) -> None:
    farm.stands("error")
    first = evaluator(farm, ERROR, OFFLINE)
    assert farm.told() == ["fired slack"]
    for _ in range(3):
        turn(first)
        turn(evaluator(farm, ERROR, OFFLINE))
        farm.runs_on(MINUTE_MS)
    assert farm.told() == ["fired slack"]
    farm.stands("idle")
    second = evaluator(farm, ERROR, OFFLINE)
    live(farm, second, MINUTE_MS)
    assert farm.told() == ["fired slack", "resolved slack"]


def test_two_evaluators_side_by_side_tell_it_once(farm: Farm) -> None:
    one, other = evaluator(farm, ERROR), evaluator(farm, ERROR)
    farm.stands("error")
    farm.stands("offline", BEN)
    for _ in range(5):
        turn(one)
        turn(other)
        farm.runs_on(MINUTE_MS)
    assert farm.told() == ["fired slack"]


def test_while_no_collector_runs_nothing_is_found_and_nothing_ends(farm: Farm) -> None:
    found = evaluator(farm, OFFLINE, ERROR)
    farm.stands("error")
    farm.stands("offline", BEN, source="link")
    turn(found)
    assert standing(farm) == [("printer_error", "firing")]
    for _ in range(30):
        farm.pass_time(MINUTE_MS)
        turn(found)
    assert standing(farm) == [("printer_error", "firing")]
    farm.runs_on(SECOND_MS)
    live(farm, found, 2 * MINUTE_MS)
    assert standing(farm) == [("printer_error", "firing"), ("printer_offline", "firing")]


def test_what_stands_for_long_at_the_first_start_is_recorded_and_not_told(farm: Farm) -> None:
    farm.stands("offline")
    farm.runs_on(48 * HOUR_MS)
    found = evaluator(farm, OFFLINE)
    assert farm.told() == ["(fired slack)"]
    farm.stands("idle")
    live(farm, found, MINUTE_MS)
    assert standing(farm) == [("printer_offline", "resolved")]
    assert farm.told() == ["(fired slack)"]


def test_an_alert_about_a_standing_is_told_again_for_as_long_as_it_lasts(farm: Farm) -> None:
    farm.stands("error")
    found = evaluator(farm, ERROR, repeat="1h")
    live(farm, found, 3 * HOUR_MS, MINUTE_MS)
    assert farm.told() == ["fired slack", "repeated slack", "repeated slack", "repeated slack"]


def test_a_rule_that_is_taken_out_ends_its_alerts_and_the_others_go_on(farm: Farm) -> None:
    evaluator(farm, ERROR, STREAK)
    farm.stands("error")
    farm.ends("FFF")
    turn(evaluator(farm, ERROR, STREAK))
    assert standing(farm) == [("printer_error", "firing"), ("failed_streak", "firing")]
    left = evaluator(farm, STREAK)
    live(farm, left, 2 * MINUTE_MS)
    ended = {alert.rule: alert for alert in farm.alerts()}
    assert ended["printer_error"].state is AlertState.RESOLVED
    assert ended["printer_error"].resolution == "The rule is no longer configured."
    assert ended["failed_streak"].state is AlertState.FIRING


def test_two_rules_of_one_kind_watch_their_own_printers(farm: Farm) -> None:
    near = OFFLINE | {"name": "near", "printers": ["bay1"], "lasting": "0", "severity": "info"}
    far = OFFLINE | {"name": "far", "printers": ["bay2"], "lasting": "5m"}
    found = evaluator(farm, near, far)
    farm.stands("offline")
    farm.stands("offline", BEN)
    turn(found)
    assert standing(farm) == [("near", "firing")]
    live(farm, found, 6 * MINUTE_MS)
    assert [(alert.rule, alert.severity) for alert in farm.alerts()] == [
        ("near", Severity.INFO),
        ("far", Severity.WARNING),
    ]


def test_a_retired_printer_has_no_alert_any_more(farm: Farm) -> None:
    found = evaluator(farm, ERROR)
    farm.stands("error")
    turn(found)
    farm.printer(PRINTER, retired_ms=farm.now_ms)
    live(farm, found, MINUTE_MS)
    assert standing(farm) == [("printer_error", "resolved")]


def test_a_whole_farm_that_goes_at_once_is_an_alert_for_each_printer_and_ends(farm: Farm) -> None:
    found = evaluator(farm, OFFLINE)
    ids = [f"6d3f0c52-0000-4000-8000-{number:012}" for number in range(150)]
    for printer_id in ids:
        farm.stands("offline", printer_id, source="link")
    live(farm, found, 3 * MINUTE_MS)
    assert len(farm.alerts()) == len(ids)
    for printer_id in ids:
        farm.stands("idle", printer_id)
    live(farm, found, 2 * MINUTE_MS)
    assert {alert.state for alert in farm.alerts()} == {AlertState.RESOLVED}


def test_the_print_on_the_bed_and_the_one_that_broke_are_shown(farm: Farm) -> None:
    found = evaluator(farm, ERROR, {"kind": "bed_not_cleared"}, OFFLINE)
    farm.ends("F")
    farm.stands("error")
    farm.ends("S", BEN)
    farm.stands("finished", BEN)
    live(farm, found, HOUR_MS + MINUTE_MS, MINUTE_MS)
    farm.stands("offline", BEN)
    live(farm, found, 5 * MINUTE_MS, MINUTE_MS)
    shown = {alert.rule: alert.job_ids for alert in farm.alerts()}
    assert shown == {
        "printer_error": (farm.jobs[PRINTER][0].id,),
        "bed_not_cleared": (farm.jobs[BEN][0].id,),
        "printer_offline": (),
    }
    told = [delivery.notification["prints"] for delivery in farm.deliveries() if delivery.reason == "fired"]
    assert [[print_["outcome"] for print_ in prints] for prints in told] == [["failed"], ["succeeded"], []]


def test_evaluators_with_other_rules_do_not_end_each_others_alerts(farm: Farm) -> None:
    one, other = evaluator(farm, ERROR), evaluator(farm, STREAK)
    farm.stands("error")
    farm.ends("FFF", BEN)
    for _ in range(60):
        farm.runs_on(10 * SECOND_MS)
        one.step()
        one.watch()
        one.repeat()
        other.step()
        other.watch()
        other.repeat()
    assert sorted(standing(farm)) == [("failed_streak", "firing"), ("printer_error", "firing")]
    assert farm.told() == ["fired slack", "fired slack"]
