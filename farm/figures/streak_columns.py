"""How prints that failed in a row stand after each job, of every printer in long columns.

The jobs of a printer stand together, in the order of their ends, with room behind them for those to come.
"""

from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from farm.figures.job_rows import ENDINGS
from farm.figures.narrow import Column
from farm.figures.running_sums import Integers, Keys
from farm.kpi.streak import BREAKS, EXTENDS
from farm.model.states import Outcome

Counts: TypeAlias = NDArray[np.integer[Any]]

_LAST_MS: Final = 2**42 - 1
"""No job ends as late (the year 2109): it stands for room that is not taken."""
_LEAST_ROOM: Final = 16
_MORE_ROOM: Final = 16
"""So large a part of its jobs a printer has more room for."""


class Runs(NamedTuple):
    """Jobs, one printer after the other and those of each by their ends, and how each left its streak.

    All are counts of jobs. `current` is the streak, `least` and `most` what it may be, once all outcomes
    were known; `decided` are the jobs of the printer that ended in a known way, `cancelled` those since its
    last success, and `successes` is how many of its jobs there are up to that, itself included.
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


def runs_of(ended_ms: Integers, ending: Column, lengths: Keys) -> Runs:
    """Of jobs in that order, so many of each printer; `ending` is how they ended, by `ENDINGS`.

    One of unknown outcome breaks its streak at best, and extends it at worst.
    """
    first = np.cumsum(lengths) - lengths
    begins = np.repeat(first, lengths)
    failed, succeeded, unknown = _FAILED[ending], _SUCCEEDED[ending], _UNKNOWN[ending]
    last_success = np.maximum.accumulate(np.where(succeeded, np.arange(1, len(ending) + 1), 0))

    def in_a_row(extends: NDArray[np.bool_], breaks: NDArray[np.bool_] | None = None) -> Counts:
        """So many of the printer extended the streak since the last that broke it, after each."""
        count = np.cumsum(extends, dtype=np.int32)
        before = np.where(False if breaks is None else breaks, count, 0)
        there = first[lengths > 0]
        before[there] = np.maximum(before[there], count[there] - extends[there])
        found: Counts = count - np.maximum.accumulate(before)
        return found

    return Runs(
        ended_ms,
        in_a_row(failed, succeeded),
        in_a_row(failed, succeeded | unknown),
        in_a_row(failed | unknown, succeeded),
        in_a_row(failed | succeeded),
        in_a_row(_CANCELLED[ending], succeeded),
        np.maximum(last_success - begins, 0),
    )


class StreakColumns:
    """The runs of printers by number, as far as they were put in."""

    def __init__(self, jobs: Column) -> None:
        """`jobs` is how many jobs each printer has."""
        room = jobs + jobs // _MORE_ROOM + _LEAST_ROOM
        self._first: Integers = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(room)))
        self._length = np.zeros(len(jobs), dtype=np.int64)
        self.known: Final = np.zeros(len(jobs), dtype=bool)
        """Whose runs are in."""
        # One more, since a range of places may end behind the last.
        size = int(self._first[-1]) + 1
        self._ended = np.full(size, _LAST_MS, dtype=np.int64)
        self._ended[:-1] |= np.repeat(_ahead(np.arange(len(jobs))), room)
        narrow = np.int16 if int(room.max(initial=0)) <= np.iinfo(np.int16).max else np.int32
        counts: Any = (np.zeros(size, dtype=narrow) for _ in Runs._fields[1:])
        self._counts = Runs(self._ended, *counts)

    def put(self, printers: Keys, lengths: Keys, runs: Runs) -> bool:
        """These are the runs of the printers, so many of each; False where there is no room for them."""
        first, room = self._first[printers], np.diff(self._first)[printers]
        if (lengths > room).any():
            return False
        for printer, begin, end in zip(
            printers.tolist(), first.tolist(), (first + room).tolist(), strict=True
        ):
            self._ended[begin:end] = _LAST_MS | _ahead(printer)
        places = np.arange(int(lengths.sum())) + np.repeat(first - np.cumsum(lengths) + lengths, lengths)
        self._ended[places] = runs.ended_ms | np.repeat(_ahead(printers), lengths)
        for column, values in zip(self._counts[1:], runs[1:], strict=True):
            column[places] = values
        self._length[printers], self.known[printers] = lengths, True
        return True

    def runs(self, printer: int) -> Runs:
        """The runs of the printer, which are known."""
        first = int(self._first[printer])
        ended, *counts = (column[first : first + int(self._length[printer])] for column in self._counts)
        taken: Any = counts
        return Runs(ended & _LAST_MS, *taken)

    def ended(self, printers: Keys, instants: Integers) -> Keys:
        """How many jobs of each printer ended before each instant (ms)."""
        wanted = _ahead(printers)[:, np.newaxis] | np.clip(instants, 0, _LAST_MS)
        found: Keys = np.searchsorted(self._ended, wanted) - self._first[printers][:, np.newaxis]
        return found

    def after(self, name: str, printers: Keys, jobs: Keys) -> Counts:
        """The count of that name of each printer after so many of its jobs, 0 before the first."""
        column: Counts = getattr(self._counts, name)
        found: Counts = np.where(jobs > 0, column[self._first[printers][:, np.newaxis] + jobs - 1], 0)
        return found

    def longest(self, printers: Keys, begin: Keys, end: Keys) -> Counts:
        """The longest streak of each printer after any of its jobs from `begin` to `end` (half open)."""
        inside = begin < end
        first = np.broadcast_to(self._first[printers][:, np.newaxis], begin.shape)[inside]
        found = np.zeros(begin.shape, dtype=np.int32)
        if len(first):
            pairs = np.stack((first + begin[inside], first + end[inside]), axis=1).ravel()
            found[inside] = np.maximum.reduceat(self._counts.current, pairs)[::2]
        return found


def _ahead(printer: Any) -> Any:
    """What the instants of a printer stand behind, so that those of all are in order."""
    return np.int64(_LAST_MS + 1) * printer
