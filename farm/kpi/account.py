"""The time account: where the hours of a window went.

The classes follow SEMI E10: closed hours are non-scheduled, planned maintenance is
scheduled down, and neither is available time; everything else is, also what is offline,
in error or unknown.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from farm.kpi.columns import ratio
from farm.model.states import PrinterState, StateReason

_NOT_OBSERVED = (PrinterState.UNKNOWN,)


class Condition(NamedTuple):
    """A state of a printer, and its reason where the account tells it apart by one."""

    state: PrinterState
    reason: StateReason | None = None


class TimeAccount(msgspec.Struct, frozen=True):
    """Milliseconds by state, in the hours in which the shop is open and in which it is closed.

    `reasons_ms` is the part of the open time of which a reason is known, by state and reason.
    One printer's, or the sum over several: then an hour of the window counts once for
    each of them.
    """

    open_ms: Mapping[PrinterState, int]
    closed_ms: Mapping[PrinterState, int]
    reasons_ms: Mapping[Condition, int] = {}

    @property
    def whole_ms(self) -> int:
        """All time of the account."""
        return sum(self.open_ms.values()) + self.whole_closed_ms

    @property
    def whole_closed_ms(self) -> int:
        """Time in which the shop was closed."""
        return sum(self.closed_ms.values())

    @property
    def observed_share(self) -> float | None:
        """The part of the time in which the state was known (offline is), None without time."""
        whole = self.whole_ms
        observed: float | None = ratio(whole - self.in_states(_NOT_OBSERVED), whole)
        return observed

    @property
    def is_observed(self) -> bool:
        """Whether the state was known at any time."""
        return self.whole_ms > self.in_states(_NOT_OBSERVED)

    def in_states(self, states: Iterable[PrinterState]) -> int:
        """Time in any of the states, in open and closed hours."""
        opened, closed = self.open_ms, self.closed_ms
        return sum([opened.get(state, 0) + closed.get(state, 0) for state in states])

    def open_conditions(self) -> dict[Condition, int]:
        """Open time by condition: that of a state of which no reason is known, and that by each reason."""
        found = {Condition(state): ms for state, ms in self.open_ms.items()}
        for condition, ms in self.reasons_ms.items():
            # Not in place: it may be a column, which is the account's own.
            found[Condition(condition.state)] = found[Condition(condition.state)] - ms
            found[condition] = ms
        return found

    def available_ms(self, productive: Iterable[PrinterState]) -> int:
        """Open time without planned maintenance, and what was productive in closed hours."""
        open_time = sum(self.open_ms.values()) - self.open_ms.get(PrinterState.MAINTENANCE, 0)
        return open_time + sum(self.closed_ms.get(state, 0) for state in productive)
