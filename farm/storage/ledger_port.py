"""What the rest of Layerline asks of the ledger.

One port to write (the collector's), one to read (everybody else's). Both are kept by
`farm.storage.ledger.Ledger` for SQLite and PostgreSQL, and one contract suite tests it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from farm.model.feed import FeedEntry
from farm.model.job import Job
from farm.model.observation import Telemetry
from farm.model.printer import Address, Printer
from farm.model.span import Span
from farm.model.states import CancelledBy, Cause, Outcome, PrinterState


class Evidence(msgspec.Struct, frozen=True):
    """One stored tracker input, in its place: ordered by (`at_ms`, `ordinal`) per printer."""

    printer_id: str
    at_ms: int
    ordinal: int
    received_ms: int
    body: bytes


class Milestone(msgspec.Struct, frozen=True):
    """A tracker checkpoint after the evidence at (`at_ms`, `ordinal`)."""

    printer_id: str
    at_ms: int
    ordinal: int
    body: bytes


class Checkpoint(msgspec.Struct, frozen=True):
    """Where a printer's tracker and adapter stand; `heard_ms` is its last message's time."""

    printer_id: str
    heard_ms: int
    live: Telemetry
    body: bytes


class TelemetryRow(msgspec.Struct, frozen=True):
    """One kept telemetry sample."""

    printer_id: str
    at_ms: int
    values: Telemetry
    id: int = 0


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """Who changed a booked fact, when, why, and what it said before and after (JSON texts)."""

    at_ms: int
    printer_id: str
    job_id: str | None
    who: str
    why: str
    before: str | None
    after: str | None


class JobAlias(msgspec.Struct, frozen=True):
    """The printer's own id of a job, valid within that printer and that history."""

    printer_id: str
    history: str
    native_id: str
    job_id: str


class IntakeFault(msgspec.Struct, frozen=True, kw_only=True):
    """How often messages of a source were dropped for a reason, and the last such message."""

    source: str
    reason: str
    count: int
    last_ms: int
    sample: str | None = None


class Receipt(NamedTuple):
    """Messages of one commit that the broker may send again, numbered within the shard from 1 on."""

    number: int
    body: bytes


class Batch(msgspec.Struct, kw_only=True):
    """Everything that one commit of the collector books, all or nothing.

    Applied in this order: printers and addresses (upsert); jobs (upsert by id);
    `withdrawn_jobs` (deleted with their aliases: a rerun showed that they never were);
    aliases (upsert); `evidence_cuts` and `milestone_cuts` (rows of the printer at or after the
    instant are deleted, to be booked anew by a rerun); `cuts` (every span of the printer that
    starts at or after the instant is deleted, one that reaches beyond it ends there); spans
    (upsert by printer and start); evidence (an identical key is left as it is); milestones
    and checkpoints (upsert); faults (counts are added); revisions; telemetry; feed (each
    entry gets the next `seq`). The printers belong to the committing shard from then on.
    `receipt` is kept with the shard, and those up to `receipts_confirmed` are deleted.
    """

    printers: list[Printer] = []
    addresses: list[tuple[Address, str]] = []
    jobs: list[Job] = []
    withdrawn_jobs: list[str] = []
    aliases: list[JobAlias] = []
    cuts: list[tuple[str, int]] = []
    spans: list[Span] = []
    evidence: list[Evidence] = []
    evidence_cuts: list[tuple[str, int]] = []
    milestone_cuts: list[tuple[str, int]] = []
    milestones: list[Milestone] = []
    checkpoints: list[Checkpoint] = []
    telemetry: list[TelemetryRow] = []
    faults: list[IntakeFault] = []
    revisions: list[Revision] = []
    feed: list[FeedEntry] = []
    booked_until_ms: int = 0
    receipt: Receipt | None = None
    receipts_confirmed: int = 0


class CollectorLedger(Protocol):
    """The ledger as the collector sees it."""

    def claim(self, client_id: str, holder: str, *, simulated: bool, now_ms: int) -> int | None:
        """Take over the shard `client_id` for `holder`; the former holder is fenced off.

        Gives the instant (ms) until which the former holder had booked, or None for a new
        shard. Raises LedgerError when the ledger holds the other kind of time.
        """

    def receipts(self) -> list[Receipt]:
        """The receipts of the claimed shard, by number."""

    def known_printers(self) -> list[tuple[Printer, list[Address]]]:
        """Every printer with its addresses."""

    def printers_booked_here(self) -> frozenset[str]:
        """The ids of the printers that the claimed shard booked last."""

    def checkpoints(self) -> list[Checkpoint]:
        """Every printer's checkpoint."""

    def commit(self, batch: Batch) -> None:
        """Book the batch durably, or nothing of it.

        Raises LeaseLost when the shard was taken over, LedgerError when nothing is claimed
        or the batch contradicts the ledger (a job of an unknown printer), and
        LedgerUnreachable when the database does not answer; whether the batch was booked
        is not known then, so claim and read the checkpoints again before going on.
        """

    def open_jobs(self) -> list[Job]:
        """Jobs without an outcome."""

    def job(self, job_id: str) -> Job | None:
        """One job."""

    def aliased_job(self, printer_id: str, history: str, native_id: str) -> Job | None:
        """The job that the printer's own history calls `native_id`."""

    def jobs_of(self, printer_id: str, since_ms: int) -> list[Job]:
        """The printer's jobs whose end, or where open whose start, is at or after `since_ms`.

        By end, the open ones last; an open one whose start is not known is always there.
        """

    def milestone_before(self, printer_id: str, at_ms: int) -> Milestone | None:
        """The last milestone whose instant is before `at_ms`."""

    def evidence_from(self, printer_id: str, at_ms: int, ordinal: int) -> list[Evidence]:
        """Evidence after (`at_ms`, `ordinal`), in order."""

    def trim(self, telemetry_before_ms: int) -> int:
        """Delete telemetry older than the instant; gives the number of samples deleted."""


class JobFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which jobs to list; unset means any. `since_ms` and `until_ms` bound the end, or the
    start of a job under way (one whose start is not known is never left out for it). Jobs
    under way come first, then the ended ones, each newest first; `after` is the opaque mark
    of the page before.
    """

    printer_ids: Sequence[str] | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    outcomes: Sequence[Outcome] | None = None
    open_only: bool = False
    file: str | None = None
    limit: int = 100
    after: str | None = None


class JobPage(msgspec.Struct, frozen=True):
    """One page of jobs and the mark of the next, None at the end."""

    jobs: list[Job]
    next: str | None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a printer stands: `known_until_ms` is when its collector last booked."""

    printer: Printer
    state: PrinterState
    since_ms: int
    source: str
    heard_ms: int
    known_until_ms: int
    live: Telemetry
    job: Job | None


class OutcomeCount(msgspec.Struct, frozen=True, kw_only=True):
    """Ended jobs of one printer with one outcome in a window, in sums."""

    printer_id: str
    outcome: Outcome
    cancelled_by: CancelledBy | None
    jobs: int
    units: int
    printing_ms: int


class EndedCount(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs that ever ended with one outcome and cause."""

    outcome: Outcome
    cause: Cause | None
    jobs: int


class LedgerReader(Protocol):
    """The ledger as everybody else sees it. Retired and ignored printers only on request.

    An account of time holds a printer from `first_seen_ms` until `retired_ms`, so a retired
    one still counts in the windows before, and its jobs stay.
    """

    def now_ms(self, system_ms: int) -> int:
        """The ledger's present: `system_ms`, or the last simulated instant of a simulated ledger."""

    def printers(self, *, everything: bool = False) -> list[Printer]:
        """The printers, by name."""

    def standings(self, printer_ids: Iterable[str] | None = None) -> list[Standing]:
        """How the printers stand, by name; the named ones also when retired or ignored."""

    def spans(self, from_ms: int, to_ms: int, printer_ids: Sequence[str] | None = None) -> list[Span]:
        """Spans that touch the window, cut to it, by printer and start.

        An open span reaches until its collector last booked; after that, up to `to_ms`,
        stands a span `unknown` (source `silence`), as in every other hole.
        """

    def state_totals(
        self, from_ms: int, to_ms: int, printer_ids: Sequence[str] | None = None
    ) -> Mapping[str, Mapping[PrinterState, int]]:
        """Milliseconds per printer and state in the window; the sums of `spans`, by SQL."""

    def outcome_counts(
        self, from_ms: int, to_ms: int, printer_ids: Sequence[str] | None = None
    ) -> list[OutcomeCount]:
        """Jobs that ended in the window (half open), counted."""

    def ended_jobs(self) -> list[EndedCount]:
        """All jobs that ever ended, counted by outcome and cause."""

    def jobs(self, wanted: JobFilter) -> JobPage:
        """One page of jobs. Raises InvalidQuery when `after` is no mark of a page."""

    def job(self, job_id: str) -> Job | None:
        """One job."""

    def revisions(self, job_id: str) -> list[Revision]:
        """Every revision of a job, oldest first."""

    def evidence(self, printer_id: str, from_ms: int, to_ms: int, limit: int = 1000) -> list[Evidence]:
        """The printer's evidence in the window, in order: what its jobs and states rest on."""

    def last_terminal_jobs(self, printer_id: str, limit: int) -> list[Job]:
        """The printer's last ended jobs, newest first."""

    def feed(self, after_seq: int, limit: int) -> list[FeedEntry]:
        """Feed entries after `after_seq`, in order; never skips one that commits late."""

    def feed_head(self) -> int:
        """The highest `seq` of the feed, 0 when it is empty."""

    def faults(self) -> list[IntakeFault]:
        """The counters of dropped messages."""

    def telemetry(self, printer_id: str, from_ms: int, to_ms: int) -> list[TelemetryRow]:
        """Kept telemetry of one printer in the window, in order."""
