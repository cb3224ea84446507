"""What the printer's own history adds, and what it leaves alone."""

import msgspec
import pytest

from collector.tracker import ContinuityLost, Settled
from collector.tracker.limits import AHEAD_MS
from farm.model.feed import FeedKind
from farm.model.observation import HistoryRow, JobReading, JobSignal
from farm.model.states import Cause, Confidence, Outcome, PrinterState, Provenance
from tests.unit.collector.tracker.books import MINUTE, T0, Books

ROW = HistoryRow(
    history="moonraker",
    native_id="A1",
    file="vase.gcode",
    started_ms=T0 + MINUTE,
    ended_ms=T0 + 20 * MINUTE,
    signal=JobSignal.DONE,
    printing_ms=15 * MINUTE,
)


@pytest.fixture
def books() -> Books:
    return Books()


def row(**changes: object) -> HistoryRow:
    return msgspec.structs.replace(ROW, **changes)


def read(books: Books, minute: float, *rows: HistoryRow) -> None:
    books.see(minute, level=True, history=rows)


def out_of_sight(books: Books, file: str | None = "vase.gcode") -> None:
    """A print from minute 1 that goes out of sight at minute 10."""
    books.see(1, state="printing", job=JobReading(file=file, elapsed_ms=0))
    books.see(10, link="offline")
    books.see(30, heard=10, link="online")


def test_the_history_ends_a_job_whose_end_was_missed(books: Books) -> None:
    out_of_sight(books)
    read(books, 31, ROW)
    job = books.job
    assert (job.outcome, job.provenance, job.confidence) == (
        Outcome.SUCCEEDED,
        Provenance.HISTORY,
        Confidence.STRONG,
    )
    assert (job.ended_ms, job.printing_ms, job.measured) == (T0 + 20 * MINUTE, 15 * MINUTE, True)
    assert job.progress == 1.0
    assert books.aliases == {("moonraker", "A1"): job.id}
    assert books.told.count(FeedKind.JOB_ENDED) == 1


def test_a_row_without_an_end_ends_the_job_where_it_went_out_of_sight(books: Books) -> None:
    out_of_sight(books)
    read(books, 31, row(ended_ms=None, printing_ms=None))
    assert (books.job.ended_ms, books.job.measured) == (T0 + 10 * MINUTE, False)
    assert books.job.printing_ms == 9 * MINUTE


@pytest.mark.parametrize("signal", [JobSignal.STARTED, JobSignal.LOST])
def test_a_row_that_knows_no_end_ends_nothing(books: Books, signal: JobSignal) -> None:
    out_of_sight(books)
    read(books, 31, row(signal=signal))
    assert FeedKind.JOB_ENDED not in books.told
    assert books.aliases == {("moonraker", "A1"): books.job.id}
    assert (books.job.measured, books.job.printing_ms) == (False, 9 * MINUTE)


def test_the_history_does_not_end_a_job_that_is_seen_under_way(books: Books) -> None:
    books.see(1, state="printing", job=JobReading(file="vase.gcode", elapsed_ms=0))
    read(books, 21, ROW)
    assert FeedKind.JOB_ENDED not in books.told
    books.see(21.1, state="finished", signal="done", job=JobReading(file="vase.gcode"))
    assert (books.job.outcome, books.job.provenance) == (Outcome.SUCCEEDED, Provenance.OBSERVED)


def test_an_end_that_the_history_told_first_is_known_when_nothing_else_tells_it(books: Books) -> None:
    books.see(1, state="printing", job=JobReading(file="vase.gcode", elapsed_ms=0))
    read(books, 21, row(signal=JobSignal.CANCELLED))
    books.see(22, state="idle")
    books.give(T0 + 22 * MINUTE, Settled())
    assert (books.job.outcome, books.job.provenance) == (Outcome.CANCELLED, Provenance.HISTORY)
    assert books.job.ended_ms == T0 + 20 * MINUTE
    assert (books.job.printing_ms, books.job.measured) == (15 * MINUTE, True)


def test_the_history_names_the_file_and_the_start_of_a_job_met_in_mid_print(books: Books) -> None:
    books.see(5, level=True, state="printing", job=JobReading(elapsed_ms=4 * MINUTE))
    read(books, 6, row(started_ms=T0 + MINUTE - 2_000, ended_ms=None, signal=JobSignal.STARTED))
    job = books.job
    assert (job.file, job.started_ms, job.start_provenance) == (
        "vase.gcode",
        T0 + MINUTE - 2_000,
        Provenance.HISTORY,
    )


def test_an_observed_start_stands(books: Books) -> None:
    books.start(1)
    read(books, 6, row(started_ms=T0 + MINUTE - 2_000, ended_ms=None, signal=JobSignal.STARTED))
    assert (books.job.started_ms, books.job.start_provenance) == (T0 + MINUTE, Provenance.OBSERVED)


def test_a_start_by_the_history_lies_neither_before_the_last_end_nor_after_the_first_sight(
    books: Books,
) -> None:
    books.start(1)
    books.see(5, state="idle", signal="cancelled", job=JobReading(file="vase.gcode"))
    books.see(6, level=True, state="printing", job=JobReading(file="vase.gcode", elapsed_ms=60_500))
    running = row(ended_ms=None, signal=JobSignal.STARTED)
    read(books, 7, row(ended_ms=None, signal=JobSignal.STARTED, started_ms=T0 + 5 * MINUTE - 3_000))
    _, job = books.jobs.values()
    assert job.started_ms == T0 + 5 * MINUTE
    late = Books()
    late.see(6, level=True, state="printing", job=JobReading(file="vase.gcode", elapsed_ms=0, progress=0.1))
    late.see(6, level=True, state="printing", job=JobReading(file=None))
    read(late, 7, msgspec.structs.replace(running, file=None, started_ms=T0 + 6 * MINUTE + 3_000))
    assert late.job.started_ms == T0 + 6 * MINUTE


def test_a_job_whose_start_is_not_known_is_that_of_a_row_that_runs(books: Books) -> None:
    books.see(5, level=True, state="printing", job=JobReading(file="vase.gcode"))
    read(books, 6, row(native_id="B", started_ms=T0 - 60 * MINUTE, ended_ms=T0 - 50 * MINUTE))
    assert books.aliases == {}
    read(books, 7, row(ended_ms=None, signal=JobSignal.STARTED))
    assert books.job.started_ms == T0 + MINUTE


def unknown(books: Books, minute: float = 31) -> None:
    out_of_sight(books)
    books.see(minute, state="idle")


def test_the_history_revises_an_unknown_end_once(books: Books) -> None:
    unknown(books)
    read(books, 32, ROW)
    read(books, 33, ROW)
    job = books.job
    assert (job.outcome, job.ended_ms, job.revision) == (Outcome.SUCCEEDED, T0 + 20 * MINUTE, 1)
    assert (job.printing_ms, job.measured) == (15 * MINUTE, True)
    assert books.told.count(FeedKind.JOB_REVISED) == 1


def test_a_revised_end_without_measured_time_keeps_ours(books: Books) -> None:
    unknown(books)
    read(books, 32, row(printing_ms=None))
    assert (books.job.printing_ms, books.job.measured) == (9 * MINUTE, False)


def test_a_revised_end_lies_within_what_is_known_around_it(books: Books) -> None:
    unknown(books)
    books.start(40, "next.gcode")
    read(books, 51, row(ended_ms=T0 + 50 * MINUTE))
    assert next(iter(books.jobs.values())).ended_ms == T0 + 40 * MINUTE
    early = Books()
    unknown(early)
    read(early, 32, row(ended_ms=T0 + 5 * MINUTE, printing_ms=None))
    assert early.job.ended_ms == T0 + 10 * MINUTE
    now = Books()
    unknown(now)
    read(now, 32, row(ended_ms=T0 + 33 * MINUTE))
    assert now.job.ended_ms == T0 + 32 * MINUTE


def test_the_history_does_not_revise_what_was_observed(books: Books) -> None:
    books.start(1)
    books.see(20, state="finished", signal="done", job=JobReading(file="vase.gcode"))
    before = books.job
    read(books, 21, row(signal=JobSignal.FAILED, ended_ms=T0 + 19 * MINUTE))
    assert books.job == before
    assert books.aliases == {("moonraker", "A1"): before.id}


def missed(books: Books) -> None:
    """Nothing was seen from minute 2 to 90."""
    books.see(1, state="idle")
    books.give(T0 + 2 * MINUTE, ContinuityLost(T0 + 90 * MINUTE))


def test_an_attempt_that_nobody_saw_is_booked_whole(books: Books) -> None:
    missed(books)
    read(books, 91, row(started_ms=T0 + 5 * MINUTE, filament_mm=1200.0, signal=JobSignal.HOST_GONE))
    job = books.job
    assert (job.file, job.started_ms, job.ended_ms) == (
        "vase.gcode",
        T0 + 5 * MINUTE,
        T0 + 20 * MINUTE,
    )
    assert (job.outcome, job.cause, job.start_provenance) == (
        Outcome.FAILED,
        Cause.HOST,
        Provenance.HISTORY,
    )
    assert (job.printing_ms, job.measured, job.filament_mm) == (15 * MINUTE, True, 1200.0)
    ended = books.feed[-1]
    assert (ended.kind, ended.at_ms, ended.job_id) == (FeedKind.JOB_ENDED, T0 + 20 * MINUTE, job.id)
    assert books.aliases == {("moonraker", "A1"): job.id}
    assert books.tracker.state is PrinterState.UNKNOWN


def test_missed_attempts_are_booked_oldest_first(books: Books) -> None:
    missed(books)
    second = row(native_id="A2", started_ms=T0 + 30 * MINUTE, ended_ms=T0 + 40 * MINUTE)
    read(books, 91, second, row(started_ms=T0 + 5 * MINUTE, printing_ms=None))
    assert [job.started_ms for job in books.jobs.values()] == [T0 + 5 * MINUTE, T0 + 30 * MINUTE]
    assert [job.measured for job in books.jobs.values()] == [False, True]
    assert [job.printing_ms for job in books.jobs.values()] == [0, 15 * MINUTE]
    assert len(books.tracker.aliases) == 2


@pytest.mark.parametrize(
    ("changes", "booked"),
    [
        ({"started_ms": T0}, True),
        ({"started_ms": T0 - 1}, False),
        ({"ended_ms": T0 + 91 * MINUTE}, True),
        ({"ended_ms": T0 + 91 * MINUTE + 1}, False),
        ({"ended_ms": None}, False),
        ({"ended_ms": T0 + MINUTE}, True),
        ({"ended_ms": T0 + MINUTE - 1}, False),
        ({"signal": JobSignal.STARTED}, False),
        ({"signal": JobSignal.LOST}, True),
        ({"signal": None}, False),
    ],
)
def test_only_an_attempt_that_began_and_ended_unseen_was_missed(
    books: Books, changes: dict[str, object], *, booked: bool
) -> None:
    missed(books)
    read(books, 91, row(**changes))
    assert (len(books.jobs) == 1) is booked


@pytest.mark.parametrize(("apart", "booked"), [(0, True), (1, False)])
def test_a_row_that_overlaps_the_job_before_was_not_missed(books: Books, apart: int, *, booked: bool) -> None:
    books.start(1, "first.gcode")
    books.see(5, state="idle", signal="cancelled", job=JobReading(file="first.gcode"))
    books.give(T0 + 6 * MINUTE, ContinuityLost(T0 + 90 * MINUTE))
    read(books, 91, row(started_ms=T0 + 5 * MINUTE - apart))
    assert (len(books.jobs) == 2) is booked


@pytest.mark.parametrize("elapsed", [MINUTE, None])
@pytest.mark.parametrize(("apart", "booked"), [(0, True), (1, False)])
def test_a_row_that_overlaps_the_job_under_way_was_not_missed(
    books: Books, apart: int, elapsed: int | None, *, booked: bool
) -> None:
    missed(books)
    books.see(91, level=True, state="printing", job=JobReading(file="now.gcode", elapsed_ms=elapsed))
    began = T0 + 91 * MINUTE - (elapsed or 0)
    read(books, 92, row(started_ms=T0 + 5 * MINUTE, ended_ms=began + apart))
    assert (len(books.jobs) == 2) is booked


@pytest.mark.parametrize(("longer", "is_row"), [(0, False), (-1, True)])
def test_a_row_that_shares_more_than_half_its_time_is_of_the_job(
    books: Books, longer: int, *, is_row: bool
) -> None:
    """The job lasted 19 minutes; the row begins too early to share its start."""
    books.start(1)
    books.see(20, state="finished", signal="done", job=JobReading(file="vase.gcode"))
    began = T0 + MINUTE - 10_000
    read(books, 60, row(started_ms=began, ended_ms=began + 38 * MINUTE + longer))
    assert bool(books.aliases) is is_row


def test_a_row_of_another_file_is_of_another_job(books: Books) -> None:
    out_of_sight(books)
    read(books, 31, row(file="other.gcode"))
    assert (FeedKind.JOB_ENDED in books.told, books.aliases) == (False, {})


@pytest.mark.parametrize(("mine", "theirs"), [(None, "vase.gcode"), ("vase.gcode", None)])
def test_a_name_that_is_missing_stands_in_no_rows_way(
    books: Books, mine: str | None, theirs: str | None
) -> None:
    out_of_sight(books, mine)
    read(books, 31, row(file=theirs))
    assert books.job.outcome is Outcome.SUCCEEDED
    assert books.job.file == (mine or theirs)


def test_a_row_whose_end_has_not_come_yet_is_not_believed(books: Books) -> None:
    """The host's clock ran ahead when it wrote the row."""
    unknown(books)
    read(books, 32, row(ended_ms=T0 + 35 * MINUTE))
    assert books.job.outcome == "unknown"
    read(books, 36, row(ended_ms=T0 + 35 * MINUTE))
    assert books.job.provenance == "history"


def test_a_row_whose_end_has_not_come_yet_does_not_end_what_is_under_way(books: Books) -> None:
    out_of_sight(books)
    read(books, 32, row(ended_ms=T0 + 35 * MINUTE))
    assert books.job.outcome is None


@pytest.mark.parametrize(("beyond", "believed"), [(0, True), (1, False)])
def test_a_row_whose_end_lies_ahead_is_passed_over_and_the_others_are_not(
    books: Books, beyond: int, *, believed: bool
) -> None:
    out_of_sight(books)
    read(books, 31, row(ended_ms=T0 + 31 * MINUTE + AHEAD_MS + beyond))
    assert (books.job.outcome is Outcome.SUCCEEDED) is believed
    ahead = row(native_id="B", started_ms=T0, ended_ms=T0 + 90 * MINUTE)
    read(books, 32, ahead, ROW)
    assert books.job.outcome is Outcome.SUCCEEDED
    assert ("moonraker", "B") not in books.aliases


def test_the_history_tells_how_long_the_print_was_to_take_where_nobody_did(books: Books) -> None:
    books.start(1)
    read(books, 2, row(ended_ms=None, signal=JobSignal.STARTED, expected_ms=17 * MINUTE))
    read(books, 3, row(ended_ms=None, signal=JobSignal.STARTED, expected_ms=19 * MINUTE))
    assert books.job.expected_ms == 17 * MINUTE


def test_a_print_that_only_the_history_knows_has_its_estimate(books: Books) -> None:
    books.see(0, state="idle")
    read(books, 31, row(expected_ms=17 * MINUTE))
    assert (books.job.outcome, books.job.expected_ms) == (Outcome.SUCCEEDED, 17 * MINUTE)


def test_an_unknown_end_that_the_history_tells_gets_its_estimate(books: Books) -> None:
    out_of_sight(books)
    books.see(31, state="idle")
    assert books.job.outcome is Outcome.UNKNOWN
    read(books, 32, row(expected_ms=17 * MINUTE))
    assert (books.job.outcome, books.job.expected_ms) == (Outcome.SUCCEEDED, 17 * MINUTE)
