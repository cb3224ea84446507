"""The working of a figure: the rows behind it, the formula with the numbers put in, what was left out."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from farm.kpi.calculation import KpiInput
from farm.kpi.expression import names_in, with_numbers
from farm.kpi.figure import KpiFigure
from farm.kpi.indicator import Indicator
from farm.kpi.parts import (
    Amount,
    JobRow,
    JobSelector,
    LeftOut,
    Measure,
    Part,
    Repaired,
    RepairRow,
    Row,
    Selector,
    StreakRow,
    StreakSelector,
    TimeRow,
    TimeSelector,
)

_PLAIN: Final = ",.2f"


class RowKind(StrEnum):
    """What the rows of a working are."""

    JOBS = "jobs"
    SPANS = "spans"
    REPAIRS = "repairs"
    STREAKS = "streaks"
    """Jobs that make up failed prints in a row, also those that ended before the window."""


_SELECTS: Final[Mapping[RowKind, type]] = {
    RowKind.JOBS: JobSelector,
    RowKind.SPANS: TimeSelector,
    RowKind.REPAIRS: Repaired,
    RowKind.STREAKS: StreakSelector,
}


class Sum(msgspec.Struct, frozen=True):
    """A part of the figure and what it comes to: `amount` in milliseconds where it is time."""

    name: str
    measure: Measure
    amount: Amount

    @property
    def told(self) -> Amount:
        """The amount as it stands in the figure, times in hours."""
        return self.measure.told(self.amount)

    @property
    def shown(self) -> str:
        """The amount as people read it: `180`, `12.50 h`."""
        return shown_amount(self.measure, self.amount)


class Omission(msgspec.Struct, frozen=True):
    """What does not count in the value, why, and how much of it there is."""

    name: str
    why: str
    measure: Measure
    amount: Amount

    @property
    def told(self) -> Amount:
        """The amount, times in hours."""
        return self.measure.told(self.amount)

    @property
    def shown(self) -> str:
        """The amount as people read it."""
        return shown_amount(self.measure, self.amount)


class WorkedRow(msgspec.Struct, frozen=True):
    """A row of the ledger, what it adds to which part, and as what it is left out, by name.

    Amounts of time are in milliseconds.
    """

    row: Row
    adds: dict[str, Amount]
    left_out: dict[str, Amount]


class Working(msgspec.Struct, frozen=True, kw_only=True):
    """How a figure came about. `jobs` ended in the window, or make up streaks where these are counted.

    `next` is the mark of the following page of rows, None at the end.
    """

    figure: KpiFigure
    expression: str
    calculation: str
    sums: tuple[Sum, ...]
    left_out: tuple[Omission, ...]
    jobs: tuple[WorkedRow, ...]
    spans: tuple[WorkedRow, ...]
    repairs: tuple[WorkedRow, ...]
    next: str | None


def shown_amount(measure: Measure, amount: Amount) -> str:
    """An amount as people read it: `180`, `12.50 h`, `3.75`."""
    told = measure.told(amount)
    if measure is Measure.COUNT:
        return f"{told:,}"
    return f"{told:{_PLAIN}} h" if measure is Measure.TIME else f"{told:{_PLAIN}}"


def sums_of(entry: Indicator, given: KpiInput, *, has_hours: bool) -> tuple[Sum, ...]:
    """What each part of the indicator comes to; those of hours are none where there are no hours."""
    if entry.lacks_hours(has_hours=has_hours):
        return ()
    told = (part for part in entry.parts if has_hours or isinstance(part.rows, JobSelector))
    return tuple(Sum(part.name, part.rows.measure, part.rows.total(given)) for part in told)


def omissions_of(entry: Indicator, given: KpiInput, *, has_hours: bool) -> tuple[Omission, ...]:
    """What the indicator leaves out, where there is some of it."""
    if entry.lacks_hours(has_hours=has_hours):
        return (
            Omission("no_hours", "it needs the hours of printers, and these are prints", Measure.COUNT, 0),
        )
    told = (each for each in entry.left_out if has_hours or isinstance(each.rows, JobSelector))
    found = ((each, each.rows.total(given)) for each in told)
    return tuple(Omission(each.name, each.why, each.rows.measure, amount) for each, amount in found if amount)


def calculation_of(expression: str, sums: Sequence[Sum], figure: KpiFigure) -> str:
    """The expression with the numbers put in, and what it comes to: `180 ÷ 200 = 90.00 %`."""
    shown = {name: f"{count:,}" for name, count in figure.counts.items()}
    shown |= {name: _amount_shown(name, amount) for name, amount in figure.amounts.items()}
    shown |= {each.name: each.shown for each in sums}
    if figure.value is None or not set(names_in(expression)) <= shown.keys():
        return figure.shown
    return f"{with_numbers(expression, shown)} = {figure.shown}"


def _amount_shown(name: str, amount: float) -> str:
    return f"{amount:{_PLAIN}} h" if name.endswith("_hours") else f"{amount:,.4g}"


def worked_rows(entry: Indicator, rows: Iterable[Row]) -> tuple[WorkedRow, ...]:
    """What each row adds to the parts of the indicator, and as what it is left out."""
    return tuple(WorkedRow(row, _shares(entry.parts, row), _shares(entry.left_out, row)) for row in rows)


def kinds_of(entry: Indicator, *, has_hours: bool) -> tuple[RowKind, ...]:
    """Which kinds of rows add to the indicator, or are left out of it; none without the hours it needs."""
    if entry.lacks_hours(has_hours=has_hours):
        return ()
    selectors = [part.rows for part in entry.parts] + [each.rows for each in entry.left_out]
    return tuple(kind for kind in RowKind if any(isinstance(rows, _SELECTS[kind]) for rows in selectors))


def _shares(parts: Iterable[Part | LeftOut], row: Row) -> dict[str, Amount]:
    shares = ((part.name, _share(part.rows, row)) for part in parts)
    return {name: share for name, share in shares if share}


def _share(rows: Selector, row: Row) -> Amount:
    if isinstance(rows, JobSelector):
        return rows.share(row) if isinstance(row, JobRow) else 0
    if isinstance(rows, TimeSelector):
        return rows.share(row) if isinstance(row, TimeRow) else 0
    if isinstance(rows, StreakSelector):
        return rows.share(row) if isinstance(row, StreakRow) else 0
    return rows.share(row) if isinstance(row, RepairRow) else 0
