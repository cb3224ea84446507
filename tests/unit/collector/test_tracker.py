"""The rules of truth, one by one and by property."""

import itertools

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.tracker import (
    SETTLE_MS,
    ContinuityLost,
    LedgerChanges,
    Observed,
    Settled,
    Silence,
    TrackerInput,
    TrackerState,
    advance,
    first_sight,
    needs_settling,
)
from farm.model.feed import FeedKind
from farm.model.job import Job
from farm.model.observation import HistoryRow, JobReading, JobSignal, Link, Observation
from farm.model.span import Span
from farm.model.states import CancelledBy, Cause, Outcome, PrinterState, Provenance

PRINTER = "11111111-1111-1111-1111-111111111111"
T0 = 1_795_000_000_000
MINUTE = 60_000


class Books:
    """Drives the tracker and keeps what it books, as a ledger would."""

    def __init__(self) -> None:
        self.tracker, booking = first_sight(PRINTER, T0)
        self.spans: dict[int, Span] = {}
        self.jobs: dict[str, Job] = {}
        self.told: list[FeedKind] = []
        self._book(booking)

    def _book(self, booking: LedgerChanges) -> None:
        self.spans.update(booking.spans)
        self.jobs.update(booking.jobs)
        self.told += [entry.kind for entry in booking.feed]

    def give(self, at: int, what: TrackerInput) -> None:
        self.tracker, booking = advance(self.tracker, at, what)
        self._book(booking)

    def see(self, minute: float, heard: float | None = None, **reading: object) -> None:
        at = T0 + int(minute * MINUTE)
        heard_ms = at if heard is None else T0 + int(heard * MINUTE)
        seen = msgspec.convert(reading | {"time_ms": reading.get("time_ms", at)}, Observation)
        self.give(at, Observed(seen, heard_ms))

    def start(self, minute: float, file: str = "vase.gcode") -> None:
        job = JobReading(file=file, token=f"{minute}:{file}")
        self.see(minute, state=PrinterState.PRINTING, signal=JobSignal.STARTED, job=job)

    @property
    def job(self) -> Job:
        (job,) = self.jobs.values()
        return job

    @property
    def states(self) -> list[tuple[PrinterState, float]]:
        """States with their minutes, the open one last with 0."""
        ordered = [self.spans[key] for key in sorted(self.spans)]
        return [
            (span.state, ((span.to_ms if span.to_ms is not None else span.from_ms) - span.from_ms) / MINUTE)
            for span in ordered
        ]


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
    assert books.told[-1] is FeedKind.JOB_REVISED
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


# -- by property ------------------------------------------------------------------------------

_FILES = st.sampled_from(["a.gcode", "b.gcode", None])
_READINGS = st.one_of(
    st.builds(
        Observation,
        state=st.sampled_from(list(PrinterState)),
        level=st.booleans(),
        job=st.none() | st.builds(JobReading, file=_FILES, progress=st.none() | st.floats(0, 1)),
    ),
    st.builds(
        Observation,
        signal=st.sampled_from(list(JobSignal)),
        state=st.none() | st.sampled_from(list(PrinterState)),
        level=st.booleans(),
        job=st.builds(JobReading, file=_FILES, elapsed_ms=st.none() | st.integers(0, 90 * MINUTE)),
    ),
    st.builds(Observation, link=st.sampled_from(list(Link)), retained=st.booleans()),
)
_STEPS = st.lists(
    st.tuples(
        st.integers(0, 30 * MINUTE),
        st.one_of(
            _READINGS,
            st.sampled_from([Silence(), Settled()]),
            st.integers(0, 30 * MINUTE),
        ),
    ),
    max_size=40,
)


def _driven(steps: list[tuple[int, object]]) -> tuple[Books, int]:
    books = Books()
    now = T0
    for passed, what in steps:
        heard, now = now, now + passed
        at = max(now, books.tracker.at_ms)
        match what:
            case Observation():
                books.give(at, Observed(msgspec.structs.replace(what, time_ms=at), min(heard, at)))
            case int():
                books.give(at, ContinuityLost(at + what))
                now = at + what
            case Silence() | Settled():
                books.give(at, what)
    return books, max(now, books.tracker.at_ms)


@settings(max_examples=300, deadline=None)
@given(_STEPS)
def test_for_any_inputs_the_spans_have_neither_hole_nor_overlap(steps: list[tuple[int, object]]) -> None:
    books, _ = _driven(steps)
    ordered = [books.spans[key] for key in sorted(books.spans)]
    assert ordered[0].from_ms == T0
    for before, after in itertools.pairwise(ordered):
        assert before.to_ms == after.from_ms
    assert ordered[-1].to_ms is None
    assert ordered[-1].state is books.tracker.state


@settings(max_examples=300, deadline=None)
@given(_STEPS)
def test_for_any_inputs_a_job_ends_once_and_its_time_lies_within_it(steps: list[tuple[int, object]]) -> None:
    books, now = _driven(steps)
    ended = books.told.count(FeedKind.JOB_ENDED)
    assert ended == sum(job.outcome is not None for job in books.jobs.values())
    assert sum(job.outcome is None for job in books.jobs.values()) <= 1
    for job in books.jobs.values():
        assert (job.outcome is None) == (job.ended_ms is None)
        if job.started_ms is not None and job.ended_ms is not None:
            assert job.started_ms <= job.ended_ms <= now
        assert min(job.printing_ms, job.preparing_ms, job.paused_ms) >= 0
        assert (job.cause is not None) == (job.outcome is Outcome.FAILED)


@settings(max_examples=200, deadline=None)
@given(_STEPS)
def test_for_any_inputs_the_track_survives_being_stored(steps: list[tuple[int, object]]) -> None:
    books, _ = _driven(steps)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(books.tracker), type=TrackerState) == books.tracker


@settings(max_examples=200, deadline=None)
@given(_STEPS)
def test_silence_and_absence_alone_never_give_an_outcome_but_unknown(steps: list[tuple[int, object]]) -> None:
    quiet = [
        (passed, msgspec.structs.replace(what, signal=None) if isinstance(what, Observation) else what)
        for passed, what in steps
    ]
    books, _ = _driven(quiet)
    told = {job.outcome for job in books.jobs.values()} - {None}
    # An error state that lasts is the printer's own word for a failure; nothing else is.
    assert told <= {Outcome.UNKNOWN, Outcome.FAILED}
