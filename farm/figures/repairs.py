"""The faults of all printers and how long each took to repair, out of the changes of state.

They follow from a printer's whole row of changes, so whose changes are others is looked at again as a
whole, and nobody else is.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from farm.figures.free_memory import give_back_free_memory
from farm.figures.grouping import Grouping, RowsByPrinter
from farm.figures.running_sums import Added, Integers, Keys, RunningSums
from farm.figures.state_changes import ChangeColumns, ConditionChange
from farm.figures.sums_kept import SumsKept
from farm.kpi.faults import ANY_KNOWN, FAULT_RULES, REPAIRED
from farm.kpi.time_classes import CONDITIONS
from farm.model.states import PrinterState

MEASURES: Final = ("faults", "repairs", "repair_ms", "least_ms", "most_ms")
_MOST_ONE_BY_ONE: Final = 64
"""Where more printers changed, all are looked at again."""
_CHANGES_AT_ONCE: Final = 65_536
_NOT_THERE: Final = np.zeros(1, dtype=bool)


def _codes(states: frozenset[PrinterState]) -> NDArray[np.bool_]:
    """By code of a condition, whether its state is one of these; the printer that is not there has none."""
    found = np.array([condition.state in states for condition in CONDITIONS], dtype=bool)
    return np.concatenate((found, _NOT_THERE))


_KNOWN: Final = _codes(ANY_KNOWN)
_UNKNOWN: Final = _codes(frozenset({PrinterState.UNKNOWN}))
_REPAIRED: Final = _codes(REPAIRED)
_FAULTS: Final = tuple(
    (_codes(frozenset({rule.state})), _codes(rule.after), rule.state is PrinterState.ERROR)
    for rule in FAULT_RULES
    if rule.is_fault
)
"""What is gone into, after what, and whether also after nothing known."""


class Repairs(NamedTuple):
    """Faults by printer: when each began, when it was repaired (-1 for not yet), and the lengths (ms)."""

    printer: Integers
    begun: Integers
    ended: Integers
    repair_ms: Integers
    least_ms: Integers
    most_ms: Integers


class _RepairRows(NamedTuple):
    """Repairs by instant: a fault stands in two rows, when it began and, where it is over, when it ended."""

    at: Integers
    printer: Integers
    measured: tuple[Integers, ...]
    """What each adds to each of `MEASURES`."""

    @classmethod
    def of(cls, repairs: Repairs) -> "_RepairRows":
        """The rows of those."""
        over = repairs.ended >= 0
        at = np.concatenate((repairs.begun, repairs.ended[over]))
        printer = np.concatenate((repairs.printer, repairs.printer[over]))
        faults = np.repeat((1, 0), (len(over), int(over.sum())))
        order = np.argsort(at, kind="stable")
        none = np.zeros(len(over), dtype=np.int64)
        lengths = (repairs.repair_ms, repairs.least_ms, repairs.most_ms)
        table = [faults, 1 - faults, *(np.concatenate((none, each[over])) for each in lengths)]
        return cls(at[order], printer[order], tuple(each[order] for each in table))

    def summed(self, who: Grouping) -> RunningSums:
        """Their sums by subject."""

        def contributions(rows: slice | Keys) -> Sequence[Added]:
            return [Added(who.subject_of[self.printer[rows]], [each[rows] for each in self.measured])]

        return RunningSums(self.at, who.subjects, len(MEASURES), contributions)


class Changes(Protocol):
    """The changes of state; as `farm.figures.state_history.StateHistory`."""

    @property
    def columns(self) -> ChangeColumns:
        """All changes in order."""

    @property
    def by_printer(self) -> RowsByPrinter:
        """Where in these columns the changes of each printer are."""

    def changes(self, printer: int) -> list[ConditionChange]:
        """The printer's changes in order."""


def repairs_of(columns: ChangeColumns) -> Repairs:
    """The faults that the changes, by printer and then by instant, come to."""
    printer, at, code = columns.printer.astype(np.int64), columns.at, columns.after
    rows = np.arange(len(at))
    first = np.searchsorted(printer, printer)
    known = np.maximum.accumulate(np.where(_KNOWN[code], rows, -1)) if len(at) else rows
    before = np.concatenate((np.full(1, -1), known[:-1]))[: len(at)]
    is_first_known = before < first
    faults = np.flatnonzero(_begins_fault(code, before, is_first_known))
    productive = np.flatnonzero(_REPAIRED[code])
    # Of faults without a productive state between them the first one counts.
    _, places = np.unique(
        np.stack((printer[faults], np.searchsorted(productive, faults))), axis=1, return_index=True
    )
    starts = faults[np.sort(places)]
    end = _next(productive, starts, printer)
    unseen = _next(np.flatnonzero(_UNKNOWN[code]), starts, printer)
    is_over = end >= 0
    begun, ended = at[starts], np.where(is_over, at[end], -1)
    seen_until = np.where((unseen >= 0) & (unseen < end), at[unseen], ended)
    doubtful = at[np.maximum(before[starts] + 1, first[starts])]
    lengths = (ended - begun, seen_until - begun, ended - doubtful)
    return Repairs(printer[starts], begun, ended, *(np.where(is_over, each, 0) for each in lengths))


def _repairs_of_all(changes: Changes) -> Repairs:
    """The same of all changes, of some printers at a time: together they take much memory."""
    columns = changes.columns
    parts = [repairs_of(columns.taken(places)) for places in changes.by_printer.in_parts(_CHANGES_AT_ONCE)]
    nothing = repairs_of(ChangeColumns.of([]))
    return Repairs(*(np.concatenate(column) for column in zip(nothing, *parts, strict=True)))


def _begins_fault(
    code: NDArray[np.int8], before: Keys, is_first_known: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    found = np.zeros(len(code), dtype=bool)
    for into, after, of_nothing in _FAULTS:
        fits = np.where(is_first_known, of_nothing, after[code[before]])
        found |= into[code] & fits
    return found


def _next(wanted: Keys, starts: Keys, printer: Integers) -> Keys:
    """The first of the wanted rows behind each start that is of the same printer, -1 where there is none."""
    place = np.searchsorted(wanted, starts, side="right")
    padded = np.concatenate((wanted, np.full(1, -1)))
    found = padded[place]
    return np.where((found >= 0) & (printer[found] == printer[starts]), found, -1)


class RepairHistory:
    """The faults and repairs of every printer, as the changes of state stand."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._repairs: Repairs | None = None
        self._rows: _RepairRows | None = None
        self._stale: set[int] = set()
        self._sums: SumsKept[tuple[bytes, int], RunningSums] = SumsKept()

    def renew(self, printer: int | None = None) -> None:
        """The printer's changes are others now; those of all where none is named."""
        if printer is None:
            self._repairs = None
        else:
            self._stale.add(printer)

    def sums(self, edges: Integers, subject_of: Keys, subjects: int) -> Integers:
        """The sums of `MEASURES` before each edge: by edge, measure and subject.

        A fault counts when it began, a repair when it ended. `subject_of` gives the subject of each
        printer, -1 for none.
        """
        repairs, who = self._current(), Grouping(subject_of, subjects)
        if self._rows is None:
            self._rows = _RepairRows.of(repairs)
        rows = self._rows
        return self._sums.get(who.key, lambda: rows.summed(who)).until(edges)

    def within(self, from_ms: int, to_ms: int, printers: Sequence[int]) -> list[tuple[int, int, int | None]]:
        """The faults of the printers (by number) that began in the window, or whose repair ended in it.

        When each began, its printer, and when it was repaired, None for not yet; in this order.
        """
        found = self._current()
        begins = (found.begun >= from_ms) & (found.begun < to_ms)
        ends = (found.ended >= from_ms) & (found.ended < to_ms)
        wanted = (begins | ends) & np.isin(found.printer, printers)
        columns = found.begun[wanted].tolist(), found.printer[wanted].tolist(), found.ended[wanted].tolist()
        rows = [
            (begun, printer, None if ended < 0 else ended)
            for begun, printer, ended in zip(*columns, strict=True)
        ]
        return sorted(rows, key=lambda row: row[:2])

    def _current(self) -> Repairs:
        if self._repairs is not None and not self._stale:
            return self._repairs
        if self._repairs is None or len(self._stale) > _MOST_ONE_BY_ONE:
            self._others_now()
            self._repairs = _repairs_of_all(self._changes)
            give_back_free_memory()
        else:
            self._repairs = self._with_stale(self._repairs)
        self._stale.clear()
        return self._repairs

    def _with_stale(self, known: Repairs) -> Repairs:
        """The same with those of the stale printers as they are now; sums stay where these are no others."""
        rows = [(number, self._changes.changes(number)) for number in sorted(self._stale)]
        found = repairs_of(ChangeColumns.of(rows).by_printer())
        others = np.isin(known.printer, list(self._stale))
        before = Repairs(*(column[others] for column in known))
        order = np.lexsort((before.begun, before.printer))
        if all(np.array_equal(was[order], now) for was, now in zip(before, found, strict=True)):
            return known
        self._others_now()
        pairs = zip(known, found, strict=True)
        return Repairs(*(np.concatenate((old[~others], new)) for old, new in pairs))

    def _others_now(self) -> None:
        self._rows = None
        self._sums.clear()
