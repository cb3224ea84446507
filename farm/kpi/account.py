"""The time account: where the hours of a window went.

The classes follow SEMI E10: closed hours are non-scheduled, planned maintenance is
scheduled down, and neither is available time; everything else is, also what is offline,
in error or unknown.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from farm.errors import LedgerError
from farm.model.printer import Printer
from farm.model.states import PrinterState


class Interval(NamedTuple):
    """From `from_ms` until `to_ms` (ms since 1970, UTC, half open)."""

    from_ms: int
    to_ms: int


class TimeAccount(msgspec.Struct, frozen=True):
    """Milliseconds by state, in the hours in which the shop is open and in which it is closed.

    One printer's, or the sum over several: then an hour of the window counts once for
    each of them.
    """

    open_ms: Mapping[PrinterState, int]
    closed_ms: Mapping[PrinterState, int]

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
        if not (whole := self.whole_ms):
            return None
        return (whole - self.in_states({PrinterState.UNKNOWN})) / whole

    def in_states(self, states: Iterable[PrinterState]) -> int:
        """Time in any of the states, in open and closed hours."""
        return sum(self.open_ms.get(state, 0) + self.closed_ms.get(state, 0) for state in states)

    def available_ms(self, productive: Iterable[PrinterState]) -> int:
        """Open time without planned maintenance, and what was productive in closed hours."""
        open_time = sum(self.open_ms.values()) - self.open_ms.get(PrinterState.MAINTENANCE, 0)
        return open_time + sum(self.closed_ms.get(state, 0) for state in productive)


def life_within(printer: Printer, from_ms: int, to_ms: int) -> Interval | None:
    """The part of the interval in which the printer counts, None where it does not at all."""
    end = to_ms if printer.retired_ms is None else min(to_ms, printer.retired_ms)
    life = Interval(max(from_ms, printer.first_seen_ms), end)
    return life if life.from_ms < life.to_ms else None


def book(totals: Mapping[PrinterState, int], life_ms: int, *, closed: bool = False) -> TimeAccount:
    """The account of one printer that lived for `life_ms`, from its milliseconds by state.

    What is missing in the totals was not observed and is booked as unknown. Raises
    LedgerError when more is booked than has passed.
    """
    missing = life_ms - sum(totals.values())
    if missing < 0:
        raise LedgerError(f"{-missing} ms more are booked than the {life_ms} ms that passed")
    states = {state: ms for state, ms in totals.items() if ms}
    if missing:
        states[PrinterState.UNKNOWN] = states.get(PrinterState.UNKNOWN, 0) + missing
    return TimeAccount({}, states) if closed else TimeAccount(states, {})


def add_up(accounts: Iterable[TimeAccount]) -> TimeAccount:
    """The sum of accounts of several printers or of intervals that follow each other."""
    open_ms: dict[PrinterState, int] = {}
    closed_ms: dict[PrinterState, int] = {}
    for account in accounts:
        for state, ms in account.open_ms.items():
            open_ms[state] = open_ms.get(state, 0) + ms
        for state, ms in account.closed_ms.items():
            closed_ms[state] = closed_ms.get(state, 0) + ms
    return TimeAccount(open_ms, closed_ms)
