"""The evaluator as it runs: rules in one thread, every receiver in one of its own."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from alerts.dispatcher import Dispatcher
from alerts.evaluator import Evaluator, StepResult
from alerts.notifiers import make_notifier
from alerts.notifiers.base import Notifier
from alerts.settings import AlertSettings
from farm.errors import LayerlineError
from farm.ledger.alert_store import AlertStore
from farm.ledger.ledger_reader import LedgerReader
from farm.model.alert import DeliveryState
from farm.model.back_off import BackOff
from farm.model.clock import Clock, system_clock

POLL_S = 0.05
"""How often the feed is looked at."""
TIMED_S = 1
"""How often it is seen whether an alert is to be told again, or a message to be tried again."""
FIRST_REST_S = 0.1
LONGEST_REST_S = 30
"""The longest pause after an error, which grows from error to error."""
FAREWELL_S = 5
"""How long a receiver's attempt under way is waited for at the end. It is repeated later if need be."""

_log = logging.getLogger(__name__)


class EvaluatorService:
    """Evaluates and delivers until it is told to stop."""

    def __init__(
        self,
        reader: LedgerReader,
        alert_store: AlertStore,
        settings: AlertSettings,
        clock: Clock = system_clock,
        *,
        time_zone: str = "UTC",
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._store = alert_store
        self._evaluator = Evaluator(reader, alert_store, settings, clock, time_zone=time_zone)
        notifiers: list[Notifier[Any, Any]] = [make_notifier(receiver) for receiver in settings.receivers]
        self._dispatchers = {
            notifier.name: Dispatcher(alert_store, [notifier], clock) for notifier in notifiers
        }
        self._wakes = {name: threading.Event() for name in self._dispatchers}
        self._monotonic = monotonic
        self._repeats_due_s = 0.0
        self._orphans_named = False

    def run(self, stop: threading.Event) -> None:
        """Run until `stop` is set. Errors of the ledger are logged and waited out."""
        ended = threading.Event()
        threads = [
            threading.Thread(target=self._deliver, args=(name, ended), name=f"alerts-{name}", daemon=True)
            for name in self._dispatchers
        ]
        for thread in threads:
            thread.start()
        try:
            _keep_doing(self._evaluate, "alerts cannot be evaluated now", stop)
        finally:
            ended.set()
            self._wake_receivers()
            for thread in threads:
                thread.join(FAREWELL_S)

    def _evaluate(self) -> float:
        """One step of the evaluator; how long to wait for the next."""
        if not self._orphans_named:
            self._name_orphans()
        result = self._evaluator.step()
        if (now_s := self._monotonic()) >= self._repeats_due_s:
            self._repeats_due_s = now_s + TIMED_S
            for timed in (self._evaluator.watch, self._evaluator.repeat):
                again = timed()
                result = StepResult(
                    result.read, result.reasons + again.reasons, result.deliveries + again.deliveries
                )
        if result.deliveries:
            self._wake_receivers()
        return 0 if result.read else POLL_S

    def _deliver(self, name: str, ended: threading.Event) -> None:
        dispatcher, wake = self._dispatchers[name], self._wakes[name]

        def deliver() -> float:
            wake.wait(TIMED_S)
            wake.clear()
            dispatcher.step(ended.is_set)
            return 0

        wake.set()
        _keep_doing(deliver, f"receiver {name} cannot be served now", ended)

    def _name_orphans(self) -> None:
        for receiver, count in orphaned(self._store, self._settings).items():
            _log.warning("%d messages wait for the receiver %s, which is not configured", count, receiver)
        self._orphans_named = True

    def _wake_receivers(self) -> None:
        for wake in self._wakes.values():
            wake.set()


def _keep_doing(work: Callable[[], float], trouble: str, stop: threading.Event) -> None:
    """Do `work` again and again, each time after the pause in seconds that it gives.

    An error is logged, once as long as it stays the same, and followed by a growing pause.
    """
    back_off, said = BackOff(FIRST_REST_S, LONGEST_REST_S), ""
    while not stop.is_set():
        try:
            pause_s = work()
        except LayerlineError as error:
            if str(error) != said:
                _log.warning("%s: %s", trouble, error)
            said = str(error)
            pause_s = back_off.next()
        except Exception:  # noqa: BLE001 - the edge of the loop
            _log.exception("%s", trouble)
            said, pause_s = trouble, back_off.next()
        else:
            if said:
                _log.info("no longer so: %s", trouble)
            back_off.reset()
            said = ""
        stop.wait(pause_s)


def orphaned(alert_store: AlertStore, settings: AlertSettings) -> dict[str, int]:
    """How many deliveries wait for receivers that are not configured any more, by receiver."""
    known = {receiver.name for receiver in settings.receivers}
    return {
        total.receiver: total.count
        for total in alert_store.totals()
        if total.state is DeliveryState.PENDING and total.receiver not in known
    }
