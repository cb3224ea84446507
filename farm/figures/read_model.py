"""The read model behind every figure: how all printers stood and which jobs ended, kept up with the ledger.

It is made from the ledger's rows once and then follows the feed: what an entry is about is read
again from the tables. So it holds what was committed, and nothing is worked out from the entries.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import NamedTuple, TypeVar

import numpy as np

from farm.figures.ended_jobs import EndedJobColumns
from farm.figures.failed_streaks import FailedStreaks
from farm.figures.first_attempts import FirstAttempts
from farm.figures.free_memory import give_back_free_memory
from farm.figures.inspections import InspectedJob, Inspections
from farm.figures.job_coding import JobCoding, inspected_job
from farm.figures.job_rows import EndedJob, JobColumns
from farm.figures.keeping import FeedMark, Keeping, Kept
from farm.figures.lifetimes import Lifetimes
from farm.figures.repairs import RepairHistory
from farm.figures.running_sums import Integers, Keys
from farm.figures.source import FigureSource, State
from farm.figures.state_changes import (
    MAINTENANCE,
    NOT_THERE,
    UNKNOWN,
    UNPLANNED,
    ChangeColumns,
    Clock,
    ConditionChange,
    changes_of,
)
from farm.figures.state_history import StateHistory
from farm.figures.text_codes import JobTexts
from farm.kpi.intervals import Interval
from farm.kpi.shop_calendars import maintenance_intervals
from farm.ledger.figure_rows import EndedRow, InspectedRow
from farm.model.feed import FeedEntry, FeedKind
from farm.model.printer import Printer

T = TypeVar("T")

_ENTRIES_AT_ONCE = 10_000
_PRINTERS_AT_ONCE = 16
_JOBS_AT_ONCE = 20_000
_ENTRIES_KEPT_APART = 50_000
_WORTH_KEEPING = 20_000
"""So many rows take longer to read from a ledger than from a file."""
_LABELS = frozenset({FeedKind.PRINTER_APPEARED, FeedKind.PRINTER_CHANGED})
_PLANS = _LABELS | {FeedKind.CALENDAR_CHANGED}
_LOOK_BACK = 3
"""So many changes of a printer are read again beside new ones."""


class _Ends(NamedTuple):
    """Of some printers the state that goes on, from when until when it was seen, and when they retired."""

    printer: Keys
    code: Keys
    since: Integers
    seen_until: Integers
    retired: Integers


class ReadModel:
    """States and ended jobs of all printers. Threads may share it: `current` gives it to one at a time."""

    def __init__(
        self,
        source: FigureSource,
        keeping: Keeping | None = None,
        when_filled: Callable[[], None] | None = None,
    ) -> None:
        """With `keeping` it begins with what was kept the last time, and is kept now and then.

        `when_filled` is called once it holds the whole ledger for the first time.
        """
        self._source = source
        self._keeping = keeping
        self._when_filled = when_filled
        self._kept_seq = 0
        self._lock = threading.Lock()
        self.history = StateHistory()
        self.repairs = RepairHistory(self.history)
        self.jobs = EndedJobColumns()
        self.inspections = Inspections()
        self.streaks = FailedStreaks(self.jobs)
        self.first_attempts = FirstAttempts(self.jobs, self.inspections)
        self.texts = JobTexts()
        self.printers: list[Printer] = []
        """By number."""
        self._shards: list[str | None] = []
        self._lifetimes: Lifetimes | None = None
        self._number: dict[str, int] = {}
        self._booked: dict[str, int] = {}
        self._work: dict[int, list[Interval]] = {}
        self._mark: FeedMark | None = None

    @contextmanager
    def current(self) -> Iterator["ReadModel"]:
        """The model as the ledger stands, for one thread until the block ends. Raises LedgerError."""
        with self._lock:
            with self._source.state() as state:
                self._catch_up(state)
            yield self

    @contextmanager
    def in_step(self) -> Iterator[State]:
        """The state of the ledger up to which the model was just brought. Raises LedgerError."""
        with self._lock, self._source.state() as state:
            self._catch_up(state)
            yield state

    def number(self, printer_id: str) -> int:
        """The number of a printer that there is."""
        return self._number[printer_id]

    def numbers(self, printers: Sequence[Printer]) -> list[int]:
        """The numbers of the printers."""
        return [self._number[printer.id] for printer in printers]

    def median_of(self, file: str | None) -> int:
        """How long the file takes (ms): the median of its prints that succeeded, 0 for none."""
        return self.jobs.median_of(self.texts.file.code(file)) if file in self.texts.file else 0

    def work_on(self, number: int) -> list[Interval]:
        """When work was planned on the printer, in order and without overlap."""
        return self._work.get(number, [])

    def spent(self, edges: Integers, subject_of: Keys, subjects: int, clock: Clock | None = None) -> Integers:
        """Milliseconds by edge, subject and code until each edge (`farm.figures.state_changes`).

        A state that lasts was seen until its shard last booked; after that it is unknown.
        """
        found = self.history.spent(edges, subject_of, subjects, clock)
        ends = self._ends(np.flatnonzero(subject_of >= 0))
        late = np.flatnonzero(edges > ends.seen_until.min()) if len(ends.code) else np.zeros(0, dtype=np.intp)
        for number in late:
            behind = np.flatnonzero(ends.seen_until < edges[number])
            edge = np.full(len(behind), edges[number])
            end = np.minimum(edge, ends.retired[behind])
            seen = np.minimum(end, ends.seen_until[behind])
            if clock is not None:
                edge, end, seen = clock(edge), clock(end), clock(seen)
            subject = subject_of[ends.printer[behind]]
            np.subtract.at(found[number], (subject, ends.code[behind]), edge - seen)
            np.add.at(found[number], (subject, np.full_like(subject, UNKNOWN)), end - seen)
        self._move_to_maintenance(found, edges, subject_of, ends, clock)
        return found

    def _move_to_maintenance(
        self, found: Integers, edges: Integers, subject_of: Keys, ends: "_Ends", clock: Clock | None
    ) -> None:
        """Count planned work in the states that go on, which stands in no change yet."""
        if not self._work:
            return
        for place in np.flatnonzero(np.isin(ends.printer, list(self._work))).tolist():
            number = int(ends.printer[place])
            code, since = int(ends.code[place]), int(ends.since[place])
            seen_until = int(ends.seen_until[place])
            for from_ms, to_ms in () if code in UNPLANNED else self.work_on(number):
                start, end = max(from_ms, since), min(to_ms, seen_until)
                if start < end:
                    moved = _passed(start, end, edges, clock)
                    found[:, subject_of[number], code] -= moved
                    found[:, subject_of[number], MAINTENANCE] += moved

    @property
    def lifetimes(self) -> Lifetimes:
        """From when until when each printer counts."""
        if self._lifetimes is None:
            self._lifetimes = Lifetimes.of(self.printers, self._shards)
        return self._lifetimes

    def _ends(self, chosen: Keys) -> "_Ends":
        """How the last states of the chosen printers go on."""
        code, since = self.history.last(len(self.printers))
        chosen = chosen[code[chosen] != NOT_THERE]
        lifetimes = self.lifetimes
        booked, ends = lifetimes.booked_until(chosen, self._booked), lifetimes.ends[chosen]
        seen_until = np.minimum(np.maximum(booked, since[chosen]), ends)
        return _Ends(chosen, code[chosen], since[chosen], seen_until, ends)

    # -- following the ledger ---------------------------------------------------------------

    def _catch_up(self, state: State) -> None:
        self._booked = state.booked_until()
        position = state.feed_position()
        if self._mark is None:
            self._mark = self._begin_with_kept(state)
        if self._mark is not None:
            self._mark = self._follow(state, self._mark, position)
        if self._mark is None:
            self._read_all(state)
            entry = state.feed_entry(position)
            self._mark = FeedMark(position, "" if entry is None else _words(entry))
            self._keep(self._mark)
            give_back_free_memory()
        elif self._mark.seq - self._kept_seq >= _ENTRIES_KEPT_APART:
            self._keep(self._mark)
        if self._when_filled is not None:
            self._when_filled()
            self._when_filled = None

    def _begin_with_kept(self, state: State) -> FeedMark | None:
        """Take over what was kept, if it is of this ledger; gives its mark."""
        kept = None if self._keeping is None else self._keeping.load()
        if kept is None:
            return None
        entry = state.feed_entry(kept.mark.seq)
        if entry is None or _words(entry) != kept.mark.words:
            return None
        found = {row.printer.id: row for row in state.printers()}
        if not found.keys() >= set(kept.printer_ids):
            return None
        self.printers = [found[printer_id].printer for printer_id in kept.printer_ids]
        self._shards = [found[printer_id].shard for printer_id in kept.printer_ids]
        self._number = {printer_id: number for number, printer_id in enumerate(kept.printer_ids)}
        self._lifetimes = None
        self.texts = JobTexts(kept.texts)
        self.history.fill(kept.changes)
        self.repairs.renew()
        self.jobs.fill(kept.jobs)
        self._work = kept.work
        self._kept_seq = kept.mark.seq
        self.inspections.fill(kept.inspected.items())
        self.first_attempts.fill(kept.attempts, kept.reprint_within_ms)
        self._see_to_work(state)
        give_back_free_memory()
        return kept.mark

    def _keep(self, mark: FeedMark) -> None:
        self._kept_seq = mark.seq
        changes, jobs = self.history.columns, self.jobs.columns
        if self._keeping is not None and len(changes.at) + jobs.length >= _WORTH_KEEPING:
            ids = [printer.id for printer in self.printers]
            inspected, attempts = dict(self.inspections.items()), self.first_attempts
            held = self._work, self.texts.kept(), changes, jobs, inspected, attempts.facts, attempts.within_ms
            self._keeping.save(Kept(mark, ids, *held))

    def _follow(self, state: State, mark: FeedMark, position: int) -> FeedMark | None:
        """Take in what came since the mark; None where the feed no longer reaches back to it."""
        while mark.seq < position:
            entries = state.feed(mark.seq, _ENTRIES_AT_ONCE)
            if not entries or entries[0].seq != mark.seq + 1:
                return None
            self._take_in(state, entries)
            mark = FeedMark(entries[-1].seq, _words(entries[-1]))
        return mark if mark.seq == position else None

    def _take_in(self, state: State, entries: Sequence[FeedEntry]) -> None:
        if any(
            entry.kind in _LABELS or entry.printer_id not in self._number
            for entry in entries
            if entry.printer_id
        ):
            self._read_printers(state)
        if any(entry.kind in _PLANS for entry in entries):
            self._see_to_work(state)
        from_ms: dict[str, int] = {}
        for entry in entries:
            if entry.printer_id is not None and entry.printer_id in self._number:
                earliest = self._first_in_doubt(entry)
                from_ms[entry.printer_id] = min(from_ms.get(entry.printer_id, earliest), earliest)
        for printer_id, earliest in from_ms.items():
            self._read_states(state, self._number[printer_id], earliest)
        self._read_jobs(state, {entry.job_id for entry in entries if entry.job_id is not None})

    def _first_in_doubt(self, entry: FeedEntry) -> int:
        """From when on the printer's states may be others than those held."""
        if entry.kind in _LABELS:
            return 0
        told = entry.body.get("from_ms")
        return entry.at_ms if told is None else min(int(told), entry.at_ms)

    def _read_states(self, state: State, number: int, from_ms: int) -> None:
        """Read the printer's states again from a change before `from_ms` on that still stands."""
        self.repairs.renew(number)
        printer, sure = self.printers[number], self.history.lasting_before(number, from_ms, _LOOK_BACK)
        if sure is not None:
            spans = state.spans_from(printer.id, sure.at_ms)
            begins = spans[0].from_ms if spans else None
            if begins == sure.at_ms and sure.after != UNKNOWN:
                self.history.replace(
                    number, sure.at_ms, changes_of(printer, spans, self.work_on(number), sure)
                )
                return
        found = changes_of(printer, state.spans_from(printer.id, 0), self.work_on(number))
        self.history.replace(number, 0, found)

    def _see_to_work(self, state: State) -> None:
        """Take in what maintenance is planned; whom that changes is read again."""
        before, self._work = self._work, self._planned_work(state)
        for number in before.keys() | self._work.keys():
            if before.get(number) != self._work.get(number):
                self._read_states(state, number, 0)

    def _planned_work(self, state: State) -> dict[int, list[Interval]]:
        planned = state.planned_maintenance()
        if not planned:
            return {}
        work = {
            number: maintenance_intervals(planned, printer.id, printer.group)
            for number, printer in enumerate(self.printers)
        }
        return {number: intervals for number, intervals in work.items() if intervals}

    def _read_jobs(self, state: State, job_ids: set[str]) -> None:
        if not job_ids:
            return
        ended = dict(self._coding().jobs(state.ended_among(job_ids)))
        inspected = {row.id: self.inspected_job_of(row) for row in state.inspected(job_ids)}
        for job_id in job_ids:
            job, before = ended.get(job_id), self.jobs.get(job_id)
            self.first_attempts.touch((before, job, self.inspections.get(job_id)))
            self.streaks.touch((before, job))
            self.inspections.put(job_id, inspected.get(job_id))
            self.jobs.put(job_id, job)

    # -- reading everything -----------------------------------------------------------------

    def _read_all(self, state: State) -> None:
        self.printers, self._shards, self._number, self.texts = [], [], {}, JobTexts()
        self._read_printers(state)
        self._work = self._planned_work(state)
        self.history.fill(ChangeColumns.joined([*self._changes_by_part(state)]))
        self.repairs.renew()
        self.jobs.fill(JobColumns.joined([*self._jobs_by_part(state)]))
        self.streaks.renew()
        self._read_inspections(state)

    def _changes_by_part(self, state: State) -> Iterator[ChangeColumns]:
        for part in _in_parts(self._changes_by_printer(state), _PRINTERS_AT_ONCE):
            yield ChangeColumns.of(part)

    def _changes_by_printer(self, state: State) -> Iterator[tuple[int, list[ConditionChange]]]:
        unseen = dict(self._number)
        for printer_id, spans in state.accounts():
            number = unseen.pop(printer_id)
            yield number, changes_of(self.printers[number], spans, self.work_on(number))
        for number in unseen.values():
            yield number, changes_of(self.printers[number], (), self.work_on(number))

    def _jobs_by_part(self, state: State) -> Iterator[JobColumns]:
        for part in _in_parts(state.ended_jobs(), _JOBS_AT_ONCE):
            yield self._coding().job_columns(part)

    def _read_inspections(self, state: State) -> None:
        """Read what people found."""
        inspected = (row for row in state.inspected() if row.printer_id in self._number)
        self.inspections.fill((row.id, self.inspected_job_of(row)) for row in inspected)

    def _read_printers(self, state: State) -> None:
        self._lifetimes = None
        for printer, shard in state.printers():
            number = self._number.setdefault(printer.id, len(self.printers))
            if number == len(self.printers):
                self.printers.append(printer)
                self._shards.append(shard)
            else:
                self.printers[number], self._shards[number] = printer, shard

    def ended_jobs(self, state: State) -> Iterator[tuple[EndedRow, EndedJob]]:
        """Every row of a job that ended, with what counts of it."""
        for part in _in_parts(state.ended_jobs(), _JOBS_AT_ONCE):
            for row, (_, job) in zip(part, self._coding().jobs(part), strict=True):
                yield row, job

    def _coding(self) -> JobCoding:
        return JobCoding(self._number, self.texts)

    def inspected_job_of(self, row: InspectedRow) -> InspectedJob:
        """What was found of the job in the row."""
        return inspected_job(row, self._number[row.printer_id], self.texts)


def _passed(from_ms: int, to_ms: int, edges: Integers, clock: Clock | None) -> Integers:
    """How much of the interval had passed at each edge, by the clock."""
    start = np.full_like(edges, from_ms)
    until = np.clip(edges, from_ms, to_ms)
    return until - start if clock is None else clock(until) - clock(start)


def _in_parts(rows: Iterable[T], length: int) -> Iterator[list[T]]:
    left = iter(rows)
    while part := list(islice(left, length)):
        yield part


def _words(entry: FeedEntry) -> str:
    """What tells the entry from any other of its number in another ledger."""
    return f"{entry.kind} {entry.at_ms} {entry.printer_id} {entry.job_id}"
