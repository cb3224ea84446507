"""Giving memory back to the system."""

import ctypes
from contextlib import suppress
from typing import Final

_M_ARENA_MAX: Final = -8
"""glibc's number for how many heaps there may be."""


def give_back_free_memory() -> None:
    """Give back what was freed after much was held at once; does nothing where the C library cannot.

    glibc keeps freed pieces for later. After every row of a ledger was read that is as much again as the
    model itself.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def share_one_heap() -> None:
    """Let all threads take memory from one heap; does nothing where the C library is not glibc.

    Each thread would have its own, and keep what it freed there for itself. Figures are worked out by
    whichever thread of a server is free, but by one at a time.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
