"""The file of an SQLite ledger, watched: deleted, moved or replaced while it is open, it is away.

An open file that was deleted goes on taking what is written, and all of it is gone at the end.
So each transaction first sees that its file is the one that is there under the name.
"""

import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event

_IDENTITY = "layerline_file"


def watch_file(engine: Engine) -> None:
    """Let the engine work with the file of its URL only, and not make another where one has been.

    A transaction raises sqlite3.OperationalError at its beginning while the file is not there;
    once one is, it is opened anew. To be called before the listeners that begin transactions.
    """
    file = Path(engine.url.database or "")
    seen = False

    def before_connecting(*_arguments: Any) -> None:
        if seen and _identity(file) is None:
            raise _away(file)

    def connected(_connection: sqlite3.Connection, record: Any) -> None:
        nonlocal seen
        record.info[_IDENTITY] = _identity(file)
        seen = True

    def before_transaction(connection: Connection) -> None:
        there = _identity(file)
        if there is None or there != connection.info.get(_IDENTITY):
            connection.invalidate()
            raise (
                _away(file)
                if there is None
                else sqlite3.OperationalError(
                    f"the file {file} was replaced by another one while it was in use"
                )
            )

    event.listen(engine, "do_connect", before_connecting)
    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", before_transaction)


def make_private(file: Path) -> None:
    """Make the file, empty, so that nobody but its owner reads what comes into it. Raises OSError."""
    if not file.exists():
        file.touch(mode=0o600)


def _identity(file: Path) -> tuple[int, int] | None:
    """What tells the file from any other of the same name, None where there is none."""
    try:
        found = os.stat(file)  # noqa: PTH116  before each transaction: a third of the time of Path.stat
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _away(file: Path) -> sqlite3.OperationalError:
    return sqlite3.OperationalError(
        f"the file {file} was deleted or moved while it was in use; put it back, or a backup in its place"
    )
