"""Failed prints in a row on each printer, at any instant: the rule of `farm.kpi.streak` over columns.

How a streak stands after a job follows from the jobs of its printer alone. So when one changes, those of
its printer are looked at again.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from farm.figures.ended_jobs import EndedJobColumns, Held
from farm.figures.grouping import RowsByPrinter
from farm.figures.job_rows import ENDINGS, EndedJob, JobColumns, JobRows
from farm.figures.running_sums import Column, Integers, Keys
from farm.kpi.streak import BREAKS, EXTENDS
from farm.model.states import Outcome

Counts: TypeAlias = NDArray[np.int32]

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


class _Runs(NamedTuple):
    """Jobs of one printer by their ends, and how each left its streak, and counts of jobs.

    `successes` is how many jobs there are up to the last success, that included.
    """

    ended_ms: Integers
    current: Counts
    least: Counts
    most: Counts
    decided: Counts
    cancelled: Counts
    successes: Counts


def _which(outcomes: frozenset[Outcome]) -> NDArray[np.bool_]:
    return np.array([outcome in outcomes for outcome, _ in ENDINGS], dtype=bool)


_FAILED: Final = _which(EXTENDS)
_SUCCEEDED: Final = _which(BREAKS)
_UNKNOWN: Final = _which(frozenset({Outcome.UNKNOWN}))
_CANCELLED: Final = _which(frozenset({Outcome.CANCELLED}))


def _runs_of(ended_ms: Integers, ending: Column) -> _Runs:
    """Of the jobs of one printer, in order.

    One of unknown outcome breaks its streak at best, and extends it at worst.
    """
    failed, succeeded, unknown = _FAILED[ending], _SUCCEEDED[ending], _UNKNOWN[ending]
    return _Runs(
        ended_ms,
        _in_a_row(failed, succeeded),
        _in_a_row(failed, succeeded | unknown),
        _in_a_row(failed | unknown, succeeded),
        np.cumsum(failed | succeeded, dtype=np.int32),
        _in_a_row(_CANCELLED[ending], succeeded),
        np.maximum.accumulate(np.where(succeeded, np.arange(1, len(ending) + 1, dtype=np.int32), 0)),
    )


def _in_a_row(extends: NDArray[np.bool_], breaks: NDArray[np.bool_]) -> Counts:
    """So many extended the streak since the last that broke it, after each."""
    count = np.cumsum(extends, dtype=np.int32)
    before: Counts = np.maximum.accumulate(np.where(breaks, count, 0))
    return count - before


class FailedStreaks:
    """The failed streaks of every printer, as the jobs stand."""

    def __init__(self, jobs: EndedJobColumns) -> None:
        self._jobs = jobs
        self._whole: JobColumns | None = None
        self._runs: dict[int, _Runs] = {}

    def renew(self) -> None:
        """All jobs may be others."""
        self._runs.clear()

    def touch(self, jobs: Iterable[EndedJob | None]) -> None:
        """These jobs were or are others; None is none."""
        for job in jobs:
            if job is not None:
                self._runs.pop(job.printer, None)

    def told(self, windows: Integers, subject_of: Keys, subjects: int) -> Integers:
        """What `TOLD` names, by window, subject and name; `windows` are from and until (ms), half open.

        `subject_of` gives the subject of each printer, -1 for none.
        """
        found = np.zeros((len(windows), subjects, len(TOLD)), dtype=np.int64)
        for printer in self._looked_at(np.flatnonzero(subject_of >= 0).tolist()):
            _put_in(found[:, int(subject_of[printer])], self._runs[printer], windows)
        found[:, :, 7] -= found[:, :, 0]
        return found

    def stretches(self, from_ms: int, until_ms: int, printers: list[int]) -> list[Stretch]:
        """The prints that make up the streaks of the printers in the window (half open), in their order.

        Of several streaks that are the longest it is the first printer's, and there the first that was.
        """
        runs = [self._runs[printer] for printer in self._looked_at(printers)]
        if not runs:
            return []
        window = np.array([[from_ms, until_ms]], dtype=np.int64)
        told = np.zeros((len(runs), len(TOLD)), dtype=np.int64)
        for row, each in zip(told, runs, strict=True):
            _put_in(row[np.newaxis], each, window)
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

    def _looked_at(self, printers: list[int]) -> list[int]:
        """The same printers, whose streaks are known then."""
        held = self._jobs.held()
        if held.whole is not self._whole:
            self._whole, self._by_printer = held.whole, RowsByPrinter(held.whole.rows.printer)
        missing = {printer for printer in printers if printer not in self._runs}
        if missing:
            added: dict[int, list[EndedJob]] = {printer: [] for printer in missing}
            for job in held.added.values():
                if job.printer in missing:
                    added[job.printer].append(job)
            for printer, more in added.items():
                self._runs[printer] = self._of(held, self._by_printer.places(printer), more)
        return printers

    def _of(self, held: Held, places: NDArray[np.int32], added: list[EndedJob]) -> _Runs:
        places = places[~np.isin(places, held.gone)] if len(held.gone) else places
        rows, more = held.whole.rows, JobRows.of(added)
        ended_ms = np.concatenate((rows.ended_ms[places], more.ended_ms))
        ending = np.concatenate((rows.ending[places], more.ending))
        order = np.lexsort((ending, ended_ms))
        return _runs_of(ended_ms[order], ending[order])


def _put_in(found: Integers, runs: _Runs, windows: Integers) -> None:
    """Put a printer's streaks to those of its subject: the longest counts, and counts are added."""
    begin, end = np.searchsorted(runs.ended_ms, windows, side="left").T
    at_begin, at_end = _after(runs.current, begin), _after(runs.current, end)
    longest = np.maximum(at_begin, at_end)
    inside = np.flatnonzero(begin < end)
    if len(inside):
        # With one more row, a window may end behind the last of them.
        padded = np.concatenate((runs.current, np.zeros(1, dtype=np.int32)))
        pairs = np.stack((begin[inside], end[inside]), axis=1).ravel()
        longest[inside] = np.maximum(longest[inside], np.maximum.reduceat(padded, pairs)[::2])
    streaks = np.stack((at_end, _after(runs.least, end), _after(runs.most, end), longest), axis=1)
    np.maximum(found[:, :4], streaks, out=found[:, :4])
    found[:, 4] += at_end > 0
    found[:, 5] += _after(runs.decided, end)
    found[:, 6] += end
    found[:, 7] += at_end
    found[:, 8] += _after(runs.most, end) - at_end
    found[:, 9] += _after(runs.cancelled, end)


def _longest(runs: _Runs, from_ms: int, until_ms: int) -> tuple[int, int] | None:
    """The interval (half open) of the longest streak at any time in the window; None for none."""
    begin, end = np.searchsorted(runs.ended_ms, (from_ms, until_ms)).tolist()
    counts = _after(runs.current, np.arange(begin, end + 1))
    after = begin + int(counts.argmax())
    if not counts.max():
        return None
    return _begin(runs, after), int(runs.ended_ms[after - 1]) + 1


def _begin(runs: _Runs, jobs: int) -> int:
    """When the last success among so many first jobs was, 0 for none: what ends then comes behind it."""
    successes = int(_after(runs.successes, np.array([jobs]))[0])
    return int(runs.ended_ms[successes - 1]) if successes else 0


def _after(values: Counts, ends: Keys) -> Counts:
    """The value after so many jobs; 0 before the first."""
    padded = np.concatenate((np.zeros(1, dtype=np.int32), values))
    found: Counts = padded[ends]
    return found
