"""Failed prints in a row on each printer, at any instant: the rule of `farm.kpi.streak` over columns.

How a streak stands after a job follows from the jobs of its printer alone. So when one changes, those of
its printer are looked at again.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np

from farm.figures.ended_jobs import EndedJobColumns, Held
from farm.figures.job_rows import EndedJob, JobRows
from farm.figures.running_sums import Integers, Keys
from farm.figures.streak_columns import Counts, Runs, StreakColumns, runs_of

TOLD: Final = (
    "current",
    "least",
    "most",
    "longest",
    "failing",
    "decided",
    "ended",
    "shorter",
    "unknown",
    "cancelled",
)
"""Of the printers of a subject the longest streak at the end of a window, as it is, at best and at worst, and
the longest at any time in it; how many of them are in one; jobs that ended until then in a known way, and
all; the failed jobs of the other streaks; and the jobs of unknown outcome and the cancelled ones since the
last success of each printer. All are counts.
"""
_LONGEST: Final = 4
"""So many of them are of one printer of the subject, the others of all."""

_JOBS_AT_ONCE: Final = 65_536
_TIME_BITS: Final = 42
_ENDING_BITS: Final = 3
"""What instants (ms) until the year 2109 and ways of ending take at most; the rest is for printers."""


class Stretch(NamedTuple):
    """Prints of one printer that ended in the interval (ms, half open), of a streak.

    With `since_success` they are all since its last success before the end of the window, and with
    `is_longest` the streak is the longest of the subject then. Failed ones in `longest_at_any_time` are
    those of the longest at any time in the window.
    """

    printer: int
    from_ms: int
    until_ms: int
    since_success: bool
    is_longest: bool
    longest_at_any_time: tuple[int, int] | None


class FailedStreaks:
    """The failed streaks of every printer, as the jobs stand."""

    def __init__(self, jobs: EndedJobColumns) -> None:
        self._jobs = jobs
        self._columns = StreakColumns(np.zeros(0, dtype=np.int64))

    def renew(self) -> None:
        """All jobs may be others."""
        self._columns.known[:] = False

    def touch(self, jobs: Iterable[EndedJob | None]) -> None:
        """These jobs were or are others; None is none."""
        for job in jobs:
            if job is not None and job.printer < len(self._columns.known):
                self._columns.known[job.printer] = False

    def told(self, windows: Integers, subject_of: Keys, subjects: int) -> Integers:
        """What `TOLD` names, by window, subject and name; `windows` are from and until (ms), half open.

        `subject_of` gives the subject of each printer, -1 for none.
        """
        found = np.zeros((len(TOLD), subjects, len(windows)), dtype=np.int64)
        printers = np.flatnonzero(subject_of >= 0)
        printers = printers[np.argsort(subject_of[printers], kind="stable")]
        if len(printers):
            told = self._standing(printers, windows)
            there, first = np.unique(subject_of[printers], return_index=True)
            found[:_LONGEST, there] = np.maximum.reduceat(told[:_LONGEST], first, axis=1)
            found[_LONGEST:, there] = np.add.reduceat(told[_LONGEST:], first, axis=1)
        found[7] -= found[0]
        return found.transpose(2, 1, 0)

    def _standing(self, printers: Keys, windows: Integers) -> Integers:
        """What `TOLD` names of each printer alone, by name, printer and window."""
        self._look_at(printers)
        columns, (begins, ends) = self._columns, windows.T
        begin, end = columns.ended(printers, begins), columns.ended(printers, ends)
        current, least, most, decided, cancelled = (
            columns.after(name, printers, end)
            for name in ("current", "least", "most", "decided", "cancelled")
        )
        longest = np.maximum(columns.longest(printers, begin, end), columns.after("current", printers, begin))
        told = (current, least, most, longest, current > 0, decided, end, current, most - current, cancelled)
        return np.array(told, dtype=np.int64)

    def stretches(self, from_ms: int, until_ms: int, printers: list[int]) -> list[Stretch]:
        """The prints that make up the streaks of the printers in the window (half open), in their order.

        Of several streaks that are the longest it is the first printer's, and there the first that was.
        """
        if not printers:
            return []
        told = self._standing(np.array(printers), np.array([[from_ms, until_ms]], dtype=np.int64))[:, :, 0].T
        runs = [self._columns.runs(printer) for printer in printers]
        leading, longest_on = int(told[:, 0].argmax()), int(told[:, 3].argmax())
        found = []
        for number, (printer, each) in enumerate(zip(printers, runs, strict=True)):
            longest = _longest(each, from_ms, until_ms) if number == longest_on else None
            begins_ms = _begin(each, int(np.searchsorted(each.ended_ms, until_ms)))
            is_longest = number == leading
            if longest is not None and longest[1] <= begins_ms:
                found.append(Stretch(printer, *longest, False, False, longest))
                longest = None
            if told[number, [0, 8, 9]].any():
                found.append(Stretch(printer, begins_ms, until_ms, True, is_longest, longest))
        return found

    def _look_at(self, printers: Keys) -> None:
        """Then the streaks of the printers are known."""
        held = self._jobs.held()
        if int(printers.max()) >= len(self._columns.known):
            self._make_room(held, printers)
        missing = np.sort(printers[~self._columns.known[printers]])
        # Some at a time: together their jobs take much memory.
        for some in self._jobs.by_printer.parted(missing, _JOBS_AT_ONCE):
            if not self._columns.put(some, *self._runs_of(held, some)):
                self._make_room(held, printers)
                return self._look_at(printers)
        return None

    def _make_room(self, held: Held, printers: Keys) -> None:
        """Columns with room for all jobs that there are; nothing is known of them yet."""
        count = max(int(printers.max()) + 1, self._jobs.by_printer.printers, len(self._columns.known))
        jobs = np.zeros(count, dtype=np.int64)
        jobs[: self._jobs.by_printer.printers] = np.diff(self._jobs.by_printer.first)
        for job in held.added.values():
            if job.printer < count:
                jobs[job.printer] += 1
        self._columns = StreakColumns(jobs)

    def _runs_of(self, held: Held, printers: Keys) -> tuple[Keys, Runs]:
        """How many jobs each of the printers has, and their runs."""
        nothing = np.zeros(0, dtype=np.int32)
        places = np.concatenate([nothing, *map(self._jobs.by_printer.places, printers.tolist())])
        if len(held.gone):
            places = places[~np.isin(places, held.gone)]
        wanted = frozenset(printers.tolist())
        added = JobRows.of([job for job in held.added.values() if job.printer in wanted])
        rows = held.whole.rows
        ended_ms = np.concatenate((rows.ended_ms[places], added.ended_ms))
        ending = np.concatenate((rows.ending[places], added.ending))
        number = np.searchsorted(printers, np.concatenate((rows.printer[places], added.printer)))
        # One number for each, since by three columns they take many times as long to be put in order.
        order = np.argsort((number << _TIME_BITS | ended_ms) << _ENDING_BITS | ending, kind="stable")
        lengths = np.bincount(number, minlength=len(printers))
        return lengths, runs_of(ended_ms[order], ending[order], lengths)


def _longest(runs: Runs, from_ms: int, until_ms: int) -> tuple[int, int] | None:
    """The interval (half open) of the longest streak at any time in the window; None for none."""
    begin, end = np.searchsorted(runs.ended_ms, (from_ms, until_ms)).tolist()
    counts = _after(runs.current, np.arange(begin, end + 1))
    after = begin + int(counts.argmax())
    if not counts.max():
        return None
    return _begin(runs, after), int(runs.ended_ms[after - 1]) + 1


def _begin(runs: Runs, jobs: int) -> int:
    """When the last success among so many first jobs was, 0 for none: what ends then comes behind it."""
    successes = int(_after(runs.successes, np.array([jobs]))[0])
    return int(runs.ended_ms[successes - 1]) if successes else 0


def _after(values: Counts, ends: Keys) -> Counts:
    """The value after so many jobs; 0 before the first."""
    padded = np.concatenate((np.zeros(1, dtype=np.int32), values))
    found: Counts = padded[ends]
    return found
