"""Trying out whoever gets alerts: asking whether messages would be taken, or sending one."""

import queue
import secrets
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from farm.cli.diagnosis import Diagnosis, failed, ok
from farm.errors import DeliveryError, InvalidQuery
from farm.model.clock import system_clock
from farm.model.times import rfc3339

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alerts.notification import Notification
    from alerts.notifiers.base import Notifier, NotifierSettings
    from farm.app.config import Configuration

_HANGING_S = 5
"""By how much a receiver may go beyond its own time before it is left to itself."""


def check_receivers(
    configuration: "Configuration", *, send: bool, only: str | None = None
) -> Iterator[Diagnosis]:
    """Ask each receiver whether it would take messages; with `send`, send it one.

    All of them at once, each with a time of its own: one that hangs holds up no other. `only`
    names the one that is meant. Raises InvalidQuery when there is none of that name.
    """
    from alerts.notifiers import make_notifier

    notifiers = [make_notifier(receiver) for receiver in _chosen(configuration, only)]
    began = time.monotonic()
    asked = [(notifier, _asked(notifier, configuration, send=send)) for notifier in notifiers]
    for notifier, answer in asked:
        ends_at = began + notifier.patience_s + _HANGING_S
        try:
            yield answer.get(timeout=max(0, ends_at - time.monotonic()))
        except queue.Empty:
            spent_s = time.monotonic() - began
            yield failed(f"receiver {notifier.name}", f"no answer within {spent_s:.0f} s")


def _chosen(configuration: "Configuration", only: str | None) -> "Sequence[NotifierSettings]":
    receivers = configuration.alerts.receivers
    if only is None:
        return receivers
    if found := [receiver for receiver in receivers if receiver.name == only]:
        return found
    known = ", ".join(receiver.name for receiver in receivers)
    there_are = f"there are: {known}" if known else "none is configured, see docs/alerts.md"
    raise InvalidQuery(f"RECEIVER {only}: there is no receiver of that name; {there_are}")


def _asked(
    notifier: "Notifier[Any, Any]", configuration: "Configuration", *, send: bool
) -> "queue.SimpleQueue[Diagnosis]":
    """Where the diagnosis of the receiver will be, found by a thread that holds up no end of the program."""
    answer: queue.SimpleQueue[Diagnosis] = queue.SimpleQueue()

    def ask() -> None:
        answer.put(_receiver_diagnosis(notifier, configuration, send=send))

    threading.Thread(target=ask, name=f"check-{notifier.name}", daemon=True).start()
    return answer


def _receiver_diagnosis(
    notifier: "Notifier[Any, Any]", configuration: "Configuration", *, send: bool
) -> Diagnosis:
    from farm.model.alert import DeliveryProgress

    what = f"receiver {notifier.name}"
    try:
        if not send:
            return ok(what, notifier.probe())
        notification = example_notification(configuration)
        result = notifier.deliver(notification, notification.alert_id, DeliveryProgress())
    except DeliveryError as error:
        return failed(what, str(error))
    except Exception as error:  # noqa: BLE001 - a fault in one receiver is not to hide the others
        return failed(what, notifier.clean(f"{type(error).__name__}: {error}"))
    if result.progress.refused or result.progress.outstanding:
        refused = [*result.progress.refused, *(result.progress.outstanding or ())]
        return failed(what, f"refused for {', '.join(refused)}: {result.answer}")
    return ok(what, f"test message sent: {result.answer}")


def example_notification(configuration: "Configuration") -> "Notification":
    """A message that says of itself that it is a test."""
    from alerts.notification import Notification
    from farm.model.alert import NotificationReason, Severity

    now_ms = system_clock()
    return Notification(
        alert_id=f"check-{secrets.token_hex(8)}",
        rule="check",
        reason=NotificationReason.FIRED,
        severity=Severity.INFO,
        title=f"Test message of the farm {configuration.site.name}",
        summary=f"Sent by hand at {rfc3339(now_ms)} to try this receiver. Nothing is wrong.",
        printer=None,
        group=None,
        model=None,
        prints=(),
        earlier_prints=0,
        fired_ms=now_ms,
        at_ms=now_ms,
        created_ms=now_ms,
        resolution=None,
        time_zone=configuration.site.time_zone,
        url=configuration.alerts.public_url,
    )
