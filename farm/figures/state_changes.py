"""The account of time by columns: every change of a printer's state, and the time that follows from it.

A printer is in one state at any time of its life, so its account is a row of changes.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from farm.figures.running_sums import Added, Integers, Keys, RunningSums
from farm.kpi.intervals import Interval
from farm.model.printer import Printer
from farm.model.span import Span
from farm.model.states import PrinterState

Column: TypeAlias = NDArray[np.integer[Any]]

STATES: Final = tuple(PrinterState)
NOT_THERE: Final = len(STATES)
"""The code of a printer before it was first seen, and after it was retired."""
UNKNOWN: Final = STATES.index(PrinterState.UNKNOWN)
MAINTENANCE: Final = STATES.index(PrinterState.MAINTENANCE)
PRODUCTIVE: Final = frozenset(map(STATES.index, (PrinterState.PRINTING, PrinterState.PREPARING)))
"""The codes of a printer that prints, which it does whatever was planned."""
CODES: Final = len(STATES) + 1
_CODE = {state: code for code, state in enumerate(STATES)}
_SILENCE = "silence"


class Change(NamedTuple):
    """From `at_ms` on (ms since 1970, UTC) a printer is in another state, both by code."""

    at_ms: int
    before: int
    after: int


class Clock(Protocol):
    """A function from instants to the time that passed until then by some measure, in milliseconds.

    It never falls and never rises faster than time itself: the open hours of a shop are such a one.
    """

    def __call__(self, at: Integers) -> Integers:
        """The time that passed until each instant (ms since 1970, UTC)."""


def changes_of(
    printer: Printer, spans: Iterable[Span], planned: Sequence[Interval] = (), begin: Change | None = None
) -> list[Change]:
    """The changes that the printer's spans, in order, come to; what no span covers is unknown.

    While work was `planned` on it the printer was in maintenance, where it did not print all the same.

    From the first sight on, or from the change `begin`, with which the spans begin, until the printer
    is retired; its last state goes on in the changes. Of spans that overlap the earlier one holds.
    """
    end = printer.retired_ms
    at = printer.first_seen_ms if begin is None else begin.at_ms
    row = _StateRow(NOT_THERE if begin is None else begin.before)
    row.go_on(at, UNKNOWN)
    for span in spans:
        start = max(span.from_ms, at)
        is_hole = span.state is PrinterState.UNKNOWN and span.source == _SILENCE
        if is_hole or (span.to_ms is not None and span.to_ms <= start):
            continue
        row.go_on(start, _CODE[span.state], is_last=span.to_ms is None)
        if span.to_ms is None:
            break
        at = span.to_ms
        row.go_on(at, UNKNOWN)
    if end is not None:
        row.cut_at(end)
    return _with_work(row.changes, planned) if planned else row.changes


def _with_work(changes: Sequence[Change], planned: Sequence[Interval]) -> list[Change]:
    """The changes with maintenance where it was planned, but for the state that goes on at the end."""
    if not changes:
        return []
    row = _StateRow(changes[0].before)
    for change, following in pairwise(changes):
        row.go_on(change.at_ms, change.after)
        if change.after in PRODUCTIVE:
            continue
        for from_ms, to_ms in planned:
            start, end = max(from_ms, change.at_ms), min(to_ms, following.at_ms)
            if start < end:
                row.go_on(start, MAINTENANCE)
                row.go_on(end, change.after)
    row.go_on(changes[-1].at_ms, changes[-1].after, is_last=changes[-1].after == changes[-1].before)
    return row.changes


class _StateRow:
    """Changes as they are put together: of two at one instant the later word counts."""

    def __init__(self, before: int) -> None:
        self._before = before
        self.changes: list[Change] = []

    def go_on(self, at_ms: int, code: int, *, is_last: bool = False) -> None:
        """From `at_ms` on the printer is in that state.

        The last one is told even where it is the state before: it was seen at least until it began.
        """
        changes = self.changes
        if changes and changes[-1].at_ms == at_ms:
            changes.pop()
        before = changes[-1].after if changes else self._before
        if code != before or is_last:
            changes.append(Change(at_ms, before, code))

    def cut_at(self, at_ms: int) -> None:
        """What would be later is not. A state that was seen until then is told once more."""
        kept = [each for each in self.changes if each.at_ms < at_ms]
        if kept and len(kept) < len(self.changes):
            kept.append(Change(at_ms, kept[-1].after, kept[-1].after))
        self.changes = kept


class ChangeColumns(NamedTuple):
    """Changes of all printers by instant; `weight` is -1 for one that is taken back."""

    at: Integers
    printer: NDArray[np.int32]
    before: NDArray[np.int8]
    after: NDArray[np.int8]
    weight: NDArray[np.int8]

    @classmethod
    def of(cls, rows: Sequence[tuple[int, int, int, int, int]]) -> "ChangeColumns":
        """Rows of (instant, printer, before, after, weight), in any order."""
        table = np.array(rows, dtype=np.int64).reshape(-1, 5)
        return cls.from_arrays(*(table[:, number] for number in range(5)))

    @classmethod
    def from_arrays(
        cls, at: Column, printer: Column, before: Column, after: Column, weight: Column
    ) -> "ChangeColumns":
        """The columns in the order of their instants."""
        order = np.argsort(at, kind="stable")
        return cls(
            at[order].astype(np.int64),
            printer[order].astype(np.int32),
            before[order].astype(np.int8),
            after[order].astype(np.int8),
            weight[order].astype(np.int8),
        )


class Spent:
    """How much time subjects had spent in each state, until any instant and by any clock."""

    def __init__(self, columns: ChangeColumns, subject_of: Keys, subjects: int, clock: Clock | None) -> None:
        """`subject_of` gives the subject of each printer by its number, -1 for none."""
        self._columns = columns
        self._subject_of = subject_of
        self._clock = clock
        self._origin = columns.at[:1]
        self._sums = RunningSums(columns.at, subjects * CODES, 2, self._contributions)
        self._shape = subjects, CODES

    def until(self, edges: Integers) -> Integers:
        """Milliseconds by edge, subject and code, spent before the edge; states go on until then."""
        found = self._sums.until(edges)
        elapsed = found[:, 0] * self._time(edges)[:, None] - found[:, 1]
        return elapsed.reshape(len(edges), *self._shape)

    def _contributions(self, rows: slice | Keys) -> Sequence[Added]:
        columns = self._columns
        subject = self._subject_of[columns.printer[rows]]
        weight = columns.weight[rows].astype(np.int64)
        passed = weight * self._time(columns.at[rows])
        into = np.where(subject < 0, -1, subject * CODES + columns.after[rows])
        out_of = np.where(subject < 0, -1, subject * CODES + columns.before[rows])
        return [(into, (weight, passed)), (out_of, (-weight, -passed))]

    def _time(self, at: Integers) -> Integers:
        """The clock's time since the first change, small enough to be summed exactly."""
        if self._clock is None or not len(self._origin):
            return at - (self._origin[0] if len(self._origin) else 0)
        return self._clock(at) - self._clock(self._origin)
