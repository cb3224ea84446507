"""The working of a figure: the rows behind it, the formula with the numbers put in, what was left out."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from farm.kpi.calculation import KpiInput
from farm.kpi.expression import with_numbers
from farm.kpi.figure import KpiFigure
from farm.kpi.indicator import Indicator
from farm.kpi.parts import Amount, JobRow, JobSelector, LeftOut, Measure, Part, TimeRow, TimeSelector

_PLAIN: Final = ",.2f"


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

    row: JobRow | TimeRow
    adds: dict[str, Amount]
    left_out: dict[str, Amount]


class Working(msgspec.Struct, frozen=True, kw_only=True):
    """How a figure came about. `next` is the mark of the following page of rows, None at the end."""

    figure: KpiFigure
    expression: str
    calculation: str
    sums: tuple[Sum, ...]
    left_out: tuple[Omission, ...]
    jobs: tuple[WorkedRow, ...]
    spans: tuple[WorkedRow, ...]
    next: str | None


def shown_amount(measure: Measure, amount: Amount) -> str:
    """An amount as people read it: `180`, `12.50 h`, `3.75`."""
    told = measure.told(amount)
    if measure is Measure.COUNT:
        return f"{told:,}"
    return f"{told:{_PLAIN}} h" if measure is Measure.TIME else f"{told:{_PLAIN}}"


def sums_of(entry: Indicator, given: KpiInput) -> tuple[Sum, ...]:
    """What each part of the indicator comes to."""
    return tuple(Sum(part.name, part.rows.measure, part.rows.total(given)) for part in entry.parts)


def omissions_of(entry: Indicator, given: KpiInput) -> tuple[Omission, ...]:
    """What the indicator leaves out, where there is some of it."""
    found = ((each, each.rows.total(given)) for each in entry.left_out)
    return tuple(Omission(each.name, each.why, each.rows.measure, amount) for each, amount in found if amount)


def calculation_of(expression: str, sums: Sequence[Sum], value: str) -> str:
    """The expression with the numbers put in, and what it comes to: `180 ÷ 200 = 90.00 %`."""
    shown = {each.name: each.shown for each in sums}
    return f"{with_numbers(expression, shown)} = {value}"


def worked_rows(entry: Indicator, rows: Iterable[JobRow | TimeRow]) -> tuple[WorkedRow, ...]:
    """What each row adds to the parts of the indicator, and as what it is left out."""
    return tuple(WorkedRow(row, _shares(entry.parts, row), _shares(entry.left_out, row)) for row in rows)


def is_made_of_jobs(entry: Indicator) -> bool:
    """Whether jobs add to the indicator, or are left out of it."""
    return any(isinstance(rows, JobSelector) for rows in _selectors(entry))


def is_made_of_time(entry: Indicator) -> bool:
    """Whether spans of time add to the indicator, or are left out of it."""
    return any(isinstance(rows, TimeSelector) for rows in _selectors(entry))


def _selectors(entry: Indicator) -> list[JobSelector | TimeSelector]:
    return [part.rows for part in entry.parts] + [each.rows for each in entry.left_out]


def _shares(parts: Iterable[Part | LeftOut], row: JobRow | TimeRow) -> dict[str, Amount]:
    shares = ((part.name, _share(part.rows, row)) for part in parts)
    return {name: share for name, share in shares if share}


def _share(rows: JobSelector | TimeSelector, row: JobRow | TimeRow) -> Amount:
    if isinstance(rows, JobSelector):
        return rows.share(row) if isinstance(row, JobRow) else 0
    return rows.share(row) if isinstance(row, TimeRow) else 0
