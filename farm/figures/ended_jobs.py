"""The jobs that ended, by columns: how many ended how, how many units they gave and how long they printed.

As with the states, the jobs that were there when the long arrays were made are counted by sums kept
for them; one that was revised since counts with -1 as it was and with 1 as it is.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from farm.figures.running_sums import Added, Integers, Keys, RunningSums
from farm.model.states import CancelledBy, Outcome

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
MEASURES: Final = ("jobs", "units", "printing_ms")
MOST_BESIDE = 8_192
_MOST_SUMS = 8


class EndedJob(NamedTuple):
    """What counts of a job that ended: its printer by number, when, how, and what it came to."""

    ended_ms: int
    printer: int
    ending: int
    units: int
    printing_ms: int


class JobColumns(NamedTuple):
    """Jobs in the order of their ends.

    `high` and `low` are the halves of a digest of the id; `weight` is -1 for a job that is taken back.
    """

    ended_ms: Integers
    printer: NDArray[np.int32]
    ending: NDArray[np.int8]
    units: NDArray[np.int32]
    printing_ms: Integers
    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    weight: NDArray[np.int8]

    @classmethod
    def of(cls, rows: Iterable[tuple[str, EndedJob, int]]) -> "JobColumns":
        """Rows of (id, job, weight), in any order."""
        table = [(*job, *_halves(job_id), weight) for job_id, job, weight in rows]
        columns: list[Sequence[Any]] = list(zip(*table, strict=True)) if table else [[]] * 8
        return cls.in_order(
            [np.array(column, dtype=kind) for column, kind in zip(columns, _KINDS, strict=True)]
        )

    @classmethod
    def in_order(cls, columns: Sequence[NDArray[Any]]) -> "JobColumns":
        """The columns, sorted by the end of the jobs."""
        order = np.argsort(columns[0], kind="stable")
        return cls(*(column[order] for column in columns))

    def row(self, place: int) -> EndedJob:
        """The job at that place."""
        return EndedJob(*(int(column[place]) for column in self[:5]))


_KINDS: Final = (np.int64, np.int32, np.int8, np.int32, np.int64, np.uint64, np.uint64, np.int8)


class EndedJobs:
    """Every job that ended."""

    def __init__(self) -> None:
        self._whole = JobColumns.of([])
        self._by_id: NDArray[np.int32] = np.zeros(0, dtype=np.int32)
        self._highs: NDArray[np.uint64] = np.zeros(0, dtype=np.uint64)
        self._gone: dict[str, int] = {}
        self._added: dict[str, EndedJob] = {}
        self._beside: JobColumns | None = None
        self._sums: OrderedDict[tuple[bytes, int], RunningSums] = OrderedDict()

    def fill(self, columns: JobColumns) -> None:
        """These jobs, in order, are all there are."""
        self._whole = columns
        self._by_id = np.argsort(columns.high, kind="stable").astype(np.int32)
        self._highs = columns.high[self._by_id]
        self._gone, self._added, self._beside = {}, {}, None
        self._sums.clear()

    @property
    def columns(self) -> JobColumns:
        """All jobs in order."""
        self._put_together(0)
        return self._whole

    def put(self, job_id: str, job: EndedJob | None) -> None:
        """The job stands so; None for one that goes on, or is no more."""
        before = self._added.pop(job_id, None)
        place = None if before is not None or job_id in self._gone else self._place_of(job_id)
        if place is not None:
            if self._whole.row(place) == job:
                return
            self._gone[job_id] = place
        if job is not None:
            self._added[job_id] = job
        self._beside = None

    def get(self, job_id: str) -> EndedJob | None:
        """The job as it is held, None where it did not end."""
        if job_id in self._added or job_id in self._gone:
            return self._added.get(job_id)
        place = self._place_of(job_id)
        return None if place is None else self._whole.row(place)

    def __len__(self) -> int:
        return len(self._whole.ended_ms) - len(self._gone) + len(self._added)

    def sums(self, edges: Integers, subject_of: Keys, subjects: int) -> Integers:
        """The sums of `MEASURES` over the jobs that ended before each edge.

        By edge, measure, subject and ending; `subject_of` gives the subject of each printer, -1 for none.
        """
        self._put_together(MOST_BESIDE)
        key = subject_of.tobytes(), subjects
        if (kept := self._sums.get(key)) is None:
            kept = self._sums[key] = _running_sums(self._whole, subject_of, subjects)
            while len(self._sums) > _MOST_SUMS:
                self._sums.popitem(last=False)
        self._sums.move_to_end(key)
        found = kept.until(edges)
        if self._gone or self._added:
            found = found + _running_sums(self._changed(), subject_of, subjects).until(edges)
        return found.reshape(len(edges), len(MEASURES), subjects, len(ENDINGS))

    def _place_of(self, job_id: str) -> int | None:
        high, low = _halves(job_id)
        first = int(np.searchsorted(self._highs, np.uint64(high)))
        while first < len(self._highs) and self._highs[first] == high:
            place = int(self._by_id[first])
            if self._whole.low[place] == low:
                return place
            first += 1
        return None

    def _changed(self) -> JobColumns:
        if self._beside is None:
            self._beside = JobColumns.of(self._rows_beside())
        return self._beside

    def _rows_beside(self) -> Iterator[tuple[str, EndedJob, int]]:
        for job_id, place in self._gone.items():
            yield job_id, self._whole.row(place), -1
        for job_id, job in self._added.items():
            yield job_id, job, 1

    def _put_together(self, most: int) -> None:
        if not (self._gone or self._added) or len(self._gone) + len(self._added) <= most:
            return
        stays = np.ones(len(self._whole.ended_ms), dtype=bool)
        stays[list(self._gone.values())] = False
        more = self._changed()
        new = more.weight > 0
        columns: list[NDArray[Any]] = [*self._whole]
        added: list[NDArray[Any]] = [*more]
        joined = [np.concatenate((old[stays], each[new])) for old, each in zip(columns, added, strict=True)]
        self.fill(JobColumns.in_order(joined))


def _running_sums(columns: JobColumns, subject_of: Keys, subjects: int) -> RunningSums:
    def contributions(rows: slice | Keys) -> Sequence[Added]:
        subject = subject_of[columns.printer[rows]]
        key = np.where(subject < 0, -1, subject * len(ENDINGS) + columns.ending[rows])
        weight = columns.weight[rows].astype(np.int64)
        return [(key, (weight, weight * columns.units[rows], weight * columns.printing_ms[rows]))]

    return RunningSums(columns.ended_ms, subjects * len(ENDINGS), len(MEASURES), contributions)


def _halves(job_id: str) -> tuple[int, int]:
    """128 bits that stand for the id."""
    digest = hashlib.blake2b(job_id.encode(), digest_size=16).digest()
    return int.from_bytes(digest[:8]), int.from_bytes(digest[8:])
