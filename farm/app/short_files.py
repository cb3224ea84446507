"""Reading files that somebody names, of which a few kilobytes are expected."""

import errno
import os
from pathlib import Path
from typing import Final

LONGEST_CONFIGURATION: Final = 1_000_000
LONGEST_SECRET: Final = 65_536


def read_short(file: Path, longest: int) -> bytes:
    """The bytes of the file.

    Raises OSError when it cannot be read or holds more than `longest`, which is known without reading
    on: a device may have no end.
    """
    with file.open("rb") as source:
        found = source.read(longest + 1)
    if len(found) > longest:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(file))
    return found
