"""The ledger: the one relational database that holds the truth."""

import errno
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Engine

from farm.errors import ConfigurationError, LedgerError, LedgerUnreachable
from farm.ledger.answer_limit import limit_answers
from farm.ledger.collector_ledger import CollectorLedger
from farm.ledger.engine import in_memory, ledger_engine, ledger_errors, shown
from farm.ledger.ledger_file import make_private
from farm.ledger.ledger_reader import LedgerReader
from farm.ledger.schema_version import prepare_schema

_NEVER = frozenset({errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.EROFS})
"""Why a file cannot be made that waiting does not change."""


class Ledger(CollectorLedger, LedgerReader):
    """An open ledger: `CollectorLedger` and `LedgerReader` over one database.

    Threads may share it. Other stores use its `engine` for transactions of their own.
    """

    def prepare(self, *, create: bool = True) -> None:
        """See that there is a ledger of this version.

        With `create` a missing file, its folder and missing tables are made, and a ledger of
        an older version is brought up to this one. Raises LedgerError when the ledger is of a
        newer version, and without `create` when there is none or it is older;
        LedgerUnreachable when the database does not answer, or its disk has no room;
        ConfigurationError when its file can never be made.
        """
        _see_to_file(self.engine, create=create)
        with ledger_errors(self.engine):
            prepare_schema(self.engine, create=create)

    def close(self) -> None:
        """Give its connections back; an in-memory ledger is gone then."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def ledger_at(url: str, *, answer_within_s: float | None = None) -> Ledger:
    """The ledger at `url`, to be prepared before it is used; nothing is connected to yet.

    With `answer_within_s` a database that does not answer for so many seconds counts as
    one that is away (LedgerUnreachable). Raises LedgerError for a URL of another form.
    """
    engine = ledger_engine(url)
    if answer_within_s is not None:
        limit_answers(engine, answer_within_s)
    return Ledger(engine)


def open_ledger(url: str, *, create: bool = True) -> Ledger:
    """The ledger at `url`: `sqlite:////file.db`, `sqlite://` (in memory) or `postgresql://...`.

    It is ready for use, as by `Ledger.prepare`, which says what is raised; also LedgerError
    for a URL of another form.
    """
    ledger = ledger_at(url)
    try:
        ledger.prepare(create=create)
    except BaseException:
        ledger.close()
        raise
    return ledger


def _see_to_file(engine: Engine, *, create: bool) -> None:
    if engine.dialect.name != "sqlite" or in_memory(engine):
        return
    file = Path(engine.url.database or "")
    if create:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            make_private(file)
        except OSError as error:
            fault = f"ledger.url: {shown(engine.url)} cannot be made: {error.strerror}"
            if error.errno in _NEVER:
                raise ConfigurationError(fault) from error
            raise LedgerUnreachable(fault) from error
    elif not os.path.exists(file):  # noqa: PTH110  Path.exists raises for a folder that is closed to us
        raise LedgerError(f"ledger.url: there is no ledger at {shown(engine.url)}")
