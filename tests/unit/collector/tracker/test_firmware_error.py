"""An error that the firmware told before an end, or right behind it, is why the print ended."""

from typing import Any

import pytest

from collector.tracker import ContinuityLost
from collector.tracker.limits import ECHO_MS
from farm.model.feed import FeedKind
from farm.model.observation import HistoryRow, JobFact, JobReading, JobSignal
from farm.model.states import CancelledBy, Cause, Outcome, PrinterState, Provenance
from tests.unit.collector.tracker.books import MINUTE, T0, Books

FILE = "vase.gcode"
TOLD: dict[str, Any] = {"facts": (JobFact.FIRMWARE_ERROR,), "cause": "thermal", "detail": "hot"}


@pytest.fixture
def books() -> Books:
    return Books()


def end(books: Books, minute: float, signal: str, **more: Any) -> None:
    books.see(minute, state="idle", signal=signal, job=JobReading(file=FILE), **more)


def account(books: Books) -> tuple[object, ...]:
    return books.job.outcome, books.job.cause, books.job.detail


@pytest.mark.parametrize(
    ("signal", "more", "wanted"),
    [
        ("cancelled", {}, (Outcome.FAILED, Cause.THERMAL, "hot")),
        ("cancelled", {"facts": (JobFact.USER_NAMED,)}, (Outcome.FAILED, Cause.THERMAL, "hot")),
        ("failed", {}, (Outcome.FAILED, Cause.THERMAL, "hot")),
        ("failed", {"cause": "unknown"}, (Outcome.FAILED, Cause.THERMAL, "hot")),
        ("failed", {"cause": "file", "detail": "said"}, (Outcome.FAILED, Cause.FILE, "said")),
        ("done", {}, (Outcome.SUCCEEDED, None, None)),
    ],
)
def test_an_error_told_under_way_is_why_the_print_ended_unless_the_end_says_why(
    books: Books, signal: str, more: dict[str, Any], wanted: tuple[object, ...]
) -> None:
    books.start(1)
    books.see(4, **TOLD)
    assert (books.job.outcome, books.job.detail) == (None, "hot")
    end(books, 5, signal, **more)
    assert account(books) == wanted


def test_a_later_error_stands_for_the_one_before(books: Books) -> None:
    books.start(1)
    books.see(3, facts=(JobFact.FIRMWARE_ERROR,), cause="file", detail="said")
    books.see(4, **TOLD)
    end(books, 5, "cancelled")
    assert account(books) == (Outcome.FAILED, Cause.THERMAL, "hot")


def test_the_words_of_a_pause_do_not_cover_those_of_the_error(books: Books) -> None:
    books.start(1)
    books.see(3, **TOLD)
    books.see(4, state="paused", detail="filament change")
    assert books.job.detail == "hot"


def test_what_only_rested_in_an_error_state_was_cancelled_all_the_same(books: Books) -> None:
    books.start(1)
    books.see(4.95, state="error", cause="thermal", detail="hot")
    end(books, 5, "cancelled")
    assert account(books) == (Outcome.CANCELLED, None, None)


@pytest.mark.parametrize(("after", "is_failure"), [(ECHO_MS, True), (ECHO_MS + 1, False)])
def test_an_error_of_the_moment_of_a_cancel_is_why_it_was_cancelled(
    books: Books, after: int, *, is_failure: bool
) -> None:
    books.start(1)
    end(books, 5, "cancelled", cancelled_by="person")
    books.see_ms(5 * MINUTE + after, **TOLD)
    if is_failure:
        assert account(books) == (Outcome.FAILED, Cause.THERMAL, "hot")
        assert (books.job.cancelled_by, books.job.ended_ms) == (None, T0 + 5 * MINUTE)
        assert (books.job.provenance, books.job.revision) == (Provenance.OBSERVED, 1)
        assert books.told[-1] is FeedKind.JOB_REVISED
    else:
        assert (account(books), books.job.revision) == ((Outcome.CANCELLED, None, None), 0)
        assert books.job.cancelled_by is CancelledBy.PERSON


@pytest.mark.parametrize("signal", ["done", "failed", "lost"])
def test_an_error_right_after_another_end_changes_nothing(books: Books, signal: str) -> None:
    books.start(1)
    end(books, 5, signal)
    before = books.job
    books.see(5.001, **TOLD)
    assert books.job == before


def test_an_error_right_after_a_cancel_that_only_the_history_told_changes_nothing(books: Books) -> None:
    books.see(1, state="printing", job=JobReading(file=FILE, elapsed_ms=0))
    books.give(T0 + 2 * MINUTE, ContinuityLost(T0 + 5 * MINUTE))
    row = HistoryRow(
        history="h",
        native_id="1",
        file=FILE,
        started_ms=T0 + MINUTE,
        ended_ms=T0 + 5 * MINUTE,
        signal=JobSignal.CANCELLED,
    )
    books.see(5, level=True, history=(row,))
    before = books.job
    assert (before.outcome, before.provenance) == (Outcome.CANCELLED, Provenance.HISTORY)
    books.see(5.001, **TOLD)
    assert books.job == before


def test_an_error_without_a_job_is_of_none(books: Books) -> None:
    books.see(1, **TOLD)
    books.start(2)
    end(books, 5, "cancelled")
    assert account(books) == (Outcome.CANCELLED, None, None)


# -- a doubt ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("since_ms", "is_printing", "state"),
    [
        (T0 + 3 * MINUTE, False, PrinterState.IDLE),
        (T0 + 3 * MINUTE, True, PrinterState.UNKNOWN),
        (None, False, PrinterState.UNKNOWN),
    ],
)
def test_a_doubt_whether_a_print_goes_on_is_none_where_none_does(
    books: Books, since_ms: int | None, state: PrinterState, *, is_printing: bool
) -> None:
    books.see(1, state="idle")
    if is_printing:
        books.start(2)
    books.see(4, state="unknown", since_ms=since_ms)
    assert books.tracker.state is state
