"""What an indicator is: its words, its targets and its formula."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

import msgspec

from farm.kpi.calculation import EVERY_TALLY, KpiInput, KpiResult, Tally
from farm.kpi.columns import real, whole
from farm.kpi.parts import Input, JobSelector, LeftOut, Measure, Part
from farm.kpi.targets import Target

NO_DATA: Final = KpiResult(value=None, low=None, high=None)


class Unit(StrEnum):
    """What an indicator is measured in."""

    RATIO = "ratio"
    """A share from 0 to 1, shown to people in per cent."""
    UNITS = "units"
    """Printed parts; a plate may hold several."""
    HOURS = "hours"
    PRINTS = "prints"
    """Attempts that ended."""


class Cadence(StrEnum):
    """How often the guides say to read it."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"


class Indicator(msgspec.Struct, frozen=True, kw_only=True):
    """One indicator: its words, its targets, what it is made of and its formula.

    `parts` are the sums it is made of, each of which stands in the counts or amounts of a figure, and
    `expression` is the value written with their names: `succeeded ÷ attempts`. `left_out` are the rows
    that do not count in it. `beside` names what `calculate` gives in counts and amounts that is no sum
    of rows, and says how it comes about.

    `calculate` is written in the operations of `farm.kpi.columns`, so that it works out one figure, or a
    column of them at once. `reads` are the parts of its input, beside the hours, that it looks at. One that
    `needs_hours` has no data for a subject that has none: a file, a material, an operator, a spool, a cause,
    an hour of the day.
    """

    id: str
    name: str
    unit: Unit
    formula: str
    source: str
    more_is_better: bool
    cadences: tuple[Cadence, ...]
    targets: tuple[Target, ...]
    parts: tuple[Part, ...] = ()
    expression: str = ""
    left_out: tuple[LeftOut, ...] = ()
    beside: Mapping[str, str] = {}
    calculate: Callable[[KpiInput], KpiResult]
    reads: frozenset[Tally] = EVERY_TALLY
    needs_hours: bool = False

    @property
    def inputs(self) -> tuple[Input, ...]:
        """What it is worked out of."""
        selectors = [part.rows for part in self.parts] + [each.rows for each in self.left_out]
        return tuple(each for each in Input if any(each in rows.inputs for rows in selectors))

    def lacks_hours(self, *, has_hours: bool) -> bool:
        """Whether it has no data of a subject, since that has no hours of printers and it needs them."""
        return self.needs_hours and not has_hours

    def valued(self, given: KpiInput, *, has_hours: bool) -> KpiResult:
        """What the formula gives; without the hours of printers those that need them have no data."""
        return NO_DATA if self.lacks_hours(has_hours=has_hours) else self.calculate(given)

    def worked_out(self, given: KpiInput, *, has_hours: bool = True) -> KpiResult:
        """What the formula gives, and in its counts and amounts what the parts come to.

        Without the hours of printers those that need them have no data, and no other tells hours of them.
        """
        if self.lacks_hours(has_hours=has_hours):
            return NO_DATA
        found = self.calculate(given)
        counts, amounts = {}, {}
        for part in self.parts:
            if not (has_hours or isinstance(part.rows, JobSelector)):
                continue
            if part.rows.measure is Measure.COUNT:
                counts[part.name] = whole(part.total(given))
            else:
                amounts[part.name] = real(part.total(given))
        counts.update(found.counts)
        amounts.update(found.amounts)
        return msgspec.structs.replace(found, counts=counts, amounts=amounts)


def shown(value: float | None, unit: Unit) -> str:
    """The value as people read it: `76.39 %`, `450 units`, `5.00 h`, `no data`."""
    if value is None:
        return "no data"
    if unit is Unit.RATIO:
        return f"{value * 100:.2f} %"
    if unit is Unit.HOURS:
        return f"{value:,.2f} h"
    amount = f"{value:,.0f}" if unit is Unit.UNITS or value == round(value) else f"{value:,.1f}"
    return f"{amount} {unit.value.removesuffix('s') if amount == '1' else unit.value}"
