"""What OctoPrint's messages show of a time in which others were missed, message by message."""

import pytest

from collector.adapters.base import Reading, Waiting
from farm.model.observation import JobReading, JobSignal, Observation
from farm.model.states import PrinterState
from tests.unit.collector.adapters.octoprint import AT, AT_MS, FILE, OCTOPRINT, Instance


@pytest.fixture
def instance() -> Instance:
    return Instance()


@pytest.fixture
def printing() -> Instance:
    instance = Instance()
    instance.event("PrintStarted")
    return instance


def bed(instance: Instance, actual: float, at: float | None, *, retained: bool = False) -> float | None:
    """What is held of the bed after it was told."""
    said = {"actual": actual, "target": 60} | ({} if at is None else {"_timestamp": AT + at})
    instance.read("temperature/bed", said, retained)
    return OCTOPRINT.telemetry(instance.memory).bed


def heater(
    instance: Instance, leaf: str, at: float, target: float, *, retained: bool = False
) -> tuple[Observation, ...]:
    """What the target of one heater says."""
    said = {"actual": 50.0, "target": target, "_timestamp": AT + at}
    reading = instance.read(f"temperature/{leaf}", said, retained)
    assert reading is not None
    return reading.observations


def heaters(
    instance: Instance, at: float, target: float, *, retained: bool = False
) -> tuple[Observation, ...]:
    """What the target of bed and nozzle says."""
    bed, nozzle = (heater(instance, leaf, at, target, retained=retained) for leaf in ("bed", "tool0"))
    return bed + nozzle


def waiting() -> Waiting:
    """The adapter as one in which something shows by the time that passes."""
    assert isinstance(OCTOPRINT, Waiting)
    return OCTOPRINT


def away(instance: Instance) -> None:
    """The way to it broke, and nothing is known since."""
    instance.read("mqtt", b"disconnected")


def lose(instance: Instance, how: str) -> None:
    """Messages may be missing: its state is doubted, or not known."""
    if how == "doubted":
        OCTOPRINT.doubt(instance.memory)
    else:
        away(instance)


# -- what the broker kept -------------------------------------------------------------------


@pytest.mark.parametrize(("at", "held"), [(None, 60.0), (9, 60.0), (10, 60.0), (11, 70.0)])
def test_a_temperature_that_the_broker_kept_counts_where_it_was_not_heard(
    instance: Instance, at: float | None, held: float
) -> None:
    bed(instance, 60.0, 10)
    assert bed(instance, 70.0, at, retained=True) == held


@pytest.mark.parametrize("at", [None, 10, 9])
def test_a_temperature_that_is_told_counts_whenever_it_is_of(instance: Instance, at: float | None) -> None:
    bed(instance, 60.0, 10)
    assert bed(instance, 70.0, at) == 70.0


@pytest.mark.parametrize(("at", "held"), [(9, 0.4), (10, 0.4), (11, 0.7)])
def test_progress_that_the_broker_kept_counts_where_it_was_not_heard(
    instance: Instance, at: float, held: float
) -> None:
    instance.progress(40, 10)
    assert instance.progress(70, at, retained=True) == Reading(None)
    assert OCTOPRINT.telemetry(instance.memory).progress == held


@pytest.mark.parametrize(("last", "held"), [(20, 0.7), (21, None)])
def test_progress_that_the_broker_kept_from_before_the_last_event_says_nothing(
    instance: Instance, last: float, held: float | None
) -> None:
    instance.event("PrintStarted", last)
    instance.progress(70, 20, retained=True)
    assert OCTOPRINT.telemetry(instance.memory).progress == held


# -- doubt ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "at", "doubted"),
    [
        ("PrintPaused", 10, False),
        ("PrintPaused", -10, True),
        ("ZChange", 10, True),
        ("PrintCancelling", 10, True),
    ],
)
def test_an_event_that_tells_how_things_stand_now_ends_a_doubt(
    printing: Instance, event: str, at: float, *, doubted: bool
) -> None:
    OCTOPRINT.doubt(printing.memory)
    assert printing.memory.doubted
    printing.read(f"event/{event}", {"path": FILE, "_timestamp": AT + at})
    assert printing.memory.doubted is doubted


# -- a server that began anew ---------------------------------------------------------------


def test_progress_without_a_file_tells_that_the_server_began_anew(printing: Instance) -> None:
    lost = Observation(
        time_ms=AT_MS + 9_000,
        level=True,
        state=PrinterState.UNKNOWN,
        signal=JobSignal.LOST,
        detail="OctoPrint began anew",
    )
    assert printing.progress(0, 9, "") == Reading(AT_MS + 9_000, (lost,))
    assert printing.memory.state is None
    assert [each.event for each in printing.memory.happened] == ["PrintStarted", "-"]


def test_a_server_that_began_anew_before_the_last_event_says_nothing_of_now(instance: Instance) -> None:
    instance.event("Connected", 20)
    (lost,) = instance.progress(0, 9, "").observations
    assert (lost.state, lost.signal, instance.memory.state) == (None, JobSignal.LOST, PrinterState.IDLE)


def test_a_server_that_began_anew_while_its_printer_rests_leaves_it_so(instance: Instance) -> None:
    instance.event("Connected")
    (lost,) = instance.progress(0, 9, "").observations
    assert (lost.state, instance.memory.state) == (None, PrinterState.IDLE)


def test_a_server_that_began_anew_told_of_its_heaters_since_the_gap(printing: Instance) -> None:
    printing.heat(5, 210, 60)
    away(printing)
    assert printing.heat(10) == ()
    lost, rests = printing.progress(0, 12, "").observations
    assert (lost.state, lost.signal) == (PrinterState.UNKNOWN, JobSignal.LOST)
    assert rests == Observation(time_ms=AT_MS + 12_000, level=True, presumed=True, state=PrinterState.IDLE)


def test_what_the_broker_kept_of_a_server_that_began_anew_has_no_time(printing: Instance) -> None:
    away(printing)
    lost = Observation(
        retained=True,
        level=True,
        state=PrinterState.UNKNOWN,
        signal=JobSignal.LOST,
        detail="OctoPrint began anew",
    )
    assert printing.progress(0, 9, "", retained=True) == Reading(None, (lost,))
    assert [each.event for each in printing.memory.happened] == ["PrintStarted", "-"]


@pytest.mark.parametrize(("told", "shown"), [(9.999, False), (10, True), (21, True)])
def test_kept_heaters_are_of_the_server_of_now_from_ten_seconds_before_it_began(
    printing: Instance, told: float, *, shown: bool
) -> None:
    away(printing)
    printing.progress(0, 20, "", retained=True)
    found = heaters(printing, told, 0, retained=True)
    rests = Observation(retained=True, level=True, presumed=True, state=PrinterState.IDLE)
    assert found == ((rests,) if shown else ())


def test_kept_heaters_of_a_server_that_told_of_a_file_since_say_nothing(printing: Instance) -> None:
    away(printing)
    printing.progress(0, 20, "", retained=True)
    printing.progress(0, 21)
    assert heaters(printing, 22, 0, retained=True) == ()


# -- heaters --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "state"), [("Connected", "idle"), ("PrintDone", "finished"), ("Error", "idle")]
)
def test_heaters_that_are_off_after_the_way_broke_show_a_rest(
    instance: Instance, before: str, state: str
) -> None:
    instance.event(before)
    away(instance)
    seen = Observation(time_ms=AT_MS + 10_000, level=True, presumed=True, state=PrinterState(state))
    assert instance.heat(10) == (seen,)
    assert instance.memory.state == state
    assert instance.heat(11) == ()


@pytest.mark.parametrize("lost", ["doubted", "not known"])
def test_it_takes_both_heaters_told_since(instance: Instance, lost: str) -> None:
    instance.event("Connected")
    instance.heat(10)
    lose(instance, lost)
    assert heater(instance, "tool0", 20, 0) == ()
    assert heater(instance, "bed", 10, 0) == ()
    assert heater(instance, "bed", 11, 0) != ()


def test_a_heater_that_told_no_time_is_not_told_since_also_when_the_clock_fell(instance: Instance) -> None:
    instance.read("temperature/tool0", {"actual": 20.0, "target": 0})
    assert heater(instance, "bed", 100, 0) == ()
    assert heater(instance, "bed", 10, 0) == ()


def test_a_printer_without_a_bed_rests_by_its_nozzle(instance: Instance) -> None:
    instance.event("Connected")
    away(instance)
    assert heater(instance, "tool0", 0, 0) == ()
    assert heater(instance, "tool0", 1, 0) != ()


@pytest.mark.parametrize(
    ("event", "at", "shown"),
    [("Connected", 1, True), ("Error", 2, False), ("Error", 2.001, True), ("Disconnected", 2, False)],
)
def test_heaters_that_are_off_end_the_doubt_of_a_rest(
    instance: Instance, event: str, at: float, *, shown: bool
) -> None:
    instance.event("Connected", -60)
    instance.event(event)
    OCTOPRINT.doubt(instance.memory)
    found = instance.heat(at)
    rests = Observation(time_ms=AT_MS + int(at * 1_000), level=True, state=PrinterState.IDLE)
    assert found == ((rests,) if shown else ())
    assert instance.memory.doubted is not shown


def test_heaters_that_are_off_say_nothing_of_a_rest_that_nobody_doubts(instance: Instance) -> None:
    instance.event("Connected")
    assert instance.heat(5) == ()


@pytest.mark.parametrize("lost", ["doubted", "not known"])
@pytest.mark.parametrize(
    ("word", "state"), [("PRINTING", "printing"), ("PAUSED", "paused"), ("STARTING", "printing")]
)
def test_heaters_that_stay_on_for_some_seconds_show_that_a_print_goes_on(
    printing: Instance, word: str, state: str, lost: str
) -> None:
    printing.event("PrinterStateChanged", 5, state_id=word)
    lose(printing, lost)
    assert printing.heat(10, 210, 60) == ()
    assert printing.heat(13.999, 210, 60) == ()
    goes_on = Observation(time_ms=AT_MS + 14_000, level=True, presumed=True, state=PrinterState(state))
    assert printing.heat(14, 210, 60) == (goes_on,)
    assert (printing.memory.state, printing.memory.doubted) == (state, False)


def test_heaters_that_go_off_between_begin_the_seconds_anew(printing: Instance) -> None:
    OCTOPRINT.doubt(printing.memory)
    printing.heat(10, 210, 60)
    printing.heat(12)
    assert printing.heat(15, 210, 60) == ()
    assert printing.heat(18.999, 210, 60) == ()
    assert printing.heat(19, 210, 60) != ()


def test_a_second_gap_begins_the_seconds_anew(printing: Instance) -> None:
    OCTOPRINT.doubt(printing.memory)
    printing.heat(10, 210, 60)
    OCTOPRINT.doubt(printing.memory)
    assert printing.heat(15, 210, 60) == ()


def test_heaters_that_are_on_say_nothing_where_no_print_was_known(instance: Instance) -> None:
    instance.event("Connected")
    away(instance)
    assert (instance.heat(10, 210, 60), instance.heat(20, 210, 60)) == ((), ())
    assert instance.memory.state is None


def test_heaters_that_are_on_say_nothing_of_a_print_that_nobody_doubts(printing: Instance) -> None:
    assert (printing.heat(10, 210, 60), printing.heat(20, 210, 60)) == ((), ())


def test_heaters_that_were_on_before_the_last_event_say_nothing(printing: Instance) -> None:
    printing.event("PrintPaused", 100)
    OCTOPRINT.doubt(printing.memory)
    assert (printing.heat(80, 210, 60), printing.heat(99, 210, 60)) == ((), ())
    assert (printing.heat(100, 210, 60), len(printing.heat(104, 210, 60))) == ((), 1)


@pytest.mark.parametrize("on", ["bed", "tool0"])
def test_kept_heaters_that_are_on_say_nothing(printing: Instance, on: str) -> None:
    OCTOPRINT.doubt(printing.memory)
    assert heater(printing, on, 10, 60, retained=True) == ()
    assert heater(printing, on, 20, 60, retained=True) == ()


def test_heaters_that_stay_off_are_waited_for_and_looked_at(printing: Instance) -> None:
    printing.heat(5, 210, 60)
    assert not waiting().waits(printing.memory)
    printing.heat(10)
    assert waiting().waits(printing.memory)
    assert waiting().look(printing.memory, AT_MS + 69_999) is None
    seen = waiting().look(printing.memory, AT_MS + 70_000)
    assert seen == Observation(
        time_ms=AT_MS + 70_000,
        since_ms=AT_MS + 10_000,
        level=True,
        state=PrinterState.IDLE,
        detail="heaters off in mid-print",
    )
    assert not waiting().waits(printing.memory)


def test_a_print_found_under_way_that_was_never_hot_is_not_over_because_it_is_cold(
    instance: Instance,
) -> None:
    instance.progress(50)
    assert (instance.heat(10), instance.heat(80)) == ((), ())


def test_kept_heaters_that_are_off_do_not_begin_the_minute(printing: Instance) -> None:
    printing.heat(5, 210, 60)
    heaters(printing, 10, 0, retained=True)
    assert not waiting().waits(printing.memory)


# -- progress -------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["STARTING", "PRINTING"])
def test_progress_ends_the_doubt_of_a_print(printing: Instance, word: str) -> None:
    printing.state(word)
    OCTOPRINT.doubt(printing.memory)
    assert len(printing.progress(40, 10).observations) == 1
    assert not printing.memory.doubted
    assert printing.progress(41, 11).observations == ()


def test_progress_from_before_the_last_event_goes_on_from_what_was_known_then(printing: Instance) -> None:
    printing.event("PrintPaused", 20)
    OCTOPRINT.doubt(printing.memory)
    away(printing)
    assert printing.progress(40, 10).observations == ()


def test_a_doubt_begins_the_seconds_of_progress_anew(instance: Instance) -> None:
    instance.event("Connected")
    instance.progress(40, 10)
    OCTOPRINT.doubt(instance.memory)
    assert instance.progress(41, 15).observations == ()


def test_where_no_state_is_known_none_is_doubted(instance: Instance) -> None:
    OCTOPRINT.doubt(instance.memory)
    assert not instance.memory.doubted


@pytest.mark.parametrize("lost", ["doubted", "not known"])
def test_a_file_that_the_broker_kept_as_read_through_ends_a_print_of_before(
    printing: Instance, lost: str
) -> None:
    lose(printing, lost)
    seen = Observation(
        retained=True,
        level=True,
        state=PrinterState.FINISHED,
        signal=JobSignal.READ_THROUGH,
        ended_ms=AT_MS + 10_000,
        job=JobReading(file=FILE),
    )
    assert printing.progress(100, 10, retained=True) == Reading(None, (seen,))
    assert (printing.memory.state, printing.memory.doubted) == (PrinterState.FINISHED, False)
    assert printing.event("PrinterStateChanged", 20, state_id="OPERATIONAL").state == "finished"


def test_it_ends_none_that_nobody_doubts(printing: Instance) -> None:
    assert printing.progress(100, 10, retained=True) == Reading(None)
    assert printing.memory.state is PrinterState.PRINTING


@pytest.mark.parametrize("lost", ["doubted", "not known"])
def test_it_says_nothing_of_a_printer_that_rested(instance: Instance, lost: str) -> None:
    instance.event("Connected")
    lose(instance, lost)
    assert instance.progress(100, 10, retained=True) == Reading(None)


def test_progress_that_the_broker_kept_short_of_the_end_ends_nothing(printing: Instance) -> None:
    away(printing)
    assert printing.progress(99, 10, retained=True) == Reading(None)


def test_progress_shows_nothing_beside_a_state_that_is_none_of_ours(instance: Instance) -> None:
    instance.state("DANCING")
    assert (instance.progress(40, 10).observations, instance.progress(41, 20).observations) == ((), ())
    assert instance.memory.state is PrinterState.UNKNOWN
