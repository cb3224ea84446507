"""What a printer's tracker is told: observations, silence, signs of life, and late evidence in its place."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import msgspec

from collector.adapters.base import Reading
from collector.intake.addresses import AddressBook
from collector.intake.late_evidence import LateEvidence
from collector.intake.ledger_writer import COLLECTOR, LedgerWriter
from collector.printers.history import evidence_of_rows, older_rows, rows_before
from collector.printers.other_addresses import beside_others
from collector.printers.replay import Revised, shifted_by
from collector.printers.tracked import TrackedPrinter
from collector.sessions.session import PrinterSession, SessionMark
from collector.sessions.source_clock import ClockChange, Placed
from collector.tracker import (
    ECHO_MS,
    RENEWED_LINK_MS,
    Observed,
    Settled,
    SignOfLife,
    Silence,
    TrackerInput,
    needs_settling,
)
from farm.errors import LedgerError
from farm.ledger.collector_ledger import CollectorLedger
from farm.model.observation import JobSignal, Link, Observation
from farm.model.states import ACTIVE_STATES, PrinterState
from farm.model.times import DAY_MS

log = logging.getLogger(__name__)

UNSEEN = frozenset({PrinterState.UNKNOWN, PrinterState.OFFLINE, PrinterState.MAINTENANCE})
"""States of which silence says nothing new."""
_CLOCK_REACH_MS = 7 * DAY_MS


class Heard(NamedTuple):
    """The message at hand: whose it is, when it came, and the state of the collector before it.

    `received_ms` is when it came by our clock, `live` says that it did not wait in a queue, `latest_ms` is
    the latest instant at which any printer was heard, `before` the session without this message;
    `is_undated` says that it waited and has no time of its own.
    """

    printer: TrackedPrinter
    session: PrinterSession
    received_ms: int
    live: bool
    latest_ms: int
    before: SessionMark
    is_undated: bool = False


class TrackerInputs:
    """Gives the trackers their inputs, and notes in `book` which sessions' printers are to be asked what."""

    def __init__(
        self,
        ledger: CollectorLedger,
        writer: LedgerWriter,
        late: LateEvidence,
        book: AddressBook,
    ) -> None:
        self._ledger = ledger
        self._writer = writer
        self._late = late
        self._to_ask, self._to_estimate = book.to_ask, book.to_estimate

    def tell(self, heard: Heard, at: int, reading: Reading) -> None:
        """Give the tracker what the message from `at` says: all of it, or nothing."""
        printer, writer = heard.printer, self._writer
        tracker_before, pending = printer.mark(), writer.pending
        gathered = pending.mark()
        try:
            if printer.was_silent(at):
                self.silence(printer)
            if reading.observations:
                within_ms = _within_ms(heard, at, reading)
                for observation in reading.observations:
                    self._observe(heard, at, observation, within_ms)
            elif printer.tracker.before_silence is not None and at > printer.heard_ms:
                self._sign_of_life(heard, at)
        except LedgerError:
            raise
        except Exception:
            # A replay on the way committed what was gathered before; what it wrote stays.
            if writer.pending is pending:
                pending.go_back(gathered)
                printer.go_back(tracker_before)
            raise

    def clock_moved(self, heard: Heard, placed: Placed) -> None:
        """Put right what was written with the offset that is now known to be wrong, in this session alone."""
        printer, session = heard.printer, heard.session
        if placed.change is ClockChange.CORRECTED:
            log.warning("clock of printer %s jumped by %d ms; corrected for", printer.name, -placed.moved_ms)

        shift = shifted_by(session, placed.clock.offset_ms or 0, placed.since_ms)
        before = min(placed.since_ms, placed.at_ms) - _CLOCK_REACH_MS
        with _as_before(heard):
            self._writer.replay(printer, before, Revised(COLLECTOR, "clock", heard.latest_ms), shifted=shift)

    def silence(self, printer: TrackedPrinter) -> None:
        """Nothing was heard of the printer for longer than the limit of the session heard last."""
        if printer.tracker.state in UNSEEN:
            return
        at = max(printer.heard_ms, printer.tracker.at_ms)
        self._writer.advance(printer, at, printer.heard_ms, Silence())

    def settle(self, printer: TrackedPrinter) -> None:
        """The end of a job that was waited for did not come."""
        at = max(printer.tracker.at_ms, printer.heard_ms)
        self._writer.advance(printer, at, printer.heard_ms, Settled())

    def _sign_of_life(self, heard: Heard, at: int) -> None:
        sign = SignOfLife(heard.session.within_ms(at, heard.received_ms, live=heard.live))
        if heard.printer.was_not_silent(at):
            self._take_late(heard, at, sign, None)
        else:
            self._writer.advance(heard.printer, at, heard.received_ms, sign, session=heard.session)

    def _observe(self, heard: Heard, at: int, seen: Observation, within_ms: int) -> None:
        printer, session = heard.printer, heard.session
        tracker = printer.tracker
        if seen.since_ms is not None:
            at, seen = _from_its_beginning(seen, at, tracker.at_ms)
        if seen.link is not None:
            self._follow_link(session, at, seen)
        self._follow_state(heard, seen)
        teller = ""
        if len(printer.sessions) > 1:
            told = beside_others(printer, session, at, seen)
            if told is None:
                return
            seen, teller = told, session.id
        if needs_settling(tracker, at):
            self.settle(printer)
            tracker = printer.tracker
        if seen.history:
            self._look_further_back(heard, seen)
            tracker = printer.tracker
        limit_ms = 0 if seen.link is None else printer.silence_ms
        if seen.ended_ms is not None:
            seen = msgspec.structs.replace(seen, ended_ms=session.clock.ours(seen.ended_ms))
        shared = session.is_shared(heard.received_ms)
        is_undated = heard.is_undated and seen.link is Link.OFFLINE and seen.time_ms is None
        given = Observed(seen, min(at, printer.heard_ms), teller, limit_ms, shared, within_ms, is_undated)
        # What waited may be handed over topic by topic, so nothing of it is of one moment but what says so.
        waited = seen.time_ms is not None and (not heard.live or heard.received_ms - at > ECHO_MS)
        reach_ms = 0 if waited else ECHO_MS
        if tracker.at_ms - at > reach_ms or printer.was_not_silent(at):
            self._take_late(heard, at, given, seen)
            return
        at = max(at, tracker.at_ms)
        self._writer.advance(printer, at, heard.received_ms, given, session=session, seen=seen)

    def _follow_state(self, heard: Heard, seen: Observation) -> None:
        """Ask the printer where the message lost sight of it, or tells of a print of which nobody said
        how long it takes; count a state that nobody knows.
        """
        session = heard.session
        if _lacks_estimate(heard.printer, seen):
            self._to_estimate[session.id] = session
        if seen.signal is JobSignal.LOST or seen.state is PrinterState.UNKNOWN:
            self._to_ask[session.id] = session
        if seen.state is PrinterState.UNKNOWN and seen.detail and seen.detail.startswith("state "):
            sample = f"{heard.printer.name}: {seen.detail}"
            self._writer.fault(session.source, "unknown_state", heard.received_ms, sample)

    def _follow_link(self, session: PrinterSession, at: int, seen: Observation) -> None:
        """Ask again, and hold what was known in doubt, when the way to the printer stands anew."""
        is_renewed = at - session.heard_ms > RENEWED_LINK_MS
        if seen.link is Link.ONLINE and not seen.retained:
            if session.link is Link.ONLINE and is_renewed:
                session.lose_way(at - session.heard_ms)
            if session.link is not Link.ONLINE or is_renewed:
                self._to_ask[session.id] = session
        if at >= session.heard_ms:
            session.link = seen.link

    def _take_late(self, heard: Heard, at: int, given: TrackerInput, seen: Observation | None) -> None:
        """Keep an input that came late, to be put into its place behind the message that brought it."""
        self._late.take(heard.printer, heard.session, at, heard.received_ms, given, seen)

    def _look_further_back(self, heard: Heard, seen: Observation) -> None:
        """Put rows of the history in their places that settle jobs from before the one at hand."""
        printer = heard.printer
        rows = rows_before(printer.tracker, seen.history)
        if not rows:
            return
        with _as_before(heard):
            self._writer.commit(heard.latest_ms)
            jobs = self._ledger.jobs_of(printer.id, min(row.started_ms for row in rows))
            found = older_rows(printer.tracker, rows, jobs)
            if not found:
                return
            late = evidence_of_rows(found, seen, heard.session, heard.received_ms)
            first_ms = min(row.at_ms for row in late)
            revised = Revised(COLLECTOR, "the printer's history", heard.latest_ms)
            self._writer.replay(printer, first_ms, revised, late=late)


def _within_ms(heard: Heard, at: int, reading: Reading) -> int:
    """How much later (ms) than `at` what the reading tells happened at most.

    What holds now alone came about at any time since the last word before it.
    """
    if reading.time_ms is None:
        return 0
    if reading.only_now:
        return max(0, heard.received_ms - at)
    return heard.session.within_ms(at, heard.received_ms, live=heard.live)


def _from_its_beginning(seen: Observation, at: int, known_ms: int) -> tuple[int, Observation]:
    """The reading as if it had been told when it began to hold, but not before `known_ms`.

    One from before `known_ms` is late, and is put among what is known where it belongs.
    """
    if seen.since_ms is None or seen.time_ms is None:
        return at, seen
    earlier_ms = seen.time_ms - seen.since_ms
    if at > known_ms:
        earlier_ms = min(earlier_ms, at - known_ms)
    began_ms, job = seen.time_ms - earlier_ms, seen.job
    if job is not None and job.elapsed_ms is not None:
        job = msgspec.structs.replace(job, elapsed_ms=max(0, job.elapsed_ms - earlier_ms))
    return at - earlier_ms, msgspec.structs.replace(seen, time_ms=began_ms, since_ms=began_ms, job=job)


def _lacks_estimate(printer: TrackedPrinter, seen: Observation) -> bool:
    """Whether the reading is of a print under way whose file is known, and not yet how long it takes."""
    if seen.state not in ACTIVE_STATES or seen.job is None or seen.job.file is None:
        return False
    attempt = printer.tracker.attempt
    return attempt is None or attempt.job.expected_ms is None


@contextmanager
def _as_before(heard: Heard) -> Iterator[None]:
    """Commits within hold the session without the message at hand, which is not acknowledged by them.

    Its clock alone is held as it is now: what stands in the ledger is put right by it.
    """
    session = heard.session
    now = session.mark()
    session.go_back(heard.before._replace(clock=now.clock, highest_ms=now.highest_ms, told_ms=now.told_ms))
    try:
        yield
    finally:
        session.go_back(now)
