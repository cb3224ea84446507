"""Brings messages to the receivers: at least once, in order, for as long as it takes."""

import logging
import random
import traceback
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from alerts.notification import notification_of
from alerts.notifiers.base import DeliveryResult, Notifier
from alerts.retry import delay_ms
from farm.errors import DeliveryError
from farm.ledger.alert_store import AlertStore
from farm.model.alert import Delivery, DeliveryAttempt, DeliveryProgress, DeliveryState, Settlement
from farm.model.clock import Clock
from farm.model.times import SECOND_MS

LEASE_MARGIN_MS = 10 * SECOND_MS
"""By how much a delivery is held longer than the notifier may take for it."""
LONGEST_PAUSE_MS = 30 * SECOND_MS
"""How long at most one failure keeps the receiver's other messages from being tried."""

_CHANCE = random.SystemRandom().random
_log = logging.getLogger(__name__)


class _Pause(msgspec.Struct):
    """A receiver that could not be reached is left alone until `until_ms`; `trouble` is the last error."""

    until_ms: int = 0
    failures: int = 0
    trouble: str | None = None


class Dispatcher:
    """Delivers what is due to some receivers, one after the other. Used by one thread.

    A receiver that must not wait for another gets a dispatcher and a thread of its own. Any
    number of processes may serve the same receiver: a lease keeps them apart.
    """

    def __init__(
        self,
        alert_store: AlertStore,
        notifiers: Iterable[Notifier[Any, Any]],
        clock: Clock,
        *,
        lease_ms: int | None = None,
        chance: Callable[[], float] = _CHANCE,
    ) -> None:
        self._store = alert_store
        self._notifiers = {notifier.name: notifier for notifier in notifiers}
        self._pauses = {name: _Pause() for name in self._notifiers}
        self._clock = clock
        self._lease_ms = lease_ms
        self._chance = chance

    def step(self, stopping: Callable[[], bool] = lambda: False) -> int:
        """Try everything that is due, until `stopping` says to leave; the number of attempts.

        Raises what the ledger raises; what a receiver does is recorded and raises nothing.
        """
        attempts = 0
        for notifier in self._notifiers.values():
            while not stopping() and self._try_next(notifier):
                attempts += 1
        return attempts

    def _try_next(self, notifier: Notifier[Any, Any]) -> bool:
        now_ms = self._clock()
        if now_ms < self._pauses[notifier.name].until_ms:
            return False
        lease_ms = self._lease_ms or round(notifier.patience_s * SECOND_MS) + LEASE_MARGIN_MS
        delivery = self._store.claim(notifier.name, now_ms, lease_ms)
        if delivery is None:
            return False
        settlement = self._attempt(notifier, delivery)
        if not self._store.settle(delivery, settlement):
            _log.warning(
                "receiver %s: the attempt took longer than its lease, so message %s may come twice",
                notifier.name,
                delivery.id,
            )
        return True

    def _attempt(self, notifier: Notifier[Any, Any], delivery: Delivery) -> Settlement:
        started_ms = self._clock()
        try:
            notification = notification_of(delivery.notification)
            result: DeliveryResult | DeliveryError = notifier.deliver(
                notification, delivery.id, delivery.progress
            )
        except DeliveryError as error:
            result = error
        except Exception as error:  # noqa: BLE001 - one message must not end the delivery of all others
            trace = notifier.masked(traceback.format_exc())
            _log.error("receiver %s: message %s could not be sent\n%s", notifier.name, delivery.id, trace)
            result = DeliveryError(f"{type(error).__name__}: {error}", permanent=False)
        ended_ms = self._clock()
        if isinstance(result, DeliveryError):
            return self._failed(notifier, delivery, result, started_ms, ended_ms)
        self._resume(notifier.name)
        return self._answered(notifier, delivery, result, started_ms, ended_ms)

    def _failed(
        self,
        notifier: Notifier[Any, Any],
        delivery: Delivery,
        error: DeliveryError,
        started_ms: int,
        ended_ms: int,
    ) -> Settlement:
        answer = notifier.clean(str(error))
        attempt = _attempt(started_ms, ended_ms, answer, ok=False)
        if error.permanent:
            _log.error("receiver %s refused message %s for good: %s", notifier.name, delivery.id, answer)
            return Settlement(
                attempt=attempt,
                state=DeliveryState.PARTIAL if delivery.progress.taken else DeliveryState.FAILED,
                due_ms=delivery.due_ms,
                progress=_given_up(delivery.progress),
            )
        wish = None if error.retry_after_s is None else round(error.retry_after_s * SECOND_MS)
        self._pause(notifier.name, answer, wish, ended_ms)
        return Settlement(
            attempt=attempt,
            state=DeliveryState.PENDING,
            due_ms=ended_ms + delay_ms(delivery.attempts, wish, self._chance),
            progress=delivery.progress,
        )

    def _answered(
        self,
        notifier: Notifier[Any, Any],
        delivery: Delivery,
        result: DeliveryResult,
        started_ms: int,
        ended_ms: int,
    ) -> Settlement:
        progress = result.progress
        if progress.outstanding:
            state, due_ms = DeliveryState.PENDING, ended_ms + delay_ms(delivery.attempts, None, self._chance)
        elif progress.refused:
            state, due_ms = DeliveryState.PARTIAL, delivery.due_ms
            _log.error(
                "receiver %s: message %s was refused for good by %s",
                delivery.receiver,
                delivery.id,
                ", ".join(progress.refused),
            )
        else:
            state, due_ms = DeliveryState.DELIVERED, delivery.due_ms
        whole = not progress.outstanding and not progress.refused
        attempt = _attempt(started_ms, ended_ms, notifier.clean(result.answer), ok=whole)
        return Settlement(attempt=attempt, state=state, due_ms=due_ms, progress=progress)

    def _pause(self, receiver: str, trouble: str, wish: int | None, now_ms: int) -> None:
        """Leave the receiver alone for a while; said once as long as the trouble stays the same."""
        pause = self._pauses[receiver]
        pause.failures += 1
        length_ms = min(delay_ms(pause.failures, None, self._chance), LONGEST_PAUSE_MS)
        pause.until_ms = now_ms + max(length_ms, wish or 0)
        if trouble != pause.trouble:
            _log.warning("receiver %s does not take messages, they will be sent again: %s", receiver, trouble)
        pause.trouble = trouble

    def _resume(self, receiver: str) -> None:
        if self._pauses[receiver].trouble is not None:
            _log.info("receiver %s takes messages again", receiver)
        self._pauses[receiver] = _Pause()


def _attempt(started_ms: int, ended_ms: int, answer: str, *, ok: bool) -> DeliveryAttempt:
    return DeliveryAttempt(at_ms=started_ms, duration_ms=max(0, ended_ms - started_ms), ok=ok, answer=answer)


def _given_up(progress: DeliveryProgress) -> DeliveryProgress:
    """Those who were still to get it never will."""
    refused = (*progress.refused, *(progress.outstanding or ()))
    return DeliveryProgress(taken=progress.taken, refused=refused, outstanding=())
