"""Jobs that the first release booked at instants which cannot be meant, put right.

It took a print's duration as a message gave it, so a job could begin in the year −29662. The
limits stand here as they were when this was written: a migration never changes.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

_FIRST_MS, _LAST_MS = 1_420_070_400_000, 4_102_444_800_000
_LONGEST_MS = 366 * 86_400_000
_MOST_UNITS = 1_000_000
_DURATIONS = ("printing_ms", "preparing_ms", "paused_ms")
_MENDED = ("started_ms", "ended_ms", *_DURATIONS, "units")

_job = sa.table("job", *map(sa.column, ("id", "printer_id", "outcome", "cancelled_by", *_MENDED)))
_printer = sa.table("printer", *map(sa.column, ("id", "first_seen_ms")))
_feed = sa.table("feed", *map(sa.column, ("seq", "at_ms", "job_id", "body")))
_snapshot = sa.table("snapshot", *map(sa.column, ("printer_id", "at_ms", "ordinal", "body")))


def mend_jobs(connection: sa.Connection) -> None:
    """Put right every job out of range, with its sums, its entries in the feed and the snapshots."""
    wrong = connection.execute(sa.select(_job).where(_out_of_range())).mappings().all()
    if not wrong:
        return
    seen = {row.id: row.first_seen_ms for row in connection.execute(sa.select(_printer))}
    for row in wrong:
        changes = {name: mended_job(row, seen[row["printer_id"]])[name] for name in _MENDED}
        connection.execute(sa.update(_job).where(_job.c.id == row["id"]).values(changes))
        _mend_feed(connection, row["id"], seen[row["printer_id"]])
    for printer_id in {row["printer_id"] for row in wrong}:
        _mend_snapshots(connection, printer_id)


def mended_job(job: Mapping[Any, Any], seen_ms: int) -> dict[str, Any]:
    """The job within range: a start that cannot be meant is not known, an end is at its start.

    Where neither can be meant, it ended when its printer was first seen (`seen_ms`).
    """
    started, ended = job["started_ms"], job["ended_ms"]
    if started is not None and not _FIRST_MS <= started <= _LAST_MS:
        started = None
    if ended is not None and not _FIRST_MS <= ended <= _LAST_MS:
        ended = seen_ms if started is None else started
    durations = {name: min(max(job[name], 0), _LONGEST_MS) for name in _DURATIONS if name in job}
    units = min(max(job.get("units", 1), 0), _MOST_UNITS)
    return {**job, "started_ms": started, "ended_ms": ended, **durations, "units": units}


def mended_tracker(tracker: Mapping[str, Any]) -> dict[str, Any]:
    """A tracker as it was stored, with the jobs in it within range."""
    mended, seen_ms = dict(tracker), tracker["first_seen_ms"]
    if mended.get("attempt") is not None:
        mended["attempt"] = {**mended["attempt"], "job": mended_job(mended["attempt"]["job"], seen_ms)}
    if mended.get("last_job") is not None:
        mended["last_job"] = mended_job(mended["last_job"], seen_ms)
    return mended


def _out_of_range() -> sa.ColumnElement[bool]:
    instants = (sa.not_(_job.c[name].between(_FIRST_MS, _LAST_MS)) for name in ("started_ms", "ended_ms"))
    durations = (sa.not_(_job.c[name].between(0, _LONGEST_MS)) for name in _DURATIONS)
    return sa.or_(*instants, *durations, sa.not_(_job.c.units.between(0, _MOST_UNITS)))


def _mend_feed(connection: sa.Connection, job_id: str, seen_ms: int) -> None:
    for row in connection.execute(sa.select(_feed).where(_feed.c.job_id == job_id)).all():
        body, at_ms = msgspec.json.decode(row.body), row.at_ms
        if "started_ms" in body:
            body = mended_job(body, seen_ms)
        if not _FIRST_MS <= at_ms <= _LAST_MS:
            at_ms = body.get("ended_ms") or seen_ms
        kept = msgspec.json.encode(body).decode()
        connection.execute(sa.update(_feed).where(_feed.c.seq == row.seq).values(body=kept, at_ms=at_ms))


def _mend_snapshots(connection: sa.Connection, printer_id: str) -> None:
    own = _snapshot.c.printer_id == printer_id
    for row in connection.execute(sa.select(_snapshot).where(own)).all():
        body = msgspec.msgpack.encode(mended_tracker(msgspec.msgpack.decode(row.body)))
        connection.execute(
            sa.update(_snapshot)
            .where(own, _snapshot.c.at_ms == row.at_ms, _snapshot.c.ordinal == row.ordinal)
            .values(body=body)
        )
