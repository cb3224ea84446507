"""What holds for a printer whatever it, its history and the persons around it say."""

import itertools
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from collector.tracker import (
    ContinuityLost,
    Observed,
    Said,
    Settled,
    SignOfLife,
    Silence,
    TrackerInput,
    TrackerState,
    advance,
    open_span,
)
from collector.tracker.state import Attempt
from farm.model.feed import FeedKind
from farm.model.job import Job, overlaps
from farm.model.observation import HistoryRow, JobFact, JobReading, JobSignal, Link, Observation
from farm.model.operator_input import (
    CloseJob,
    CorrectJob,
    DescribeJob,
    NoteJob,
    PrinterService,
    SetState,
)
from farm.model.states import ACTIVE_STATES, CancelledBy, Cause, Outcome, PrinterState, Provenance
from tests.unit.collector.tracker.books import MINUTE, PRINTER, T0, Books

HOUR = 60 * MINUTE

_DURATIONS = st.none() | st.integers(0, 90 * MINUTE)
_FILES = st.sampled_from(["a.gcode", "b.gcode", None])
_JOBS = st.builds(
    JobReading,
    file=_FILES,
    progress=st.none() | st.floats(0, 1),
    elapsed_ms=_DURATIONS,
    printing_ms=_DURATIONS,
)
_READINGS = st.one_of(
    st.builds(
        Observation,
        state=st.sampled_from(list(PrinterState)),
        level=st.booleans(),
        retained=st.booleans(),
        job=st.none() | _JOBS,
        cause=st.none() | st.sampled_from(list(Cause)),
    ),
    st.builds(
        Observation,
        signal=st.sampled_from(list(JobSignal)),
        state=st.none() | st.sampled_from(list(PrinterState)),
        level=st.booleans(),
        job=_JOBS,
        facts=st.lists(st.sampled_from(list(JobFact)), max_size=2).map(tuple),
        cancelled_by=st.none() | st.sampled_from(list(CancelledBy)),
    ),
    st.builds(Observation, link=st.sampled_from(list(Link)), retained=st.booleans()),
)


@st.composite
def _rows(draw: st.DrawFn) -> tuple[int, HistoryRow]:
    """A row of the history, placed by how long before now it began."""
    lasted = draw(st.none() | st.integers(0, 2 * HOUR))
    row = HistoryRow(
        history="moonraker",
        native_id=draw(st.sampled_from(["1", "2", "3"])),
        file=draw(_FILES),
        started_ms=0,
        ended_ms=lasted,
        signal=draw(st.sampled_from([None, *JobSignal])),
        outcome=draw(st.none() | st.sampled_from(list(Outcome))),
        printing_ms=draw(_DURATIONS),
    )
    return draw(st.integers(-MINUTE, 3 * HOUR)), row


_CORRECTIONS = st.builds(
    CorrectJob,
    outcome=st.none() | st.sampled_from(list(Outcome)),
    cause=st.none() | st.sampled_from(list(Cause)),
    cancelled_by=st.none() | st.sampled_from(list(CancelledBy)),
)
_JOB_WORDS = st.one_of(
    _CORRECTIONS,
    st.builds(CloseJob, outcome=st.sampled_from(list(Outcome))),
    st.builds(DescribeJob, file=_FILES, units=st.none() | st.integers(1, 9)),
    st.builds(NoteJob, st.sampled_from(["", "stringing"])),
)
_WHICH = st.sampled_from(["open", "last", "any", "none"])
_WORDS = st.one_of(
    st.builds(SetState, st.sampled_from(list(PrinterService))).map(lambda word: ("none", word)),
    st.tuples(_WHICH, _JOB_WORDS),
)
_INPUTS = st.one_of(
    _READINGS,
    _READINGS,
    _rows(),
    st.sampled_from([Silence(), Settled(), SignOfLife()]),
    st.integers(0, 30 * MINUTE),
    _WORDS,
)
SHORT = 10 * MINUTE
"""A gap within which the state before stands."""
Steps = list[tuple[int, object]]
_STEPS: st.SearchStrategy[Steps] = st.lists(st.tuples(st.integers(1, 30 * MINUTE), _INPUTS), max_size=40)


def _which(books: Books, which: str) -> str | None:
    match which:
        case "open":
            return books.tracker.attempt.job.id if books.tracker.attempt else "no such job"
        case "last":
            return books.tracker.last_job.id if books.tracker.last_job else "no such job"
        case "any":
            return next(iter(books.jobs), "no such job")
    return None


def _input(books: Books, what: object, at_ms: int, heard_ms: int) -> TrackerInput:
    match what:
        case Observation():
            seen = msgspec.structs.replace(what, time_ms=at_ms)
            return Observed(seen, min(heard_ms, at_ms), limit_ms=SHORT if seen.link else 0)
        case int(long), HistoryRow() as row:
            began = at_ms - long
            ended = None if row.ended_ms is None else began + row.ended_ms
            row = msgspec.structs.replace(row, started_ms=began, ended_ms=ended)
            return Observed(Observation(time_ms=at_ms, level=True, history=(row,)), min(heard_ms, at_ms))
        case int(away):
            return ContinuityLost(at_ms + away, limit_ms=SHORT)
        case Silence() | Settled() | SignOfLife():
            return what
        case str(which), (SetState() | CorrectJob() | CloseJob() | DescribeJob() | NoteJob()) as word:
            return Said(who="Ann", said_ms=at_ms, job_id=_which(books, which), word=word)
    raise AssertionError(what)


def driven(steps: Steps) -> tuple[Books, int]:
    """The books after the steps, and the time."""
    books = Books()
    now = T0
    for passed, what in steps:
        now = _taken(books, now, passed, what)
    return books, max(now, books.tracker.at_ms)


def _taken(books: Books, heard: int, passed: int, what: object) -> int:
    """Take one step, and give the time after it."""
    now = heard + passed
    at_ms = max(now, books.tracker.at_ms)
    given = _input(books, what, at_ms, heard)
    books.give(at_ms, given)
    return given.until_ms if isinstance(given, ContinuityLost) else now


_LEVEL = JobReading(file="a.gcode", elapsed_ms=10 * MINUTE)
_ANOTHER = JobReading(file="b.gcode", elapsed_ms=3 * MINUTE)


@settings(max_examples=400, deadline=None)
@given(_STEPS)
@example(
    [
        (MINUTE, Observation(state=PrinterState.PRINTING, job=_LEVEL)),
        (10 * MINUTE, Observation(state=PrinterState.PRINTING, level=True, job=_ANOTHER)),
    ]
)
def test_jobs_of_a_printer_never_overlap(steps: Steps) -> None:
    books, _ = driven(steps)
    assert overlaps(books.jobs.values()) == []


@settings(max_examples=400, deadline=None)
@given(_STEPS)
def test_spans_have_neither_hole_nor_overlap(steps: Steps) -> None:
    books, _ = driven(steps)
    ordered = [books.spans[key] for key in sorted(books.spans)]
    assert ordered[0].from_ms == T0
    for before, after in itertools.pairwise(ordered):
        assert before.to_ms == after.from_ms
        assert before.from_ms < after.from_ms
    assert ordered[-1] == open_span(books.tracker)


@settings(max_examples=400, deadline=None)
@given(_STEPS)
def test_a_job_ends_once_and_its_hours_lie_within_it(steps: Steps) -> None:
    books, now = driven(steps)
    ended = [entry.job_id for entry in books.feed if entry.kind is FeedKind.JOB_ENDED]
    assert sorted(map(str, ended)) == sorted(job.id for job in books.jobs.values() if job.outcome is not None)
    assert sum(job.outcome is None for job in books.jobs.values()) <= 1
    for job in books.jobs.values():
        assert (job.outcome is None) == (job.ended_ms is None) == (job.confidence is None)
        assert (job.cause is not None) == (job.outcome is Outcome.FAILED)
        assert job.cancelled_by is None or job.outcome is Outcome.CANCELLED
        hours = (job.printing_ms, job.preparing_ms, job.paused_ms)
        assert min(hours) >= 0
        if job.started_ms is not None:
            until = now if job.ended_ms is None else job.ended_ms
            assert job.started_ms <= until <= now
            assert sum(hours[job.measured :]) <= until - job.started_ms


@settings(max_examples=300, deadline=None)
@given(_STEPS)
@example(
    [
        (1, Observation(state=PrinterState.PRINTING)),
        (1, 1),
        (1, Observation(link=Link.OFFLINE)),
    ]
)
@example(
    [
        (1, Observation(state=PrinterState.PRINTING)),
        (1001, Observation(link=Link.ONLINE)),
        (1, ("open", CloseJob(outcome=Outcome.SUCCEEDED))),
        (1, Silence()),
    ]
)
def test_the_hours_of_all_jobs_fit_into_the_printers_own(steps: Steps) -> None:
    books, now = driven([(passed, what) for passed, what in steps if not _sets_state(what)])
    for state in ACTIVE_STATES:
        own = sum(
            (now if span.to_ms is None else span.to_ms) - span.from_ms
            for span in books.spans.values()
            if span.state is state
        )
        counted = sum(
            getattr(job, f"{state.value}_ms")
            for job in books.jobs.values()
            if not (job.measured and state is PrinterState.PRINTING)
        )
        assert counted <= own


def _sets_state(what: object) -> bool:
    return isinstance(what, tuple) and isinstance(what[1], SetState)


@settings(max_examples=200, deadline=None)
@given(_STEPS)
def test_the_tracker_survives_being_stored(steps: Steps) -> None:
    books, _ = driven(steps)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(books.tracker), type=TrackerState) == books.tracker


@settings(max_examples=200, deadline=None)
@given(_STEPS)
def test_silence_and_absence_alone_never_give_an_outcome_but_unknown(steps: Steps) -> None:
    quiet: Steps = [
        (passed, msgspec.structs.replace(what, signal=None) if isinstance(what, Observation) else what)
        for passed, what in steps
        if not isinstance(what, tuple)
    ]
    books, _ = driven(quiet)
    told = {job.outcome for job in books.jobs.values()} - {None}
    # An error state that lasts is the printer's own word for a failure; nothing else is.
    assert told <= {Outcome.UNKNOWN, Outcome.FAILED}


@settings(max_examples=200, deadline=None)
@given(_STEPS, _rows())
def test_the_same_history_again_changes_nothing(steps: Steps, row: tuple[int, HistoryRow]) -> None:
    books, now = driven(steps)
    given_row = _input(books, row, now, now)
    once, _ = advance(books.tracker, now, given_row)
    again = msgspec.structs.replace(once, recent=())
    twice, changes = advance(again, now, given_row)
    assert msgspec.structs.replace(twice, recent=()) == again
    assert changes.feed == []


@settings(max_examples=300, deadline=None)
@given(_STEPS, st.sampled_from(["open", "last", "any"]), _CORRECTIONS)
def test_a_correction_and_its_being_taken_back_leave_what_was(
    steps: Steps, which: str, word: CorrectJob
) -> None:
    books, now = driven(steps)
    job_id = _which(books, which)
    books.give(now, Said(who="Ann", said_ms=now, job_id=job_id, word=CorrectJob()))
    tracker, jobs = books.tracker, dict(books.jobs)
    books.give(now, Said(who="Ann", said_ms=now, job_id=job_id, word=word))
    books.give(now, Said(who="Ann", said_ms=now, job_id=job_id, word=CorrectJob()))
    assert _unnumbered(tracker) == _unnumbered(books.tracker)
    assert {key: _plain(job) for key, job in jobs.items()} == {
        key: _plain(job) for key, job in books.jobs.items()
    }


@settings(max_examples=300, deadline=None)
@given(_STEPS, _STEPS, st.sampled_from(list(Outcome)))
def test_nothing_that_machines_tell_later_outranks_a_person(
    before: Steps, after: Steps, outcome: Outcome
) -> None:
    books, now = driven([*before, (MINUTE, Observation(signal=JobSignal.STARTED, job=_LEVEL))])
    job_id = next(reversed(books.jobs))
    books.give(now, Said(who="Ann", said_ms=now, job_id=job_id, word=CorrectJob(outcome=outcome)))
    for passed, what in after:
        if not (isinstance(what, tuple) and isinstance(what[0], str)):
            now = max(now + passed, books.tracker.at_ms)
            books.give(now, _input(books, what, now, now - passed))
    job = books.jobs[job_id]
    if job_id in _at_hand(books.tracker) and job.outcome is not None:
        assert (job.outcome, job.provenance) == (outcome, Provenance.PERSON)


def _at_hand(tracker: TrackerState) -> set[str]:
    jobs = (tracker.last_job, None if tracker.attempt is None else tracker.attempt.job)
    return {job.id for job in jobs if job is not None}


def _plain(job: Job | None) -> Job | None:
    return None if job is None else msgspec.structs.replace(job, revision=0)


def _unnumbered(tracker: TrackerState) -> TrackerState:
    attempt = tracker.attempt
    if attempt is not None:
        attempt = msgspec.structs.replace(attempt, job=msgspec.structs.replace(attempt.job, revision=0))
    words = tuple(sorted(tracker.words, key=lambda said: said.job_id))
    return msgspec.structs.replace(tracker, attempt=attempt, last_job=_plain(tracker.last_job), words=words)


@pytest.mark.parametrize(
    ("first", "second", "overlap"),
    [((0, 5), (5, 9), False), ((0, 6), (5, 9), True), ((0, None), (5, 9), True), ((5, 5), (5, 9), False)],
)
def test_overlaps_are_found(
    first: tuple[int, int | None], second: tuple[int, int | None], overlap: bool
) -> None:
    jobs = [
        Job(id=str(number), printer_id=PRINTER, file=None, started_ms=start, ended_ms=end)
        for number, (start, end) in enumerate((second, first))
    ]
    assert bool(overlaps(jobs)) is overlap
    apart = [msgspec.structs.replace(job, printer_id=job.id) for job in jobs]
    assert overlaps(apart) == []


def test_a_job_without_a_start_counts_at_its_end() -> None:
    lasting = Job(id="1", printer_id=PRINTER, file=None, started_ms=0, ended_ms=10)
    unseen = Job(id="2", printer_id=PRINTER, file=None, started_ms=None, ended_ms=5)
    assert overlaps([lasting, unseen]) == [(lasting, unseen)]
    assert overlaps([lasting, msgspec.structs.replace(unseen, ended_ms=10)]) == []
    assert overlaps([lasting, msgspec.structs.replace(unseen, ended_ms=None)]) == []


# -- the page that shows the life of an attempt ----------------------------------------------

PAGE = (Path(__file__).parents[4] / "docs" / "outcomes.md").read_text("utf-8")
LIFE = PAGE.partition("## The life of an attempt")[2].partition("```")[2].partition("```")[0]
Move = tuple[str, str]
SHOWN = {
    (one, other) for one, other in re.findall(r"^ +(\S+) --> (\w+):", LIFE, re.MULTILINE) if one != other
}
BEGINNING = "[*]"


def _phase(attempt: Attempt) -> str:
    if attempt.gap_from_ms is not None:
        return "gap"
    return "open" if attempt.settling_ms is None else "settling"


def _moves(before: TrackerState, after: TrackerState) -> set[Move]:
    """Where attempts went in one step; what begins and rests by one message was open between."""
    old, new = before.attempt, after.attempt
    same = old is not None and new is not None and old.job.id == new.job.id
    found: set[Move] = set()
    if old is not None:
        found.add((_phase(old), _phase(new) if same and new is not None else "ended"))
    if new is not None and not same:
        found |= {(BEGINNING, "open"), ("open", _phase(new))}
    if old is None and new is None and _last(before) != _last(after):
        found.add((BEGINNING, "ended"))
    return {(one, other) for one, other in found if one != other}


def _last(tracker: TrackerState) -> str | None:
    return None if tracker.last_job is None else tracker.last_job.id


def moves(steps: Steps) -> set[Move]:
    """Where attempts went in all the steps."""
    books, now, found = Books(), T0, set[Move]()
    for passed, what in steps:
        before = books.tracker
        now = _taken(books, now, passed, what)
        found |= _moves(before, books.tracker)
    return found


@settings(max_examples=400, deadline=None)
@given(_STEPS)
def test_an_attempt_goes_nowhere_but_where_the_page_shows(steps: Steps) -> None:
    assert moves(steps) <= SHOWN


_PRINTS = (MINUTE, Observation(state=PrinterState.PRINTING, job=JobReading(file="a.gcode")))
_STILL_PRINTS = (MINUTE, Observation(state=PrinterState.PRINTING, level=True, job=JobReading(file="a.gcode")))
_RESTS = (MINUTE, Observation(state=PrinterState.IDLE))
_IS_DONE = (MINUTE, Observation(signal=JobSignal.DONE, job=JobReading(file="a.gcode", elapsed_ms=MINUTE)))
_LINK_LOST = (MINUTE, Observation(link=Link.OFFLINE))


@pytest.mark.parametrize(
    ("move", "steps"),
    [
        ((BEGINNING, "open"), [_PRINTS]),
        ((BEGINNING, "ended"), [_IS_DONE]),
        (("open", "gap"), [_PRINTS, (MINUTE, Silence())]),
        (("open", "settling"), [_PRINTS, _RESTS]),
        (("open", "ended"), [_PRINTS, _IS_DONE]),
        (("gap", "open"), [_PRINTS, (MINUTE, Silence()), _STILL_PRINTS]),
        (("gap", "ended"), [_PRINTS, (MINUTE, Silence()), _IS_DONE]),
        (("settling", "open"), [_PRINTS, _RESTS, (1_000, _STILL_PRINTS[1])]),
        (("settling", "gap"), [_PRINTS, _RESTS, _LINK_LOST]),
        (("settling", "ended"), [_PRINTS, _RESTS, (MINUTE, Settled())]),
    ],
    ids=lambda each: "-".join(each) if isinstance(each, tuple) else "",
)
def test_an_attempt_goes_wherever_the_page_shows(move: Move, steps: Steps) -> None:
    assert move in moves(steps)


def test_every_arrow_of_the_page_has_its_example() -> None:
    (marks,) = test_an_attempt_goes_wherever_the_page_shows.pytestmark  # type: ignore[attr-defined]
    assert {move for move, _ in marks.args[1]} == SHOWN
