"""Prints counted by what they were printed on, from and when, for finding what fails too often."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from farm.figures.dimensions import saying
from farm.figures.inspections import InspectedRows
from farm.figures.job_rows import ENDINGS, NOT_KNOWN, JobRows
from farm.figures.local_time import HOURS, LocalTime
from farm.figures.narrow import Column
from farm.figures.read_model import ReadModel
from farm.figures.running_sums import Integers, Keys
from farm.figures.text_codes import NO_TEXT
from farm.kpi.causes import Dimension, FailureCount, FailureFinding
from farm.kpi.selection import Selection
from farm.kpi.windows import Window
from farm.model.states import Outcome

_Rows: TypeAlias = JobRows | InspectedRows
_FAILED: Final = frozenset({Outcome.FAILED})


class _Valued(NamedTuple):
    """A dimension: the code of each print, 0 where it does not say it, and what each code is called."""

    code_of: Callable[[_Rows], Column]
    values: Sequence[str]


class AttemptsByDimension:
    """Attempts and failures of a window by every dimension.

    A print failed where its outcome says so, or where a person has rejected every unit of it. What a
    print does not say of itself leaves it out of that dimension alone.
    """

    def __init__(
        self,
        model: ReadModel,
        window: Window,
        wanted: Selection,
        outcomes: frozenset[Outcome],
        local: LocalTime,
    ) -> None:
        """Attempts are the jobs that ended with one of the `outcomes`.

        Raises InvalidQuery for a printer, group, model or text that there is not.
        """
        self._dimensions = _dimensions(model, local)
        counts = _counting(model, wanted, outcomes)
        rows = model.jobs.standing(window.from_ms, window.to_ms)
        is_attempt = counts(rows)
        failed = rows.some(np.flatnonzero(is_attempt & _ended_with(rows, _FAILED)))
        rejected = model.inspections.spoiled(window.from_ms, window.to_ms)
        rejected = rejected.taken(counts(rejected) & ~_ended_with(rejected, _FAILED))
        others = np.flatnonzero(~is_attempt)
        self.prints = len(is_attempt) - len(others)
        # Where most are attempts, the others are taken off, which spares copying them all.
        few = self.prints < len(others)
        self._attempts: _Rows = rows.some(np.flatnonzero(is_attempt)) if few else rows
        self._no_attempts: _Rows = rows.some(others[: 0 if few else None])
        self._failures: tuple[_Rows, ...] = (failed, rejected)

    def counts(self) -> dict[Dimension, dict[str, FailureCount]]:
        """Failures and attempts of every value, by dimension."""
        found = {}
        for dimension, valued in self._dimensions.items():
            attempts = _by_code(valued, self._attempts) - _by_code(valued, self._no_attempts)
            failed = np.sum([_by_code(valued, rows) for rows in self._failures], axis=0)
            found[dimension] = {
                valued.values[code]: FailureCount(int(failed[code]), int(attempts[code]))
                for code in np.flatnonzero(attempts).tolist()
            }
        return found

    def together(self, findings: Sequence[FailureFinding]) -> list[list[int]]:
        """On how many failed prints the findings of two places both rest."""
        counts = np.zeros((len(findings), len(findings)))
        for rows in self._failures if findings else ():
            dimensions = {each.dimension for each in findings}
            said = {each: self._dimensions[each].code_of(rows) for each in dimensions}
            holds = np.array([said[each.dimension] == self._code(each) for each in findings])
            # As floats, which count exactly as far as 2 ** 53 and are multiplied many times as fast.
            shared = holds[:, holds.sum(axis=0) > 1].astype(float)
            counts += shared @ shared.T
        found: list[list[int]] = counts.astype(np.int64).tolist()
        return found

    def _code(self, finding: FailureFinding) -> int:
        return self._dimensions[finding.dimension].values.index(finding.value)


def _counting(
    model: ReadModel, wanted: Selection, outcomes: frozenset[Outcome]
) -> Callable[[_Rows], NDArray[np.bool_]]:
    """Which rows are attempts of those whose prints are wanted."""
    chosen = np.zeros(len(model.printers), dtype=bool)
    chosen[model.numbers(wanted.among(each for each in model.printers if not each.ignored))] = True
    axes = [saying(scope, names, model) for scope, names in wanted.texts().items()]

    def counts(rows: _Rows) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = chosen[rows.printer] & _ended_with(rows, outcomes)
        for axis in axes:
            found &= axis.of(rows) >= 0
        return found

    return counts


def _ended_with(rows: _Rows, outcomes: frozenset[Outcome]) -> NDArray[np.bool_]:
    ends_so = np.array([outcome in outcomes for outcome, _ in ENDINGS])
    found: NDArray[np.bool_] = ends_so[rows.ending]
    return found


def _by_code(valued: _Valued, rows: _Rows) -> Integers:
    found = np.bincount(valued.code_of(rows), minlength=len(valued.values))
    found[0] = 0
    return found


def _dimensions(model: ReadModel, local: LocalTime) -> dict[Dimension, _Valued]:
    names = [NO_TEXT, *dict.fromkeys(printer.name for printer in model.printers)]
    code = {name: number for number, name in enumerate(names)}
    code_of = np.array([code[printer.name] for printer in model.printers], dtype=np.intp)

    def hour(rows: _Rows) -> Keys:
        known = np.where(rows.started_ms == NOT_KNOWN, rows.ended_ms, rows.started_ms)
        return np.where(rows.started_ms == NOT_KNOWN, 0, local.hour(known) + 1)

    texts = model.texts
    return {
        Dimension.PRINTER: _Valued(lambda rows: code_of[rows.printer], names),
        Dimension.FILE: _Valued(lambda rows: rows.file, texts.file.texts),
        Dimension.MATERIAL: _Valued(lambda rows: rows.material, texts.material.texts),
        Dimension.OPERATOR: _Valued(lambda rows: rows.operator, texts.operator.texts),
        Dimension.SPOOL: _Valued(lambda rows: rows.spool, texts.spool.texts),
        Dimension.HOUR: _Valued(hour, [NO_TEXT, *(str(each) for each in range(HOURS))]),
    }
