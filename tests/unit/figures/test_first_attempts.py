"""First attempts are those of a plain count, in whatever order jobs and verdicts came and changed."""

from random import Random
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.figures import ended_jobs, first_attempts
from farm.figures.ended_jobs import EndedJobColumns
from farm.figures.first_attempts import MEASURES, FirstAttempts
from farm.figures.inspections import InspectedJob, Inspections
from farm.figures.job_grouping import ByCode, JobGrouping, by_printer
from farm.figures.job_rows import ENDINGS, NOT_KNOWN, EndedJob, JobColumns
from farm.figures.plain_attempts import Found, counted_attempts
from farm.model.times import HOUR_MS

PRINTERS, FILES = 3, 4
EDGES = np.array([0, 5, 12, 20, 200], dtype=np.int64) * HOUR_MS
WITHIN_HOURS = 6
JOBS = st.builds(
    lambda ended, length, printer, ending, units, file: EndedJob(
        ended * HOUR_MS // 2,
        printer,
        ending,
        units,
        HOUR_MS,
        started_ms=NOT_KNOWN if length is None else (ended - length) * HOUR_MS // 2,
        file=file,
    ),
    st.integers(10, 60),
    st.none() | st.integers(0, 8),
    st.integers(0, PRINTERS - 1),
    st.integers(0, len(ENDINGS) - 1),
    st.integers(1, 4),
    st.integers(0, FILES - 1),
)
UNITS = st.tuples(st.integers(0, 3), st.integers(0, 3)).filter(any)
CHANGES = st.lists(st.tuples(st.integers(0, 7), st.none() | JOBS, st.none() | UNITS), min_size=1, max_size=12)

GROUPINGS = (
    (by_printer(np.arange(PRINTERS), PRINTERS), "printer"),
    (JobGrouping([ByCode("file", np.arange(FILES), FILES)]), "file"),
)
Told: TypeAlias = tuple[list[Any], list[tuple[EndedJob, list[int]]]]
"""The sums before each edge by each grouping, and what every job adds."""


class Kept:
    """Jobs and verdicts by id, in the columns and plainly."""

    def __init__(self, jobs: dict[str, EndedJob]) -> None:
        self.plain = dict(jobs)
        self.units: dict[str, tuple[int, int]] = {}
        self.jobs, self.inspections = EndedJobColumns(), Inspections()
        self.jobs.fill(JobColumns.of([*jobs.items()]))
        self.attempts = FirstAttempts(self.jobs, self.inspections)
        self.attempts.reprint_within(WITHIN_HOURS)

    def put(self, job_id: str, job: EndedJob | None, units: tuple[int, int] | None) -> None:
        inspected = None
        if job is not None and units is not None:
            codes = (job.printer, job.file, job.material, job.operator, job.cause, job.spool)
            inspected = InspectedJob(job.ended_ms, *codes, job.ending, job.started_ms, job.units, *units)
        self.attempts.touch((self.jobs.get(job_id), job, self.inspections.get(job_id)))
        self.inspections.put(job_id, inspected)
        self.jobs.put(job_id, job)
        self.plain.pop(job_id, None)
        self.units.pop(job_id, None)
        if job is not None:
            self.plain[job_id] = job
            if units is not None:
                self.units[job_id] = units

    def told(self) -> Told:
        sums = [self.attempts.sums(EDGES, who).tolist() for who, _ in GROUPINGS]
        amounts = self.attempts.amounts_of([*self.plain, "none"])
        return sums, sorted((self.plain[job_id], adds) for job_id, adds in amounts.items())

    def counted(self) -> Told:
        """The same, counted one job after the other."""
        counted: list[tuple[EndedJob, list[int]]] = []
        for file in range(FILES):
            own = {job_id: job for job_id, job in self.plain.items() if job.file == file}
            found = [Found(job, self.units.get(job_id)) for job_id, job in own.items()]
            counted += counted_attempts(found, WITHIN_HOURS * HOUR_MS)
        sums = []
        for who, code in GROUPINGS:
            plain = np.zeros((len(EDGES), len(MEASURES), who.subjects), dtype=np.int64)
            for job, adds in counted:
                for measure, amount in enumerate(adds):
                    plain[:, measure, getattr(job, code)] += (job.ended_ms < EDGES) * amount
            sums.append(plain.tolist())
        return sums, sorted((job, [*adds]) for job, adds in counted)


@settings(deadline=None)
@given(st.lists(JOBS, max_size=10), CHANGES)
def test_however_jobs_change_the_first_attempts_are_those_of_a_plain_count(
    jobs: list[EndedJob], changes: list[tuple[int, EndedJob | None, tuple[int, int] | None]]
) -> None:
    kept = Kept({f"job-{number}": job for number, job in enumerate(jobs)})
    assert kept.told() == kept.counted()
    for number, job, units in changes:
        kept.put(f"job-{number}", job, units)
        assert kept.told() == kept.counted()


@pytest.mark.parametrize("most", [0, 3, 10_000])
def test_the_order_in_which_jobs_came_does_not_matter(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(ended_jobs, "MOST_BESIDE", most)
    monkeypatch.setattr(first_attempts, "MOST_BESIDE", most)
    chance = Random(3)
    jobs = [
        EndedJob(
            chance.randrange(10, 60) * HOUR_MS, chance.randrange(PRINTERS), chance.randrange(6), 2, HOUR_MS,
            started_ms=NOT_KNOWN, file=chance.randrange(FILES),
        )
        for _ in range(60)
    ]  # fmt: skip
    numbers = list(range(60))
    told = []
    for _ in range(3):
        chance.shuffle(numbers)
        kept = Kept({f"job-{number}": jobs[number] for number in numbers[:20]})
        assert kept.told() == kept.counted()
        for number in numbers[20:]:
            kept.put(f"job-{number}", jobs[number], (1, 1) if number % 7 == 0 else None)
            if number % 10 == 0:
                assert kept.told() == kept.counted()
        for number in numbers[:20]:
            kept.put(f"job-{number}", jobs[number], (1, 1) if number % 7 == 0 else None)
        assert kept.told() == kept.counted()
        told.append(kept.attempts.sums(EDGES, by_printer(np.arange(PRINTERS), PRINTERS)).tolist())
    assert told[0] == told[1] == told[2]


def test_another_time_within_which_a_job_is_a_reprint_counts_anew() -> None:
    bad = EndedJob(10 * HOUR_MS, 0, 1, 1, HOUR_MS, file=1)
    good = EndedJob(20 * HOUR_MS, 0, 0, 1, HOUR_MS, file=1)
    kept = Kept({"bad": bad, "good": good})
    farm = by_printer(np.zeros(1, dtype=np.intp), 1)
    assert kept.attempts.sums(EDGES, farm)[-1, :4, 0].tolist() == [2, 0, 2, 1]
    kept.attempts.reprint_within(9)
    assert kept.attempts.sums(EDGES, farm)[-1, :4, 0].tolist() == [1, 1, 1, 0]
