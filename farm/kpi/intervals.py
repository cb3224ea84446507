"""Intervals of time, half open, in milliseconds since 1970: put together, and taken from each other."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

Interval: TypeAlias = tuple[int, int]
"""From the first instant until before the second."""


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """What lies in any of the intervals, sorted and disjoint; those that touch become one."""
    found: list[Interval] = []
    for from_ms, to_ms in sorted(intervals):
        if from_ms >= to_ms:
            continue
        if found and from_ms <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], to_ms))
        else:
            found.append((from_ms, to_ms))
    return found


def less(intervals: Sequence[Interval], taken: Sequence[Interval]) -> list[Interval]:
    """What lies in the `intervals` and in none of those `taken`; each sorted and disjoint."""
    return list(_pieces(intervals, taken))


def _pieces(intervals: Sequence[Interval], taken: Sequence[Interval]) -> Iterator[Interval]:
    at = 0
    for from_ms, to_ms in intervals:
        start = from_ms
        while at < len(taken) and taken[at][1] <= start:
            at += 1
        following = at
        while following < len(taken) and taken[following][0] < to_ms:
            if taken[following][0] > start:
                yield (start, taken[following][0])
            start = taken[following][1]
            following += 1
        if start < to_ms:
            yield (start, to_ms)


def first_difference(one: Sequence[Interval], other: Sequence[Interval]) -> int | None:
    """The first instant that lies in the one and not in the other; None where both cover the same.

    Each is sorted, disjoint, and without intervals that touch.
    """
    for (one_from, one_to), (other_from, other_to) in zip(one, other, strict=False):
        if one_from != other_from:
            return min(one_from, other_from)
        if one_to != other_to:
            return min(one_to, other_to)
    longer = one if len(one) > len(other) else other
    shorter = min(len(one), len(other))
    return longer[shorter][0] if len(longer) > shorter else None
