"""How much of some intervals has passed until an instant: the open or the closed hours of a shop."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from farm.kpi.account import Interval


class PassedTime:
    """Milliseconds of the intervals that lie before an instant.

    Within an interval it rises as fast as time does, elsewhere it stands: exact for integers.
    """

    def __init__(self, intervals: Sequence[Interval]) -> None:
        """`intervals` are in order and do not overlap."""
        self._starts = np.array([each.from_ms for each in intervals], dtype=np.int64)
        lengths = np.array([each.to_ms - each.from_ms for each in intervals], dtype=np.int64)
        self._lengths = lengths
        self._before = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(lengths)))
        self._words = self._starts.tobytes(), lengths.tobytes()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PassedTime) and self._words == other._words

    def __hash__(self) -> int:
        return hash(self._words)

    def __call__(self, at: NDArray[np.int64]) -> NDArray[np.int64]:
        """The time passed until each instant (ms since 1970, UTC)."""
        place = np.searchsorted(self._starts, at, side="right") - 1
        within = np.maximum(place, 0)
        begun = place >= 0
        since = np.clip(at - self._starts[within], 0, self._lengths[within])
        passed: NDArray[np.int64] = np.where(begun, self._before[within] + since, 0)
        return passed
