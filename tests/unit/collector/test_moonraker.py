"""What Klipper and Moonraker do that the recordings at hand do not show."""

from collections.abc import Iterator

import pytest

from farm.model.job import overlaps
from tests.unit.collector.farm import SECOND, T0, Farm, farm

FILE = "vase.gcode"
BOOT = 5_000.0
"""Klipper's clock at second 0."""


@pytest.fixture
def printer() -> Iterator[Farm]:
    with farm("moonraker={printer}", "voron 1") as found:
        found.hear(0, "moonraker/status", {"server": "online"})
        full(found, 1, state="standby")
        yield found


def say(printer: Farm, at: float, **objects: object) -> None:
    printer.hear(at, "klipper/status", {"eventtime": BOOT + at, "status": objects})


def full(printer: Farm, at: float, *, webhooks: str = "ready", **stats: object) -> None:
    whole = {
        "filename": "",
        "total_duration": 0.0,
        "print_duration": 0.0,
        "filament_used": 0.0,
        "state": "standby",
        "message": "",
        "info": {"total_layer": None, "current_layer": None},
    }
    say(
        printer,
        at,
        webhooks={"state": webhooks, "state_message": "Printer is " + webhooks},
        print_stats=whole | stats,
        pause_resume={"is_paused": False},
    )


def start(printer: Farm, at: float) -> None:
    say(printer, at, print_stats={"filename": FILE, "state": "printing", "total_duration": 0.1})


def count(
    printer: Farm, start_at: float, begin: float, end: float, *, step: float = 5, heating: float = 20
) -> None:
    """The print's clock counts from `begin` to `end`."""
    at = begin
    while at < end:
        total = at - start_at
        stats = {"total_duration": total, "print_duration": max(total - heating, 0.0)}
        say(printer, at, print_stats=stats, extruder={"temperature": 205.0})
        at += step


def test_heat_up_is_preparing_and_booked_apart(printer: Farm) -> None:
    start(printer, 10)
    count(printer, 10, 11, 100)
    say(printer, 100, print_stats={"state": "complete", "total_duration": 90.0, "print_duration": 70.0})
    assert printer.job.outcome == "succeeded"
    assert printer.job.printing_ms == 70_000
    assert printer.job.preparing_ms == pytest.approx(20_000, abs=SECOND)


def test_a_pause_without_filament_is_booked_as_waiting_for_material(printer: Farm) -> None:
    """The objects of a runout: the sensor first, half a second later the pause that Klipper begins."""
    start(printer, 10)
    count(printer, 10, 11, 60)
    say(printer, 60, **{"filament_switch_sensor runout": {"filament_detected": False, "enabled": True}})
    say(printer, 60.5, print_stats={"state": "paused", "total_duration": 50.5})
    say(printer, 60.6, pause_resume={"is_paused": True})
    printer.wait(80)
    assert [span.reason for span in printer.spans if span.state == "paused"] == ["waiting_for_material"]
    assert (len(printer.jobs), printer.job.pauses) == (1, 1)


def test_a_pause_is_confirmed_by_klipper_and_counted_once(printer: Farm) -> None:
    start(printer, 10)
    count(printer, 10, 11, 60)
    say(
        printer, 60, print_stats={"state": "paused", "total_duration": 50.0}, pause_resume={"is_paused": True}
    )
    for at in range(61, 120):
        say(printer, at, print_stats={"total_duration": at - 10.0})
    say(
        printer,
        120,
        print_stats={"state": "printing", "total_duration": 110.0},
        pause_resume={"is_paused": False},
    )
    count(printer, 10, 121, 180, heating=80)
    say(printer, 180, print_stats={"state": "complete", "total_duration": 170.0, "print_duration": 90.0})
    assert (printer.job.outcome, printer.job.pauses, printer.job.paused_ms) == ("succeeded", 1, 60_000)


def test_a_pause_without_the_pause_object_is_taken_when_it_lasts(printer: Farm) -> None:
    start(printer, 10)
    count(printer, 10, 11, 60)
    say(printer, 60, print_stats={"state": "paused", "total_duration": 50.0})
    say(printer, 61, print_stats={"total_duration": 51.0})
    assert printer.state == "printing"
    say(printer, 62, print_stats={"total_duration": 52.0})
    assert printer.state == "paused"
    printer.wait(62)
    assert printer.seconds("paused") == pytest.approx(2)


def test_paused_by_a_shutdown_is_no_pause(printer: Farm) -> None:
    start(printer, 10)
    count(printer, 10, 11, 60)
    say(printer, 60, print_stats={"state": "paused", "total_duration": 50.0})
    message = "MCU 'mcu' shutdown: Heater extruder not heating at expected rate"
    say(printer, 60.5, webhooks={"state": "shutdown", "state_message": message})
    assert (printer.job.outcome, printer.job.cause, printer.job.pauses) == ("failed", "thermal", 0)
    assert printer.state == "error"


def test_a_dead_klipper_is_silence_and_the_outcome_unknown(printer: Farm) -> None:
    start(printer, 10)
    count(printer, 10, 11, 60, step=1)
    full(printer, 160, webhooks="startup")
    full(printer, 170)
    assert printer.job.outcome == "unknown"
    assert printer.job.ended_ms == pytest.approx(T0 + 59 * SECOND, abs=2 * SECOND)
    assert printer.seconds("printing") + printer.seconds("preparing") == pytest.approx(49, abs=1)


def test_a_lost_end_shows_in_a_clock_that_stands(printer: Farm) -> None:
    start(printer, 10)
    count(printer, 10, 11, 60, step=1)
    for at in range(60, 90):
        say(printer, at, extruder={"temperature": 150.0})
    assert printer.state == "unknown"
    assert [job.outcome for job in printer.jobs] == [None]
    query = {"filename": FILE, "state": "complete", "message": "", "filament_used": 9.0}
    answer = {
        "eventtime": BOOT + 95,
        "status": {"print_stats": query | {"total_duration": 50.5, "print_duration": 30.0}},
    }
    printer.hear(95, "moonraker/api/response", {"jsonrpc": "2.0", "result": answer, "id": 7})
    assert (printer.job.outcome, printer.job.provenance) == ("succeeded", "inferred")
    assert printer.job.ended_ms == pytest.approx(T0 + 60.5 * SECOND, abs=SECOND)


def test_the_history_settles_what_nobody_told(printer: Farm) -> None:
    start(printer, 10)
    count(printer, 10, 11, 60, step=1)
    printer.hear(60, "moonraker/status", {"server": "offline"})
    printer.hear(300, "moonraker/status", {"server": "online"})
    full(printer, 301)
    assert printer.job.outcome == "unknown"
    row = {
        "job_id": "00001B",
        "filename": FILE,
        "status": "cancelled",
        "start_time": T0 / SECOND + 10,
        "end_time": T0 / SECOND + 200,
        "print_duration": 170.0,
        "total_duration": 190.0,
        "filament_used": 55.0,
    }
    printer.hear(
        302, "moonraker/api/response", {"jsonrpc": "2.0", "result": {"count": 1, "jobs": [row]}, "id": 8}
    )
    assert (printer.job.outcome, printer.job.cancelled_by) == ("cancelled", "person")
    assert printer.job.ended_ms == T0 + 200 * SECOND
    (revision,) = [entry for entry in printer.ledger.feed(0, 1000) if entry.kind == "job.revised"]
    assert revision.job_id == printer.job.id


def test_server_exit_in_the_history_is_no_failure(printer: Farm) -> None:
    start(printer, 10)
    printer.hear(60, "moonraker/status", {"server": "offline"})
    printer.hear(300, "moonraker/status", {"server": "online"})
    full(printer, 301)
    row = {
        "job_id": "00001B",
        "filename": FILE,
        "status": "server_exit",
        "start_time": T0 / SECOND + 10,
        "end_time": T0 / SECOND + 60,
    }
    printer.hear(
        302, "moonraker/api/response", {"jsonrpc": "2.0", "result": {"count": 1, "jobs": [row]}, "id": 8}
    )
    assert printer.job.outcome == "unknown"


def to_ask(printer: Farm) -> list[str]:
    return [session.address.prefix for session in printer.pipeline.take_to_ask()]


def test_a_print_that_falls_silent_is_asked_after_five_seconds(printer: Farm) -> None:
    start(printer, 10)
    count(printer, 10, 11, 61, step=1)
    to_ask(printer)
    printer.pipeline.tick(T0 + 65 * SECOND)
    assert to_ask(printer) == []
    printer.pipeline.tick(T0 + 66 * SECOND)
    assert to_ask(printer) == ["voron 1"]


def test_one_that_rests_in_silence_is_left_alone(printer: Farm) -> None:
    to_ask(printer)
    printer.pipeline.tick(T0 + 25 * SECOND)
    assert to_ask(printer) == []


@pytest.mark.parametrize("words", ["Klippy Host not connected", "Klippy Disconnected"])
def test_a_moonraker_that_has_no_klipper_any_more_says_so_when_it_is_asked(printer: Farm, words: str) -> None:
    start(printer, 10)
    count(printer, 10, 11, 61, step=1)
    refusal = {"jsonrpc": "2.0", "error": {"code": 503, "message": words}, "id": 7_100_002}
    printer.hear(67, "moonraker/api/response", refusal)
    assert printer.state == "offline"
    job = printer.job
    assert (job.outcome, job.cause, job.ended_ms) == ("failed", "host", T0 + 60 * SECOND)
    unseen = [(span.from_ms - T0, (span.to_ms or 0) - T0) for span in printer.spans if span.source == "queue"]
    assert unseen == [(60 * SECOND, 67 * SECOND)]
    printer.hear(68, "moonraker/api/response", refusal)
    full(printer, 80, state="standby")
    assert printer.state == "idle"


def test_what_the_broker_kept_does_not_wake_a_klipper_that_is_gone(printer: Farm) -> None:
    """It could take nothing back when it died; we were away since, and subscribe anew."""
    refusal = {
        "jsonrpc": "2.0",
        "error": {"code": 503, "message": "Klippy Host not connected"},
        "id": 7_100_002,
    }
    start(printer, 10)
    count(printer, 10, 11, 61, step=1)
    printer.hear(67, "moonraker/api/response", refusal)
    printer.away(100, 130)
    printer.hear(131, "moonraker/status", {"server": "online"}, retained=True)
    kept = {
        "webhooks/state": "ready",
        "print_stats/state": "printing",
        "print_stats/filename": FILE,
        "print_stats/total_duration": 50.0,
        "print_stats/print_duration": 30.0,
    }
    for field, value in kept.items():
        printer.hear(131, f"klipper/state/{field}", {"eventtime": BOOT + 60, "value": value}, retained=True)
    printer.hear(132, "moonraker/api/response", refusal)
    assert printer.state == "offline"
    assert (printer.job.outcome, printer.job.cause) == ("failed", "host")
    full(printer, 140, state="standby")
    assert printer.state == "idle"


def test_a_klipper_that_speaks_again_is_not_gone_any_more_and_is_asked(printer: Farm) -> None:
    """It was started anew, and the first that comes of it are figures that changed."""
    refusal = {"jsonrpc": "2.0", "error": {"code": 503, "message": "Klippy Host not connected"}}
    start(printer, 10)
    count(printer, 10, 11, 61, step=1)
    printer.hear(67, "moonraker/api/response", refusal)
    to_ask(printer)
    say(printer, 75, extruder={"temperature": 30.0})
    assert printer.state == "unknown"
    assert to_ask(printer) == ["voron 1"]
    say(printer, 77, extruder={"temperature": 30.1})
    assert printer.state == "unknown"
    full(printer, 79, state="standby")
    assert printer.state == "idle"
    printer.wait(80)
    assert [(span.state, span.from_ms - T0) for span in printer.spans][-4:-1] == [
        ("offline", 67 * SECOND),
        ("unknown", 75 * SECOND),
        ("idle", 79 * SECOND),
    ]
    (job,) = printer.jobs
    assert (job.outcome, job.cause) == ("failed", "host")


def test_what_klipper_said_before_it_was_gone_does_not_bring_it_back(printer: Farm) -> None:
    refusal = {"jsonrpc": "2.0", "error": {"code": 503, "message": "Klippy Host not connected"}}
    say(printer, 60, extruder={"temperature": 30.0})
    printer.hear(67, "moonraker/api/response", refusal)
    printer.hear(
        68, "klipper/status", {"eventtime": BOOT + 60, "status": {"extruder": {"temperature": 31.0}}}
    )
    assert printer.state == "offline"


def test_another_refusal_says_nothing_of_klipper(printer: Farm) -> None:
    start(printer, 10)
    printer.hear(
        37, "moonraker/api/response", {"error": {"code": 404, "message": "Method not found"}, "id": 1}
    )
    assert printer.state == "preparing"


def test_a_link_renewed_soon_leaves_the_print_under_way(printer: Farm) -> None:
    start(printer, 10)
    count(printer, 10, 11, 60, step=1)
    printer.hear(80, "moonraker/status", {"server": "online"})
    assert printer.state == "printing"
    count(printer, 10, 81, 100, step=1)
    assert (printer.state, printer.seconds("unknown")) == ("printing", 1)
    assert printer.job.outcome is None


def test_a_link_renewed_soon_shows_another_print_by_its_clock(printer: Farm) -> None:
    """Also where nobody asks: the clock of the print that counts on began anew."""
    start(printer, 10)
    count(printer, 10, 11, 60, step=1)
    printer.hear(80, "moonraker/status", {"server": "online"})
    count(printer, 70, 81, 100, step=1)
    first, second = printer.jobs
    assert (first.outcome, second.outcome) == ("unknown", None)
    assert first.ended_ms == T0 + 59 * SECOND
    assert printer.state == "printing"


def test_a_print_that_began_its_first_layer_while_the_way_was_gone_is_the_same_print(printer: Farm) -> None:
    start(printer, 10)
    count(printer, 10, 11, 60, step=1, heating=60)
    printer.hear(80, "moonraker/status", {"server": "online"})
    count(printer, 10, 100, 120, step=1, heating=60)
    assert (printer.job.started_ms, printer.job.outcome) == (T0 + 9.9 * SECOND, None)
    assert (printer.state, printer.seconds("preparing")) == ("printing", 70)


def test_a_link_renewed_without_a_last_will_is_a_gap(printer: Farm) -> None:
    start(printer, 10)
    count(printer, 10, 11, 60, step=1)
    printer.hear(91, "moonraker/status", {"server": "online"})
    assert printer.state == "unknown"
    count(printer, 10, 92, 100, step=1)
    assert printer.state == "printing"
    say(printer, 100, print_stats={"state": "complete", "total_duration": 90.0, "print_duration": 70.0})
    assert (printer.job.outcome, printer.job.printing_ms) == ("succeeded", 70_000)


def test_a_print_of_which_only_the_end_came_is_booked_by_its_own_account_of_time(printer: Farm) -> None:
    """The bed was full before the gap and is full behind it: the time tells that it is another print."""
    start(printer, 10)
    count(printer, 10, 11, 100, step=1)
    done = {"state": "complete", "total_duration": 90.0, "print_duration": 70.0}
    say(printer, 100, print_stats=done)
    printer.hear(700, "moonraker/status", {"server": "online"})
    say(printer, 710, print_stats=done | {"total_duration": 400.0, "print_duration": 370.0})
    first, second = printer.jobs
    assert (first.outcome, first.printing_ms) == ("succeeded", 70_000)
    assert (second.started_ms, second.ended_ms) == (T0 + 310 * SECOND, T0 + 710 * SECOND)
    assert (second.outcome, second.provenance, second.printing_ms) == ("succeeded", "observed", 370_000)
    assert printer.state == "finished"


def test_a_print_that_began_and_ended_behind_a_gap_leaves_the_one_before_it_unknown(printer: Farm) -> None:
    start(printer, 10)
    count(printer, 10, 11, 60, step=1)
    printer.hear(700, "moonraker/status", {"server": "online"})
    done = {"state": "complete", "total_duration": 400.0, "print_duration": 370.0}
    say(printer, 710, print_stats=done)
    first, second = printer.jobs
    assert (first.outcome, second.outcome) == ("unknown", "succeeded")
    assert second.started_ms == T0 + 310 * SECOND


def test_a_restarted_host_begins_a_new_clock(printer: Farm) -> None:
    printer.hear(60, "moonraker/status", {"server": "offline"})
    printer.hear(200, "moonraker/status", {"server": "online"})
    status = {
        "print_stats": {
            "filename": "",
            "state": "standby",
            "message": "",
            "filament_used": 0,
            "total_duration": 0,
        }
    }
    printer.hear(201, "klipper/status", {"eventtime": 30.0, "status": status})
    printer.hear(
        230,
        "klipper/status",
        {
            "eventtime": 59.0,
            "status": {"print_stats": {"state": "printing", "filename": FILE, "total_duration": 0.0}},
        },
    )
    assert printer.job.started_ms == pytest.approx(T0 + 230 * SECOND, abs=100)


def answer(printer: Farm, came: float, at: float, **stats: object) -> None:
    """An answer of the moment `at` that came later."""
    whole = {"filename": FILE, "filament_used": 0.0, "state": "printing", "message": ""} | stats
    status = {"eventtime": BOOT + at, "status": {"print_stats": whole}}
    printer.hear(came, "moonraker/api/response", {"jsonrpc": "2.0", "result": status, "id": 7})


def counted_late(printer: Farm, came: float, at: float) -> None:
    stats = {"total_duration": at - 10, "print_duration": at - 30}
    printer.hear(came, "klipper/status", {"eventtime": BOOT + at, "status": {"print_stats": stats}})


@pytest.mark.parametrize("answers_first", [True, False])
def test_a_queue_handed_over_filter_by_filter_is_no_host_started_anew(
    printer: Farm, answers_first: bool
) -> None:
    """The line held everything back for three minutes; who asked meanwhile has the answers in one go."""
    start(printer, 10)
    count(printer, 10, 11, 60, step=1)
    for telling in (answers_first, not answers_first):
        for at in range(66, 241, 5):
            if telling:
                answer(printer, 240, at, total_duration=at - 10, print_duration=at - 30)
            else:
                counted_late(printer, 240, at)
    count(printer, 10, 245, 300, step=1)
    assert (printer.state, printer.job.started_ms) == ("printing", T0 + 9.9 * SECOND)
    assert printer.seconds("printing") == pytest.approx(299 - 30, abs=1.5)


def test_an_answer_that_was_held_up_is_asked_for_once_more(printer: Farm) -> None:
    start(printer, 10)
    count(printer, 10, 11, 60, step=1)
    to_ask(printer)
    answer(printer, 61, 58, state="complete", total_duration=48.0, print_duration=28.0)
    assert (printer.job.outcome, to_ask(printer)) == (None, ["voron 1"])


def test_one_bad_field_does_not_lose_the_message(printer: Farm) -> None:
    say(
        printer,
        10,
        print_stats={
            "filename": FILE,
            "state": "printing",
            "total_duration": "0.1",
            "print_duration": {"no": 1},
        },
        extruder={"temperature": None, "target": "205"},
        heater_bed="hot",
    )
    assert printer.state == "preparing"
    assert printer.job.file == FILE


def test_a_printer_set_to_speak_once_a_minute_is_not_silent_in_between(printer: Farm) -> None:
    start(printer, 10)
    count(printer, 10, 70, 3600, step=60)
    printer.wait(3610)
    assert printer.seconds("unknown") < 200
    assert printer.state == "printing"
    printer.wait(3900)
    assert printer.state == "unknown"


def split(printer: Farm, at: float, /, **stats: object) -> None:
    """The print's figures as split-status mode publishes them: a message each, in this order."""
    for field, value in stats.items():
        printer.hear(at, f"klipper/state/print_stats/{field}", {"eventtime": BOOT + at, "value": value})


def split_print(printer: Farm, begin: float, end: float) -> None:
    """A whole print, its clock each five seconds."""
    split(printer, begin, filename=FILE, total_duration=0.1, state="printing")
    at = begin + 5
    while at < end:
        split(printer, at, total_duration=at - begin, print_duration=at - begin)
        at += 5
    split(printer, end, total_duration=end - begin, print_duration=end - begin, state="complete")


def test_moonraker_started_anew_tells_an_old_end_and_no_second_print(printer: Farm) -> None:
    split_print(printer, 10, 100)
    for at in range(100, 400, 10):
        say(printer, at, extruder={"temperature": 30.0})
    printer.hear(400, "moonraker/status", {"server": "offline"})
    printer.hear(500, "moonraker/status", {"server": "online"})
    split(printer, 501, filename=FILE, total_duration=90, print_duration=90, message="", state="complete")
    assert [job.outcome for job in printer.jobs] == ["succeeded"]
    assert printer.state == "finished"


def test_a_name_stays_when_the_word_for_printing_comes_late(printer: Farm) -> None:
    split_print(printer, 10, 100)
    split(printer, 200, filename="hook.gcode", total_duration=0.2)
    split(printer, 200.5, total_duration=0.7)
    split(printer, 205, total_duration=5.2)
    printer.hear(205, "klipper/state/print_stats/state", {"eventtime": BOOT + 200, "value": "printing"})
    split(printer, 300, total_duration=100, print_duration=90, state="complete")
    assert [(job.file, job.outcome) for job in printer.jobs] == [
        (FILE, "succeeded"),
        ("hook.gcode", "succeeded"),
    ]


def test_a_klipper_host_that_dies_in_mid_print_fails_it(printer: Farm) -> None:
    start(printer, 10)
    count(printer, 10, 11, 60)
    say(printer, 60, webhooks={"state": "disconnected", "state_message": ""})
    job = printer.job
    assert (job.outcome, job.cause, job.confidence) == ("failed", "host", "strong")
    assert job.ended_ms == pytest.approx(T0 + 60 * SECOND, abs=SECOND)
    assert printer.state == "offline"


def test_a_klipper_host_that_goes_at_rest_fails_nothing(printer: Farm) -> None:
    say(printer, 60, webhooks={"state": "disconnected", "state_message": ""})
    assert printer.jobs == []
    assert printer.state == "offline"


def test_a_cancel_in_klipper_is_a_persons_command(printer: Farm) -> None:
    start(printer, 10)
    count(printer, 10, 11, 60)
    say(printer, 60, print_stats={"state": "cancelled", "total_duration": 50.0})
    job = printer.job
    assert (job.outcome, job.cancelled_by, job.confidence) == ("cancelled", "person", "strong")


@pytest.mark.parametrize(
    ("word", "outcome", "cause"),
    [
        ("completed", "succeeded", None),
        ("cancelled", "cancelled", None),
        ("error", "failed", "printer_error"),
        ("klippy_shutdown", "failed", "printer_error"),
        ("klippy_disconnect", "failed", "host"),
        ("server_exit", "unknown", None),
        ("interrupted", "unknown", None),
        ("a word of tomorrow", "unknown", None),
    ],
)
def test_a_row_of_the_history_says_what_became_of_a_print_that_nobody_saw(
    printer: Farm, word: str, outcome: str, cause: str | None
) -> None:
    began = T0 / SECOND + 100
    row = {
        "job_id": "0000A1",
        "filename": FILE,
        "start_time": began,
        "end_time": began + 300,
        "print_duration": 280.0,
        "status": word,
    }
    printer.hear(500, "moonraker/api/response", {"result": {"jobs": [row], "count": 1}})
    job = printer.job
    assert (job.outcome, job.cause, job.provenance) == (outcome, cause, "history")
    assert (job.cancelled_by == "person") is (outcome == "cancelled")
    assert job.detail == (None if word == "completed" else word)
    assert (job.started_ms, job.printing_ms) == (T0 + 100 * SECOND, 280 * SECOND)


def test_a_print_that_ended_while_messages_were_lost_ends_before_the_next_one_began(printer: Farm) -> None:
    start(printer, 10)
    count(printer, 10, 11, 60)
    # Too short to be silence, long enough for one print to end and the next to begin.
    full(printer, 84, state="printing", filename="next.gcode", total_duration=10.0, print_duration=4.0)
    first, second = printer.jobs
    assert (first.outcome, second.outcome) == ("unknown", None)
    assert first.ended_ms is not None
    assert first.ended_ms == second.started_ms
    assert first.ended_ms == pytest.approx(T0 + 74 * SECOND, abs=SECOND)
    assert overlaps(printer.jobs) == []


def test_what_the_broker_kept_of_a_host_that_died_is_not_taken_for_work_of_the_one_that_started() -> None:
    with farm("moonraker={printer}", "voron 1") as printer:
        printer.hear(0, "moonraker/status", {"server": "online"}, retained=True)
        for field, word in {"state": "printing", "filename": "left_over.gcode"}.items():
            kept = {"eventtime": 812_345.25, "value": word}
            printer.hear(0, f"klipper/state/print_stats/{field}", kept, retained=True)
        printer.hear(7, "moonraker/status", {"server": "online"})
        told: dict[str, object] = {"webhooks/state": "ready", "print_stats/filename": ""}
        told |= {"print_stats/total_duration": 0.0, "print_stats/state": "standby"}
        for topic, value in told.items():
            printer.hear(20, f"klipper/state/{topic}", {"eventtime": 44.3, "value": value})
        printer.wait(30)
        assert (printer.state, printer.seconds("preparing"), printer.seconds("unknown")) == ("idle", 0, 20)
