"""Alerts, the messages about them, and what became of each message.

Alerts tell their times in the ledger's own time, which may be simulated. Deliveries live on
the wall clock: a mail server that is down is down in real time.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import msgspec

from farm.model.feed import FeedEntry

EVALUATOR = "evaluator"
"""The name under which the evaluator keeps its bookmark."""


class AlertState(StrEnum):
    """Where an alert stands."""

    FIRING = "firing"
    RESOLVED = "resolved"


class Severity(StrEnum):
    """How much an alert matters. `critical` asks for hands now."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class NotificationReason(StrEnum):
    """Why a message about an alert is sent."""

    FIRED = "fired"
    REPEATED = "repeated"
    RESOLVED = "resolved"


class DeliveryState(StrEnum):
    """Where one message to one receiver stands."""

    PENDING = "pending"
    """Not yet taken by the receiver; it is tried until it is."""
    DELIVERED = "delivered"
    PARTIAL = "partial"
    """Some recipients took it, the others refused it for good."""
    FAILED = "failed"
    """Refused for good; it is not tried again."""
    SUPPRESSED = "suppressed"
    """Recorded and never meant to be sent: it tells of what was long past when first seen."""
    SILENCED = "silenced"
    """Recorded and not sent, because a silence held."""


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One alert of one rule about one subject. Times are the ledger's, in milliseconds.

    `title` names the subject too. `job_ids` are the jobs it rests on, oldest first. `count` is
    how many times it was put to the receivers, `notified_ms` when last; None while it was only
    recorded (`suppressed`). `facts` are the rule's own figures.
    """

    id: str
    rule: str
    subject: str
    printer_id: str | None
    state: AlertState
    severity: Severity
    fired_ms: int
    notified_ms: int | None = None
    resolved_ms: int | None = None
    resolution: str | None = None
    resolved_by: str | None = None
    title: str
    summary: str
    job_ids: tuple[str, ...] = ()
    count: int = 0
    suppressed: bool = False
    facts: dict[str, Any] = {}


class DeliveryAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try to deliver: when (wall clock), how long it took, and what was answered."""

    at_ms: int
    duration_ms: int
    ok: bool
    answer: str


class DeliveryProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a message to several recipients has come.

    `taken` have it, `refused` will never take it, `outstanding` are to be tried again; None
    before the first attempt, when all of them are.
    """

    taken: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    outstanding: tuple[str, ...] | None = None


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One message about one alert to one receiver. Times are on the wall clock.

    `notification` is what is told, as plain data: the message is built from it alone, so that every
    attempt sends the same. `attempts` counts the attempts begun, `tried` are those recorded.
    """

    id: str
    alert_id: str
    receiver: str
    reason: NotificationReason
    state: DeliveryState
    notification: dict[str, Any]
    created_ms: int
    due_ms: int
    progress: DeliveryProgress = DeliveryProgress()
    lease_until_ms: int | None = None
    attempts: int = 0
    delivered_ms: int | None = None
    tried: tuple[DeliveryAttempt, ...] = ()


class DeliveryTotal(msgspec.Struct, frozen=True):
    """How many deliveries of a receiver stand in a state."""

    receiver: str
    state: DeliveryState
    count: int


class AlertFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which alerts to list; unset means any. `since_ms` and `until_ms` bound `fired_ms` (half open).

    Newest first; `after` is the opaque mark of the page before.
    """

    states: Sequence[AlertState] | None = None
    rules: Sequence[str] | None = None
    printer_ids: Sequence[str] | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    limit: int = 100
    after: str | None = None


class AlertPage(msgspec.Struct, frozen=True):
    """One page of alerts and the mark of the next, None at the end."""

    alerts: list[Alert]
    next: str | None


class Bookmark(msgspec.Struct, frozen=True, kw_only=True):
    """How far a reader of the feed has come, and what it keeps beside that.

    `version` grows with every step that is booked, so that of two that start from the same bookmark
    only one succeeds.
    """

    seq: int = 0
    version: int = 0
    note: str = ""


class AlertBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one step of the evaluator books, all or nothing.

    `alerts` are written by id (new or changed); a delivery whose id is known already is left
    as it is; `feed` entries are appended. `seen` is the bookmark from which the step started,
    None where there was none.
    """

    reader: str
    seen: Bookmark | None
    seq: int
    note: str = ""
    alerts: Sequence[Alert] = ()
    deliveries: Sequence[Delivery] = ()
    feed: Sequence[FeedEntry] = ()


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one attempt: the state that follows, and when to try again if it is pending."""

    attempt: DeliveryAttempt
    state: DeliveryState
    due_ms: int
    progress: DeliveryProgress
