"""Giving memory back to the system."""

import ctypes
from contextlib import suppress


def give_back_free_memory() -> None:
    """Give back what was freed after much was held at once; does nothing where the C library cannot.

    glibc keeps freed pieces for later. After every row of a ledger was read that is as much again as the
    model itself.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
