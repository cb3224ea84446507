"""From messages to the ledger: the path of every message, without socket or thread.

The pipeline takes messages one by one and gathers their effects; `commit` writes them all at
once. Whoever feeds it acknowledges a message only after the commit that followed it.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from typing import Any

from collector.adapters.base import ClockKind, Reading
from collector.intake.addresses import AddressBook, Route
from collector.intake.deliveries import Deliveries, Mark
from collector.intake.inbox import Inbox
from collector.intake.known_messages import KnownMessages
from collector.intake.ledger_writer import COLLECTOR, LedgerWriter
from collector.intake.repetition import RepetitionFilter
from collector.intake.sources import SourceTable
from collector.printers.evidence import evidence_body
from collector.printers.history import evidence_of_rows, older_rows, rows_before
from collector.printers.other_addresses import beside_others
from collector.printers.registry import PrinterRegistry
from collector.printers.replay import Revised, shifted_by
from collector.printers.tracked import TrackedPrinter
from collector.sessions.session import PrinterSession
from collector.sessions.source_clock import RESTART_MS, ClockChange, Placed, is_plausible
from collector.sessions.thinning import ThinningPolicy, ThinningSettings
from collector.sessions.trail import HeldMessage
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
    needs_settling,
)
from farm.errors import LedgerError, UnreadableMessage
from farm.ledger.collector_ledger import CollectorLedger
from farm.ledger.records import Evidence, TelemetryRow
from farm.model.observation import JobSignal, Link, Observation
from farm.model.states import PrinterState
from farm.model.times import DAY_MS, MINUTE_MS, SECOND_MS
from farm.settings import PrinterSettings, SiteSettings

log = logging.getLogger(__name__)

_CLOCK_REACH_MS = 7 * DAY_MS
_UNSEEN = frozenset({PrinterState.UNKNOWN, PrinterState.OFFLINE, PrinterState.MAINTENANCE})


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
        settings = settings or CollectorSettings()
        self.deliveries = Deliveries(ledger.receipts())
        self._known = KnownMessages(ledger)
        self.repetitions = RepetitionFilter(self._known)
        self._writer = LedgerWriter(ledger, self.deliveries, self._known, set() if logged is None else logged)
        self._registry = PrinterRegistry(site or SiteSettings(), printers, settings)
        self._book = AddressBook(ledger, sources, self._registry, self._writer)
        self._inbox = Inbox(ledger, self._book, self._registry, self._writer)
        self._routes = self._book.routes
        self._thinning = ThinningPolicy(thinning or ThinningSettings())
        self._sample_ms = round(settings.telemetry_seconds * SECOND_MS)
        self._memory_before: Any = None
        self.latest_ms = self._book.latest_ms

    # -- one message ------------------------------------------------------------------------

    def take(
        self,
        topic: str,
        payload: bytes,
        retained: bool,
        received_ms: int,
        live: bool = True,
        mark: Mark | None = None,
        waited: bool = False,
    ) -> None:
        """Work one message in. `received_ms` is now; `live` is false while a backlog is drained.

        One with a `mark`, which the broker may send again, is passed over where it was worked in
        before; `waited` says that it stood in the broker's queue. Never raises for what a message
        holds: what cannot be read is counted and passed over, and so is what meets an exception
        that nobody foresaw. Raises what the ledger raises.
        """
        try:
            route = self._routes[topic]
        except KeyError:
            route = self._find(topic, payload, retained, received_ms, live)
        if route is None:
            return
        if mark is None or retained:
            self._take_new(route, topic, payload, retained, received_ms, live)
            return
        repetitions = self.repetitions
        if waited and topic not in repetitions.settled:
            at = received_ms if live else min(received_ms, max(route.session.heard_ms, self.latest_ms))
            if not self._is_new(route, HeldMessage(topic, route.suffix, payload, at, *mark)):
                return
        has_time = self._take_new(route, topic, payload, False, received_ms, live, mark, waited)
        if has_time:
            repetitions.remember_timed(mark, route.session.trail)
        elif has_time is not None:
            repetitions.remember(mark, route.session.trail)

    def _is_new(self, route: Route, message: HeldMessage) -> bool:
        """Whether a message of a queue is to be worked in now; works in what was held before it."""
        session = route.session
        held = session.trail.held
        is_new, released = self.repetitions.judge(session.id, message, session.trail)
        self._take_released(route, released)
        if session.trail.held is not held:
            self._writer.moved(session)
        return is_new

    def _take_released(self, route: Route, released: Iterable[HeldMessage]) -> None:
        for held in released:
            self._take_new(
                route._replace(suffix=held.suffix), held.topic, held.payload, False, held.at_ms, True
            )
            mark = Mark(held.topic_sum, held.payload_sum)
            self.repetitions.remember(mark, route.session.trail)

    def caught_up(self) -> None:
        """Everything that waited at the broker has come: what was held is new."""
        for session in self._book.sessions.values():
            released, session.trail.held = session.trail.held, []
            if released:
                self._writer.moved(session)
                self._take_released(Route(self._book.printers[session.printer_id], session, ""), released)

    def is_ahead(self, topic: str) -> bool:
        """Whether the printer of the topic said something new since the connection was made."""
        route = self._routes.get(topic)
        return route is not None and self.repetitions.is_ahead(route.session.id)

    def _take_new(
        self,
        route: Route,
        topic: str,
        payload: bytes,
        retained: bool,
        received_ms: int,
        live: bool,
        mark: Mark | None = None,
        waited: bool = False,
    ) -> bool | None:
        """Work in what the message says; whether it says when it was, None where it came again after all."""
        session = route.session
        before = session.mark()
        self._memory_before = before.memory
        has_time = False
        try:
            reading = session.adapter.read(session.memory, route.suffix, payload, retained)
            if reading is None:
                return False
            time_ms = reading.time_ms
            if time_ms is not None:
                has_time = True
                fell = time_ms < session.highest_ms - RESTART_MS
                if fell and mark is not None and self._is_of_old(session, time_ms, received_ms, mark, waited):
                    session.go_back(before)
                    return None
            self._work_in(route, topic, reading, received_ms, live or retained)
        except UnreadableMessage as error:
            session.go_back(before)
            self._writer.fault(session.source, error.reason, received_ms, f"{topic}: {error.detail}")
        except LedgerError:
            raise
        except Exception as error:  # noqa: BLE001  no message may stop the collector
            session.go_back(before)
            self._writer.reject(session.source, topic, payload, received_ms, error)
        return has_time

    def _is_of_old(
        self, session: PrinterSession, time_ms: int, received_ms: int, mark: Mark, waited: bool
    ) -> bool:
        """Whether a message from long before the newest was worked in then, and no clock fell.

        What waited and may have been forgotten is told by the host's uptime: one that started anew
        since it was last heard cannot be up for longer than that.
        """
        if self.repetitions.knows(mark):
            return True
        up_ms = time_ms if session.adapter.clock is ClockKind.MONOTONIC else 0
        return waited and self._known.is_cut and up_ms > received_ms - session.heard_ms + MINUTE_MS

    def _find(self, topic: str, payload: bytes, retained: bool, received_ms: int, live: bool) -> Route | None:
        # What waited in a queue is from before now; what the broker keeps is told now.
        waited = not (live or retained) and self.latest_ms > 0
        seen_ms = min(received_ms, self.latest_ms) if waited else received_ms
        try:
            return self._book.find(topic, received_ms, seen_ms)
        except LedgerError:
            raise
        except Exception as error:  # noqa: BLE001  no topic may stop the collector
            self._writer.reject("-", topic, payload, received_ms, error)
            return None

    def _work_in(self, route: Route, topic: str, reading: Reading, received_ms: int, live: bool) -> None:
        printer, session, _ = route
        for field in reading.refused:
            self._writer.fault(session.source, "bad_field", received_ms, f"{topic}: {field}")
        at = self._when(printer, session, reading.time_ms, received_ms, live, topic)
        if at is None:
            return
        session.hear_gap(at - session.heard_ms)
        last_heard = printer.last_heard or session
        was_silent = at - printer.heard_ms > last_heard.report_interval.limit_ms
        if reading.observations or was_silent or printer.tracker.before_silence is not None:
            self._tell_tracker(printer, session, reading, at, received_ms, live)
        if at >= session.next_sample_ms:
            self._sample(session, at)
        self._hear(printer, session, at)

    def _tell_tracker(
        self,
        printer: TrackedPrinter,
        session: PrinterSession,
        reading: Reading,
        at: int,
        received_ms: int,
        live: bool,
    ) -> None:
        """Give the tracker what the message says: all of it, or nothing."""
        tracker_before, writer = printer.mark(), self._writer
        pending = writer.pending
        gathered = pending.mark()
        try:
            if printer.was_silent(at):
                self._silence(printer)
            if reading.observations:
                for observation in reading.observations:
                    self._observe(printer, session, at, received_ms, observation, live)
            elif printer.tracker.before_silence is not None and at > printer.heard_ms:
                self._sign_of_life(printer, session, at, received_ms)
        except LedgerError:
            raise
        except Exception:
            # A replay on the way committed what was gathered before; what it wrote stays.
            if writer.pending is pending:
                pending.go_back(gathered)
                printer.go_back(tracker_before)
            raise

    def _hear(self, printer: TrackedPrinter, session: PrinterSession, at: int) -> None:
        """The printer was heard in the session at `at`."""
        if at > session.heard_ms:
            session.heard_ms = at
            if at > printer.heard_ms:
                printer.heard_ms = at
                printer.last_heard = session
                if at > self.latest_ms:
                    self.latest_ms = at
        if not session.dirty:
            self._writer.moved(session)

    def _sample(self, session: PrinterSession, at: int) -> None:
        thinner = copy(session.thinner)
        kept = self._thinning.keep(thinner, at, session.adapter.telemetry(session.memory))
        session.thinner, session.next_sample_ms = thinner, at + self._sample_ms
        if kept is not None:
            self._writer.pending.telemetry.append(TelemetryRow(session.printer_id, at, kept))

    # -- when it happened -------------------------------------------------------------------

    def _when(
        self,
        printer: TrackedPrinter,
        session: PrinterSession,
        time_ms: int | None,
        received_ms: int,
        live: bool,
        topic: str,
    ) -> int | None:
        """When the message happened, None when its time cannot be meant."""
        if time_ms is None:
            if live:
                return received_ms
            # From a backlog and without a time of its own: not before what was drained already.
            return min(received_ms, max(session.heard_ms, self.latest_ms))
        if not is_plausible(session.adapter.clock, time_ms, received_ms):
            self._writer.fault(session.source, "absurd_time", received_ms, f"{topic}: {time_ms} ms")
            return None
        placed = session.place(
            time_ms, received_ms, live=live, floor_ms=max(session.heard_ms, min(self.latest_ms, received_ms))
        )
        if isinstance(placed, Placed):
            self._clock_moved(printer, session, placed)
            return placed.at_ms
        return placed

    def _clock_moved(self, printer: TrackedPrinter, session: PrinterSession, placed: Placed) -> None:
        """Put right what was written with the offset that is now known to be wrong, in this session alone."""
        if placed.finding is ClockChange.CORRECTED:
            log.warning("clock of printer %s jumped by %d ms; corrected for", printer.name, -placed.moved_ms)

        shift = shifted_by(session, placed.clock.offset_ms or 0, placed.since_ms)
        before = min(placed.since_ms, placed.at_ms) - _CLOCK_REACH_MS
        with self._as_before(session):
            self._writer.replay(printer, before, Revised(COLLECTOR, "clock", self.latest_ms), shifted=shift)

    # -- what the tracker is told -----------------------------------------------------------

    def _silence(self, printer: TrackedPrinter) -> None:
        """Nothing was heard of the printer for longer than the limit of the session heard last."""
        if printer.tracker.state in _UNSEEN:
            return
        at = max(printer.heard_ms, printer.tracker.at_ms)
        self._writer.advance(printer, at, printer.heard_ms, Silence())

    def _sign_of_life(
        self, printer: TrackedPrinter, session: PrinterSession, at: int, received_ms: int
    ) -> None:
        if printer.was_not_silent(at):
            self._late(printer, session, at, received_ms, SignOfLife(), None)
        else:
            self._writer.advance(printer, at, received_ms, SignOfLife(), session=session)

    def _observe(
        self,
        printer: TrackedPrinter,
        session: PrinterSession,
        at: int,
        received_ms: int,
        seen: Observation,
        live: bool,
    ) -> None:
        tracker = printer.tracker
        if seen.since_ms is not None and seen.time_ms is not None:
            at = max(tracker.at_ms, at - (seen.time_ms - seen.since_ms))
        if seen.link is not None:
            self._follow_link(session, at, seen)
        if seen.signal is JobSignal.LOST or seen.state is PrinterState.UNKNOWN:
            self._book.to_ask[session.id] = session
        if seen.state is PrinterState.UNKNOWN and seen.detail and seen.detail.startswith("state "):
            self.fault(session.source, "unknown_state", received_ms, f"{printer.name}: {seen.detail}")
        teller = ""
        if len(printer.sessions) > 1:
            told = beside_others(printer, session, at, seen)
            if told is None:
                return
            seen, teller = told, session.id
        if needs_settling(tracker, at):
            self._settle(printer)
            tracker = printer.tracker
        if seen.history:
            self._look_further_back(printer, session, received_ms, seen)
            tracker = printer.tracker
        given = Observed(seen, min(at, printer.heard_ms), teller)
        # A queue may be handed over topic by topic, so there nothing is of one moment but what says so.
        reach_ms = ECHO_MS if live or seen.time_ms is None else 0
        if tracker.at_ms - at > reach_ms or printer.was_not_silent(at):
            self._late(printer, session, at, received_ms, given, seen)
            return
        at = max(at, tracker.at_ms)
        self._writer.advance(printer, at, received_ms, given, session=session, seen=seen)

    def _follow_link(self, session: PrinterSession, at: int, seen: Observation) -> None:
        """Ask again, and forget what was known, when the way to the printer stands anew."""
        is_renewed = at - session.heard_ms > RENEWED_LINK_MS
        if seen.link is Link.ONLINE and not seen.retained:
            if session.link is Link.ONLINE and is_renewed:
                session.adapter.forget(session.memory)
            if session.link is not Link.ONLINE or is_renewed:
                self._book.to_ask[session.id] = session
        if at >= session.heard_ms:
            session.link = seen.link

    @contextmanager
    def _as_before(self, session: PrinterSession) -> Iterator[None]:
        """Commits within hold the memory without the message at hand, which is not acknowledged by them."""
        memory, session.memory = session.memory, self._memory_before
        try:
            yield
        finally:
            session.memory = memory

    def _late(
        self,
        printer: TrackedPrinter,
        session: PrinterSession,
        at: int,
        received_ms: int,
        given: TrackerInput,
        seen: Observation | None,
    ) -> None:
        """Put an input that came late into its place and run the printer again from there."""
        at = max(at, printer.row.first_seen_ms)
        body = evidence_body(session, given, received_ms, seen)
        late = Evidence(printer.id, at, 0, received_ms, body)
        with self._as_before(session):
            self._writer.replay(printer, at, Revised(COLLECTOR, "late evidence", self.latest_ms), late=[late])

    def _look_further_back(
        self, printer: TrackedPrinter, session: PrinterSession, received_ms: int, seen: Observation
    ) -> None:
        """Put rows of the history in their places that settle jobs from before the one at hand."""
        rows = rows_before(printer.tracker, seen.history)
        if not rows:
            return
        with self._as_before(session):
            self._writer.commit(self.latest_ms)
            jobs = self.ledger.jobs_of(printer.id, min(row.started_ms for row in rows))
            found = older_rows(printer.tracker, rows, jobs)
            if not found:
                return
            late = evidence_of_rows(found, seen, session, received_ms)
            first_ms = min(row.at_ms for row in late)
            revised = Revised(COLLECTOR, "the printer's history", self.latest_ms)
            self._writer.replay(printer, first_ms, revised, late=late)

    def _settle(self, printer: TrackedPrinter) -> None:
        at = max(printer.tracker.at_ms, printer.heard_ms)
        self._writer.advance(printer, at, printer.heard_ms, Settled())

    # -- time -------------------------------------------------------------------------------

    def tick(self, now_ms: int) -> None:
        """Notice silence and ends that did not come, and work the inbox in; while messages come live."""
        self.latest_ms = max(self.latest_ms, now_ms)
        self._known.rest()
        for printer in self._book.printers.values():
            if not printer.is_taken_in:
                continue
            if printer.was_silent(now_ms) and printer.tracker.state not in _UNSEEN:
                self._silence(printer)
            if needs_settling(printer.tracker, now_ms):
                self._settle(printer)
        self._inbox.work_in(now_ms)

    def continuity_lost(self, from_ms: int, until_ms: int) -> None:
        """We or the broker were away: what the printers did meanwhile is not known."""
        for printer in self._book.printers.values():
            if not printer.is_taken_in:
                continue
            begins = max(printer.tracker.at_ms, min(from_ms, until_ms))
            for session in printer.sessions:
                session.adapter.forget(session.memory)
                self._writer.moved(session)
            self._writer.advance(printer, begins, until_ms, ContinuityLost(max(until_ms, begins)))

    # -- the ledger -------------------------------------------------------------------------

    def fault(self, source: str, reason: str, at_ms: int, sample: str) -> None:
        """Count a message that is dropped; log it once for each source and reason."""
        self._writer.fault(source, reason, at_ms, sample)

    def put_aside(self, topic: str, payload: bytes, reason: str, at_ms: int, detail: str) -> None:
        """Count a message that nobody can digest, and keep it for looking at."""
        self._writer.put_aside(self._book.source_of(topic), topic, payload, reason, at_ms, detail)

    @property
    def urgent(self) -> bool:
        """Whether somebody waits for what the next commit holds."""
        return self._writer.pending.urgent

    def commit(self, booked_until_ms: int) -> None:
        """Write everything taken so far, durably. Raises what the ledger raises; nothing is lost then."""
        self._writer.commit(booked_until_ms)

    def take_changed(self) -> Iterable[TrackedPrinter]:
        """The printers whose state or job changed since this was last asked."""
        changed, self._writer.changed = list(self._writer.changed.values()), {}
        return changed

    def take_to_ask(self) -> Iterable[PrinterSession]:
        """Sessions that appeared, came back, or lost a print from sight since this was last asked."""
        return self._book.take_to_ask()

    def printers(self) -> Iterable[TrackedPrinter]:
        """Every printer at hand."""
        return self._book.printers.values()

    def sessions_taken_in(self) -> Iterable[PrinterSession]:
        """Every session of a printer whose messages count."""
        return self._book.taken_in(self._book.sessions.values())
