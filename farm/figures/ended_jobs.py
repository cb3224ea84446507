"""The jobs that ended, by columns: how many ended how, how many units they gave and how long they printed.

As with the states, the jobs that were there when the long arrays were made are counted by sums kept
for them; one that was revised since counts with -1 as it was and with 1 as it is.
"""

import hashlib
from collections.abc import Sequence
from itertools import chain
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from farm.figures.grouping import Grouping, RowsByPrinter
from farm.figures.rows_beside import RowsBeside
from farm.figures.running_sums import Added, Column, Integers, Keys, RunningSums, sums_before
from farm.figures.sums_kept import SumsKept
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


class EndedJob(NamedTuple):
    """What counts of a job that ended: its printer by number, when, how, and what it came to."""

    ended_ms: int
    printer: int
    ending: int
    units: int
    printing_ms: int


class JobColumns(NamedTuple):
    """Jobs in the order of their ends; `high` and `low` are the halves of a digest of the id."""

    ended_ms: Integers
    printer: NDArray[np.int32]
    ending: NDArray[np.int8]
    units: NDArray[np.int32]
    printing_ms: Integers
    high: NDArray[np.uint64]
    low: NDArray[np.uint64]

    @classmethod
    def of(cls, rows: Sequence[tuple[str, EndedJob]]) -> "JobColumns":
        """Jobs by id, in any order."""
        flat = chain.from_iterable(job for _, job in rows)
        table = np.fromiter(flat, dtype=np.int64, count=_COUNTED * len(rows)).reshape(-1, _COUNTED)
        digests = np.frombuffer(b"".join(_digest(job_id) for job_id, _ in rows), dtype=">u8").reshape(-1, 2)
        ended_ms, printer, ending, units, printing_ms = table.T
        return cls(
            ended_ms.copy(),
            printer.astype(np.int32),
            ending.astype(np.int8),
            units.astype(np.int32),
            printing_ms.copy(),
            digests[:, 0].astype(np.uint64),
            digests[:, 1].astype(np.uint64),
        ).in_order()

    @classmethod
    def joined(cls, parts: Sequence["JobColumns"]) -> "JobColumns":
        """The jobs of all parts."""
        columns: Any = (np.concatenate(each) for each in zip(cls.of([]), *parts, strict=True))
        return cls(*columns).in_order()

    def in_order(self) -> "JobColumns":
        """The same, by the end of the jobs."""
        return self.taken(np.argsort(self.ended_ms, kind="stable"))

    def taken(self, rows: Keys | NDArray[np.bool_]) -> "JobColumns":
        """These rows alone."""
        columns: Any = (column[rows] for column in self)
        return JobColumns(*columns)

    def row(self, place: int) -> EndedJob:
        """The job at that place."""
        return EndedJob(*(int(column[place]) for column in self[:_COUNTED]))


_COUNTED: Final = len(EndedJob._fields)


class EndedJobs:
    """Every job that ended."""

    def __init__(self) -> None:
        self._sums: SumsKept[tuple[bytes, int], _Ended] = SumsKept()
        self._by_id: tuple[NDArray[np.uint64], NDArray[np.int32]] | None = None
        self._by_printer: RowsByPrinter | None = None
        self.fill(JobColumns.of([]))

    def fill(self, columns: JobColumns) -> None:
        """These jobs, in order, are all there are."""
        self._take_over(columns)
        self._sums.clear()

    @property
    def columns(self) -> JobColumns:
        """All jobs in order."""
        self._put_together(0)
        return self._whole

    def put(self, job_id: str, job: EndedJob | None) -> None:
        """The job stands so; None for one that goes on, or is no more."""
        known = job_id in self._added or job_id in self._gone
        place = None if known else self._place_of(job_id)
        before = self._added.get(job_id) if place is None else self._whole.row(place)
        if before == job:
            return
        if place is not None:
            self._gone[job_id] = place
        self._added.pop(job_id, None)
        if job is not None:
            self._added[job_id] = job
        changed = (before, -1), (job, 1)
        self._beside.add([(*each, weight) for each, weight in changed if each is not None])

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
        who = Grouping(subject_of, subjects)
        kept = self._sums.get(who.key, lambda: self._summed(who))
        found = kept.sums.until(edges)
        if len(self._beside):
            ended_ms, printer, ending, units, printing_ms, weight = self._beside.columns()
            added = _entries(who, printer, ending, units, printing_ms, weight)
            found += sums_before(edges, ended_ms, subjects * len(ENDINGS), len(MEASURES), added)
        return found.reshape(len(edges), len(MEASURES), subjects, len(ENDINGS))

    def _place_of(self, job_id: str) -> int | None:
        high, low = np.frombuffer(_digest(job_id), dtype=">u8").astype(np.uint64)
        highs, by_id = self._ids
        first = int(np.searchsorted(highs, high))
        while first < len(highs) and highs[first] == high:
            place = int(by_id[first])
            if self._whole.low[place] == low:
                return place
            first += 1
        return None

    @property
    def _ids(self) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
        """The first halves of the ids in their order, and where the job of each is."""
        if self._by_id is None:
            order = np.argsort(self._whole.high).astype(np.int32)
            self._by_id = self._whole.high[order], order
        return self._by_id

    def _summed(self, who: Grouping) -> "_Ended":
        if self._by_printer is None:
            self._by_printer = RowsByPrinter(self._whole.printer)
        few = who.few_rows(self._by_printer)
        return _Ended(self._whole if few is None else self._whole.taken(few), who)

    def _take_over(self, columns: JobColumns) -> None:
        self._whole = columns
        self._by_id, self._by_printer = None, None
        self._gone: dict[str, int] = {}
        self._added: dict[str, EndedJob] = {}
        self._beside = RowsBeside(_COUNTED + 1)

    def _put_together(self, most: int) -> None:
        if len(self._beside) <= most:
            return
        before = self._whole
        stays = np.ones(len(before.ended_ms), dtype=bool)
        stays[list(self._gone.values())] = False
        more = JobColumns.of([*self._added.items()])
        alike = int(np.searchsorted(before.ended_ms, self._beside.columns()[0].min()))
        self._take_over(JobColumns.joined((before.taken(stays), more)))
        # Where less than half is alike, sums are better made when they are asked for.
        soon_done = 2 * alike > len(before.ended_ms)
        self._sums.renew(
            lambda each: each.renewed(self._whole, alike) if soon_done and each.columns is before else None
        )


class _Ended:
    """Jobs summed up by subject and ending."""

    def __init__(
        self, columns: JobColumns, who: Grouping, before: RunningSums | None = None, alike: int = 0
    ) -> None:
        """`before` are the sums of columns of which the first `alike` rows are the same."""
        self.columns = columns
        self._who = who
        keys = who.subjects * len(ENDINGS)
        contributions = self._contributions
        self.sums = RunningSums(columns.ended_ms, keys, len(MEASURES), contributions, before, alike)

    @property
    def cells(self) -> int:
        """How many sums are kept."""
        return self.sums.cells

    def renewed(self, columns: JobColumns, alike: int) -> "_Ended":
        """The same of columns of which the first `alike` rows are those of these."""
        return _Ended(columns, self._who, self.sums, alike)

    def _contributions(self, rows: slice | Keys) -> Sequence[Added]:
        _, printer, ending, units, printing_ms, *_ = self.columns
        weight = np.ones(len(printer[rows]), dtype=np.int64)
        return _entries(self._who, printer[rows], ending[rows], units[rows], printing_ms[rows], weight)


def _entries(
    who: Grouping, printer: Column, ending: Column, units: Column, printing_ms: Column, weight: Integers
) -> Sequence[Added]:
    """What jobs add to the sums of their subject and ending."""
    subject = who.subject_of[printer]
    key = np.where(subject < 0, -1, subject * len(ENDINGS) + ending)
    return [(key, (weight, weight * units, weight * printing_ms))]


def _digest(job_id: str) -> bytes:
    """128 bits that stand for the id."""
    return hashlib.blake2b(job_id.encode(), digest_size=16).digest()
