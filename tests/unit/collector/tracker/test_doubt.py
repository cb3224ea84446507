"""A short gap: what stands through it, what confirms it, and what turns it into a gap after all."""

from typing import Any

import pytest

from collector.tracker import ContinuityLost, Silence
from farm.model.observation import JobReading
from farm.model.operator_input import PrinterService, SetState
from farm.model.states import Outcome, PrinterState
from tests.unit.collector.tracker.books import MINUTE, T0, Books

VASE = JobReading(file="vase.gcode")


@pytest.fixture
def books() -> Books:
    """One that prints since minute 1, of which messages of minutes 10 to 15 may be missing."""
    books = Books()
    books.start(1)
    away(books)
    return books


@pytest.fixture
def idle() -> Books:
    """One that rests since minute 1, of which messages of minutes 10 to 15 may be missing."""
    books = Books()
    books.see(1, state="idle")
    away(books)
    return books


def away(books: Books, begin: int = 10, end: int = 15) -> None:
    books.give(T0 + begin * MINUTE, ContinuityLost(T0 + end * MINUTE, limit_ms=10 * MINUTE))


def test_a_gap_as_long_as_the_limit_is_short_and_a_longer_one_is_not() -> None:
    for away_ms, state in ((10 * MINUTE, PrinterState.IDLE), (10 * MINUTE + 1, PrinterState.UNKNOWN)):
        books = Books()
        books.see(1, state="idle")
        books.give(T0 + 10 * MINUTE, ContinuityLost(T0 + 10 * MINUTE + away_ms, limit_ms=10 * MINUTE))
        assert books.tracker.state is state


def test_the_same_job_confirms_and_its_hours_have_no_gap(books: Books) -> None:
    books.see(20, state="printing", level=True, job=JobReading(file="vase.gcode", elapsed_ms=19 * MINUTE))
    assert books.tracker.doubt is None
    books.see(31, state="finished", signal="done", job=VASE)
    assert books.job.printing_ms == 30 * MINUTE
    assert [state for state, _ in books.states] == ["unknown", "printing", "finished"]


def test_an_end_told_as_it_happens_is_the_open_jobs(books: Books) -> None:
    books.see(31, state="finished", signal="done", job=VASE)
    assert (books.job.outcome, books.job.provenance) == ("succeeded", "observed")
    assert books.job.printing_ms == 30 * MINUTE


def test_an_end_that_a_whole_status_tells_was_in_the_gap(books: Books) -> None:
    job = JobReading(file="vase.gcode", elapsed_ms=11 * MINUTE)
    books.see(16, state="finished", level=True, signal="done", job=job)
    assert (books.job.outcome, books.job.provenance) == ("succeeded", "inferred")
    assert books.job.ended_ms == T0 + 12 * MINUTE
    assert books.states[-2:] == [(PrinterState.UNKNOWN, 6), (PrinterState.FINISHED, 0)]


@pytest.mark.parametrize(
    "seen",
    [
        {"state": "printing", "signal": "started", "job": JobReading(file="cup.gcode", token="2")},
        {"state": "printing", "level": True, "job": JobReading(file="cup.gcode")},
        {"state": "printing", "level": True, "job": JobReading(file="vase.gcode", elapsed_ms=2 * MINUTE)},
    ],
)
def test_another_job_shows_that_the_open_one_ended_in_the_gap(books: Books, seen: dict[str, Any]) -> None:
    books.see(16, **seen)
    first, second = sorted(books.jobs.values(), key=lambda job: job.started_ms or T0 + 16 * MINUTE)
    assert (first.outcome, first.ended_ms, first.printing_ms) == (
        Outcome.UNKNOWN,
        T0 + 10 * MINUTE,
        9 * MINUTE,
    )
    assert second.outcome is None
    assert books.states[-2:] == [(PrinterState.UNKNOWN, 6), (PrinterState.PRINTING, 0)]


def test_a_rest_told_as_it_happens_waits_for_its_end(books: Books) -> None:
    books.see(20, state="idle")
    assert books.tracker.attempt is not None
    books.see(20.1, state="idle", signal="cancelled", job=VASE)
    assert books.job.outcome is Outcome.CANCELLED
    assert books.job.printing_ms == 19 * MINUTE


def test_silence_behind_the_gap_is_a_gap_from_its_begin(books: Books) -> None:
    books.give(T0 + 15 * MINUTE, Silence())
    assert books.states[-2:] == [(PrinterState.PRINTING, 9), (PrinterState.UNKNOWN, 0)]
    assert books.tracker.since_ms == T0 + 10 * MINUTE
    assert books.job.outcome is None


def test_two_gaps_in_a_row_are_one_doubt(books: Books) -> None:
    away(books, 17, 19)
    books.see(20, state="idle", level=True)
    assert (books.job.outcome, books.job.ended_ms) == (Outcome.UNKNOWN, T0 + 10 * MINUTE)


def test_an_edge_of_a_printer_that_rested_begins_now(idle: Books) -> None:
    idle.start(20)
    assert idle.states == [(PrinterState.UNKNOWN, 1), (PrinterState.IDLE, 19), (PrinterState.PRINTING, 0)]


@pytest.mark.parametrize(
    "seen",
    [
        {"state": "finished", "signal": "done", "job": JobReading(file="vase.gcode", printing_ms=MINUTE)},
        {"state": "paused"},
        {"state": "printing", "level": True, "job": VASE},
        {"state": "finished", "level": True},
    ],
)
def test_what_a_job_must_precede_shows_that_one_began_unseen(idle: Books, seen: dict[str, Any]) -> None:
    idle.see(20, **seen)
    assert idle.states[1:3] == [(PrinterState.IDLE, 9), (PrinterState.UNKNOWN, 10)]


@pytest.mark.parametrize("state", ["idle", "error", "unknown"])
def test_another_rest_is_as_of_now(idle: Books, state: str) -> None:
    idle.see(20, state=state, level=True)
    assert idle.states[1][0] is PrinterState.IDLE
    assert PrinterState.UNKNOWN not in [known for known, minutes in idle.states[1:] if minutes]


def test_a_print_that_began_behind_the_gap_by_its_own_clock_is_as_of_now(idle: Books) -> None:
    idle.see(20, state="printing", level=True, job=JobReading(file="vase.gcode", elapsed_ms=5 * MINUTE))
    assert [state for state, _ in idle.states] == ["unknown", "idle", "printing"]


def test_a_bed_that_was_cleared_is_no_finish_that_was_missed() -> None:
    books = Books()
    books.start(1)
    books.see(5, state="finished", signal="done", job=VASE)
    books.say(6, SetState(PrinterService.BED_CLEARED))
    away(books)
    books.see(20, state="finished", level=True)
    assert books.tracker.state is PrinterState.IDLE
    assert books.tracker.since_ms == T0 + 6 * MINUTE


def test_what_is_presumed_changes_nothing_that_is_known(idle: Books) -> None:
    idle.see(20, state="error")
    idle.see(21, state="idle", level=True, presumed=True)
    assert idle.tracker.state is PrinterState.ERROR


def test_a_link_made_anew_soon_is_a_doubt_and_later_a_gap() -> None:
    for minutes, state in ((9, PrinterState.IDLE), (11, PrinterState.UNKNOWN)):
        books = Books()
        books.see(0, link="online", state="idle")
        books.see_link(minutes, heard=0, limit=10)
        assert books.tracker.state is state
