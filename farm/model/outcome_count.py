"""Ended jobs, counted by how they ended."""

import msgspec

from farm.model.states import Cause, Outcome


class EndedCount(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs that ever ended with one outcome and cause."""

    outcome: Outcome
    cause: Cause | None
    jobs: int
