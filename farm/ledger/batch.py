"""Everything that one commit of the collector books."""

import msgspec

from farm.ledger.records import (
    Checkpoint,
    Evidence,
    IntakeFault,
    JobAlias,
    KnownRow,
    Receipt,
    RejectedMessage,
    Revision,
    SessionRecord,
    Snapshot,
    TelemetryRow,
)
from farm.model.feed import FeedEntry
from farm.model.job import Job
from farm.model.operator_input import TakenInput
from farm.model.printer import Address, Printer
from farm.model.span import Span


class Batch(msgspec.Struct, kw_only=True):
    """Everything that one commit of the collector books, all or nothing.

    Applied in this order: printers (upsert; two can swap their names); addresses (upsert); jobs
    (upsert by id);
    `withdrawn_jobs` (deleted with their aliases: a replay showed that they never were);
    aliases (upsert); `evidence_cuts` and `snapshot_cuts` (rows of the printer behind the
    position of instant and ordinal are deleted, to be booked anew by a replay); `cuts` (every
    span of the printer that starts at or after the instant is deleted, one that reaches beyond
    it ends there); spans
    (upsert by printer and start); evidence (an identical key is left as it is); snapshots
    checkpoints and sessions (upsert); faults (counts are added);
    `taken_inputs` (marked in the inbox as worked in at `booked_until_ms`, with their answers);
    rejected messages (the newest are kept); revisions; telemetry; feed (each
    entry gets the next `seq`). The printers belong to the committing shard from then on.
    `receipt` is kept with the shard, and those up to `receipts_confirmed` are deleted; likewise
    `known` (upsert by number) and `known_cut`.
    """

    printers: list[Printer] = []
    addresses: list[tuple[Address, str]] = []
    jobs: list[Job] = []
    withdrawn_jobs: list[str] = []
    aliases: list[JobAlias] = []
    cuts: list[tuple[str, int]] = []
    spans: list[Span] = []
    evidence: list[Evidence] = []
    evidence_cuts: list[tuple[str, int, int]] = []
    snapshot_cuts: list[tuple[str, int, int]] = []
    snapshots: list[Snapshot] = []
    checkpoints: list[Checkpoint] = []
    sessions: list[SessionRecord] = []
    rejected: list[RejectedMessage] = []
    telemetry: list[TelemetryRow] = []
    faults: list[IntakeFault] = []
    taken_inputs: list[TakenInput] = []
    revisions: list[Revision] = []
    feed: list[FeedEntry] = []
    booked_until_ms: int = 0
    receipt: Receipt | None = None
    receipts_confirmed: int = 0
    known: KnownRow | None = None
    known_cut: int = 0
