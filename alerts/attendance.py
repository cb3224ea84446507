"""What people do about alerts, as the evaluator takes it into account."""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

import msgspec
from sqlalchemy import Engine

from alerts.lifecycle import AlertChange, closed
from alerts.retelling import Awareness, Circumstances, awareness, reason_to_tell
from alerts.wording import one_line
from farm.ledger.acknowledgement_store import AcknowledgementStore
from farm.ledger.alert_store import AlertStore
from farm.ledger.silence_store import SilenceStore
from farm.model.alert import Alert, Delivery, DeliveryState, NotificationReason
from farm.model.printer import Printer
from farm.model.silence import Silence, labels_of

PrinterOf = Callable[[str], Printer | None]
"""Gives the printer of an id."""


class Attendance:
    """Reads acknowledgements, silences and what people resolved. Raises what the ledger raises."""

    def __init__(self, engine: Engine, alert_store: AlertStore, printer_of: PrinterOf) -> None:
        self._alerts = alert_store
        self._acknowledgements = AcknowledgementStore(engine)
        self._silences = SilenceStore(engine)
        self._printer_of = printer_of

    def due(
        self, firing: Sequence[Alert], now_ms: int, repeat_ms: int
    ) -> list[tuple[Alert, NotificationReason]]:
        """Which of the firing alerts are to be put to the receivers, and for what reason."""
        told = [alert.notified_ms for alert in firing if alert.notified_ms is not None]
        if not told:
            return []
        silences = self._silences.in_force_since(min(told), now_ms)
        standing = self._acknowledgements.standing([alert.id for alert in firing])
        known = _awareness_by_alert(self._alerts.firing_and_silenced_once())
        found = []
        for alert in firing:
            matching = [each for each in silences if self._matches(each, alert)]
            given = Circumstances(
                now_ms=now_ms,
                repeat_ms=repeat_ms,
                acknowledgement=standing.get(alert.id),
                silenced=any(now_ms < each.over_ms for each in matching),
                silence_over_ms=max((each.over_ms for each in matching), default=None),
                awareness=known.get(alert.id, Awareness()),
            )
            if (reason := reason_to_tell(alert, given)) is not None:
                found.append((alert, reason))
        return found

    def closed(self) -> list[AlertChange]:
        """What people resolved and is still to be told."""
        return [closed(alert) for alert in self._acknowledgements.untold_closings()]

    def heeded(
        self, changes: Sequence[AlertChange], receivers: Sequence[str], now_ms: int
    ) -> list[AlertChange]:
        """The changes, with what of them is silenced now, and who need not be told that it is over."""
        if not any(change.reason is not None and change.told for change in changes):
            return list(changes)
        silences = self._silences.in_force_since(now_ms, now_ms)
        over = [each.alert.id for each in changes if each.reason is NotificationReason.RESOLVED]
        known = _awareness_by_alert(self._alerts.deliveries(over)) if over else {}
        return [self._heeded(change, silences, known, receivers) for change in changes]

    def _heeded(
        self,
        change: AlertChange,
        silences: Iterable[Silence],
        known: dict[str, Awareness],
        receivers: Sequence[str],
    ) -> AlertChange:
        silenced = any(self._matches(each, change.alert) for each in silences)
        unaware: frozenset[str] = frozenset()
        if change.reason is NotificationReason.RESOLVED:
            heard = known.get(change.alert.id, Awareness())
            unaware = frozenset(receivers) - heard.aware if silenced else heard.unaware
        return msgspec.structs.replace(change, silenced=silenced, unaware=unaware)

    def _matches(self, silence: Silence, alert: Alert) -> bool:
        printer = None if alert.printer_id is None else self._printer_of(alert.printer_id)
        return silence.matches(labels_of(alert, printer))


def delivery_state(change: AlertChange, receiver: str) -> DeliveryState:
    """Whether a message about the change is to be sent to the receiver, or only recorded, and why."""
    if not change.told:
        return DeliveryState.SUPPRESSED
    over = change.reason is NotificationReason.RESOLVED
    held_back = receiver in change.unaware if over else change.silenced
    return DeliveryState.SILENCED if held_back else DeliveryState.PENDING


def is_sent(change: AlertChange, receivers: Sequence[str]) -> bool:
    """Whether the change is told to somebody; where there are no receivers, whether it would be."""
    if not change.told or not change.silenced:
        return change.told
    return any(delivery_state(change, name) is DeliveryState.PENDING for name in receivers)


def resolution_in_words(alert: Alert) -> str | None:
    """Why the alert is over: what ended it, or who resolved it and why; None while it fires."""
    if alert.resolution is None or alert.resolved_by is None:
        return alert.resolution
    return f"Resolved by {one_line(alert.resolved_by)}: {alert.resolution}"


def _awareness_by_alert(deliveries: Iterable[Delivery]) -> dict[str, Awareness]:
    """By alert; the deliveries stand oldest first."""
    ordered = sorted(deliveries, key=lambda each: each.alert_id)
    return {name: awareness(told) for name, told in groupby(ordered, key=lambda each: each.alert_id)}
