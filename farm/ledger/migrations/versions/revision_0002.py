"""Sessions apart from printers, inbox, verdicts, calendars, rejected messages, words, times in range."""

import uuid

import msgspec
import sqlalchemy as sa
from alembic import op

from farm.ledger.migrations.out_of_range import mend_jobs, mended_tracker

revision = "0002"
down_revision = "0001"

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SESSIONS = uuid.UUID("0d0a5f0e-5a5b-4f53-9f0e-6a3f0c1b7c2d")
_SUMMED_STATES = ("offline", "idle", "preparing", "printing", "paused", "finished", "error", "maintenance")
_OF_THE_SESSION = ("clock", "highest_ms", "memory", "thinner", "next_sample_ms")


def upgrade() -> None:
    """Make the new tables, and carry over what stands."""
    _rename_milestone()
    op.add_column("collector", sa.Column("beats", sa.BigInteger()))
    op.add_column("job", sa.Column("confidence", sa.String(length=16)))
    op.add_column("job", sa.Column("note", sa.Text()))
    op.add_column("job", sa.Column("expected_ms", sa.BigInteger()))
    op.add_column("job", sa.Column("resin_ml", sa.Float()))
    op.add_column("job", sa.Column("spool", sa.String(length=64)))
    op.add_column("span", sa.Column("reason", sa.String(length=32)))
    with op.batch_alter_table("delivery") as delivery:
        delivery.alter_column("occasion", new_column_name="reason")
    _rename_in_deliveries()
    _create_session()
    _create_operator_input()
    _create_verdict()
    _create_verdict_change()
    _create_calendars()
    _create_planned_maintenance()
    _create_calendar_change()
    _create_rejected_message()
    _create_known_message()
    mend_jobs(op.get_bind())
    _drop_running_sums()
    _part_sessions_from_printers()
    with op.batch_alter_table("checkpoint") as checkpoint:
        checkpoint.drop_column("heard_ms")
        checkpoint.drop_column("live")
    if op.get_bind().dialect.supports_comments:
        op.create_table_comment("checkpoint", "where each printer's tracker stands")
        op.create_table_comment(
            "span", "the account of time: which state each printer was in, without holes or overlaps"
        )
        op.create_table_comment(
            "collector",
            "one row per MQTT session; `epoch` fences off a collector that was taken over; "
            "`beats` grows for as long as the holder lives, and is empty when it left in order",
        )


def _drop_running_sums() -> None:
    """The ledger holds facts; figures are made by a read model."""
    op.drop_table("outcome_total")
    with op.batch_alter_table("span") as span:
        for state in _SUMMED_STATES:
            span.drop_column(f"{state}_before_ms")


def _rename_milestone() -> None:
    """With its constraints: PostgreSQL renames them, SQLite only copies a table under new names."""
    if op.get_bind().dialect.name == "postgresql":
        op.rename_table("milestone", "snapshot")
        for constraint in ("pk_{}", "fk_{}_printer_id"):
            before, after = constraint.format("milestone"), constraint.format("snapshot")
            op.execute(f"ALTER TABLE snapshot RENAME CONSTRAINT {before} TO {after}")
        return
    op.create_table(
        "snapshot",
        sa.Column("printer_id", sa.String(length=36), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["printer_id"], ["printer.id"], name="fk_snapshot_printer_id"),
        sa.PrimaryKeyConstraint("printer_id", "at_ms", "ordinal", name="pk_snapshot"),
    )
    op.execute("INSERT INTO snapshot SELECT printer_id, at_ms, ordinal, body FROM milestone")
    op.drop_table("milestone")


def _rename_in_deliveries() -> None:
    """What is told is kept as data; a message that still waits must be found under its new names."""
    connection = op.get_bind()
    table = sa.table("delivery", sa.column("id"), sa.column("body"))
    for key, text in connection.execute(sa.select(table.c.id, table.c.body)).all():
        body = msgspec.json.decode(text)
        told = body.pop("notice", None)
        if isinstance(told, dict):
            told["reason"] = told.pop("occasion", None)
            body["notification"] = told
            kept = msgspec.json.encode(body).decode()
            connection.execute(sa.update(table).where(table.c.id == key).values(body=kept))


def _create_session() -> None:
    op.create_table(
        "session",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("printer_id", sa.String(length=36), nullable=False),
        sa.Column("heard_ms", sa.BigInteger(), nullable=False),
        sa.Column("live", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("clash", sa.Text()),
        sa.Column("progress_ms", sa.BigInteger()),
        sa.Column("done_ms", sa.BigInteger()),
        sa.ForeignKeyConstraint(["printer_id"], ["printer.id"], name="fk_session_printer_id"),
        sa.PrimaryKeyConstraint("id", name="pk_session"),
        comment="where each address stands: adapter memory, source clock; `live` is its last telemetry, "
        "`clash` says that two printers publish there, `progress_ms` when progress moved last, "
        "`done_ms` when its print is done by its own account",
    )
    op.create_index("ix_session_printer_id", "session", ["printer_id"])


def _create_operator_input() -> None:
    op.create_table(
        "operator_input",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("printer_id", sa.String(length=36), nullable=False),
        sa.Column("job_id", sa.String(length=36)),
        sa.Column("said_ms", sa.BigInteger(), nullable=False),
        sa.Column("for_ms", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(length=128), nullable=False),
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("taken_ms", sa.BigInteger()),
        sa.Column("answer", sa.Text()),
        sa.Column("request_key", sa.String(length=128)),
        sa.UniqueConstraint("who", "request_key", name="uq_operator_input_who_request_key"),
        sa.ForeignKeyConstraint(["printer_id"], ["printer.id"], name="fk_operator_input_printer_id"),
        sa.PrimaryKeyConstraint("id", name="pk_operator_input"),
        comment="the inbox: what people said of printers and jobs, and what the collector answered",
    )
    op.create_index("ix_operator_input_taken_ms", "operator_input", ["taken_ms", "id"])
    op.create_index("ix_operator_input_printer_id", "operator_input", ["printer_id", "id"])


def _create_verdict() -> None:
    op.create_table(
        "verdict",
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("good_units", sa.Integer(), nullable=False),
        sa.Column("rejected_units", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=32)),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("who", sa.String(length=128), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", name="pk_verdict"),
        comment="the inspection of a job that holds; no reference, since it outlives a job that a replay "
        "withdraws, and holds again when the job comes back",
    )


def _create_verdict_change() -> None:
    op.create_table(
        "verdict_change",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(length=128), nullable=False),
        sa.Column("good_units", sa.Integer()),
        sa.Column("rejected_units", sa.Integer()),
        sa.Column("reason", sa.String(length=32)),
        sa.Column("note", sa.Text(), nullable=False),
        sa.UniqueConstraint("job_id", "version", name="uq_verdict_change_job_id_version"),
        sa.PrimaryKeyConstraint("id", name="pk_verdict_change"),
        comment="every verdict that was given, and every withdrawal, whose counts are empty",
    )


def _create_calendars() -> None:
    op.create_table(
        "calendar",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_calendar"),
        comment="opening hours of the shop; `version` counts the changes",
    )
    op.create_table(
        "calendar_group",
        sa.Column("group", sa.String(length=128), nullable=False),
        sa.Column("calendar", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("group", name="pk_calendar_group"),
        comment="which calendar holds for a group; under the empty name the one of all others",
    )


def _create_planned_maintenance() -> None:
    op.create_table(
        "planned_maintenance",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("printer_id", sa.String(length=36)),
        sa.Column("group", sa.String(length=128)),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=False),
        sa.Column("planned_ms", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(length=128), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("withdrawn_ms", sa.BigInteger()),
        sa.ForeignKeyConstraint(["printer_id"], ["printer.id"], name="fk_planned_maintenance_printer_id"),
        sa.PrimaryKeyConstraint("id", name="pk_planned_maintenance"),
        comment="work on a printer, on a group, or on the farm where neither is named",
    )


def _create_calendar_change() -> None:
    op.create_table(
        "calendar_change",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(length=128), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("calendar", sa.String(length=64)),
        sa.Column("restates_from_ms", sa.BigInteger()),
        sa.Column("before", sa.Text()),
        sa.Column("after", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_calendar_change"),
        comment="the trail of calendars and planned maintenance",
    )
    op.create_index("ix_calendar_change_calendar", "calendar_change", ["calendar", "id"])


def _create_rejected_message() -> None:
    op.create_table(
        "rejected_message",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rejected_message"),
        comment="messages that could not be digested, the newest; `payload` may be cut, `size` is the whole",
    )


def _create_known_message() -> None:
    op.create_table(
        "known_message",
        sa.Column("client_id", sa.String(length=128), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"], ["collector.client_id"], name="fk_known_message_client_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("client_id", "number", name="pk_known_message"),
        comment="fingerprints of messages worked in lately, for a broker that comes back with an older queue",
    )


def _part_sessions_from_printers() -> None:
    """A checkpoint held the tracker of the printer and the session of its one address."""
    connection = op.get_bind()
    point = sa.table("checkpoint", *map(sa.column, ("printer_id", "heard_ms", "live", "body")))
    address = sa.table("printer_address", *map(sa.column, ("broker", "adapter", "prefix", "printer_id")))
    session = sa.table("session", *map(sa.column, ("id", "printer_id", "heard_ms", "live", "body")))
    reached = {
        row.printer_id: (row.broker, row.adapter, row.prefix)
        for row in connection.execute(sa.select(address))
    }
    for row in connection.execute(sa.select(point)).all():
        old = msgspec.msgpack.decode(row.body)
        tracker = mended_tracker(old["track"])
        kept = msgspec.msgpack.encode({"tracker": tracker, "evidence": old["evidence"]})
        connection.execute(sa.update(point).where(point.c.printer_id == row.printer_id).values(body=kept))
        if row.printer_id not in reached:
            continue
        body = {name: old[name] for name in _OF_THE_SESSION} | {"report_interval": old["cadence"]}
        connection.execute(
            sa.insert(session).values(
                id=str(uuid.uuid5(_SESSIONS, "\x1f".join(reached[row.printer_id]))),
                printer_id=row.printer_id,
                heard_ms=row.heard_ms,
                live=row.live,
                body=msgspec.msgpack.encode(body),
            )
        )
