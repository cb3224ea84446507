"""What people found who inspected jobs: good and rejected units, and jobs of which nothing was good."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np

from farm.figures.running_sums import Added, Integers, Keys, RunningSums

MEASURES: Final = ("jobs", "spoiled", "good_units", "rejected_units")
"""Inspected jobs that the printer had called a success, those without a good unit, and units of all."""


class InspectedJob(NamedTuple):
    """A job that ended and was inspected: when and on which printer by number, how, and what was found."""

    ended_ms: int
    printer: int
    succeeded: bool
    good_units: int
    rejected_units: int


class Inspections:
    """Every inspected job. There are few of them: their sums are made for each question."""

    def __init__(self) -> None:
        self._jobs: dict[str, InspectedJob] = {}
        self._columns: list[Integers] | None = None

    def fill(self, jobs: Iterable[tuple[str, InspectedJob]]) -> None:
        """These jobs, by their ids, are all that were inspected."""
        self._jobs, self._columns = dict(jobs), None

    def put(self, job_id: str, job: InspectedJob | None) -> None:
        """The job was found so; None where no verdict stands, or it did not end."""
        if self._jobs.get(job_id) != job:
            self._columns = None
        if job is None:
            self._jobs.pop(job_id, None)
        else:
            self._jobs[job_id] = job

    def sums(self, edges: Integers, subject_of: Keys, subjects: int) -> Integers:
        """The sums of `MEASURES` over the jobs that ended before each edge: by edge, measure and subject.

        `subject_of` gives the subject of each printer, -1 for none.
        """
        at, printer, succeeded, good, rejected = self._sorted()

        def contributions(rows: slice | Keys) -> Sequence[Added]:
            told = succeeded[rows]
            spoiled = told * (good[rows] == 0)
            return [(subject_of[printer[rows]], (told, spoiled, good[rows], rejected[rows]))]

        return RunningSums(at, subjects, len(MEASURES), contributions).until(edges)

    def _sorted(self) -> list[Integers]:
        if self._columns is None:
            rows = sorted(self._jobs.values())
            table = np.array(rows, dtype=np.int64).reshape(-1, len(InspectedJob._fields))
            self._columns = [np.ascontiguousarray(table[:, number]) for number in range(table.shape[1])]
        return self._columns
