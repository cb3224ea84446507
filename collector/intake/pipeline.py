"""From messages to what is booked: the path of every message, without socket or thread.

The pipeline takes messages one by one and gathers their effects; `commit` books them all at
once. Whoever feeds it acknowledges a message only after the commit that followed it.
"""

import logging
from collections.abc import Callable, Iterable, Sequence

from collector.adapters import adapter as adapter_of
from collector.intake.deliveries import Deliveries
from collector.intake.pending import Pending
from collector.intake.sources import Match, SourceTable
from collector.registry import PrinterRegistry
from collector.sessions.session import PrinterSession, encode_tracker
from collector.sessions.source_clock import ClockChange, Placed, is_plausible
from collector.sessions.thinning import ThinningPolicy, ThinningSettings
from collector.settings import CollectorSettings
from collector.tracker import (
    ECHO_MS,
    RENEWED_LINK_MS,
    ContinuityLost,
    Observed,
    Settled,
    SignOfLife,
    Silence,
    TrackerInput,
    advance,
    first_sight,
    needs_settling,
)
from collector.tracker.evidence import bears, evidence_body
from collector.tracker.replay import StoredInput, replay
from farm.errors import UnreadableMessage
from farm.ledger.collector_ledger import CollectorLedger
from farm.ledger.records import Evidence, RejectedMessage, Snapshot, TelemetryRow
from farm.model.feed import FeedEntry, FeedKind
from farm.model.observation import JobSignal, Link, Observation
from farm.model.printer import Address, Printer, session_id
from farm.model.states import PrinterState
from farm.model.times import DAY_MS, SECOND_MS
from farm.settings import PrinterSettings, SiteSettings

log = logging.getLogger(__name__)

BROKER = "main"
"""The name of the one broker in printers' addresses; its network address may change."""
MAX_ROUTES = 500_000
KEPT_BYTES = 65_536
"""So much of a message that cannot be digested is kept."""
_CLOCK_REACH_MS = 7 * DAY_MS
_ENOUGH_EVIDENCE = 200


class Pipeline:
    """The state of all printers at hand, and what the messages since the last commit changed.

    Not safe for use from several threads: one connection feeds one pipeline.
    """

    def __init__(
        self,
        ledger: CollectorLedger,
        sources: SourceTable,
        *,
        site: SiteSettings | None = None,
        printers: Sequence[PrinterSettings] = (),
        settings: CollectorSettings | None = None,
        thinning: ThinningSettings | None = None,
        logged: set[tuple[str, str]] | None = None,
    ) -> None:
        self.ledger = ledger
        self.sources = sources
        settings = settings or CollectorSettings()
        self.sessions: dict[Address, PrinterSession] = {}
        self.changed: dict[str, PrinterSession] = {}
        self.to_ask: dict[str, PrinterSession] = {}
        self.deliveries = Deliveries(ledger.receipts())
        self._registry = PrinterRegistry(site or SiteSettings(), printers, settings)
        self._thinning = ThinningPolicy(thinning or ThinningSettings())
        self._sample_ms = round(settings.telemetry_seconds * SECOND_MS)
        self._routes: dict[str, tuple[PrinterSession, str] | None] = {}
        self._pending = Pending()
        self._unchecked: dict[Address, Printer] = {}
        self._dirty: dict[str, PrinterSession] = {}
        self._logged: set[tuple[str, str]] = set() if logged is None else logged
        self.latest_ms = 0
        self._load()

    def _load(self) -> None:
        """Take up where the last commit left off."""
        checkpoints = {stored.printer_id: stored for stored in self.ledger.checkpoints()}
        stored_sessions = {stored.id: stored for stored in self.ledger.sessions()}
        booked_here = self.ledger.printers_booked_here()
        for printer, addresses in self.ledger.known_printers():
            self._registry.take(printer)
            checkpoint = checkpoints.get(printer.id)
            for address in addresses:
                stored = stored_sessions.get(session_id(address))
                # Another shard's printers are left to it; those that we booked stay ours without a source.
                if not (printer.id in booked_here or self.sources.reads(address.adapter, address.prefix)):
                    continue
                if checkpoint is None or stored is None:
                    # A ledger that was rebuilt knows the printer, but not where its tracker stood.
                    self._unchecked[address] = printer
                    continue
                labelled = self._registry.labelled(printer, address)
                session = PrinterSession.restored(
                    labelled, adapter_of(address.adapter), address.prefix, checkpoint, stored
                )
                self.sessions[address] = session
                self.latest_ms = max(self.latest_ms, session.heard_ms)
                if session.printer != printer or printer.id not in booked_here:
                    self._pending.printers.append(session.printer)

    # -- one message ------------------------------------------------------------------------

    def take(self, topic: str, payload: bytes, retained: bool, received_ms: int, live: bool = True) -> None:
        """Work one message in. `received_ms` is now; `live` is false while a backlog is drained.

        Never raises for what a message holds: what cannot be read is counted and passed over.
        """
        try:
            route = self._routes[topic]
        except KeyError:
            # What waited in a queue is from before now; what the broker keeps is told now.
            waited = not (live or retained) and self.latest_ms > 0
            route = self._route(
                topic, received_ms, min(received_ms, self.latest_ms) if waited else received_ms
            )
        if route is None:
            return
        session, suffix = route
        try:
            reading = session.adapter.read(session.memory, suffix, payload, retained)
        except UnreadableMessage as error:
            self.fault(session.source, error.reason, received_ms, f"{topic}: {error.detail}")
            return
        if reading is None:
            return
        at = self._when(session, reading.time_ms, received_ms, live or retained, topic)
        if at is None:
            return
        gap = at - session.heard_ms
        report_interval = session.report_interval
        if gap * 2 > report_interval.stated_ms or report_interval.limit_ms > report_interval.stated_ms:
            report_interval.hear(gap)
            if gap > report_interval.limit_ms:
                self._silence(session)
        if reading.observations:
            for observation in reading.observations:
                self._observe(session, at, received_ms, observation)
        elif session.tracker.before_silence is not None and at > session.heard_ms:
            if self._was_not_silent(session, at):
                self._late(session, at, received_ms, SignOfLife(), None)
            else:
                self._input(session, at, received_ms, SignOfLife(), None)
        self._hear(session, at)

    def _hear(self, session: PrinterSession, at: int) -> None:
        """The printer was heard at `at`."""
        if at > session.heard_ms:
            session.heard_ms = at
            if at > self.latest_ms:
                self.latest_ms = at
        if not session.dirty:
            session.dirty = True
            self._dirty[session.printer.id] = session
        if at >= session.next_sample_ms:
            self._sample(session, at)

    def _when(
        self, session: PrinterSession, time_ms: int | None, received_ms: int, live: bool, topic: str
    ) -> int | None:
        """When the message happened, None when its time cannot be meant."""
        if time_ms is not None:
            return self._place(session, time_ms, received_ms, live, topic)
        if live:
            return received_ms
        # From a backlog and without a time of its own: not before what was drained already.
        return min(received_ms, max(session.heard_ms, self.latest_ms))

    def _place(
        self, session: PrinterSession, time_ms: int, received_ms: int, live: bool, topic: str
    ) -> int | None:
        if not is_plausible(session.adapter.clock, time_ms, received_ms):
            self.fault(session.source, "absurd_time", received_ms, f"{topic}: {time_ms} ms")
            return None
        placed = session.place(
            time_ms, received_ms, live=live, floor_ms=max(session.heard_ms, min(self.latest_ms, received_ms))
        )
        if isinstance(placed, Placed):
            self._clock_moved(session, placed)
            return placed.at_ms
        return placed

    def _clock_moved(self, session: PrinterSession, placed: Placed) -> None:
        """Put right what was booked with the offset that is now known to be wrong."""
        offset = placed.clock.offset_ms or 0
        if placed.finding is ClockChange.CORRECTED:
            log.warning(
                "clock of printer %s jumped by %d ms; corrected for", session.printer.name, -placed.moved_ms
            )

        def shifted(place: StoredInput) -> int:
            if place.body.source_ms is None or place.evidence.received_ms < placed.since_ms:
                return place.evidence.at_ms
            return place.body.source_ms + offset

        before = min(placed.since_ms, placed.at_ms) - _CLOCK_REACH_MS
        self._rerun(session, before, shifted, "clock")

    def _silence(self, session: PrinterSession) -> None:
        """Book that nothing was heard for longer than the adapter's limit."""
        if session.tracker.state in _UNSEEN:
            return
        self._input(session, max(session.heard_ms, session.tracker.at_ms), session.heard_ms, Silence(), None)

    def _observe(self, session: PrinterSession, at: int, received_ms: int, seen: Observation) -> None:
        tracker = session.tracker
        if seen.since_ms is not None and seen.time_ms is not None:
            at = max(tracker.at_ms, at - (seen.time_ms - seen.since_ms))
        if seen.link is Link.ONLINE and not seen.retained:
            if tracker.link is Link.ONLINE and at - session.heard_ms > RENEWED_LINK_MS:
                session.adapter.forget(session.memory)
            if tracker.link is not Link.ONLINE or at - session.heard_ms > RENEWED_LINK_MS:
                self.to_ask[session.printer.id] = session
        if seen.signal is JobSignal.LOST or seen.state is PrinterState.UNKNOWN:
            self.to_ask[session.printer.id] = session
        if seen.state is PrinterState.UNKNOWN and seen.detail and seen.detail.startswith("state "):
            self.fault(session.source, "unknown_state", received_ms, f"{session.printer.name}: {seen.detail}")
        if needs_settling(tracker, at):
            self._settle(session)
            tracker = session.tracker
        given = Observed(seen, min(at, session.heard_ms))
        if tracker.at_ms - at > ECHO_MS or self._was_not_silent(session, at):
            self._late(session, at, received_ms, given, seen)
            return
        self._input(session, max(at, tracker.at_ms), received_ms, given, seen)

    @staticmethod
    def _was_not_silent(session: PrinterSession, at: int) -> bool:
        """Whether a message that came late shows that what was booked as silence was none."""
        tracker = session.tracker
        return (
            tracker.before_silence is not None and 0 <= at - tracker.at_ms <= session.report_interval.limit_ms
        )

    def _input(
        self,
        session: PrinterSession,
        at: int,
        received_ms: int,
        given: TrackerInput,
        seen: Observation | None,
    ) -> None:
        """Advance the tracker; what bears on state or job is evidence."""
        before = session.tracker
        tracker, booking = advance(before, at, given)
        if not bears(before, tracker, seen):
            return
        session.tracker = tracker
        ordinal = session.evidence[1] + 1 if session.evidence[0] == at else 0
        session.evidence = (at, ordinal)
        printer = session.printer.id
        body = evidence_body(session, given, received_ms, seen)
        self._pending.evidence.append(Evidence(printer, at, ordinal, received_ms, body))
        self._pending.book(printer, booking)
        session.evidence_since_snapshot += 1
        ended = before.attempt is not None and tracker.attempt is None
        if ended or session.evidence_since_snapshot >= _ENOUGH_EVIDENCE:
            session.evidence_since_snapshot = 0
            self._pending.snapshots.append(Snapshot(printer, at, ordinal, encode_tracker(tracker)))
        self._touch(session)

    def _touch(self, session: PrinterSession) -> None:
        session.dirty = True
        self._dirty[session.printer.id] = session
        self.changed[session.printer.id] = session

    def _late(
        self,
        session: PrinterSession,
        at: int,
        received_ms: int,
        given: TrackerInput,
        seen: Observation | None,
    ) -> None:
        """Put an input that came late into its place and run the printer again from there."""
        at = max(at, session.printer.first_seen_ms)
        body = evidence_body(session, given, received_ms, seen)
        self._rerun(
            session, at, None, "late evidence", Evidence(session.printer.id, at, 0, received_ms, body)
        )

    def _rerun(
        self,
        session: PrinterSession,
        at: int | None,
        shifted: Callable[[StoredInput], int] | None,
        why: str,
        extra: Evidence | None = None,
    ) -> None:
        self.commit(self.latest_ms)
        batch = replay(self.ledger, session, at, shifted=shifted, extra=extra, why=why, now_ms=self.latest_ms)
        if batch is not None:
            batch.booked_until_ms = self.latest_ms
            self.ledger.commit(batch)
            self._touch(session)

    def _sample(self, session: PrinterSession, at: int) -> None:
        session.next_sample_ms = at + self._sample_ms
        kept = self._thinning.keep(session.thinner, at, session.adapter.telemetry(session.memory))
        if kept is not None:
            self._pending.telemetry.append(TelemetryRow(session.printer.id, at, kept))

    # -- printers ---------------------------------------------------------------------------

    def _route(self, topic: str, received_ms: int, seen_ms: int) -> tuple[PrinterSession, str] | None:
        """Find, or make, the session that the topic belongs to."""
        found = self.sources.match(topic)
        if found is None:
            if not self._is_known_prefix(topic):
                self.fault("-", "unknown_topic", received_ms, topic)
            elif len(self._routes) < MAX_ROUTES:
                self._routes[topic] = None
            return None
        if not found.printer.isprintable() or len(found.printer) > 100:
            self.fault(found.source, "bad_printer_name", received_ms, repr(topic)[:200])
            return None
        address = Address(BROKER, found.adapter.kind, found.prefix)
        session = self.sessions.get(address)
        if session is None:
            session = self._appear(address, found, seen_ms)
            if session is None:
                return None
        route = None if session.printer.ignored else (session, found.suffix)
        session.source = found.source
        if len(self._routes) < MAX_ROUTES:
            self._routes[topic] = route
        return route

    def _is_known_prefix(self, topic: str) -> bool:
        """Whether the topic is one that a known printer publishes and that we have no use for."""
        return any(topic.startswith(f"{address.prefix}/") for address in self.sessions)

    def _appear(self, address: Address, found: Match, seen_ms: int) -> PrinterSession | None:
        """A printer announces itself by publishing."""
        refused = self._registry.refuses(found.printer, address, len(self.sessions))
        if refused is not None:
            self.fault(found.source, refused, seen_ms, found.prefix)
            return None
        known = self._unchecked.pop(address, None)
        if known is None:
            printer = self._registry.newcomer(found.printer, address, seen_ms)
        else:
            printer = self._registry.labelled(known, address)
        tracker, booking = first_sight(printer.id, seen_ms)
        session = PrinterSession(printer, found.adapter, found.prefix, found.source, tracker)
        self.sessions[address] = session
        self._pending.printers.append(printer)
        self._pending.addresses.append((address, printer.id))
        self._pending.book(printer.id, booking)
        self._pending.feed.append(
            FeedEntry(
                kind=FeedKind.PRINTER_APPEARED,
                at_ms=seen_ms,
                printer_id=printer.id,
                body={"name": printer.name, "adapter": printer.adapter},
            )
        )
        self.to_ask[session.printer.id] = session
        self._touch(session)
        return session

    # -- time -------------------------------------------------------------------------------

    def tick(self, now_ms: int) -> None:
        """Notification silence and ends that did not come. Only while messages come live."""
        self.latest_ms = max(self.latest_ms, now_ms)
        for session in self.sessions.values():
            if (
                now_ms - session.heard_ms > session.report_interval.limit_ms
                and session.tracker.state not in _UNSEEN
            ):
                self._silence(session)
            if needs_settling(session.tracker, now_ms):
                self._settle(session)

    def _settle(self, session: PrinterSession) -> None:
        self._input(session, max(session.tracker.at_ms, session.heard_ms), session.heard_ms, Settled(), None)

    def continuity_lost(self, from_ms: int, until_ms: int) -> None:
        """We or the broker were away: what the printers did meanwhile is not known."""
        for session in self.sessions.values():
            begins = max(session.tracker.at_ms, min(from_ms, until_ms))
            session.adapter.forget(session.memory)
            self._input(session, begins, until_ms, ContinuityLost(max(until_ms, begins)), None)

    # -- books ------------------------------------------------------------------------------

    def fault(self, source: str, reason: str, at_ms: int, sample: str) -> None:
        """Count a message that is dropped; log it once for each source and reason."""
        shown = sample if sample.isprintable() else repr(sample)
        self._pending.fault(source, reason, at_ms, shown[:300])
        if (source, reason) not in self._logged:
            self._logged.add((source, reason))
            log.warning(
                "dropped a message of source %s: %s (%s); further ones are only counted",
                source,
                reason,
                shown[:300],
            )

    def put_aside(self, topic: str, payload: bytes, reason: str, at_ms: int, detail: str) -> None:
        """Count a message that nobody can digest, and keep it for looking at."""
        found = self.sources.match(topic)
        source = "-" if found is None else found.source
        self.fault(source, reason, at_ms, f"{topic}: {detail}")
        self._pending.rejected.append(
            RejectedMessage(
                at_ms=at_ms,
                source=source,
                reason=reason,
                topic=_shown(topic),
                detail=_shown(detail),
                size=len(payload),
                payload=payload[:KEPT_BYTES],
            )
        )

    @property
    def urgent(self) -> bool:
        """Whether somebody waits for what the next commit holds."""
        return self._pending.urgent

    def commit(self, booked_until_ms: int) -> None:
        """Book everything taken so far, durably. Raises what the ledger raises; nothing is lost then."""
        batch = self._pending.batch()
        batch.checkpoints = [session.checkpoint() for session in self._dirty.values()]
        batch.sessions = [session.record() for session in self._dirty.values()]
        batch.booked_until_ms = booked_until_ms
        batch.receipt, batch.receipts_confirmed = self.deliveries.receipt(), self.deliveries.confirmed
        self.ledger.commit(batch)
        self.deliveries.committed()
        for session in self._dirty.values():
            session.dirty = False
        self._dirty = {}
        self._pending = Pending()

    def take_changed(self) -> Iterable[PrinterSession]:
        """The sessions whose state or job changed since this was last asked."""
        changed, self.changed = list(self.changed.values()), {}
        return changed


_UNSEEN = frozenset({PrinterState.UNKNOWN, PrinterState.OFFLINE, PrinterState.MAINTENANCE})


def _shown(text: str) -> str:
    """A text that any database can hold."""
    return (text if text.isprintable() else repr(text))[:1_000]
