"""The ledger: the one relational database that holds the truth."""

from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Engine

from farm.errors import LedgerError
from farm.ledger.collector_ledger import CollectorLedger
from farm.ledger.engine import in_memory, ledger_engine, ledger_errors, shown
from farm.ledger.ledger_reader import LedgerReader
from farm.ledger.schema_version import prepare_schema


class Ledger(CollectorLedger, LedgerReader):
    """An open ledger: `CollectorLedger` and `LedgerReader` over one database.

    Threads may share it. Other stores use its `engine` for transactions of their own.
    """

    def close(self) -> None:
        """Give its connections back; an in-memory ledger is gone then."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_ledger(url: str, *, create: bool = True) -> Ledger:
    """The ledger at `url`: `sqlite:////file.db`, `sqlite://` (in memory) or `postgresql://...`.

    With `create` a missing file, its folder and missing tables are made, and a ledger of
    an older version is brought up to this one. Raises LedgerError for another URL, when
    the ledger is of a newer version, and without `create` when there is none or it is
    older; LedgerUnreachable when the database does not answer.
    """
    engine = ledger_engine(url)
    try:
        _see_to_file(engine, create=create)
        with ledger_errors(engine):
            prepare_schema(engine, create=create)
    except BaseException:
        engine.dispose()
        raise
    return Ledger(engine)


def _see_to_file(engine: Engine, *, create: bool) -> None:
    if engine.dialect.name != "sqlite" or in_memory(engine):
        return
    file = Path(engine.url.database or "")
    if create:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LedgerError(f"ledger.url: no folder for {shown(engine.url)}: {error}") from error
    elif not file.exists():
        raise LedgerError(f"ledger.url: there is no ledger at {shown(engine.url)}")
