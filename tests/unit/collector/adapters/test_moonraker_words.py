"""What every word of Klipper and Moonraker is taken for, message by message."""

import json
from typing import Any

import pytest

from collector.adapters.base import Askable, ClockKind, Reading
from farm.errors import UnreadableMessage
from farm.model.limits import UPTIME_MS
from farm.model.observation import (
    HistoryRow,
    JobFact,
    JobReading,
    JobSignal,
    Link,
    Observation,
    Telemetry,
)
from farm.model.states import Cause, PrinterState, StateReason
from tests.unit.collector.adapters.moonraker import BOOT, FILE, MOONRAKER, STANDBY, Host, ms, one

OBJECTS = [
    "print_stats",
    "webhooks",
    "virtual_sdcard",
    "heater_bed",
    "extruder",
    "pause_resume",
    "gcode_move",
    "fan",
]


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def printing() -> Host:
    host = Host()
    host.print()
    return host


def test_what_it_states_of_itself() -> None:
    assert (MOONRAKER.kind, MOONRAKER.clock) == ("moonraker", ClockKind.MONOTONIC)
    assert (MOONRAKER.silence_ms, MOONRAKER.resolution_ms) == (30_000, 1)
    assert MOONRAKER.default_topics == ("{printer}",)
    assert MOONRAKER.suffixes == (
        "moonraker/status",
        "moonraker/api/response",
        "klipper/status",
        "klipper/state/+/+",
    )


def test_it_asks_for_the_whole_state_and_fifty_jobs_and_subscribes_to_nothing() -> None:
    assert isinstance(MOONRAKER, Askable)
    asked = MOONRAKER.questions(70)
    assert {question.suffix for question in asked} == {"moonraker/api/request"}
    assert [json.loads(question.payload) for question in asked] == [
        {
            "jsonrpc": "2.0",
            "method": "printer.objects.query",
            "params": {"objects": dict.fromkeys(OBJECTS)},
            "id": 70,
        },
        {
            "jsonrpc": "2.0",
            "method": "server.history.list",
            "params": {"limit": 50, "order": "desc"},
            "id": 71,
        },
    ]


# -- the link -------------------------------------------------------------------------------


@pytest.mark.parametrize("retained", [False, True])
@pytest.mark.parametrize(("word", "link"), [("online", Link.ONLINE), ("offline", Link.OFFLINE)])
def test_moonraker_tells_the_link(host: Host, word: str, link: Link, retained: bool) -> None:
    reading = host.read("moonraker/status", {"server": word}, retained)
    assert reading == Reading(None, (Observation(link=link, retained=retained),))


@pytest.mark.parametrize("said", [{"server": "away"}, {}])
def test_another_word_for_the_link_is_refused(host: Host, said: object) -> None:
    with pytest.raises(UnreadableMessage) as caught:
        host.read("moonraker/status", said)
    assert caught.value.reason == "wrong_shape"


def test_when_the_link_goes_the_merged_status_is_void_but_not_the_figures(printing: Host) -> None:
    printing.say(3, extruder={"temperature": 210.5})
    printing.read("moonraker/status", {"server": "offline"})
    assert printing.say(4, heater_bed={"temperature": 60.5}) == ()
    assert printing.figures.nozzle == 210.5
    assert one(printing.stats(5, state="printing", total_duration=5.0)).state == "preparing"


def test_a_status_that_the_broker_kept_from_before_the_link_broke_tells_no_state(host: Host) -> None:
    host.read("moonraker/status", {"server": "offline"})
    whole = STANDBY | {"state": "printing", "filename": FILE}
    assert host.say(1, retained=True, print_stats=whole, webhooks={"state": "shutdown"}) == ()
    assert host.say(2, retained=True, extruder={"temperature": 20.5}) == ()
    assert host.figures.nozzle == 20.5
    host.read("moonraker/status", {"server": "online"})
    assert one(host.say(3, retained=True, print_stats=whole)).state == "preparing"


# -- states ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "state", "signal"),
    [
        ("standby", "idle", JobSignal.LOST),
        ("printing", "preparing", None),
        ("paused", "paused", None),
        ("complete", "finished", JobSignal.DONE),
        ("cancelled", "idle", JobSignal.CANCELLED),
        ("error", "error", JobSignal.FAILED),
        ("dancing", "unknown", None),
    ],
)
def test_every_word_of_print_stats_has_a_state_and_perhaps_a_signal(
    host: Host, word: str, state: str, signal: JobSignal | None
) -> None:
    seen = one(host.full(1, state=word))
    assert (seen.state, seen.signal, seen.level) == (PrinterState(state), signal, True)
    assert seen.detail == ("state 'dancing'" if word == "dancing" else None)
    assert (seen.job is None) is (word == "standby")
    assert seen.facts == ((JobFact.CANCEL_COMMAND,) if word == "cancelled" else ())


@pytest.mark.parametrize(
    ("webhooks", "state"),
    [("startup", "unknown"), ("disconnected", "offline"), ("shutdown", "error"), ("error", "error")],
)
@pytest.mark.parametrize("word", ["standby", "complete"])
def test_a_klipper_that_is_not_ready_wins_over_the_last_print(
    host: Host, webhooks: str, state: str, word: str
) -> None:
    seen = one(host.full(1, webhooks=webhooks, state=word))
    assert seen.state == state
    if webhooks != "startup":
        assert seen.signal is None


def test_a_change_is_told_once(host: Host) -> None:
    host.full(0)
    assert one(host.stats(1, state="complete", filename=FILE)).level is False
    assert host.stats(2, filament_used=1.0) == ()
    assert host.say(3, extruder={"temperature": 30.0}) == ()


def test_a_whole_status_tells_the_state_again(host: Host) -> None:
    assert one(host.full(0)).state == "idle"
    assert one(host.full(1)).state == "idle"


@pytest.mark.parametrize("missing", ["state", "filename", "message", "filament_used", "total_duration"])
def test_a_status_is_whole_only_with_all_that_no_change_has_at_once(host: Host, missing: str) -> None:
    host.full(0)
    stats = {name: value for name, value in STANDBY.items() if name != missing}
    assert host.say(1, print_stats=stats) == ()


def test_what_is_heard_first_is_a_state_that_may_stand_for_long(host: Host) -> None:
    assert one(host.stats(1, state="printing")).level is True


def test_heat_up_lasts_until_the_print_duration_counts(host: Host) -> None:
    host.full(0)
    started = one(host.stats(10, state="printing", filename=FILE, total_duration=0.1))
    assert started == Observation(
        time_ms=ms(10),
        state=PrinterState.PREPARING,
        job=JobReading(file=FILE, printing_ms=0, elapsed_ms=100, filament_mm=0.0),
    )
    assert host.stats(11, total_duration=1.0, print_duration=0.0) == ()
    begun = one(host.stats(20, total_duration=10.0, print_duration=1.5))
    assert (begun.state, begun.since_ms) == (PrinterState.PRINTING, ms(18.5))


def test_a_host_is_heard_from_the_first_moment_of_its_clock(host: Host) -> None:
    assert one(host.full(-BOOT, state="complete")).state is PrinterState.FINISHED
    again = Host()
    assert one(again.stats(-BOOT, state="complete")).state is PrinterState.FINISHED
    assert again.stats(-BOOT, state="complete") == ()
    again.read("moonraker/status", {"server": "offline"})
    assert one(again.full(-BOOT, state="complete")).state is PrinterState.FINISHED


def test_the_file_of_before_is_none_of_a_host_whose_clock_began_anew(printing: Host) -> None:
    printing.stats(-BOOT, state="complete")
    printing.stats(1 - BOOT, total_duration=1.0)
    job = one(printing.stats(2 - BOOT, total_duration=2.0)).job
    assert job is not None
    assert job.file is None


# -- pauses ---------------------------------------------------------------------------------


def test_a_pause_that_klipper_confirms_holds_from_the_word_for_it(printing: Host) -> None:
    seen = one(printing.say(10, print_stats={"state": "paused"}, pause_resume={"is_paused": True}))
    assert (seen.state, seen.since_ms, seen.signal) == (PrinterState.PAUSED, ms(10), None)
    resumed = one(printing.stats(20, state="printing", total_duration=18.0))
    assert (resumed.state, resumed.since_ms) == (PrinterState.PRINTING, None)


PAUSED: dict[str, Any] = {"print_stats": {"state": "paused"}, "pause_resume": {"is_paused": True}}
RUNOUT = "filament_switch_sensor runout"


def sensor(host: Host, at: float, name: str = RUNOUT, **told: object) -> tuple[Observation, ...]:
    objects: dict[str, Any] = {name: told}
    return host.say(at, **objects)


def test_nobody_tells_who_paused(printing: Host) -> None:
    assert one(printing.say(10, **PAUSED)).reason is None


def test_a_pause_without_filament_waits_for_material(printing: Host) -> None:
    assert sensor(printing, 10, filament_detected=False, enabled=True) == ()
    assert one(printing.say(10.5, **PAUSED)).reason is StateReason.WAITING_FOR_MATERIAL


def test_a_sensor_may_tell_behind_the_pause_and_does_so_once(printing: Host) -> None:
    printing.say(10, **PAUSED)
    seen = one(sensor(printing, 10.5, filament_detected=False))
    assert seen == Observation(
        time_ms=ms(10.5), level=True, state=PrinterState.PAUSED, reason=StateReason.WAITING_FOR_MATERIAL
    )
    assert sensor(printing, 11, filament_detected=False) == ()


def test_sensors_in_split_mode(printing: Host) -> None:
    name = "filament_motion_sensor encoder 1"
    assert printing.split(9, name, "enabled", True) == ()
    assert printing.split(10, name, "filament_detected", False) == ()
    seen = one(printing.say(10.5, **PAUSED))
    assert seen.reason is StateReason.WAITING_FOR_MATERIAL


@pytest.mark.parametrize(
    "told",
    [
        {RUNOUT: {"filament_detected": True, "enabled": True}},
        {RUNOUT: {"filament_detected": False, "enabled": False}},
        {RUNOUT: {"filament_detected": 0}},
        {RUNOUT: False},
        {"temperature_sensor mcu": {"filament_detected": False}},
    ],
)
def test_a_sensor_that_is_off_or_sees_filament_explains_no_pause(
    printing: Host, told: dict[str, Any]
) -> None:
    printing.say(10, **told)
    assert one(printing.say(10.5, **PAUSED)).reason is None


def test_filament_that_was_put_in_again_explains_no_further_pause(printing: Host) -> None:
    sensor(printing, 10, filament_detected=False)
    assert one(printing.say(11, **PAUSED)).reason is not None
    sensor(printing, 20, filament_detected=True)
    printing.say(21, print_stats={"state": "printing"}, pause_resume={"is_paused": False})
    assert one(printing.say(22, **PAUSED)).reason is None


def test_not_more_than_sixteen_sensors_are_remembered(printing: Host) -> None:
    for number in range(30):
        sensor(printing, 10, f"filament_switch_sensor {number}", filament_detected=True)
    sensor(printing, 10, f"filament_switch_sensor {'x' * 200}", filament_detected=True)
    assert len(printing.memory.sensors) == 16


@pytest.mark.parametrize(("length", "remembered"), [(100, True), (101, False)])
def test_a_sensor_of_an_endless_name_is_passed_over_and_the_others_are_not(
    printing: Host, length: int, remembered: bool
) -> None:
    name = "filament_switch_sensor ".ljust(length, "x")
    objects: dict[str, Any] = {name: {"enabled": True}, RUNOUT: {"enabled": False}}
    printing.say(10, **objects)
    assert (name in printing.memory.sensors, RUNOUT in printing.memory.sensors) == (remembered, True)


def test_a_sensor_that_is_known_is_followed_behind_one_too_many(printing: Host) -> None:
    for number in range(16):
        sensor(printing, 10, f"filament_switch_sensor {number}", filament_detected=True)
    last = "filament_switch_sensor 15"
    objects: dict[str, Any] = {RUNOUT: {"enabled": True}, last: {"filament_detected": False}}
    printing.say(11, **objects)
    assert printing.memory.sensors[last].misses_filament


def test_what_the_broker_kept_of_a_sensor_explains_no_pause(printing: Host) -> None:
    printing.say(10, **PAUSED)
    assert printing.split(11, RUNOUT, "filament_detected", False, retained=True) == ()
    assert one(printing.split(12, RUNOUT, "enabled", True)).reason is StateReason.WAITING_FOR_MATERIAL


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        (f"{RUNOUT}/enabled", {"eventtime": None, "value": None}),
        (f"{RUNOUT}/runout_helper", {"eventtime": None}),
        ("temperature_sensor mcu/enabled", {"eventtime": None}),
    ],
)
def test_a_recording_keeps_of_sensors_what_is_read(name: str, kept: dict[str, None]) -> None:
    assert MOONRAKER.recorded_fields(f"klipper/state/{name}") == kept


@pytest.mark.parametrize("word", ["complete", "cancelled", "error"])
def test_an_end_that_is_heard_first_with_its_account_of_time_is_a_change(word: str) -> None:
    host = Host()
    seen = one(host.stats(10, state=word, total_duration=400.0, print_duration=370.0))
    assert (seen.signal is not None, seen.level) == (True, False)


@pytest.mark.parametrize(("kept_at", "at", "is_gone"), [(40, 10, False), (40.001, 10, True), (40, 41, False)])
def test_what_was_kept_is_of_a_host_that_is_gone_where_the_clock_began_again(
    kept_at: float, at: float, is_gone: bool
) -> None:
    host = Host()
    host.say(kept_at, retained=True, print_stats={"state": "printing", "filename": FILE})
    host.say(at, heater_bed={"temperature": 60.0})
    assert (host.memory.file is None) is is_gone


def test_only_an_answer_is_one(printing: Host) -> None:
    told = printing.read("klipper/status", {"eventtime": BOOT + 10, "status": {}})
    result = {"eventtime": BOOT + 11, "status": {"print_stats": {"state": "printing"}}}
    answered = printing.read("moonraker/api/response", {"jsonrpc": "2.0", "result": result, "id": 7})
    assert told is not None
    assert answered is not None
    assert (told.is_answer, answered.is_answer) == (False, True)


def test_what_the_host_said_itself_stays_when_an_older_message_comes_late(printing: Host) -> None:
    printing.stats(100, state="printing", total_duration=98.0)
    printing.say(20, heater_bed={"temperature": 60.0})
    assert (printing.memory.file, printing.memory.state) == (FILE, "printing")


@pytest.mark.parametrize(("later", "paused"), [(1.499, False), (1.5, True)])
def test_a_pause_without_confirmation_is_one_when_it_lasts(
    printing: Host, later: float, paused: bool
) -> None:
    assert printing.stats(10, state="paused") == ()
    seen = printing.stats(10 + later, total_duration=9.0)
    assert bool(seen) is paused
    if paused:
        assert (one(seen).state, one(seen).since_ms) == (PrinterState.PAUSED, ms(10))


def test_a_pause_that_turns_into_another_word_at_once_is_none(printing: Host) -> None:
    assert printing.stats(10, state="paused") == ()
    assert one(printing.stats(10.5, state="cancelled")).signal is JobSignal.CANCELLED


def test_the_word_for_a_pause_said_again_does_not_begin_it_anew(printing: Host) -> None:
    printing.stats(10, state="paused", total_duration=8.0)
    assert one(printing.stats(12, state="paused", total_duration=10.0)).since_ms == ms(10)


# -- ends -----------------------------------------------------------------------------------


def test_an_end_carries_what_klipper_measured(printing: Host) -> None:
    printing.say(3, virtual_sdcard={"progress": 0.5})
    seen = one(
        printing.stats(100, state="complete", total_duration=99.5, print_duration=90.25, filament_used=12.5)
    )
    assert seen == Observation(
        time_ms=ms(100),
        state=PrinterState.FINISHED,
        signal=JobSignal.DONE,
        job=JobReading(file=FILE, printing_ms=90_250, elapsed_ms=99_500, progress=0.5, filament_mm=12.5),
    )


def test_a_total_of_an_earlier_moment_is_not_the_length_now(printing: Host) -> None:
    printing.stats(50, total_duration=49.0)
    job = one(printing.stats(51, state="complete")).job
    assert job is not None
    assert (job.elapsed_ms, job.printing_ms) == (None, 1_000)


def test_an_error_has_klippers_words(printing: Host) -> None:
    seen = one(printing.stats(50, state="error", message=" Move out of range: 400 \n"))
    assert (seen.signal, seen.cause, seen.detail) == (
        JobSignal.FAILED,
        Cause.FILE,
        "Move out of range: 400",
    )


def test_words_that_come_behind_the_error_are_told_once(printing: Host) -> None:
    assert one(printing.stats(50, state="error")).detail is None
    seen = one(printing.stats(50.1, message="Move out of range"))
    assert (seen.signal, seen.level, seen.state) == (JobSignal.FAILED, True, None)
    assert (seen.cause, seen.detail, seen.time_ms) == (Cause.FILE, "Move out of range", ms(50.1))
    assert seen.job == JobReading(file=FILE, printing_ms=1_000, filament_mm=0.0)
    assert printing.stats(51, message="Move out of range") == ()


def test_an_error_whose_words_are_known_is_not_told_again(printing: Host) -> None:
    printing.stats(50, state="error", message="Move out of range")
    assert printing.stats(50.1, message="something else") == ()


def test_words_that_overtook_their_error_belong_to_it(printing: Host) -> None:
    printing.split(50, "print_stats", "message", "Move out of range")
    seen = one(printing.split(50, "print_stats", "state", "error"))
    assert (seen.signal, seen.cause, seen.detail) == (JobSignal.FAILED, Cause.FILE, "Move out of range")


def test_words_that_overtook_their_shutdown_belong_to_it(printing: Host) -> None:
    printing.split(50, "webhooks", "state_message", "ADC out of range")
    seen = one(printing.split(50, "webhooks", "state", "shutdown"))
    assert (seen.signal, seen.cause, seen.detail) == (JobSignal.HALTED, Cause.THERMAL, "ADC out of range")


def test_words_after_another_end_are_none_of_a_failure(printing: Host) -> None:
    printing.stats(50, state="complete")
    assert printing.stats(50.1, message="Move out of range") == ()


def test_words_of_an_earlier_print_are_forgotten(printing: Host) -> None:
    printing.stats(50, message="Move out of range")
    printing.stats(51, state="error")
    assert printing.stats(52, total_duration=1.0) == ()


def test_an_error_without_words_is_told_once(printing: Host) -> None:
    printing.stats(50, state="error")
    assert printing.stats(50.1, filament_used=2.0) == ()


def test_words_of_klipper_itself_are_none_of_a_print_that_failed(printing: Host) -> None:
    printing.stats(50, state="error")
    assert printing.say(50.1, webhooks={"state_message": "ADC out of range"}) == ()


@pytest.mark.parametrize("webhooks", ["shutdown", "error"])
def test_a_klipper_that_halts_in_mid_print_says_so(printing: Host, webhooks: str) -> None:
    said = {"state": webhooks, "state_message": " MCU 'mcu' shutdown: ADC out of range \n"}
    seen = one(printing.say(50, webhooks=said, print_stats={"total_duration": 49.0}))
    assert (seen.state, seen.signal, seen.cause) == (PrinterState.ERROR, JobSignal.HALTED, Cause.THERMAL)
    assert seen.detail == "MCU 'mcu' shutdown: ADC out of range"
    assert seen.job == JobReading(file=FILE, printing_ms=1_000, filament_mm=0.0)


def test_the_words_of_a_halt_may_come_behind_it(printing: Host) -> None:
    assert one(printing.say(50, webhooks={"state": "shutdown"})).cause is Cause.UNKNOWN
    seen = one(printing.say(50.1, webhooks={"state_message": "ADC out of range"}))
    assert (seen.signal, seen.cause) == (JobSignal.HALTED, Cause.THERMAL)
    assert printing.say(51, webhooks={"state_message": "ADC out of range"}) == ()


@pytest.mark.parametrize(("word", "signal"), [("printing", JobSignal.HALTED), ("paused", JobSignal.HALTED)])
def test_a_halt_first_heard_of_ends_the_print_that_klipper_still_names(
    host: Host, word: str, signal: JobSignal
) -> None:
    assert one(host.full(1, webhooks="shutdown", state=word)).signal is signal


def test_a_halt_in_heat_up_or_print_ends_it_also_when_klipper_names_no_print_any_more(host: Host) -> None:
    for heating in (True, False):
        halted = Host()
        halted.full(0)
        halted.stats(1, state="printing", filename=FILE, total_duration=0.1)
        if not heating:
            halted.stats(2, total_duration=1.1, print_duration=1.0)
        seen = one(halted.say(3, webhooks={"state": "shutdown"}, print_stats={"state": "standby"}))
        assert seen.signal is JobSignal.HALTED


def test_a_halt_is_told_as_one_when_the_prints_clock_had_stood(printing: Host) -> None:
    printing.say(3, extruder={"temperature": 200.0})
    seen = one(printing.say(13, webhooks={"state": "shutdown"}))
    assert (seen.state, seen.signal) == (PrinterState.ERROR, JobSignal.HALTED)


def test_a_halt_of_a_printer_at_rest_ends_no_print(host: Host) -> None:
    host.full(0)
    seen = one(host.say(1, webhooks={"state": "shutdown", "state_message": "ADC out of range"}))
    assert (seen.signal, seen.cause, seen.detail) == (None, None, "ADC out of range")


def test_words_of_an_earlier_halt_are_forgotten_with_the_next_word(printing: Host) -> None:
    printing.say(3, webhooks={"state": "ready", "state_message": "Printer is ready"})
    assert one(printing.say(4, webhooks={"state": "shutdown"})).detail is None


@pytest.mark.parametrize("word", ["printing", "paused"])
def test_a_klipper_that_is_gone_in_mid_print_took_the_job_with_it(host: Host, word: str) -> None:
    seen = one(host.full(1, webhooks="disconnected", state=word))
    assert (seen.state, seen.signal) == (PrinterState.OFFLINE, JobSignal.HOST_GONE)


def test_klipper_started_anew_voids_what_print_stats_said_before(printing: Host) -> None:
    printing.say(10, webhooks={"state": "shutdown"})
    printing.say(20, webhooks={"state": "startup"})
    assert printing.say(21, webhooks={"state": "ready"}) == ()
    seen = one(printing.stats(22, state="standby"))
    assert (seen.state, seen.signal) == (PrinterState.IDLE, JobSignal.LOST)


def test_a_klipper_that_is_ready_again_without_a_word_between_voids_what_was_said(printing: Host) -> None:
    printing.say(10, webhooks={"state": "shutdown"})
    assert printing.say(20, webhooks={"state": "ready"}) == ()


def test_a_ready_said_again_voids_nothing(printing: Host) -> None:
    assert printing.say(5, webhooks={"state": "ready"}) == ()
    job = one(printing.stats(6, state="complete")).job
    assert job is not None
    assert job.file == FILE


def test_a_ready_voids_nothing_of_its_own_moment(printing: Host) -> None:
    printing.say(10, webhooks={"state": "shutdown"})
    printing.split(20, "print_stats", "state", "standby")
    assert one(printing.split(20, "webhooks", "state", "ready")).state is PrinterState.IDLE


def test_a_ready_that_is_heard_first_voids_nothing(host: Host) -> None:
    host.stats(1, state="printing", total_duration=1.0)
    assert host.say(2, webhooks={"state": "ready"}) == ()
    assert one(host.stats(3, print_duration=1.0, total_duration=2.0)).state == "printing"


# -- names and layers -----------------------------------------------------------------------


def test_a_name_that_comes_behind_the_start_is_told(host: Host) -> None:
    host.full(0)
    assert one(host.split(1, "print_stats", "state", "printing")).job == JobReading(
        printing_ms=0, filament_mm=0.0
    )
    seen = one(host.split(1, "print_stats", "filename", FILE))
    assert seen == Observation(
        time_ms=ms(1), level=True, state=PrinterState.PREPARING, job=JobReading(file=FILE)
    )
    assert host.split(1, "print_stats", "filename", FILE) == ()


def test_a_name_that_the_broker_kept_is_not_told(host: Host) -> None:
    host.full(0)
    host.split(1, "print_stats", "state", "printing")
    assert host.split(1, "print_stats", "filename", FILE, retained=True) == ()


def test_a_name_of_a_printer_at_rest_is_not_told(host: Host) -> None:
    host.full(0)
    assert host.split(1, "print_stats", "filename", FILE) == ()


def test_a_name_that_goes_is_no_name(printing: Host) -> None:
    assert printing.split(3, "print_stats", "filename", "") == ()
    job = one(printing.stats(4, state="complete")).job
    assert job is not None
    assert job.file is None


# -- a missed edge --------------------------------------------------------------------------


def test_a_clock_that_moves_twice_at_rest_shows_a_start_that_was_missed(host: Host) -> None:
    host.full(0, state="complete", filename=FILE, total_duration=90.0)
    assert host.stats(10, total_duration=1.0) == ()
    assert one(host.stats(11, total_duration=2.0)).state == "preparing"


@pytest.mark.parametrize("rest", ["standby", "complete", "cancelled", "error"])
def test_a_start_is_missed_after_any_rest(host: Host, rest: str) -> None:
    host.full(0, state=rest)
    host.stats(10, total_duration=1.0)
    assert one(host.stats(11, total_duration=2.0)).state is PrinterState.PREPARING


@pytest.mark.parametrize(("back", "file"), [(30.0, FILE), (30.001, None)])
def test_a_file_named_long_after_now_was_named_before_the_host_started_anew(
    host: Host, back: float, file: str | None
) -> None:
    host.full(100, state="complete", filename=FILE)
    host.stats(100 - back, state="complete")
    host.stats(101 - back, total_duration=1.0)
    job = one(host.stats(102 - back, total_duration=2.0)).job
    assert job is not None
    assert job.file == file


def test_a_clock_that_moves_twice_at_one_moment_shows_nothing(host: Host) -> None:
    host.full(0, state="complete")
    assert host.stats(10, total_duration=1.0) == ()
    assert host.stats(10, total_duration=2.0) == ()
    assert one(host.stats(10.1, total_duration=2.0)).state == "preparing"


def test_a_clock_at_nothing_or_of_the_moment_of_the_end_shows_no_start(host: Host) -> None:
    host.full(0)
    host.stats(5, state="complete")
    for at in (5, 5, 6, 7):
        assert host.stats(at, total_duration=0.0) == ()
    assert host.stats(5, total_duration=9.0) == ()
    assert host.stats(8, total_duration=9.0) == ()


def test_the_file_of_a_missed_start_is_the_one_named_since(host: Host) -> None:
    host.full(0, state="complete", filename="old.gcode")
    host.stats(10, total_duration=1.0)
    seen = one(host.stats(11, total_duration=2.0))
    assert seen.job is not None
    assert seen.job.file is None
    other = Host()
    other.full(0, state="complete", filename="old.gcode")
    other.stats(9, filename=FILE)
    other.stats(10, total_duration=1.0)
    seen = one(other.stats(11, total_duration=2.0))
    assert seen.job is not None
    assert seen.job.file == FILE


def test_the_same_end_again_after_the_clock_moved_is_a_whole_print_that_was_missed(host: Host) -> None:
    host.full(0, state="complete")
    assert host.stats(1, state="complete") == ()
    host.stats(50, total_duration=1.0)
    assert one(host.stats(60, state="complete")).signal is JobSignal.DONE
    assert one(host.stats(70, state="complete", total_duration=9.0)).signal is JobSignal.DONE


def test_standby_again_is_no_end(host: Host) -> None:
    host.full(0)
    assert host.stats(5, state="standby", total_duration=1.0) == ()


def test_a_clock_that_stands_for_more_than_ten_seconds_shows_a_missed_end(printing: Host) -> None:
    heat = {"temperature": 200.0}
    assert printing.say(3, extruder=heat) == ()
    assert printing.say(12, extruder=heat) == ()
    seen = one(printing.say(12.001, extruder=heat))
    assert (seen.state, seen.since_ms, seen.time_ms) == (PrinterState.UNKNOWN, ms(2), ms(12.001))
    assert seen.detail == "the print's clock stands"
    assert printing.say(30, extruder=heat) == ()
    assert one(printing.stats(31, state="printing")).state == "preparing"


def test_the_clock_of_a_paused_print_that_stands_shows_a_missed_end(printing: Host) -> None:
    printing.say(3, print_stats={"state": "paused", "total_duration": 2.0}, pause_resume={"is_paused": True})
    printing.say(4, extruder={"temperature": 200.0})
    assert one(printing.say(13.001, extruder={"temperature": 200.0})).state is PrinterState.UNKNOWN


def test_a_clock_that_moves_in_between_does_not_stand(printing: Host) -> None:
    for at in range(3, 40, 3):
        printing.say(at, extruder={"temperature": 200.0})
        assert printing.stats(at + 1, total_duration=float(at)) == ()


def test_one_moment_after_a_silence_is_not_enough_to_say_that_the_clock_stands(printing: Host) -> None:
    assert printing.split(60, "extruder", "temperature", 200.0) == ()
    assert printing.split(60, "print_stats", "total_duration", 59.0) == ()
    assert printing.split(61, "extruder", "temperature", 200.0) == ()


def test_the_clock_of_a_printer_at_rest_may_stand(host: Host) -> None:
    host.full(0)
    assert host.say(5, extruder={"temperature": 20.0}) == ()
    assert host.say(50, extruder={"temperature": 20.0}) == ()


def test_a_state_that_is_not_known_is_seen_in_a_print_duration_that_grows(host: Host) -> None:
    assert host.stats(1, print_duration=10.0, total_duration=20.0) == ()
    assert host.stats(2, print_duration=10.0, total_duration=21.0) == ()
    assert one(host.stats(3, print_duration=11.0, total_duration=22.0)).state == "printing"


def test_a_file_that_is_being_cleared_does_not_turn_a_print_into_heat_up(printing: Host) -> None:
    assert printing.stats(50, total_duration=0.0, print_duration=0.0) == ()
    assert one(printing.stats(50, state="standby")).state == "idle"


def test_a_file_that_is_being_cleared_does_not_turn_a_pause_into_heat_up(printing: Host) -> None:
    printing.say(3, print_stats={"state": "paused"}, pause_resume={"is_paused": True})
    assert printing.stats(50, state="printing", total_duration=0.0, print_duration=0.0) == ()


@pytest.mark.parametrize(("back", "state"), [(29.999, None), (30.0, PrinterState.IDLE)])
def test_what_lies_half_a_minute_back_is_of_a_host_started_anew(
    printing: Host, back: float, state: PrinterState | None
) -> None:
    printing.stats(50, state="complete")
    seen = printing.stats(50 - back, state="standby")
    assert [each.state for each in seen] == ([] if state is None else [state])


def test_a_status_that_was_overtaken_is_passed_over(printing: Host) -> None:
    printing.stats(50, state="complete", total_duration=49.0)
    assert printing.stats(49, state="printing", total_duration=48.0) == ()


def test_a_host_started_anew_is_not_taken_for_one_that_was_overtaken(printing: Host) -> None:
    printing.stats(50, state="complete")
    seen = one(printing.stats(19, state="standby"))
    assert seen.state == "idle"


# -- figures --------------------------------------------------------------------------------


def test_every_figure_is_kept_where_it_belongs(host: Host) -> None:
    host.say(
        1,
        extruder={"temperature": 210.5, "target": 210.0},
        heater_bed={"temperature": 60.5, "target": 60.0},
        virtual_sdcard={"progress": 0.25},
        gcode_move={"speed": 6000.0, "speed_factor": 1.5, "extrude_factor": 0.95},
        fan={"speed": 0.75},
        print_stats={"filament_used": 12.5, "info": {"total_layer": 210, "current_layer": 88}},
    )
    everything = Telemetry(
        nozzle=210.5,
        nozzle_target=210.0,
        bed=60.5,
        bed_target=60.0,
        progress=0.25,
        layer=88,
        layers=210,
        speed_mm_s=100.0,
        speed_factor=1.5,
        flow_factor=0.95,
        fan=0.75,
        filament_mm=12.5,
    )
    assert host.figures == everything
    host.say(
        2, extruder={}, heater_bed={}, virtual_sdcard={}, gcode_move={}, fan={}, print_stats={"info": None}
    )
    assert host.figures == everything


@pytest.mark.parametrize("field", ["temperature", "target"])
@pytest.mark.parametrize("heater", ["extruder", "heater_bed"])
def test_one_field_of_a_heater_leaves_the_other(host: Host, heater: str, field: str) -> None:
    before: Any = {heater: {"temperature": 50.0, "target": 60.0}}
    change: Any = {heater: {field: 70.0}}
    host.say(1, **before)
    host.say(2, **change)
    found = host.figures
    reading = (found.nozzle, found.nozzle_target) if heater == "extruder" else (found.bed, found.bed_target)
    assert reading == ((70.0, 60.0) if field == "temperature" else (50.0, 70.0))


@pytest.mark.parametrize(("said", "kept"), [(0.0, 0.0), (1.0, 1.0), (-0.01, None), (1.01, None)])
def test_progress_is_a_ratio_or_nothing(host: Host, said: float, kept: float | None) -> None:
    host.say(1, virtual_sdcard={"progress": said})
    assert host.figures.progress == kept


def test_the_fan_is_read_without_a_move_and_a_move_without_the_fan(host: Host) -> None:
    host.say(1, fan={"speed": 0.75})
    host.say(2, gcode_move={"speed_factor": 1.5})
    assert (host.figures.fan, host.figures.speed_factor) == (0.75, 1.5)


# -- split mode -----------------------------------------------------------------------------


def test_split_mode_tells_the_same_field_by_field(host: Host) -> None:
    host.split(1, "webhooks", "state", "ready")
    assert one(host.split(1, "print_stats", "state", "printing")).state == "preparing"
    host.split(1, "print_stats", "total_duration", 0.1)
    assert one(host.split(2, "print_stats", "print_duration", 1.0)).state == "printing"
    host.split(3, "extruder", "temperature", 200.5)
    assert host.figures.nozzle == 200.5
    kept = one(Host().split(1, "print_stats", "state", "complete", retained=True))
    assert (kept.retained, kept.level, kept.time_ms) == (True, True, None)


def test_a_change_that_the_broker_kept_tells_how_things_stand(host: Host) -> None:
    host.full(0)
    kept = one(host.split(1, "print_stats", "state", "complete", retained=True))
    assert (kept.level, kept.retained) == (True, True)


def test_a_topic_below_a_field_only_tells_the_time(host: Host) -> None:
    assert host.split(1, "fan", "speed/more", 0.5) == ()
    assert host.figures.fan is None
    assert MOONRAKER.recorded_fields("klipper/state/fan/speed/more") == {"eventtime": None}


def test_what_is_read_of_a_topic_is_what_is_recorded_of_it() -> None:
    answer = MOONRAKER.recorded_fields("moonraker/api/response")
    assert set(answer) == {"jsonrpc", "id", "result", "error"}
    assert set(answer["result"] or ()) == {
        "eventtime",
        "status",
        "jobs",
        "filename",
        "estimated_time",
    }
    whole = MOONRAKER.recorded_fields("klipper/status")
    assert (set(whole), set(whole["status"] or ())) == ({"eventtime", "status"}, set(OBJECTS))
    assert MOONRAKER.recorded_fields("moonraker/status") == {"server": None}
    assert set(MOONRAKER.recorded_fields("klipper/state/fan/speed")) == {"eventtime", "value"}
    assert set(MOONRAKER.recorded_fields("klipper/state/fan/noise")) == {"eventtime"}
    assert set(MOONRAKER.recorded_fields("klipper/state/toolhead/x")) == {"eventtime"}


def test_an_object_that_is_none_of_ours_only_tells_the_time(host: Host) -> None:
    said = {"eventtime": BOOT, "value": 7}
    assert host.read("klipper/state/toolhead/x", said) == Reading(ms(0))
    assert host.read("klipper/state/toolhead/x", said, True) == Reading(None)


def test_a_whole_status_that_the_broker_kept_is_told_as_kept(host: Host) -> None:
    seen = one(host.say(1, retained=True, print_stats=STANDBY | {"total_duration": 7.0, "state": "complete"}))
    assert (seen.retained, seen.level, seen.time_ms) == (True, True, None)
    assert seen.job is not None
    assert seen.job.elapsed_ms == 7_000


# -- answers --------------------------------------------------------------------------------


def test_the_answer_to_the_question_for_the_state_is_a_whole_status(host: Host) -> None:
    status = {"print_stats": STANDBY, "webhooks": {"state": "ready"}}
    reading = host.read("moonraker/api/response", {"id": 70, "result": {"eventtime": BOOT, "status": status}})
    assert reading is not None
    assert reading.time_ms == ms(0)
    seen = one(reading.observations)
    assert (seen.state, seen.level, seen.retained) == (PrinterState.IDLE, True, False)


def test_a_host_is_up_for_no_longer_than_ten_years(host: Host) -> None:
    most_s = UPTIME_MS.most / 1_000

    def answer(eventtime: float) -> Reading | None:
        status = {"print_stats": STANDBY}
        return host.read("moonraker/api/response", {"result": {"eventtime": eventtime, "status": status}})

    reading = answer(most_s)
    assert reading is not None
    assert reading.time_ms == UPTIME_MS.most
    with pytest.raises(UnreadableMessage) as caught:
        answer(most_s + 1)
    assert caught.value.reason == "absurd_time"


@pytest.mark.parametrize(
    "result",
    [None, "ok", {}, {"status": {}}, {"eventtime": 1}, {"jobs": None}, {"jobs": []}, {"jobs": [7, {}]}],
)
def test_an_answer_that_is_none_of_ours_says_nothing(host: Host, result: object) -> None:
    reading = host.read("moonraker/api/response", {"id": 70, "result": result})
    assert reading is None or reading.observations == ()


@pytest.mark.parametrize(
    ("word", "signal"),
    [
        ("in_progress", JobSignal.STARTED),
        ("completed", JobSignal.DONE),
        ("cancelled", JobSignal.CANCELLED),
        ("error", JobSignal.FAILED),
        ("klippy_shutdown", JobSignal.HALTED),
        ("klippy_disconnect", JobSignal.HOST_GONE),
        ("server_exit", JobSignal.LOST),
        ("interrupted", JobSignal.LOST),
        ("", JobSignal.LOST),
    ],
)
def test_every_word_of_the_history_has_a_signal(host: Host, word: str, signal: JobSignal) -> None:
    job = {
        "job_id": "000A",
        "filename": FILE,
        "start_time": 1_795_000_000.5,
        "end_time": 1_795_000_100.25,
        "print_duration": 90.75,
        "filament_used": 12.5,
        "status": word,
    }
    reading = host.read("moonraker/api/response", {"id": 71, "result": {"jobs": [job]}})
    row = HistoryRow(
        history="moonraker",
        native_id="000A",
        file=FILE,
        started_ms=1_795_000_000_500,
        ended_ms=1_795_000_100_250,
        signal=signal,
        detail=None if word == "completed" else word,
        printing_ms=90_750,
        filament_mm=12.5,
    )
    assert reading == Reading(None, (Observation(level=True, history=(row,)),))


def test_a_row_of_a_job_that_still_runs_has_no_end(host: Host) -> None:
    job = {"job_id": "000A", "start_time": 1_795_000_000, "end_time": None, "status": "in_progress"}
    reading = host.read("moonraker/api/response", {"id": 71, "result": {"jobs": [job]}})
    assert reading is not None
    (row,) = reading.observations[0].history
    assert (row.ended_ms, row.printing_ms, row.filament_mm, row.file) == (None, None, None, None)


@pytest.mark.parametrize(("after", "ended_ms"), [(0, 1_795_000_000_000), (-1, None)])
def test_a_row_may_end_as_it_began_and_never_before(host: Host, after: int, ended_ms: int | None) -> None:
    job = {"job_id": "A", "start_time": 1_795_000_000, "end_time": 1_795_000_000 + after, "status": "error"}
    reading = host.read("moonraker/api/response", {"id": 71, "result": {"jobs": [job]}})
    assert reading is not None
    (row,) = reading.observations[0].history
    assert row.ended_ms == ended_ms


@pytest.mark.parametrize("missing", ["job_id", "start_time"])
def test_a_row_without_id_or_start_is_left_out_and_the_others_stay(host: Host, missing: str) -> None:
    good = {"job_id": "000A", "start_time": 1_795_000_000, "status": "completed"}
    bad = {name: value for name, value in good.items() if name != missing}
    reading = host.read("moonraker/api/response", {"id": 71, "result": {"jobs": [bad, good]}})
    assert reading is not None
    assert [row.native_id for row in reading.observations[0].history] == ["000A"]


# -- damaged payloads -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{", "not_json"),
        (b"7", "wrong_shape"),
        (b"\xff", "not_utf8"),
        (b'{"eventtime": 5000}', "wrong_shape"),
        (b'{"eventtime": "x", "status": {}}', "wrong_shape"),
        (b'{"eventtime": 5000, "status": []}', "wrong_shape"),
        (b" " * 1_000_001, "too_large"),
    ],
)
def test_what_is_no_status_is_refused(host: Host, payload: bytes, reason: str) -> None:
    with pytest.raises(UnreadableMessage) as caught:
        host.read("klipper/status", payload)
    assert caught.value.reason == reason


@pytest.mark.parametrize("suffix", ["moonraker/status", "moonraker/api/response", "klipper/state/fan/speed"])
@pytest.mark.parametrize(
    ("payload", "reason"), [(b"{", "not_json"), (b"\xff", "not_utf8"), (b" " * 1_000_001, "too_large")]
)
def test_what_is_no_json_is_refused(host: Host, suffix: str, payload: bytes, reason: str) -> None:
    with pytest.raises(UnreadableMessage) as caught:
        host.read(suffix, payload)
    assert caught.value.reason == reason


def test_a_split_value_without_a_time_is_refused(host: Host) -> None:
    with pytest.raises(UnreadableMessage):
        host.read("klipper/state/fan/speed", {"value": 1.0})


def test_one_bad_field_loses_neither_the_others_nor_the_message(host: Host) -> None:
    seen = host.say(
        1,
        extruder={"temperature": "hot", "target": 200.0},
        fan=7,
        print_stats={"state": "complete", "filename": [], "total_duration": "12.5"},
    )
    assert one(seen).signal is JobSignal.DONE
    assert (host.figures.nozzle, host.figures.nozzle_target) == (None, 200.0)


def test_a_topic_that_is_none_of_ours_says_nothing(host: Host) -> None:
    assert host.read("moonraker/api/request", {}) is None
