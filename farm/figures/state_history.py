"""The changes of state of all printers, and how much time was spent in each, kept up to date.

The changes that were there when the long arrays were made are counted by sums kept for them. What
changed since stands beside: changes that are taken back count with -1, new ones with 1. When there
are many, both are made one again.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from farm.figures.running_sums import Integers, Keys
from farm.figures.state_changes import NOT_THERE, Change, ChangeColumns, Clock, Spent

Places: TypeAlias = NDArray[np.int32]

MOST_BESIDE = 16_384
_MOST_SUMS = 8
"""For so many ways of putting printers together the sums are kept."""


class _Row(NamedTuple):
    """Of a printer whose changes differ: so many of its old ones hold, and these follow them."""

    kept: int
    following: list[Change]


class StateHistory:
    """Every change of every printer. Printers go by number, in the order in which they were met."""

    def __init__(self) -> None:
        self._whole = ChangeColumns.of([])
        self._places = np.zeros(0, dtype=np.int32)
        self._first = np.zeros(1, dtype=np.int64)
        self._rows: dict[int, _Row] = {}
        self._beside: ChangeColumns | None = None
        self._spent: OrderedDict[tuple[bytes, int, Clock | None], Spent] = OrderedDict()

    def fill(self, columns: ChangeColumns) -> None:
        """These changes, in order, are all there are."""
        self._whole, self._rows, self._beside = columns, {}, None
        self._spent.clear()
        printers = int(columns.printer.max()) + 1 if len(columns.printer) else 0
        self._places = np.argsort(columns.printer, kind="stable").astype(np.int32)
        self._first = np.searchsorted(columns.printer[self._places], np.arange(printers + 1))

    @property
    def columns(self) -> ChangeColumns:
        """All changes in order."""
        self._put_together(0)
        return self._whole

    def changes(self, printer: int) -> list[Change]:
        """The printer's changes in order."""
        row = self._rows.get(printer)
        places = self._places_of(printer)
        if row is None:
            return self._at(places)
        return [*self._at(places[: row.kept]), *row.following]

    def replace(self, printer: int, from_ms: int, changes: Sequence[Change]) -> None:
        """The printer's changes from `from_ms` on are these."""
        places = self._places_of(printer)
        row = self._rows.get(printer)
        kept = len(places) if row is None else row.kept
        kept = min(kept, int(np.searchsorted(self._whole.at[places], from_ms)))
        before = [] if row is None else [each for each in row.following if each.at_ms < from_ms]
        self._rows[printer] = _Row(kept, [*before, *changes])
        self._beside = None

    def spent(self, edges: Integers, subject_of: Keys, subjects: int, clock: Clock | None = None) -> Integers:
        """Milliseconds by edge, subject and code that were spent before the edge.

        `subject_of` gives the subject of each printer, -1 for none. The state at the end of a
        printer's changes lasts for ever.
        """
        self._put_together(MOST_BESIDE)
        key = subject_of.tobytes(), subjects, clock
        if (kept := self._spent.get(key)) is None:
            kept = self._spent[key] = Spent(self._whole, subject_of, subjects, clock)
            while len(self._spent) > _MOST_SUMS:
                self._spent.popitem(last=False)
        self._spent.move_to_end(key)
        found = kept.until(edges)
        if self._rows:
            found = found + Spent(self._changed(), subject_of, subjects, clock).until(edges)
        return found

    def last(self, printers: int) -> tuple[Keys, Integers]:
        """The code at the end of each printer's changes, and since when (ms) it holds."""
        code = np.full(printers, NOT_THERE, dtype=np.intp)
        since = np.zeros(printers, dtype=np.int64)
        known = min(len(self._first) - 1, printers)
        ends = self._first[1 : known + 1] - 1
        there = ends >= self._first[:known]
        places = self._places[ends[there]]
        numbers = np.arange(known)[there]
        code[numbers], since[numbers] = self._whole.after[places], self._whole.at[places]
        for printer in self._rows:
            changes = self.changes(printer)
            code[printer] = changes[-1].after if changes else NOT_THERE
            since[printer] = changes[-1].at_ms if changes else 0
        return code, since

    def _places_of(self, printer: int) -> Places:
        if printer + 1 >= len(self._first):
            return self._places[:0]
        return self._places[self._first[printer] : self._first[printer + 1]]

    def _at(self, places: Places) -> list[Change]:
        columns = self._whole
        rows = columns.at[places].tolist(), columns.before[places].tolist(), columns.after[places].tolist()
        return [Change(*row) for row in zip(*rows, strict=True)]

    def _changed(self) -> ChangeColumns:
        """What is taken back and what is added, since the long arrays were made."""
        if self._beside is None:
            rows = []
            for printer, row in self._rows.items():
                taken_back = self._at(self._places_of(printer)[row.kept :])
                rows += [(each.at_ms, printer, each.before, each.after, -1) for each in taken_back]
                rows += [(each.at_ms, printer, each.before, each.after, 1) for each in row.following]
            self._beside = ChangeColumns.of(rows)
        return self._beside

    def _put_together(self, most: int) -> None:
        beside = sum(
            len(self._places_of(each)) - row.kept + len(row.following) for each, row in self._rows.items()
        )
        if beside <= most or not self._rows:
            return
        holds = np.ones(len(self._whole.at), dtype=bool)
        for printer, row in self._rows.items():
            holds[self._places_of(printer)[row.kept :]] = False
        whole, more = self._whole, self._changed()
        new = more.weight > 0
        self.fill(
            ChangeColumns.from_arrays(
                np.concatenate((whole.at[holds], more.at[new])),
                np.concatenate((whole.printer[holds], more.printer[new])),
                np.concatenate((whole.before[holds], more.before[new])),
                np.concatenate((whole.after[holds], more.after[new])),
                np.concatenate((whole.weight[holds], more.weight[new])),
            )
        )
