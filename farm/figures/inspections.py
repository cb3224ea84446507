"""What people found who inspected jobs: good and rejected units, and jobs of which nothing was good."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from farm.figures.job_grouping import JobGrouping
from farm.figures.job_rows import ENDING, ENDINGS
from farm.figures.running_sums import Added, Integers, Keys, RunningSums
from farm.model.states import Outcome

MEASURES: Final = (
    "jobs",
    "spoiled",
    "good_units",
    "rejected_units",
    "rejected_milligrams",
    "rejected_micrometres",
    "rejected_microlitres",
    *(f"{outcome}_{units}_units" for outcome in Outcome for units in ("plate", "good", "rejected")),
)
"""Inspected jobs that the printer had called a success, those without a good unit, good and rejected units of
all, and what the rejected units of those successes took. By the outcome of the jobs, the units on their
plates and those that were found good and rejected.
"""

_TAKEN: Final = 3
"""So many kinds of material, in the last columns."""
_SUCCEEDED: Final = ENDING[Outcome.SUCCEEDED, None]
_ENDED_WITH: Final = tuple([ENDING[each] for each in ENDINGS if each[0] is outcome] for outcome in Outcome)
"""The endings of each outcome."""


class InspectedJob(NamedTuple):
    """A job that ended and was inspected: when and how, by what it is told apart, and what was found.

    All but the good and rejected units is as in `farm.figures.job_rows.EndedJob`.
    """

    ended_ms: int
    printer: int
    file: int
    material: int
    operator: int
    cause: int
    spool: int
    ending: int
    started_ms: int
    units: int
    good_units: int
    rejected_units: int
    rejected_milligrams: int = 0
    rejected_micrometres: int = 0
    rejected_microlitres: int = 0


class InspectedRows(NamedTuple):
    """`InspectedJob` by columns, in the order of the ends."""

    ended_ms: Integers
    printer: Integers
    file: Integers
    material: Integers
    operator: Integers
    cause: Integers
    spool: Integers
    ending: Integers
    started_ms: Integers
    units: Integers
    good_units: Integers
    rejected_units: Integers
    rejected_milligrams: Integers
    rejected_micrometres: Integers
    rejected_microlitres: Integers

    def taken(self, rows: slice | Keys | NDArray[np.bool_]) -> "InspectedRows":
        """These rows alone."""
        return InspectedRows(*(column[rows] for column in self))


class Inspections:
    """Every inspected job. There are few of them: their sums are made for each question."""

    def __init__(self) -> None:
        self._jobs: dict[str, InspectedJob] = {}
        self._rows: InspectedRows | None = None

    def fill(self, jobs: Iterable[tuple[str, InspectedJob]]) -> None:
        """These jobs, by their ids, are all that were inspected."""
        self._jobs, self._rows = dict(jobs), None

    def put(self, job_id: str, job: InspectedJob | None) -> None:
        """The job was found so; None where no verdict stands, or it did not end."""
        if self._jobs.get(job_id) != job:
            self._rows = None
        if job is None:
            self._jobs.pop(job_id, None)
        else:
            self._jobs[job_id] = job

    def get(self, job_id: str) -> InspectedJob | None:
        """What was found of the job, None where no verdict stands."""
        return self._jobs.get(job_id)

    def items(self) -> Iterable[tuple[str, InspectedJob]]:
        """Every inspected job by its id."""
        return self._jobs.items()

    def __len__(self) -> int:
        return len(self._jobs)

    def spoiled(self, from_ms: int, until_ms: int) -> InspectedRows:
        """Those without a good unit that ended in the interval (half open)."""
        rows = self._sorted()
        inside = rows.taken(slice(*np.searchsorted(rows.ended_ms, (from_ms, until_ms)).tolist()))
        return inside.taken(inside.good_units == 0)

    def sums(self, edges: Integers, who: JobGrouping) -> Integers:
        """The sums of `MEASURES` over the jobs that ended before each edge: by edge, measure and subject."""
        rows = self._sorted()

        def contributions(wanted: slice | Keys) -> Sequence[Added]:
            some = rows.taken(wanted)
            succeeded = (some.ending == _SUCCEEDED).astype(np.int64)
            spoiled = succeeded * (some.good_units == 0)
            units = some.units, some.good_units, some.rejected_units
            parted = [np.isin(some.ending, own) * each for own in _ENDED_WITH for each in units]
            return [Added(who.of(some), (succeeded, spoiled, *units[1:], *some[-_TAKEN:], *parted))]

        return RunningSums(rows.ended_ms, who.subjects, len(MEASURES), contributions).until(edges)

    def _sorted(self) -> InspectedRows:
        if self._rows is None:
            found = sorted(self._jobs.values())
            table = np.array(found, dtype=np.int64).reshape(-1, len(InspectedJob._fields))
            self._rows = InspectedRows(*(np.ascontiguousarray(column) for column in table.T))
        return self._rows
