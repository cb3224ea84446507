"""Which attempt a reading speaks of, where the source names it or little is known."""

import pytest

from collector.tracker import ContinuityLost
from collector.tracker.limits import SAME_START_MS
from farm.model.feed import FeedKind
from farm.model.observation import JobReading
from farm.model.states import Outcome, Provenance
from tests.unit.collector.tracker.books import MINUTE, T0, Books

FILE = "vase.gcode"


@pytest.fixture
def books() -> Books:
    return Books()


def begun(books: Books, minute: float, name: str, file: str | None = FILE) -> None:
    """A start with the source's own id of the job."""
    job = JobReading(file=file, token=name, native_id=name)
    books.see(minute, state="printing", signal="started", job=job)


def lose(books: Books) -> None:
    books.give(T0 + 10 * MINUTE, ContinuityLost(T0 + 30 * MINUTE))


def test_the_sources_own_id_names_the_same_attempt_after_a_gap(books: Books) -> None:
    begun(books, 1, "7")
    lose(books)
    job = JobReading(file="renamed.gcode", native_id="7", elapsed_ms=0)
    books.see(31, level=True, state="printing", job=job)
    assert len(books.jobs) == 1
    assert books.tracker.attempt is not None
    assert books.tracker.attempt.gap_from_ms is None


def test_another_id_after_a_gap_leaves_it_to_file_and_time(books: Books) -> None:
    begun(books, 1, "7")
    lose(books)
    books.see(31, level=True, state="printing", job=JobReading(file="other.gcode", native_id="8"))
    first, second = books.jobs.values()
    assert (first.outcome, first.ended_ms, second.file) == (
        Outcome.UNKNOWN,
        T0 + 10 * MINUTE,
        "other.gcode",
    )


@pytest.mark.parametrize(("mine", "theirs"), [(None, FILE), (FILE, None), (None, None)])
def test_a_file_that_is_not_known_tells_no_attempts_apart(
    books: Books, mine: str | None, theirs: str | None
) -> None:
    books.see(1, state="printing", job=JobReading(file=mine, elapsed_ms=0))
    books.see(2, level=True, state="printing", job=JobReading(file=theirs))
    lose(books)
    books.see(31, level=True, state="printing", job=JobReading(file=theirs))
    books.see(40, state="finished", signal="done", job=JobReading(file=theirs))
    assert books.job.outcome is Outcome.SUCCEEDED
    assert books.job.file == (mine or theirs)


def test_another_file_is_another_attempt(books: Books) -> None:
    books.see(1, state="printing", job=JobReading(file=FILE))
    books.see(2, level=True, state="printing", job=JobReading(file="other.gcode"))
    assert [job.file for job in books.jobs.values()] == [FILE, "other.gcode"]


def test_another_id_is_another_attempt_and_the_same_one_is_not(books: Books) -> None:
    begun(books, 1, "7")
    books.see(2, level=True, state="printing", job=JobReading(file="renamed.gcode", native_id="7"))
    assert len(books.jobs) == 1
    books.see(3, level=True, state="printing", job=JobReading(file=FILE, native_id="8"))
    assert len(books.jobs) == 2


def test_an_id_says_nothing_of_an_attempt_that_was_met_without_its_own(books: Books) -> None:
    books.see(1, state="printing", job=JobReading(file=FILE))
    books.see(2, level=True, state="printing", job=JobReading(file=FILE, native_id="8"))
    assert len(books.jobs) == 1
    books.see(3, state="finished", signal="done", job=JobReading(file=FILE, native_id="8"))
    assert books.job.outcome is Outcome.SUCCEEDED


def test_an_end_under_another_id_is_of_a_later_attempt(books: Books) -> None:
    begun(books, 1, "7")
    books.see(20, state="finished", signal="done", job=JobReading(file=FILE, native_id="8"))
    first, second = books.jobs.values()
    assert (first.outcome, second.outcome) == (Outcome.UNKNOWN, Outcome.SUCCEEDED)
    assert books.told.count(FeedKind.JOB_ENDED) == 2


def test_an_end_under_the_same_id_is_of_the_attempt_whatever_its_file(books: Books) -> None:
    begun(books, 1, "7")
    books.see(20, state="finished", signal="done", job=JobReading(file="renamed.gcode", native_id="7"))
    assert books.job.outcome is Outcome.SUCCEEDED


def test_an_end_of_another_file_is_of_a_later_attempt(books: Books) -> None:
    books.start(1)
    books.see(20, state="finished", signal="done", job=JobReading(file="other.gcode"))
    assert [job.outcome for job in books.jobs.values()] == [Outcome.UNKNOWN, Outcome.SUCCEEDED]


def test_an_end_without_a_file_is_of_the_open_attempt(books: Books) -> None:
    books.start(1)
    books.see(20, state="finished", signal="done", job=JobReading())
    assert books.job.outcome is Outcome.SUCCEEDED


def test_a_short_time_without_a_gap_does_not_make_an_end_anothers(books: Books) -> None:
    books.start(1)
    books.see(20, state="finished", signal="done", job=JobReading(file=FILE, elapsed_ms=MINUTE))
    assert len(books.jobs) == 1


def test_pauses_belong_to_the_time_of_an_end_that_is_told_in_printing_time(books: Books) -> None:
    """Twenty minutes of which nine were paused: the attempt began before the gap."""
    books.start(0)
    books.see(1, state="paused")
    books.see(9, state="printing")
    lose(books)
    printing = 30 * MINUTE - 10 * MINUTE - 8 * MINUTE - SAME_START_MS
    reading = JobReading(file=FILE, printing_ms=printing)
    books.see(30, state="finished", signal="done", job=reading)
    assert books.job.outcome is Outcome.SUCCEEDED
    other = Books()
    other.start(0)
    other.see(1, state="paused")
    other.see(9, state="printing")
    lose(other)
    other.see(30, state="finished", signal="done", job=JobReading(file=FILE, printing_ms=printing - 1))
    assert len(other.jobs) == 2


def test_an_end_found_late_without_a_known_start_is_held_against_the_first_sight(books: Books) -> None:
    books.see(1, level=True, state="printing", job=JobReading(file=FILE))
    lose(books)
    short = JobReading(file=FILE, elapsed_ms=9 * MINUTE - SAME_START_MS - 1)
    books.see(31, level=True, state="finished", signal="done", job=short)
    assert books.job.outcome is Outcome.UNKNOWN
    other = Books()
    other.see(1, level=True, state="printing", job=JobReading(file=FILE))
    lose(other)
    enough = JobReading(file=FILE, elapsed_ms=9 * MINUTE - SAME_START_MS)
    other.see(31, level=True, state="finished", signal="done", job=enough)
    assert other.job.outcome is Outcome.SUCCEEDED


def test_a_start_in_the_same_tick_of_the_clock_is_another_attempt(books: Books) -> None:
    reading = JobReading(file=FILE, token="5:vase.gcode")
    books.see(5, state="printing", signal="started", job=reading)
    books.see(5, state="idle", signal="cancelled", job=JobReading(file=FILE))
    books.see(5.001, state="printing", job=reading)
    assert len(books.jobs) == 2


def test_the_time_of_an_end_gives_the_start_of_an_attempt_that_was_met_in_mid_print(books: Books) -> None:
    books.see(5, level=True, state="printing", job=JobReading(file=FILE))
    books.see(20, state="finished", signal="done", job=JobReading(file=FILE, elapsed_ms=19 * MINUTE))
    assert (books.job.started_ms, books.job.ended_ms) == (T0 + MINUTE, T0 + 20 * MINUTE)
    assert books.job.start_provenance is Provenance.INFERRED


def test_an_observed_start_is_not_moved_by_the_time_of_the_end(books: Books) -> None:
    books.start(1)
    books.see(20, state="finished", signal="done", job=JobReading(file=FILE, elapsed_ms=18 * MINUTE))
    assert (books.job.started_ms, books.job.ended_ms) == (T0 + MINUTE, T0 + 19 * MINUTE)


def test_a_start_that_is_worked_out_is_never_after_the_first_sight(books: Books) -> None:
    books.see(5, level=True, state="printing", job=JobReading(file=FILE))
    books.see(20, state="finished", signal="done", job=JobReading(file=FILE, elapsed_ms=14 * MINUTE))
    assert books.job.started_ms == T0 + 5 * MINUTE


def test_the_measured_printing_time_gives_a_start_that_nothing_else_gives(books: Books) -> None:
    books.see(5, level=True, state="printing", job=JobReading(file=FILE))
    books.see(8, state="paused")
    books.see(10, state="printing")
    books.see(20, state="finished", signal="done", job=JobReading(file=FILE, printing_ms=17 * MINUTE))
    assert (books.job.started_ms, books.job.paused_ms) == (T0 + MINUTE, 2 * MINUTE)
    assert books.job.start_provenance is Provenance.INFERRED


def test_without_measured_time_a_start_that_was_not_seen_stays_unknown(books: Books) -> None:
    books.see(5, level=True, state="printing", job=JobReading(file=FILE))
    books.see(20, state="finished", signal="done", job=JobReading(file=FILE))
    assert (books.job.started_ms, books.job.ended_ms) == (None, T0 + 20 * MINUTE)
    unseen = Books()
    unseen.see(20, state="finished", signal="done", job=JobReading(file=FILE))
    assert (unseen.job.started_ms, unseen.job.ended_ms) == (None, T0 + 20 * MINUTE)
    assert unseen.job.start_provenance is Provenance.INFERRED


def test_the_job_before_ends_when_the_next_began_however_late_that_is_found(books: Books) -> None:
    """Nothing was heard for three minutes, less than the limit; the next print is found running."""
    books.see(1, state="printing", job=JobReading(file="a.gcode", elapsed_ms=0))
    books.see(10, level=True, state="printing", job=JobReading(file="b.gcode", elapsed_ms=3 * MINUTE))
    first, second = books.jobs.values()
    assert (first.outcome, first.ended_ms) == (Outcome.UNKNOWN, T0 + 7 * MINUTE)
    assert (first.printing_ms, second.started_ms) == (6 * MINUTE, T0 + 7 * MINUTE)


@pytest.mark.parametrize("signal", ["done", "started"])
def test_a_signal_of_the_next_job_ends_the_one_before_when_that_began(books: Books, signal: str) -> None:
    books.see(1, state="printing", job=JobReading(file="a.gcode", elapsed_ms=0))
    job = JobReading(file="b.gcode", elapsed_ms=3 * MINUTE)
    state = "finished" if signal == "done" else "printing"
    books.see(10, state=state, signal=signal, job=job)
    first, second = books.jobs.values()
    assert (first.ended_ms, second.started_ms) == (T0 + 7 * MINUTE, T0 + 7 * MINUTE)


def test_after_a_gap_the_job_before_ends_no_later_than_the_next_began(books: Books) -> None:
    books.see(1, state="printing", job=JobReading(file="a.gcode", elapsed_ms=0))
    books.give(T0 + 10 * MINUTE, ContinuityLost(T0 + 11 * MINUTE))
    books.see(12, level=True, state="printing", job=JobReading(file="b.gcode", elapsed_ms=5 * MINUTE))
    first, second = books.jobs.values()
    # Nine minutes are booked for the first, so the second cannot have begun within them.
    assert (first.ended_ms, first.printing_ms) == (T0 + 10 * MINUTE, 9 * MINUTE)
    assert second.started_ms == T0 + 10 * MINUTE


def test_a_start_never_lies_before_the_end_of_the_job_before(books: Books) -> None:
    books.start(1, "a.gcode")
    books.see(10, state="finished", signal="done", job=JobReading(file="a.gcode"))
    books.see(11, state="printing", job=JobReading(file="b.gcode", elapsed_ms=5 * MINUTE))
    _, second = books.jobs.values()
    assert second.started_ms == T0 + 10 * MINUTE
    unseen = Books()
    unseen.start(1, "a.gcode")
    unseen.see(10, state="finished", signal="done", job=JobReading(file="a.gcode"))
    unseen.see(11, state="finished", signal="done", job=JobReading(file="b.gcode", printing_ms=5 * MINUTE))
    _, second = unseen.jobs.values()
    assert second.started_ms == T0 + 10 * MINUTE
