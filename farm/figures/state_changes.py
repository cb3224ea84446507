"""The account of time by columns: every change of a printer's condition, and the time that follows from it.

A condition is a state, with its reason where time is told apart by it, as a code. A printer is in one at
any time of its life, so its account is a row of changes.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice, pairwise
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from farm.figures.grouping import Grouping, RowsByPrinter
from farm.figures.narrow import Column
from farm.figures.running_sums import Added, Integers, Keys, RunningSums, sums_before
from farm.kpi.intervals import Interval
from farm.kpi.time_classes import CLASS_OF, CONDITIONS, TimeClass
from farm.model.printer import Printer
from farm.model.span import Span
from farm.model.states import PrinterState

NOT_THERE: Final = len(CONDITIONS)
"""The code of a printer before it was first seen, and after it was retired."""
CODES: Final = len(CONDITIONS) + 1
CODE: Final[Mapping[tuple[PrinterState, str | None], int]] = {
    condition: code for code, condition in enumerate(CONDITIONS)
}
UNKNOWN: Final = CODE[PrinterState.UNKNOWN, None]
MAINTENANCE: Final = CODE[PrinterState.MAINTENANCE, None]
UNPLANNED: Final = frozenset(
    code
    for code, condition in enumerate(CONDITIONS)
    if CLASS_OF[condition] in (TimeClass.PRODUCTIVE, TimeClass.ENGINEERING, TimeClass.UNKNOWN)
)
"""The codes of a printer that prints or is tested, which it does whatever work was planned, and of one
that nobody saw, which may have."""
_SILENCE = "silence"


class ConditionChange(NamedTuple):
    """From `at_ms` on (ms since 1970, UTC) a printer is in another condition, both by code."""

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
    printer: Printer,
    spans: Iterable[Span],
    planned: Sequence[Interval] = (),
    begin: ConditionChange | None = None,
) -> list[ConditionChange]:
    """The changes that the printer's spans, in order, come to; what no span covers is unknown.

    While work was `planned` on it (in order and without overlap) the printer was in maintenance, where it
    is known that it neither printed nor was tested all the same.

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
        row.go_on(start, _code_of(span), is_last=span.to_ms is None)
        if span.to_ms is None:
            break
        at = span.to_ms
        row.go_on(at, UNKNOWN)
    if end is not None:
        row.cut_at(end)
    return _with_work(row.changes, planned) if planned else row.changes


def _code_of(span: Span) -> int:
    """The code of the span's condition; a reason by which time is not told apart is none."""
    found = CODE.get((span.state, span.reason))
    return CODE[span.state, None] if found is None else found


def _with_work(changes: Sequence[ConditionChange], planned: Sequence[Interval]) -> list[ConditionChange]:
    """The changes with maintenance where it was planned, but for the state that goes on at the end."""
    if not changes:
        return []
    row, first = _StateRow(changes[0].before), 0
    for change, following in pairwise(changes):
        row.go_on(change.at_ms, change.after)
        while first < len(planned) and planned[first][1] <= change.at_ms:
            first += 1
        if change.after in UNPLANNED:
            continue
        for from_ms, to_ms in islice(planned, first, None):
            if from_ms >= following.at_ms:
                break
            row.go_on(max(from_ms, change.at_ms), MAINTENANCE)
            row.go_on(min(to_ms, following.at_ms), change.after)
    row.go_on(changes[-1].at_ms, changes[-1].after, is_last=changes[-1].after == changes[-1].before)
    return row.changes


class _StateRow:
    """Changes as they are put together: of two at one instant the later word counts."""

    def __init__(self, before: int) -> None:
        self._before = before
        self.changes: list[ConditionChange] = []

    def go_on(self, at_ms: int, code: int, *, is_last: bool = False) -> None:
        """From `at_ms` on the printer is in that state.

        The last one is told even where it is the state before: it was seen at least until it began.
        """
        changes = self.changes
        if changes and changes[-1].at_ms == at_ms:
            changes.pop()
        before = changes[-1].after if changes else self._before
        if code != before or is_last:
            changes.append(ConditionChange(at_ms, before, code))

    def cut_at(self, at_ms: int) -> None:
        """What would be later is not. A state that was seen until then is told once more."""
        kept = [each for each in self.changes if each.at_ms < at_ms]
        if kept and len(kept) < len(self.changes):
            kept.append(ConditionChange(at_ms, kept[-1].after, kept[-1].after))
        self.changes = kept


class ChangeColumns(NamedTuple):
    """Changes of all printers by instant."""

    at: Integers
    printer: NDArray[np.int32]
    before: NDArray[np.int8]
    after: NDArray[np.int8]

    @classmethod
    def of(cls, changes: Sequence[tuple[int, Sequence[ConditionChange]]]) -> "ChangeColumns":
        """The changes of printers by number, in any order."""
        count = sum(len(each) for _, each in changes)
        flat = chain.from_iterable(chain.from_iterable(each for _, each in changes))
        table = np.fromiter(flat, dtype=np.int64, count=3 * count).reshape(-1, 3)
        numbers = [number for number, _ in changes]
        printer = np.repeat(np.array(numbers, dtype=np.int32), [len(each) for _, each in changes])
        return cls(
            table[:, 0].copy(), printer, table[:, 1].astype(np.int8), table[:, 2].astype(np.int8)
        ).in_order()

    @classmethod
    def joined(cls, parts: Sequence["ChangeColumns"]) -> "ChangeColumns":
        """The changes of all parts."""
        held = (cls.of([]), *parts)
        order = np.argsort(np.concatenate([each.at for each in held]), kind="stable")
        # One column after the other: whole tables beside each other are large.
        return cls(*(np.concatenate(columns)[order] for columns in zip(*held, strict=True)))

    def in_order(self) -> "ChangeColumns":
        """The same by instant."""
        return self.taken(np.argsort(self.at, kind="stable"))

    def by_printer(self) -> "ChangeColumns":
        """The same, one printer after the other and each by instant; of rows that are in order."""
        return self.taken(RowsByPrinter(self.printer).order)

    def taken(self, rows: Keys | NDArray[np.int32] | NDArray[np.bool_]) -> "ChangeColumns":
        """These rows alone."""
        return ChangeColumns(self.at[rows], self.printer[rows], self.before[rows], self.after[rows])


class Spent:
    """How much time subjects had spent in each state, until any instant and by any clock."""

    def __init__(
        self, columns: ChangeColumns, who: Grouping, clock: Clock | None, alike: "_Alike | None" = None
    ) -> None:
        self.columns = columns
        self.time = _Time(clock, int(columns.at[0]) if len(columns.at) else 0)
        self._who, self._clock = who, clock
        before, rows = (None, 0) if alike is None else alike
        if before is not None and before.time.origin != self.time.origin:
            before = None
        sums: RunningSums | None = None if before is None else before.sums
        keys = who.subjects * CODES
        self.sums: RunningSums = RunningSums(columns.at, keys, 2, self._contributions, sums, rows)

    def renewed(self, columns: ChangeColumns, alike: int) -> "Spent":
        """The same of columns of which the first `alike` rows are those of these."""
        return Spent(columns, self._who, self._clock, _Alike(self, alike))

    @property
    def kept_bytes(self) -> int:
        """So many bytes the sums take."""
        return self.sums.kept_bytes

    def until(self, edges: Integers, beside: Sequence[Integers] = ()) -> Integers:
        """Milliseconds by edge, subject and code, spent before the edge; states go on until then.

        `beside` are the columns of changes that came to these, with their weights.
        """
        found = self.sums.until(edges)
        if beside:
            at, printer, old, new, weight = beside
            added = _entries(self._who, self.time(at), printer, old, new, weight)
            found += sums_before(edges, at, self._who.subjects * CODES, 2, added)
        elapsed = found[:, 0] * self.time(edges)[:, None] - found[:, 1]
        return elapsed.reshape(len(edges), self._who.subjects, CODES)

    def _contributions(self, rows: slice | Keys) -> Sequence[Added]:
        columns = self.columns
        at = columns.at[rows]
        facts = columns.printer[rows], columns.before[rows], columns.after[rows], None
        return _entries(self._who, self.time(at), *facts)


class _Alike(NamedTuple):
    """What was summed up before, and how many of its first rows are the same."""

    before: Spent
    rows: int


class _Time:
    """A clock's time since some instant, small enough to be summed exactly."""

    def __init__(self, clock: Clock | None, origin: int) -> None:
        self._clock = clock
        self.origin = origin
        self._begun = origin if clock is None else int(clock(np.array([origin], dtype=np.int64))[0])

    def __call__(self, at: Integers) -> Integers:
        return (at if self._clock is None else self._clock(at)) - self._begun


def _entries(
    who: Grouping, passed: Integers, printer: Column, before: Column, after: Column, weight: Integers | None
) -> Sequence[Added]:
    """What changes add to the state that begins and take from the one that ends, each once without weight."""
    subject = who.subject_of[printer]
    into, out_of = subject * CODES + after, subject * CODES + before
    if (nobody := subject < 0).any():
        into[nobody] = out_of[nobody] = -1
    measured = weight, passed if weight is None else weight * passed
    return [Added(into, measured), Added(out_of, measured, -1)]
