"""How many jobs ever ended how, and why."""

from collections import Counter
from typing import Any

from sqlalchemy import Connection, Select, func, select

from farm.ledger import schema
from farm.model.outcome_count import EndedCount
from farm.model.states import Cause, Outcome

_job, _printer = schema.job.c, schema.printer.c


def ended_jobs(connection: Connection) -> list[EndedCount]:
    """All jobs that ever ended, those of ignored printers left out, counted by outcome and cause."""
    counts = _counted(connection, _by_ending())
    ignored = select(_printer.id).where(_printer.ignored)
    # Taken off afterwards: so the index over causes and outcomes has all that is asked of the many.
    counts.subtract(_counted(connection, _by_ending().where(_job.printer_id.in_(ignored))))
    found = sorted(counts.items(), key=lambda count: (count[0][0], count[0][1] or ""))
    return [EndedCount(outcome=outcome, cause=cause, jobs=jobs) for (outcome, cause), jobs in found if jobs]


def _by_ending() -> Select[Any]:
    return (
        select(_job.outcome, _job.cause, func.count())
        .where(_job.outcome.is_not(None))
        .group_by(_job.cause, _job.outcome)
    )


def _counted(connection: Connection, wanted: Select[Any]) -> Counter[tuple[Outcome, Cause | None]]:
    return Counter(
        {
            (Outcome(outcome), None if cause is None else Cause(cause)): jobs
            for outcome, cause, jobs in connection.execute(wanted)
        }
    )
