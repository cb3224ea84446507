"""Which jobs were the first attempt at their parts, and what these came to.

Attempts are counted by file. A job is a reprint where the attempt at the same file that ended last before
it began was not good, and not longer ago than a stated time. An attempt is not good where it failed, was
cancelled by the system, or had a unit rejected; a verdict outranks the printer's word. A job that a person
cancelled is no attempt, and one that names no file is always a first one.

What each job is follows from the jobs of its file alone. So when one changes, those of its file are looked
at again; what they were counts with -1 then and what they are with 1.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from farm.figures.ended_jobs import MOST_BESIDE, MOST_KEPT_KEYS, EndedJobColumns, Held
from farm.figures.free_memory import give_back_free_memory
from farm.figures.grouping import RowsByPrinter
from farm.figures.inspections import InspectedJob, Inspections
from farm.figures.job_grouping import JobGrouping
from farm.figures.job_rows import ENDING, NOT_KNOWN, EndedJob, JobColumns, JobRows
from farm.figures.running_sums import Added, Integers, Keys, RunningSums, sums_before, sums_from_first
from farm.figures.sums_kept import SumsKept
from farm.model.states import CancelledBy, Outcome
from farm.model.times import HOUR_MS

MEASURES: Final = (
    "attempts",
    "reprints",
    "parts",
    "good_parts",
    "unknown_parts",
    "doubtful_parts",
    "doubtful_good_parts",
)
"""First attempts and reprints, jobs each; units of the first attempts, those good, and those of which it is
not known; and of the units, and the good ones, those whose jobs are reprints if an unknown attempt before
them was not good.
"""
_GOOD: Final = ENDING[Outcome.SUCCEEDED, None]
_BAD: Final = (ENDING[Outcome.FAILED, None], ENDING[Outcome.CANCELLED, CancelledBy.SYSTEM])
_UNKNOWN: Final = ENDING[Outcome.UNKNOWN, None]
_USUAL_HOURS: Final = 168
_JOBS_AT_ONCE: Final = 65_536
_FIRST, _REPRINT, _NOT_KNOWN, _DOUBTFUL = 1, 2, 4, 8
"""What a job is, as the bits of its kind."""


class AttemptRows(NamedTuple):
    """Jobs by columns, with what an inspection found: units, `NOT_KNOWN` where there was none."""

    rows: JobRows
    good: Integers
    rejected: Integers


class AttemptFacts(NamedTuple):
    """What jobs are by the bits of their kind, their units, and how many of these are good."""

    kind: NDArray[np.int8]
    units: NDArray[np.int32]
    good: NDArray[np.int32]

    def taken(self, rows: slice | Keys | NDArray[np.bool_]) -> "AttemptFacts":
        """Those of these rows alone."""
        return AttemptFacts(self.kind[rows], self.units[rows], self.good[rows])

    def differ(self, others: "AttemptFacts") -> NDArray[np.bool_]:
        """Of which jobs the others say something else."""
        kind, units, good = (one != other for one, other in zip(self, others, strict=True))
        return np.asarray(kind | units | good)

    def amounts(self) -> list[Integers]:
        """What each job adds to each of `MEASURES`."""
        first = (self.kind & _FIRST > 0).astype(np.int64)
        unknown = (self.kind & _NOT_KNOWN > 0).astype(np.int64)
        doubtful = (self.kind & _DOUBTFUL > 0).astype(np.int64)
        reprint = (self.kind & _REPRINT > 0).astype(np.int64)
        parts, good, unknown_parts = first * self.units, first * self.good, unknown * self.units
        of_doubtful = [doubtful * each for each in (parts, good)]
        return [first, reprint, parts, good, unknown_parts, *of_doubtful]


def facts_of(attempts: AttemptRows, within_ms: int) -> AttemptFacts:
    """What the jobs are; all jobs of a file must be there."""
    rows = attempts.rows
    inspected = attempts.good != NOT_KNOWN
    unknown = ~inspected & (rows.ending == _UNKNOWN)
    failed = np.isin(rows.ending, _BAD)
    tried = inspected | failed | (rows.ending == _GOOD)
    bad = np.where(inspected, (attempts.rejected > 0) | (attempts.good == 0), failed)
    fate = np.where(bad, 2, np.where(unknown, 1, 0))
    began = np.where(rows.started_ms == NOT_KNOWN, rows.ended_ms - rows.printing_ms, rows.started_ms)
    began = np.minimum(began, rows.ended_ms - 1)
    before = _attempt_before(rows, began, np.flatnonzero(tried | unknown), fate)
    follows = (before >= 0) & (rows.file > 0)
    follows &= began - rows.ended_ms[before] <= within_ms
    reprint = follows & (fate[before] == 2)
    kinds = (
        (_FIRST, tried & ~reprint),
        (_REPRINT, tried & reprint),
        (_NOT_KNOWN, unknown & ~reprint),
        (_DOUBTFUL, follows & (fate[before] == 1)),
    )
    kind = sum((bit * which.astype(np.int8) for bit, which in kinds), np.zeros(len(began), dtype=np.int8))
    units = np.where(inspected, attempts.good + attempts.rejected, rows.units)
    good = np.where(inspected, attempts.good, np.where(rows.ending == _GOOD, rows.units, 0))
    return AttemptFacts(kind, units.astype(np.int32), good.astype(np.int32))


def _attempt_before(rows: JobRows, began: Integers, attempts: Keys, fate: Integers) -> Keys:
    """The attempt of the same file that ended last before each job began, -1 where there is none.

    Of those that ended at the same instant the one with the worst fate is taken, so that nothing depends
    on the order in which they came.
    """
    ended = attempts[np.lexsort((fate[attempts], rows.ended_ms[attempts], rows.file[attempts]))]
    files = np.concatenate((rows.file[ended], rows.file))
    instants = np.concatenate((rows.ended_ms[ended], began))
    is_begin = np.repeat((0, 1), (len(ended), len(began)))
    # Begins among the ends: by file, then by instant, behind the ends of the same instant.
    merged = np.lexsort((is_begin, instants, files))
    ends_before = np.cumsum(merged < len(ended))
    begins = merged >= len(ended)
    last = np.empty(len(began), dtype=np.intp)
    last[merged[begins] - len(ended)] = ends_before[begins] - 1
    found = np.concatenate((ended, np.full(1, -1, dtype=np.intp)))[last]
    return np.where((found >= 0) & (rows.file[found] == rows.file), found, -1)


def _rows_among(places: Keys, wanted: Keys) -> Keys:
    """Which row each of the wanted places has among the places, -1 for none."""
    if not len(places):
        return np.full(len(wanted), -1, dtype=np.intp)
    order = np.argsort(places)
    rows = order[np.minimum(np.searchsorted(places, wanted, sorter=order), len(places) - 1)]
    return np.where(places[rows] == wanted, rows, -1)


class _Beside(NamedTuple):
    """What changed since the sums were made: jobs, what they are, and 1 or -1 for what they were."""

    rows: JobRows
    facts: AttemptFacts
    weight: Integers

    @classmethod
    def joined(cls, parts: Sequence["_Beside"]) -> "_Beside":
        """Those of all parts."""
        columns: Any = (np.concatenate(each) for each in zip(*(part.facts for part in parts), strict=True))
        rows = JobRows.joined(*(part.rows for part in parts))
        return cls(rows, AttemptFacts(*columns), np.concatenate([part.weight for part in parts]))


class _OfFiles(NamedTuple):
    """All jobs of some files: the `rows` of the `places` in the long arrays, then of those beside them.

    The rows `there` are so still; `attempts` are these alone.
    """

    places: Keys
    rows: JobRows
    there: Keys
    attempts: AttemptRows


class FirstAttempts:
    """The first attempts among the jobs that ended, as jobs and verdicts stand."""

    def __init__(self, jobs: EndedJobColumns, inspections: Inspections) -> None:
        self._jobs, self._inspections = jobs, inspections
        self.within_ms = _USUAL_HOURS * HOUR_MS
        """So long after an attempt that was not good the same file must begin again to be a reprint."""
        self._sums: SumsKept[tuple[object, ...], RunningSums] = SumsKept()
        self._touched: set[int] = set()
        self._whole: JobColumns | None = None

    def fill(self, facts: AttemptFacts, within_ms: int) -> None:
        """These are the facts of the jobs as they are held, found with that for `within_ms`.

        Where it is another by now they are passed over, and found when they are asked for.
        """
        if within_ms == self.within_ms:
            self._take_over(self._jobs.held(), facts)

    @property
    def facts(self) -> AttemptFacts:
        """What all jobs are, in the order of `farm.figures.ended_jobs.EndedJobColumns.columns`."""
        held = self._jobs.put_together()
        self._catch_up()
        if len(self._beside.weight):
            self._begin_anew(held)
        return self._facts

    def reprint_within(self, hours: float) -> None:
        """Set `within_ms`."""
        within_ms = round(hours * HOUR_MS)
        if within_ms != self.within_ms:
            self.within_ms, self._whole = within_ms, None

    def touch(self, jobs: Iterable[EndedJob | InspectedJob | None]) -> None:
        """These jobs, or verdicts on them, were or are others; None is none."""
        if self._whole is not None:
            self._touched.update(job.file for job in jobs if job is not None)

    def sums(self, edges: Integers, who: JobGrouping) -> Integers:
        """The sums of `MEASURES` over the jobs that ended before each edge: by edge, measure and subject.

        What comes to them between two edges is right; they may begin to be counted at the first edge.
        """
        self._catch_up()
        rows, facts = self._rows, self._facts

        def added(wanted: slice | Keys) -> Sequence[Added]:
            return [Added(who.of(rows.some(wanted)), facts.taken(wanted).amounts())]

        count, measures = who.subjects, len(MEASURES)
        if count > MOST_KEPT_KEYS or not who.is_lasting:
            found = sums_from_first(edges, rows.ended_ms, count, measures, added)
        else:
            kept = self._sums.get(who.key, lambda: RunningSums(rows.ended_ms, count, measures, added))
            found = kept.until(edges)
        if len(self._beside.weight):
            changed, now, weight = self._beside
            amounts = [weight * each for each in now.amounts()]
            found += sums_before(edges, changed.ended_ms, count, measures, [Added(who.of(changed), amounts)])
        return found

    def _catch_up(self) -> None:
        held = self._jobs.held()
        if held.whole is not self._whole:
            self._begin_anew(held)
        if self._touched:
            self._look_again(held)
        if len(self._beside.weight) > MOST_BESIDE:
            self._begin_anew(self._jobs.put_together())

    def _begin_anew(self, held: Held) -> None:
        """Look at all jobs of the long arrays; what came beside these is looked at next."""
        good, rejected = self._found_in(held.whole.length)
        inspected = dict(self._inspections.items())
        places = self._jobs.places_of(inspected)
        for place, job in zip(places.tolist(), inspected.values(), strict=True):
            if place >= 0:
                good[place], rejected[place] = job.good_units, job.rejected_units
        self._take_over(held, self._facts_of_all(held.whole.rows, good, rejected))
        give_back_free_memory()

    def _take_over(self, held: Held, facts: AttemptFacts) -> None:
        """These are the facts of the long arrays; what came beside these is looked at next."""
        self._whole, self._rows, self._facts = held.whole, held.whole.rows, facts
        self._rows_by_file: RowsByPrinter | None = None
        self._sums.clear()
        self._touched = {job.file for job in held.added.values()}
        self._touched.update(self._rows.file[held.gone].tolist())
        none = np.zeros(0, dtype=np.intp)
        self._beside = _Beside(self._rows.taken(none), facts.taken(none), none.astype(np.int64))

    @property
    def _by_file(self) -> RowsByPrinter:
        if self._rows_by_file is None:
            self._rows_by_file = RowsByPrinter(self._rows.file)
        return self._rows_by_file

    def _facts_of_all(self, rows: JobRows, good: Integers, rejected: Integers) -> AttemptFacts:
        """What the jobs of the long arrays are, some files at a time: together they take much memory."""
        kind = np.zeros(len(good), dtype=np.int8)
        units, good_units = np.zeros(len(good), dtype=np.int32), np.zeros(len(good), dtype=np.int32)
        for places in RowsByPrinter(rows.file).in_parts(_JOBS_AT_ONCE):
            some = AttemptRows(rows.some(places), good[places], rejected[places])
            kind[places], units[places], good_units[places] = facts_of(some, self.within_ms)
        return AttemptFacts(kind, units, good_units)

    def _look_again(self, held: Held) -> None:
        """Work out anew what the jobs of the touched files are, some files at a time."""
        touched, self._touched = np.array(sorted(self._touched), dtype=np.intp), set()
        for part in self._by_file.parted(touched, _JOBS_AT_ONCE):
            files = set(part.tolist())
            added = {job_id: job for job_id, job in held.added.items() if job.file in files}
            found = self._found(held, files, added)
            self._put_beside(files, found, facts_of(found.attempts, self.within_ms))

    def _found(self, held: Held, files: set[int], beside: Mapping[str, EndedJob]) -> _OfFiles:
        """The jobs of the files, and those beside the long arrays, with what people found of them."""
        nothing = np.zeros(0, dtype=np.int32)
        places = np.concatenate([nothing, *map(self._by_file.places, files)]).astype(np.intp)
        stays = np.concatenate((~np.isin(places, held.gone), np.ones(len(beside), dtype=bool)))
        rows = JobRows.joined(self._rows.taken(places), JobRows.of(list(beside.values())))
        number = {job_id: len(places) + place for place, job_id in enumerate(beside)}
        good, rejected = self._found_in(len(stays))
        inspected = {
            job_id: job for job_id, job in self._inspections.items() if job.file in files or job_id in number
        }
        held_at = _rows_among(places, self._jobs.places_of(inspected)).tolist()
        for row_held, (job_id, job) in zip(held_at, inspected.items(), strict=True):
            row = number.get(job_id, row_held)
            if row >= 0:
                good[row], rejected[row] = job.good_units, job.rejected_units
        there = np.flatnonzero(stays)
        return _OfFiles(places, rows, there, AttemptRows(rows.taken(there), good[there], rejected[there]))

    def amounts_of(self, job_ids: Iterable[str]) -> dict[str, list[int]]:
        """What each of the jobs adds to each of `MEASURES`, of those that ended."""
        self._catch_up()
        wanted = {job_id: job for job_id in job_ids if (job := self._jobs.get(job_id)) is not None}
        held, changed = self._jobs.held(), set(self._beside.rows.file.tolist())
        as_summed = [
            job_id for job_id, job in wanted.items() if job.file not in changed and job_id not in held.added
        ]
        places = self._jobs.places_of(as_summed)
        amounts = np.stack(self._facts.taken(places).amounts(), axis=-1).tolist()
        told = dict(zip(as_summed, amounts, strict=True))
        return told | self._looked_at(held, {each: wanted[each] for each in wanted.keys() - told.keys()})

    def _looked_at(self, held: Held, wanted: Mapping[str, EndedJob]) -> dict[str, list[int]]:
        """What the jobs add, of files of which some are others than when the sums were made."""
        if not wanted:
            return {}
        files = {job.file for job in wanted.values()} - {0}
        # What names no file has nothing to do with other jobs: of these only the wanted ones are looked at.
        beside = {job_id: job for job_id, job in held.added.items() if job.file in files}
        beside |= {job_id: job for job_id, job in wanted.items() if not job.file}
        found = self._found(held, files, beside)
        amounts = np.stack(facts_of(found.attempts, self.within_ms).amounts(), axis=-1).tolist()
        rows = {place: row for row, place in enumerate(found.places.tolist())}
        rows_beside = {job_id: len(found.places) + place for place, job_id in enumerate(beside)}
        number = {row: place for place, row in enumerate(found.there.tolist())}
        told = {}
        for job_id in wanted:
            place = self._jobs.place_of(job_id)
            row = rows_beside.get(job_id)
            told[job_id] = amounts[number[rows[-1 if place is None else place] if row is None else row]]
        return told

    def _put_beside(self, files: set[int], found: _OfFiles, facts: AttemptFacts) -> None:
        """What the touched files' jobs were counts no more, and what they are does, where that differs."""
        places, now, there, _ = found
        before = self._facts.taken(places)
        was = np.ones(len(places), dtype=bool)
        new = np.ones(len(there), dtype=bool)
        old = there < len(places)
        same = ~before.taken(there[old]).differ(facts.taken(old))
        was[there[old][same]] = False
        new[np.flatnonzero(old)[same]] = False
        kept = np.flatnonzero(~np.isin(self._beside.rows.file, list(files)))
        parts = (
            _Beside(self._beside.rows.taken(kept), self._beside.facts.taken(kept), self._beside.weight[kept]),
            _Beside(self._rows.taken(places[was]), before.taken(was), np.full(int(was.sum()), -1)),
            _Beside(now.taken(there[new]), facts.taken(new), np.full(int(new.sum()), 1)),
        )
        self._beside = _Beside.joined(parts)

    @staticmethod
    def _found_in(jobs: int) -> tuple[Integers, Integers]:
        """Units found good and rejected, of as many jobs, none of them inspected."""
        return np.full(jobs, NOT_KNOWN, dtype=np.int64), np.full(jobs, NOT_KNOWN, dtype=np.int64)
