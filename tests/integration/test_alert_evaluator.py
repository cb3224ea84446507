"""The evaluator on a real ledger: what is booked, told and kept when it is interrupted."""

import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from alerts.evaluator import PLACE_EVERY_MS, Evaluator
from alerts.notification import notification_of
from alerts.settings import AlertSettings
from farm.ledger.alert_store import AlertStore
from farm.ledger.batch import Batch
from farm.ledger.ledger import open_ledger
from farm.model.alert import AlertBatch, AlertState, Bookmark, DeliveryState
from farm.model.states import Outcome
from farm.model.times import DAY_MS, HOUR_MS, MINUTE_MS
from tests.unit.alerts.farm import Farm, open_streak
from tests.unit.alerts.makings import PRINTER, ended_job

RECEIVERS = [
    {"kind": "slack", "webhook_url": "http://127.0.0.1:9/hook"},
    {"kind": "email", "host": "127.0.0.1", "sender": "a@b.example", "recipients": ["c@d.example"]},
]
BEN = "6d3f0c52-0000-4000-8000-000000000002"


def settings(**more: Any) -> AlertSettings:
    return AlertSettings.model_validate({"receivers": RECEIVERS[:1]} | more)


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Farm]:
    with open_ledger(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        yield Farm(ledger)


def watched(farm: Farm, **more: Any) -> Evaluator:
    """An evaluator that has started on the empty ledger."""
    evaluator = farm.evaluator(settings(**more))
    evaluator.step()
    return evaluator


def test_three_failures_in_a_row_are_told_to_every_receiver_once(farm: Farm) -> None:
    evaluator = watched(farm, receivers=RECEIVERS)
    farm.ends("SFF")
    evaluator.step()
    assert farm.told() == []
    farm.ends("F")
    result = evaluator.step()
    assert (result.read, result.reasons, result.deliveries) == (1, 1, 2)
    assert farm.told() == ["fired email", "fired slack"]
    farm.ends("FF")
    evaluator.step()
    assert evaluator.step().read <= 1
    assert farm.told() == ["fired email", "fired slack"]
    assert farm.feed_kinds() == ["alert.fired"]


def test_the_next_success_resolves_it_and_is_told(farm: Farm) -> None:
    evaluator = watched(farm)
    farm.ends("FFF")
    evaluator.step()
    farm.ends("CUS")
    evaluator.step()
    assert farm.told() == ["fired slack", "resolved slack"]
    assert farm.feed_kinds() == ["alert.fired", "alert.resolved"]
    (alert,) = farm.alerts()
    assert alert.state is AlertState.RESOLVED
    assert alert.resolved_ms == farm.jobs[PRINTER][-1].ended_ms


def test_printers_have_streaks_of_their_own(farm: Farm) -> None:
    evaluator = watched(farm)
    for letter in "FF":
        farm.ends(letter)
        farm.ends(letter, BEN)
    farm.ends("F", BEN)
    evaluator.step()
    (alert,) = farm.alerts()
    assert alert.printer_id == BEN


def test_a_revision_resolves_and_another_one_fires_again(farm: Farm) -> None:
    evaluator = watched(farm)
    farm.ends("FFF")
    evaluator.step()
    farm.pass_time(1)
    farm.revise(1, "S")
    evaluator.step()
    assert farm.alerts()[0].state is AlertState.RESOLVED
    farm.pass_time(1)
    farm.revise(1, "F")
    evaluator.step()
    assert farm.told() == ["fired slack", "resolved slack", "fired slack"]
    assert len(farm.alerts()) == 1


def test_a_withdrawn_print_resolves(farm: Farm) -> None:
    evaluator = watched(farm)
    farm.ends("FFF")
    evaluator.step()
    farm.withdraw(2)
    evaluator.step()
    assert farm.told() == ["fired slack", "resolved slack"]


def test_a_printer_that_is_ignored_from_now_on_has_no_alert(farm: Farm) -> None:
    evaluator = watched(farm)
    farm.ends("FFF")
    evaluator.step()
    farm.printer(ignored=True)
    evaluator.step()
    assert farm.alerts()[0].resolution == "The printer is no longer watched."
    farm.ends("FFFFF")
    evaluator.step()
    assert len(farm.alerts()) == 1


def test_the_notification_holds_what_is_known_at_that_moment(farm: Farm) -> None:
    evaluator = farm.evaluator(settings(public_url="http://farm.local:8642"), time_zone="Europe/Berlin")
    evaluator.step()
    farm.printer(group="north", model="Voron")
    farm.ends("FFCF")
    evaluator.step()
    (delivery,) = farm.deliveries()
    notification = notification_of(delivery.notification)
    assert (notification.printer, notification.group, notification.model) == ("bay1", "north", "Voron")
    assert notification.title == "bay1: 3 failed prints in a row"
    assert [print_.outcome for print_ in notification.prints] == [
        Outcome.FAILED, Outcome.CANCELLED, Outcome.FAILED, Outcome.FAILED,
    ]  # fmt: skip
    assert notification.url == "http://farm.local:8642"
    assert notification.time_zone == "Europe/Berlin"
    assert notification.created_ms == farm.now_ms


def test_the_notification_of_the_end_shows_first_what_ended_it(farm: Farm) -> None:
    evaluator = watched(farm)
    farm.ends("FFF")
    evaluator.step()
    farm.ends("S")
    evaluator.step()
    notification = notification_of(farm.deliveries()[-1].notification)
    assert notification.prints[0].outcome is Outcome.SUCCEEDED
    assert notification.resolution == "part-3.gcode succeeded."


def test_a_renamed_printer_is_told_by_its_new_name(farm: Farm) -> None:
    evaluator = watched(farm)
    farm.ends("FF")
    evaluator.step()
    farm.printer(name="corner")
    farm.ends("F")
    evaluator.step()
    assert notification_of(farm.deliveries()[0].notification).printer == "corner"


def test_a_firing_alert_is_told_again_and_again_until_it_is_over(farm: Farm) -> None:
    evaluator = watched(farm, repeat="4h")
    farm.ends("FFF")
    evaluator.step()
    farm.pass_time(4 * HOUR_MS - 1)
    assert evaluator.repeat().reasons == 0
    farm.pass_time(1)
    assert evaluator.repeat().reasons == 1
    assert evaluator.repeat().reasons == 0
    farm.pass_time(4 * HOUR_MS)
    evaluator.repeat()
    farm.ends("S")
    evaluator.step()
    farm.pass_time(DAY_MS)
    assert evaluator.repeat().reasons == 0
    assert farm.told() == ["fired slack", "repeated slack", "repeated slack", "resolved slack"]
    assert farm.feed_kinds() == ["alert.fired", "alert.repeated", "alert.repeated", "alert.resolved"]
    assert farm.alerts()[0].count == 3


def test_nothing_is_repeated_when_that_is_switched_off(farm: Farm) -> None:
    evaluator = watched(farm, repeat="0")
    farm.ends("FFF")
    evaluator.step()
    farm.pass_time(100 * DAY_MS)
    evaluator.repeat()
    assert farm.told() == ["fired slack"]


def test_a_repetition_shows_the_prints_as_they_stand_now(farm: Farm) -> None:
    evaluator = watched(farm)
    farm.ends("FFFF")
    evaluator.step()
    farm.pass_time(DAY_MS)
    evaluator.repeat()
    notification = notification_of(farm.deliveries()[-1].notification)
    assert [print_.file for print_ in notification.prints] == [f"part-{n}.gcode" for n in (3, 2, 1, 0)]


def test_ancient_history_is_recorded_and_not_sent(farm: Farm) -> None:
    evaluator = watched(farm, max_age="1h")
    farm.ends("FFFSFFF")
    farm.pass_time(2 * HOUR_MS)
    evaluator.step()
    assert [alert.state for alert in farm.alerts()] == [AlertState.RESOLVED, AlertState.FIRING]
    assert farm.told() == ["(fired slack)", "(fired slack)"]
    assert {each.state for each in farm.deliveries()} == {DeliveryState.SUPPRESSED}
    farm.pass_time(DAY_MS)
    assert evaluator.repeat().reasons == 0


def test_ancient_history_that_goes_on_is_told(farm: Farm) -> None:
    evaluator = watched(farm)
    farm.ends("FFF")
    farm.pass_time(DAY_MS)
    evaluator.step()
    farm.ends("F")
    evaluator.step()
    assert farm.told() == ["(fired slack)", "fired slack"]


def test_without_receivers_alerts_are_recorded_all_the_same(farm: Farm) -> None:
    evaluator = watched(farm, receivers=[])
    farm.ends("FFF")
    evaluator.step()
    assert len(farm.alerts()) == 1
    assert farm.deliveries() == []
    assert farm.feed_kinds() == ["alert.fired"]


def test_a_first_start_looks_at_what_stands_and_not_at_the_whole_feed(farm: Farm) -> None:
    farm.ends("FFFSFFF")
    evaluator = farm.evaluator(settings())
    assert evaluator.step().read == 0
    assert [alert.state for alert in farm.alerts()] == [AlertState.RESOLVED, AlertState.FIRING]
    assert sorted(farm.told()) == ["fired slack", "fired slack", "resolved slack"]
    assert farm.feed_kinds() == ["alert.fired", "alert.resolved", "alert.fired"]


def test_another_length_of_streak_is_applied_at_the_next_start(farm: Farm) -> None:
    watched(farm)
    farm.ends("FF")
    farm.evaluator(settings()).step()
    assert farm.told() == []
    farm.evaluator(settings(streak_length=2)).step()
    assert farm.told() == ["fired slack"]
    farm.evaluator(settings(streak_length=3)).step()
    assert farm.told() == ["fired slack", "resolved slack"]


def test_a_restart_goes_on_where_it_was_and_tells_nothing_twice(farm: Farm) -> None:
    watched(farm)
    for letter in "FFFFSFFFUS":
        farm.ends(letter)
        farm.evaluator(settings()).step()
        farm.evaluator(settings()).step()
    assert farm.told() == ["fired slack", "resolved slack", "fired slack", "resolved slack"]


def test_two_evaluators_side_by_side_tell_everything_once(farm: Farm) -> None:
    both = [farm.evaluator(settings()), farm.evaluator(settings())]
    for letter in "FFFFSFFFUS":
        farm.ends(letter)
        for evaluator in both:
            evaluator.step()
            evaluator.step()
    farm.ends("FFF")
    for _ in range(2):
        for evaluator in both:
            evaluator.step()
    farm.pass_time(5 * HOUR_MS)
    for _ in range(2):
        for evaluator in both:
            evaluator.step()
            evaluator.repeat()
    assert farm.told() == [
        "fired slack", "resolved slack", "fired slack", "resolved slack", "fired slack", "repeated slack",
    ]  # fmt: skip


def test_a_simulated_ledger_keeps_its_own_time_for_alerts_and_the_wall_clock_for_messages(
    tmp_path: Path,
) -> None:
    with open_ledger(f"sqlite:///{tmp_path}/simulated.db") as ledger:
        farm = Farm(ledger, simulated=True)
        evaluator = Evaluator(
            ledger, farm.store, settings(repeat="4h"), clock=lambda: farm.now_ms + 900 * DAY_MS
        )
        evaluator.step()
        farm.ends("FFF")
        evaluator.step()
        (alert,), (delivery,) = farm.alerts(), farm.deliveries()
        assert delivery.state is DeliveryState.PENDING
        assert alert.notified_ms == farm.now_ms
        assert delivery.due_ms == farm.now_ms + 900 * DAY_MS
        assert evaluator.repeat().reasons == 0
        farm.pass_time(4 * HOUR_MS)
        farm.ends("C")
        evaluator.step()
        assert evaluator.repeat().reasons == 1


def test_entries_that_concern_nobody_move_the_place_without_writing(farm: Farm) -> None:
    evaluator = watched(farm)
    farm.STEP_MS = 1
    before = farm.store.bookmark("evaluator")
    farm.ends("SCSC" * 5)
    assert evaluator.step().read > 0
    assert evaluator.step().read == 0
    assert farm.store.bookmark("evaluator") == before


def lag(farm: Farm) -> int:
    bookmark = farm.store.bookmark("evaluator")
    assert bookmark is not None
    return farm.ledger.feed_head() - bookmark.seq


@pytest.mark.parametrize("letters", ["SCSC", "FFF"])
def test_an_evaluator_that_has_read_everything_lags_behind_nothing(farm: Farm, letters: str) -> None:
    evaluator = watched(farm)
    farm.STEP_MS = 1
    farm.ends(letters)
    while evaluator.step().read:
        pass
    assert lag(farm) > 0
    farm.pass_time(PLACE_EVERY_MS)
    evaluator.step()
    assert lag(farm) == 0


def test_a_feed_that_never_rests_is_booked_now_and_then(farm: Farm) -> None:
    evaluator = watched(farm)
    farm.STEP_MS = PLACE_EVERY_MS // 10
    lags = []
    for _ in range(40):
        farm.ends("S")
        evaluator.step()
        lags.append(lag(farm))
    assert sorted(set(lags)) == list(range(11))


def test_a_long_history_is_worked_off_in_pieces_and_ends_up_right(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alerts.evaluator.MOST_ENTRIES", 7)
    farm.STEP_MS = MINUTE_MS
    evaluator = watched(farm, max_age="10d")
    dice = random.Random(7)
    for _ in range(150):
        farm.ends(dice.choice("FFFSCU"), dice.choice([PRINTER, BEN]))
    while evaluator.step().read:
        pass
    firing = {
        alert.printer_id: alert.facts["length"] for alert in farm.alerts() if alert.state is AlertState.FIRING
    }
    streaks = {printer: open_streak(jobs) for printer, jobs in farm.jobs.items()}
    assert firing == {printer: length for printer, length in streaks.items() if length >= 3}


class _Broken(Exception):
    """The moment at which the process would have died."""


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_around_the_booking_neither_loses_nor_doubles(farm: Farm, after: bool) -> None:
    """The step dies before, or just after, its one transaction; the next evaluator goes on."""

    class Dying:
        def __init__(self) -> None:
            self.left = 3

        def __getattr__(self, name: str) -> Any:
            return getattr(farm.store, name)

        def book(self, batch: AlertBatch) -> Bookmark | None:
            self.left -= 1
            if self.left == 0 and not after:
                raise _Broken
            reached = farm.store.book(batch)
            if self.left == 0:
                raise _Broken
            return reached

    for letter in "SFFFFSFFFUSFFF":
        farm.ends(letter)
        dying = Dying()
        evaluator = Evaluator(farm.ledger, cast(AlertStore, dying), settings(), farm.clock)
        try:
            for _ in range(3):
                evaluator.step()
        except _Broken:
            continue
    farm.evaluator(settings()).step()
    assert farm.told() == ["fired slack", "resolved slack", "fired slack", "resolved slack", "fired slack"]
    assert len(farm.feed_kinds()) == 5


_KILLED_EVALUATOR = """
import os, signal, sys
from alerts.evaluator import PLACE_EVERY_MS, Evaluator
from alerts.settings import AlertSettings
from farm.ledger import alert_store
from farm.ledger.ledger import open_ledger

url, now_ms, victim = sys.argv[1], int(sys.argv[2]), sys.argv[3]
whole = getattr(alert_store, victim)

def dies(*args):
    whole(*args)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(alert_store, victim, dies)
with open_ledger(url) as ledger:
    receivers = [{"kind": "slack", "webhook_url": "http://127.0.0.1:9/hook"}]
    settings = AlertSettings.model_validate({"receivers": receivers})
    Evaluator(ledger, alert_store.AlertStore(ledger.engine), settings, lambda: now_ms).step()
"""


@pytest.mark.parametrize("victim", ["_move_bookmark", "_upsert_alerts", "_add_deliveries", "append_feed"])
def test_sigkill_inside_the_booking_leaves_nothing_half_done(tmp_path: Path, victim: str) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    with open_ledger(url) as ledger:
        farm = Farm(ledger)
        farm.evaluator(settings()).step()
        farm.ends("FFF")
        before = farm.store.bookmark("evaluator")
        killed = subprocess.run(
            [sys.executable, "-c", _KILLED_EVALUATOR, url, str(farm.now_ms), victim],
            check=False,
            timeout=60,
        )
        assert killed.returncode == -9
        assert farm.alerts() == []
        assert farm.feed_kinds() == []
        assert farm.store.bookmark("evaluator") == before
        farm.evaluator(settings()).step()
        assert farm.told() == ["fired slack"]


def test_a_length_of_time_of_the_settings_is_what_counts(farm: Farm) -> None:
    evaluator = watched(farm, max_age=timedelta(minutes=30))
    farm.ends("FFF")
    farm.pass_time(31 * MINUTE_MS)
    evaluator.step()
    assert farm.told() == ["(fired slack)"]
    assert farm.alerts()[0].job_ids[0] == ended_job(0, "F").id


@pytest.mark.parametrize("gone", [{"ignored": True}, {"retired_ms": 5}])
def test_an_alert_of_a_printer_that_is_gone_is_over_and_never_repeated(
    farm: Farm, gone: dict[str, Any]
) -> None:
    evaluator = watched(farm, repeat="4h")
    farm.ends("FFF")
    evaluator.step()
    farm.printer(**gone)
    evaluator.step()
    assert farm.told() == ["fired slack", "resolved slack"]
    farm.pass_time(DAY_MS)
    assert evaluator.repeat().reasons == 0


def test_an_alert_is_not_repeated_for_a_printer_that_left_without_a_word_in_the_feed(farm: Farm) -> None:
    evaluator = watched(farm, repeat="4h")
    farm.ends("FFF")
    evaluator.step()
    ignored = farm.ledger.printers()[0]
    farm.ledger.commit(Batch(printers=[msgspec.structs.replace(ignored, ignored=True)]))
    farm.pass_time(DAY_MS)
    evaluator.repeat()
    assert farm.told() == ["fired slack", "resolved slack"]
    assert farm.alerts()[0].resolution == "The printer is no longer watched."
    farm.pass_time(DAY_MS)
    assert evaluator.repeat().reasons == 0


def test_a_start_with_other_rules_ends_the_alerts_of_printers_that_are_gone(farm: Farm) -> None:
    evaluator = watched(farm)
    farm.ends("FFF")
    evaluator.step()
    farm.printer(ignored=True)
    farm.evaluator(settings(streak_length=4)).step()
    assert farm.alerts()[0].state is AlertState.RESOLVED


def test_a_new_name_shows_in_the_alert_that_fires_and_in_what_is_told_next(farm: Farm) -> None:
    evaluator = watched(farm)
    farm.ends("FFF")
    evaluator.step()
    farm.printer(name="Bay 1")
    evaluator.step()
    assert farm.alerts()[0].title == "Bay 1: 3 failed prints in a row"
    farm.ends("S")
    evaluator.step()
    assert notification_of(farm.deliveries()[-1].notification).printer == "Bay 1"


def test_a_printer_that_is_restored_is_watched_again(farm: Farm) -> None:
    evaluator = watched(farm)
    farm.ends("FF")
    farm.printer(retired_ms=5)
    evaluator.step()
    farm.printer()
    evaluator.step()
    farm.ends("F")
    evaluator.step()
    assert farm.told() == ["fired slack"]
