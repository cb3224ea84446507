from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st

from alerts.history import FURTHEST, past_of
from farm.kpi.streak import streaks
from farm.model.job import Job
from tests.unit.alerts.makings import PRINTER, ended_job, past


class Shelf:
    """Ended jobs, and how many of them were read."""

    def __init__(self, jobs: list[Job]) -> None:
        self.jobs = jobs
        self.reads: list[int] = []

    def last_terminal_jobs(self, printer_id: str, limit: int) -> list[Job]:
        assert printer_id == PRINTER
        self.reads.append(limit)
        return self.jobs[:limit]


def test_a_short_past_is_read_whole_at_once() -> None:
    shelf = Shelf(past("FFSF"))
    assert past_of(shelf, PRINTER, ()) == (past("FFSF"), True)
    assert len(shelf.reads) == 1


def test_of_a_long_past_only_what_decides_is_read() -> None:
    shelf = Shelf(past("S" * 3000 + "FF"))
    jobs, whole = past_of(shelf, PRINTER, [ended_job(3001, "F").id])
    assert whole
    assert shelf.reads == [25]
    assert jobs == past("S" * 3000 + "FF")[:25]


def test_it_reads_on_to_a_job_that_was_named() -> None:
    shelf = Shelf(past("SFFF" + "C" * 60 + "S" * 60))
    jobs, whole = past_of(shelf, PRINTER, [ended_job(1, "F").id])
    assert whole
    assert ended_job(0, "S") in jobs


def test_a_streak_is_never_cut_in_its_middle() -> None:
    shelf = Shelf(past("SFFF" + "F" * 40))
    jobs, whole = past_of(shelf, PRINTER, [ended_job(43, "F").id])
    assert whole
    assert [len(streak.failed) for streak in streaks(jobs)] == [43]


def test_a_withdrawn_job_makes_it_read_to_the_limit_and_no_further() -> None:
    shelf = Shelf(past("SF" * 2000))
    jobs, whole = past_of(shelf, PRINTER, ["gone"])
    assert whole
    assert shelf.reads[-1] == FURTHEST
    assert len(jobs) <= FURTHEST


def test_it_says_when_nothing_is_decided() -> None:
    shelf = Shelf(past("C" * 2000))
    jobs, whole = past_of(shelf, PRINTER, ())
    assert not whole
    assert len(jobs) == FURTHEST


def test_at_least_as_many_are_looked_through_as_are_asked_for() -> None:
    shelf = Shelf(past("SFFFS" * 100))
    jobs, _ = past_of(shelf, PRINTER, (), at_least=200)
    assert len(jobs) == 200


@trials(max_examples=60, deadline=None)
@given(st.text("FSCU", max_size=140), st.data())
def test_the_streaks_found_are_those_of_the_whole_past(letters: str, data: st.DataObject) -> None:
    everything = past(letters)
    named = [data.draw(st.sampled_from(everything)).id] if everything else []
    jobs, whole = past_of(Shelf(everything), PRINTER, named)
    assert whole
    assert set(named) <= {job.id for job in jobs}
    assert streaks(jobs) == streaks(everything)[: len(streaks(jobs))]
