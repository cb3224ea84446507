"""How jobs are put together: the subject of each, by what it says and by whose it is."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias

import numpy as np

from farm.figures.grouping import RowsByPrinter, few_rows
from farm.figures.narrow import Column
from farm.figures.running_sums import Integers, Keys

Coded: TypeAlias = Literal["printer", "file", "material", "operator", "cause", "spool"]
"""The columns of jobs that hold codes."""

_WIDEST_TABLE: Final = 4_000_000
"""Up to so many codes are looked up in a table, more in a list in order."""


class JobFacts(Protocol):
    """Jobs by columns, with what they can be told apart by."""

    @property
    def ended_ms(self) -> Integers:
        """When they ended."""

    @property
    def printer(self) -> Column:
        """Their printers by number."""

    @property
    def file(self) -> Column:
        """Their files by code."""

    @property
    def material(self) -> Column:
        """Their materials by code."""

    @property
    def operator(self) -> Column:
        """Their operators by code."""

    @property
    def cause(self) -> Column:
        """Their causes by code."""

    @property
    def spool(self) -> Column:
        """Their spools by code."""


class Axis(Protocol):
    """One thing by which jobs are told apart."""

    @property
    def size(self) -> int:
        """All codes are below it."""

    @property
    def key(self) -> tuple[object, ...]:
        """The same for axes that are alike."""

    def of(self, facts: JobFacts) -> Keys:
        """The code of each job, -1 for one that does not count."""


class ByCode(NamedTuple):
    """By what the code in a column stands for: `table` gives it for every code, -1 for none."""

    column: Coded
    table: Keys
    size: int

    @property
    def key(self) -> tuple[object, ...]:
        """Column and table."""
        return self.column, self.table.tobytes(), self.size

    def of(self, facts: JobFacts) -> Keys:
        """What the table says; -1 for a code that came after it."""
        codes = getattr(facts, self.column)
        if not len(self.table):
            return np.full(len(codes), -1, dtype=np.intp)
        found: Keys = np.take(self.table, codes, mode="clip")
        if len(codes) and int(codes.max()) >= len(self.table):
            found[codes >= len(self.table)] = -1
        return found


class ByEnd(NamedTuple):
    """By something of the instant at which they ended, as `name` says."""

    name: str
    size: int
    code_of: Callable[[Integers], Keys]

    @property
    def key(self) -> tuple[object, ...]:
        """Its name."""
        return (self.name,)

    def of(self, facts: JobFacts) -> Keys:
        """By their ends."""
        return self.code_of(facts.ended_ms)


class JobGrouping:
    """The subject of each job: the codes of its axes put together, the first counting most.

    An axis of size 1 only says which jobs count.
    """

    def __init__(self, axes: Sequence[Axis], chosen: Keys | None = None) -> None:
        """With `chosen`, codes in order, only these are subjects, by their place in it."""
        self._axes = axes
        self._chosen = chosen
        self.codes = 1
        for axis in axes:
            self.codes *= axis.size
        self.subjects = self.codes if chosen is None else len(chosen)

    @property
    def is_lasting(self) -> bool:
        """Whether it may be asked for again: what is chosen changes with the window."""
        return self._chosen is None

    @cached_property
    def key(self) -> tuple[object, ...]:
        """The same for groupings that are alike."""
        chosen = None if self._chosen is None else self._chosen.tobytes()
        return (*(axis.key for axis in self._axes), chosen)

    def choosing(self, codes: Keys) -> "JobGrouping":
        """The same with those codes alone, which are in order."""
        return JobGrouping(self._axes, codes)

    def parts(self, code: int) -> list[int]:
        """The code of each axis in a code of all."""
        found = []
        for axis in reversed(self._axes):
            code, part = divmod(code, axis.size)
            found.append(part)
        return found[::-1]

    def of(self, facts: JobFacts) -> Keys:
        """The subject of each job, -1 for none."""
        codes = self._code(facts)
        if self._chosen is None:
            return codes
        if self._table is not None:
            found: Keys = self._table[codes]
            return found
        places = np.searchsorted(self._chosen, codes)
        places[places == len(self._chosen)] = 0
        return np.where(self._chosen[places] == codes, places, -1) if len(self._chosen) else codes * 0 - 1

    def few_rows(self, by_printer: RowsByPrinter) -> Keys | None:
        """The rows of the printers whose jobs count, in order; None where these are many."""
        tables = [axis.table for axis in self._axes if isinstance(axis, ByCode) and axis.column == "printer"]
        if not tables:
            return None
        counts = np.logical_and.reduce([table >= 0 for table in tables])
        return few_rows(np.flatnonzero(counts), by_printer)

    def _code(self, facts: JobFacts) -> Keys:
        first, *others = [axis.of(facts) for axis in self._axes]
        if not others:
            return first
        counts, codes = first >= 0, first
        for axis, more in zip(self._axes[1:], others, strict=True):
            counts &= more >= 0
            codes = codes * axis.size + more if axis.size > 1 else codes
        return np.where(counts, codes, -1)

    @cached_property
    def _table(self) -> Keys | None:
        """The subject of each code, and at the end that of the code -1."""
        if self._chosen is None or self.codes > _WIDEST_TABLE:
            return None
        table = np.full(self.codes + 1, -1, dtype=np.intp)
        table[self._chosen] = np.arange(len(self._chosen))
        return table


def by_printer(subject_of: Keys, subjects: int) -> JobGrouping:
    """By the subject of their printer, -1 for none."""
    return JobGrouping([ByCode("printer", subject_of, subjects)])
