"""The ledger's database as its parts use it: transactions that read and transactions that write."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, select

from farm.ledger import rows, schema
from farm.ledger.engine import ledger_errors, reading
from farm.model.job import Job


class LedgerDatabase:
    """Hands out transactions; what the database raises leaves them as LedgerError."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._reader = reading(engine)

    def job(self, job_id: str) -> Job | None:
        """One job; writers and readers ask for it."""
        with self._reads() as connection:
            row = connection.execute(select(schema.job).where(schema.job.c.id == job_id)).mappings().first()
        return None if row is None else rows.job_of(row)

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
