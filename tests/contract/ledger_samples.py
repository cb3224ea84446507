"""Values to fill a ledger with; times are small numbers, so that they can be read."""

import hashlib
import uuid
from typing import Any

from sqlalchemy import select

from farm.ledger import schema
from farm.ledger.batch import Batch
from farm.ledger.ledger import Ledger
from farm.ledger.records import Checkpoint, Evidence, SessionRecord, Snapshot
from farm.model.feed import FeedEntry, FeedKind
from farm.model.job import Job
from farm.model.observation import Telemetry
from farm.model.printer import Printer
from farm.model.span import Span
from farm.model.states import Outcome, PrinterState

SHARD = "layerline-shard-1"


def an_id(word: str) -> str:
    """The same UUID for the same word."""
    return str(uuid.UUID(bytes=hashlib.sha256(word.encode()).digest()[:16]))


def a_printer(name: str = "anna", **facts: Any) -> Printer:
    known: dict[str, Any] = {"id": an_id(name), "site": "main", "adapter": "native", "first_seen_ms": 0}
    return Printer(name=name, **(known | facts))


def a_job(word: str, printer: str = "anna", **facts: Any) -> Job:
    known: dict[str, Any] = {"file": f"{word}.gcode", "started_ms": 100}
    return Job(id=an_id(word), printer_id=an_id(printer), **(known | facts))


def an_ended_job(word: str, ended_ms: int, printer: str = "anna", **facts: Any) -> Job:
    known: dict[str, Any] = {"ended_ms": ended_ms, "outcome": Outcome.SUCCEEDED, "printing_ms": 50}
    return a_job(word, printer, **(known | facts))


def a_span(state: PrinterState, from_ms: int, to_ms: int | None, printer: str = "anna") -> Span:
    return Span(an_id(printer), state, from_ms, to_ms)


def evidence(at_ms: int, ordinal: int = 0, body: bytes = b"seen", printer: str = "anna") -> Evidence:
    return Evidence(an_id(printer), at_ms, ordinal, at_ms + 5, body)


def a_snapshot(at_ms: int, ordinal: int = 0, body: bytes = b"reached", printer: str = "anna") -> Snapshot:
    return Snapshot(an_id(printer), at_ms, ordinal, body)


def a_checkpoint(body: bytes = b"stands", printer: str = "anna") -> Checkpoint:
    return Checkpoint(an_id(printer), body)


def a_session(heard_ms: int, body: bytes = b"remembers", printer: str = "anna") -> SessionRecord:
    return SessionRecord(
        f"session-{printer}", an_id(printer), heard_ms, Telemetry(nozzle=210.5, layer=3), body
    )


def entries(count: int, word: str = "entry") -> list[FeedEntry]:
    return [
        FeedEntry(kind=FeedKind.STATE_CHANGED, at_ms=number, printer_id=an_id("anna"), body={word: number})
        for number in range(count)
    ]


def farm(*names: str) -> Batch:
    """A batch that books the printers."""
    return Batch(printers=[a_printer(name) for name in names])


def aliased_job(ledger: Ledger, printer_id: str, history: str, native_id: str) -> Job | None:
    """The job that the printer's own history calls `native_id`."""
    alias = schema.job_alias.c
    wanted = select(alias.job_id).where(
        alias.printer_id == printer_id, alias.history == history, alias.native_id == native_id
    )
    with ledger._reads() as connection:
        job_id = connection.execute(wanted).scalar_one_or_none()
    return None if job_id is None else ledger.job(job_id)
