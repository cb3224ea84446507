"""What the collector keeps in the ledger beside jobs and spans, one value a row."""

from typing import NamedTuple

import msgspec

from farm.model.clash import PublisherClash
from farm.model.observation import Telemetry


class Lease(NamedTuple):
    """Who holds the shard `client_id`: `beats` grows while the holder lives, None when it left in order."""

    client_id: str
    epoch: int
    holder: str
    booked_until_ms: int
    beats: int | None


class Evidence(msgspec.Struct, frozen=True):
    """One stored tracker input, in its place: ordered by (`at_ms`, `ordinal`) per printer."""

    printer_id: str
    at_ms: int
    ordinal: int
    received_ms: int
    body: bytes


class Snapshot(msgspec.Struct, frozen=True):
    """A tracker checkpoint after the evidence at (`at_ms`, `ordinal`)."""

    printer_id: str
    at_ms: int
    ordinal: int
    body: bytes


class Checkpoint(msgspec.Struct, frozen=True):
    """Where a printer's tracker stands."""

    printer_id: str
    body: bytes


class SessionRecord(msgspec.Struct, frozen=True):
    """Where one address of a printer stands; `heard_ms` is its last message's time, `id` `session_id`.

    `clash` is there once two publishers were seen under it, `progress_ms` is when progress moved last,
    `done_ms` when the print is done by the source's own account of what remains.
    """

    id: str
    printer_id: str
    heard_ms: int
    live: Telemetry
    body: bytes
    clash: PublisherClash | None = None
    progress_ms: int | None = None
    done_ms: int | None = None


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


class KnownRow(NamedTuple):
    """Fingerprints of messages worked in lately, 8 bytes each; numbered within the shard from 1 on."""

    number: int
    body: bytes


class RejectedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message that could not be digested: `size` bytes, of which `payload` may be only the beginning."""

    at_ms: int
    source: str
    reason: str
    topic: str
    detail: str
    size: int
    payload: bytes


class ShardStanding(msgspec.Struct, frozen=True):
    """How far a shard has booked, and how many printers that count now it booked last."""

    client_id: str
    booked_until_ms: int
    printers: int
