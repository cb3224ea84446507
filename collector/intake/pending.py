"""What is to be booked with the next commit, gathered over many messages."""

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
from farm.model.printer import Address, Printer
from farm.model.span import Span


class Pending:
    """The effects of the messages taken since the last commit."""

    def __init__(self) -> None:
        self.printers: list[Printer] = []
        self.addresses: list[tuple[Address, str]] = []
        self.spans: dict[tuple[str, int], Span] = {}
        self.jobs: dict[str, Job] = {}
        self.aliases: dict[tuple[str, str, str], str] = {}
        self.evidence: list[Evidence] = []
        self.snapshots: list[Snapshot] = []
        self.telemetry: list[TelemetryRow] = []
        self.faults: dict[tuple[str, str], IntakeFault] = {}
        self.rejected: list[RejectedMessage] = []
        self.revisions: list[Revision] = []
        self.feed: list[FeedEntry] = []

    @property
    def urgent(self) -> bool:
        """Whether somebody waits for what is here: a job, a state, an alert."""
        return bool(self.feed)

    def book(self, printer_id: str, booking: LedgerChanges) -> None:
        """Take over what one tracker step changed."""
        for from_ms, span in booking.spans.items():
            self.spans[printer_id, from_ms] = span
        self.jobs.update(booking.jobs)
        for (history, native), job_id in booking.aliases.items():
            self.aliases[printer_id, history, native] = job_id
        self.feed.extend(booking.feed)

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
        return Batch(
            printers=self.printers,
            addresses=self.addresses,
            jobs=list(self.jobs.values()),
            aliases=[JobAlias(*key, job_id) for key, job_id in self.aliases.items()],
            spans=list(self.spans.values()),
            evidence=self.evidence,
            snapshots=self.snapshots,
            telemetry=self.telemetry,
            faults=list(self.faults.values()),
            rejected=self.rejected,
            revisions=self.revisions,
            feed=self.feed,
        )
