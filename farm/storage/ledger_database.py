"""The ledger's database as its parts use it: transactions that read and transactions that write."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from farm.storage.engine import ledger_errors, reading


class LedgerDatabase:
    """Hands out transactions; what the database raises leaves them as LedgerError."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._reader = reading(engine)

    @contextmanager
    def _reads(self) -> Iterator[Connection]:
        """One state of the ledger for as long as the block runs."""
        with ledger_errors(self.engine), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def _writes(self) -> Iterator[Connection]:
        """All that the block writes, or nothing when it raises."""
        with ledger_errors(self.engine), self.engine.begin() as connection:
            yield connection
