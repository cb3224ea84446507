"""What one address tells a moment after, or before, the other is no second print."""

import pytest

from collector.tracker import ContinuityLost, Observed, needs_settling
from collector.tracker.beside import is_file_alike
from collector.tracker.limits import BESIDE_MS
from farm.model.observation import JobReading, JobSignal, Link, Observation
from farm.model.states import Cause, Outcome, PrinterState
from tests.unit.collector.tracker.books import T0, Books

S = 1_000
PRINTING, PAUSED, IDLE = PrinterState.PRINTING, PrinterState.PAUSED, PrinterState.IDLE


class TwoAddresses(Books):
    """A printer heard as A and as B; times are milliseconds since `T0`."""

    def hear(self, teller: str, ms: int, **reading: object) -> None:
        observation = Observation(time_ms=T0 + ms, **reading)  # type: ignore[arg-type]
        at_ms = max(T0 + ms, self.tracker.at_ms)
        self.give(at_ms, Observed(observation, self.tracker.at_ms, teller))

    def begin(
        self, teller: str, ms: int, *, file: str = "a.gcode", elapsed: int | None = None, token: str = ""
    ) -> None:
        job = JobReading(file=file, token=token or f"{teller}{ms}", elapsed_ms=elapsed)
        self.hear(teller, ms, state=PRINTING, signal=JobSignal.STARTED, job=job)

    def finish(self, teller: str, ms: int, *, file: str = "a.gcode", elapsed: int | None = None) -> None:
        job = JobReading(file=file, elapsed_ms=elapsed)
        self.hear(teller, ms, state=PrinterState.FINISHED, signal=JobSignal.DONE, job=job)

    @property
    def outcomes(self) -> list[Outcome | None]:
        return [job.outcome for job in self.jobs.values()]


@pytest.fixture
def books() -> TwoAddresses:
    found = TwoAddresses()
    found.hear("A", 0, state=IDLE)
    return found


@pytest.mark.parametrize("late", [0, 3 * S, BESIDE_MS])
def test_a_start_told_twice_is_one(books: TwoAddresses, late: int) -> None:
    books.begin("A", 60 * S)
    books.begin("B", 60 * S + late)
    assert len(books.jobs) == 1


def test_a_start_told_much_later_is_another(books: TwoAddresses) -> None:
    books.begin("A", 60 * S)
    books.begin("B", 60 * S + BESIDE_MS + 1)
    assert books.outcomes == [Outcome.UNKNOWN, None]


def test_the_same_address_may_begin_anew_at_once(books: TwoAddresses) -> None:
    books.begin("A", 60 * S)
    books.begin("A", 61 * S)
    assert len(books.jobs) == 2


def test_a_start_of_another_file_is_another(books: TwoAddresses) -> None:
    books.begin("A", 60 * S)
    books.begin("B", 61 * S, file="b.gcode")
    assert len(books.jobs) == 2


def test_a_state_with_an_account_of_time_that_is_late_is_of_the_same_print(books: TwoAddresses) -> None:
    books.begin("A", 60 * S)
    books.hear("B", 90 * S, state=PRINTING, job=JobReading(file="a.gcode", elapsed_ms=30 * S - BESIDE_MS))
    assert len(books.jobs) == 1


def test_an_account_of_time_that_began_anew_is_of_another(books: TwoAddresses) -> None:
    books.begin("A", 60 * S)
    books.hear("B", 90 * S, state=PRINTING, job=JobReading(file="a.gcode", elapsed_ms=30 * S - BESIDE_MS - 1))
    assert books.outcomes == [Outcome.UNKNOWN, None]


def test_ids_of_their_own_tell_nothing_apart(books: TwoAddresses) -> None:
    books.begin("A", 60 * S, token="1")
    books.hear("B", 70 * S, state=PRINTING, job=JobReading(file="a.gcode", native_id="x"))
    books.hear("B", 99 * S, signal=JobSignal.FAILED, cause=Cause.THERMAL, job=JobReading(native_id="x"))
    assert books.outcomes == [Outcome.FAILED]


def test_an_end_told_twice_is_one_and_the_first_stands(books: TwoAddresses) -> None:
    books.begin("A", 60 * S, file="sub/a.gcode")
    books.finish("B", 99 * S)
    books.hear("A", 103 * S, state=IDLE, signal=JobSignal.CANCELLED, job=JobReading(file="sub/a.gcode"))
    assert books.outcomes == [Outcome.SUCCEEDED]
    assert books.job.ended_ms == T0 + 99 * S


def test_an_end_measured_by_the_other_is_the_end_told_before(books: TwoAddresses) -> None:
    books.begin("A", 60 * S, file="sub/a.gcode")
    books.finish("A", 99 * S, file="sub/a.gcode")
    books.finish("B", 130 * S, elapsed=45 * S)
    assert books.outcomes == [Outcome.SUCCEEDED]


def test_the_end_of_the_print_before_does_not_end_the_one_that_began(books: TwoAddresses) -> None:
    books.begin("A", 60 * S)
    books.finish("A", 99 * S)
    books.begin("A", 100 * S)
    books.finish("B", 103 * S, elapsed=39 * S)
    assert books.outcomes == [Outcome.SUCCEEDED, None]


def test_a_state_of_before_the_end_begins_nothing(books: TwoAddresses) -> None:
    books.begin("A", 60 * S)
    books.finish("A", 99 * S)
    books.hear("B", 103 * S, state=PRINTING, job=JobReading(file="a.gcode", elapsed_ms=20 * S))
    books.hear("B", 104 * S, state=PRINTING)
    books.begin("B", 105 * S)
    assert books.outcomes == [Outcome.SUCCEEDED]
    assert books.tracker.state is PrinterState.FINISHED


def test_a_print_that_began_after_the_end_is_one(books: TwoAddresses) -> None:
    books.begin("A", 60 * S)
    books.finish("A", 99 * S)
    books.begin("B", 103 * S, elapsed=1 * S)
    books.finish("B", 199 * S)
    books.begin("B", 199 * S + BESIDE_MS + 1)
    assert books.outcomes == [Outcome.SUCCEEDED, Outcome.SUCCEEDED, None]


def test_rest_told_from_before_the_start_ends_nothing(books: TwoAddresses) -> None:
    books.begin("A", 60 * S)
    books.hear("B", 64 * S, state=IDLE)
    books.hear("B", 65 * S, state=IDLE, signal=JobSignal.LOST)
    assert not needs_settling(books.tracker, T0 + 90 * S)
    assert books.outcomes == [None]
    assert books.tracker.state is PRINTING


def test_a_job_that_is_lost_later_is_lost(books: TwoAddresses) -> None:
    books.begin("A", 60 * S)
    books.hear("B", 60 * S + BESIDE_MS + 1, state=IDLE, signal=JobSignal.LOST)
    assert books.outcomes == [Outcome.UNKNOWN]


def test_a_pause_told_twice_is_one(books: TwoAddresses) -> None:
    books.begin("A", 60 * S)
    books.hear("A", 80 * S, state=PAUSED)
    books.hear("A", 83 * S, state=PRINTING)
    books.hear("B", 84 * S, state=PAUSED)
    books.hear("B", 87 * S, state=PRINTING)
    assert books.job.pauses == 1


def test_a_pause_that_only_the_other_tells_counts(books: TwoAddresses) -> None:
    books.begin("A", 60 * S)
    books.hear("B", 60 * S + BESIDE_MS + 1, state=PAUSED)
    assert (books.job.pauses, books.tracker.state) == (1, PAUSED)


def test_at_rest_a_fault_or_a_beginning_is_news_at_once(books: TwoAddresses) -> None:
    books.hear("B", 1 * S, state=PrinterState.FINISHED)
    assert books.tracker.state is IDLE
    books.hear("B", 2 * S, state=PrinterState.ERROR)
    assert books.tracker.state is PrinterState.ERROR
    books.hear("A", 3 * S, state=PRINTING, job=JobReading(file="a.gcode", elapsed_ms=0))
    assert books.outcomes == [None]


def test_after_a_time_out_of_sight_any_state_is_news(books: TwoAddresses) -> None:
    books.hear("A", 10 * S, link=Link.OFFLINE)
    books.hear("B", 11 * S, state=PrinterState.FINISHED)
    assert books.tracker.state is PrinterState.FINISHED


def test_a_printer_with_one_address_is_not_touched() -> None:
    books = TwoAddresses()
    books.hear("", 0, state=IDLE)
    books.begin("", 60 * S)
    books.begin("", 61 * S)
    books.hear("", 62 * S, state=IDLE)
    assert needs_settling(books.tracker, T0 + 90 * S)
    assert len(books.jobs) == 2


def test_what_the_other_tells_of_the_print_is_taken_over(books: TwoAddresses) -> None:
    books.begin("A", 60 * S)
    books.hear("B", 90 * S, state=PRINTING, job=JobReading(file="a.gcode", progress=0.5))
    assert (len(books.jobs), books.job.progress) == (1, 0.5)


def test_the_account_of_time_of_the_other_outranks_its_progress_after_a_gap(books: TwoAddresses) -> None:
    job = JobReading(file="a.gcode", token="1", progress=0.5)
    books.hear("A", 60 * S, state=PRINTING, signal=JobSignal.STARTED, job=job)
    books.give(T0 + 90 * S, ContinuityLost(T0 + 120 * S))
    seen = JobReading(file="a.gcode", elapsed_ms=61 * S - BESIDE_MS, progress=0.2)
    books.hear("B", 121 * S, level=True, state=PRINTING, job=seen)
    assert books.outcomes == [None]


@pytest.mark.parametrize("off", [-BESIDE_MS, 0, BESIDE_MS])
def test_a_state_with_an_account_of_time_of_the_same_print_is_news(books: TwoAddresses, off: int) -> None:
    books.begin("A", 60 * S)
    books.hear("B", 90 * S, state=PAUSED, job=JobReading(file="a.gcode", elapsed_ms=30 * S + off))
    assert (len(books.jobs), books.tracker.state) == (1, PAUSED)


def test_a_state_of_before_the_print_that_the_other_told_is_none(books: TwoAddresses) -> None:
    books.begin("A", 60 * S)
    books.hear("B", 90 * S, state=PAUSED, job=JobReading(file="a.gcode", elapsed_ms=30 * S + BESIDE_MS + 1))
    assert (len(books.jobs), books.tracker.state) == (1, PRINTING)


@pytest.mark.parametrize("elapsed", [300 * S, None])
def test_the_other_is_held_against_the_start_and_not_the_first_sight(
    books: TwoAddresses, elapsed: int | None
) -> None:
    met = JobReading(file="a.gcode", elapsed_ms=elapsed)
    books.hear("A", 60 * S, level=True, state=PRINTING, job=met)
    told = JobReading(file="a.gcode", elapsed_ms=20 * S + (elapsed or 0))
    books.hear("B", 80 * S, state=PAUSED, job=told)
    assert (len(books.jobs), books.tracker.state) == (1, PAUSED)


@pytest.mark.parametrize(("late", "state"), [(BESIDE_MS, PRINTING), (BESIDE_MS + 1, PAUSED)])
def test_a_state_of_before_a_change_is_told_for_a_moment_only(
    books: TwoAddresses, late: int, state: PrinterState
) -> None:
    books.begin("A", 60 * S)
    books.hear("B", 60 * S + late, state=PAUSED)
    assert books.tracker.state is state


def test_a_fault_after_the_end_that_the_other_told_is_news_at_once(books: TwoAddresses) -> None:
    books.begin("A", 60 * S)
    books.finish("A", 99 * S)
    books.hear("B", 100 * S, state=PrinterState.ERROR)
    assert books.tracker.state is PrinterState.ERROR


def test_a_start_told_without_a_state_after_the_end_that_the_other_told_is_none(books: TwoAddresses) -> None:
    books.begin("A", 60 * S)
    books.finish("A", 99 * S)
    books.hear("B", 103 * S, signal=JobSignal.STARTED, job=JobReading(file="a.gcode", token="1"))
    assert books.outcomes == [Outcome.SUCCEEDED]


def test_a_job_that_is_lost_at_the_last_moment_is_still_the_one_before(books: TwoAddresses) -> None:
    books.begin("A", 60 * S)
    books.hear("B", 60 * S + BESIDE_MS, state=IDLE, signal=JobSignal.LOST)
    assert books.outcomes == [None]


@pytest.mark.parametrize(
    ("at", "elapsed", "begun"),
    [(99 * S + BESIDE_MS, None, False), (103 * S, 4 * S, True), (103 * S, 4 * S + 1, False)],
)
def test_what_runs_after_the_end_that_the_other_told_began_at_that_end_at_the_soonest(
    books: TwoAddresses, at: int, elapsed: int | None, *, begun: bool
) -> None:
    books.begin("A", 60 * S)
    books.finish("A", 99 * S)
    books.begin("B", at, elapsed=elapsed)
    assert (len(books.jobs) == 2) is begun


def test_another_file_after_the_end_that_the_other_told_is_another_print(books: TwoAddresses) -> None:
    books.begin("A", 60 * S)
    books.finish("A", 99 * S)
    books.hear("B", 100 * S, state=PRINTING, job=JobReading(file="b.gcode"))
    assert books.outcomes == [Outcome.SUCCEEDED, None]


def test_an_end_is_news_with_its_state_however_soon_after_the_start(books: TwoAddresses) -> None:
    books.begin("A", 60 * S)
    books.finish("B", 65 * S)
    assert (books.outcomes, books.tracker.state) == ([Outcome.SUCCEEDED], PrinterState.FINISHED)


def test_after_the_link_is_back_any_state_is_news(books: TwoAddresses) -> None:
    books.hear("A", 10 * S, link=Link.OFFLINE)
    books.hear("A", 11 * S, link=Link.ONLINE)
    books.hear("B", 12 * S, state=PrinterState.FINISHED)
    assert books.tracker.state is PrinterState.FINISHED


@pytest.mark.parametrize("rest", [IDLE, PrinterState.FINISHED])
def test_a_rest_of_before_the_one_that_the_other_told_is_none(
    books: TwoAddresses, rest: PrinterState
) -> None:
    told = {IDLE: PrinterState.FINISHED, PrinterState.FINISHED: IDLE}[rest]
    books.hear("A", 20 * S, state=PrinterState.ERROR)
    books.hear("A", 40 * S, state=told)
    books.hear("B", 41 * S, state=rest)
    assert books.tracker.state is told


def test_what_the_other_tells_with_the_same_state_is_taken_over_at_once(books: TwoAddresses) -> None:
    books.begin("A", 60 * S)
    books.hear("B", 61 * S, state=PRINTING, job=JobReading(file="a.gcode", progress=0.5))
    assert books.job.progress == 0.5


def test_an_address_may_change_what_it_told_itself_at_once(books: TwoAddresses) -> None:
    books.begin("A", 60 * S)
    books.hear("A", 61 * S, state=PAUSED)
    assert books.tracker.state is PAUSED


def test_a_state_of_when_the_printer_had_one_address_is_changed_at_once() -> None:
    books = TwoAddresses()
    books.hear("", 0, state=IDLE)
    books.hear("B", 1 * S, state=PrinterState.FINISHED)
    assert books.tracker.state is PrinterState.FINISHED


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("a.gcode", "a.gcode", True),
        ("x/a.gcode", "a.gcode", True),
        ("a.gcode", "x/y/a.gcode", True),
        ("x/a.gcode", "y/a.gcode", False),
        ("a.gcode", "b.gcode", False),
        ("x/a.gcode", "b.gcode", False),
        (None, "a.gcode", True),
        ("a.gcode", None, True),
    ],
)
def test_a_file_may_be_named_with_or_without_its_folder(
    one: str | None, other: str | None, alike: bool
) -> None:
    assert is_file_alike(one, other) is alike
