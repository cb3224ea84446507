"""What OctoPrint does that the recordings at hand do not show, in the words of its protocol."""

from collections.abc import Iterator

import pytest

from farm.ledger.inbox import Inbox
from farm.model.operator_input import PrinterService, SetState
from tests.unit.collector.farm import SECOND, T0, Farm, farm

FILE = "vase.gcode"


@pytest.fixture
def printer() -> Iterator[Farm]:
    with farm("octoprint:bay1=octoPrint", "octoPrint") as found:
        found.hear(0, "mqtt", b"connected")
        event(found, 1, "Connected")
        yield found


def event(printer: Farm, at: float, name: str, **more: object) -> None:
    said = {"path": FILE, "name": FILE, "_event": name, "_timestamp": T0 // SECOND + int(at)} | more
    printer.hear(at, f"event/{name}", said)


def state(printer: Farm, at: float, word: str) -> None:
    event(printer, at, "PrinterStateChanged", state_id=word, state_string=word.title())


def start(printer: Farm, at: float) -> None:
    state(printer, at, "STARTING")
    event(printer, at, "PrintStarted", user="operator")
    state(printer, at, "PRINTING")


def bed(printer: Farm, at: float, target: float = 60, tool: float = 210) -> None:
    stamp = T0 // SECOND + int(at)
    printer.hear(at, "temperature/bed", {"actual": 59.5, "target": target, "_timestamp": stamp})
    printer.hear(at, "temperature/tool0", {"actual": 209.5, "target": tool, "_timestamp": stamp})


def test_pauses_are_left_out_of_the_printing_time(printer: Farm) -> None:
    start(printer, 10)
    state(printer, 70, "PAUSING")
    state(printer, 71, "PAUSED")
    event(printer, 71, "PrintPaused", user="operator")
    event(printer, 131, "PrintResumed", user="operator")
    state(printer, 131, "PRINTING")
    event(printer, 191, "PrintDone", time=121.0)
    assert (printer.job.outcome, printer.job.pauses) == ("succeeded", 1)
    assert (printer.job.printing_ms, printer.job.paused_ms) == (121_000, 60_000)
    assert printer.seconds("paused") == 60


@pytest.mark.parametrize(
    ("said", "reason"), [({"user": "operator"}, "paused_by_person"), ({}, "paused_by_machine")]
)
def test_a_pause_that_names_no_user_is_the_printers(printer: Farm, said: dict[str, str], reason: str) -> None:
    start(printer, 10)
    event(printer, 71, "PrintPaused", **said)
    state(printer, 71, "PAUSED")
    printer.wait(80)
    assert [span.reason for span in printer.spans if span.state == "paused"] == [reason]


@pytest.mark.parametrize(
    ("said", "reason"), [({"user": "operator"}, "paused_by_person"), ({}, "waiting_for_operator")]
)
def test_a_pause_in_which_the_firmware_waits_for_somebody(
    printer: Farm, said: dict[str, str], reason: str
) -> None:
    """Marlin at a filament change: `//action:paused`, then `echo:busy: paused for user` until M108."""
    start(printer, 10)
    event(printer, 71, "PrintPaused", **said)
    state(printer, 71, "PAUSED")
    event(printer, 73, "PausedForUser")
    printer.wait(80)
    assert [span.reason for span in printer.spans if span.state == "paused"] == [reason]


def test_a_firmware_that_waits_without_a_pause_is_still_printing_by_octoprint(printer: Farm) -> None:
    start(printer, 10)
    event(printer, 73, "PausedForUser")
    assert printer.state == "printing"


def test_a_dropped_serial_line_is_a_failure_of_the_connection(printer: Farm) -> None:
    start(printer, 10)
    event(printer, 60, "Disconnected")
    state(printer, 60, "OFFLINE")
    event(
        printer,
        60,
        "PrintFailed",
        reason="error",
        error="SerialException: device reports readiness to read",
        time=50,
    )
    assert (printer.job.outcome, printer.job.cause) == ("failed", "connection")
    assert printer.state == "offline"


def test_a_silent_board_is_a_failure_of_the_connection(printer: Farm) -> None:
    start(printer, 10)
    event(
        printer,
        90,
        "Error",
        error="Too many consecutive timeouts, printer still connected and alive?",
        reason="timeout",
    )
    event(printer, 90, "Disconnected")
    event(printer, 90, "PrintFailed", reason="error", time=80)
    assert (printer.job.outcome, printer.job.cause) == ("failed", "connection")


def test_a_cancel_told_in_the_wrong_order_is_still_a_cancel(printer: Farm) -> None:
    start(printer, 10)
    event(printer, 40, "PrintFailed", reason="cancelled", user="operator", time=30)
    event(printer, 40, "PrintCancelled", user="operator", reason="cancelled", time=30)
    state(printer, 41, "OPERATIONAL")
    assert (printer.job.outcome, printer.job.cancelled_by) == ("cancelled", "person")


def test_a_cancel_without_a_user_was_not_a_persons(printer: Farm) -> None:
    start(printer, 10)
    event(printer, 40, "PrintCancelled", reason="cancelled", time=30)
    assert printer.job.cancelled_by == "system"


def test_a_host_that_died_while_we_were_away_is_not_printing_until_its_kept_last_will_is_read(
    printer: Farm,
) -> None:
    start(printer, 10)
    printer.hear(60, "progress/printing", {"path": FILE, "progress": 10, "_timestamp": T0 // SECOND + 60})
    printer.wait(300)
    printer.hear(300, "mqtt", b"disconnected", retained=True)
    assert (printer.seconds("printing"), printer.seconds("offline")) == (50, 0)
    assert printer.spans[-2].state == "unknown"
    assert printer.state == "offline"


def test_a_frozen_host_that_wakes_goes_on_with_the_same_print(printer: Farm) -> None:
    start(printer, 10)
    printer.hear(60, "progress/printing", {"path": FILE, "progress": 10, "_timestamp": T0 // SECOND + 60})
    printer.hear(155, "mqtt", b"disconnected")
    printer.hear(400, "mqtt", b"connected")
    printer.hear(405, "progress/printing", {"path": FILE, "progress": 11, "_timestamp": T0 // SECOND + 405})
    event(printer, 900, "PrintDone", time=890.0)
    assert (printer.job.outcome, printer.job.printing_ms) == ("succeeded", 890_000)
    # Whether it printed behind a line that was gone, or stood still, nobody was told.
    assert (printer.seconds("offline"), printer.seconds("unknown")) == (0, 346)


def test_an_end_told_behind_a_gap_is_of_when_the_printer_came_to_rest(printer: Farm) -> None:
    """The state comes a message before the end, and gave the print up as lost when the gap began."""
    start(printer, 10)
    bed(printer, 60)
    printer.hear(2_000, "mqtt", b"connected")
    state(printer, 3_000, "ERROR")
    event(printer, 3_000, "PrintFailed", reason="error", time=2_990.0)
    assert (printer.job.outcome, printer.job.ended_ms) == ("failed", T0 + 3_000 * SECOND)
    assert (printer.job.printing_ms, printer.job.measured) == (2_990_000, True)


def test_a_stopped_server_leaves_the_outcome_unknown(printer: Farm) -> None:
    start(printer, 10)
    for at in range(20, 60):
        bed(printer, at)
    printer.hear(60, "mqtt", b"disconnected")
    event(printer, 60, "Shutdown")
    printer.hear(60, "mqtt", b"disconnected")
    printer.hear(120, "mqtt", b"connected")
    state(printer, 125, "OPERATIONAL")
    assert (printer.job.outcome, printer.job.cause) == ("unknown", None)
    assert printer.job.ended_ms is not None
    assert abs(printer.job.ended_ms - T0 - 60 * SECOND) <= SECOND


def test_an_end_that_was_lost_shows_in_heaters_that_stay_off(printer: Farm) -> None:
    start(printer, 10)
    for at in range(20, 300, 10):
        bed(printer, at)
    for at in range(300, 420, 10):
        bed(printer, at, target=0, tool=0)
    assert printer.state == "idle"
    assert printer.seconds("printing") == 290
    assert (printer.job.outcome, printer.job.ended_ms) == ("unknown", T0 + 300 * SECOND)


def test_heaters_off_that_a_plugin_tells_when_it_is_back_end_the_print_when_they_went_off(
    printer: Farm,
) -> None:
    """What the plugin kept while it had no broker comes behind the word that it is back."""
    start(printer, 10)
    for at in range(20, 300, 10):
        bed(printer, at)
    printer.hear(1_000, "mqtt", b"connected")
    for at in range(300, 1_000, 10):
        for leaf, hot in (("bed", 60), ("tool0", 210)):
            said = {"actual": at / 10, "target": hot * (at < 500), "_timestamp": T0 // SECOND + at}
            printer.hear(1_001, f"temperature/{leaf}", said)
    printer.wait(1_100)
    assert printer.seconds("printing") == 490
    assert (printer.job.outcome, printer.job.ended_ms) == ("unknown", T0 + 500 * SECOND)


def test_heaters_that_are_told_off_once_stay_off_without_a_message(printer: Farm) -> None:
    """A printer that has cooled down tells nothing more: its temperatures do not change."""
    start(printer, 10)
    bed(printer, 20)
    bed(printer, 100, target=0, tool=0)
    printer.wait(159)
    assert printer.state == "printing"
    printer.wait(170)
    assert printer.state == "idle"
    assert (printer.job.outcome, printer.job.ended_ms) == ("unknown", T0 + 100 * SECOND)
    assert printer.seconds("printing") == 90


def test_a_print_without_heat_is_not_over_because_it_is_cold(printer: Farm) -> None:
    start(printer, 10)
    for at in range(20, 600, 10):
        bed(printer, at, target=0, tool=0)
    assert printer.state == "printing"


def test_a_nozzle_alone_may_cool_while_the_firmware_waits_for_somebody(printer: Farm) -> None:
    start(printer, 10)
    stamp = T0 // SECOND
    for at in range(20, 700, 10):
        said = {"actual": 100 + at % 7, "target": 210 if at < 100 else 0, "_timestamp": stamp + at}
        printer.hear(at, "temperature/tool0", said)
    assert printer.state == "printing"
    for at in range(700, 720, 10):
        said = {"actual": 30, "target": 0, "_timestamp": stamp + at}
        printer.hear(at, "temperature/tool0", said)
    assert printer.state == "idle"
    assert printer.job.ended_ms == T0 + 100 * SECOND


def test_progress_after_an_end_does_not_begin_a_job(printer: Farm) -> None:
    start(printer, 10)
    event(printer, 100, "PrintDone", time=90.0)
    printer.hear(101, "progress/printing", {"path": FILE, "progress": 99, "_timestamp": T0 // SECOND + 99})
    printer.hear(103, "progress/printing", {"path": FILE, "progress": 100, "_timestamp": T0 // SECOND + 103})
    assert printer.job.outcome == "succeeded"


def test_a_lost_end_with_the_file_read_through_is_a_success(printer: Farm) -> None:
    start(printer, 10)
    printer.hear(103, "progress/printing", {"path": FILE, "progress": 100, "_timestamp": T0 // SECOND + 103})
    state(printer, 104, "OPERATIONAL")
    printer.wait(130)
    assert (printer.job.outcome, printer.job.provenance) == ("succeeded", "inferred")


def test_a_start_that_was_missed_is_found_in_the_progress(printer: Farm) -> None:
    for at, percent in ((100, 10), (110, 11), (120, 12)):
        said = {"path": FILE, "progress": percent, "_timestamp": T0 // SECOND + at}
        printer.hear(at, "progress/printing", said)
    assert printer.state == "printing"
    assert printer.job.file == FILE
    assert printer.job.started_ms is None


def clear_bed(printer: Farm, at: float) -> None:
    printer.wait(at)
    now_ms = T0 + int(at * SECOND)
    printer.pipeline.commit(now_ms)
    (known,) = printer.pipeline.printers()
    said = Inbox(printer.ledger.engine).append_input(
        SetState(PrinterService.BED_CLEARED), printer_id=known.id, who="ann", now_ms=now_ms
    )
    printer.pipeline.take_input(said.id, now_ms)


def test_an_emergency_stop_is_an_error_until_the_printer_is_connected_again(printer: Farm) -> None:
    start(printer, 10)
    event(printer, 40, "Disconnected")
    state(printer, 40, "OFFLINE")
    event(printer, 40, "EStop")
    words = "Closing serial port due to emergency stop M112."
    event(printer, 40, "PrintFailed", reason="error", error=words, time=30.0)
    assert printer.state == "error"
    assert (printer.job.outcome, printer.job.cause) == ("failed", "operator")
    event(printer, 90, "Connected")
    assert printer.state == "idle"


def test_an_emergency_stop_of_a_printer_that_rests_is_an_error_too(printer: Farm) -> None:
    event(printer, 40, "EStop")
    event(printer, 40, "Disconnected")
    state(printer, 40, "OFFLINE")
    assert printer.state == "error"
    assert printer.jobs == []


def test_one_that_starts_with_its_printer_connected_rests(printer: Farm) -> None:
    printer.hear(20, "mqtt", b"disconnected")
    printer.hear(60, "mqtt", b"connected")
    assert printer.state == "unknown"
    bed(printer, 62, target=0, tool=0)
    assert printer.state == "idle"


def test_a_server_that_began_anew_has_lost_the_print_when_it_went(printer: Farm) -> None:
    start(printer, 10)
    bed(printer, 20)
    printer.hear(50, "mqtt", b"disconnected")
    printer.hear(80, "mqtt", b"connected")
    said = {"location": "", "path": "", "progress": 0, "_timestamp": T0 // SECOND + 80}
    printer.hear(80, "progress/printing", said)
    job = printer.job
    assert (job.outcome, job.ended_ms) == ("unknown", T0 + 20 * SECOND)
    assert printer.state == "unknown"
    bed(printer, 82, target=0, tool=0)
    assert printer.state == "idle"


def test_a_rest_that_the_broker_kept_counts_only_from_the_server_of_now(printer: Farm) -> None:
    """Heaters that were told before the server began anew are of a printer that may be gone."""
    printer.away(2, 2_000)
    stamp = T0 // SECOND
    for leaf in ("bed", "tool0"):
        said = {"actual": 20, "target": 0, "_timestamp": stamp + 1_000}
        printer.hear(2_001, f"temperature/{leaf}", said, retained=True)
    assert printer.state == "unknown"
    anew = {"path": "", "progress": 0, "_timestamp": stamp + 1_500}
    printer.hear(2_001, "progress/printing", anew, retained=True)
    assert printer.state == "unknown"
    for leaf in ("bed", "tool0"):
        said = {"actual": 21, "target": 0, "_timestamp": stamp + 1_502}
        printer.hear(2_002, f"temperature/{leaf}", said, retained=True)
    assert printer.state == "idle"


@pytest.mark.parametrize("minutes", [1, 14])
def test_a_short_absence_leaves_what_stands(printer: Farm, minutes: int) -> None:
    start(printer, 10)
    event(printer, 100, "PrintDone", time=90.0)
    printer.away(110, 110 + 60 * minutes)
    assert printer.state == "finished"
    (status,) = printer.ledger.statuses()
    assert status.since_ms == T0 + 100 * SECOND


def test_a_bed_that_was_cleared_stays_so_whatever_shows_after_an_absence(printer: Farm) -> None:
    start(printer, 10)
    event(printer, 100, "PrintDone", time=90.0)
    clear_bed(printer, 105)
    printer.away(110, 170)
    assert printer.state == "idle"
    bed(printer, 180, target=0, tool=0)
    assert printer.state == "idle"
    (status,) = printer.ledger.statuses()
    assert status.since_ms == T0 + 105 * SECOND


def test_a_print_whose_end_was_missed_is_over_when_the_heaters_have_been_off(printer: Farm) -> None:
    start(printer, 10)
    bed(printer, 50)
    printer.away(60, 120)
    assert printer.state == "printing"
    for at in range(121, 190, 5):
        bed(printer, at, target=0, tool=0)
    assert printer.state == "idle"
    job = printer.job
    assert (job.outcome, job.ended_ms, job.printing_ms) == ("unknown", T0 + 60 * SECOND, 50_000)
    assert printer.seconds("unknown") == 1 + 61


def test_progress_that_the_broker_kept_of_an_end_ends_the_job_then(printer: Farm) -> None:
    start(printer, 10)
    bed(printer, 50)
    printer.away(60, 120)
    said = {"path": FILE, "progress": 100, "_timestamp": T0 // SECOND + 90}
    printer.hear(121, "progress/printing", said, retained=True)
    assert printer.state == "finished"
    job = printer.job
    assert (job.outcome, job.provenance) == ("succeeded", "inferred")
    assert job.ended_ms is not None
    assert abs(job.ended_ms - T0 - 90 * SECOND) <= SECOND


def test_progress_of_another_file_after_an_absence_is_another_print(printer: Farm) -> None:
    start(printer, 10)
    progress(printer, 50, 40, heard=50)
    printer.away(60, 120)
    said = {"path": "cup.gcode", "progress": 5, "_timestamp": T0 // SECOND + 130}
    printer.hear(130, "progress/printing", said)
    assert [(job.file, job.outcome) for job in printer.jobs] == [(FILE, "unknown"), ("cup.gcode", None)]
    assert printer.jobs[0].ended_ms == T0 + 60 * SECOND


def test_a_long_absence_is_not_known_and_ends_by_evidence(printer: Farm) -> None:
    start(printer, 10)
    event(printer, 100, "PrintDone", time=90.0)
    printer.away(110, 1_100)
    assert printer.state == "unknown"
    bed(printer, 1_110, target=0, tool=0)
    assert printer.state == "finished"


def test_an_unknown_state_word_is_unknown_and_counted(printer: Farm) -> None:
    state(printer, 30, "DANCING")
    assert printer.state == "unknown"
    assert [fault.reason for fault in printer.ledger.faults()] == ["unknown_state"]


def test_what_the_plugin_keeps_for_ever_says_nothing(printer: Farm) -> None:
    said = {"_event": "PausedForUser", "_timestamp": T0 // SECOND - 9000}
    printer.hear(10, "event/PausedForUser", said, retained=True)
    assert printer.state == "idle"
    assert printer.jobs == []


def test_a_thermal_runaway_told_while_it_cancels_is_thermal_and_no_cancel(printer: Farm) -> None:
    start(printer, 10)
    words = "Thermal Runaway, system stopped! Heater_ID: bed\nok"
    event(printer, 40, "PrintCancelling", firmwareError=words)
    event(printer, 40, "PrintCancelled", reason="cancelled", user="operator", time=30)
    event(printer, 41, "PrintFailed", reason="cancelled", user="operator", time=30)
    job = printer.job
    assert (job.outcome, job.cause, job.cancelled_by) == ("failed", "thermal", None)
    assert job.detail == "Thermal Runaway, system stopped! Heater_ID: bed"
    assert job.confidence == "strong"


def test_an_error_told_before_the_cancel_that_it_makes_is_not_forgotten(printer: Farm) -> None:
    start(printer, 10)
    event(printer, 39, "Error", error="Heater/sensor error ok", reason="firmware")
    event(printer, 40, "PrintCancelling")
    event(printer, 40, "PrintCancelled", reason="cancelled", time=30)
    assert (printer.job.outcome, printer.job.cause, printer.job.detail) == (
        "failed",
        "thermal",
        "Heater/sensor error",
    )


def test_an_error_of_the_print_before_says_nothing_of_a_cancel(printer: Farm) -> None:
    start(printer, 10)
    event(printer, 40, "PrintCancelled", firmwareError="Probing Failed", reason="cancelled", time=30)
    start(printer, 60)
    event(printer, 90, "PrintCancelled", reason="cancelled", user="operator", time=30)
    assert [job.outcome for job in printer.jobs] == ["failed", "cancelled"]
    assert [job.confidence for job in printer.jobs] == ["strong", "certain"]


def progress(printer: Farm, at: float, percent: int, *, heard: float) -> None:
    said = {"progress": percent, "path": FILE, "_timestamp": T0 // SECOND + int(at)}
    printer.hear(heard, "progress/printing", said)


def test_progress_from_before_an_end_that_is_known_begins_no_job(printer: Farm) -> None:
    """The broker that comes along hands a queue over filter by filter: the events, then the progress."""
    start(printer, 10)
    event(printer, 100, "PrintDone", time=90.0)
    state(printer, 100, "OPERATIONAL")
    for number, at in enumerate((94, 99)):
        progress(printer, at, at, heard=101 + number)
    assert printer.job.outcome == "succeeded"
    assert printer.state == "finished"


def test_an_end_is_read_by_what_had_happened_until_then_and_not_by_what_came_first(printer: Farm) -> None:
    start(printer, 10)
    event(printer, 100, "PrintCancelled", reason="cancelled", time=90.0)
    said = {"path": FILE, "firmwareError": "Probing failed", "_timestamp": T0 // SECOND + 100}
    printer.hear(101, "event/PrintCancelling", said)
    assert (printer.job.outcome, printer.job.cause) == ("failed", "printer_error")


def test_a_clock_that_falls_does_not_bring_an_old_state_back(printer: Farm) -> None:
    """An hour ago it printed; by its new clock it is then again, and its bed is cold since it is done."""
    start(printer, 10)
    event(printer, 3_700, "PrintDone", time=3_690.0)
    state(printer, 3_700, "OPERATIONAL")
    bed(printer, 3_710, target=0, tool=0)
    fallen = T0 // SECOND - 3_600
    for at in range(3_720, 4_000, 10):
        for heater, actual in (("bed", 30), ("tool0", 30)):
            said = {"actual": actual, "target": 0, "_timestamp": fallen + at}
            printer.hear(at, f"temperature/{heater}", said)
    assert printer.job.outcome == "succeeded"
    assert printer.state == "finished"
