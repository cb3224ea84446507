"""Streaks over columns are those that the rule finds in the jobs themselves, however these change."""

from itertools import takewhile

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.figures.ended_jobs import EndedJobColumns
from farm.figures.failed_streaks import FailedStreaks
from farm.figures.job_rows import ENDING, ENDINGS, EndedJob, JobColumns
from farm.kpi.streak import streaks
from farm.model.job import Job
from farm.model.states import Outcome

PRINTERS = 3
WINDOWS = np.array([[0, 5], [0, 40], [10, 20], [20, 20], [15, 90]], dtype=np.int64)
ENDS = st.lists(
    st.tuples(st.integers(0, 50), st.integers(0, PRINTERS - 1), st.sampled_from(ENDINGS)),
    max_size=14,
    unique_by=lambda each: each[0],
)
CHANGES = st.lists(
    st.tuples(
        st.integers(0, 15),
        st.none() | st.tuples(st.integers(60, 80), st.integers(0, PRINTERS - 1), st.sampled_from(ENDINGS)),
    ),
    max_size=6,
    unique_by=lambda each: each[1] and each[1][0],
)


def ended(end: tuple[int, int, tuple[Outcome, object]]) -> EndedJob:
    at, printer, ending = end
    return EndedJob(at, printer, ENDING[ending], 1, 0)  # type: ignore[index]  # it is one of them


def current(jobs: list[EndedJob], until: int, instead: Outcome | None = None) -> int:
    """The streak that has no success behind it, unknown outcomes taken for `instead`."""
    newest = sorted((job for job in jobs if job.ended_ms < until), reverse=True)
    told = [ENDINGS[job.ending][0] for job in newest]
    outcomes = [instead if instead and each is Outcome.UNKNOWN else each for each in told]
    rows = [Job(id="", printer_id="", file=None, started_ms=None, outcome=each) for each in outcomes]
    found = [len(streak.failed) for streak in streaks(rows) if streak.broken_by is None]
    return found[0] if found else 0


def expected(jobs: list[EndedJob], window: list[int]) -> list[list[int]]:
    """For each printer what is told of it."""
    begin, end = window
    found = []
    for printer in range(PRINTERS):
        own = [job for job in jobs if job.printer == printer]
        at = [begin, *(job.ended_ms + 1 for job in own if begin <= job.ended_ms < end)]
        known = [
            job for job in own if job.ended_ms < end and ENDINGS[job.ending][0] in ("succeeded", "failed")
        ]
        now = current(own, end)
        found.append(
            [
                now,
                current(own, end, Outcome.SUCCEEDED),
                current(own, end, Outcome.FAILED),
                max(current(own, instant) for instant in at),
                int(now > 0),
                len(known),
                len([job for job in own if job.ended_ms < end]),
                0,
                since_success(own, end).count(Outcome.UNKNOWN),
                since_success(own, end).count(Outcome.CANCELLED),
            ]
        )
    return found


def since_success(jobs: list[EndedJob], until: int) -> list[Outcome]:
    """How the jobs ended that came after the last success."""
    newest = sorted((job for job in jobs if job.ended_ms < until), reverse=True)
    return [
        *takewhile(lambda each: each is not Outcome.SUCCEEDED, (ENDINGS[job.ending][0] for job in newest))
    ]


@settings(deadline=None)
@given(ENDS, CHANGES)
def test_streaks_are_those_of_the_rule(
    ends: list[tuple[int, int, tuple[Outcome, object]]],
    changes: list[tuple[int, tuple[int, int, tuple[Outcome, object]] | None]],
) -> None:
    held = {f"job-{number}": ended(end) for number, end in enumerate(ends)}
    jobs = EndedJobColumns()
    jobs.fill(JobColumns.of([*held.items()]))
    told = FailedStreaks(jobs)
    everybody, farm = np.arange(PRINTERS), np.zeros(PRINTERS, dtype=np.intp)
    for number, end in [(-1, None), *changes]:
        job_id, job = f"job-{number}", None if end is None else ended(end)
        told.touch((jobs.get(job_id), job))
        jobs.put(job_id, job)
        held.pop(job_id, None)
        if job is not None:
            held[job_id] = job
        found = [expected([*held.values()], window) for window in WINDOWS.tolist()]
        assert told.told(WINDOWS, everybody, PRINTERS).tolist() == found
        whole = np.array(found)
        together = np.concatenate((whole[:, :, :4].max(axis=1), whole[:, :, 4:].sum(axis=1)), axis=1)
        together[:, 7] = whole[:, :, 0].sum(axis=1) - together[:, 0]
        assert (told.told(WINDOWS, farm, 1)[:, 0] == together).all()
