"""Alerts, deliveries and bookmarks as rows of the ledger's tables, and back."""

from typing import Any

import msgspec
from sqlalchemy import Row

from farm.ledger import schema
from farm.model.alert import (
    Alert,
    AlertState,
    Bookmark,
    Delivery,
    DeliveryAttempt,
    DeliveryProgress,
    DeliveryState,
    NotificationReason,
    Severity,
)


class _AlertBody(msgspec.Struct, frozen=True):
    """What of an alert is not looked for by SQL."""

    title: str
    summary: str
    job_ids: tuple[str, ...]
    count: int
    suppressed: bool
    facts: dict[str, Any]


class _DeliveryBody(msgspec.Struct, frozen=True):
    notification: dict[str, Any]
    progress: DeliveryProgress


class _BookmarkBody(msgspec.Struct, frozen=True, rename={"version": "bookings"}):
    version: int
    note: str


def alert_row(alert: Alert) -> dict[str, Any]:
    """The columns of an alert."""
    body = _AlertBody(alert.title, alert.summary, alert.job_ids, alert.count, alert.suppressed, alert.facts)
    columns = {column.name for column in schema.alert.columns} - {"body"}
    return {name: getattr(alert, name) for name in columns} | {"body": _json(body)}


def alert_of(row: Row[Any]) -> Alert:
    """The alert of a row."""
    body = msgspec.json.decode(row.body, type=_AlertBody)
    return Alert(
        id=row.id,
        rule=row.rule,
        subject=row.subject,
        printer_id=row.printer_id,
        state=AlertState(row.state),
        severity=Severity(row.severity),
        fired_ms=row.fired_ms,
        notified_ms=row.notified_ms,
        resolved_ms=row.resolved_ms,
        resolution=row.resolution,
        resolved_by=row.resolved_by,
        **msgspec.structs.asdict(body),
    )


def delivery_row(delivery: Delivery) -> dict[str, Any]:
    """The columns of a delivery."""
    columns = {column.name for column in schema.delivery.columns} - {"body"}
    body = delivery_body(delivery.notification, delivery.progress)
    return {name: getattr(delivery, name) for name in columns} | {"body": body}


def delivery_of(row: Row[Any], tried: tuple[DeliveryAttempt, ...] = ()) -> Delivery:
    """The delivery of a row, with its attempts where they were read too."""
    body = msgspec.json.decode(row.body, type=_DeliveryBody)
    return Delivery(
        id=row.id,
        alert_id=row.alert_id,
        receiver=row.receiver,
        reason=NotificationReason(row.reason),
        state=DeliveryState(row.state),
        notification=body.notification,
        created_ms=row.created_ms,
        due_ms=row.due_ms,
        progress=body.progress,
        lease_until_ms=row.lease_until_ms,
        attempts=row.attempts,
        delivered_ms=row.delivered_ms,
        tried=tried,
    )


def delivery_body(notification: dict[str, Any], progress: DeliveryProgress) -> str:
    """What of a delivery is not looked for by SQL."""
    return _json(_DeliveryBody(notification, progress))


def _json(value: msgspec.Struct) -> str:
    return msgspec.json.encode(value).decode()


def attempt_of(row: Row[Any]) -> DeliveryAttempt:
    """The attempt of a row."""
    return DeliveryAttempt(at_ms=row.at_ms, duration_ms=row.duration_ms, ok=row.ok, answer=row.answer)


def bookmark_body(bookmark: Bookmark) -> str:
    """What a bookmark holds beside its place. Equal bookmarks give equal texts."""
    return _json(_BookmarkBody(bookmark.version, bookmark.note))


def bookmark_of(row: Row[Any]) -> Bookmark:
    """The bookmark of a row."""
    body = msgspec.json.decode(row.body, type=_BookmarkBody)
    return Bookmark(seq=row.seq, version=body.version, note=body.note)
