"""Where the present comes from: it is handed in, never asked for by pure code."""

import time
from collections.abc import Callable
from typing import TypeAlias

from farm.model.times import SECOND_MS

Clock: TypeAlias = Callable[[], int]
"""Gives the present in milliseconds since 1970, UTC."""


def system_clock() -> int:
    """The machine's own clock."""
    return time.time_ns() // (SECOND_MS * SECOND_MS)
