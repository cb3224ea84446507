"""How printers are put together: the subject of each."""

from collections.abc import Iterator
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from farm.figures.narrow import Column
from farm.figures.running_sums import Keys

_FEW: Final = 16
"""Where the chosen printers have at most the 16th part of the rows, theirs alone are looked at."""


class Grouping:
    """The subject of each printer by its number, -1 for none."""

    def __init__(self, subject_of: Keys, subjects: int) -> None:
        self.subject_of = subject_of
        self.subjects = subjects

    @cached_property
    def key(self) -> tuple[bytes, int]:
        """The same for groupings that are alike."""
        return self.subject_of.tobytes(), self.subjects

    def few_rows(self, by_printer: "RowsByPrinter") -> Keys | None:
        """The rows of the printers that have a subject, in order; None where these are many."""
        return few_rows(np.flatnonzero(self.subject_of >= 0), by_printer)


class RowsByPrinter:
    """Where the rows of each printer are, in a column that names the printers by number."""

    def __init__(self, printer: Column) -> None:
        self.rows = len(printer)
        self.printers = int(printer.max()) + 1 if self.rows else 0
        narrow = np.uint16 if self.printers <= np.iinfo(np.uint16).max else np.int32
        # Numbers of 16 bits are sorted by their digits, which is ten times as fast.
        self._places = np.argsort(printer.astype(narrow), kind="stable").astype(np.int32)
        counts = np.bincount(printer, minlength=self.printers)
        self.first = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(counts)))

    @property
    def order(self) -> NDArray[np.int32]:
        """All rows, those of one printer after those of another."""
        return self._places

    def places(self, printer: int) -> NDArray[np.int32]:
        """The rows of one printer, in order."""
        if printer >= self.printers:
            return self._places[:0]
        return self._places[self.first[printer] : self.first[printer + 1]]

    def in_parts(self, rows: int) -> Iterator[Keys]:
        """All rows, those of some printers at a time, in the order of `order`: about so many."""
        begin = 0
        while begin < self.printers:
            end = max(begin + 1, int(np.searchsorted(self.first, self.first[begin] + rows, side="right")) - 1)
            yield self._places[self.first[begin] : self.first[end]].astype(np.intp)
            begin = end

    def parted(self, printers: Keys, rows: int) -> list[Keys]:
        """The printers, which are in order, some at a time that have about so many rows."""
        count = np.zeros(max(self.printers, int(printers.max(initial=0)) + 1), dtype=np.int64)
        count[: self.printers] = np.diff(self.first)
        part = np.cumsum(count[printers]) // rows
        return np.split(printers, np.flatnonzero(np.diff(part)) + 1) if len(printers) else []

    def last_places(self) -> tuple[Keys, NDArray[np.int32]]:
        """The printers that have rows, and the last row of each."""
        there = np.flatnonzero(self.first[1:] > self.first[:-1])
        return there, self._places[self.first[1:][there] - 1]


def few_rows(printers: Keys, by_printer: RowsByPrinter) -> Keys | None:
    """The rows of those printers, in order; None where these are many."""
    parts = [by_printer.places(number) for number in printers[: by_printer.printers].tolist()]
    if not parts or sum(len(each) for each in parts) * _FEW > by_printer.rows:
        return None
    return np.sort(np.concatenate(parts)).astype(np.intp)
