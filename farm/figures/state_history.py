"""The changes of state of all printers, and how much time was spent in each, kept up to date.

The changes that were there when the long arrays were made are counted by sums kept for them. What
changed since stands beside: changes that are taken back count with -1, new ones with 1. When there
are many, both are made one again.
"""

from collections.abc import Sequence
from itertools import takewhile
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from farm.figures.grouping import Grouping, RowsByPrinter
from farm.figures.rows_beside import RowsBeside
from farm.figures.running_sums import Integers, Keys
from farm.figures.state_changes import NOT_THERE, ChangeColumns, Clock, ConditionChange, Spent
from farm.figures.sums_kept import SumsKept

Places: TypeAlias = NDArray[np.int32]

MOST_BESIDE = 16_384
_LISTED_FOR_EACH = 8
"""So many times as many changes of the printers concerned may be held one by one, which takes memory."""
_WIDTH = 5


class _Row(NamedTuple):
    """Of a printer whose changes differ: so many of its old ones hold, and these follow them."""

    kept: int
    following: list[ConditionChange]


class StateHistory:
    """Every change of every printer. Printers go by number, in the order in which they were met."""

    def __init__(self) -> None:
        self._spent: SumsKept[tuple[tuple[bytes, int], Clock | None], Spent] = SumsKept()
        self.fill(ChangeColumns.of([]))

    def fill(self, columns: ChangeColumns) -> None:
        """These changes, in order, are all there are."""
        self._take_over(columns)
        self._spent.clear()

    @property
    def columns(self) -> ChangeColumns:
        """All changes in order."""
        self._put_together(0)
        return self._whole

    @property
    def by_printer(self) -> RowsByPrinter:
        """Where in `columns` the changes of each printer are."""
        self._put_together(0)
        return self._by_printer

    def changes(self, printer: int) -> list[ConditionChange]:
        """The printer's changes in order."""
        return self._changes_from(printer, 0)

    def lasting_before(self, printer: int, at_ms: int, look_back: int) -> ConditionChange | None:
        """The printer's change that is followed by `look_back` others before `at_ms`, None where none is."""
        places, row = self._by_printer.places(printer), self._rows.get(printer)
        kept = len(places) if row is None else row.kept
        old = min(kept, int(np.searchsorted(self._whole.at[places[:kept]], at_ms)))
        following = [] if row is None else [each for each in row.following if each.at_ms < at_ms]
        wanted = old + len(following) - look_back - 1
        if wanted < 0:
            return None
        return self._at(places[wanted : wanted + 1])[0] if wanted < old else following[wanted - old]

    def replace(self, printer: int, from_ms: int, changes: Sequence[ConditionChange]) -> None:
        """The printer's changes from `from_ms` on are these."""
        places, row = self._by_printer.places(printer), self._rows.get(printer)
        before = _Row(len(places), []) if row is None else row
        kept = min(before.kept, int(np.searchsorted(self._whole.at[places[: before.kept]], from_ms)))
        stay = [each for each in before.following if each.at_ms < from_ms]
        replaced = [*self._at(places[kept : before.kept]), *before.following[len(stay) :]]
        alike = _alike(replaced, changes)
        if alike == len(replaced) == len(changes):
            return
        still = min(alike, before.kept - kept)
        self._rows[printer] = _Row(kept + still, [*stay, *changes[still:]])
        self._following += len(self._rows[printer].following) - len(before.following)
        # What comes after late evidence stands as it stood, and counts as it did.
        tail = _alike(replaced[alike:][::-1], changes[alike:][::-1])
        self._count(printer, replaced[alike : len(replaced) - tail], -1)
        self._count(printer, changes[alike : len(changes) - tail], 1)

    def _count(self, printer: int, changes: Sequence[ConditionChange], weight: int) -> None:
        self._beside.add([(each.at_ms, printer, each.before, each.after, weight) for each in changes])

    def spent(self, edges: Integers, subject_of: Keys, subjects: int, clock: Clock | None = None) -> Integers:
        """Milliseconds by edge, subject and code that were spent before the edge.

        `subject_of` gives the subject of each printer, -1 for none. The state at the end of a
        printer's changes lasts for ever.
        """
        self._put_together(MOST_BESIDE)
        who = Grouping(subject_of, subjects)
        kept = self._spent.get((who.key, clock), lambda: self._summed(who, clock))
        return kept.until(edges, self._beside.columns() if len(self._beside) else ())

    def last(self, printers: int) -> tuple[Keys, Integers]:
        """The code at the end of each printer's changes, and since when (ms) it holds."""
        size = max(printers, self._by_printer.printers)
        code = np.full(size, NOT_THERE, dtype=np.intp)
        since = np.zeros(size, dtype=np.int64)
        numbers, places = self._by_printer.last_places()
        code[numbers], since[numbers] = self._whole.after[places], self._whole.at[places]
        for printer in self._rows:
            ending = self._ending(printer)
            code[printer] = NOT_THERE if ending is None else ending.after
            since[printer] = 0 if ending is None else ending.at_ms
        return code[:printers], since[:printers]

    def _ending(self, printer: int) -> ConditionChange | None:
        row = self._rows[printer]
        if row.following:
            return row.following[-1]
        return self._at(self._by_printer.places(printer)[row.kept - 1 : row.kept])[0] if row.kept else None

    def _changes_from(self, printer: int, first: int) -> list[ConditionChange]:
        places, row = self._by_printer.places(printer), self._rows.get(printer)
        if row is None:
            return self._at(places[first:])
        return [*self._at(places[first : row.kept]), *row.following]

    def _at(self, places: Places) -> list[ConditionChange]:
        columns = self._whole
        rows = columns.at[places].tolist(), columns.before[places].tolist(), columns.after[places].tolist()
        return [ConditionChange(*row) for row in zip(*rows, strict=True)]

    def _summed(self, who: Grouping, clock: Clock | None) -> Spent:
        few = who.few_rows(self._by_printer)
        return Spent(self._whole if few is None else self._whole.taken(few), who, clock)

    def _take_over(self, columns: ChangeColumns) -> None:
        self._whole = columns
        self._by_printer = RowsByPrinter(columns.printer)
        self._rows: dict[int, _Row] = {}
        self._following = 0
        self._beside = RowsBeside(_WIDTH)

    def _put_together(self, most: int) -> None:
        few = len(self._beside) <= most and self._following <= _LISTED_FOR_EACH * most
        if few or not self._rows:
            return
        holds = np.ones(len(self._whole.at), dtype=bool)
        for printer, row in self._rows.items():
            holds[self._by_printer.places(printer)[row.kept :]] = False
        more = ChangeColumns.of([(printer, row.following) for printer, row in self._rows.items()])
        before = self._whole
        changed = self._beside.columns()[0]
        alike = int(np.searchsorted(before.at, changed.min())) if len(changed) else len(before.at)
        self._take_over(ChangeColumns.joined((before.taken(holds), more)))
        # Where less than half is alike, sums are better made when they are asked for.
        soon_done = 2 * alike > len(before.at)
        self._spent.renew(
            lambda spent: spent.renewed(self._whole, alike) if soon_done and spent.columns is before else None
        )


def _alike(some: Sequence[ConditionChange], others: Sequence[ConditionChange]) -> int:
    """So many are the same at the beginning of both."""
    pairs = zip(some, others, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
