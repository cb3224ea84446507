"""What may be concluded from a printer's messages after a time in which others may have been missed."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec

from farm.model.states import PrinterState


class JobAfterGap(StrEnum):
    """What becomes of the job that was under way before the gap."""

    NONE = "none is known"
    GOES_ON = "goes on where it is the same, else it is over"
    OVER = "over, `unknown`"
    READ_THROUGH = "over, its file read through"
    TOLD = "over, as told"
    OPEN = "open until more is told"


class StateAfterGap(StrEnum):
    """A state that is no one state of ours."""

    AS_TOLD = "as told"
    UNKNOWN = "unknown"


AS_TOLD: Final = StateAfterGap.AS_TOLD
NOT_KNOWN: Final = StateAfterGap.UNKNOWN
ANY_STATE: Final[frozenset[PrinterState | None]] = frozenset({*PrinterState, None})


class GapRule(msgspec.Struct, frozen=True, kw_only=True):
    """One row: `sign`, in the protocol's own words, where one of the states `before` was known last.

    None among `before` is a printer of which no state is known. `after_ms` is how long the sign
    must last.
    """

    name: str
    sign: StrEnum
    before: frozenset[PrinterState | None]
    state: PrinterState | StateAfterGap
    job: JobAfterGap
    after_ms: int = 0

    @property
    def restored(self) -> PrinterState | None:
        """The one state that the row restores, None where it restores none or any."""
        return self.state if isinstance(self.state, PrinterState) else None


def gap_rule(rules: Sequence[GapRule], sign: StrEnum, before: PrinterState | None) -> GapRule | None:
    """The first row that speaks of the sign after that state, None where there is none."""
    return next((rule for rule in rules if rule.sign is sign and before in rule.before), None)
