"""What every word of OctoPrint's plugin is taken for, message by message."""

from typing import Any

import pytest

from collector.adapters.base import ClockKind, Reading
from farm.errors import UnreadableMessage
from farm.model.observation import JobFact, JobReading, JobSignal, Link, Observation, Telemetry
from farm.model.states import Cause, PrinterState, StateReason
from tests.unit.collector.adapters.octoprint import AT, AT_MS, FILE, OCTOPRINT, Instance

STATES = {
    "OPERATIONAL": "idle",
    "STARTING": "preparing",
    "PRINTING": "printing",
    "PAUSING": "printing",
    "PAUSED": "paused",
    "RESUMING": "printing",
    "FINISHING": "printing",
    "CANCELLING": "printing",
    "TRANSFERING_FILE": "idle",
    "TRANSFERRING_FILE": "idle",
    "ERROR": "error",
    "CLOSED_WITH_ERROR": "error",
    "OFFLINE": "offline",
    "CLOSED": "offline",
    "NONE": "offline",
    "OPEN_SERIAL": "offline",
    "DETECT_SERIAL": "offline",
    "DETECT_BAUDRATE": "offline",
    "DETECTING": "offline",
    "CONNECTING": "offline",
}


@pytest.fixture
def instance() -> Instance:
    return Instance()


@pytest.fixture
def printing() -> Instance:
    instance = Instance()
    instance.event("PrintStarted")
    return instance


def test_what_it_states_of_itself() -> None:
    assert (OCTOPRINT.kind, OCTOPRINT.clock, OCTOPRINT.silence_ms) == ("octoprint", ClockKind.WALL, 900_000)
    assert OCTOPRINT.resolution_ms == 1_000
    assert OCTOPRINT.default_topics == ("octoPrint", "octoPrint/{printer}")
    assert OCTOPRINT.suffixes == ("mqtt", "event/+", "progress/printing", "temperature/+")


# -- states and links -----------------------------------------------------------------------


@pytest.mark.parametrize(("word", "state"), STATES.items())
def test_every_state_of_octoprint_has_one_of_ours(instance: Instance, word: str, state: str) -> None:
    assert instance.state(word) == Observation(time_ms=AT_MS, state=PrinterState(state))


@pytest.mark.parametrize(("word", "quoted"), [("DANCING", "'DANCING'"), (None, "''"), (7, "''")])
def test_any_other_is_unknown_and_quoted(instance: Instance, word: object, quoted: str) -> None:
    assert instance.state(word) == Observation(
        time_ms=AT_MS, state=PrinterState.UNKNOWN, detail=f"state {quoted}"
    )


@pytest.mark.parametrize("retained", [False, True])
@pytest.mark.parametrize(("word", "link"), [(b"connected", Link.ONLINE), (b"disconnected\n", Link.OFFLINE)])
def test_the_last_will_tells_the_link(instance: Instance, word: bytes, link: Link, retained: bool) -> None:
    reading = instance.read("mqtt", word, retained)
    assert reading == Reading(None, (Observation(link=link, retained=retained),))


def test_a_field_of_an_event_that_has_the_name_of_a_figure_is_no_fault(instance: Instance) -> None:
    said = {"name": FILE, "path": FILE, "target": "local", "progress": "-", "_timestamp": AT}
    assert instance.read("event/Upload", said) == Reading(AT_MS)
    reading = instance.read("temperature/bed", {"actual": 60.1, "target": "local", "_timestamp": AT})
    assert reading is not None
    assert reading.refused == ("target is 'local'",)


def test_a_field_that_cannot_be_read_of_what_the_broker_kept_is_named_too(instance: Instance) -> None:
    reading = instance.read("temperature/tool0", {"_timestamp": AT, "target": "local"}, retained=True)
    assert reading is not None
    assert reading.refused == ("target is 'local'",)


def test_another_word_for_the_link_is_refused(instance: Instance) -> None:
    with pytest.raises(UnreadableMessage, match="connected or disconnected"):
        instance.read("mqtt", b"gone")


def test_after_a_lost_link_one_progress_shows_a_print(instance: Instance) -> None:
    instance.event("Connected")
    instance.read("mqtt", b"connected")
    assert instance.progress(10).observations == ()
    instance.read("mqtt", b"disconnected")
    assert instance.progress(11).observations != ()


@pytest.mark.parametrize("closed", ["OFFLINE", "CLOSED", "NONE"])
def test_a_connection_closed_after_an_error_is_still_the_error(instance: Instance, closed: str) -> None:
    instance.state("ERROR")
    assert instance.state(closed).state == "error"
    assert instance.event("Disconnected").state == "error"
    assert instance.state(closed).state == "error"
    assert instance.state("OPEN_SERIAL").state == "offline"
    assert instance.state(closed).state == "offline"


def test_an_error_told_as_an_event_is_one_too(instance: Instance) -> None:
    instance.event("Error", error="heater fault")
    assert instance.state("OFFLINE").state == "error"


def test_a_new_connection_or_a_print_ends_the_error(instance: Instance) -> None:
    instance.state("ERROR")
    assert instance.event("Connected").state == "idle"
    assert instance.event("Disconnected").state == "offline"
    instance.state("ERROR")
    instance.event("PrintStarted")
    assert instance.event("Disconnected").state == "offline"


def test_a_bed_is_full_from_the_end_of_a_print_to_the_start_of_the_next(instance: Instance) -> None:
    instance.event("PrintDone")
    assert instance.state("OPERATIONAL").state == "finished"
    assert instance.event("Disconnected").state == "offline"
    assert instance.event("Connected").state == "finished"
    assert instance.state("PRINTING").state == "printing"
    instance.event("PrintStarted")
    assert instance.state("OPERATIONAL").state == "idle"
    assert instance.event("Connected").state == "idle"


def test_a_shutdown_is_a_lost_link_and_nothing_is_known_after_it(instance: Instance) -> None:
    instance.event("Connected")
    seen = instance.event("Shutdown")
    assert (seen.link, seen.detail) == (Link.OFFLINE, "OctoPrint was shut down")
    assert instance.progress(10).observations != ()


# -- jobs -----------------------------------------------------------------------------------


def test_a_start_names_the_attempt_by_its_own_clock(instance: Instance) -> None:
    assert instance.event("PrintStarted", user="ann", time=5) == Observation(
        time_ms=AT_MS,
        state=PrinterState.PRINTING,
        signal=JobSignal.STARTED,
        job=JobReading(file=FILE, token=f"{AT_MS}:{FILE}", printing_ms=5_000, operator="ann"),
    )


@pytest.mark.parametrize(("name", "state"), [("PrintPaused", "paused"), ("PrintResumed", "printing")])
def test_a_pause_changes_the_state_and_measures_nothing(instance: Instance, name: str, state: str) -> None:
    assert instance.event(name, user="ann", time=5) == Observation(
        time_ms=AT_MS,
        state=PrinterState(state),
        job=JobReading(file=FILE, operator="ann"),
        reason=StateReason.PAUSED_BY_PERSON if state == "paused" else None,
    )


def test_an_end_carries_the_time_that_octoprint_measured(instance: Instance) -> None:
    assert instance.event("PrintDone", time=121.5) == Observation(
        time_ms=AT_MS,
        state=PrinterState.FINISHED,
        signal=JobSignal.DONE,
        job=JobReading(file=FILE, printing_ms=121_500),
    )


@pytest.mark.parametrize(
    ("fields", "file"), [({"path": "a/b.gcode", "name": "b"}, "a/b.gcode"), ({"path": "", "name": "b"}, "b")]
)
def test_the_file_is_its_path_or_else_its_name(instance: Instance, fields: Any, file: str) -> None:
    job = instance.event("PrintDone", **fields).job
    assert job is not None
    assert job.file == file


def test_a_failure_has_the_words_of_the_error_before_it(printing: Instance) -> None:
    assert printing.event("Error", error="MAXTEMP triggered").cause is Cause.THERMAL
    failed = printing.event("PrintFailed", reason="error", time=30)
    assert (failed.signal, failed.state) == (JobSignal.FAILED, PrinterState.ERROR)
    assert (failed.cause, failed.detail) == (Cause.THERMAL, "MAXTEMP triggered")
    assert failed.job == JobReading(file=FILE, printing_ms=30_000)


def test_a_failure_has_its_own_words_first(printing: Instance) -> None:
    printing.event("Error", error="MAXTEMP triggered")
    failed = printing.event("PrintFailed", reason="error", error="filament runout")
    assert (failed.cause, failed.detail) == (Cause.FILAMENT, "filament runout")


def test_words_of_an_earlier_print_are_forgotten_at_the_next_start(printing: Instance) -> None:
    printing.event("Error", error="MAXTEMP triggered")
    printing.event("PrintStarted")
    failed = printing.event("PrintFailed", reason="error")
    assert failed.detail is None
    assert failed.state == "error"


@pytest.mark.parametrize(
    ("before", "state"),
    [("OPERATIONAL", "idle"), ("ERROR", "error"), ("OFFLINE", "offline"), ("PRINTING", "error")],
)
def test_a_failure_leaves_a_printer_that_rests_where_it_is(
    instance: Instance, before: str, state: str
) -> None:
    instance.state(before)
    assert instance.event("PrintFailed", reason="error").state == state


@pytest.mark.parametrize(
    ("before", "state"), [("OPERATIONAL", "idle"), ("ERROR", "error"), ("PAUSED", "idle")]
)
def test_a_cancel_leaves_a_printer_that_rests_where_it_is(
    instance: Instance, before: str, state: str
) -> None:
    instance.state(before)
    assert instance.event("PrintCancelled").state == state


@pytest.mark.parametrize("name", ["PrintCancelled", "PrintFailed"])
@pytest.mark.parametrize(("user", "fact"), [("ann", JobFact.USER_NAMED), (None, JobFact.NO_USER)])
def test_a_cancel_is_told_in_two_ways_and_with_or_without_a_user(
    printing: Instance, name: str, user: str | None, fact: JobFact
) -> None:
    found = printing.event(name, reason="cancelled", user=user, time=30)
    job = JobReading(file=FILE, printing_ms=30_000, operator=user)
    assert found == Observation(
        time_ms=AT_MS, state=PrinterState.IDLE, signal=JobSignal.CANCELLED, facts=(fact,), job=job
    )


def test_a_cancel_by_a_firmware_error_tells_the_error(printing: Instance) -> None:
    reading = printing.read("event/PrintCancelling", {"firmwareError": "Thermal runaway", "_timestamp": AT})
    words, fact = "Thermal runaway", JobFact.FIRMWARE_ERROR
    told = Observation(time_ms=AT_MS, cause=Cause.THERMAL, detail=words, facts=(fact,))
    assert reading == Reading(AT_MS, (told,))
    found = printing.event("PrintCancelled")
    assert found.facts == (JobFact.FIRMWARE_ERROR, JobFact.NO_USER)
    assert (found.cause, found.detail) == (Cause.THERMAL, "Thermal runaway")


def test_the_words_of_the_cancel_itself_come_first(printing: Instance) -> None:
    printing.read("event/PrintCancelling", {"firmwareError": "Thermal runaway", "_timestamp": AT})
    assert printing.event("PrintCancelled", firmwareError="filament runout").detail == "filament runout"


@pytest.mark.parametrize(
    ("said", "cause", "detail"),
    [
        ({"error": "MINTEMP", "reason": "firmware"}, Cause.THERMAL, "MINTEMP"),
        ({"error": "it broke", "reason": "timeout"}, Cause.CONNECTION, "it broke"),
        ({"error": "it broke", "reason": "connection"}, Cause.CONNECTION, "it broke"),
        ({"error": "", "reason": "filament"}, Cause.FILAMENT, "filament"),
        ({"error": "it broke"}, Cause.PRINTER_ERROR, "it broke"),
    ],
)
def test_an_error_says_its_cause(instance: Instance, said: Any, cause: Cause, detail: str) -> None:
    found = instance.event("Error", **said)
    assert (found.state, found.cause, found.detail) == (PrinterState.ERROR, cause, detail)


def test_an_emergency_stop_is_an_error_that_a_person_made(printing: Instance) -> None:
    words = "emergency stop"
    assert printing.event("EStop", 5) == Observation(
        time_ms=AT_MS + 5_000,
        state=PrinterState.ERROR,
        cause=Cause.OPERATOR,
        detail=words,
        facts=(JobFact.FIRMWARE_ERROR,),
    )
    assert printing.event("Disconnected", 6).state == "error"
    failed = printing.event("PrintFailed", 7, reason="error")
    assert (failed.state, failed.detail) == (PrinterState.ERROR, words)


def test_an_emergency_stop_of_octoprint_itself_leaves_the_error_before_it(printing: Instance) -> None:
    """As recorded: a firmware error with the consequence `emergency`, and `EStop` in the same second."""
    words = "Move out of range: 20.000 235.000 1.800 [51.547]"
    printing.event("Error", 5, error=words, reason="firmware", consequence="emergency")
    assert printing.event("EStop", 5) == Observation(time_ms=AT_MS + 5_000, state=PrinterState.ERROR)
    failed = printing.event("PrintFailed", 5, reason="error")
    assert (failed.cause, failed.detail) == (Cause.FILE, words)


def test_an_emergency_stop_after_an_error_that_is_over_is_a_persons(printing: Instance) -> None:
    printing.event("Error", 5, error="it broke")
    printing.event("Connected", 20)
    stopped = printing.event("EStop", 30)
    assert (stopped.cause, stopped.detail) == (Cause.OPERATOR, "emergency stop")


def test_what_a_pause_waits_for_is_told_at_its_own_time(printing: Instance) -> None:
    printing.event("PrintPaused", 5)
    assert printing.event("PausedForUser", 7) == Observation(
        time_ms=AT_MS + 7_000, state=PrinterState.PAUSED, reason=StateReason.WAITING_FOR_OPERATOR
    )


def test_an_event_that_is_none_of_ours_only_tells_the_time(instance: Instance) -> None:
    assert instance.read("event/ZChange", {"_timestamp": AT, "new": 3.2}) == Reading(AT_MS)
    assert instance.read("event/ZChange", b"") is None


@pytest.mark.parametrize("name", ["PrintStarted", "PausedForUser"])
def test_an_event_that_the_broker_kept_says_nothing(instance: Instance, name: str) -> None:
    assert instance.read(f"event/{name}", {"_timestamp": AT, "path": FILE}, retained=True) is None


# -- progress -------------------------------------------------------------------------------


def test_one_progress_shows_a_print_where_nothing_is_known(instance: Instance) -> None:
    job = JobReading(file=FILE, progress=0.42)
    seen = Observation(time_ms=AT_MS, level=True, state=PrinterState.PRINTING, job=job)
    assert instance.progress(42) == Reading(AT_MS, (seen,))
    assert OCTOPRINT.telemetry(instance.memory).progress == 0.42


@pytest.mark.parametrize("state", ["OPERATIONAL", "ERROR", "OFFLINE"])
@pytest.mark.parametrize(("seconds", "shown"), [(3.9995, False), (4, True)])
def test_against_a_resting_state_it_takes_two_some_seconds_apart(
    instance: Instance, state: str, seconds: float, shown: bool
) -> None:
    instance.state(state)
    assert instance.progress(42).observations == ()
    assert bool(instance.progress(43, seconds).observations) is shown


def test_a_full_bed_rests_too(instance: Instance) -> None:
    instance.event("PrintDone")
    assert instance.progress(42, 1).observations == ()
    assert instance.progress(43, 5).observations != ()


@pytest.mark.parametrize("end", ["PrintDone", "PrintFailed", "PrintCancelled"])
def test_what_was_told_by_the_second_of_an_end_proves_no_print_after_it(instance: Instance, end: str) -> None:
    instance.state("OPERATIONAL")
    assert instance.progress(71, 3).observations == ()
    instance.event(end, 7)
    assert instance.progress(81, 7).observations == ()
    assert instance.progress(85, 8).observations == ()
    assert instance.progress(86, 11).observations == ()
    assert instance.progress(87, 12).observations != ()


def test_nor_does_what_was_told_in_that_second_before_the_end_was(instance: Instance) -> None:
    instance.state("OPERATIONAL")
    assert instance.progress(81, 7).observations == ()
    instance.event("PrintDone", 7)
    assert instance.progress(85, 8).observations == ()
    assert instance.progress(86, 11).observations == ()
    assert instance.progress(87, 12).observations != ()


def test_progress_of_another_file_begins_to_count_anew(instance: Instance) -> None:
    instance.state("OPERATIONAL")
    instance.progress(42)
    assert instance.progress(43, 5, path="cup.gcode").observations == ()
    assert instance.progress(44, 8, path="cup.gcode").observations == ()
    assert instance.progress(44, 9, path="cup.gcode").observations != ()


@pytest.mark.parametrize(("percent", "path"), [(0, FILE), (100, None), (50, None)])
def test_the_very_begin_and_the_end_of_a_file_prove_no_print_and_break_the_count(
    instance: Instance, percent: int, path: str | None
) -> None:
    instance.state("OPERATIONAL")
    instance.progress(42)
    assert instance.progress(percent, 2, path=path) == Reading(AT_MS + 2_000)
    assert instance.progress(43, 5).observations == ()


@pytest.mark.parametrize("percent", [1, 99])
def test_from_one_to_ninety_nine_per_cent_prove_a_print(instance: Instance, percent: int) -> None:
    assert instance.progress(percent).observations != ()


def test_progress_while_a_print_is_known_says_nothing_new(printing: Instance) -> None:
    assert printing.progress(42) == Reading(AT_MS)


def test_the_whole_file_read_is_told(printing: Instance) -> None:
    seen = Observation(time_ms=AT_MS, level=True, signal=JobSignal.READ_THROUGH, job=JobReading(file=FILE))
    assert printing.progress(100) == Reading(AT_MS, (seen,))


def test_progress_that_the_broker_kept_is_a_figure_and_no_state(instance: Instance) -> None:
    assert instance.progress(42, retained=True) == Reading(None)
    assert OCTOPRINT.telemetry(instance.memory) == Telemetry(progress=0.42)


def test_progress_without_a_figure_or_a_time_says_nothing(instance: Instance) -> None:
    assert instance.progress("soon").observations == ()
    assert instance.read("progress/printing", {"progress": 42, "path": FILE}) == Reading(None)
    assert OCTOPRINT.telemetry(instance.memory) == Telemetry()


# -- temperatures ---------------------------------------------------------------------------


def test_temperatures_are_kept_by_their_place(instance: Instance) -> None:
    for leaf, actual in (("bed", 60.5), ("tool0", 210.5), ("chamber", 38), ("tool1", 99)):
        said = {"actual": actual, "target": actual - 0.5, "_timestamp": AT}
        assert instance.read(f"temperature/{leaf}", said) == Reading(AT_MS)
    assert OCTOPRINT.telemetry(instance.memory) == Telemetry(
        bed=60.5, bed_target=60.0, nozzle=210.5, nozzle_target=210.0, chamber=38.0
    )


def test_temperatures_that_the_broker_kept_have_no_time(instance: Instance) -> None:
    said = {"actual": 60.5, "target": 60, "_timestamp": AT}
    assert instance.read("temperature/bed", said, retained=True) == Reading(None)
    assert OCTOPRINT.telemetry(instance.memory).bed == 60.5


def test_heaters_that_stay_off_for_a_minute_in_mid_print_show_a_missed_end(printing: Instance) -> None:
    printing.heat(5, 210, 60)
    assert printing.heat(10) == ()
    assert printing.heat(69.9995) == ()
    (seen,) = printing.heat(70)[:1]
    assert (seen.state, seen.since_ms, seen.time_ms) == (
        PrinterState.IDLE,
        AT_MS + 10_000,
        AT_MS + 70_000,
    )
    assert seen.detail == "heaters off in mid-print"
    assert printing.heat(140) == ()


@pytest.mark.parametrize(("tool", "bed"), [(1, 0), (0, 1), (None, 0)])
def test_a_heater_that_is_on_begins_the_minute_anew(printing: Instance, tool: object, bed: object) -> None:
    printing.heat(5, 210, 60)
    printing.heat(10)
    printing.heat(50, tool, bed)
    assert printing.heat(90) == ()
    assert printing.heat(149) == ()
    assert printing.heat(151) != ()


def test_a_nozzle_alone_that_stays_off_for_ten_minutes_shows_it_too(printing: Instance) -> None:
    printing.heat(5, 210, None)
    printing.heat(10, bed=None)
    assert printing.heat(609.9995, bed=None) == ()
    assert printing.heat(610, bed=None) != ()


def test_a_print_that_was_never_hot_is_not_over_because_it_is_cold(printing: Instance) -> None:
    printing.heat(10)
    assert printing.heat(80) == ()


def test_a_print_whose_file_was_read_through_leaves_it_on_the_bed(printing: Instance) -> None:
    printing.heat(5, 210, 60)
    printing.progress(100, 8)
    printing.heat(10)
    (seen,) = printing.heat(70)
    assert seen.state is PrinterState.FINISHED
    assert printing.state("OPERATIONAL").state is PrinterState.FINISHED


def test_cold_heaters_of_a_printer_that_does_not_print_say_nothing(instance: Instance) -> None:
    instance.state("PAUSED")
    instance.heat(5, 210, 60)
    instance.heat(10)
    assert instance.heat(100) == ()
    instance.state("PRINTING")
    assert instance.heat(110) == ()
    assert instance.heat(169) == ()
    assert instance.heat(171) != ()


def test_after_a_missed_end_progress_shows_another_print(printing: Instance) -> None:
    printing.heat(5, 210, 60)
    printing.heat(10)
    printing.heat(80)
    assert printing.progress(50, 90).observations == ()
    assert printing.progress(51, 94).observations != ()


def test_heaters_without_a_time_say_nothing(printing: Instance) -> None:
    printing.heat(5, 210, 60)
    printing.heat(10)
    for _ in range(2):
        assert printing.read("temperature/tool0", {"actual": 20, "target": 0}) == Reading(None)


# -- times and payloads ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stamp", "ms"), [(AT + 0.5, AT_MS + 500), (str(AT), AT_MS), (None, None), ("soon", None)]
)
def test_the_time_is_octoprints_own_in_seconds(instance: Instance, stamp: object, ms: int | None) -> None:
    reading = instance.read("event/ZChange", {"_timestamp": stamp})
    assert reading is not None
    assert (reading.time_ms, reading.observations) == (ms, ())


def test_a_field_of_a_wrong_kind_does_not_lose_the_message(instance: Instance) -> None:
    found = instance.event("PrintStarted", user=7, time="long", name=None)
    assert found.job == JobReading(file=FILE, token=f"{AT_MS}:{FILE}")


@pytest.mark.parametrize(
    ("payload", "reason"),
    [(b"{", "not_json"), (b"7", "wrong_shape"), (b"\xff", "not_utf8"), (b" " * 1_000_001, "too_large")],
)
@pytest.mark.parametrize("suffix", ["event/PrintDone", "progress/printing", "temperature/bed"])
def test_what_is_no_message_is_refused(instance: Instance, suffix: str, payload: bytes, reason: str) -> None:
    with pytest.raises(UnreadableMessage) as caught:
        instance.read(suffix, payload)
    assert caught.value.reason == reason


# -- what is older than the last event ------------------------------------------------------


def remembered(instance: Instance) -> list[tuple[int, str, str | None]]:
    return [(each.at_ms - AT_MS, each.event, each.word) for each in instance.memory.happened]


@pytest.mark.parametrize(
    ("event", "said", "word"),
    [
        ("PrinterStateChanged", {"state_id": "PAUSED"}, "PAUSED"),
        ("PrintFailed", {"reason": "cancelled", "error": "hot"}, "cancelled"),
        ("PrintCancelling", {"firmwareError": "Probing failed\nok"}, "Probing failed"),
        ("Error", {"error": "hot\nok", "reason": "firmware"}, "hot"),
        ("Error", {"reason": "timeout"}, "timeout"),
        ("PrintDone", {"reason": "none"}, None),
    ],
)
def test_an_event_is_remembered_with_its_time_and_the_word_that_later_ones_are_read_by(
    instance: Instance, event: str, said: dict[str, object], word: str | None
) -> None:
    instance.event(event, 5, **said)
    assert remembered(instance) == [(5_000, event, word)]


def test_an_event_without_a_time_is_not_remembered(instance: Instance) -> None:
    instance.read("event/Connected", {})
    assert (instance.memory.happened, instance.memory.state) == ((), PrinterState.IDLE)


LATER: list[list[tuple[str, dict[str, object]]]] = [
    [("PrinterStateChanged", {"state_id": "PAUSED"})],
    [("PrintStarted", {}), ("PrintFailed", {"reason": "cancelled"})],
    [("PrintStarted", {}), ("PrintCancelling", {"firmwareError": "Probing failed"})],
    [("PrintStarted", {}), ("Error", {"error": "hot"})],
]


@pytest.mark.parametrize("later", LATER, ids=lambda later: later[-1][0])
def test_an_event_that_comes_behind_later_ones_leaves_what_it_would_have_left_in_time(
    later: list[tuple[str, dict[str, object]]],
) -> None:
    in_time, late = Instance(), Instance()
    in_time.event("Connected", 0)
    for number, (event, said) in enumerate(later):
        in_time.event(event, 10 + number, **said)
        late.event(event, 10 + number, **said)
    late.event("Connected", 0)
    assert late.memory == in_time.memory


def test_an_event_of_long_before_the_last_of_its_kind_shows_that_the_clock_fell(instance: Instance) -> None:
    instance.event("Connected", 100)
    instance.event("Connected", 69)
    assert remembered(instance) == [(69_000, "Connected", None)]


def test_the_way_that_broke_is_remembered_at_the_last_event(instance: Instance) -> None:
    instance.event("Connected", 0)
    instance.event("PrintStarted", 100)
    instance.read("mqtt", b"disconnected")
    assert remembered(instance)[-1] == (100_000, "-", None)


@pytest.mark.parametrize("retained", [False, True])
@pytest.mark.parametrize(("leaf", "place"), [("bed", 1), ("tool0", 2), ("chamber", None), ("tool1", None)])
def test_the_times_of_bed_and_nozzle_are_remembered(
    instance: Instance, leaf: str, place: int | None, retained: bool
) -> None:
    instance.read(f"temperature/{leaf}", {"actual": 1.0, "target": 0, "_timestamp": AT}, retained)
    wanted = [0, 0, 0]
    if place is not None:
        wanted[place] = AT_MS
    assert list(instance.memory.told_ms) == wanted


@pytest.mark.parametrize(
    ("cold", "state"), [(75, "idle"), (76, "idle"), (74, PrinterState.PRINTING), (70, PrinterState.PRINTING)]
)
def test_heaters_that_were_off_before_the_last_event_say_nothing_of_now(
    printing: Instance, cold: int, state: str
) -> None:
    printing.heat(5, 210, 60)
    printing.heat(10)
    printing.event("PrintResumed", 75)
    (seen,) = printing.heat(cold)
    assert (seen.state, printing.memory.state) == (PrinterState.IDLE, state)


def test_heaters_that_go_off_show_a_missed_end_also_where_no_event_was_heard(instance: Instance) -> None:
    instance.progress(50)
    stood = instance.memory.state
    assert instance.heat(5, 210, 60) == ()
    assert instance.heat(10) == ()
    assert len(instance.heat(71)) == 1
    assert (stood, instance.memory.state) == (PrinterState.PRINTING, PrinterState.IDLE)


@pytest.mark.parametrize(("last", "state"), [(10, "printing"), (11, "error"), (100, "error")])
def test_progress_from_before_the_last_event_says_nothing_of_now(
    instance: Instance, last: int, state: str
) -> None:
    instance.event("Connected", 0)
    instance.event("Error", last, error="hot")
    for at in (5, 10):
        reading = instance.progress(50, at)
    assert len(reading.observations) == 1
    assert instance.memory.state == state


@pytest.mark.parametrize("before", ["PrintStarted", "PrintPaused"])
def test_what_is_about_to_pause_tells_nothing_new(instance: Instance, before: str) -> None:
    instance.event(before)
    reading = instance.read("event/PrinterStateChanged", {"state_id": "PAUSING", "_timestamp": AT + 1})
    assert reading == Reading(AT_MS + 1_000)


def test_an_error_is_the_firmwares_for_the_end_that_follows(printing: Instance) -> None:
    assert printing.event("Error", 5, error="hot").facts == (JobFact.FIRMWARE_ERROR,)


def test_a_print_that_starts_has_none_of_the_progress_of_the_one_before(instance: Instance) -> None:
    instance.progress(100)
    before = OCTOPRINT.telemetry(instance.memory).progress
    instance.event("PrintStarted", 30)
    assert (before, OCTOPRINT.telemetry(instance.memory).progress) == (1.0, None)
