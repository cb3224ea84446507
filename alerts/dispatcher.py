"""Brings messages to the receivers: at least once, in order, for as long as it takes."""

import logging
import random
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from alerts.bundling import BUNDLE_FROM, MOST_BUNDLED, bundle_id, bundle_of
from alerts.notification import notification_of
from alerts.notifiers.base import DeliveryResult, Notifier
from alerts.retry import delay_ms
from farm.errors import DeliveryError
from farm.ledger.alert_store import AlertStore
from farm.model.alert import Delivery, DeliveryAttempt, DeliveryProgress, DeliveryState, Settlement
from farm.model.clock import Clock
from farm.model.times import MINUTE_MS, SECOND_MS

LEASE_MARGIN_MS = 10 * SECOND_MS
"""By how much a delivery is held longer than the notifier may take for it."""
MOST_A_MINUTE = 20
"""So many messages a minute are sent to a receiver that people read one by one."""
BULK_PAUSE_MS = 15 * SECOND_MS
"""How far apart messages are beyond them, each with all that has come up meanwhile."""
APART_MS = 30 * MINUTE_MS
"""How long messages go one by one when one about several was refused for good, or could not be built."""
LONGEST_PAUSE_MS = 30 * SECOND_MS
"""How long at most one failure keeps the receiver's other messages from being tried."""

_CHANCE = random.SystemRandom().random
_log = logging.getLogger(__name__)


class _Pause(msgspec.Struct):
    """A receiver that could not be reached is left alone until `until_ms`; `trouble` is the last error."""

    until_ms: int = 0
    failures: int = 0
    trouble: str | None = None


class _Sent(msgspec.Struct):
    """When the last messages to a receiver were sent, as far as this process sent them, and until when
    they are not told together.
    """

    times: deque[int] = msgspec.field(default_factory=lambda: deque(maxlen=MOST_A_MINUTE))
    last_ms: int = 0
    apart_until_ms: int = 0

    def note(self, now_ms: int) -> None:
        """One more is sent."""
        self.times.append(now_ms)
        self.last_ms = now_ms

    def is_much(self, now_ms: int) -> bool:
        """Whether as many as are borne were sent within the last minute."""
        return len(self.times) == MOST_A_MINUTE and 0 <= now_ms - self.times[0] < MINUTE_MS

    def is_apart(self, now_ms: int) -> bool:
        """Whether each message goes by itself."""
        return 0 < self.apart_until_ms - now_ms <= APART_MS


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
        self._sent = {name: _Sent() for name in self._notifiers}
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
        told = self._claim(notifier, now_ms, lease_ms)
        if not told:
            return False
        settlement = self._attempt(notifier, told)
        if not self._store.settle_all(told, settlement):
            _log.warning(
                "receiver %s: the attempt took longer than its lease, so message %s may come twice",
                notifier.name,
                told[0].id,
            )
        return True

    def _claim(self, notifier: Notifier[Any, Any], now_ms: int, lease_ms: int) -> list[Delivery]:
        """What is to be told now: one delivery, or several in one message where many wait."""
        sent, name = self._sent[notifier.name], notifier.name
        in_bulk = notifier.bundles and sent.is_much(now_ms) and not sent.is_apart(now_ms)
        if in_bulk and now_ms - sent.last_ms < BULK_PAUSE_MS:
            return []
        first = self._store.claim(name, now_ms, lease_ms)
        if first is None:
            return []
        sent.note(now_ms)
        if not notifier.bundles or sent.is_apart(now_ms) or first.progress != DeliveryProgress():
            return [first]
        at_least = 1 if in_bulk else BUNDLE_FROM - 1
        more = self._store.claim_more(name, now_ms, lease_ms, at_least=at_least, at_most=MOST_BUNDLED - 1)
        return [first, *more]

    def _attempt(self, notifier: Notifier[Any, Any], told: Sequence[Delivery]) -> Settlement:
        """Send one message about all that is `told`."""
        delivery, started_ms = told[0], self._clock()
        try:
            one = len(told) == 1
            notification = notification_of(delivery.notification) if one else bundle_of(told)
            message_id = delivery.id if one else bundle_id(told)
            result: DeliveryResult | DeliveryError = notifier.deliver(
                notification, message_id, delivery.progress
            )
        except DeliveryError as error:
            result = error
            if error.permanent and len(told) > 1:
                self._keep_apart(notifier.name, started_ms)
                result = DeliveryError(str(error), permanent=False)
        except Exception as error:  # noqa: BLE001 - one message must not end the delivery of all others
            trace = notifier.masked(traceback.format_exc())
            _log.error("receiver %s: message %s could not be sent\n%s", notifier.name, delivery.id, trace)
            result = DeliveryError(f"{type(error).__name__}: {error}", permanent=False)
            if len(told) > 1:
                self._keep_apart(notifier.name, started_ms)
        ended_ms = self._clock()
        if isinstance(result, DeliveryError):
            return self._failed(notifier, delivery, result, started_ms, ended_ms)
        self._resume(notifier.name)
        return self._answered(notifier, delivery, result, started_ms, ended_ms)

    def _keep_apart(self, receiver: str, now_ms: int) -> None:
        """Something of these messages cannot be told with the others: the next ones go one by one."""
        self._sent[receiver].apart_until_ms = now_ms + APART_MS

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
