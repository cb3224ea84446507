"""The one table that says when a printer is at fault, and when it is repaired.

SEMI E10-0422 counts a failure whenever an unplanned event takes equipment into unscheduled downtime,
and repair until it works again. What a printer shows of that is its state: an error is such an
event, and so is a printer that is lost while it worked. One that is switched off at rest is not.
"""

from typing import Final, NamedTuple

import msgspec

from farm.model.states import ACTIVE_STATES, PrinterState

AT_REST: Final = frozenset({PrinterState.IDLE, PrinterState.FINISHED, PrinterState.MAINTENANCE})
ANY_KNOWN: Final = ACTIVE_STATES | AT_REST | {PrinterState.ERROR}


class FaultRule(NamedTuple):
    """Going into `state`, when the state known last before was one of `after`, is a fault or is none."""

    state: PrinterState
    after: frozenset[PrinterState]
    is_fault: bool
    source: str


FAULT_RULES: Final = (
    FaultRule(PrinterState.ERROR, ANY_KNOWN, True, "SEMI E10: an unplanned event takes it down"),
    FaultRule(PrinterState.OFFLINE, ACTIVE_STATES, True, "SEMI E10: lost while it performed its function"),
    FaultRule(PrinterState.OFFLINE, AT_REST, False, "switched off: nothing says that it failed"),
)
"""`unknown` and `offline` are no known states; an error is a fault also where none was known before.

What follows until the next productive state belongs to the same fault.
"""

REPAIRED: Final = frozenset({PrinterState.PREPARING, PrinterState.PRINTING})
"""The states that end a fault: the printer performs its function again."""


class RepairTally(msgspec.Struct, frozen=True):
    """Faults that began, repairs that ended, and their milliseconds in sum.

    `repair_ms` is from the fault until the next productive state that was seen; `least_ms` only until
    nobody saw the printer any more, `most_ms` also what nobody saw before the fault showed.
    """

    faults: int = 0
    repairs: int = 0
    repair_ms: int = 0
    least_ms: int = 0
    most_ms: int = 0
