"""When a firing alert is told again, with what people do about it: acknowledge it, silence it. Pure."""

from collections.abc import Iterable

import msgspec

from farm.model.acknowledgement import Acknowledgement
from farm.model.alert import Alert, Delivery, DeliveryState, NotificationReason


class Awareness(msgspec.Struct, frozen=True):
    """Which receivers know that an alert is going on, and from which the last message was held back."""

    aware: frozenset[str] = frozenset()
    held_back: frozenset[str] = frozenset()

    @property
    def unaware(self) -> frozenset[str]:
        """Those who were never told that it began, because it was silenced."""
        return self.held_back - self.aware


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """How things stand with a firing alert at `now_ms`, all times being the ledger's, in milliseconds.

    It is told again every `repeat_ms`, never where that is 0. `silence_over_ms` is when the last of
    the silences is over that held since it was last put to the receivers.
    """

    now_ms: int
    repeat_ms: int
    acknowledgement: Acknowledgement | None = None
    silenced: bool = False
    silence_over_ms: int | None = None
    awareness: Awareness = Awareness()


def awareness(deliveries: Iterable[Delivery]) -> Awareness:
    """Who knows of an alert, by all the messages about it, oldest first."""
    aware: set[str] = set()
    held_back: set[str] = set()
    for delivery in deliveries:
        name = delivery.receiver
        if delivery.reason is NotificationReason.RESOLVED:
            aware.discard(name)
            held_back.discard(name)
        elif delivery.state is DeliveryState.SILENCED:
            held_back.add(name)
        elif delivery.state is not DeliveryState.SUPPRESSED:
            aware.add(name)
            held_back.discard(name)
    return Awareness(frozenset(aware), frozenset(held_back))


def reason_to_tell(alert: Alert, given: Circumstances) -> NotificationReason | None:
    """For what reason the firing alert is to be put to the receivers now; None for no reason.

    What is silenced is put to them too, and recorded instead of sent.
    """
    told_ms = alert.notified_ms
    if told_ms is None:
        return None
    if not given.silenced and given.awareness.held_back and not given.awareness.aware:
        return NotificationReason.FIRED
    if given.acknowledgement is not None and given.acknowledgement.holds(given.now_ms):
        return None
    if not given.silenced and given.awareness.held_back:
        return NotificationReason.REPEATED
    if given.repeat_ms and _is_due(told_ms, given):
        return NotificationReason.REPEATED
    return None


def _is_due(told_ms: int, given: Circumstances) -> bool:
    if given.now_ms - told_ms >= given.repeat_ms:
        return True
    overs = [] if given.silence_over_ms is None else [given.silence_over_ms]
    if given.acknowledgement is not None:
        overs.append(given.acknowledgement.until_ms)
    return any(told_ms < over_ms <= given.now_ms for over_ms in overs)
