"""The collector: broker to pipeline to ledger, for as long as it is wanted.

One thread. A message is acknowledged only after the commit that holds its effects. When broker
or ledger do not answer they are waited for; when the ledger does not, the connection is closed,
everything not committed is forgotten, and the broker sends it again once the ledger is back.
"""

import logging
import time
import uuid
from collections.abc import Sequence
from threading import Event

from collector.canonical import publications
from collector.intake.mqtt import Arrival, Connection
from collector.intake.pipeline import Pipeline
from collector.intake.redelivery import RedeliveryFilter
from collector.intake.sources import SourceTable
from collector.intake.steps import Absence, CaughtUp, PrinterMessage, RememberedMessage, Unreadable, mark_of
from collector.intake.time_source import RealTime, TimeSource
from collector.intake.work import Work
from collector.lease import ShardLease
from collector.sessions.asking import Asking
from collector.sessions.thinning import ThinningSettings
from collector.settings import BrokerSettings, CollectorSettings
from farm.errors import (
    BrokerRefused,
    BrokerUnreachable,
    LeaseLost,
    LedgerError,
    LedgerUnreachable,
    UnreadableMessage,
)
from farm.ledger.collector_ledger import CollectorLedger
from farm.model.clock import Clock, system_clock
from farm.model.times import DAY_MS
from farm.outage import Outage
from farm.settings import PrinterSettings, SiteSettings

log = logging.getLogger(__name__)

WINDOW = 20
"""Brokers hand out so many messages before they wait for acknowledgements, unless set otherwise."""
_IDLE_S = 0.002
_DOUBT_S = 5
_TRIM_MS = 3_600_000
_TRIM_AFTER_MS = 60_000


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
        time_source: TimeSource | None = None,
        drain_seconds: float | None = None,
        clock: Clock = system_clock,
    ) -> None:
        self._ledger = ledger
        self._time = time_source or RealTime(clock)
        self._settings = self._time.adapted(settings or CollectorSettings())
        self._site = site or SiteSettings()
        self._sources = sources
        self._printers = printers
        self._thinning = thinning
        self._drain_seconds = drain_seconds
        client_id = self._settings.client_id
        self._lease = ShardLease(
            ledger,
            client_id,
            simulated=self._time.is_simulated,
            silence_s=self._settings.takeover_seconds,
            clock=clock,
        )
        self._connection = Connection(broker, client_id, on_message=self._arrived)
        level = client_id.replace("+", "-").replace("#", "-")
        self._marker_topic = f"layerline/v1/{self._site.name}/collectors/{level}/marker"
        self._broker_outage = Outage("the broker")
        self._ledger_outage = Outage("the ledger")
        self._logged: set[tuple[str, str]] = set()
        self._work: Work
        self._asking = Asking(self._connection)
        self._marker = b""
        self._live = False
        self._redelivery: RedeliveryFilter | None = None
        self._says_again = False
        self._booked_until: int | None = None
        self._opened_at = 0.0
        self._first_uncommitted = 0.0
        self._arrived_at = 0.0
        self._trimmed_ms = 0

    def run(self, stop: Event) -> None:
        """Collect until `stop` is set or, with a drain time, until nothing has come for so long.

        Raises ConfigurationError, or LedgerError at the very beginning, when going on cannot help, and
        with a drain time BrokerRefused. Else a broker that refuses us is waited for like one that does
        not answer: it may be mended there. So is the ledger; a lease that was lost is stood by for.
        """
        is_done = False
        while not stop.is_set() and not is_done:
            try:
                self._take_shard(stop)
                is_done = self._collect(stop)
            except LeaseLost as error:
                log.warning("%s", error)
                self._connection.close()
        self._leave()

    # -- what may be away -------------------------------------------------------------------

    def _take_shard(self, stop: Event) -> None:
        """Claim the shard and go on from where it stands."""
        while not stop.is_set():
            try:
                self._booked_until = self._lease.take(stop)
                if not stop.is_set():
                    self._work = Work(self._new_pipeline, self._booked)
            except LedgerUnreachable as error:
                stop.wait(self._ledger_outage.failed(error, "waiting for it"))
            else:
                return

    def _collect(self, stop: Event) -> bool:
        """Collect while the shard is ours. True when it is drained. Raises LeaseLost."""
        self._arrived_at = time.monotonic()
        while not stop.is_set():
            try:
                self._open()
                if self._serve(stop):
                    return True
            except (BrokerRefused, BrokerUnreachable) as error:
                if isinstance(error, BrokerRefused) and self._drain_seconds is not None:
                    raise
                self._lease.pause(self._broker_outage.failed(error, "trying again, ever less often"), stop)
            except LeaseLost:
                raise
            except LedgerError as error:
                self._await_ledger(error, stop)
            self._booked_until = self._work.pipeline.latest_ms or self._booked_until
        return False

    def _await_ledger(self, error: LedgerError, stop: Event) -> None:
        """Forget what is not committed and begin again where the ledger stands, once it answers."""
        self._connection.close()
        while not stop.is_set():
            wait_s = self._ledger_outage.failed(error, "waiting for it; the broker keeps the messages")
            self._lease.pause(wait_s, stop)
            try:
                self._work.begin_again()
            except LedgerError as again:
                error = again
            else:
                self._time.now_ms = self._work.pipeline.latest_ms
                return

    def _new_pipeline(self) -> Pipeline:
        return Pipeline(
            self._ledger,
            self._sources,
            site=self._site,
            printers=self._printers,
            settings=self._settings,
            thinning=self._thinning,
            logged=self._logged,
        )

    # -- connection -------------------------------------------------------------------------

    def _open(self) -> None:
        """Connect, subscribe, and send the marker that tells when the backlog is drained."""
        # A connection under our client id ends that of another holder: not without the lease.
        self._ledger.beat()
        self._live = False
        self._opened_at = time.monotonic()
        unconfirmed = () if self._says_again else self._work.pipeline.deliveries.unconfirmed()
        self._redelivery = RedeliveryFilter(unconfirmed)
        # The broker's first messages may come in one piece with its answer.
        self._work.pipeline.repetitions.begin()
        self._connection.connect()
        if not self._connection.session_present:
            self._work_in_held()
            self._book_absence()
        self._marker = uuid.uuid4().hex.encode()
        self._connection.subscribe([*self._time.filters(self._sources), self._marker_topic])
        self._connection.publish(self._marker_topic, self._marker, qos=1)
        log.info(
            "connected as %s, session %s",
            self._settings.client_id,
            "resumed" if self._connection.session_present else "new",
        )

    def _book_absence(self) -> None:
        absence = None if self._booked_until is None else self._time.absence(self._booked_until)
        if absence is not None:
            self._work.give(Absence(*absence))

    def _serve(self, stop: Event) -> bool:
        """Take messages while the connection stands. True when it is drained or is to end."""
        connection = self._connection
        while not stop.is_set():
            idle = not connection.wait(self._patience())
            if not connection.drain(self._settings.commit_messages):
                raise BrokerUnreachable("the connection to the broker was lost")
            self._end_doubt()
            self._tick()
            if self._is_commit_due(idle) and not self._is_in_doubt():
                self._commit()
            self._lease.beat()
            if idle and self._is_drained():
                break
        self._finish()
        return True

    def _is_drained(self) -> bool:
        return (
            self._drain_seconds is not None
            and self._live
            and time.monotonic() - self._arrived_at >= self._drain_seconds
        )

    def _patience(self) -> float:
        """How long to wait for the next message, in seconds."""
        if not self._connection.unacknowledged and not self._work.pipeline.urgent:
            return 0.1 if self._drain_seconds is not None else 0.5
        return _IDLE_S

    def _is_commit_due(self, idle: bool) -> bool:
        waiting, urgent = self._connection.unacknowledged, self._work.pipeline.urgent
        if max(waiting, self._work.size) >= self._settings.commit_messages:
            return True
        if not waiting and not urgent:
            return False
        if idle and (waiting >= WINDOW or urgent):
            return True
        return time.monotonic() - self._first_uncommitted >= self._settings.commit_seconds

    def _is_in_doubt(self) -> bool:
        """Whether messages wait to be told from repetitions; a commit must not acknowledge them yet."""
        return self._redelivery is not None and self._redelivery.is_holding

    def _end_doubt(self) -> None:
        """Take messages that have waited for too long to be told from repetitions as new."""
        if self._is_in_doubt() and time.monotonic() - self._opened_at >= _DOUBT_S:
            self._work_in_held()

    # -- messages ---------------------------------------------------------------------------

    def _arrived(self, message: Arrival) -> None:
        """Work a message in, unless an earlier connection brought it and it was worked in then."""
        if message.again and self._work.pipeline.deliveries.were_taken(message.packet_id, mark_of(message)):
            # A broker that says so needs not be told by the order of its messages.
            self._says_again = True
            self._work_in_held()
            return
        if self._redelivery is None or message.retained or message.packet_id is None:
            self._work_in(message)
        else:
            self._sort(self._redelivery, message)

    def _sort(self, redelivery: RedeliveryFilter, message: Arrival) -> None:
        """Work in what is new, while an earlier connection's messages may come again."""
        mark, pipeline = mark_of(message), self._work.pipeline
        if pipeline.repetitions.knows(mark):
            self._work_in(message)
            return
        if pipeline.is_ahead(message.topic):
            for new in (*redelivery.release_topic(mark.topic), message):
                self._work_in(new)
            return
        fresh, again = redelivery.sort(message, mark)
        for known in again:
            self._work.give(RememberedMessage(known, confirms=False))
        for new in fresh:
            self._work_in(new)
        if redelivery.is_over:
            self._work_in_held()

    def _work_in_held(self) -> None:
        """The broker repeats no more: work in the messages that waited to be told from repetitions."""
        redelivery, self._redelivery = self._redelivery, None
        for new in () if redelivery is None else redelivery.release():
            self._work_in(new)

    def _work_in(self, message: Arrival) -> None:
        source, work, confirms = self._time, self._work, self._redelivery is None
        if not self._connection.unacknowledged:
            self._first_uncommitted = time.monotonic()
        source.look()
        if message.topic == self._marker_topic:
            self._take_marker(message.payload)
            work.give(RememberedMessage(message, self._redelivery is None))
            return
        try:
            moment = source.moment(message, live=self._live)
        except UnreadableMessage as error:
            work.give(Unreadable(message, error.reason, error.detail, source.now_ms, confirms))
            return
        tick_ms = source.tick_before(moment.at_ms, work.pipeline.latest_ms)
        if tick_ms is not None:
            work.look(tick_ms)
        work.give(PrinterMessage(message, moment, confirms, not self._live))

    def _take_marker(self, payload: bytes) -> None:
        """Our own marker came back: everything before it was backlog, everything after is live."""
        if payload == self._marker and not self._live:
            self._work_in_held()
            self._work.give(CaughtUp(self._time.now_ms))
            self._live = True
            self._arrived_at = time.monotonic()
            self._asking.ask(self._work.pipeline.sessions_taken_in())

    def _tick(self) -> None:
        if self._connection.unacknowledged:
            self._arrived_at = time.monotonic()
        now_ms = self._time.tick_due()
        if now_ms is None:
            return
        if self._live:
            self._work.look(now_ms)
        if self._settings.ask:
            self._ask(self._work.pipeline)
            self._asking.step(now_ms)
        self._commit()
        self._trim(now_ms)

    def _trim(self, now_ms: int) -> None:
        """Telemetry, evidence and feed are kept for some days only."""
        if not self._trimmed_ms:
            # Not at once: after a start there is a backlog to be drained.
            self._trimmed_ms = now_ms - _TRIM_MS + _TRIM_AFTER_MS
        if abs(now_ms - self._trimmed_ms) >= _TRIM_MS:
            self._trimmed_ms = now_ms
            self._ledger.trim(now_ms - round(self._site.telemetry_days * DAY_MS))
            self._ledger.trim_evidence(now_ms - round(self._site.evidence_days * DAY_MS))
            self._ledger.trim_feed(now_ms - round(self._site.feed_days * DAY_MS))

    # -- books ------------------------------------------------------------------------------

    def _commit(self) -> None:
        """Book and tell, then acknowledge."""
        self._work.commit(self._time.now_ms if self._live else self._work.pipeline.latest_ms)
        # Waiting messages are not booked yet, and all is acknowledged or nothing.
        if not self._is_in_doubt():
            self._connection.acknowledge()

    def _booked(self, pipeline: Pipeline) -> None:
        """A commit succeeded: keep the lease, end the outage, publish the canonical topics."""
        self._lease.booked()
        self._ledger_outage.over()
        if self._connection.is_connected:
            self._broker_outage.over()
        if self._settings.ask:
            self._ask(pipeline)
        if self._settings.publish_state and self._live:
            self._tell(pipeline)

    def _ask(self, pipeline: Pipeline) -> None:
        self._asking.ask(pipeline.take_to_ask())
        self._asking.ask_estimates(pipeline.take_to_estimate())

    def _tell(self, pipeline: Pipeline) -> None:
        told: list[tuple[str, bytes]] = []
        for printer in pipeline.take_changed():
            try:
                told += publications(self._site.name, printer)
            except Exception:
                # What is told is a copy; the books, which are right, must not wait for it.
                log.exception("cannot tell how printer %r stands", printer.name)
        # What is taken away first: the name that one printer gave up may be another's by now.
        for topic, payload in sorted(told, key=lambda each: each[1] != b""):
            self._connection.publish(topic, payload, retain=True)

    def _finish(self) -> None:
        """Book the rest."""
        tick_ms = self._time.last_tick(self._work.pipeline.latest_ms)
        if tick_ms is not None:
            self._work.look(tick_ms)
        if self._connection.is_connected:
            self._commit()
            self._work.pipeline.finish(self._work.pipeline.latest_ms)

    def _leave(self) -> None:
        """Go in order: the broker keeps the session, and a stand-by may take over at once."""
        self._connection.close()
        if self._ledger_outage.is_on:
            return
        try:
            self._ledger.release()
        except LedgerError as error:
            log.warning("%s; a stand-by elsewhere takes over when it has waited", error)
