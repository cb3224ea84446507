"""What is taken over into a job's row, and where its start and its end lie."""

from typing import Any

import pytest

from collector.tracker import ContinuityLost, Settled
from collector.tracker.attempts import earliest_end
from collector.tracker.matching import is_told_again
from farm.model.job import Job, job_id
from farm.model.observation import HistoryRow, JobReading, JobSignal
from farm.model.states import Cause, Confidence, Outcome, Provenance
from tests.unit.collector.tracker.books import MINUTE, PRINTER, T0, Books

FILE = "vase.gcode"


@pytest.fixture
def books() -> Books:
    return Books()


def lose(books: Books) -> None:
    books.give(T0 + 10 * MINUTE, ContinuityLost(T0 + 30 * MINUTE))


# -- the row ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reading", "time_ms", "token"),
    [
        (JobReading(file=FILE, token="mark", native_id="7"), T0 + 1, "mark"),
        (JobReading(file=FILE, native_id="7"), T0 + 1, "7"),
        (JobReading(file=FILE), T0 + 1, f"{T0 + 1}:{FILE}"),
        (JobReading(file=FILE), None, f"{T0 + MINUTE}:{FILE}"),
    ],
)
def test_the_id_is_made_of_the_start_mark_or_the_sources_id_or_the_time(
    books: Books, reading: JobReading, time_ms: int | None, token: str
) -> None:
    books.see(1, state="printing", job=reading, time_ms=time_ms)
    assert books.job.id == job_id(PRINTER, token)


FACTS: dict[str, object] = {
    "progress": 0.25,
    "filament_mm": 1200.5,
    "filament_g": 3.5,
    "resin_ml": 17.5,
    "material": "PLA",
    "operator": "Ann",
    "spool": "17",
    "units": 4,
}


@pytest.mark.parametrize("name", FACTS)
def test_a_fact_that_is_told_under_way_lands_in_the_row_and_stays(books: Books, name: str) -> None:
    books.start(1)
    assert (books.job.units, getattr(books.job, name)) == (1, 1 if name == "units" else None)
    books.see(2, job=JobReading())
    told = JobReading(file=FILE, **{name: FACTS[name]})  # type: ignore[arg-type]
    books.see(3, state="printing", job=told)
    books.see(4, state="printing", job=JobReading(file=FILE))
    assert getattr(books.job, name) == FACTS[name]


def test_the_first_word_on_how_long_the_print_takes_stays(books: Books) -> None:
    books.start(1)
    books.see(2, state="printing", job=JobReading(file=FILE))
    books.see(2, state="printing", job=JobReading(file=FILE, expected_ms=3 * MINUTE))
    books.see(3, state="printing", job=JobReading(file=FILE, expected_ms=9 * MINUTE))
    books.see(4, state="finished", signal="done", job=JobReading(file=FILE, expected_ms=8 * MINUTE))
    assert (books.job.outcome, books.job.expected_ms) == (Outcome.SUCCEEDED, 3 * MINUTE)


@pytest.mark.parametrize(("file", "expected_ms"), [(FILE, 3 * MINUTE), ("other.gcode", None), (None, None)])
def test_an_estimate_that_comes_by_itself_is_of_the_print_whose_file_it_names(
    books: Books, file: str | None, expected_ms: int | None
) -> None:
    books.start(1)
    before = (books.tracker.state, books.job.id)
    told = JobReading(file=file, expected_ms=3 * MINUTE, progress=0.9, elapsed_ms=MINUTE)
    books.see(2, level=True, job=told)
    assert (books.job.expected_ms, books.job.progress) == (expected_ms, None)
    assert (books.tracker.state, books.job.id) == before


def test_an_estimate_by_itself_begins_no_print(books: Books) -> None:
    books.see(1, level=True, job=JobReading(file=FILE, expected_ms=MINUTE))
    assert books.tracker.attempt is None


def test_a_time_that_is_told_under_way_is_not_yet_the_measured_one(books: Books) -> None:
    books.see(1, state="printing", job=JobReading(file=FILE, printing_ms=7))
    books.see(3, state="paused", job=JobReading(file=FILE, printing_ms=9))
    assert (books.job.printing_ms, books.job.measured) == (2 * MINUTE, False)


def test_a_file_stays_what_it_was_when_the_source_names_the_same_job_otherwise(books: Books) -> None:
    begun = JobReading(file=FILE, token="7", native_id="7")
    books.see(1, state="printing", signal="started", job=begun)
    books.see(3, level=True, state="printing", job=JobReading(file="renamed.gcode", native_id="7"))
    assert books.job.file == FILE


def test_a_start_signal_names_the_file_of_what_its_state_opened_without_one(books: Books) -> None:
    books.see_ms(0, state="printing", job=JobReading())
    books.see_ms(100, state="printing", signal="started", job=JobReading(file=FILE, token="1"))
    assert (books.job.file, books.job.start_provenance) == (FILE, Provenance.OBSERVED)


# -- the start --------------------------------------------------------------------------------


def test_the_start_of_an_unseen_print_lies_its_whole_time_before_its_end(books: Books) -> None:
    reading = JobReading(file=FILE, elapsed_ms=60 * MINUTE, printing_ms=50 * MINUTE)
    books.see(70, state="finished", signal="done", job=reading)
    assert books.job.started_ms == T0 + 10 * MINUTE


def test_the_start_of_an_unseen_print_is_inferred_however_well_the_rest_before_is_known(
    books: Books,
) -> None:
    books.see(1, state="idle")
    books.see(20, state="finished", signal="done", job=JobReading(file=FILE, printing_ms=5 * MINUTE))
    assert books.job.start_provenance is Provenance.INFERRED


def test_after_a_gap_the_time_of_an_end_gives_no_start(books: Books) -> None:
    """What it counts may have stood still in the gap."""
    books.see(5, level=True, state="printing", job=JobReading(file=FILE))
    lose(books)
    books.see(31, state="finished", signal="done", job=JobReading(file=FILE, elapsed_ms=28 * MINUTE))
    assert (books.job.started_ms, books.job.outcome) == (None, Outcome.SUCCEEDED)


# -- the end ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("started", "measured", "earliest"), [(1000, False, 1432), (1000, True, 1032), (None, False, None)]
)
def test_no_end_lies_before_the_start_and_the_hours_booked_since(
    started: int | None, earliest: int | None, *, measured: bool
) -> None:
    job = Job(
        id="1",
        printer_id=PRINTER,
        file=None,
        started_ms=started,
        printing_ms=400,
        preparing_ms=30,
        paused_ms=2,
        measured=measured,
    )
    assert earliest_end(job) == earliest


@pytest.mark.parametrize(
    ("state", "outcome", "ended_ms"),
    [("error", Outcome.FAILED, 20_000), ("idle", Outcome.UNKNOWN, 19_000)],
)
def test_an_error_is_when_it_was_told_and_an_unknown_end_where_sight_was_lost(
    books: Books, state: str, outcome: Outcome, ended_ms: int
) -> None:
    """The link that broke was last heard before the rest, which another told."""
    books.see_ms(0, signal="started", job=JobReading(file=FILE, token="1"))
    books.see_ms(20_000, state=state)
    books.see_ms(22_000, heard_ms=19_000, link="offline")
    books.give(T0 + 31_000, Settled())
    assert (books.job.outcome, books.job.ended_ms) == (outcome, T0 + ended_ms)


def test_a_job_that_nobody_ended_ended_when_the_rest_began_not_when_we_gave_up(books: Books) -> None:
    books.start(1)
    books.see(20, state="idle")
    books.give(T0 + 25 * MINUTE, Settled())
    assert (books.job.outcome, books.job.ended_ms) == (Outcome.UNKNOWN, T0 + 20 * MINUTE)


@pytest.mark.parametrize(("elapsed_ms", "latest"), [(3 * MINUTE, 37), (None, 40)])
def test_a_revised_end_lies_before_the_next_start_or_where_it_was_first_seen(
    books: Books, elapsed_ms: int | None, latest: int
) -> None:
    books.see(1, state="printing", job=JobReading(file=FILE, elapsed_ms=0))
    books.see(10, link="offline")
    books.see(30, heard=10, link="online")
    books.see(31, state="idle")
    books.see(40, level=True, state="printing", job=JobReading(file="next.gcode", elapsed_ms=elapsed_ms))
    row = HistoryRow(
        history="h",
        native_id="1",
        file=FILE,
        started_ms=T0 + MINUTE,
        ended_ms=T0 + 50 * MINUTE,
        signal=JobSignal.DONE,
    )
    books.see(51, level=True, history=(row,))
    assert next(iter(books.jobs.values())).ended_ms == T0 + latest * MINUTE


@pytest.mark.parametrize(("level", "gap"), [(True, False), (False, True), (True, True)])
def test_only_an_end_that_a_full_status_tells_after_a_gap_is_late(
    books: Books, *, level: bool, gap: bool
) -> None:
    books.start(1)
    if gap:
        lose(books)
    books.see(31, level=level, state="finished", signal="done", job=JobReading(file=FILE))
    late = level and gap
    assert books.job.provenance is (Provenance.INFERRED if late else Provenance.OBSERVED)
    assert books.job.confidence is (Confidence.WEAK if late else Confidence.STRONG)


@pytest.mark.parametrize(
    ("first", "cause"),
    [
        ({"signal": "cancelled"}, None),
        ({"signal": "failed", "cause": "thermal"}, Cause.THERMAL),
    ],
)
def test_a_second_word_gives_no_other_cause(books: Books, first: dict[str, Any], cause: Cause | None) -> None:
    books.start(1)
    books.see(5, state="idle", job=JobReading(file=FILE), **first)
    books.see(5.01, signal="failed", cause="operator", detail="M112", job=JobReading(file=FILE))
    assert (books.job.cause, books.job.detail, books.job.revision) == (cause, None, 0)


def test_a_second_failure_without_a_cause_takes_nothing_away(books: Books) -> None:
    books.start(1)
    books.see(5, state="error", signal="failed", cause="unknown", detail="said", job=JobReading(file=FILE))
    books.see(5.01, signal="failed", cause="unknown", job=JobReading(file=FILE))
    assert (books.job.cause, books.job.detail, books.job.revision) == (Cause.UNKNOWN, "said", 0)


def test_an_end_is_not_told_again_of_a_job_that_is_under_way() -> None:
    open_job = Job(id="1", printer_id=PRINTER, file=FILE, started_ms=T0)
    assert not is_told_again(open_job, JobReading(file=FILE), T0 + MINUTE, closed=True)


@pytest.mark.parametrize("ends", ["the job", "the row"])
def test_a_row_that_began_elsewhere_needs_both_ends_to_be_held_against_a_job(books: Books, ends: str) -> None:
    books.start(1)
    ended_ms = None
    if ends == "the job":
        books.see(20, state="finished", signal="done", job=JobReading(file=FILE))
    else:
        ended_ms = T0 + 15 * MINUTE
    row = HistoryRow(
        history="h",
        native_id="1",
        file=FILE,
        started_ms=T0 + 2 * MINUTE,
        ended_ms=ended_ms,
        signal=JobSignal.CANCELLED,
    )
    books.see(21, level=True, history=(row,))
    assert books.aliases == {}
