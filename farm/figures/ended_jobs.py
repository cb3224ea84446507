"""The jobs that ended, and what they come to by how they are put together.

As with the states, the jobs that were there when the long arrays were made are counted by sums kept
for them; one that was revised since counts with -1 as it was and with 1 as it is.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from farm.figures.file_times import SUCCEEDED, FileTimes
from farm.figures.grouping import RowsByPrinter
from farm.figures.job_grouping import JobGrouping
from farm.figures.job_measures import TALLIED, one_each
from farm.figures.job_rows import COUNTED, ENDINGS, EndedJob, JobColumns, JobRows, digest
from farm.figures.rows_beside import RowsBeside
from farm.figures.running_sums import (
    Added,
    Contributions,
    Integers,
    Keys,
    RunningSums,
    sums_before,
    sums_from_first,
)
from farm.figures.sums_kept import SumsKept
from farm.kpi.calculation import Tally

MOST_BESIDE = 8_192
MOST_KEPT_KEYS = 40_000
"""For a question that parts jobs into more, no sums are kept: it counts the rows of its window."""

_COUNTED_BY_PLACE: Final = 4_000_000
"""Jobs of more subjects than that are put in order to be counted."""

_Question: TypeAlias = tuple[tuple[object, ...], Tally]
_WIDTH: Final = COUNTED + 1


class Held(NamedTuple):
    """Jobs as they are held: those of the long arrays, which of these are so no more, and those beside."""

    whole: JobColumns
    gone: Keys
    added: Mapping[str, EndedJob]


class EndedJobColumns:
    """Every job that ended."""

    def __init__(self) -> None:
        self._sums: SumsKept[_Question, _Ended] = SumsKept()
        self._by_id: Keys | None = None
        self._by_printer: RowsByPrinter | None = None
        self._file_times: FileTimes | None = None
        self.fill(JobColumns.of([]))

    def fill(self, columns: JobColumns) -> None:
        """These jobs, in order, are all there are."""
        self._take_over(columns)
        self._sums.clear()
        self._file_times = None

    @property
    def columns(self) -> JobColumns:
        """All jobs in order."""
        self._put_together(0)
        return self._whole

    def put_together(self) -> Held:
        """The jobs as they are held, all of them in the long arrays."""
        self._put_together(0)
        return self.held()

    def put(self, job_id: str, job: EndedJob | None) -> None:
        """The job stands so; None for one that goes on, or is no more."""
        known = job_id in self._added or job_id in self._gone
        place = None if known else self.place_of(job_id)
        before = self._added.get(job_id) if place is None else self._whole.row(place)
        if before == job:
            return
        if place is not None:
            self._gone[job_id] = place
        self._added.pop(job_id, None)
        if job is not None:
            self._added[job_id] = job
        if self._file_times is not None:
            self._file_times.change(before, job)
        changed = (before, -1), (job, 1)
        self._beside.add([(*each, weight) for each, weight in changed if each is not None])

    def get(self, job_id: str) -> EndedJob | None:
        """The job as it is held, None where it did not end."""
        if job_id in self._added or job_id in self._gone:
            return self._added.get(job_id)
        place = self.place_of(job_id)
        return None if place is None else self._whole.row(place)

    def held(self) -> Held:
        """The jobs as they are held now."""
        gone = np.fromiter(self._gone.values(), dtype=np.intp, count=len(self._gone))
        return Held(self._whole, gone, self._added)

    def place_of(self, job_id: str) -> int | None:
        """Where the job stands in the long arrays, be it so or no more; None where it does not."""
        high, low = np.frombuffer(digest(job_id), dtype=">u8").astype(np.uint64)
        highs, by_id = self._whole.high, self._in_order_of_ids
        first = int(np.searchsorted(highs, high, sorter=by_id))
        while first < len(highs) and highs[by_id[first]] == high:
            place = int(by_id[first])
            if self._whole.low[place] == low:
                return place
            first += 1
        return None

    def places_of(self, job_ids: Collection[str]) -> Keys:
        """Where each of the jobs stands in the long arrays, be it so or no more; -1 where it does not."""
        digests = np.frombuffer(b"".join(map(digest, job_ids)), dtype=">u8").astype(np.uint64)
        high, low = digests.reshape(-1, 2).T
        highs, by_id = self._whole.high, self._in_order_of_ids
        if not len(highs):
            return np.full(len(job_ids), -1, dtype=np.intp)
        first = np.minimum(np.searchsorted(highs, high, sorter=by_id), len(highs) - 1)
        places = by_id[first]
        is_it = (highs[places] == high) & (self._whole.low[places] == low)
        found: Keys = np.where(is_it, places, -1)
        # The first halves of two ids may be the same: then it stands further on.
        alike = (highs[places] == high) & ~is_it
        for number in np.flatnonzero(alike).tolist():
            place = self.place_of(list(job_ids)[number])
            found[number] = -1 if place is None else place
        return found

    def __len__(self) -> int:
        return self._whole.length - len(self._gone) + len(self._added)

    def sums(self, edges: Integers, who: JobGrouping, tally: Tally) -> Integers:
        """The sums of the measures of `tally` over the jobs that ended before each edge.

        By edge, measure, subject and key, as `farm.figures.job_measures` has them. What comes to them
        between two edges is right; they may begin to be counted at the first edge.
        """
        self._put_together(MOST_BESIDE)
        tallied = TALLIED[tally]
        keys, measures = who.subjects * tallied.keys, len(tallied.measures)
        if keys > MOST_KEPT_KEYS or not who.is_lasting:
            rows = self._rows_of(who)
            added = _adding(rows, who, tally)
            found = sums_from_first(edges, rows.ended_ms, keys, measures, added)
        else:
            kept = self._sums.get((who.key, tally), lambda: _Ended(self._rows_of(who), who, tally))
            found = kept.sums.until(edges)
        if len(self._beside):
            *columns, weight = self._beside.columns()
            rows = JobRows(*columns)
            found += sums_before(edges, rows.ended_ms, keys, measures, _entries(rows, weight, who, tally))
        return found.reshape(len(edges), measures, who.subjects, tallied.keys)

    def by_median(self, edges: Integers, who: JobGrouping) -> Integers:
        """Jobs that succeeded and carry no estimate, the medians of their files and their printing times
        (ms), over those that ended before each edge, from the first on: by edge, measure and subject.
        """
        self._put_together(MOST_BESIDE)
        rows, times = self._rows_of(who), self._times_of_files()
        found = sums_from_first(
            edges, rows.ended_ms, who.subjects, 3, lambda wanted: _paced(rows.some(wanted), None, who, times)
        )
        if len(self._beside):
            *columns, weight = self._beside.columns()
            beside = JobRows(*columns)
            added = _paced(beside, weight, who, times)
            found += sums_before(edges, beside.ended_ms, who.subjects, 3, added)
        return found

    def median_of(self, file: int) -> int:
        """How long the file of that code takes (ms): the median of its jobs that succeeded, 0 for none."""
        return int(self._times_of_files().medians(np.array([file]))[0])

    def _times_of_files(self) -> FileTimes:
        if self._file_times is None:
            self._file_times = FileTimes(self._whole.rows)
            for place in self._gone.values():
                self._file_times.change(self._whole.row(place), None)
            for job in self._added.values():
                self._file_times.change(None, job)
        return self._file_times

    def keeps_sums_of(self, who: JobGrouping) -> bool:
        """Whether sums are kept of jobs put together in this way."""
        return who.is_lasting and who.subjects * len(ENDINGS) <= MOST_KEPT_KEYS

    def ended(self, from_ms: int, until_ms: int, who: JobGrouping) -> tuple[Keys, Integers]:
        """The subjects, in order, of which jobs ended in the interval (half open), and how many did."""
        self._put_together(MOST_BESIDE)
        if self.keeps_sums_of(who):
            until = self.sums(np.array([from_ms, until_ms], dtype=np.int64), who, Tally.JOBS)
            counts = (until[1] - until[0])[0].sum(axis=-1)
            there = np.flatnonzero(counts)
            return there, counts[there]
        rows = self._rows_of(who)
        first, last = np.searchsorted(rows.ended_ms, (from_ms, until_ms))
        subject = who.of(rows.some(slice(first, last)))
        weight = np.ones(len(subject), dtype=np.int64)
        if len(self._beside):
            *columns, weights = self._beside.columns()
            beside = JobRows(*columns)
            inside = (beside.ended_ms >= from_ms) & (beside.ended_ms < until_ms)
            subject = np.concatenate((subject, who.of(beside.some(inside))))
            weight = np.concatenate((weight, weights[inside]))
        return _counted(subject, weight, who.subjects)

    def standing(self, from_ms: int, until_ms: int) -> JobRows:
        """The jobs that ended in the interval (half open), in any order."""
        first, last = np.searchsorted(self._whole.rows.ended_ms, (from_ms, until_ms)).tolist()
        held = self._whole.rows.taken(slice(first, last))
        gone = np.array([place for place in self._gone.values() if first <= place < last], dtype=np.intp)
        if len(gone):
            stays = np.ones(last - first, dtype=bool)
            stays[gone - first] = False
            held = held.taken(stays)
        more = [(job_id, job) for job_id, job in self._added.items() if from_ms <= job.ended_ms < until_ms]
        return JobRows.joined(held, JobColumns.of(more).rows) if more else held

    @property
    def by_printer(self) -> RowsByPrinter:
        """Where in the long arrays the jobs of each printer are."""
        if self._by_printer is None:
            self._by_printer = RowsByPrinter(self._whole.rows.printer)
        return self._by_printer

    @property
    def _in_order_of_ids(self) -> Keys:
        """Where the jobs are, by the first halves of their ids."""
        if self._by_id is None:
            self._by_id = np.argsort(self._whole.high)
        return self._by_id

    def _rows_of(self, who: JobGrouping) -> JobRows:
        """The jobs in order; where only those of few printers count, these alone."""
        few = who.few_rows(self.by_printer)
        return self._whole.rows if few is None else self._whole.rows.taken(few)

    def _take_over(self, columns: JobColumns) -> None:
        self._whole = columns
        self._by_id, self._by_printer = None, None
        self._gone: dict[str, int] = {}
        self._added: dict[str, EndedJob] = {}
        self._beside = RowsBeside(_WIDTH)

    def _put_together(self, most: int) -> None:
        if len(self._beside) <= most:
            return
        before = self._whole
        stays = np.ones(before.length, dtype=bool)
        stays[list(self._gone.values())] = False
        more = JobColumns.of([*self._added.items()])
        alike = int(np.searchsorted(before.rows.ended_ms, self._beside.columns()[0].min()))
        self._take_over(JobColumns.joined((before.taken(stays), more)))
        # Where less than half is alike, sums are better made when they are asked for.
        soon_done = 2 * alike > before.length
        self._sums.renew(
            lambda each: (
                each.renewed(self._whole.rows, alike) if soon_done and each.rows is before.rows else None
            )
        )


class _Ended:
    """The sums of one tally over jobs put together in one way."""

    def __init__(
        self,
        rows: JobRows,
        who: JobGrouping,
        tally: Tally,
        before: RunningSums | None = None,
        alike: int = 0,
    ) -> None:
        """`before` are the sums of rows of which the first `alike` are the same."""
        self.rows = rows
        self._who, self._tally = who, tally
        tallied = TALLIED[tally]
        keys, measures = who.subjects * tallied.keys, len(tallied.measures)
        added = _adding(rows, who, tally)
        self.sums = RunningSums(rows.ended_ms, keys, measures, added, before, alike)

    @property
    def kept_bytes(self) -> int:
        """So many bytes the sums take."""
        return self.sums.kept_bytes

    def renewed(self, rows: JobRows, alike: int) -> "_Ended":
        """The same of rows of which the first `alike` are those of these."""
        return _Ended(rows, self._who, self._tally, self.sums, alike)


def _adding(rows: JobRows, who: JobGrouping, tally: Tally) -> Contributions:
    """What rows add, each counted once."""
    return lambda wanted: _entries(rows.some(wanted), None, who, tally)


def _paced(rows: JobRows, weight: Integers | None, who: JobGrouping, times: FileTimes) -> Sequence[Added]:
    """What jobs without an estimate add, each as often as its weight says, else once."""
    medians = times.medians(rows.file)
    is_meant = (rows.ending == SUCCEEDED) & (rows.expected_ms <= 0) & (rows.printing_ms > 0) & (medians > 0)
    # Of a job that is taken away again only the weight is left.
    place = np.where(is_meant, who.of(rows), -1)
    measured = medians, rows.printing_ms
    return [Added(place, [weight, *(measured if weight is None else (weight * each for each in measured))])]


def _counted(subject: Keys, weight: Integers, subjects: int) -> tuple[Keys, Integers]:
    """The subjects that are there, and the sums of their weights."""
    if subjects > _COUNTED_BY_PLACE:
        there, place = np.unique(subject, return_inverse=True)
        counts = np.rint(np.bincount(place, weight, minlength=len(there))).astype(np.int64)
        some = (counts > 0) & (there >= 0)
        return there[some], counts[some]
    counts = np.rint(np.bincount(subject + 1, weight, minlength=subjects + 1)[1:]).astype(np.int64)
    there = np.flatnonzero(counts)
    return there, counts[there]


def _entries(rows: JobRows, weight: Integers | None, who: JobGrouping, tally: Tally) -> Sequence[Added]:
    """What jobs add to the sums of their subject and key, each as often as its weight says, else once."""
    tallied = TALLIED[tally]
    subject, key = who.of(rows), tallied.key(rows)
    place = np.where((subject < 0) | (key < 0), -1, subject * tallied.keys + key)
    measured = [None if measure is one_each else measure(rows) for measure in tallied.measures]
    if weight is not None:
        measured = [weight if each is None else weight * each for each in measured]
    return [Added(place, measured)]
