"""What may be concluded from a printer's messages after a time in which others may have been missed."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from farm.model.states import PrinterState


class JobAfterGap(StrEnum):
    """What becomes of the job that was under way before the gap."""

    NONE = "none is known"
    GOES_ON = "goes on where it is the same"
    OVER = "over"
    READ_THROUGH = "over, its file read through"


class GapRule(msgspec.Struct, frozen=True, kw_only=True):
    """One row: `sign`, in the protocol's own words, where one of the states `before` was known last.

    None among `before` is a printer of which no state is known; None as `state` leaves it so.
    `after_ms` is how long the sign must last.
    """

    name: str
    sign: StrEnum
    before: frozenset[PrinterState | None]
    state: PrinterState | None
    job: JobAfterGap
    after_ms: int = 0


def gap_rule(rules: Sequence[GapRule], sign: StrEnum, before: PrinterState | None) -> GapRule | None:
    """The first row that speaks of the sign after that state, None where there is none."""
    return next((rule for rule in rules if rule.sign is sign and before in rule.before), None)
