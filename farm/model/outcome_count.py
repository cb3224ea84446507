"""Ended jobs, counted by how they ended."""

import msgspec

from farm.model.states import CancelledBy, Cause, Outcome


class OutcomeCount(msgspec.Struct, frozen=True, kw_only=True):
    """Ended jobs of one printer with one outcome in a window, in sums."""

    printer_id: str
    outcome: Outcome
    cancelled_by: CancelledBy | None
    jobs: int
    units: int
    printing_ms: int


class EndedCount(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs that ever ended with one outcome and cause."""

    outcome: Outcome
    cause: Cause | None
    jobs: int
