"""Ships everything that is new in the ledger to InfluxDB, for as long as it takes."""

import logging
import threading
import traceback
from collections.abc import Callable

from sqlalchemy import Engine

from farm.errors import LayerlineError
from farm.influx.client import InfluxServer
from farm.influx.feed_queue import FeedQueue
from farm.influx.kpi_queue import KpiQueue, KpiSource
from farm.influx.outbox import Outbox
from farm.influx.outbox_queue import OutboxQueue, PointServer, QueueContext
from farm.influx.restated_queue import RestatedQueue
from farm.influx.settings import InfluxSettings
from farm.influx.telemetry_queue import TelemetryQueue
from farm.model.clock import Clock
from farm.model.times import SECOND_MS
from farm.outage import Outage

_log = logging.getLogger(__name__)

_IDLE_S = 0.5


class Sender:
    """The one who empties the outbox. Give it a thread of its own: a slow server holds up nobody else.

    The feed, telemetry and indicators take turns, a limited piece of work each, so none of
    them waits for more than a request of the others, and each has its own trouble.
    """

    def __init__(
        self,
        engine: Engine,
        settings: InfluxSettings,
        clock: Clock,
        *,
        kpis: KpiSource | None = None,
        server: PointServer | None = None,
    ) -> None:
        self._own: InfluxServer | None = None
        if server is None:
            server = self._own = InfluxServer(settings)
        context = QueueContext(Outbox(engine), server, settings, clock)
        make: list[Callable[[], OutboxQueue]] = [lambda: FeedQueue(context), lambda: TelemetryQueue(context)]
        if kpis is not None:
            make += [lambda: KpiQueue(context, kpis), lambda: RestatedQueue(context, kpis)]
        self._make = make
        self._queues: list[OutboxQueue] = []
        self._outage = Outage("the outbox")

    def step(self) -> float:
        """One step of every queue. Gives how long the next step can wait, in seconds; 0 when there is more.

        Raises LedgerError when the ledger cannot be used; everything goes on where it was.
        """
        if not self._queues:
            self._queues = [make() for make in self._make]
        more = [queue.step() for queue in self._queues]
        if any(more):
            return 0.0
        pauses = [queue.pause_ms() / SECOND_MS for queue in self._queues]
        return min((pause for pause in pauses if pause > 0), default=_IDLE_S) if all(pauses) else _IDLE_S

    def run(self, stop: threading.Event) -> None:
        """Ship until `stop` is set, then store where things stand and close the connection."""
        try:
            while not stop.is_set():
                stop.wait(self._guarded_step())
        finally:
            self.close()

    def close(self) -> None:
        """Store where things stand and close the connection."""
        try:
            for queue in self._queues:
                queue.save()
        except LayerlineError as error:
            _log.warning(
                "where the outbox stands could not be stored, some points will be sent again: %s", error
            )
        if self._own is not None:
            self._own.close()

    def _guarded_step(self) -> float:
        try:
            pause_s = self.step()
        except LayerlineError as error:
            return self._outage.failed(error, "the outbox waits")
        except Exception as error:  # noqa: BLE001  the edge of the loop
            trace = "".join(traceback.format_exception(error)).rstrip()
            return self._outage.failed(error, f"the outbox met a fault and goes on after a pause\n{trace}")
        self._outage.over()
        return pause_s
