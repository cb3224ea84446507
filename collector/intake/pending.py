"""What is to be booked with the next commit, gathered over many messages."""

from typing import NamedTuple

from collector.tracker import LedgerChanges
from farm.ledger.batch import Batch
from farm.ledger.records import (
    Evidence,
    IntakeFault,
    JobAlias,
    RejectedMessage,
    Revision,
    Snapshot,
    TelemetryRow,
)
from farm.model.feed import FeedEntry
from farm.model.job import Job
from farm.model.operator_input import TakenInput
from farm.model.printer import Address, Printer
from farm.model.span import Span

MOST_REJECTED = 20
"""So many messages of one commit are kept for looking at; all of them are counted."""


class PendingMark(NamedTuple):
    """How much had been gathered, to go back to."""

    changes: int
    evidence: int
    snapshots: int
    telemetry: int
    revisions: int
    feed: int


class Pending:
    """The effects of the messages taken since the last commit."""

    def __init__(self) -> None:
        self.printers: list[Printer] = []
        self.addresses: list[tuple[Address, str]] = []
        self.changes: list[tuple[str, LedgerChanges]] = []
        self.evidence: list[Evidence] = []
        self.snapshots: list[Snapshot] = []
        self.telemetry: list[TelemetryRow] = []
        self.faults: dict[tuple[str, str], IntakeFault] = {}
        self.rejected: list[RejectedMessage] = []
        self.taken_inputs: list[TakenInput] = []
        self.revisions: list[Revision] = []
        self.feed: list[FeedEntry] = []

    @property
    def urgent(self) -> bool:
        """Whether somebody waits for what is here: a job, a state, an alert, an answer."""
        return bool(self.feed or self.taken_inputs)

    def change(self, printer_id: str, changes: LedgerChanges) -> None:
        """Take over what one tracker step changed."""
        self.changes.append((printer_id, changes))
        self.feed.extend(changes.feed)

    def mark(self) -> PendingMark:
        """How much is gathered."""
        return PendingMark(
            len(self.changes),
            len(self.evidence),
            len(self.snapshots),
            len(self.telemetry),
            len(self.revisions),
            len(self.feed),
        )

    def go_back(self, mark: PendingMark) -> None:
        """Forget what was gathered since the mark."""
        for name, length in zip(PendingMark._fields, mark, strict=True):
            del getattr(self, name)[length:]

    def reject(self, message: RejectedMessage) -> None:
        """Keep a message that could not be digested, the first ones of each commit."""
        if len(self.rejected) < MOST_REJECTED:
            self.rejected.append(message)

    def fault(self, source: str, reason: str, at_ms: int, sample: str) -> bool:
        """Count a dropped message. True when it is the first of its kind since the last commit."""
        key = (source, reason)
        before = self.faults.get(key)
        count = 1 if before is None else before.count + 1
        self.faults[key] = IntakeFault(
            source=source, reason=reason, count=count, last_ms=at_ms, sample=sample
        )
        return before is None

    def batch(self) -> Batch:
        """Everything, in the form that the ledger books."""
        spans: dict[tuple[str, int], Span] = {}
        jobs: dict[str, Job] = {}
        aliases: dict[tuple[str, str, str], str] = {}
        for printer_id, changes in self.changes:
            for from_ms, span in changes.spans.items():
                spans[printer_id, from_ms] = span
            jobs.update(changes.jobs)
            for (history, native_id), job_id in changes.aliases.items():
                aliases[printer_id, history, native_id] = job_id
        return Batch(
            printers=self.printers,
            addresses=self.addresses,
            jobs=list(jobs.values()),
            aliases=[JobAlias(*key, job_id) for key, job_id in aliases.items()],
            spans=list(spans.values()),
            evidence=self.evidence,
            snapshots=self.snapshots,
            telemetry=self.telemetry,
            faults=list(self.faults.values()),
            rejected=self.rejected,
            taken_inputs=self.taken_inputs,
            revisions=self.revisions,
            feed=self.feed,
        )
