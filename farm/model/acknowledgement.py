"""A person says that an alert is taken care of, for a while."""

from typing import Final

import msgspec

from farm.model.times import DAY_MS, HOUR_MS

USUAL_MS: Final = 4 * HOUR_MS
"""For how long an alert is acknowledged where nobody says for how long."""
LONGEST_MS: Final = 30 * DAY_MS
"""What nobody gets to within a month is no longer in hand."""


class Acknowledgement(msgspec.Struct, frozen=True, kw_only=True):
    """`who` sees to the alert from `at_ms` until `until_ms` (the ledger's times), as `note` says."""

    alert_id: str
    who: str
    note: str = ""
    at_ms: int
    until_ms: int

    def holds(self, now_ms: int) -> bool:
        """Whether it still does."""
        return now_ms < self.until_ms
