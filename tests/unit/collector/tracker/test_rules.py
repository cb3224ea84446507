"""The rules of truth, one by one."""

from typing import Any

import msgspec
import pytest

from collector.tracker import SETTLE_MS, ContinuityLost, Settled, SignOfLife, Silence, needs_settling
from farm.model.feed import FeedKind
from farm.model.observation import HistoryRow, JobReading
from farm.model.states import CancelledBy, Cause, Outcome, PrinterState, Provenance
from tests.unit.collector.tracker.books import MINUTE, T0, Books


@pytest.fixture
def books() -> Books:
    return Books()


def test_a_told_end_is_the_outcome(books: Books) -> None:
    books.start(1)
    books.see(61, state="finished", signal="done", job=JobReading(file="vase.gcode", printing_ms=59 * MINUTE))
    assert (books.job.outcome, books.job.printing_ms, books.job.measured) == (
        Outcome.SUCCEEDED,
        59 * MINUTE,
        True,
    )
    assert books.job.provenance is Provenance.OBSERVED


def test_a_cancel_that_also_says_failed_is_one_cancel(books: Books) -> None:
    books.start(1)
    books.see(5, state="idle", signal="cancelled", cancelled_by="person", job=JobReading(file="vase.gcode"))
    books.see(5.001, signal="failed", cause="unknown", job=JobReading(file="vase.gcode"))
    assert books.job.outcome is Outcome.CANCELLED
    assert books.job.cancelled_by is CancelledBy.PERSON
    assert books.told.count(FeedKind.JOB_ENDED) == 1


def test_silence_makes_the_state_unknown_from_the_last_message_on_and_ends_nothing(books: Books) -> None:
    books.start(1)
    books.give(T0 + 10 * MINUTE, Silence())
    assert books.states == [("unknown", 1), ("printing", 9), ("unknown", 0)]
    assert books.job.outcome is None


def test_a_print_seen_again_after_silence_is_the_same_attempt_and_the_gap_is_not_printing(
    books: Books,
) -> None:
    books.start(1)
    books.give(T0 + 10 * MINUTE, Silence())
    books.see(30, level=True, state="printing", job=JobReading(file="vase.gcode", progress=0.5))
    books.see(40, state="finished", signal="done", job=JobReading(file="vase.gcode"))
    assert books.job.outcome is Outcome.SUCCEEDED
    assert books.job.printing_ms == (9 + 10) * MINUTE


def test_a_resting_printer_after_a_gap_leaves_the_outcome_unknown(books: Books) -> None:
    books.start(1)
    books.see(10, heard=10, link="offline")
    books.see(30, heard=10, link="online")
    books.see(31, state="idle")
    assert books.job.outcome is Outcome.UNKNOWN
    assert books.job.ended_ms == T0 + 10 * MINUTE
    assert books.states == [("unknown", 1), ("printing", 9), ("offline", 20), ("unknown", 1), ("idle", 0)]


def test_a_finished_level_with_the_sources_own_duration_ends_a_job_after_a_gap(books: Books) -> None:
    books.see(1, state="printing", job=JobReading(file="vase.gcode", elapsed_ms=0))
    books.see(10, heard=10, link="offline")
    books.see(60, heard=10, link="online")
    reading = JobReading(file="vase.gcode", elapsed_ms=30 * MINUTE, printing_ms=28 * MINUTE)
    books.see(61, level=True, state="finished", signal="done", job=reading)
    assert books.job.outcome is Outcome.SUCCEEDED
    assert books.job.ended_ms == T0 + 31 * MINUTE
    assert (books.job.printing_ms, books.job.provenance) == (28 * MINUTE, Provenance.INFERRED)


def test_a_level_never_makes_a_job_of_what_ended_before_we_looked(books: Books) -> None:
    books.see(
        1, level=True, state="finished", signal="done", job=JobReading(file="old.gcode", elapsed_ms=MINUTE)
    )
    assert books.jobs == {}


def test_an_end_whose_start_was_missed_is_an_attempt_all_the_same(books: Books) -> None:
    books.see(70, state="finished", signal="done", job=JobReading(file="vase.gcode", printing_ms=60 * MINUTE))
    assert (books.job.outcome, books.job.started_ms) == (Outcome.SUCCEEDED, T0 + 10 * MINUTE)
    assert books.job.start_provenance is Provenance.INFERRED


def test_a_resting_state_waits_for_the_end_and_then_gives_up(books: Books) -> None:
    books.start(1)
    books.see(20, state="idle")
    assert not needs_settling(books.tracker, T0 + 20 * MINUTE + SETTLE_MS - 1)
    assert needs_settling(books.tracker, T0 + 20 * MINUTE + SETTLE_MS)
    books.give(T0 + 20 * MINUTE, Settled())
    assert (books.job.outcome, books.job.ended_ms) == (Outcome.UNKNOWN, T0 + 20 * MINUTE)


def test_an_end_that_was_overtaken_by_the_resting_state_still_counts(books: Books) -> None:
    books.start(1)
    books.see(20, state="idle")
    books.see(20.01, state="finished", signal="done", job=JobReading(file="vase.gcode"))
    assert books.job.outcome is Outcome.SUCCEEDED


def test_an_error_state_whose_failure_was_never_told_is_a_failure(books: Books) -> None:
    books.start(1)
    books.see(20, state="error", cause="thermal", detail="Thermal Runaway")
    books.give(T0 + 20 * MINUTE, Settled())
    assert (books.job.outcome, books.job.cause) == (Outcome.FAILED, Cause.THERMAL)
    assert books.job.provenance is Provenance.INFERRED


def test_a_file_read_through_is_a_success_when_the_end_itself_was_lost(books: Books) -> None:
    books.start(1)
    books.see(20, level=True, signal="read_through", job=JobReading(file="vase.gcode"))
    books.see(20.1, state="idle")
    books.give(T0 + 21 * MINUTE, Settled())
    assert (books.job.outcome, books.job.provenance) == (Outcome.SUCCEEDED, Provenance.INFERRED)


def test_the_next_start_leaves_an_attempt_without_an_end_unknown(books: Books) -> None:
    books.start(1, "a.gcode")
    books.start(30, "b.gcode")
    first, second = books.jobs.values()
    assert (first.outcome, second.outcome) == (Outcome.UNKNOWN, None)


def test_the_same_start_told_twice_is_one_attempt(books: Books) -> None:
    books.start(1)
    books.start(1)
    assert len(books.jobs) == 1
    assert books.told.count(FeedKind.JOB_STARTED) == 1


def test_a_late_copy_of_the_start_does_not_wake_an_ended_job(books: Books) -> None:
    books.start(1)
    books.see(5, state="idle", signal="cancelled", cancelled_by="person", job=JobReading(file="vase.gcode"))
    books.start(1)
    assert books.job.outcome is Outcome.CANCELLED
    assert books.tracker.state is PrinterState.IDLE


def test_pauses_are_counted_and_never_printing(books: Books) -> None:
    books.start(1)
    books.see(11, state="paused")
    books.see(21, state="printing")
    books.see(31, state="finished", signal="done", job=JobReading(file="vase.gcode"))
    assert (books.job.pauses, books.job.paused_ms, books.job.printing_ms) == (1, 10 * MINUTE, 20 * MINUTE)
    assert books.told.count(FeedKind.JOB_PAUSED) == books.told.count(FeedKind.JOB_RESUMED) == 1


def test_our_own_absence_is_unknown_and_ends_nothing(books: Books) -> None:
    books.start(1)
    books.give(T0 + 10 * MINUTE, ContinuityLost(T0 + 25 * MINUTE))
    assert books.tracker.state is PrinterState.UNKNOWN
    assert books.job.outcome is None


def test_history_revises_unknown_and_nothing_else(books: Books) -> None:
    books.see(1, state="printing", job=JobReading(file="vase.gcode", elapsed_ms=0))
    books.see(10, heard=10, link="offline")
    books.see(30, heard=10, link="online")
    books.see(31, state="idle")
    row = HistoryRow(
        history="moonraker",
        native_id="00A1",
        file="vase.gcode",
        started_ms=T0 + MINUTE,
        ended_ms=T0 + 20 * MINUTE,
        outcome=Outcome.SUCCEEDED,
    )
    books.see(32, level=True, history=(row,))
    assert (books.job.outcome, books.job.ended_ms, books.job.revision) == (
        Outcome.SUCCEEDED,
        T0 + 20 * MINUTE,
        1,
    )
    assert books.told[-2:] == [FeedKind.JOB_REVISED, FeedKind.SPANS_REVISED]
    contrary = msgspec.structs.replace(row, outcome=Outcome.FAILED)
    books.see(33, level=True, history=(contrary,))
    assert books.job.outcome is Outcome.SUCCEEDED


def test_an_attempt_that_nobody_saw_is_booked_from_the_history_once(books: Books) -> None:
    books.see(1, state="idle")
    books.give(T0 + 10 * MINUTE, ContinuityLost(T0 + 90 * MINUTE))
    row = HistoryRow(
        history="moonraker",
        native_id="00A2",
        file="vase.gcode",
        started_ms=T0 + 20 * MINUTE,
        ended_ms=T0 + 50 * MINUTE,
        outcome=Outcome.FAILED,
        cause=Cause.HOST,
        printing_ms=25 * MINUTE,
    )
    before_us = msgspec.structs.replace(
        row, native_id="00A1", started_ms=T0 - 50 * MINUTE, ended_ms=T0 - MINUTE
    )
    books.see(91, level=True, history=(row, before_us))
    books.see(92, level=True, history=(row, before_us))
    assert (books.job.outcome, books.job.cause, books.job.printing_ms) == (
        Outcome.FAILED,
        Cause.HOST,
        25 * MINUTE,
    )
    assert books.job.provenance is Provenance.HISTORY
    assert books.states[-1][0] is PrinterState.UNKNOWN


def test_the_words_of_a_failure_that_follow_it_complete_the_row(books: Books) -> None:
    books.start(1)
    books.see(5, state="error", signal="failed", cause="unknown", job=JobReading(file="vase.gcode"))
    books.see(5.001, signal="failed", cause="operator", detail="M112", job=JobReading(file="vase.gcode"))
    assert (books.job.outcome, books.job.cause) == (Outcome.FAILED, Cause.OPERATOR)


def test_a_start_that_is_told_without_a_state_begins_a_job(books: Books) -> None:
    books.see(1, signal="started", job=JobReading(file="vase.gcode", token="1"))
    assert books.told[-1] is FeedKind.JOB_STARTED
    assert (books.job.started_ms, books.job.start_provenance) == (T0 + MINUTE, Provenance.OBSERVED)


def test_a_start_after_a_rest_that_a_level_told_late_is_only_inferred(books: Books) -> None:
    books.see(1, state="idle")
    books.see(5, level=True, state="printing", job=JobReading(file="vase.gcode"))
    assert (books.job.started_ms, books.job.start_provenance) == (None, Provenance.INFERRED)


@pytest.mark.parametrize("rest", ["idle", "finished", "error"])
def test_the_edge_from_a_known_rest_is_the_start(books: Books, rest: str) -> None:
    books.see(1, state=rest)
    books.see(5, state="printing", job=JobReading(file="vase.gcode"))
    assert (books.job.started_ms, books.job.start_provenance) == (T0 + 5 * MINUTE, Provenance.OBSERVED)


def test_preparing_without_a_job_begins_none(books: Books) -> None:
    books.see(1, state="preparing")
    assert books.jobs == {}
    books.see(2, state="preparing", job=JobReading(file="vase.gcode"))
    assert books.job.file == "vase.gcode"
    books.see(5, state="printing")
    books.see(6, state="paused")
    assert (books.job.preparing_ms, books.job.printing_ms) == (3 * MINUTE, MINUTE)


def test_a_resting_moment_within_a_print_is_forgotten(books: Books) -> None:
    books.start(1)
    books.see(5, state="error", cause="thermal", detail="hot")
    books.see(5.05, state="printing")
    books.see(9, state="idle")
    assert books.tracker.attempt is not None
    assert books.tracker.attempt.settling_ms == T0 + 9 * MINUTE
    books.give(T0 + 9 * MINUTE, Settled())
    assert books.job.outcome is Outcome.UNKNOWN


def test_the_first_resting_state_is_when_the_job_is_taken_to_have_ended(books: Books) -> None:
    books.start(1)
    books.see(5, state="error", cause="thermal", detail="hot")
    books.see(5.1, state="idle")
    books.give(T0 + 6 * MINUTE, Settled())
    assert (books.job.outcome, books.job.cause, books.job.detail) == (Outcome.FAILED, Cause.THERMAL, "hot")
    assert books.job.ended_ms == T0 + 5 * MINUTE


def test_a_settling_that_nothing_waits_for_changes_nothing(books: Books) -> None:
    books.start(1)
    books.give(T0 + 2 * MINUTE, Settled())
    assert FeedKind.JOB_ENDED not in books.told


def test_offline_after_a_gap_does_not_end_a_job_and_idle_does(books: Books) -> None:
    books.start(1)
    books.give(T0 + 10 * MINUTE, ContinuityLost(T0 + 20 * MINUTE))
    books.see(21, state="offline")
    assert FeedKind.JOB_ENDED not in books.told
    books.see(22, state="idle")
    assert (books.job.outcome, books.job.ended_ms) == (Outcome.UNKNOWN, T0 + 10 * MINUTE)


def test_a_job_that_the_printer_lost_is_given_up_at_once(books: Books) -> None:
    books.start(1)
    books.see(5, state="idle", signal="lost")
    assert (books.job.outcome, books.job.ended_ms) == (Outcome.UNKNOWN, T0 + 5 * MINUTE)
    books.see(6, signal="lost")
    assert books.told.count(FeedKind.JOB_ENDED) == 1


def test_an_unknown_state_opens_a_gap_in_the_hours(books: Books) -> None:
    books.start(1)
    books.see(5, state="unknown")
    books.see(9, level=True, state="printing", job=JobReading(file="vase.gcode"))
    books.see(10, state="finished", signal="done", job=JobReading(file="vase.gcode"))
    assert (books.job.printing_ms, books.job.outcome) == (5 * MINUTE, Outcome.SUCCEEDED)


def test_a_sign_of_life_takes_up_what_stood_before_the_silence(books: Books) -> None:
    books.start(1)
    books.give(T0 + 10 * MINUTE, Silence())
    books.give(T0 + 20 * MINUTE, SignOfLife())
    books.see(25, state="finished", signal="done", job=JobReading(file="vase.gcode"))
    assert books.states == [
        ("unknown", 1),
        ("printing", 9),
        ("unknown", 10),
        ("printing", 5),
        ("finished", 0),
    ]
    assert (books.job.printing_ms, books.job.outcome) == (14 * MINUTE, Outcome.SUCCEEDED)
    assert books.spans[T0 + 20 * MINUTE].source == "observed"


def test_a_sign_of_life_without_a_silence_says_nothing(books: Books) -> None:
    books.start(1)
    books.give(T0 + 10 * MINUTE, ContinuityLost(T0 + 20 * MINUTE))
    books.give(T0 + 21 * MINUTE, SignOfLife())
    assert books.tracker.state is PrinterState.UNKNOWN
    assert books.spans[T0 + 10 * MINUTE].source == "absence"


@pytest.mark.parametrize("state", ["offline", "unknown", "maintenance"])
def test_what_was_out_of_sight_does_not_get_lost(books: Books, state: str) -> None:
    books.see(1, state=state)
    books.give(T0 + 10 * MINUTE, Silence())
    assert books.tracker.state == state
    assert books.tracker.before_silence is None


def test_the_file_read_through_is_that_of_the_job(books: Books) -> None:
    books.start(1)
    books.see(20, level=True, signal="read_through", job=JobReading(file="other.gcode"))
    books.see(21, state="idle")
    books.give(T0 + 21 * MINUTE, Settled())
    assert books.job.outcome is Outcome.UNKNOWN
    books.see(21.1, level=True, signal="read_through", job=JobReading(file="other.gcode"))
    assert books.job.revision == 0


def test_the_reason_that_comes_long_after_a_failure_completes_it_once(books: Books) -> None:
    books.start(1)
    books.see(5, state="error", signal="failed", job=JobReading(file="vase.gcode"))
    told: dict[str, Any] = {"level": True, "signal": "failed", "job": JobReading(file="vase.gcode")}
    books.see(30, **told)
    books.see(31, cause="thermal", detail="hot", **told | {"job": JobReading(file="other.gcode")})
    assert books.job.cause is Cause.UNKNOWN
    books.see(32, cause="thermal", detail="hot", **told)
    books.see(33, cause="operator", detail="M112", **told)
    assert (books.job.cause, books.job.detail, books.job.revision) == (Cause.THERMAL, "hot", 1)


def test_a_second_word_on_an_unknown_end_says_how_it_ended(books: Books) -> None:
    books.start(1)
    books.see(5, state="idle", signal="lost")
    books.see(5.1, state="idle", signal="cancelled", cancelled_by="system", job=JobReading())
    assert (books.job.outcome, books.job.cancelled_by) == (Outcome.CANCELLED, CancelledBy.SYSTEM)
    assert books.told.count(FeedKind.JOB_ENDED) == 1


def test_the_words_of_a_pause_stand_at_the_job_for_as_long_as_it_lasts() -> None:
    books = Books()
    books.start(1)
    books.see(2, state="paused", detail="filament ran out")
    told = books.job.detail
    books.see(3, state="paused")
    still = books.job.detail
    books.see(4, state="printing")
    assert (told, still, books.job.detail) == ("filament ran out", "filament ran out", None)
