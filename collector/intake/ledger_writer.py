"""From tracker inputs to the ledger: evidence and changes are gathered, and committed together."""

import logging
from collections.abc import Callable, Sequence

from collector.intake.deliveries import Deliveries
from collector.intake.known_messages import KnownMessages
from collector.intake.pending import Pending
from collector.printers.evidence import bears, evidence_body
from collector.printers.replay import Revised, StoredInput, replay, revision_of
from collector.printers.tracked import TrackedPrinter, encode_tracker
from collector.sessions.session import PrinterSession
from collector.tracker import LedgerChanges, TrackerInput, TrackerState, advance, overlaid
from farm.ledger.collector_ledger import CollectorLedger
from farm.ledger.records import Evidence, RejectedMessage, Snapshot
from farm.model.feed import FeedKind
from farm.model.job import Job
from farm.model.observation import Observation
from farm.model.operator_input import TakenInput

log = logging.getLogger(__name__)

COLLECTOR = "collector"
"""Who revises where no person did."""
LATER_WORD = "the printer's own later word"
INTERNAL_ERROR = "internal_error"
"""The reason under which a message counts whose working in met an exception that nobody foresaw."""
REFUSED_BY_LEDGER = "refused_by_ledger"
"""The reason under which a message counts whose effects the database does not take."""
_ENOUGH_EVIDENCE = 200
_KEPT_BYTES = 64 * 1024
_KEPT_TEXT = 1_000


class LedgerWriter:
    """What was learnt since the last commit, and the printers and sessions that moved."""

    def __init__(
        self,
        ledger: CollectorLedger,
        deliveries: Deliveries,
        known: KnownMessages,
        logged: set[tuple[str, str]],
    ) -> None:
        """`logged` remembers what was told, also for the writer that follows this one."""
        self._ledger = ledger
        self._deliveries = deliveries
        self._known = known
        self.pending = Pending()
        self.changed: dict[str, TrackedPrinter] = {}
        self._moved_printers: dict[str, TrackedPrinter] = {}
        self._moved_sessions: dict[str, PrinterSession] = {}
        self._logged = logged

    def moved(self, session: PrinterSession) -> None:
        """The session is to be stored with the next commit."""
        session.dirty = True
        self._moved_sessions[session.id] = session

    def touch(self, printer: TrackedPrinter) -> None:
        """The printer's tracker moved: it is to be stored, and its state told."""
        self._moved_printers[printer.id] = printer
        self.changed[printer.id] = printer

    def advance(
        self,
        printer: TrackedPrinter,
        at: int,
        received_ms: int,
        given: TrackerInput,
        *,
        session: PrinterSession | None = None,
        seen: Observation | None = None,
        revised: Revised | None = None,
    ) -> str | None:
        """Give the tracker an input that holds from `at` on; what bears on state or job is evidence.

        `revised` says who spoke, where a person did. Gives why that could not be followed, if so.
        """
        before = printer.tracker
        tracker, changes = advance(before, at, given)
        if not bears(before, tracker, seen):
            return changes.answer
        pending = self.pending
        ordinal = printer.evidence[1] + 1 if printer.evidence[0] == at else 0
        body = evidence_body(session, given, received_ms, seen)
        printer.tracker = tracker
        printer.evidence = (at, ordinal)
        printer.evidence_since_snapshot += 1
        pending.evidence.append(Evidence(printer.id, at, ordinal, received_ms, body))
        self.change(printer.id, changes, _rows_at_hand(before), revised or Revised(COLLECTOR, LATER_WORD, at))
        ended = before.attempt is not None and tracker.attempt is None
        if ended or printer.evidence_since_snapshot >= _ENOUGH_EVIDENCE:
            printer.evidence_since_snapshot = 0
            pending.snapshots.append(Snapshot(printer.id, at, ordinal, encode_tracker(tracker)))
        self.touch(printer)
        return changes.answer

    def change(self, printer_id: str, changes: LedgerChanges, rows: Sequence[Job], revised: Revised) -> None:
        """Take over what changed, with a trail of each job among `rows` that had ended, or that a person
        spoke of.
        """
        self.pending.change(printer_id, changes)
        told = {
            entry.job_id
            for entry in changes.feed
            if entry.kind is FeedKind.JOB_REVISED or revised.who != COLLECTOR
        }
        for row in rows:
            after = changes.jobs.get(row.id)
            if after is not None and after != row and row.id in told:
                self.pending.revisions.append(revision_of(row, after, revised))

    def replay(
        self,
        printer: TrackedPrinter,
        at: int | None,
        revised: Revised,
        *,
        late: Sequence[Evidence] = (),
        shifted: Callable[[StoredInput], int] | None = None,
        taken_inputs: Sequence[TakenInput] = (),
    ) -> str | None:
        """Run the printer again from `at` on, with inputs that came late or have a new place.

        Commits what is gathered before, and what the replay changed with `taken_inputs`. Gives why
        a person's word among `late` could not be followed; nothing is changed then. Raises what
        the ledger raises.
        """
        self.commit(revised.at_ms)
        replayed = replay(self._ledger, printer, at, shifted=shifted, late=late, revised=revised)
        if replayed.batch is not None:
            replayed.batch.booked_until_ms = revised.at_ms
            replayed.batch.taken_inputs = list(taken_inputs)
            self._ledger.commit(replayed.batch)
            self.touch(printer)
        return replayed.answer

    def fault(self, source: str, reason: str, at_ms: int, sample: str) -> None:
        """Count a message that is dropped; log it once for each source and reason."""
        shown = printable(sample)[:300]
        self.pending.fault(source, reason, at_ms, shown)
        if self._is_new(source, reason):
            log.warning(
                "dropped a message of source %s: %s (%s); further ones are only counted",
                source,
                reason,
                shown,
            )

    def reject(self, source: str, topic: str, payload: bytes, at_ms: int, error: Exception) -> None:
        """Count and keep a message that met an error nobody foresaw; log it once for each kind of error."""
        kind = type(error).__name__
        self._keep(source, INTERNAL_ERROR, topic, payload, at_ms, f"{kind}: {error}")
        if self._is_new(source, kind):
            log.error(
                "could not work in a message of source %s on %s; further ones are only counted",
                source,
                printable(topic)[:_KEPT_TEXT],
                exc_info=error,
            )

    def put_aside(
        self, source: str, topic: str, payload: bytes, reason: str, at_ms: int, detail: str
    ) -> None:
        """Count and keep a message that cannot be booked; log it once for each source and reason."""
        self._keep(source, reason, topic, payload, at_ms, detail)
        if self._is_new(source, reason):
            log.error(
                "put aside a message of source %s on %s: %s (%s); further ones are only counted",
                source,
                printable(topic)[:_KEPT_TEXT],
                reason,
                printable(detail)[:_KEPT_TEXT],
            )

    def _keep(self, source: str, reason: str, topic: str, payload: bytes, at_ms: int, detail: str) -> None:
        shown, detail = printable(topic)[:_KEPT_TEXT], printable(detail)[:_KEPT_TEXT]
        self.pending.fault(source, reason, at_ms, f"{shown}: {detail}"[:300])
        self.pending.reject(
            RejectedMessage(
                at_ms=at_ms,
                source=source,
                reason=reason,
                topic=shown,
                detail=detail,
                size=len(payload),
                payload=payload[:_KEPT_BYTES],
            )
        )

    def _is_new(self, source: str, reason: str) -> bool:
        if (source, reason) in self._logged:
            return False
        self._logged.add((source, reason))
        return True

    def commit(self, booked_until_ms: int) -> None:
        """Book everything taken so far, durably. Raises what the ledger raises; nothing is lost then."""
        batch = self.pending.batch()
        batch.checkpoints = [printer.checkpoint() for printer in self._moved_printers.values()]
        batch.sessions = [session.record() for session in self._moved_sessions.values()]
        batch.booked_until_ms = booked_until_ms
        batch.receipt, batch.receipts_confirmed = self._deliveries.receipt(), self._deliveries.confirmed
        batch.known, batch.known_cut = self._known.row(), self._known.cut
        self._ledger.commit(batch)
        self._deliveries.committed()
        self._known.committed(batch.known_cut)
        for session in self._moved_sessions.values():
            session.dirty = False
        self._moved_printers, self._moved_sessions, self.pending = {}, {}, Pending()


def printable(text: str) -> str:
    """The text, with what cannot be shown or stored escaped."""
    return text if text.isprintable() else repr(text)


def _rows_at_hand(tracker: TrackerState) -> list[Job]:
    """The rows of the jobs that the tracker holds, as they were written."""
    jobs = (tracker.last_job, None if tracker.attempt is None else tracker.attempt.job)
    return [overlaid(job, tracker.words) for job in jobs if job is not None]
