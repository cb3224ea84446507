"""The ledger's database as its parts use it: transactions that read and transactions that write."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, select

from farm.ledger import rows, schema
from farm.ledger.chosen_printers import among
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

    def jobs_by_id(self, job_ids: Collection[str]) -> dict[str, Job]:
        """Those of the named jobs that there are, however many, by id."""
        if not job_ids:
            return {}
        with self._reads() as connection:
            wanted = select(schema.job).where(among(connection, schema.job.c.id, job_ids))
            return {row["id"]: rows.job_of(row) for row in connection.execute(wanted).mappings()}

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
