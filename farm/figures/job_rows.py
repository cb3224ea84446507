"""What counts of the jobs that ended, one by one and by columns.

A further fact is a line in `EndedJob`, one in `JobRows` and its type in `_TYPES`; what is summed of it is
a measure in `farm.figures.job_measures`.
"""

import hashlib
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from farm.figures.narrow import Column, narrow
from farm.figures.running_sums import Integers, Keys
from farm.model.states import CancelledBy, Cause, Outcome

ENDINGS: Final[tuple[tuple[Outcome, CancelledBy | None], ...]] = (
    (Outcome.SUCCEEDED, None),
    (Outcome.FAILED, None),
    (Outcome.CANCELLED, None),
    (Outcome.CANCELLED, CancelledBy.PERSON),
    (Outcome.CANCELLED, CancelledBy.SYSTEM),
    (Outcome.UNKNOWN, None),
)
"""How jobs can end, as they are told apart."""
ENDING: Final = {each: number for number, each in enumerate(ENDINGS)}
CAUSES: Final[tuple[Cause | None, ...]] = (None, *Cause)
"""Why jobs fail, by code."""
CAUSE_CODE: Final = {cause: code for code, cause in enumerate(CAUSES)}
NOT_KNOWN: Final = -1
"""Stands for an amount or instant that a job does not say; nothing known is below 0."""


class EndedJob(NamedTuple):
    """What counts of a job that ended, in whole numbers.

    Its printer by number, how it ended by `ENDINGS`, its texts by `farm.figures.text_codes`, its cause by
    `CAUSES`; `started_ms`, `milligrams`, `micrometres` (of filament), `microlitres` (of resin) and
    `expected_ms` (the estimate of the source) are `NOT_KNOWN` where it does not say them.
    """

    ended_ms: int
    printer: int
    ending: int
    units: int
    printing_ms: int
    preparing_ms: int = 0
    paused_ms: int = 0
    started_ms: int = NOT_KNOWN
    file: int = 0
    material: int = 0
    operator: int = 0
    cause: int = 0
    spool: int = 0
    milligrams: int = NOT_KNOWN
    micrometres: int = NOT_KNOWN
    microlitres: int = NOT_KNOWN
    expected_ms: int = NOT_KNOWN


COUNTED: Final = len(EndedJob._fields)
_TYPES: Final = {
    "printer": np.int32,
    "ending": np.int8,
    "units": np.int32,
    "file": np.int32,
    "material": np.int32,
    "operator": np.int32,
    "cause": np.int8,
    "spool": np.int32,
}
"""Of columns that are reckoned with in less than 64 bits."""
_IN_ORDER: Final = "ended_ms"


class JobRows(NamedTuple):
    """`EndedJob` by columns, in any order."""

    ended_ms: Integers
    printer: Column
    ending: Column
    units: Column
    printing_ms: Integers
    preparing_ms: Integers
    paused_ms: Integers
    started_ms: Integers
    file: Column
    material: Column
    operator: Column
    cause: Column
    spool: Column
    milligrams: Integers
    micrometres: Integers
    microlitres: Integers
    expected_ms: Integers

    @classmethod
    def of(cls, jobs: Sequence[EndedJob]) -> "JobRows":
        """The jobs in their order."""
        flat = chain.from_iterable(jobs)
        table = np.fromiter(flat, dtype=np.int64, count=COUNTED * len(jobs)).reshape(-1, COUNTED)
        return cls.of_columns(table.T)

    @classmethod
    def of_columns(cls, columns: Iterable[Sequence[int] | Integers]) -> "JobRows":
        """The jobs whose facts are in the columns, in the order of the fields."""
        named = zip(cls._fields, columns, strict=True)
        typed: Any = (np.array(column, dtype=_TYPES.get(name, np.int64)) for name, column in named)
        return cls(*typed)

    @classmethod
    def joined(cls, *parts: "JobRows") -> "JobRows":
        """The jobs of one part after those of another."""
        columns: Any = (np.concatenate(each) for each in zip(*parts, strict=True))
        return cls(*columns)

    def taken(self, rows: slice | Keys | NDArray[np.bool_]) -> "JobRows":
        """These rows alone."""
        columns: Any = (column[rows] for column in self)
        return JobRows(*columns)

    def some(self, rows: slice | Keys | NDArray[np.bool_]) -> "JobRows":
        """The same for looking at a few of their columns, which are taken only then.

        They are wide enough to be reckoned with, which columns that are held are not.
        """
        found: Any = _SomeJobs(self, rows)
        return cast(JobRows, found)


class _SomeJobs:
    """Some of the jobs, of which a column is taken when it is first looked at."""

    def __init__(self, rows: JobRows, places: slice | Keys | NDArray[np.bool_]) -> None:
        self._rows, self._places = rows, places

    def __getattr__(self, name: str) -> Column:
        held: Column = getattr(self._rows, name)[self._places]
        column = held.astype(_TYPES.get(name, np.int64), copy=False)
        setattr(self, name, column)
        return column


class JobColumns(NamedTuple):
    """Jobs in the order of their ends; `high` and `low` are the halves of a digest of the id.

    A column is as wide as the numbers in it ask for, which is half of the memory. So it can be compared and
    looked up by, and is reckoned with by way of `JobRows.some`.
    """

    rows: JobRows
    high: NDArray[np.uint64]
    low: NDArray[np.uint64]

    @classmethod
    def of(cls, jobs: Sequence[tuple[str, EndedJob]]) -> "JobColumns":
        """Jobs by id, in any order."""
        return cls._with_ids([job_id for job_id, _ in jobs], JobRows.of([job for _, job in jobs]))

    @classmethod
    def of_columns(cls, ids: Sequence[str], columns: Sequence[Sequence[int]]) -> "JobColumns":
        """Jobs in any order, by columns in the order of the fields of `EndedJob`."""
        return cls._with_ids(ids, JobRows.of_columns(columns))

    @classmethod
    def _with_ids(cls, ids: Sequence[str], rows: JobRows) -> "JobColumns":
        digests = np.frombuffer(b"".join(map(digest, ids)), dtype=">u8").reshape(-1, 2)
        held = JobRows._make(_as_held(name, column) for name, column in rows._asdict().items())
        return cls(held, digests[:, 0].astype(np.uint64), digests[:, 1].astype(np.uint64)).in_order()

    @classmethod
    def joined(cls, parts: Sequence["JobColumns"]) -> "JobColumns":
        """The jobs of all parts."""
        held = [each.columns() for each in (cls.of([]), *parts)]
        order = np.argsort(np.concatenate([each["ended_ms"] for each in held]), kind="stable")
        # One column after the other, each taken out of its parts: whole tables beside each other are large.
        return cls.by_name(
            {
                name: _as_held(name, np.concatenate([each.pop(name) for each in held])[order])
                for name in cls.names()
            }
        )

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The names of all columns."""
        return *JobRows._fields, "high", "low"

    @classmethod
    def by_name(cls, columns: dict[str, NDArray[Any]]) -> "JobColumns":
        """Those columns, which `columns` gave."""
        rows = JobRows(*(columns[name] for name in JobRows._fields))
        return cls(rows, columns["high"], columns["low"])

    def columns(self) -> dict[str, NDArray[Any]]:
        """Every column by its name."""
        return {**self.rows._asdict(), "high": self.high, "low": self.low}

    def in_order(self) -> "JobColumns":
        """The same, by the end of the jobs."""
        return self.taken(np.argsort(self.rows.ended_ms, kind="stable"))

    def taken(self, rows: Keys | NDArray[np.bool_]) -> "JobColumns":
        """These rows alone."""
        return JobColumns(self.rows.taken(rows), self.high[rows], self.low[rows])

    def row(self, place: int) -> EndedJob:
        """The job at that place."""
        return EndedJob(*(int(column[place]) for column in self.rows))

    @property
    def length(self) -> int:
        """So many jobs."""
        return len(self.high)


def _as_held(name: str, column: NDArray[Any]) -> NDArray[Any]:
    """The column as wide as its numbers ask for; but for that by which jobs are in order, and digests."""
    if name == _IN_ORDER or column.dtype == np.uint64:
        return column
    return narrow(column)


def digest(job_id: str) -> bytes:
    """128 bits that stand for the id."""
    return hashlib.blake2b(job_id.encode(), digest_size=16).digest()
