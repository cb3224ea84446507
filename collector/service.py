"""The collector: broker to pipeline to ledger, for as long as it is wanted.

One thread. A message is acknowledged only after the commit that holds its effects. When the
ledger does not answer, the connection is closed, everything not committed is forgotten, and
the broker sends it again once the ledger is back.
"""

import logging
import time
import uuid
from collections.abc import Callable, Sequence
from threading import Event

from collector.canonical import topics
from collector.intake.deliveries import Deliveries, Mark
from collector.intake.mqtt import Arrival, BackOff, Connection
from collector.intake.pipeline import Pipeline
from collector.intake.redelivery import RedeliveryFilter
from collector.intake.sources import SourceTable
from collector.sessions.asking import Asking
from collector.sessions.thinning import ThinningSettings
from collector.settings import BrokerSettings, CollectorSettings
from farm.errors import BrokerUnreachable, LedgerUnreachable
from farm.ledger.collector_ledger import CollectorLedger
from farm.model.clock import Clock, system_clock
from farm.model.simulated import SUBSCRIPTION, split_simulated_topic
from farm.model.times import DAY_MS
from farm.settings import PrinterSettings, SiteSettings

log = logging.getLogger(__name__)

WINDOW = 20
"""Brokers hand out so many messages before they wait for acknowledgements, unless set otherwise."""
_IDLE_S = 0.002
_DOUBT_S = 5
_TICK_MS = 1_000
_SIMULATED_TICK_MS = 60_000
_TRIM_MS = 3_600_000


class Collector:
    """Runs one shard: one MQTT session, one pipeline, one lease in the ledger."""

    def __init__(
        self,
        ledger: CollectorLedger,
        broker: BrokerSettings,
        *,
        sources: SourceTable,
        settings: CollectorSettings | None = None,
        site: SiteSettings | None = None,
        printers: Sequence[PrinterSettings] = (),
        thinning: ThinningSettings | None = None,
        simulated: bool = False,
        drain_seconds: float | None = None,
        clock: Clock = system_clock,
    ) -> None:
        self._ledger = ledger
        self._settings = settings or CollectorSettings()
        self._site = site or SiteSettings()
        self._sources = sources
        self._simulated = simulated
        self._drain_seconds = drain_seconds
        self._clock = clock
        self._new_pipeline: Callable[[], Pipeline] = lambda: Pipeline(
            ledger,
            sources,
            site=self._site,
            printers=printers,
            settings=self._settings,
            thinning=thinning,
        )
        self._take = self._take_simulated if simulated else self._take_real
        self._connection = Connection(broker, self._settings.client_id, on_message=self._arrived)
        self._marker_topic = f"layerline/v1/{self._site.name}/collectors/{self._settings.client_id}/marker"
        self._holder = uuid.uuid4().hex
        self._back_off = BackOff()
        self._pipeline: Pipeline
        self._asking = Asking(self._connection)
        self._marker = b""
        self._live = False
        self._redelivery: RedeliveryFilter | None = None
        self._opened_at = 0.0
        self._now = 0
        self._first_uncommitted = 0.0
        self._arrived_at = 0.0
        self._ticked_ms = 0
        self._trimmed_ms = 0

    def run(self, stop: Event) -> None:
        """Collect until `stop` is set or, with a drain time, until nothing has come for so long.

        Raises BrokerRefused, LedgerError or LeaseLost when going on cannot help.
        """
        booked = self._ledger.claim(
            self._settings.client_id, self._holder, simulated=self._simulated, now_ms=self._clock()
        )
        self._pipeline = self._new_pipeline()
        self._arrived_at = time.monotonic()
        while not stop.is_set():
            try:
                self._open(booked)
                drained = self._serve(stop)
            except BrokerUnreachable as error:
                wait = self._back_off.next()
                log.warning("%s; trying again in %.1f s", error, wait)
                stop.wait(wait)
            except LedgerUnreachable as error:
                self._reopen_ledger(error, stop)
            else:
                if drained:
                    break
            booked = self._pipeline.latest_ms or booked
        self._finish()

    # -- connection -------------------------------------------------------------------------

    def _open(self, booked: int | None) -> None:
        """Connect, subscribe, and send the marker that tells when the backlog is drained."""
        self._live = False
        self._opened_at = time.monotonic()
        self._redelivery = RedeliveryFilter(self._pipeline.deliveries.unconfirmed())
        self._connection.connect()
        if not self._connection.session_present:
            self._work_in_held()
        if not self._connection.session_present and booked is not None and not self._simulated:
            self._pipeline.continuity_lost(booked, self._clock())
        filters = [SUBSCRIPTION] if self._simulated else self._sources.filters
        self._marker = uuid.uuid4().hex.encode()
        self._connection.subscribe([*filters, self._marker_topic])
        self._connection.publish(self._marker_topic, self._marker, qos=1)
        self._back_off.reset()
        log.info(
            "connected as %s, session %s",
            self._settings.client_id,
            "resumed" if self._connection.session_present else "new",
        )

    def _serve(self, stop: Event) -> bool:
        """Take messages while the connection stands. True when it is drained."""
        connection = self._connection
        while not stop.is_set():
            idle = not connection.wait(self._patience())
            if not connection.drain(self._settings.commit_messages):
                raise BrokerUnreachable("the connection to the broker was lost")
            self._end_doubt()
            self._tick()
            if self._is_commit_due(idle) and not self._is_in_doubt():
                self._commit()
            if idle and self._is_drained():
                return True
        return False

    def _is_drained(self) -> bool:
        return (
            self._drain_seconds is not None
            and self._live
            and time.monotonic() - self._arrived_at >= self._drain_seconds
        )

    def _patience(self) -> float:
        """How long to wait for the next message, in seconds."""
        if not self._connection.unacknowledged and not self._pipeline.urgent:
            return 0.1 if self._drain_seconds is not None else 0.5
        return _IDLE_S

    def _is_commit_due(self, idle: bool) -> bool:
        waiting = self._connection.unacknowledged
        if not waiting and not self._pipeline.urgent:
            return False
        if waiting >= self._settings.commit_messages:
            return True
        if idle and (waiting >= WINDOW or self._pipeline.urgent):
            return True
        return time.monotonic() - self._first_uncommitted >= self._settings.commit_seconds

    def _is_in_doubt(self) -> bool:
        """Whether messages are held back, which a commit would acknowledge."""
        return self._redelivery is not None and self._redelivery.is_holding

    def _end_doubt(self) -> None:
        """Hold nothing back for long."""
        if self._is_in_doubt() and time.monotonic() - self._opened_at >= _DOUBT_S:
            self._work_in_held()

    # -- messages ---------------------------------------------------------------------------

    def _arrived(self, message: Arrival) -> None:
        """Work a message in, unless an earlier connection brought it and it was worked in then."""
        if message.again and self._pipeline.deliveries.were_taken(message.packet_id, _mark(message)):
            return
        if self._redelivery is None or message.retained or message.packet_id is None:
            self._work_in(message)
        else:
            self._sort(self._redelivery, message)

    def _sort(self, redelivery: RedeliveryFilter, message: Arrival) -> None:
        """Work in what is new, while an earlier connection's messages may come again."""
        fresh, again = redelivery.sort(message, _mark(message))
        for known in again:
            self._receipt(known)
        for new in fresh:
            self._work_in(new)
        if redelivery.is_over:
            self._work_in_held()

    def _work_in_held(self) -> None:
        """Nothing comes again any more: what was held back was new."""
        redelivery, self._redelivery = self._redelivery, None
        for new in () if redelivery is None else redelivery.release():
            self._work_in(new)

    def _work_in(self, message: Arrival) -> None:
        self._take(message.topic, message.payload, message.retained)
        self._receipt(message)

    def _receipt(self, message: Arrival) -> None:
        if message.packet_id is not None:
            confirms = self._redelivery is None
            self._pipeline.deliveries.take(message.packet_id, _mark(message), confirms=confirms)

    def _take_real(self, topic: str, payload: bytes, retained: bool) -> None:
        if not self._connection.unacknowledged:
            self._first_uncommitted = time.monotonic()
            self._now = self._clock()
        if topic == self._marker_topic:
            self._take_marker(payload)
            return
        if not topic:
            self._pipeline.fault("-", "topic_not_utf8", self._now, "")
            return
        self._pipeline.take(topic, payload, retained, self._now, self._live)

    def _take_simulated(self, topic: str, payload: bytes, _retained: bool) -> None:
        if not self._connection.unacknowledged:
            self._first_uncommitted = time.monotonic()
        if topic == self._marker_topic:
            self._take_marker(payload)
            return
        try:
            at, kept, original = split_simulated_topic(topic)
        except ValueError:
            self._pipeline.fault("-", "bad_simulated_topic", self._now, topic)
            return
        self._now = max(self._now, at)
        self._tick_simulated(at)
        self._pipeline.take(original, payload, kept, at)

    def _take_marker(self, payload: bytes) -> None:
        """Our own marker came back: everything before it was backlog, everything after is live."""
        if payload == self._marker and not self._live:
            self._work_in_held()
            self._live = True
            self._arrived_at = time.monotonic()
            self._asking.ask(self._pipeline.sessions_taken_in())

    def _tick(self) -> None:
        if self._connection.unacknowledged:
            self._arrived_at = time.monotonic()
        if self._simulated:
            return
        self._now = self._clock()
        if self._now - self._ticked_ms < _TICK_MS:
            return
        self._ticked_ms = self._now
        if self._live:
            self._pipeline.tick(self._now)
        if self._settings.ask:
            self._asking.ask(self._pipeline.take_to_ask())
            self._asking.step(self._now)
        self._commit()
        self._trim()

    def _tick_simulated(self, at_ms: int) -> None:
        """On the full minute of the messages' own time, wherever batches and restarts happen to fall."""
        minute = at_ms // _SIMULATED_TICK_MS
        if minute > self._pipeline.latest_ms // _SIMULATED_TICK_MS:
            self._pipeline.tick(minute * _SIMULATED_TICK_MS)

    def _trim(self) -> None:
        """Telemetry, evidence and feed are kept for some days only."""
        if self._now - self._trimmed_ms >= _TRIM_MS:
            self._trimmed_ms = self._now
            self._ledger.trim(self._now - round(self._site.telemetry_days * DAY_MS))
            self._ledger.trim_evidence(self._now - round(self._site.evidence_days * DAY_MS))
            self._ledger.trim_feed(self._now - round(self._site.feed_days * DAY_MS))

    # -- books ------------------------------------------------------------------------------

    def _commit(self) -> None:
        """Book, then acknowledge, then tell."""
        pipeline = self._pipeline
        pipeline.commit(self._now if self._live else pipeline.latest_ms)
        if self._is_in_doubt():
            # What is held back is not booked, and all is acknowledged or nothing.
            return
        self._connection.acknowledge()
        if self._settings.publish_state and not self._simulated and self._live:
            for printer in pipeline.take_changed():
                for topic, payload in topics(self._site.name, printer):
                    self._connection.publish(topic, payload, retain=True)

    def _reopen_ledger(self, error: LedgerUnreachable, stop: Event) -> None:
        """Forget what is not committed and begin again where the ledger stands, once it answers."""
        self._connection.close()
        while not stop.is_set():
            wait = self._back_off.next()
            log.error("%s; trying again in %.1f s, the broker keeps the messages", error, wait)
            stop.wait(wait)
            try:
                self._pipeline = self._new_pipeline()
            except LedgerUnreachable as again:
                error = again
            else:
                self._now = self._pipeline.latest_ms
                return

    def _finish(self) -> None:
        """Book the rest and leave in order."""
        if self._simulated:
            self._pipeline.tick(max(self._now, self._pipeline.latest_ms))
        if self._connection.is_connected:
            self._commit()
            self._connection.close()


def _mark(message: Arrival) -> Mark:
    return Deliveries.mark(message.topic, message.payload)
