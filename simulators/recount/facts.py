"""What is true of a subject in a window, and what a formula makes of it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from farm.model.states import Outcome, PrinterState
from simulators.recount.true_jobs import TrueAmount, TrueJob
from simulators.recount.true_repairs import TrueRepair


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is true of a subject in a window.

    `spent` holds milliseconds by state and by whether the shop was open; they could be told to
    `exact_ms`. `jobs` are those that count in the window, `reprints` those of all that print again what
    came to nothing before, and `usual_ms` says how long each file usually takes. `repairs` are those that
    count in the window, and `streak` is of its printers' failures in a row at the end of the window the
    longest, None before one ended. A subject of jobs alone `has_hours` of nobody.
    """

    spent: Counter[tuple[PrinterState, bool]]
    exact_ms: int
    jobs: list[TrueJob]
    has_hours: bool = True
    repairs: Sequence[TrueRepair] = ()
    streak: int | None = None
    reprints: frozenset[tuple[str, int]] = frozenset()
    usual_ms: Mapping[str, TrueAmount] = {}

    def time(self, states: Iterable[PrinterState], *, when_open: bool | None = None) -> int:
        """Milliseconds in the states, in open or closed hours or both."""
        wanted = frozenset(states)
        return sum(
            ms
            for (state, is_open), ms in self.spent.items()
            if state in wanted and when_open in (None, is_open)
        )

    def number(self, *outcomes: Outcome) -> int:
        """How many jobs ended so."""
        return sum(job.outcome in outcomes for job in self.jobs)


class TrueFigure(msgspec.Struct, frozen=True):
    """The true value in the indicator's unit, None where there is none, and how exactly it can be told."""

    value: float | None
    exact_to: float = 0.0


NONE: Final = TrueFigure(None)
