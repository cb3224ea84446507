"""Reading files that somebody names, of which a few kilobytes are expected."""

import errno
import os
import select
import stat
import time
from pathlib import Path
from typing import Final

LONGEST_CONFIGURATION: Final = 1_000_000
LONGEST_SECRET: Final = 65_536
PIPE_PATIENCE_S: Final = 5
"""Seconds within which a named pipe, or another file that has to be waited for, has to be written."""


def read_short(file: Path, longest: int) -> bytes:
    """The bytes of the file.

    Raises OSError when it cannot be read or holds more than `longest`, which is known without reading
    on: a device may have no end. A pipe that nobody writes to is given up after `PIPE_PATIENCE_S`.
    """
    # Without this, opening a named pipe waits until somebody opens its other end.
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = _read_up_to(descriptor, longest + 1, file)
    finally:
        os.close(descriptor)
    if len(found) > longest:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(file))
    return found


def _read_up_to(descriptor: int, most: int, file: Path) -> bytes:
    """What stands in the file, up to `most` bytes."""
    waits = not stat.S_ISREG(os.fstat(descriptor).st_mode)
    deadline = time.monotonic() + PIPE_PATIENCE_S
    found = b""
    while len(found) < most:
        if waits:
            _wait_for_bytes(descriptor, deadline, file)
        piece = os.read(descriptor, most - len(found))
        if not piece:
            break
        found += piece
    return found


def _wait_for_bytes(descriptor: int, deadline: float, file: Path) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        words = f"is no plain file, and its end was not written into it within {PIPE_PATIENCE_S} s"
        raise OSError(errno.ETIMEDOUT, words, str(file))
