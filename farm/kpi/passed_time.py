"""Time that passed within intervals: how much of them lay before an instant."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from farm.kpi.intervals import Interval

Instants: TypeAlias = NDArray[np.int64]
"""Milliseconds since 1970, or lengths in milliseconds."""


class PassedTime:
    """A function from instants to the milliseconds of the intervals that lay before them, exact.

    The time that passed between two instants is the difference of its values, however many
    intervals there are: one search among their ends for each instant.
    """

    def __init__(self, intervals: Sequence[Interval]) -> None:
        """Raises ValueError for intervals that are not sorted, overlap, or have no length."""
        ends = np.asarray(intervals, np.int64).reshape(-1)
        lengths = np.diff(ends)
        if (lengths < 0).any() or (lengths[::2] == 0).any():
            raise ValueError("the intervals must be sorted, disjoint and of some length")
        self._ends = ends
        lengths[1::2] = 0
        passed = np.concatenate([np.zeros(min(len(ends), 1), np.int64), np.cumsum(lengths)])
        # One more value and one more end than there are ends: for what lies before the first.
        self._passed = np.concatenate([np.zeros(1, np.int64), passed])
        self._last_end = np.concatenate([np.zeros(1, np.int64), ends])

    def __call__(self, at: Instants) -> Instants:
        """Milliseconds of the intervals before each of the instants `at`, in its shape."""
        place = np.searchsorted(self._ends, at, side="right")
        found: Instants = self._passed[place] + np.where(place & 1, at - self._last_end[place], 0)
        return found
