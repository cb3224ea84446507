"""What is summed over jobs that ended, by tallies: a question makes the sums of those that it reads.

A further sum is one more measure of its tally, and one more number of what the tally is made from.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from farm.figures.job_rows import CAUSES, ENDING, ENDINGS, NOT_KNOWN, JobRows
from farm.figures.narrow import Column
from farm.figures.running_sums import Integers
from farm.kpi.calculation import Tally
from farm.model.states import Outcome

Measure: TypeAlias = Callable[[JobRows], Column]
"""What each job adds, below 2^37."""

_SUCCEEDED: Final = ENDING[Outcome.SUCCEEDED, None]
_FAILED: Final = ENDING[Outcome.FAILED, None]
_MOST_THOUSANDTHS: Final = 300_000
"""Of a ratio; with more, its square would be too large to be summed exactly."""


class Tallied(NamedTuple):
    """The sums of a tally: jobs are told apart by `key`, -1 for those that do not count, below `keys`."""

    keys: int
    key: Callable[[JobRows], Column]
    measures: tuple[Measure, ...]


def one_each(rows: JobRows) -> Integers:
    """Each job counts once, which is counted without a column of ones where no job is taken back."""
    return np.ones(len(rows.ended_ms), dtype=np.int64)


def _whole_ms(rows: JobRows) -> Integers:
    """From the start to the end, as `farm.model.job.Job.whole_ms`."""
    seen = rows.printing_ms + rows.preparing_ms + rows.paused_ms
    return np.where(rows.started_ms == NOT_KNOWN, seen, np.maximum(seen, rows.ended_ms - rows.started_ms))


def _is_known(amounts: Integers) -> Integers:
    known: Integers = (amounts != NOT_KNOWN).astype(np.int64)
    return known


def _known(amounts: Integers) -> Integers:
    return np.maximum(amounts, 0)


def _unweighed_micrometres(rows: JobRows) -> Integers:
    alone = (rows.milligrams == NOT_KNOWN) & (rows.microlitres == NOT_KNOWN)
    return np.where(alone, _known(rows.micrometres), 0)


def _unweighed_microlitres(rows: JobRows) -> Integers:
    return np.where(rows.milligrams == NOT_KNOWN, _known(rows.microlitres), 0)


def _says_no_material(rows: JobRows) -> Integers:
    said = (rows.milligrams, rows.micrometres, rows.microlitres)
    silent: Integers = np.logical_and.reduce([each == NOT_KNOWN for each in said]).astype(np.int64)
    return silent


def _cause_of_failure(rows: JobRows) -> Column:
    return np.where(rows.ending == _FAILED, rows.cause, -1)


def _is_estimated(rows: JobRows) -> Column:
    estimated = (rows.ending == _SUCCEEDED) & (rows.expected_ms > 0) & (rows.printing_ms > 0)
    return np.where(estimated, 0, -1)


def _thousandths(rows: JobRows) -> Integers:
    """Actual ÷ expected in 1/1,000, rounded to the nearest."""
    expected = np.maximum(rows.expected_ms, 1)
    ratio: Integers = (2_000 * rows.printing_ms + expected) // (2 * expected)
    return np.minimum(ratio, _MOST_THOUSANDTHS)


TALLIED: Final[Mapping[Tally, Tallied]] = {
    Tally.JOBS: Tallied(
        len(ENDINGS),
        lambda rows: rows.ending,
        (one_each, lambda rows: rows.units, lambda rows: rows.printing_ms),
    ),
    Tally.TIMES: Tallied(len(ENDINGS), lambda rows: rows.ending, (_whole_ms,)),
    Tally.MATERIAL: Tallied(
        len(ENDINGS),
        lambda rows: rows.ending,
        (
            lambda rows: _is_known(rows.milligrams),
            lambda rows: _known(rows.milligrams),
            lambda rows: _is_known(rows.micrometres),
            lambda rows: _known(rows.micrometres),
            lambda rows: _is_known(rows.microlitres),
            lambda rows: _known(rows.microlitres),
            _unweighed_micrometres,
            _unweighed_microlitres,
            _says_no_material,
        ),
    ),
    Tally.CAUSES: Tallied(len(CAUSES), _cause_of_failure, (one_each,)),
    Tally.ESTIMATES: Tallied(
        1,
        _is_estimated,
        (
            one_each,
            lambda rows: rows.expected_ms,
            lambda rows: rows.printing_ms,
            lambda rows: np.abs(rows.printing_ms - rows.expected_ms),
            _thousandths,
            lambda rows: _thousandths(rows) ** 2,
        ),
    ),
}
"""What is summed of each tally; what people found has its own sums (`farm.figures.inspections`)."""
