"""What happened, in the order in which it was booked: the feed of the ledger.

Everything downstream reads it by cursor: the live stream, the evaluator, the writer
to InfluxDB.
"""

from enum import StrEnum
from typing import Any

import msgspec


class FeedKind(StrEnum):
    """What an entry of the feed tells."""

    PRINTER_APPEARED = "printer.appeared"
    PRINTER_CHANGED = "printer.changed"
    STATE_CHANGED = "state.changed"
    JOB_STARTED = "job.started"
    JOB_PAUSED = "job.paused"
    JOB_RESUMED = "job.resumed"
    JOB_ENDED = "job.ended"
    JOB_REVISED = "job.revised"
    JOB_INSPECTED = "job.inspected"
    SPANS_REVISED = "spans.revised"
    CALENDAR_CHANGED = "calendar.changed"
    ALERT_FIRED = "alert.fired"
    ALERT_REPEATED = "alert.repeated"
    ALERT_RESOLVED = "alert.resolved"
    ALERT_ACKNOWLEDGED = "alert.acknowledged"
    ALERT_UNACKNOWLEDGED = "alert.unacknowledged"
    ALERT_CLOSED = "alert.closed"
    ALERT_SILENCED = "alert.silenced"
    ALERT_UNSILENCED = "alert.unsilenced"


class FeedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened at `at_ms`. `seq` orders the feed and is given by the ledger."""

    kind: FeedKind
    at_ms: int
    printer_id: str | None = None
    job_id: str | None = None
    body: dict[str, Any] = {}
    seq: int = 0
