"""What is said outright of a job, and said again."""

from types import ModuleType

import msgspec
import pytest

from collector import tracker
from collector.tracker import ContinuityLost, Settled, SignOfLife, Silence, TrackerState
from farm.model.feed import FeedKind
from farm.model.observation import HistoryRow, JobReading, JobSignal
from farm.model.states import Cause, Outcome, PrinterState, Provenance
from tests.unit.collector.tracker.books import MINUTE, PRINTER, T0, Books

FILE = "vase.gcode"


@pytest.fixture
def books() -> Books:
    return Books()


# -- starts -----------------------------------------------------------------------------------


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize(("token", "again_ms"), [("1", T0 + 6 * MINUTE), (None, T0 + MINUTE)])
def test_a_start_that_is_known_says_nothing_in_other_words(
    books: Books, token: str | None, again_ms: int, *, ended: bool
) -> None:
    books.see(1, state="printing", signal="started", job=JobReading(file=FILE, token=token))
    if ended:
        books.see(5, state="idle", signal="cancelled", job=JobReading(file=FILE))
    else:
        books.see(5, state="paused")
    stood = books.tracker.state
    again = JobReading(file=FILE, token=token, material="PLA")
    books.see(6, state="printing", signal="started", job=again, time_ms=again_ms)
    assert (len(books.jobs), books.tracker.state, books.job.material) == (1, stood, None)


def test_a_start_signal_is_adopted_once(books: Books) -> None:
    books.see_ms(0, state="printing", job=JobReading(file=FILE))
    for mark in (1, 2):
        job = JobReading(file=FILE, token=f"{mark}")
        books.see_ms(100 * mark, state="printing", signal="started", job=job)
    assert len(books.jobs) == 2


def test_a_start_signal_that_is_adopted_tells_its_state_too(books: Books) -> None:
    books.see_ms(0, state="preparing", job=JobReading(file=FILE))
    books.see_ms(100, state="printing", signal="started", job=JobReading(file=FILE, token="1"))
    assert (len(books.jobs), books.tracker.state) == (1, PrinterState.PRINTING)


def test_a_start_signal_fixes_a_start_that_was_not_known(books: Books) -> None:
    books.see_ms(0, level=True, state="printing", job=JobReading(file=FILE))
    books.see_ms(100, signal="started", job=JobReading(file=FILE, token="1"))
    assert (books.job.started_ms, books.job.start_provenance) == (T0, Provenance.OBSERVED)


# -- the words of a failure -------------------------------------------------------------------


def test_a_failure_told_as_it_happens_long_after_another_is_a_second_one(books: Books) -> None:
    books.start(1)
    books.see(5, state="error", signal="failed", cause="unknown", job=JobReading(file=FILE))
    books.see(30, signal="failed", cause="thermal", job=JobReading(file=FILE))
    assert [job.cause for job in books.jobs.values()] == [Cause.UNKNOWN, Cause.THERMAL]


@pytest.mark.parametrize("first", ["done", "cancelled"])
def test_the_words_of_a_failure_explain_no_other_end(books: Books, first: str) -> None:
    books.start(1)
    books.see(5, state="idle", signal=first, job=JobReading(file=FILE))
    books.see(30, level=True, signal="failed", cause="thermal", job=JobReading(file=FILE))
    assert (books.job.cause, books.job.revision) == (None, 0)


def test_the_words_of_a_failure_need_not_name_its_file(books: Books) -> None:
    books.start(1)
    books.see(5, state="error", signal="failed", job=JobReading(file=FILE))
    books.see(30, level=True, signal="failed", cause="thermal", detail="hot")
    assert (books.job.cause, books.job.detail) == (Cause.THERMAL, "hot")


def test_the_words_of_a_failure_may_follow_it_at_once(books: Books) -> None:
    books.start(1)
    books.see(5, state="error", signal="failed", cause="unknown", job=JobReading(file=FILE))
    books.see(5.01, signal="failed", cause="operator", detail="M112", job=JobReading(file=FILE))
    assert (books.job.cause, books.job.detail, books.job.revision) == (Cause.OPERATOR, "M112", 1)


def test_a_cancel_that_follows_a_failure_takes_nothing_away(books: Books) -> None:
    books.start(1)
    books.see(5, state="error", signal="failed", cause="unknown", detail="said", job=JobReading(file=FILE))
    books.see(5.01, signal="cancelled", job=JobReading(file=FILE))
    assert (books.job.outcome, books.job.cause, books.job.detail) == (Outcome.FAILED, Cause.UNKNOWN, "said")
    assert books.job.revision == 0


# -- the file read through --------------------------------------------------------------------


def test_a_file_read_through_is_that_of_a_job_whose_file_is_not_known(books: Books) -> None:
    books.see(1, state="printing", job=JobReading())
    books.see(20, level=True, signal="read_through", job=JobReading(file=FILE))
    books.see(20.1, state="idle")
    books.give(T0 + 21 * MINUTE, Settled())
    assert books.job.outcome is Outcome.SUCCEEDED


def test_a_file_read_through_ends_an_unknown_end_whose_file_is_not_known(books: Books) -> None:
    books.see(1, state="printing", job=JobReading())
    books.see(20, state="idle", signal="lost")
    books.see(20.1, level=True, signal="read_through", job=JobReading(file=FILE))
    assert books.job.outcome is Outcome.SUCCEEDED


# -- the feed and the hours -------------------------------------------------------------------


def test_a_change_of_state_is_told_of_its_printer_and_its_job(books: Books) -> None:
    books.see(1, state="idle")
    books.start(2)
    changes = [entry for entry in books.feed if entry.kind is FeedKind.STATE_CHANGED]
    assert [entry.job_id for entry in changes] == [None, books.job.id]
    assert {entry.printer_id for entry in books.feed} == {PRINTER}


def test_only_a_pause_is_resumed_from(books: Books) -> None:
    books.start(1)
    books.see(2, state="paused")
    books.see(3, state="preparing")
    books.see(4, state="printing")
    assert [kind for kind in books.told if kind is not FeedKind.STATE_CHANGED] == [
        FeedKind.JOB_STARTED,
        FeedKind.JOB_PAUSED,
        FeedKind.JOB_RESUMED,
    ]


def test_a_print_of_a_millisecond_has_its_millisecond(books: Books) -> None:
    books.see_ms(0, state="printing", job=JobReading(file=FILE))
    books.see_ms(1, state="idle", signal="cancelled", job=JobReading(file=FILE))
    assert books.job.printing_ms == 1


def test_a_printer_that_prepares_without_a_job_goes_on_with_it_after_a_silence(books: Books) -> None:
    books.see(1, state="preparing")
    books.give(T0 + 10 * MINUTE, Silence())
    books.give(T0 + 20 * MINUTE, SignOfLife())
    assert (books.tracker.state, books.jobs) == (PrinterState.PREPARING, {})


def test_a_job_that_was_told_without_a_state_stays_under_way_in_silence(books: Books) -> None:
    books.see(1, signal="started", job=JobReading(file=FILE, token="1"))
    books.give(T0 + 10 * MINUTE, Silence())
    assert books.tracker.attempt is not None
    assert books.tracker.attempt.gap_from_ms is None


# -- what is kept -----------------------------------------------------------------------------


def test_the_tracker_is_stored_and_read_back_as_it_stands(books: Books) -> None:
    books.start(1)
    books.see(5, state="error", cause="thermal", detail="hot", time_ms=None)
    books.see(6, state="printing")
    row = HistoryRow(history="h", native_id="7", file=FILE, started_ms=T0 + MINUTE, signal=JobSignal.STARTED)
    books.see(7, level=True, history=(row,))
    books.give(T0 + 10 * MINUTE, ContinuityLost(T0 + 30 * MINUTE))
    assert books.tracker.aliases == (("h", "7", books.job.id),)
    stored = msgspec.msgpack.encode(books.tracker)
    assert msgspec.msgpack.decode(stored, type=TrackerState) == books.tracker


def test_what_is_left_out_of_a_stored_attempt_is_what_is_usual(books: Books) -> None:
    books.see(1, level=True, state="printing", job=JobReading(file=FILE))
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(books.tracker.attempt))
    assert set(stored) == {"job", "opened_ms", "accounted_ms"}


def test_the_package_names_all_that_it_brings_together() -> None:
    brought = {name for name, value in vars(tracker).items() if not isinstance(value, ModuleType)}
    assert {name for name in brought if not name.startswith("_")} == set(tracker.__all__)
