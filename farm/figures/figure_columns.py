"""Figures of many subjects in many windows, worked out by columns and told one by one."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from farm.kpi.calculation import KpiInput, KpiResult, apart
from farm.kpi.columns import plain
from farm.kpi.figure import SeriesPoint
from farm.kpi.indicator import Indicator
from farm.kpi.subjects import Scope, Subject
from farm.kpi.windows import Window


class FigureColumns:
    """What is known of every subject in every window, a cell each: window by window, in each by subject."""

    def __init__(
        self, windows: Sequence[Window], subjects: Sequence[Subject], given: KpiInput, *, has_hours: bool
    ) -> None:
        """`given` has a number of each cell in every column."""
        self._windows, self._subjects = windows, subjects
        self._given, self._has_hours = given, has_hours
        shape = len(windows), len(subjects)
        self._cells = shape[0] * shape[1]
        counts = given.printers if has_hours else given.outcomes.ended
        found = np.broadcast_to(np.asarray(counts) > 0, self._cells).reshape(shape)
        self._there = found | np.array([subject.scope == Scope.FARM for subject in subjects], dtype=bool)
        self.is_there: Final[list[bool]] = self._there.reshape(-1).tolist()
        """Whether the subject of the cell has figures in its window."""
        self.elapsed_ms: Final[list[int]] = plain(given.elapsed_ms, self._cells)
        """How long there was a printer."""
        self.observed_share: Final[list[float | None]] = plain(given.account.observed_share, self._cells)
        """The part of the time in which its state was known."""

    def those_there(self, window: int) -> Iterator[tuple[int, Subject]]:
        """The cells of the window of this number whose subjects have figures in it."""
        first = window * len(self._subjects)
        for cell, subject in enumerate(self._subjects, first):
            if self.is_there[cell]:
                yield cell, subject

    def later(self, cell: int, windows: int) -> int:
        """The cell of the same subject so many windows further on."""
        return cell + windows * len(self._subjects)

    def results(self, entry: Indicator) -> list[KpiResult]:
        """What the indicator comes to, by cell."""
        return apart(entry.worked_out(self._given, has_hours=self._has_hours), self._cells)

    def points(self, entry: Indicator) -> list[tuple[SeriesPoint, ...]]:
        """By subject, what the indicator comes to in the windows in which it has figures."""
        found = entry.valued(self._given, has_hours=self._has_hours)
        columns = [plain(each, self._cells) for each in (found.value, found.low, found.high)]
        numbers = list(zip(*columns, self.observed_share, strict=True))
        bounds = [(window.from_ms, window.to_ms) for window in self._windows]
        of_subject = [numbers[first :: len(self._subjects)] for first in range(len(self._subjects))]
        return [
            tuple(
                SeriesPoint(*bound, *point)
                for is_there, bound, point in zip(there, bounds, points, strict=True)
                if is_there
            )
            for there, points in zip(self._there.T.tolist(), of_subject, strict=True)
        ]
