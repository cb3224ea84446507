"""What OctoPrint's messages show of a time in which others were missed, message by message."""

import pytest

from collector.adapters.base import Reading
from farm.model.observation import JobSignal, Observation
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
