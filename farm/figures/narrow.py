"""Columns of whole numbers that take no more room than their numbers need."""

from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Column: TypeAlias = NDArray[np.integer[Any]]

_NARROWEST_FIRST: Final = (np.int8, np.int16, np.int32)


def narrow(column: Column) -> Column:
    """The same numbers in as few bytes each as hold all of them. What is reckoned with must be widened."""
    if not column.size:
        return column
    least, most = int(column.min()), int(column.max())
    fitting: list[type[np.signedinteger[Any]]] = [
        each for each in _NARROWEST_FIRST if np.iinfo(each).min <= least and most <= np.iinfo(each).max
    ]
    return column.astype(fitting[0], copy=False) if fitting else column
