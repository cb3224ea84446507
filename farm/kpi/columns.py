"""The operations that formulas are written in: for one figure, or for a column of figures at once.

A formula takes numbers, or in their place columns of numbers of equal length, each row of which is of
another subject or window; it is the same formula. What has no data is None among numbers, and NaN in a
column.
"""

from functools import reduce
from math import sqrt
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Column: TypeAlias = NDArray[Any]
Maybe: TypeAlias = Any
"""A float, or None without data; or a column of floats."""
NO_DATA: Final = float("nan")
"""What stands for it in a column."""


def ratio(part: float | Column, whole: float | Column) -> Maybe:
    """`part` ÷ `whole`, no data where `whole` is 0."""
    if isinstance(part, np.ndarray) or isinstance(whole, np.ndarray):
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(whole, np.divide(part, whole), NO_DATA)
    return part / whole if whole else None


def where(known: bool | Column, value: Maybe) -> Maybe:
    """The value, no data where it is not `known`."""
    if isinstance(known, np.ndarray):
        return np.where(known, NO_DATA if value is None else value, NO_DATA)
    return value if known else None


def otherwise(value: Maybe, default: float) -> Maybe:
    """The value, and where it has no data the default."""
    if isinstance(value, np.ndarray):
        return np.where(np.isnan(value), default, value)
    return default if value is None else value


def least(*values: Maybe) -> Maybe:
    """The least of those that have data."""
    if any(isinstance(each, np.ndarray) for each in values):
        with np.errstate(invalid="ignore"):
            return reduce(np.fmin, [NO_DATA if each is None else each for each in values])
    return min((each for each in values if each is not None), default=None)


def most(*values: Maybe) -> Maybe:
    """The most of those that have data."""
    if any(isinstance(each, np.ndarray) for each in values):
        with np.errstate(invalid="ignore"):
            return reduce(np.fmax, [NO_DATA if each is None else each for each in values])
    return max((each for each in values if each is not None), default=None)


def product(*factors: Maybe) -> Maybe:
    """The product, no data where one of the factors has none."""
    found: Maybe = 1.0
    for each in factors:
        if each is None:
            return None
        found = found * each
    return found


def within(value: float | Column, low: float | Column, high: float | Column) -> Any:
    """The value, or the bound where it lies beyond one."""
    if isinstance(value, np.ndarray):
        return np.minimum(high, np.maximum(low, value))
    return min(high, max(low, value))


def real(number: float | Column) -> Any:
    """The number as a float."""
    return number.astype(float) if isinstance(number, np.ndarray) else float(number)


def whole(number: float | Column) -> Any:
    """The number as an integer, cut off behind the point."""
    return number.astype(np.int64) if isinstance(number, np.ndarray) else int(number)


def plain(column: Maybe, rows: int) -> list[Any]:
    """The numbers of a column of so many rows, None where there is no data; a number alone is that of all."""
    told = np.broadcast_to(np.asarray(NO_DATA if column is None else column), rows)
    found = told
    if told.dtype.kind == "f" and (without := np.isnan(told)).any():
        found = told.astype(object)
        found[without] = None
    numbers: list[Any] = found.tolist()
    return numbers


def root(number: Maybe) -> Maybe:
    """The square root of a number not below 0."""
    return np.sqrt(number) if isinstance(number, np.ndarray) else sqrt(number)
