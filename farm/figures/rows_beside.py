"""Rows that came after the long arrays were made: a table that grows at its end."""

from collections.abc import Sequence

import numpy as np

from farm.figures.running_sums import Integers

_FIRST_ROOM = 256


class RowsBeside:
    """Rows of integers, counted with the weight that each carries: -1 takes another back."""

    def __init__(self, width: int) -> None:
        """Of `width` columns."""
        self._table = np.empty((_FIRST_ROOM, width), dtype=np.int64)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, rows: Sequence[Sequence[int]]) -> None:
        """These too."""
        if not rows:
            return
        count = self._count + len(rows)
        if count > len(self._table):
            room = np.empty((2 * count, self._table.shape[1]), dtype=np.int64)
            room[: self._count] = self._table[: self._count]
            self._table = room
        self._table[self._count : count] = rows
        self._count = count

    def columns(self) -> list[Integers]:
        """All rows by column, in the order in which they came."""
        return [*self._table[: self._count].T]
