"""`layerline kpi --show-working`: the rows behind a figure, and the formula with the numbers put in."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from farm.cli.output import print_line
from farm.cli.times import FarmClock, span_text
from farm.tables import NOTHING, Cell, Column, print_table

if TYPE_CHECKING:
    from farm.figures.engine import KpiEngine
    from farm.kpi.figure import KpiFigure
    from farm.kpi.indicator import Indicator
    from farm.kpi.parts import Amount, LeftOut, Part
    from farm.kpi.selection import Selection
    from farm.kpi.subjects import Scopes
    from farm.kpi.windows import Window
    from farm.kpi.working import RowKind, WorkedRow, Working

MOST_LOOKED_AT = 1_000
"""So many rows of a kind are looked at to tell how many there are beyond those that are shown."""

_SUMS = (Column("made of"), Column("comes to", right=True))
_LEFT_OUT = (Column("left out"), Column("of it", right=True), Column("why", below=True))
_JOBS = (
    Column("ended", right=True),
    Column("printer", name=True),
    Column("file", name=True, extra=True),
    Column("outcome"),
    Column("counts as", below=True),
)
_SPANS = (
    Column("from", right=True),
    Column("printer", name=True),
    Column("state"),
    Column("for", right=True),
    Column("counts as", below=True),
)


_REPAIRS = (
    Column("fault", right=True),
    Column("printer", name=True),
    Column("repaired after", right=True),
    Column("counts as", below=True),
)
_COLUMNS = {"jobs": _JOBS, "spans": _SPANS, "repairs": _REPAIRS, "streaks": _JOBS}


class Workings:
    """Gets the workings of figures that were asked for."""

    def __init__(
        self, engine: "KpiEngine", by: "Scopes", window: "Window", now_ms: int, wanted: "Selection"
    ) -> None:
        self._engine = engine
        self._by = by
        self._window = window
        self._now_ms = now_ms
        self._wanted = wanted

    def record(self, figure: "KpiFigure", rows: int) -> dict[str, Any]:
        """The working with one page of rows of every kind, for programs."""
        from farm.kpi.working import RowKind
        from farm.kpi.working_record import working_record

        return working_record(self._of(figure, tuple(RowKind), rows))

    def pages(self, figure: "KpiFigure") -> "dict[RowKind, Working]":
        """The working with rows of one kind at a time, to be shown."""
        from farm.kpi.working import RowKind

        return {kind: self._of(figure, (kind,), MOST_LOOKED_AT) for kind in RowKind}

    def _of(self, figure: "KpiFigure", kinds: "tuple[RowKind, ...]", rows: int) -> "Working":
        from farm.figures.working import RowsWanted

        return self._engine.working(
            figure.id,
            self._window,
            self._by,
            self._now_ms,
            wanted=self._wanted,
            subject_id=figure.scope_id,
            rows=RowsWanted(kinds, rows),
        )


def print_working(pages: "Mapping[RowKind, Working]", clock: FarmClock, most: int) -> None:
    """Show how a figure came about, of each kind of rows at most so many and how many there are beyond.

    `pages` holds the rows by kind, with up to `MOST_LOOKED_AT` of each.
    """
    from farm.kpi.catalogue import indicator

    first = next(iter(pages.values()))
    figure, window = first.figure, first.figure.window
    entry = indicator(figure.id)
    print_line("")
    print_line(f"{entry.name} of {figure.label}")
    print_line(f"  {clock.exact(window.from_ms)} to {clock.exact(window.to_ms)}")
    print_line(f"  {first.expression}")
    print_line(f"  {first.calculation}")
    print_line("")
    print_table(_SUMS, [[each.name, each.shown] for each in first.sums if each.amount])
    if first.left_out:
        print_line("")
        print_table(_LEFT_OUT, [[each.name, each.shown, each.why] for each in first.left_out])
    for kind, page in pages.items():
        told = (*page.jobs, *page.spans, *page.repairs)
        if told:
            print_line("")
            print_table(_COLUMNS[kind.value], [_cells(entry, row, clock) for row in told[:most]])
            _print_rest(kind, len(told) - most, more=page.next is not None)


def _print_rest(kind: "RowKind", beyond: int, *, more: bool) -> None:
    if beyond > 0:
        at_least = "more than " if more else ""
        print_line(f"and {at_least}{beyond:,} further {kind.value}: --rows, or --json for all that is told")


def _cells(entry: "Indicator", worked: "WorkedRow", clock: FarmClock) -> list[Cell]:
    from farm.kpi.parts import JobRow, RepairRow, StreakRow

    row, counted = worked.row, counts_as(entry, worked)
    if isinstance(row, RepairRow):
        lasted = NOTHING if row.ended_ms is None else span_text(row.ended_ms - row.begun_ms)
        return [clock.instant(row.begun_ms), row.printer.name, lasted, counted]
    if isinstance(row, JobRow | StreakRow):
        outcome = NOTHING if row.job.outcome is None else row.job.outcome.value
        return [clock.instant(row.job.ended_ms), row.printer.name, row.job.file or NOTHING, outcome, counted]
    span = row.span
    lasted = span_text(row.open_ms + row.closed_ms)
    return [clock.instant(span.from_ms), row.printer.name, span.state.value, lasted, counted]


def counts_as(entry: "Indicator", worked: "WorkedRow") -> str:
    """What a row adds to the sums of the expression, and as what it is left out, in words."""
    from farm.kpi.expression import names_in

    wanted = {each for name in names_in(entry.expression) for each in names_in(entry.beside.get(name, name))}
    adds = {name: share for name, share in worked.adds.items() if name in wanted}
    told = _in_words(adds, entry.parts)
    left_out = _in_words(worked.left_out, entry.left_out)
    if left_out:
        told.append(f"left out: {', '.join(left_out)}")
    return ", ".join(told) or NOTHING


def _in_words(shares: "Mapping[str, Amount]", parts: "Sequence[Part | LeftOut]") -> list[str]:
    """`succeeded`, `units 3`, `available 2.50 h`."""
    from farm.kpi.working import shown_amount

    measures = {part.name: part.rows.measure for part in parts}
    told = []
    for name, share in shares.items():
        words = name.removesuffix("_hours").replace("_", " ")
        told.append(words if share == 1 else f"{words} {shown_amount(measures[name], share)}")
    return told
