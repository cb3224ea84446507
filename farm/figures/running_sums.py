"""Sums over rows in the order of their instants, up to any instant, by a key.

The rows are cut into blocks, and the sums up to the beginning of each block are kept. Up to an
instant within a block they follow from those and from the rows of the block before it. So the
difference between two instants costs the same however many rows lie between them.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from farm.figures.narrow import Column, narrow

Integers: TypeAlias = NDArray[np.int64]
Keys: TypeAlias = NDArray[np.intp]

KEPT_CELLS = 2_000_000
"""About so many sums are kept by one object, which bounds its memory (16 MB at most)."""
SHORTEST_BLOCK = 256
LONGEST_BLOCK = 65_536
"""Of more rows at once the sums of instants would not be exact: they are made in floating point."""
_ROWS_AT_ONCE = 262_144


class Added(NamedTuple):
    """The key of each row, -1 for nothing, and what each row adds to each measure; None for 1 each.

    With the sign -1 it is taken away.
    """

    key: Keys
    measured: Sequence[Column | None]
    sign: int = 1


Contributions: TypeAlias = Callable[[slice | Keys], Sequence[Added]]
"""Gives what the rows add; a row may add to several keys."""


class RunningSums:
    """The sums of `measures` integer measures over rows by one of `keys` keys.

    `at` are the instants of the rows in order, in milliseconds after some beginning. What a row adds
    is below 2^37 in size, as milliseconds of four years are.
    """

    def __init__(
        self,
        at: Integers,
        keys: int,
        measures: int,
        contributions: Contributions,
        before: "RunningSums | None" = None,
        alike: int = 0,
    ) -> None:
        """`before` are the same sums of rows of which the first `alike` are the same."""
        self._at = at
        self._keys = keys
        self._measures = measures
        self._contributions = contributions
        wanted = len(at) * keys * measures // KEPT_CELLS
        self.block = min(max(SHORTEST_BLOCK, _power_of_two(wanted)), LONGEST_BLOCK)
        self.kept = self._sum_up(before, alike)
        """By measure, up to the beginning of each block and by key; most need no 64 bits."""

    @property
    def kept_bytes(self) -> int:
        """So many bytes the sums take that are kept."""
        return sum(each.nbytes for each in self.kept)

    def until(self, edges: Integers) -> Integers:
        """The sums over all rows before each edge, by edge, measure and key."""
        ends = np.searchsorted(self._at, edges, side="left")
        blocks = ends // self.block
        starts = blocks * self.block
        sums = self.up_to(blocks)
        lengths = ends - starts
        if (total := int(lengths.sum())) == 0:
            return sums
        edge_of_row = np.repeat(np.arange(len(edges)), lengths)
        offsets = np.arange(total) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        added = self._contributions(np.repeat(starts, lengths) + offsets)
        sums += _by_key(edge_of_row, len(edges), added, self._keys, self._measures)
        return sums

    def up_to(self, blocks: slice | Keys) -> Integers:
        """The sums up to the beginning of the blocks, by block, measure and key."""
        return np.stack([each[blocks] for each in self.kept], axis=1, dtype=np.int64)

    def _sum_up(self, before: "RunningSums | None", alike: int) -> list[Column]:
        blocks = len(self._at) // self.block + 1
        kept = np.zeros((blocks + 1, self._measures, self._keys), dtype=np.int64)
        known = 0
        if before is not None and before.block == self.block:
            known = min(alike // self.block, len(before.kept[0]) - 1)
            kept[: known + 1] = before.up_to(slice(known + 1))
        step = max(_ROWS_AT_ONCE // self.block, 1) * self.block
        for begin in range(known * self.block, len(self._at), step):
            end = min(begin + step, len(self._at))
            first = begin // self.block
            block_of_row = np.arange(begin, end) // self.block - first
            count = int(block_of_row[-1]) + 1
            kept[first + 1 : first + 1 + count] = _by_key(
                block_of_row, count, self._contributions(slice(begin, end)), self._keys, self._measures
            )
        np.cumsum(kept[known:], axis=0, out=kept[known:])
        return [np.ascontiguousarray(narrow(kept[:, measure])) for measure in range(self._measures)]


def sums_before(
    edges: Integers, at: Integers, keys: int, measures: int, contributions: Sequence[Added]
) -> Integers:
    """The sums over the rows before each edge, by edge, measure and key, of few rows in any order.

    `contributions` is what they add; they number at most `LONGEST_BLOCK`.
    """
    order = np.argsort(edges, kind="stable")
    first_edge_after = np.searchsorted(edges[order], at, side="right")
    added = _by_key(first_edge_after, len(edges) + 1, contributions, keys, measures)[:-1]
    found = np.empty_like(added)
    found[order] = np.cumsum(added, axis=0)
    return found


def within(sums: Integers, places: Integers) -> Integers:
    """What came to the sums between two edges, by the places of both."""
    found: Integers = sums[places[:, 1]] - sums[places[:, 0]]
    return found


def sums_from_first(
    edges: Integers, at: Integers, keys: int, measures: int, contributions: Contributions
) -> Integers:
    """The sums over the rows between the first edge and each, by edge, measure and key.

    `at` are the instants of the rows in order. Costs as much as there are rows between the edges, and
    nothing is kept: for more keys than sums could be kept of.
    """
    order = np.argsort(edges, kind="stable")
    places = np.searchsorted(at, edges[order], side="left")
    found = np.zeros((len(edges), measures, keys), dtype=np.int64)
    for begin in range(int(places[0]), int(places[-1]), LONGEST_BLOCK):
        end = min(begin + LONGEST_BLOCK, int(places[-1]))
        first_edge_after = np.searchsorted(places, np.arange(begin, end), side="right")
        first, last = int(first_edge_after[0]), int(first_edge_after[-1]) + 1
        added = contributions(slice(begin, end))
        found[first:last] += _by_key(first_edge_after - first, last - first, added, keys, measures)
    np.cumsum(found, axis=0, out=found)
    in_place = np.empty_like(found)
    in_place[order] = found
    return in_place


def _by_key(
    part_of_row: Keys, parts: int, contributions: Sequence[Added], keys: int, measures: int
) -> Integers:
    """What the rows add, by part, measure and key."""
    width = keys + 1
    found = np.zeros((parts, measures, width))
    for key, measured, sign in contributions:
        place = part_of_row * width + (key + 1)
        for number, each in enumerate(measured):
            summed = np.bincount(place, each, minlength=parts * width).reshape(parts, width)
            found[:, number] += summed if sign > 0 else -summed
    return np.rint(found[:, :, 1:]).astype(np.int64)


def _power_of_two(least: int) -> int:
    return 1 << max(least - 1, 0).bit_length()
