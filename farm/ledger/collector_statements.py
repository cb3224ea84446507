"""The statements of a commit, compiled once for each database."""

from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    bindparam,
    case,
    delete,
    func,
    null,
    or_,
    select,
    tuple_,
    update,
)

from farm.ledger import rows, schema
from farm.ledger.row_statement import RowStatement, insertion, insertion_of_new, upsertion


class CollectorStatements:
    """What a collector writes, one attribute a step of a commit."""

    def __init__(self, dialect: str) -> None:
        def upsert(table: Any, columns: tuple[str, ...]) -> RowStatement:
            return upsertion(table, dialect, columns)

        self.claim = _claim(dialect)
        self.hold = _hold(dialect)
        self.release = _release(dialect)
        self.names_given_up = _names_given_up(dialect)
        self.printers = upsert(schema.printer, rows.PRINTER_COLUMNS)
        self.addresses = upsert(schema.printer_address, rows.ADDRESS_COLUMNS)
        self.jobs = upsert(schema.job, rows.JOB_COLUMNS)
        self.withdrawals = _withdrawals(dialect)
        self.aliases = upsert(schema.job_alias, rows.ALIAS_COLUMNS)
        self.evidence_cuts = _cut(schema.evidence, dialect)
        self.snapshot_cuts = _cut(schema.snapshot, dialect)
        self.span_cuts = (_removal_of_spans(dialect), _end_of_span(dialect))
        self.spans = upsert(schema.span, rows.SPAN_COLUMNS)
        self.evidence = insertion_of_new(schema.evidence, dialect, rows.EVIDENCE_COLUMNS)
        self.snapshots = upsert(schema.snapshot, rows.SNAPSHOT_COLUMNS)
        self.checkpoints = upsert(schema.checkpoint, rows.CHECKPOINT_COLUMNS)
        self.sessions = upsert(schema.session, rows.SESSION_COLUMNS)
        self.rejected = insertion(schema.rejected_message, dialect, rows.REJECTED_COLUMNS)
        self.telemetry = insertion(schema.telemetry, dialect, rows.TELEMETRY_COLUMNS)
        self.faults = _faults(dialect)
        self.receipts = insertion(schema.receipt, dialect, ("client_id", "number", "body"))
        self.taken_inputs = _taken_input(dialect)
        self.receipt_cuts = _numbered_cut(schema.receipt, dialect)
        self.known = upsert(schema.known_message, ("client_id", "number", "body"))
        self.known_cuts = _numbered_cut(schema.known_message, dialect)
        self.revisions = insertion(schema.revision, dialect, rows.REVISION_COLUMNS)


@cache
def collector_statements(dialect: str) -> CollectorStatements:
    """The statements for the database named `dialect`."""
    return CollectorStatements(dialect)


def _claim(dialect: str) -> RowStatement:
    """Takes a shard over and gives its new epoch and how far it is booked."""
    held = schema.collector.c
    return upsertion(
        schema.collector,
        dialect,
        ("client_id", "epoch", "holder", "booked_until_ms", "beats"),
        {"epoch": lambda given: held.epoch + given, "booked_until_ms": lambda _: held.booked_until_ms},
        returning=[held.epoch, held.booked_until_ms],
    )


def _hold(dialect: str) -> RowStatement:
    """Moves a shard's booked time and its beats on and gives its epoch, or nothing where it is not ours."""
    held = schema.collector.c
    booked = bindparam("booked_until_ms", type_=held.booked_until_ms.type)
    statement = (
        update(schema.collector)
        .where(held.client_id == bindparam("client"), held.epoch == bindparam("held_epoch"))
        .values(
            booked_until_ms=case((held.booked_until_ms < booked, booked), else_=held.booked_until_ms),
            beats=func.coalesce(held.beats, 0) + 1,
        )
        .returning(held.epoch)
    )
    return RowStatement(statement, dialect, ("client", "held_epoch", "booked_until_ms"))


def _release(dialect: str) -> RowStatement:
    """Takes (shard, epoch): nobody holds it any more, unless another has taken it over."""
    held = schema.collector.c
    statement = (
        update(schema.collector)
        .where(held.client_id == bindparam("client"), held.epoch == bindparam("held_epoch"))
        .values(beats=null())
    )
    return RowStatement(statement, dialect, ("client", "held_epoch"))


def _names_given_up(dialect: str) -> RowStatement:
    """Takes (printer id, its name to be): until then a printer that gets another one is called by its id."""
    printer = schema.printer.c
    statement = (
        update(schema.printer)
        .where(printer.id == bindparam("printer"), printer.name != bindparam("wanted"))
        .values(name=printer.id)
    )
    return RowStatement(statement, dialect, ("printer", "wanted"))


def _numbered_cut(table: Any, dialect: str) -> RowStatement:
    """Takes (shard, number): its rows up to that number go."""
    statement = delete(table).where(
        table.c.client_id == bindparam("client"), table.c.number <= bindparam("last")
    )
    return RowStatement(statement, dialect, ("client", "last"))


def _taken_input(dialect: str) -> RowStatement:
    """Takes (instant, answer, id): marks an entry of the inbox as worked in, unless it is already."""
    said = schema.operator_input.c
    statement = (
        update(schema.operator_input)
        .where(said.id == bindparam("said"), said.taken_ms.is_(None))
        .values(taken_ms=bindparam("at"), answer=bindparam("words"))
    )
    return RowStatement(statement, dialect, ("at", "words", "said"))


def _withdrawals(dialect: str) -> tuple[RowStatement, ...]:
    """Each takes (job id,). A job's revisions stay; they name it in their texts."""
    gone = bindparam("gone", type_=schema.job.c.id.type)
    statements = (
        delete(schema.job_alias).where(schema.job_alias.c.job_id == gone),
        update(schema.revision).where(schema.revision.c.job_id == gone).values(job_id=null()),
        delete(schema.job).where(schema.job.c.id == gone),
    )
    return tuple(RowStatement(statement, dialect, ("gone",)) for statement in statements)


def _cut(table: Any, dialect: str) -> RowStatement:
    """Takes (printer id, instant, ordinal): what the printer has behind that position goes."""
    behind = tuple_(table.c.at_ms, table.c.ordinal) > tuple_(bindparam("at"), bindparam("after"))
    statement = delete(table).where(table.c.printer_id == bindparam("printer"), behind)
    return RowStatement(statement, dialect, ("printer", "at", "after"))


def _removal_of_spans(dialect: str) -> RowStatement:
    """Takes (printer id, instant): spans that start there or later go."""
    span = schema.span.c
    statement = delete(schema.span).where(
        span.printer_id == bindparam("printer"), span.from_ms >= bindparam("at")
    )
    return RowStatement(statement, dialect, ("printer", "at"))


def _end_of_span(dialect: str) -> RowStatement:
    """Takes (printer id, instant): the span that reaches beyond ends there.

    Spans do not overlap, so only the last one before the instant can.
    """
    span, earlier = schema.span.c, schema.span.alias("earlier")
    printer: BindParameter[str] = bindparam("printer", type_=span.printer_id.type)
    at: BindParameter[int] = bindparam("at", type_=span.to_ms.type)
    last = select(func.max(earlier.c.from_ms)).where(earlier.c.printer_id == printer, earlier.c.from_ms < at)
    statement = (
        update(schema.span)
        .where(
            span.printer_id == printer,
            span.from_ms == last.scalar_subquery(),
            or_(span.to_ms.is_(None), span.to_ms > at),
        )
        .values(to_ms=at)
    )
    return RowStatement(statement, dialect, ("printer", "at"))


def _faults(dialect: str) -> RowStatement:
    fault = schema.intake_fault.c

    def later(given: ColumnElement[Any]) -> ColumnElement[Any]:
        return case((fault.last_ms < given, given), else_=fault.last_ms)

    return upsertion(
        schema.intake_fault,
        dialect,
        rows.FAULT_COLUMNS,
        {
            "count": lambda given: fault["count"] + given,
            "last_ms": later,
            "sample": lambda given: func.coalesce(given, fault.sample),
        },
    )
