"""What Moonraker's messages show of a time in which others were missed, message by message."""

import pytest

from collector.adapters._moonraker_gap import AFTER_GAP, STALLED_MS
from collector.adapters.base import Reading
from farm.model.observation import JobReading, JobSignal, Observation
from farm.model.states import PrinterState
from tests.unit.collector.adapters.moonraker import FILE, MOONRAKER, Host, ms, one


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def printing() -> Host:
    """It prints, and messages may be missing since the second second."""
    host = Host()
    host.print()
    MOONRAKER.doubt(host.memory)
    return host


def test_of_a_host_that_told_nothing_nothing_is_doubted(host: Host) -> None:
    MOONRAKER.doubt(host.memory)
    assert not host.memory.doubted


def test_a_clock_that_counts_on_tells_once_which_print_it_is_of(printing: Host) -> None:
    seen = Observation(
        time_ms=ms(12),
        level=True,
        state=PrinterState.PRINTING,
        job=JobReading(file=FILE, printing_ms=11_000, elapsed_ms=11_100, filament_mm=0.0),
    )
    assert printing.stats(12, total_duration=11.1, print_duration=11.0) == (seen,)
    assert printing.stats(13, total_duration=12.1, print_duration=12.0) == ()


def test_the_clock_of_a_pause_counts_on_too(printing: Host) -> None:
    printing.say(3, print_stats={"state": "paused"}, pause_resume={"is_paused": True})
    MOONRAKER.doubt(printing.memory)
    assert one(printing.stats(12, total_duration=11.1)).state is PrinterState.PAUSED


def test_figures_without_the_prints_clock_confirm_nothing(printing: Host) -> None:
    assert printing.say(12, extruder={"temperature": 210.0}) == ()
    assert printing.memory.doubted


def test_a_clock_that_the_broker_kept_confirms_nothing(printing: Host) -> None:
    assert printing.split(12, "print_stats", "total_duration", 11.1, retained=True) == ()
    assert printing.memory.doubted


def test_a_printer_at_rest_is_confirmed_by_no_clock(host: Host) -> None:
    host.full(0)
    MOONRAKER.doubt(host.memory)
    assert host.stats(12, total_duration=0.0) == ()
    assert host.memory.doubted


def test_a_change_ends_the_doubt(printing: Host) -> None:
    seen = one(printing.stats(12, state="complete"))
    assert (seen.signal, printing.memory.doubted) == (JobSignal.DONE, False)


def test_a_whole_status_ends_the_doubt_and_tells_all(printing: Host) -> None:
    seen = one(printing.full(12, state="printing", filename=FILE, total_duration=11.1, print_duration=11.0))
    assert (seen.state, seen.level, printing.memory.doubted) == (PrinterState.PRINTING, True, False)


# -- Moonraker without Klipper --------------------------------------------------------------


def refuse(host: Host, words: object = "Klippy Host not connected") -> Reading | None:
    said = {"jsonrpc": "2.0", "error": {"code": 503, "message": words}, "id": 7}
    return host.read("moonraker/api/response", said)


def test_a_moonraker_without_klipper_tells_of_now_that_it_went_at_the_last_count(printing: Host) -> None:
    gone = Observation(
        time_ms=ms(2),
        state=PrinterState.OFFLINE,
        signal=JobSignal.HOST_GONE,
        job=JobReading(file=FILE, printing_ms=1_000, filament_mm=0.0),
    )
    assert refuse(printing) == Reading(ms(2), (gone,), only_now=True)
    assert refuse(printing) is None


def test_one_that_never_counted_has_no_time(host: Host) -> None:
    gone = Observation(state=PrinterState.OFFLINE, level=True, job=JobReading())
    assert refuse(host) == Reading(None, (gone,), only_now=True)


@pytest.mark.parametrize("words", ["Method not found", None, 7])
def test_another_refusal_says_nothing(printing: Host, words: object) -> None:
    assert refuse(printing, words) is None
    assert printing.read("moonraker/api/response", {"id": 7, "error": "no"}) is None
    assert printing.memory.webhooks == "ready"


def test_the_words_of_a_halt_before_are_none_of_one_that_is_gone(printing: Host) -> None:
    printing.say(3, webhooks={"state": "shutdown", "state_message": "Lost communication"})
    refuse(printing)
    assert (printing.memory.webhooks, printing.memory.webhooks_message) == ("disconnected", None)


# -- the table ------------------------------------------------------------------------------


def test_a_clock_must_stand_for_as_long_as_the_table_says() -> None:
    lasts = {rule.name: rule.after_ms for rule in AFTER_GAP if rule.after_ms}
    assert lasts == {"stands_still": STALLED_MS}
    assert STALLED_MS == 10_000
