"""The trail of what people did about alerts: who, when, why, before and after."""

from enum import StrEnum
from typing import Any

import msgspec


class AlertActionKind(StrEnum):
    """What a person did; the feed tells it under the same name."""

    ACKNOWLEDGED = "alert.acknowledged"
    UNACKNOWLEDGED = "alert.unacknowledged"
    CLOSED = "alert.closed"
    SILENCED = "alert.silenced"
    UNSILENCED = "alert.unsilenced"


class AlertAction(msgspec.Struct, frozen=True, kw_only=True):
    """One action at `at_ms` of the ledger's time, of an alert or of a silence.

    `before` and `after` are what stood; None where nothing did. `why` is the reason, or the note.
    """

    id: int = 0
    at_ms: int
    who: str
    why: str
    what: AlertActionKind
    alert_id: str | None = None
    silence_id: int | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
