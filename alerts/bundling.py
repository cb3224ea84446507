"""Many messages to one receiver at once are one: a farm that goes down must not flood a channel. Pure."""

import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Final

from alerts.notification import Bundled, Notification, notification_of
from farm.model.alert import Delivery, NotificationReason, Severity

BUNDLE_FROM: Final = 6
"""So many messages that wait at once are told in one."""
MOST_BUNDLED: Final = 1_000
"""So many messages are told in one at most; what waits beyond them is the next one."""

_BUNDLES: Final = uuid.UUID("5f6f3f3c-6c39-4b8e-9a34-0f2f8d1f7c11")
_GRAVEST_FIRST: Final = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)
_NEWEST_FIRST: Final = (NotificationReason.FIRED, NotificationReason.REPEATED, NotificationReason.RESOLVED)
_COUNTED: Final = {
    NotificationReason.FIRED: "new",
    NotificationReason.REPEATED: "still firing",
    NotificationReason.RESOLVED: "over",
}


def bundle_id(deliveries: Sequence[Delivery]) -> str:
    """A stable UUID of the one message that tells of these, in whatever order they stand."""
    return str(uuid.uuid5(_BUNDLES, "\x1f".join(sorted(delivery.id for delivery in deliveries))))


def bundle_of(deliveries: Sequence[Delivery]) -> Notification:
    """What tells of all these deliveries at once, gravest first."""
    whole = [notification_of(delivery.notification) for delivery in deliveries]
    whole.sort(key=lambda each: (_NEWEST_FIRST.index(each.reason), _GRAVEST_FIRST.index(each.severity)))
    first = whole[0]
    rules = sorted({each.rule for each in whole})
    return Notification(
        alert_id=first.alert_id,
        rule=", ".join(rules),
        reason=first.reason,
        severity=min((each.severity for each in whole), key=_GRAVEST_FIRST.index),
        title=f"{len(whole)} alerts: {_counts(whole)}",
        summary="",
        printer=None,
        group=None,
        model=None,
        prints=(),
        earlier_prints=0,
        fired_ms=min(each.fired_ms for each in whole),
        at_ms=max(each.at_ms for each in whole),
        created_ms=max(each.created_ms for each in whole),
        resolution=None,
        time_zone=first.time_zone,
        url=first.url,
        bundled=tuple(
            Bundled(alert_id=each.alert_id, reason=each.reason, severity=each.severity, title=each.title)
            for each in whole
        ),
    )


def _counts(whole: Sequence[Notification]) -> str:
    counted = Counter(each.reason for each in whole)
    return ", ".join(f"{counted[reason]} {_COUNTED[reason]}" for reason in _NEWEST_FIRST if counted[reason])
