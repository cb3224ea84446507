"""The hour of the day and the day of the week of many instants, on the clock of a time zone."""

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from farm.figures.running_sums import Integers, Keys
from farm.model.times import DAY_MS, HOUR_MS, SECOND_MS

HOURS: Final = 24
DAYS: Final = 7
_THURSDAY: Final = 3
"""The first of January 1970, counted from Monday as 0."""
_AHEAD_MS: Final = 400 * DAY_MS


class LocalTime:
    """Reads the clock of a zone; looks up once where it was set forward or back."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._from_ms = self._until_ms = 0
        self._changes = np.zeros(0, dtype=np.int64)
        self._offsets = np.zeros(1, dtype=np.int64)

    def hour(self, at: Integers) -> Keys:
        """The hour of the day, 0 to 23."""
        found: Keys = self._local(at) // HOUR_MS % HOURS
        return found

    def weekday(self, at: Integers) -> Keys:
        """The day of the week, 0 for Monday to 6."""
        found: Keys = (self._local(at) // DAY_MS + _THURSDAY) % DAYS
        return found

    def _local(self, at: Integers) -> Integers:
        if not len(at):
            return at
        first, last = int(at.min()), int(at.max())
        if first < self._from_ms or last >= self._until_ms:
            known = self._until_ms > self._from_ms
            first = min(first, self._from_ms) if known else first
            self._look_up(first - DAY_MS, max(last, self._until_ms) + _AHEAD_MS)
        local: Integers = at + self._offsets[np.searchsorted(self._changes, at, side="right")]
        return local

    def _look_up(self, from_ms: int, until_ms: int) -> None:
        """Where the offset changes; a clock that is put back within a day as it was is not noticed."""
        changes: list[int] = []
        offsets = [self._offset(from_ms)]
        for day in range(from_ms, until_ms, DAY_MS):
            if (after := self._offset(day + DAY_MS)) != offsets[-1]:
                changes.append(self._change(day, day + DAY_MS))
                offsets.append(after)
        self._from_ms, self._until_ms = from_ms, until_ms
        self._changes = np.array(changes, dtype=np.int64)
        self._offsets = np.array(offsets, dtype=np.int64)

    def _change(self, before_ms: int, after_ms: int) -> int:
        """The first second with the offset of the end."""
        offset = self._offset(after_ms)
        while after_ms - before_ms > 1:
            middle = (before_ms + after_ms) // 2
            if self._offset(middle) == offset:
                after_ms = middle
            else:
                before_ms = middle
        return after_ms

    def _offset(self, at_ms: int) -> int:
        """How far local time is ahead of UTC (ms)."""
        offset = datetime.fromtimestamp(at_ms // SECOND_MS, self.zone).utcoffset() or timedelta()
        return offset // timedelta(milliseconds=1)
