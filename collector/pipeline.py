"""From messages to what is booked: the path of every message, without socket or thread.

The pipeline takes messages one by one and gathers their effects; `commit` books them all at
once. Whoever feeds it acknowledges a message only after the commit that followed it.
"""

import logging
from collections.abc import Callable, Iterable, Sequence

from collector.adapters import adapter as adapter_of
from collector.deliveries import Deliveries
from collector.desk import Desk, encode_track
from collector.evidence import bears, evidence_body
from collector.pending import Pending
from collector.rerun import Place, rerun
from collector.roster import Roster
from collector.settings import CollectorSettings
from collector.source_clock import Finding, Placed, is_plausible
from collector.sources import Match, SourceTable
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
from farm.errors import UnreadableMessage
from farm.model.feed import FeedEntry, FeedKind
from farm.model.observation import JobSignal, Link, Observation
from farm.model.printer import Address, Printer
from farm.model.states import PrinterState
from farm.model.times import DAY_MS, SECOND_MS
from farm.settings import PrinterSettings, SiteSettings
from farm.storage.ledger_port import CollectorLedger, Evidence, Milestone, TelemetryRow
from farm.storage.thinning import ThinningPolicy, ThinningSettings

log = logging.getLogger(__name__)

BROKER = "main"
"""The name of the one broker in printers' addresses; its network address may change."""
MAX_ROUTES = 500_000
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
    ) -> None:
        self.ledger = ledger
        self.sources = sources
        settings = settings or CollectorSettings()
        self.desks: dict[Address, Desk] = {}
        self.changed: dict[str, Desk] = {}
        self.to_ask: dict[str, Desk] = {}
        self.deliveries = Deliveries(ledger.receipts())
        self._roster = Roster(site or SiteSettings(), printers, settings)
        self._thinning = ThinningPolicy(thinning or ThinningSettings())
        self._sample_ms = round(settings.telemetry_seconds * SECOND_MS)
        self._routes: dict[str, tuple[Desk, str] | None] = {}
        self._pending = Pending()
        self._unchecked: dict[Address, Printer] = {}
        self._dirty: dict[str, Desk] = {}
        self._logged: set[tuple[str, str]] = set()
        self.latest_ms = 0
        self._load()

    def _load(self) -> None:
        """Take up where the last commit left off."""
        checkpoints = {stored.printer_id: stored for stored in self.ledger.checkpoints()}
        booked_here = self.ledger.printers_booked_here()
        for printer, addresses in self.ledger.known_printers():
            self._roster.take(printer)
            stored = checkpoints.get(printer.id)
            for address in addresses:
                # Another shard's printers are left to it; those that we booked stay ours without a source.
                if not (printer.id in booked_here or self.sources.reads(address.adapter, address.prefix)):
                    continue
                if stored is None:
                    # A ledger that was rebuilt knows the printer, but not where its tracker stood.
                    self._unchecked[address] = printer
                    continue
                labelled = self._roster.labelled(printer, address)
                desk = Desk.restored(labelled, adapter_of(address.adapter), address.prefix, stored)
                self.desks[address] = desk
                self.latest_ms = max(self.latest_ms, desk.heard_ms)
                if desk.printer != printer or printer.id not in booked_here:
                    self._pending.printers.append(desk.printer)

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
        desk, suffix = route
        try:
            reading = desk.adapter.read(desk.memory, suffix, payload, retained)
        except UnreadableMessage as error:
            self.fault(desk.source, error.reason, received_ms, f"{topic}: {error.detail}")
            return
        if reading is None:
            return
        at = self._when(desk, reading.time_ms, received_ms, live or retained, topic)
        if at is None:
            return
        gap = at - desk.heard_ms
        cadence = desk.cadence
        if gap * 2 > cadence.stated_ms or cadence.limit_ms > cadence.stated_ms:
            cadence.hear(gap)
            if gap > cadence.limit_ms:
                self._silence(desk)
        if reading.observations:
            for observation in reading.observations:
                self._observe(desk, at, received_ms, observation)
        elif desk.track.before_silence is not None and at > desk.heard_ms:
            if self._was_not_silent(desk, at):
                self._late(desk, at, received_ms, SignOfLife(), None)
            else:
                self._input(desk, at, received_ms, SignOfLife(), None)
        self._hear(desk, at)

    def _hear(self, desk: Desk, at: int) -> None:
        """The printer was heard at `at`."""
        if at > desk.heard_ms:
            desk.heard_ms = at
            if at > self.latest_ms:
                self.latest_ms = at
        if not desk.dirty:
            desk.dirty = True
            self._dirty[desk.printer.id] = desk
        if at >= desk.next_sample_ms:
            self._sample(desk, at)

    def _when(self, desk: Desk, time_ms: int | None, received_ms: int, live: bool, topic: str) -> int | None:
        """When the message happened, None when its time cannot be meant."""
        if time_ms is not None:
            return self._place(desk, time_ms, received_ms, live, topic)
        if live:
            return received_ms
        # From a backlog and without a time of its own: not before what was drained already.
        return min(received_ms, max(desk.heard_ms, self.latest_ms))

    def _place(self, desk: Desk, time_ms: int, received_ms: int, live: bool, topic: str) -> int | None:
        if not is_plausible(desk.adapter.clock, time_ms, received_ms):
            self.fault(desk.source, "absurd_time", received_ms, f"{topic}: {time_ms} ms")
            return None
        placed = desk.place(
            time_ms, received_ms, live=live, floor_ms=max(desk.heard_ms, min(self.latest_ms, received_ms))
        )
        if isinstance(placed, Placed):
            self._clock_moved(desk, placed)
            return placed.at_ms
        return placed

    def _clock_moved(self, desk: Desk, placed: Placed) -> None:
        """Put right what was booked with the offset that is now known to be wrong."""
        offset = placed.clock.offset_ms or 0
        if placed.finding is Finding.CORRECTED:
            log.warning(
                "clock of printer %s jumped by %d ms; corrected for", desk.printer.name, -placed.moved_ms
            )

        def shifted(place: Place) -> int:
            if place.body.source_ms is None or place.evidence.received_ms < placed.since_ms:
                return place.evidence.at_ms
            return place.body.source_ms + offset

        before = min(placed.since_ms, placed.at_ms) - _CLOCK_REACH_MS
        self._rerun(desk, before, shifted, "clock")

    def _silence(self, desk: Desk) -> None:
        """Book that nothing was heard for longer than the adapter's limit."""
        if desk.track.state in _UNSEEN:
            return
        self._input(desk, max(desk.heard_ms, desk.track.at_ms), desk.heard_ms, Silence(), None)

    def _observe(self, desk: Desk, at: int, received_ms: int, seen: Observation) -> None:
        track = desk.track
        if seen.since_ms is not None and seen.time_ms is not None:
            at = max(track.at_ms, at - (seen.time_ms - seen.since_ms))
        if seen.link is Link.ONLINE and not seen.retained:
            if track.link is Link.ONLINE and at - desk.heard_ms > RENEWED_LINK_MS:
                desk.adapter.forget(desk.memory)
            if track.link is not Link.ONLINE or at - desk.heard_ms > RENEWED_LINK_MS:
                self.to_ask[desk.printer.id] = desk
        if seen.signal is JobSignal.LOST or seen.state is PrinterState.UNKNOWN:
            self.to_ask[desk.printer.id] = desk
        if seen.state is PrinterState.UNKNOWN and seen.detail and seen.detail.startswith("state "):
            self.fault(desk.source, "unknown_state", received_ms, f"{desk.printer.name}: {seen.detail}")
        if needs_settling(track, at):
            self._settle(desk)
            track = desk.track
        given = Observed(seen, min(at, desk.heard_ms))
        if track.at_ms - at > ECHO_MS or self._was_not_silent(desk, at):
            self._late(desk, at, received_ms, given, seen)
            return
        self._input(desk, max(at, track.at_ms), received_ms, given, seen)

    @staticmethod
    def _was_not_silent(desk: Desk, at: int) -> bool:
        """Whether a message that came late shows that what was booked as silence was none."""
        track = desk.track
        return track.before_silence is not None and 0 <= at - track.at_ms <= desk.cadence.limit_ms

    def _input(
        self, desk: Desk, at: int, received_ms: int, given: TrackerInput, seen: Observation | None
    ) -> None:
        """Advance the tracker; what bears on state or job is evidence."""
        before = desk.track
        track, booking = advance(before, at, given)
        if not bears(before, track, seen):
            return
        desk.track = track
        ordinal = desk.evidence[1] + 1 if desk.evidence[0] == at else 0
        desk.evidence = (at, ordinal)
        printer = desk.printer.id
        body = evidence_body(desk, given, received_ms, seen)
        self._pending.evidence.append(Evidence(printer, at, ordinal, received_ms, body))
        self._pending.book(printer, booking)
        desk.evidence_since_milestone += 1
        ended = before.attempt is not None and track.attempt is None
        if ended or desk.evidence_since_milestone >= _ENOUGH_EVIDENCE:
            desk.evidence_since_milestone = 0
            self._pending.milestones.append(Milestone(printer, at, ordinal, encode_track(track)))
        self._touch(desk)

    def _touch(self, desk: Desk) -> None:
        desk.dirty = True
        self._dirty[desk.printer.id] = desk
        self.changed[desk.printer.id] = desk

    def _late(
        self, desk: Desk, at: int, received_ms: int, given: TrackerInput, seen: Observation | None
    ) -> None:
        """Put an input that came late into its place and run the printer again from there."""
        at = max(at, desk.printer.first_seen_ms)
        body = evidence_body(desk, given, received_ms, seen)
        self._rerun(desk, at, None, "late evidence", Evidence(desk.printer.id, at, 0, received_ms, body))

    def _rerun(
        self,
        desk: Desk,
        at: int | None,
        shifted: Callable[[Place], int] | None,
        why: str,
        extra: Evidence | None = None,
    ) -> None:
        self.commit(self.latest_ms)
        batch = rerun(self.ledger, desk, at, shifted=shifted, extra=extra, why=why, now_ms=self.latest_ms)
        if batch is not None:
            batch.booked_until_ms = self.latest_ms
            self.ledger.commit(batch)
            self._touch(desk)

    def _sample(self, desk: Desk, at: int) -> None:
        desk.next_sample_ms = at + self._sample_ms
        kept = self._thinning.keep(desk.thinner, at, desk.adapter.telemetry(desk.memory))
        if kept is not None:
            self._pending.telemetry.append(TelemetryRow(desk.printer.id, at, kept))

    # -- printers ---------------------------------------------------------------------------

    def _route(self, topic: str, received_ms: int, seen_ms: int) -> tuple[Desk, str] | None:
        """Find, or make, the desk that the topic belongs to."""
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
        desk = self.desks.get(address)
        if desk is None:
            desk = self._appear(address, found, seen_ms)
            if desk is None:
                return None
        route = None if desk.printer.ignored else (desk, found.suffix)
        desk.source = found.source
        if len(self._routes) < MAX_ROUTES:
            self._routes[topic] = route
        return route

    def _is_known_prefix(self, topic: str) -> bool:
        """Whether the topic is one that a known printer publishes and that we have no use for."""
        return any(topic.startswith(f"{address.prefix}/") for address in self.desks)

    def _appear(self, address: Address, found: Match, seen_ms: int) -> Desk | None:
        """A printer announces itself by publishing."""
        refused = self._roster.refuses(found.printer, address, len(self.desks))
        if refused is not None:
            self.fault(found.source, refused, seen_ms, found.prefix)
            return None
        known = self._unchecked.pop(address, None)
        if known is None:
            printer = self._roster.newcomer(found.printer, address, seen_ms)
        else:
            printer = self._roster.labelled(known, address)
        track, booking = first_sight(printer.id, seen_ms)
        desk = Desk(printer, found.adapter, found.prefix, found.source, track)
        self.desks[address] = desk
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
        self.to_ask[desk.printer.id] = desk
        self._touch(desk)
        return desk

    # -- time -------------------------------------------------------------------------------

    def tick(self, now_ms: int) -> None:
        """Notice silence and ends that did not come. Only while messages come live."""
        self.latest_ms = max(self.latest_ms, now_ms)
        for desk in self.desks.values():
            if now_ms - desk.heard_ms > desk.cadence.limit_ms and desk.track.state not in _UNSEEN:
                self._silence(desk)
            if needs_settling(desk.track, now_ms):
                self._settle(desk)

    def _settle(self, desk: Desk) -> None:
        self._input(desk, max(desk.track.at_ms, desk.heard_ms), desk.heard_ms, Settled(), None)

    def continuity_lost(self, from_ms: int, until_ms: int) -> None:
        """We or the broker were away: what the printers did meanwhile is not known."""
        for desk in self.desks.values():
            begins = max(desk.track.at_ms, min(from_ms, until_ms))
            desk.adapter.forget(desk.memory)
            self._input(desk, begins, until_ms, ContinuityLost(max(until_ms, begins)), None)

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

    @property
    def urgent(self) -> bool:
        """Whether somebody waits for what the next commit holds."""
        return self._pending.urgent

    def commit(self, booked_until_ms: int) -> None:
        """Book everything taken so far, durably. Raises what the ledger raises; nothing is lost then."""
        batch = self._pending.batch()
        batch.checkpoints = [desk.checkpoint() for desk in self._dirty.values()]
        batch.booked_until_ms = booked_until_ms
        batch.receipt, batch.receipts_confirmed = self.deliveries.receipt(), self.deliveries.confirmed
        self.ledger.commit(batch)
        self.deliveries.committed()
        for desk in self._dirty.values():
            desk.dirty = False
        self._dirty = {}
        self._pending = Pending()

    def take_changed(self) -> Iterable[Desk]:
        """The desks whose state or job changed since this was last asked."""
        changed, self.changed = list(self.changed.values()), {}
        return changed


_UNSEEN = frozenset({PrinterState.UNKNOWN, PrinterState.OFFLINE, PrinterState.MAINTENANCE})
