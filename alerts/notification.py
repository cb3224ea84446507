"""What is told to the receivers: one alert for one reason, complete in itself.

A notification is stored with its delivery, so that every attempt, in whatever process and after
whatever time, tells the same.
"""

from typing import Any

import msgspec

from farm.model.alert import NotificationReason, Severity
from farm.model.job import Job
from farm.model.states import CancelledBy, Cause, Outcome


class Print(msgspec.Struct, frozen=True, kw_only=True):
    """One print as evidence: times in milliseconds of the ledger, the duration without pauses."""

    file: str | None
    outcome: Outcome | None
    cause: Cause | None
    detail: str | None
    cancelled_by: CancelledBy | None
    started_ms: int | None
    ended_ms: int | None
    printing_ms: int


class Bundled(msgspec.Struct, frozen=True, kw_only=True):
    """One of the alerts of which one message tells together."""

    alert_id: str
    reason: NotificationReason
    severity: Severity
    title: str


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """One alert for one reason. `title` says the subject and what is the matter with it.

    `prints` are the newest, newest first; `earlier_prints` counts those left out. `at_ms` is the
    ledger's time of the reason, `created_ms` the wall clock when it was booked. Times are
    shown in `time_zone` (IANA). `url` leads to the page, None where no address of it is known. Of several
    alerts at once `bundled` names each, gravest first.
    """

    alert_id: str
    rule: str
    reason: NotificationReason
    severity: Severity
    title: str
    summary: str
    printer: str | None
    group: str | None
    model: str | None
    prints: tuple[Print, ...]
    earlier_prints: int
    fired_ms: int
    at_ms: int
    created_ms: int
    resolution: str | None
    time_zone: str
    url: str | None
    bundled: tuple[Bundled, ...] = ()


def print_of(job: Job) -> Print:
    """The job as evidence."""
    return Print(
        file=job.file,
        outcome=job.outcome,
        cause=job.cause,
        detail=job.detail,
        cancelled_by=job.cancelled_by,
        started_ms=job.started_ms,
        ended_ms=job.ended_ms,
        printing_ms=job.printing_ms,
    )


def plain(notification: Notification) -> dict[str, Any]:
    """The notification as plain data, for the store."""
    data: dict[str, Any] = msgspec.to_builtins(notification)
    return data


def notification_of(data: dict[str, Any]) -> Notification:
    """The notification that `plain` made into data. Raises msgspec.ValidationError for anything else."""
    return msgspec.convert(data, Notification)
