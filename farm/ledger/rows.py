"""Values of the domain as rows of the ledger's tables, and back."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import RowMapping

from farm.ledger.records import (
    Checkpoint,
    Evidence,
    IntakeFault,
    JobAlias,
    RejectedMessage,
    Revision,
    SessionRecord,
    Snapshot,
    TelemetryRow,
)
from farm.model.clash import PublisherClash
from farm.model.feed import FeedEntry, FeedKind
from farm.model.job import Job
from farm.model.observation import Telemetry
from farm.model.operator_input import OperatorInput, OperatorWord
from farm.model.printer import Address, Printer
from farm.model.span import Span

T = TypeVar("T", bound=msgspec.Struct)

PRINTER_COLUMNS = (*Printer.__struct_fields__, "collector")
ADDRESS_COLUMNS = (*Address.__struct_fields__, "printer_id")
JOB_COLUMNS = Job.__struct_fields__
ALIAS_COLUMNS = JobAlias.__struct_fields__
SPAN_COLUMNS = Span.__struct_fields__
EVIDENCE_COLUMNS = Evidence.__struct_fields__
SNAPSHOT_COLUMNS = Snapshot.__struct_fields__
CHECKPOINT_COLUMNS = Checkpoint.__struct_fields__
SESSION_COLUMNS = SessionRecord.__struct_fields__
REJECTED_COLUMNS = RejectedMessage.__struct_fields__
TELEMETRY_COLUMNS = ("printer_id", "at_ms", "body")
FAULT_COLUMNS = IntakeFault.__struct_fields__
REVISION_COLUMNS = Revision.__struct_fields__
FEED_COLUMNS = ("seq", "at_ms", "kind", "printer_id", "job_id", "body")

as_row: Callable[[msgspec.Struct], tuple[Any, ...]] = msgspec.structs.astuple
"""The fields in order, for what the tables hold under the same names."""

_encode = msgspec.json.Encoder().encode
_telemetry = msgspec.json.Decoder(Telemetry).decode
_word: msgspec.json.Decoder[OperatorWord] = msgspec.json.Decoder(OperatorWord)
_clash = msgspec.json.Decoder(PublisherClash).decode
_feed_body = msgspec.json.Decoder(dict[str, Any]).decode


def printer_row(printer: Printer, collector: str) -> tuple[Any, ...]:
    """A printer with the collector that books it."""
    return (*as_row(printer), collector)


def address_row(address: Address, printer_id: str) -> tuple[Any, ...]:
    """An address with the printer that is reached there."""
    return (*as_row(address), printer_id)


def session_row(session: SessionRecord) -> tuple[Any, ...]:
    """A session with its telemetry encoded."""
    clash = None if session.clash is None else _encode(session.clash).decode()
    live = _encode(session.live)
    times = (session.progress_ms, session.done_ms)
    return session.id, session.printer_id, session.heard_ms, live, session.body, clash, *times


def telemetry_row(sample: TelemetryRow) -> tuple[Any, ...]:
    """A sample without id, which the ledger gives."""
    return sample.printer_id, sample.at_ms, _encode(sample.values)


def revision_row(revision: Revision, *, without_job: bool) -> tuple[Any, ...]:
    """A revision; `without_job` where the job itself is withdrawn."""
    return as_row(msgspec.structs.replace(revision, job_id=None) if without_job else revision)


def feed_row(seq: int, entry: FeedEntry) -> tuple[Any, ...]:
    """An entry under its place in the feed."""
    body = _encode(entry.body).decode()
    return seq, entry.at_ms, entry.kind.value, entry.printer_id, entry.job_id, body


def printer_of(row: RowMapping) -> Printer:
    """The printer in a row that may hold more."""
    return printer_with(*(row[name] for name in Printer.__struct_fields__))


def printer_with(*facts: Any) -> Printer:
    """The printer whose fields are given in their order."""
    return Printer(**dict(zip(Printer.__struct_fields__, facts, strict=True)))


def struct_of(kind: type[T], row: Sequence[Any]) -> T:
    """The struct whose fields the row holds in their order."""
    return msgspec.convert(dict(zip(kind.__struct_fields__, row, strict=True)), kind)


def job_of(row: RowMapping) -> Job:
    """The job in a row that may hold more."""
    return struct_of(Job, [row[name] for name in JOB_COLUMNS])


def session_of(row: RowMapping) -> SessionRecord:
    """The session in a row."""
    clash = None if row["clash"] is None else _clash(row["clash"])
    live = _telemetry(row["live"])
    return SessionRecord(
        row["id"],
        row["printer_id"],
        row["heard_ms"],
        live,
        row["body"],
        clash,
        row["progress_ms"],
        row["done_ms"],
    )


def telemetry_of(row: RowMapping) -> TelemetryRow:
    """The sample in a row."""
    return TelemetryRow(row["printer_id"], row["at_ms"], _telemetry(row["body"]), row["id"])


def feed_entry_of(row: RowMapping) -> FeedEntry:
    """The entry in a row."""
    return FeedEntry(
        kind=FeedKind(row["kind"]),
        at_ms=row["at_ms"],
        printer_id=row["printer_id"],
        job_id=row["job_id"],
        body=_feed_body(row["body"]),
        seq=row["seq"],
    )


def revision_of(row: RowMapping) -> Revision:
    """The revision in a row that may hold more."""
    return Revision(**{name: row[name] for name in REVISION_COLUMNS})


def operator_input_facts(said: OperatorInput) -> dict[str, Any]:
    """An entry of the inbox by column, without the id, which the ledger gives."""
    return {
        "printer_id": said.printer_id,
        "job_id": said.job_id,
        "said_ms": said.said_ms,
        "for_ms": said.for_ms,
        "who": said.who,
        "what": said.word.__struct_config__.tag,
        "body": _encode(said.word).decode(),
        "why": said.why,
    }


def operator_input_of(row: RowMapping) -> OperatorInput:
    """The entry of the inbox in a row."""
    return OperatorInput(
        id=row["id"],
        printer_id=row["printer_id"],
        job_id=row["job_id"],
        said_ms=row["said_ms"],
        for_ms=row["for_ms"],
        who=row["who"],
        word=_word.decode(row["body"]),
        why=row["why"],
        taken_ms=row["taken_ms"],
        answer=row["answer"],
    )
