"""From messages to the ledger: the path of every message, without socket or thread.

The pipeline takes messages one by one and gathers their effects; `commit` writes them all at
once. Whoever feeds it acknowledges a message only after the commit that followed it.
"""

import logging
from collections.abc import Iterable, Sequence
from copy import copy

from collector.adapters.base import ClockKind, Reading
from collector.intake.addresses import AddressBook, FirstMessage, Route
from collector.intake.deliveries import Checksums, Deliveries
from collector.intake.gone_links import GoneLinks
from collector.intake.inbox import InboxIntake
from collector.intake.known_messages import KnownMessages
from collector.intake.late_evidence import LateEvidence
from collector.intake.ledger_writer import LedgerWriter
from collector.intake.repetition import RepetitionFilter
from collector.intake.sources import SourceTable
from collector.intake.tracker_inputs import UNSEEN, Heard, TrackerInputs
from collector.printers.registry import PrinterRegistry
from collector.printers.tracked import TrackedPrinter
from collector.sessions.session import PrinterSession, SessionMark
from collector.sessions.source_clock import RESTART_MS, Placed, is_plausible
from collector.sessions.thinning import ThinningPolicy, ThinningSettings
from collector.sessions.trail import HeldMessage
from collector.settings import CollectorSettings
from collector.tracker import ContinuityLost, needs_settling
from farm.errors import LedgerError, UnreadableMessage
from farm.ledger.collector_ledger import CollectorLedger
from farm.ledger.records import TelemetryRow
from farm.model.clash import clash_remedy
from farm.model.states import ACTIVE_STATES
from farm.model.times import MINUTE_MS, SECOND_MS
from farm.settings import PrinterSettings, SiteSettings

log = logging.getLogger(__name__)

_ASK_AFTER_MS = 5 * SECOND_MS
"""A printer that prints and says nothing for so long is asked, where it can be."""


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
        self._inbox = InboxIntake(ledger, self._book, self._registry, self._writer)
        self._late = LateEvidence(ledger, self._writer)
        self._gone = GoneLinks(self._writer)
        for printer in self._book.printers.values():
            self._late.restored(printer)
            self._gone.told(printer)
        self._told = TrackerInputs(ledger, self._writer, self._late, self._book)
        self._routes = self._book.routes
        self._thinning = ThinningPolicy(thinning or ThinningSettings())
        self._sample_ms = round(settings.telemetry_seconds * SECOND_MS)
        self._before: SessionMark
        self.latest_ms = self._book.latest_ms

    # -- one message ------------------------------------------------------------------------

    def take(
        self,
        topic: str,
        payload: bytes,
        retained: bool,
        received_ms: int,
        live: bool = True,
        mark: Checksums | None = None,
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
            if not self._is_new(route, HeldMessage(topic, route.suffix, payload, at, *mark, live)):
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
                route._replace(suffix=held.suffix),
                held.topic,
                held.payload,
                False,
                held.at_ms,
                True,
                is_undated=not held.is_dated,
            )
            mark = Checksums(held.topic_sum, held.payload_sum)
            self.repetitions.remember(mark, route.session.trail)

    def caught_up(self) -> None:
        """Everything that waited at the broker has come: what was held is new."""
        for session in self._book.sessions.values():
            released, session.trail.held = session.trail.held, []
            if released:
                self._writer.moved(session)
                self._take_released(Route(self._book.printers[session.printer_id], session, ""), released)
        self._late.hurry()

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
        mark: Checksums | None = None,
        waited: bool = False,
        is_undated: bool = False,
    ) -> bool | None:
        """Work in what the message says; whether it says when it was, None where it came again after all."""
        session = route.session
        before = session.mark()
        self._before = before
        has_time = False
        try:
            reading = session.adapter.read(session.memory, route.suffix, payload, retained)
            if reading is None or (reading.only_now and not live):
                session.go_back(before)
                return False
            time_ms = reading.time_ms
            if time_ms is not None:
                has_time = True
                fell = time_ms < session.highest_ms - RESTART_MS
                if fell and mark is not None and self._is_of_old(session, time_ms, received_ms, mark, waited):
                    session.go_back(before)
                    return None
                if reading.is_answer and session.is_stale_answer(time_ms, received_ms):
                    session.go_back(before)
                    self._book.to_ask[session.id] = session
                    return True
            if reading.traits and live and not (mark is not None and self.repetitions.knows(mark)):
                self._hear_publishers(route, reading, received_ms)
            live, is_undated = live or retained, is_undated or not (live or retained)
            self._work_in(route, topic, reading, received_ms, live, retained, is_undated)
        except UnreadableMessage as error:
            session.go_back(before)
            self._writer.fault(session.source, error.reason, received_ms, f"{topic}: {error.detail}")
        except LedgerError:
            raise
        except Exception as error:  # noqa: BLE001  no message may stop the collector
            session.go_back(before)
            self._writer.reject(session.source, topic, payload, received_ms, error)
        return has_time

    def _hear_publishers(self, route: Route, reading: Reading, received_ms: int) -> None:
        clash = route.session.hear_publishers(reading.traits, received_ms)
        if clash is not None:
            remedy = clash_remedy(route.session.adapter.kind)
            log.warning("printer %s: %s; %s", route.printer.name, clash.words, remedy)

    def _is_of_old(
        self, session: PrinterSession, time_ms: int, received_ms: int, mark: Checksums, waited: bool
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
        try:
            waited = not (live or retained)
            return self._book.find(
                FirstMessage(topic, payload, retained, received_ms, self.latest_ms if waited else None)
            )
        except LedgerError:
            raise
        except Exception as error:  # noqa: BLE001  no topic may stop the collector
            self._writer.reject("-", topic, payload, received_ms, error)
            return None

    def _work_in(
        self,
        route: Route,
        topic: str,
        reading: Reading,
        received_ms: int,
        live: bool,
        retained: bool,
        is_undated: bool,
    ) -> None:
        printer, session, _ = route
        for field in reading.refused:
            self._writer.fault(session.source, "bad_field", received_ms, f"{topic}: {field}")
        at = self._when(printer, session, reading, received_ms, live, topic)
        if at is None:
            return
        if not retained:
            session.hear_gap(at - session.heard_ms)  # else it is how long we were away
        last_heard = printer.last_heard or session
        was_silent = at - printer.heard_ms > last_heard.report_interval.limit_ms
        if self._gone:
            timed = live or reading.time_ms is not None
            self._gone.hear(printer, at, received_ms, reading.observations, timed=timed)
        if reading.observations or was_silent or printer.tracker.before_silence is not None:
            heard = self._heard(printer, session, received_ms, live)._replace(is_undated=is_undated)
            self._told.tell(heard, at, reading)
            if is_undated:
                self._gone.told(printer)
        if at >= session.next_sample_ms:
            self._sample(session, at)
        self._hear(printer, session, at)

    def _heard(self, printer: TrackedPrinter, session: PrinterSession, received_ms: int, live: bool) -> Heard:
        return Heard(printer, session, received_ms, live, self.latest_ms, self._before)

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
        thinner, figures = copy(session.thinner), session.adapter.telemetry(session.memory)
        session.see_figures(figures, at)
        kept = self._thinning.keep(thinner, at, figures)
        session.thinner, session.next_sample_ms = thinner, at + self._sample_ms
        if kept is not None:
            self._writer.pending.telemetry.append(TelemetryRow(session.printer_id, at, kept))

    # -- when it happened -------------------------------------------------------------------

    def _when(
        self,
        printer: TrackedPrinter,
        session: PrinterSession,
        reading: Reading,
        received_ms: int,
        live: bool,
        topic: str,
    ) -> int | None:
        """When the message happened, None when its time cannot be meant."""
        time_ms = reading.time_ms
        if time_ms is None:
            if live:
                return received_ms
            # From a backlog and without a time of its own: not before what was drained already.
            return min(received_ms, max(session.heard_ms, self.latest_ms))
        if not is_plausible(session.adapter.clock, time_ms, received_ms):
            self._writer.fault(session.source, "absurd_time", received_ms, f"{topic}: {time_ms} ms")
            return None
        floor_ms = max(session.heard_ms, min(self.latest_ms, received_ms))
        placed = session.place(
            time_ms, received_ms, live=live, floor_ms=floor_ms, is_answer=reading.is_answer
        )
        if isinstance(placed, Placed):
            self._told.clock_moved(self._heard(printer, session, received_ms, live), placed)
            return placed.at_ms
        return placed

    # -- time -------------------------------------------------------------------------------

    def tick(self, now_ms: int) -> None:
        """Notice silence and ends that did not come, and ask what falls silent in mid-print; live."""
        self.latest_ms = max(self.latest_ms, now_ms)
        self._known.rest()
        self._gone.caught_up(self.printers_taken_in(), now_ms)
        for printer in self.printers_taken_in():
            for session in (session for session in printer.sessions if session.waits):
                self._look(printer, session, now_ms)
            if printer.was_silent(now_ms) and printer.tracker.state not in UNSEEN:
                self._told.silence(printer)
            if needs_settling(printer.tracker, now_ms):
                self._told.settle(printer)
            if printer.tracker.state in ACTIVE_STATES and now_ms - printer.heard_ms > _ASK_AFTER_MS:
                self._book.ask(printer)

    def _look(self, printer: TrackedPrinter, session: PrinterSession, now_ms: int) -> None:
        """Work in what has shown by the time that passed."""
        before = session.mark()
        seen = session.look(now_ms)
        if seen is not None:
            self._before = before
            reading = Reading(seen.time_ms, (seen,))
            self._told.tell(self._heard(printer, session, now_ms, live=True), now_ms, reading)
            self._writer.moved(session)

    def waiting_inputs(self) -> list[int]:
        """What people said that is to be worked in, by its ids in the inbox."""
        return self.ledger.waiting_inputs()

    def take_input(self, input_id: int, now_ms: int) -> None:
        """Follow, or answer, what a person said, and commit it. Raises what the ledger raises."""
        self._inbox.take(input_id, now_ms)

    def answer_input(self, input_id: int, answer: str) -> None:
        """Tell a person with the next commit why what was said is not followed."""
        self._inbox.answer(input_id, answer)

    def continuity_lost(self, from_ms: int, until_ms: int) -> None:
        """We or the broker were away, and what the printers said meanwhile is lost.

        How a printer stood before stands on where it may be silent for as long, until evidence says
        otherwise.
        """
        for printer in self.printers_taken_in():
            begins = max(printer.tracker.at_ms, min(from_ms, until_ms))
            lost = ContinuityLost(max(until_ms, begins), printer.silence_ms)
            for session in printer.sessions:
                session.lose_way(lost.until_ms - begins)
                self._writer.moved(session)
            self._writer.advance(printer, begins, until_ms, lost)

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

    @property
    def is_late_due(self) -> bool:
        """Whether what came late is to be put into its place by a commit now."""
        return self._late.is_due

    def commit(self, booked_until_ms: int) -> None:
        """Write everything taken so far, durably. Raises what the ledger raises; nothing is lost then."""
        self._writer.commit(booked_until_ms)
        self._late.work_in(max(booked_until_ms, self.latest_ms))

    def finish(self, booked_until_ms: int) -> None:
        """Write everything, and put all that came late into its place, whatever it costs."""
        self._late.hurry()
        self.commit(booked_until_ms)

    def take_changed(self) -> Iterable[TrackedPrinter]:
        """The printers whose state or job changed since this was last asked."""
        changed, self._writer.changed = list(self._writer.changed.values()), {}
        return changed

    @property
    def changed(self) -> Sequence[TrackedPrinter]:
        """What `take_changed` would give."""
        return tuple(self._writer.changed.values())

    def tell_again(self, changed: Iterable[TrackedPrinter]) -> None:
        """Take over from a pipeline that was given up what changed in it and may not be told yet."""
        for former in changed:
            printer = self._book.printers.get(former.id)
            if printer is not None:
                printer.former_names += [name for name in former.former_names if name != printer.name]
                self._writer.changed[printer.id] = printer

    def take_to_estimate(self) -> Iterable[PrinterSession]:
        """Sessions that began a print of which nobody said how long it takes, since this was last asked."""
        return self._book.take_to_estimate()

    def take_to_ask(self) -> Iterable[PrinterSession]:
        """Sessions that appeared, came back, or lost a print from sight since this was last asked."""
        return self._book.take_to_ask()

    def printers(self) -> Iterable[TrackedPrinter]:
        """Every printer at hand."""
        return self._book.printers.values()

    def printers_taken_in(self) -> Iterable[TrackedPrinter]:
        """Every printer whose messages count."""
        return (printer for printer in self._book.printers.values() if printer.is_taken_in)

    def sessions_taken_in(self) -> Iterable[PrinterSession]:
        """Every session of a printer whose messages count."""
        return self._book.taken_in(self._book.sessions.values())
