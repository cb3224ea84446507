"""How far back the median of a file reaches: the first print that is held against it."""

from sqlalchemy import Connection, func, select

from farm.ledger import schema
from farm.model.states import Outcome

_job = schema.job.c


def first_by_median(connection: Connection, file: str) -> int | None:
    """When the first print of the file ended that came out and carries no estimate; None for none."""
    wanted = select(func.min(_job.ended_ms)).where(
        _job.file == file,
        _job.outcome == Outcome.SUCCEEDED.value,
        _job.printing_ms > 0,
        func.coalesce(_job.expected_ms, 0) <= 0,
    )
    found: int | None = connection.execute(wanted).scalar()
    return found
