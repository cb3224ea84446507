"""How often a printer usually speaks, and so how long its silence may last.

An adapter states a limit for the usual set-up. Some are set to speak less often (Moonraker's
`status_interval`); for them the limit is three of their own intervals.
"""

import msgspec

from farm.model.times import MINUTE_MS

_INTERVALS = 3
_CEILING_MS = 30 * MINUTE_MS
_LIKE = 1.5
_BRISK_MESSAGES = 50


class ReportInterval(msgspec.Struct):
    """The limit in force (ms), never below the adapter's `stated_ms`.

    Two long gaps in a row that are alike are the printer's interval; many short ones in a
    row say that it speaks briskly again.
    """

    stated_ms: int
    limit_ms: int = 0
    last_gap_ms: int = 0
    brisk: int = 0

    def __post_init__(self) -> None:
        """A new report interval begins with the stated limit."""
        self.limit_ms = max(self.limit_ms, self.stated_ms)

    def hear(self, gap_ms: int) -> None:
        """A message came so long after the one before it."""
        if gap_ms * 2 > self.stated_ms:
            before, self.last_gap_ms, self.brisk = self.last_gap_ms, gap_ms, 0
            shorter, longer = sorted((before, gap_ms))
            if shorter and longer <= _LIKE * shorter:
                self.limit_ms = max(self.stated_ms, min(_INTERVALS * longer, _CEILING_MS))
        elif self.limit_ms > self.stated_ms and gap_ms * 4 < self.stated_ms and gap_ms > 0:
            self.brisk += 1
            if self.brisk > _BRISK_MESSAGES:
                self.limit_ms, self.last_gap_ms, self.brisk = self.stated_ms, 0, 0
