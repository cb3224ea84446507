"""A short gap: what stands through it, what confirms it, and what turns it into a gap after all."""

from typing import Any

import pytest

from collector.tracker import ContinuityLost, SignOfLife, Silence
from collector.tracker.limits import ECHO_MS
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


@pytest.mark.parametrize(("away_ms", "state"), [(0, PrinterState.IDLE), (1, PrinterState.UNKNOWN)])
def test_without_a_limit_no_time_at_all_is_bridged(away_ms: int, state: PrinterState) -> None:
    books = Books()
    books.see(1, state="idle")
    books.give(T0 + 10 * MINUTE, ContinuityLost(T0 + 10 * MINUTE + away_ms))
    assert books.tracker.state is state


def test_a_link_that_goes_as_it_is_told_leaves_the_time_before_in_doubt(idle: Books) -> None:
    idle.see(20, heard=20, link="offline")
    assert idle.states[-2:] == [(PrinterState.IDLE, 19), (PrinterState.OFFLINE, 0)]


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


# -- bounds and sources ---------------------------------------------------------------------


@pytest.mark.parametrize(("early_ms", "missed"), [(0, False), (1, True)])
def test_a_print_that_began_before_the_later_of_two_gaps_was_over_began_unseen(
    idle: Books, early_ms: int, *, missed: bool
) -> None:
    away(idle, 17, 19)
    job = JobReading(file="vase.gcode", elapsed_ms=MINUTE + ECHO_MS + early_ms)
    idle.see(20, state="printing", level=True, job=job)
    known = [(PrinterState.IDLE, 9), (PrinterState.UNKNOWN, 10)] if missed else [(PrinterState.IDLE, 19)]
    assert idle.states[1:-1] == known


def test_silence_behind_the_gap_ends_the_doubt_of_it(books: Books) -> None:
    books.give(T0 + 15 * MINUTE, Silence())
    assert (books.tracker.since_ms, books.tracker.source) == (T0 + 10 * MINUTE, "silence")
    assert books.tracker.doubt is None


@pytest.mark.parametrize(
    ("heard", "since", "source"), [(8, 8, "link"), (10, 10, "link"), (12, 10, "absence")]
)
def test_a_lost_link_is_a_gap_from_when_the_state_was_last_certain(
    books: Books, heard: int, since: int, source: str
) -> None:
    books.see(16, heard=heard, link="offline")
    (unknown,) = [span for span in books.spans.values() if span.state is PrinterState.UNKNOWN][1:]
    assert (unknown.from_ms, unknown.source) == (T0 + since * MINUTE, source)
    assert books.job.printing_ms == (since - 1) * MINUTE


@pytest.mark.parametrize("seen", [{"signal": "read_through", "level": True, "job": VASE}, {"detail": "hot"}])
def test_what_tells_no_state_confirms_none(books: Books, seen: dict[str, Any]) -> None:
    books.see(20, **seen)
    assert books.tracker.doubt is not None
    assert books.tracker.state is PrinterState.PRINTING


def test_an_end_confirms_also_where_it_tells_no_state(books: Books) -> None:
    books.see(20, signal="done", job=VASE)
    assert books.tracker.doubt is None
    assert (books.job.outcome, books.job.printing_ms) == (Outcome.SUCCEEDED, 19 * MINUTE)


def test_a_state_confirms_also_where_a_file_was_read_through(books: Books) -> None:
    books.see(20, state="printing", signal="read_through", job=VASE)
    assert books.tracker.doubt is None


@pytest.mark.parametrize(("minutes", "at"), [(10, 10), (11, 21)])
def test_what_was_told_in_a_short_gap_still_has_its_place(minutes: int, at: int) -> None:
    books = Books()
    books.see(1, state="idle")
    away(books, 10, 10 + minutes)
    assert books.tracker.at_ms == T0 + at * MINUTE


@pytest.mark.parametrize(("minutes", "state"), [(10, PrinterState.PRINTING), (11, PrinterState.UNKNOWN)])
def test_a_short_absence_leaves_a_silence_what_it_was(minutes: int, state: PrinterState) -> None:
    books = Books()
    books.start(1)
    books.give(T0 + 5 * MINUTE, Silence())
    away(books, 10, 10 + minutes)
    books.give(T0 + 25 * MINUTE, SignOfLife())
    assert books.tracker.state is state


# -- the job that was open ------------------------------------------------------------------


def is_missed(books: Books) -> bool:
    """Whether what was told made the doubt a gap."""
    return (PrinterState.PRINTING, 9) in books.states


@pytest.mark.parametrize(
    ("seen", "missed"),
    [
        ({"state": "printing", "signal": "started", "job": JobReading(token="1:vase.gcode")}, False),
        ({"state": "printing", "signal": "started", "job": JobReading(token="2:vase.gcode")}, True),
        ({"state": "finished", "signal": "done", "job": JobReading(file="cup.gcode")}, True),
        ({"state": "finished", "signal": "done", "job": JobReading(printing_ms=2 * MINUTE)}, True),
        ({"state": "finished", "signal": "done", "job": JobReading(printing_ms=19 * MINUTE)}, False),
        ({"state": "paused"}, False),
        ({"state": "paused", "job": JobReading(file="cup.gcode")}, True),
        ({"state": "paused", "job": JobReading(file="vase.gcode", progress=0.2)}, False),
        ({"state": "printing", "level": True, "job": JobReading(file="vase.gcode", progress=0.2)}, True),
        ({"state": "printing", "level": True, "job": JobReading(file="vase.gcode", progress=0.6)}, False),
        ({"state": "paused", "job": JobReading(file="vase.gcode", elapsed_ms=2 * MINUTE)}, True),
        ({"state": "paused", "job": JobReading(file="vase.gcode", elapsed_ms=19 * MINUTE)}, False),
        ({"state": "idle"}, False),
        ({"state": "idle", "level": True}, True),
        ({"state": "unknown"}, True),
    ],
)
def test_what_follows_upon_an_open_job_and_what_does_not(seen: dict[str, Any], *, missed: bool) -> None:
    books = Books()
    books.start(1)
    books.see(2, state="printing", job=JobReading(file="vase.gcode", progress=0.5))
    away(books)
    books.see(20, **seen)
    assert is_missed(books) is missed


# -- what is only presumed ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "state"),
    [({"link": "offline"}, "idle"), ({"state": "offline"}, "offline"), ({"state": "unknown"}, "idle")],
)
def test_what_is_presumed_counts_where_the_state_is_not_known(before: dict[str, Any], state: str) -> None:
    books = Books()
    books.see(1, state="paused")
    books.see(2, **before)
    books.see(3, state="idle", level=True, presumed=True)
    assert books.tracker.state == state


def test_what_is_presumed_counts_in_a_doubt(idle: Books) -> None:
    idle.see(20, state="error", level=True, presumed=True)
    assert idle.tracker.state is PrinterState.ERROR
