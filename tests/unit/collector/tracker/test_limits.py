"""Each limit of the tracker, on both sides of it."""

import re
from pathlib import Path
from typing import Any

import pytest

from collector.tracker import Settled, limits, needs_settling
from collector.tracker.limits import (
    ECHO_MS,
    FRESH_MS,
    REMEMBERED,
    RENEWED_LINK_MS,
    SAME_START_MS,
    SETTLE_MS,
    STALE_MS,
)
from farm.model.feed import FeedKind
from farm.model.observation import HistoryRow, JobReading, JobSignal
from farm.model.states import Outcome, PrinterState
from tests.unit.collector.tracker.books import MINUTE, T0, Books

FILE = "vase.gcode"
_DOCUMENT = Path(__file__).parents[4] / "docs" / "outcomes.md"
_PROMISED = re.findall(r"(?m)^\| `([A-Z_]+)` \| (\d+)( s)? \|", _DOCUMENT.read_text("utf-8"))


@pytest.mark.parametrize(("name", "value", "seconds"), _PROMISED)
def test_a_limit_is_what_the_document_promises(name: str, value: str, seconds: str) -> None:
    assert getattr(limits, name) == int(value) * (1_000 if seconds else 1)


@pytest.fixture
def books() -> Books:
    return Books()


def begin(books: Books, ms: int, **job: object) -> None:
    """The edge into printing, without a start signal."""
    books.see_ms(ms, state="printing", job=JobReading(file=FILE, **job))  # type: ignore[arg-type]


def begun(books: Books, ms: int, mark: str = "1") -> None:
    books.see_ms(ms, state="printing", signal="started", job=JobReading(file=FILE, token=mark))


@pytest.mark.parametrize(("after", "is_one"), [(SETTLE_MS, True), (SETTLE_MS + 1, False)])
def test_an_end_told_again_within_the_settling_time_is_one_end(
    books: Books, after: int, *, is_one: bool
) -> None:
    begun(books, 0)
    books.see_ms(MINUTE, state="idle", signal="cancelled", job=JobReading(file=FILE))
    books.see_ms(MINUTE + after, signal="failed", job=JobReading(file=FILE))
    assert (len(books.jobs) == 1) is is_one


@pytest.mark.parametrize(("after", "is_success"), [(SETTLE_MS, True), (SETTLE_MS + 1, False)])
def test_a_file_read_through_soon_after_an_unknown_end_is_a_success(
    books: Books, after: int, *, is_success: bool
) -> None:
    begun(books, 0)
    books.see_ms(MINUTE, state="idle")
    books.give(T0 + MINUTE, Settled())
    books.see_ms(MINUTE + after, level=True, signal="read_through", job=JobReading(file=FILE))
    assert (books.job.outcome is Outcome.SUCCEEDED) is is_success
    assert books.job.revision == is_success


def test_settling_is_over_at_its_limit_and_not_before(books: Books) -> None:
    begun(books, 0)
    books.see_ms(MINUTE, state="idle")
    books.see_ms(MINUTE + 1000, state="finished")
    assert not needs_settling(books.tracker, T0 + MINUTE + SETTLE_MS - 1)
    assert needs_settling(books.tracker, T0 + MINUTE + SETTLE_MS)


@pytest.mark.parametrize(("after", "is_echo"), [(ECHO_MS, True), (ECHO_MS + 1, False)])
def test_a_bare_active_state_right_after_an_end_was_overtaken_by_it(
    books: Books, after: int, *, is_echo: bool
) -> None:
    begun(books, 0)
    books.see_ms(MINUTE, state="idle", signal="cancelled", job=JobReading(file=FILE))
    books.see_ms(MINUTE + after, state="printing")
    assert (len(books.jobs) == 1) is is_echo
    assert books.tracker.state is (PrinterState.IDLE if is_echo else PrinterState.PRINTING)


@pytest.mark.parametrize(
    "reading",
    [{"state": "preparing"}, {"state": "printing", "job": JobReading()}, {"state": "error"}],
    ids=["preparing", "with a job", "no active state"],
)
def test_what_is_no_bare_active_state_is_no_echo(books: Books, reading: dict[str, Any]) -> None:
    begun(books, 0)
    books.see_ms(MINUTE, state="idle", signal="cancelled", job=JobReading(file=FILE))
    books.see_ms(MINUTE + 1, **reading)
    assert books.tracker.state == reading["state"]


@pytest.mark.parametrize(("after", "renamed"), [(FRESH_MS, True), (FRESH_MS + 1, False)])
def test_a_name_told_at_the_moment_of_the_start_is_of_that_start(
    books: Books, after: int, *, renamed: bool
) -> None:
    begin(books, 0)
    books.see_ms(after, state="printing", job=JobReading(file="named.gcode"))
    assert len(books.jobs) == (1 if renamed else 2)
    assert next(reversed(books.jobs.values())).file == "named.gcode"


@pytest.mark.parametrize(("after", "adopted"), [(SAME_START_MS, True), (SAME_START_MS + 1, False)])
def test_a_start_signal_belongs_to_the_attempt_that_its_state_change_opened(
    books: Books, after: int, *, adopted: bool
) -> None:
    begin(books, 0)
    begun(books, after)
    assert len(books.jobs) == (1 if adopted else 2)


def test_a_start_signal_does_not_adopt_what_another_signal_began(books: Books) -> None:
    begun(books, 0, "1")
    begun(books, 100, "2")
    assert len(books.jobs) == 2


def test_a_start_signal_does_not_adopt_another_file(books: Books) -> None:
    begin(books, 0)
    books.see_ms(100, state="printing", signal="started", job=JobReading(file="other.gcode", token="2"))
    assert len(books.jobs) == 2


@pytest.mark.parametrize(("quiet", "retained"), [(0, False), (1, False), (MINUTE, False), (MINUTE, True)])
def test_what_was_between_the_last_message_and_the_word_of_a_lost_link_is_not_known(
    books: Books, quiet: int, *, retained: bool
) -> None:
    """A last will says that a printer is gone, and not since when; so does one that the broker kept."""
    books.see_ms(0, state="printing")
    heard = MINUTE
    books.see_ms(heard + quiet, heard_ms=heard, link="offline", retained=retained)
    spans = [(books.spans[at].state, at - T0) for at in sorted(books.spans)]
    unknown = [("unknown", heard)] if quiet else []
    assert spans == [("printing", 0), *unknown, ("offline", heard + quiet)]


def test_the_hours_of_a_job_end_with_the_last_message_before_the_link_was_lost(books: Books) -> None:
    begun(books, 0)
    books.see_ms(MINUTE + 4_000, heard_ms=MINUTE, link="offline")
    assert books.job.printing_ms == MINUTE
    books.see_ms(2 * MINUTE, heard_ms=2 * MINUTE, link="offline")
    assert books.job.printing_ms == MINUTE


@pytest.mark.parametrize(
    ("quiet", "retained", "renewed"),
    [(RENEWED_LINK_MS, False, False), (RENEWED_LINK_MS + 1, False, True), (RENEWED_LINK_MS + 1, True, False)],
)
def test_a_link_that_was_up_and_says_so_again_has_been_away(
    books: Books, quiet: int, *, retained: bool, renewed: bool
) -> None:
    books.see_ms(0, link="online")
    books.see_ms(1, state="idle")
    books.see_ms(MINUTE + quiet, heard_ms=MINUTE, link="online", retained=retained)
    assert books.tracker.state is (PrinterState.UNKNOWN if renewed else PrinterState.IDLE)
    if renewed:
        assert T0 + MINUTE in books.spans
        assert books.tracker.before_silence is None


def test_a_link_that_comes_back_leaves_the_state_unknown(books: Books) -> None:
    books.see_ms(0, state="idle")
    books.see_ms(MINUTE, link="offline")
    books.see_ms(2 * MINUTE, heard_ms=MINUTE, link="online")
    assert books.states == [("idle", 1), ("offline", 1), ("unknown", 0)]
    assert books.spans[T0 + 2 * MINUTE].source == "link"


@pytest.mark.parametrize(("told_before", "known"), [(REMEMBERED - 1, True), (REMEMBERED, False)])
def test_a_reading_that_comes_again_is_known_among_the_last_dozen(
    books: Books, told_before: int, *, known: bool
) -> None:
    begun(books, 0)
    books.see_ms(1000, state="paused")
    books.see_ms(2000, state="printing")
    for number in range(told_before - 1):
        books.see_ms(3000 + number, job=JobReading(progress=0.5))
    books.see_ms(5000, state="paused", time_ms=T0 + 1000)
    assert books.tracker.state is (PrinterState.PRINTING if known else PrinterState.PAUSED)


def test_the_same_words_at_another_time_are_news(books: Books) -> None:
    books.see_ms(1000, state="paused")
    books.see_ms(2000, state="printing")
    books.see_ms(3000, state="paused")
    assert books.tracker.state is PrinterState.PAUSED


def test_without_a_time_of_its_own_nothing_is_a_repetition(books: Books) -> None:
    books.see_ms(1000, state="paused", time_ms=None)
    books.see_ms(2000, state="printing", time_ms=None)
    books.see_ms(3000, state="paused", time_ms=None)
    assert books.tracker.state is PrinterState.PAUSED
    assert books.tracker.recent == ()


@pytest.mark.parametrize(("apart", "is_row"), [(SAME_START_MS, True), (SAME_START_MS + 1, False)])
def test_a_row_whose_start_is_near_is_of_the_job(books: Books, apart: int, *, is_row: bool) -> None:
    begun(books, MINUTE)
    for sign in (1, -1):
        row = HistoryRow(
            history="h",
            native_id=f"{sign}",
            file=FILE,
            started_ms=T0 + MINUTE + sign * apart,
            signal=JobSignal.STARTED,
        )
        books.see_ms(2 * MINUTE + sign, level=True, history=(row,))
        assert (("h", f"{sign}") in books.aliases) is is_row


def _gap(books: Books, until: int) -> None:
    """A print of ten minutes that goes out of sight from minute 10 to `until`."""
    begin(books, 0, elapsed_ms=0)
    books.see_ms(10 * MINUTE, link="offline")
    books.see_ms(until - 1, heard_ms=10 * MINUTE, link="online")


@pytest.mark.parametrize(("short", "same"), [(0, True), (1, False)])
def test_a_kept_account_of_time_may_be_older_than_what_was_seen(
    books: Books, short: int, *, same: bool
) -> None:
    _gap(books, 30 * MINUTE)
    kept = JobReading(file=FILE, elapsed_ms=10 * MINUTE - STALE_MS - short)
    books.see_ms(30 * MINUTE, level=True, retained=True, state="printing", job=kept)
    assert (len(books.jobs) == 1) is same


@pytest.mark.parametrize(("beyond", "same"), [(1, True), (0, False)])
def test_a_kept_account_that_reaches_back_beyond_the_gap_is_of_what_ran_before_it(
    books: Books, beyond: int, *, same: bool
) -> None:
    begin(books, 0, elapsed_ms=0)
    books.see_ms(60 * MINUTE, link="offline")
    books.see_ms(69 * MINUTE, heard_ms=60 * MINUTE, link="online")
    kept = JobReading(file=FILE, elapsed_ms=10 * MINUTE + SAME_START_MS + beyond)
    books.see_ms(70 * MINUTE, level=True, retained=True, state="printing", job=kept)
    assert (len(books.jobs) == 1) is same


@pytest.mark.parametrize(
    ("elapsed", "off", "same"),
    [
        (4 * MINUTE, SAME_START_MS, True),
        (4 * MINUTE, SAME_START_MS + 1, False),
        (4 * MINUTE, -SAME_START_MS, True),
        (4 * MINUTE, -SAME_START_MS - 1, False),
        (100 * MINUTE, MINUTE, True),
        (100 * MINUTE, MINUTE + 1, False),
    ],
)
def test_after_a_gap_the_account_of_time_gives_the_same_start_or_another_attempt(
    books: Books, elapsed: int, off: int, *, same: bool
) -> None:
    begin(books, 0, elapsed_ms=0)
    books.see_ms(MINUTE, link="offline")
    books.see_ms(2 * MINUTE, heard_ms=MINUTE, link="online")
    books.see_ms(elapsed + off, level=True, state="printing", job=JobReading(file=FILE, elapsed_ms=elapsed))
    assert (len(books.jobs) == 1) is same


@pytest.mark.parametrize(("back", "same"), [(0.01, True), (0.02, False)])
def test_after_a_gap_progress_that_fell_is_of_another_attempt(
    books: Books, back: float, *, same: bool
) -> None:
    begin(books, 0, progress=0.5)
    books.see_ms(MINUTE, link="offline")
    books.see_ms(2 * MINUTE, heard_ms=MINUTE, link="online")
    books.see_ms(3 * MINUTE, level=True, state="printing", job=JobReading(progress=0.5 - back))
    assert (len(books.jobs) == 1) is same


@pytest.mark.parametrize(
    ("at", "late", "another"),
    [
        (2 * MINUTE, SAME_START_MS, False),
        (2 * MINUTE, SAME_START_MS + 1, True),
        (100 * MINUTE, 2 * MINUTE, False),
        (100 * MINUTE, 2 * MINUTE + 1, True),
    ],
)
def test_an_account_of_time_that_began_anew_is_of_another_attempt(
    books: Books, at: int, late: int, *, another: bool
) -> None:
    begin(books, 0, elapsed_ms=0)
    books.see_ms(at, level=True, state="printing", job=JobReading(file=FILE, elapsed_ms=at - late))
    assert (len(books.jobs) == 2) is another


def test_a_kept_account_never_shows_another_attempt_without_a_gap(books: Books) -> None:
    begin(books, 0, elapsed_ms=0)
    kept = JobReading(file=FILE, elapsed_ms=MINUTE)
    books.see_ms(10 * MINUTE, level=True, retained=True, state="printing", job=kept)
    assert len(books.jobs) == 1


@pytest.mark.parametrize(("short", "another"), [(SAME_START_MS, False), (SAME_START_MS + 1, True)])
def test_an_end_told_late_covers_what_was_seen_of_its_attempt(
    books: Books, short: int, *, another: bool
) -> None:
    _gap(books, 30 * MINUTE)
    reading = JobReading(file=FILE, elapsed_ms=10 * MINUTE - short)
    books.see_ms(30 * MINUTE, level=True, state="finished", signal="done", job=reading)
    assert books.job.outcome is (Outcome.UNKNOWN if another else Outcome.SUCCEEDED)


@pytest.mark.parametrize(("late", "another"), [(SAME_START_MS, False), (SAME_START_MS + 1, True)])
def test_an_end_told_as_it_happens_is_of_an_attempt_that_began_before_the_gap(
    books: Books, late: int, *, another: bool
) -> None:
    _gap(books, 30 * MINUTE)
    reading = JobReading(file=FILE, elapsed_ms=20 * MINUTE - late)
    books.see_ms(30 * MINUTE, state="finished", signal="done", job=reading)
    assert (len(books.jobs) == 2) is another


@pytest.mark.parametrize(("overlap", "is_one"), [(SAME_START_MS, False), (SAME_START_MS + 1, True)])
def test_an_end_whose_time_reaches_into_the_job_before_is_the_end_of_that_job(
    books: Books, overlap: int, *, is_one: bool
) -> None:
    begun(books, 0)
    books.see_ms(10 * MINUTE, state="idle", signal="cancelled", job=JobReading(file=FILE))
    reading = JobReading(file=FILE, printing_ms=20 * MINUTE + overlap)
    books.see_ms(30 * MINUTE, state="finished", signal="done", job=reading)
    assert (len(books.jobs) == 1) is is_one
    assert books.told.count(FeedKind.JOB_ENDED) == len(books.jobs)


@pytest.mark.parametrize(("elapsed", "observed"), [(SAME_START_MS - 1, True), (SAME_START_MS, False)])
def test_a_start_seen_within_moments_is_an_observed_one(
    books: Books, elapsed: int, *, observed: bool
) -> None:
    books.see_ms(MINUTE, level=True, state="printing", job=JobReading(file=FILE, elapsed_ms=elapsed))
    assert books.job.started_ms == T0 + MINUTE - elapsed
    assert (books.job.start_provenance == "observed") is observed
