"""Evidence that came late: gathered by printer, kept durably, and worked in within bounds.

A late input is stored with the commit that acknowledges its message, marked by its ordinal, and put
into its place behind that commit: nothing of a message is booked without the rest of it. A printer has
credit to be run again at once. One whose clock is bad would have its whole history run again without
end: when its credit is spent, it is run again once for all that waits when it has credit again; the
others go first.
"""

import logging

import msgspec

from collector.intake.ledger_writer import COLLECTOR, INTERNAL_ERROR, REFUSED_BY_LEDGER, LedgerWriter
from collector.printers.evidence import evidence_body
from collector.printers.replay import LATE_ORDINAL, Revised, replay
from collector.printers.tracked import TrackedPrinter
from collector.sessions.session import PrinterSession
from collector.tracker import SignOfLife, TrackerInput
from farm.errors import BatchRefused, LedgerError
from farm.ledger.batch import Batch
from farm.ledger.collector_ledger import CollectorLedger
from farm.ledger.records import Evidence, RejectedMessage
from farm.model.observation import Observation

log = logging.getLogger(__name__)

WHY = "late evidence"
TOO_MUCH = "too_much_late_evidence"
"""The reason under which late evidence counts that is not kept any more."""
MOST_WAITING = 20_000
"""So many late inputs of one printer are kept until it is run again."""
ROWS_A_ROUND = 5_000
"""So many inputs are run again after one commit, and one printer more at most."""
CREDIT_ROWS = 10_000
"""So many inputs of one printer are run again at once: about half a second."""
ROWS_A_MS = 1
"""So much of its credit a printer gets back: about a twentieth of the time goes into it at most."""
_LEAST_COST = 50
_WORTH_SAYING = 1_000
_BEHIND_ALL = 2**31 - 1


class LateEvidence:
    """What waits to be put into its place, and which printers rest."""

    def __init__(self, ledger: CollectorLedger, writer: LedgerWriter) -> None:
        self._ledger = ledger
        self._writer = writer
        self._waiting: dict[str, TrackedPrinter] = {}
        self._credit: dict[str, tuple[int, int]] = {}
        self._cuts: dict[str, int | None] = {}
        self._signs_ms: dict[str, int] = {}
        self._told: set[str] = set()
        self._hurries = False
        self.is_due = False
        """Whether something waits for nothing but that its message is booked."""

    def restored(self, printer: TrackedPrinter) -> None:
        """A printer of the ledger, for which late evidence may wait."""
        if printer.late_from_ms is not None:
            self._waiting[printer.id] = printer
            self.is_due = True

    def _spend(self, printer: TrackedPrinter, rows: int, now_ms: int) -> None:
        """The printer was run again over so many inputs."""
        self._credit[printer.id] = (self._credit_at(printer, now_ms) - max(rows, _LEAST_COST), now_ms)

    def _credit_at(self, printer: TrackedPrinter, now_ms: int) -> int:
        left, at_ms = self._credit.get(printer.id, (CREDIT_ROWS, now_ms))
        if now_ms < at_ms:
            # A clock of ours that was set back must not stop it for ever.
            self._credit[printer.id] = (left, now_ms)
            return left
        return min(CREDIT_ROWS, left + (now_ms - at_ms) * ROWS_A_MS)

    def take(
        self,
        printer: TrackedPrinter,
        session: PrinterSession,
        at: int,
        received_ms: int,
        given: TrackerInput,
        seen: Observation | None,
    ) -> None:
        """Keep an input that came late, for its place at `at`."""
        at = max(at, printer.row.first_seen_ms)
        if self._is_passed_over(printer, at, given):
            return
        if printer.late_count >= MOST_WAITING:
            self._writer.fault(session.source, TOO_MUCH, received_ms, printer.name)
            return
        body = evidence_body(session, given, received_ms, seen)
        row = Evidence(printer.id, at, LATE_ORDINAL + printer.late_count, received_ms, body)
        self._writer.pending.evidence.append(row)
        printer.wait_for(at)
        self._waiting[printer.id] = printer
        self.is_due = self.is_due or self._credit_at(printer, received_ms) > 0
        self._writer.touch(printer)

    def _is_passed_over(self, printer: TrackedPrinter, at: int, given: TrackerInput) -> bool:
        """Whether evidence of that time is no longer kept, or a sign of life tells nothing new."""
        if printer.id not in self._cuts:
            self._cuts[printer.id] = self._ledger.evidence_cut(printer.id)
        cut_ms = self._cuts[printer.id]
        if cut_ms is not None and at <= cut_ms:
            return True
        if isinstance(given, SignOfLife):
            before_ms = self._signs_ms.get(printer.id)
            if before_ms is not None and 0 <= at - before_ms < printer.silence_ms // 2:
                return True
            self._signs_ms[printer.id] = at
        return False

    def hurry(self) -> None:
        """Nothing rests the next time: a queue is drained, or the collector goes."""
        self._hurries = True

    def work_in(self, now_ms: int) -> None:
        """Run printers again for which something waits, all of it at once, the cheap ones first.

        What waits must be committed. Raises LedgerError when the ledger is not there.
        """
        self._cuts, self._signs_ms, spent = {}, {}, 0
        self.is_due = False
        for printer in sorted(
            self._waiting.values(), key=lambda each: self._credit_at(each, now_ms), reverse=True
        ):
            if printer.late_from_ms is None:
                del self._waiting[printer.id]
            elif self._hurries or (spent < ROWS_A_ROUND and not self._rests(printer, now_ms)):
                spent += self._run_again(printer, now_ms)
                self._waiting.pop(printer.id, None)
        self._hurries = False

    def _rests(self, printer: TrackedPrinter, now_ms: int) -> bool:
        credit = self._credit_at(printer, now_ms)
        if credit >= 0:
            return False
        if printer.id not in self._told and credit <= -_WORTH_SAYING:
            self._told.add(printer.id)
            log.warning(
                "printer %s sends messages out of the past again and again; they are kept and worked in "
                "together now and then. Is its clock right?",
                printer.name,
            )
        return True

    def _run_again(self, printer: TrackedPrinter, now_ms: int) -> int:
        """Run the printer again with what waits; gives how many inputs that took."""
        before = printer.mark()
        row = printer.row
        try:
            rows = self._replay(printer, now_ms, [])
        except LedgerError as error:
            printer.go_back(before)
            printer.row = row
            if not isinstance(error, BatchRefused):
                raise
            rows = self._one_by_one(printer, now_ms)
        except Exception:
            printer.go_back(before)
            printer.row = row
            log.exception("the late evidence of printer %s cannot be worked in as a whole", printer.name)
            rows = self._one_by_one(printer, now_ms)
        self._spend(printer, rows, now_ms)
        return rows

    def _replay(self, printer: TrackedPrinter, now_ms: int, late: list[Evidence]) -> int:
        at_ms = late[0].at_ms if late else printer.late_from_ms
        replayed = replay(self._ledger, printer, at_ms, late=late, revised=Revised(COLLECTOR, WHY, now_ms))
        if replayed.batch is not None:
            replayed.batch.booked_until_ms = now_ms
            self._ledger.commit(replayed.batch)
            self._writer.touch(printer)
        return replayed.rows

    def _one_by_one(self, printer: TrackedPrinter, now_ms: int) -> int:
        """Take what waits out of the evidence and put it in again singly, all but what cannot be."""
        from_ms = printer.late_from_ms or 0
        stored = self._ledger.evidence_from(printer.id, from_ms - 1, _BEHIND_ALL)
        printer.nothing_waits()
        self._ledger.commit(
            Batch(
                evidence_cuts=[(printer.id, from_ms - 1, _BEHIND_ALL)],
                evidence=[row for row in stored if row.ordinal < LATE_ORDINAL],
                checkpoints=[printer.checkpoint()],
                booked_until_ms=now_ms,
            )
        )
        rows = 0
        for late in (row for row in stored if row.ordinal >= LATE_ORDINAL):
            before, printer_row = printer.mark(), printer.row
            try:
                rows += self._replay(printer, now_ms, [msgspec.structs.replace(late, ordinal=0)])
            except LedgerError as error:
                printer.go_back(before)
                printer.row = printer_row
                if not isinstance(error, BatchRefused):
                    raise
                self._put_aside(printer, late, now_ms, error)
            except Exception as error:  # noqa: BLE001  no evidence may stop the collector
                printer.go_back(before)
                printer.row = printer_row
                self._put_aside(printer, late, now_ms, error)
        return rows

    def _put_aside(self, printer: TrackedPrinter, late: Evidence, now_ms: int, error: Exception) -> None:
        source = "-" if printer.last_heard is None else printer.last_heard.source
        reason = REFUSED_BY_LEDGER if isinstance(error, BatchRefused) else INTERNAL_ERROR
        self._writer.pending.fault(source, reason, now_ms, f"{printer.name}: {WHY}: {error}"[:300])
        self._writer.pending.reject(
            RejectedMessage(
                at_ms=now_ms,
                source=source,
                reason=reason,
                topic=printer.name,
                detail=f"{WHY}: {type(error).__name__}: {error}"[:1_000],
                size=len(late.body),
                payload=late.body,
            )
        )
