"""The first tables of the ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make every table of the ledger."""
    _create_alert()
    _create_collector()
    _create_cursor()
    _create_feed()
    _create_intake_fault()
    _create_ledger_meta()
    _create_outbox_reject()
    _create_printer()
    _create_checkpoint()
    _create_delivery()
    _create_evidence()
    _create_job()
    _create_milestone()
    _create_outcome_total()
    _create_printer_address()
    _create_receipt()
    _create_span()
    _create_telemetry()
    _create_delivery_attempt()
    _create_job_alias()
    _create_revision()


def _create_alert() -> None:
    op.create_table(
        "alert",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("printer_id", sa.String(length=36)),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("fired_ms", sa.BigInteger(), nullable=False),
        sa.Column("notified_ms", sa.BigInteger()),
        sa.Column("resolved_ms", sa.BigInteger()),
        sa.Column("resolution", sa.Text()),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alert"),
    )
    op.create_index("ix_alert_fired_ms", "alert", ["fired_ms"])
    op.create_index("ix_alert_state", "alert", ["state", "rule", "subject"])


def _create_collector() -> None:
    op.create_table(
        "collector",
        sa.Column("client_id", sa.String(length=128), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("booked_until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", name="pk_collector"),
        comment="one row per MQTT session; `epoch` fences off a collector that was taken over",
    )


def _create_cursor() -> None:
    op.create_table(
        "cursor",
        sa.Column("reader", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text()),
        sa.PrimaryKeyConstraint("reader", name="pk_cursor"),
        comment="how far each reader of the feed has come; `body` is what it keeps beside it",
    )


def _create_feed() -> None:
    op.create_table(
        "feed",
        sa.Column("seq", _SERIAL, autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("printer_id", sa.String(length=36)),
        sa.Column("job_id", sa.String(length=36)),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_feed"),
    )
    op.create_index("ix_feed_at_ms", "feed", ["at_ms"])


def _create_intake_fault() -> None:
    op.create_table(
        "intake_fault",
        sa.Column("source", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("last_ms", sa.BigInteger(), nullable=False),
        sa.Column("sample", sa.Text()),
        sa.PrimaryKeyConstraint("source", "reason", name="pk_intake_fault"),
    )


def _create_ledger_meta() -> None:
    op.create_table(
        "ledger_meta",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_ledger_meta"),
        comment=("kind of time (real or simulated), the last simulated instant, the position of the feed"),
    )


def _create_outbox_reject() -> None:
    op.create_table(
        "outbox_reject",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("reader", sa.String(length=64), nullable=False),
        sa.Column("source", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outbox_reject"),
        comment=("what InfluxDB refused for good, in its words; `source` is the place in the reader's queue"),
    )


def _create_printer() -> None:
    op.create_table(
        "printer",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("site", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("group", sa.String(length=128)),
        sa.Column("model", sa.String(length=128)),
        sa.Column("adapter", sa.String(length=32), nullable=False),
        sa.Column("collector", sa.String(length=128)),
        sa.Column("first_seen_ms", sa.BigInteger(), nullable=False),
        sa.Column("retired_ms", sa.BigInteger()),
        sa.Column("ignored", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_printer"),
        sa.UniqueConstraint("site", "name", name="uq_printer_site_name"),
    )


def _create_checkpoint() -> None:
    op.create_table(
        "checkpoint",
        sa.Column("printer_id", sa.String(length=36), nullable=False),
        sa.Column("heard_ms", sa.BigInteger(), nullable=False),
        sa.Column("live", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["printer_id"], ["printer.id"], name="fk_checkpoint_printer_id"),
        sa.PrimaryKeyConstraint("printer_id", name="pk_checkpoint"),
        comment="where each printer's tracker and adapter stand; `live` is the last telemetry",
    )


def _create_delivery() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("alert_id", sa.String(length=36), nullable=False),
        sa.Column("receiver", sa.String(length=128), nullable=False),
        sa.Column("occasion", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=False),
        sa.Column("lease_until_ms", sa.BigInteger()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("delivered_ms", sa.BigInteger()),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name="fk_delivery_alert_id"),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
    )
    op.create_index("ix_delivery_alert_id", "delivery", ["alert_id"])
    op.create_index("ix_delivery_due", "delivery", ["state", "due_ms"])


def _create_evidence() -> None:
    op.create_table(
        "evidence",
        sa.Column("printer_id", sa.String(length=36), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["printer_id"], ["printer.id"], name="fk_evidence_printer_id"),
        sa.PrimaryKeyConstraint("printer_id", "at_ms", "ordinal", name="pk_evidence"),
    )


def _create_job() -> None:
    op.create_table(
        "job",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("printer_id", sa.String(length=36), nullable=False),
        sa.Column("file", sa.Text()),
        sa.Column("started_ms", sa.BigInteger()),
        sa.Column("start_provenance", sa.String(length=16), nullable=False),
        sa.Column("ended_ms", sa.BigInteger()),
        sa.Column("outcome", sa.String(length=16)),
        sa.Column("provenance", sa.String(length=16)),
        sa.Column("cancelled_by", sa.String(length=16)),
        sa.Column("cause", sa.String(length=32)),
        sa.Column("detail", sa.Text()),
        sa.Column("printing_ms", sa.BigInteger(), nullable=False),
        sa.Column("preparing_ms", sa.BigInteger(), nullable=False),
        sa.Column("paused_ms", sa.BigInteger(), nullable=False),
        sa.Column("pauses", sa.Integer(), nullable=False),
        sa.Column("measured", sa.Boolean(), nullable=False),
        sa.Column("progress", sa.Float()),
        sa.Column("filament_mm", sa.Float()),
        sa.Column("filament_g", sa.Float()),
        sa.Column("material", sa.String(length=64)),
        sa.Column("operator", sa.String(length=128)),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["printer_id"], ["printer.id"], name="fk_job_printer_id"),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
    )
    op.create_index("ix_job_cause", "job", ["cause", "outcome"])
    op.create_index("ix_job_ended_ms", "job", ["ended_ms", "id"])
    op.create_index("ix_job_file", "job", ["file", "ended_ms"])
    op.create_index("ix_job_printer_id_ended_ms", "job", ["printer_id", "ended_ms"])
    op.create_index("ix_job_printer_id_started_ms", "job", ["printer_id", "started_ms"])


def _create_receipt() -> None:
    op.create_table(
        "receipt",
        sa.Column("client_id", sa.String(length=128), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"], ["collector.client_id"], name="fk_receipt_client_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("client_id", "number", name="pk_receipt"),
        comment="messages of a commit that the broker of the session may send again",
    )


def _create_milestone() -> None:
    op.create_table(
        "milestone",
        sa.Column("printer_id", sa.String(length=36), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["printer_id"], ["printer.id"], name="fk_milestone_printer_id"),
        sa.PrimaryKeyConstraint("printer_id", "at_ms", "ordinal", name="pk_milestone"),
        comment=(
            "tracker checkpoints kept on the way, from which a printer is run again when late evidence comes"
        ),
    )


def _create_outcome_total() -> None:
    op.create_table(
        "outcome_total",
        sa.Column("printer_id", sa.String(length=36), nullable=False),
        sa.Column("ended_ms", sa.BigInteger(), nullable=False),
        sa.Column("succeeded_jobs", sa.BigInteger(), nullable=False),
        sa.Column("failed_jobs", sa.BigInteger(), nullable=False),
        sa.Column("cancelled_jobs", sa.BigInteger(), nullable=False),
        sa.Column("cancelled_by_person_jobs", sa.BigInteger(), nullable=False),
        sa.Column("cancelled_by_system_jobs", sa.BigInteger(), nullable=False),
        sa.Column("unknown_jobs", sa.BigInteger(), nullable=False),
        sa.Column("succeeded_units", sa.BigInteger(), nullable=False),
        sa.Column("failed_units", sa.BigInteger(), nullable=False),
        sa.Column("cancelled_units", sa.BigInteger(), nullable=False),
        sa.Column("cancelled_by_person_units", sa.BigInteger(), nullable=False),
        sa.Column("cancelled_by_system_units", sa.BigInteger(), nullable=False),
        sa.Column("unknown_units", sa.BigInteger(), nullable=False),
        sa.Column("succeeded_printing_ms", sa.BigInteger(), nullable=False),
        sa.Column("failed_printing_ms", sa.BigInteger(), nullable=False),
        sa.Column("cancelled_printing_ms", sa.BigInteger(), nullable=False),
        sa.Column("cancelled_by_person_printing_ms", sa.BigInteger(), nullable=False),
        sa.Column("cancelled_by_system_printing_ms", sa.BigInteger(), nullable=False),
        sa.Column("unknown_printing_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["printer_id"], ["printer.id"], name="fk_outcome_total_printer_id"),
        sa.PrimaryKeyConstraint("printer_id", "ended_ms", name="pk_outcome_total"),
        comment="sums over all jobs of the printer that ended until then, kept with every change of a job",
        sqlite_with_rowid=False,
    )


def _create_printer_address() -> None:
    op.create_table(
        "printer_address",
        sa.Column("broker", sa.String(length=255), nullable=False),
        sa.Column("adapter", sa.String(length=32), nullable=False),
        sa.Column("prefix", sa.String(length=512), nullable=False),
        sa.Column("printer_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["printer_id"], ["printer.id"], name="fk_printer_address_printer_id"),
        sa.PrimaryKeyConstraint("broker", "adapter", "prefix", name="pk_printer_address"),
    )
    op.create_index("ix_printer_address_printer_id", "printer_address", ["printer_id"])


def _create_span() -> None:
    op.create_table(
        "span",
        sa.Column("printer_id", sa.String(length=36), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger()),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("offline_before_ms", sa.BigInteger(), nullable=False),
        sa.Column("idle_before_ms", sa.BigInteger(), nullable=False),
        sa.Column("preparing_before_ms", sa.BigInteger(), nullable=False),
        sa.Column("printing_before_ms", sa.BigInteger(), nullable=False),
        sa.Column("paused_before_ms", sa.BigInteger(), nullable=False),
        sa.Column("finished_before_ms", sa.BigInteger(), nullable=False),
        sa.Column("error_before_ms", sa.BigInteger(), nullable=False),
        sa.Column("maintenance_before_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["printer_id"], ["printer.id"], name="fk_span_printer_id"),
        sa.PrimaryKeyConstraint("printer_id", "from_ms", name="pk_span"),
        comment=("the account of time; `..._before_ms` sum up the printer's time in a state before the span"),
    )


def _create_telemetry() -> None:
    op.create_table(
        "telemetry",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("printer_id", sa.String(length=36), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["printer_id"], ["printer.id"], name="fk_telemetry_printer_id"),
        sa.PrimaryKeyConstraint("id", name="pk_telemetry"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_telemetry_printer_id_at_ms", "telemetry", ["printer_id", "at_ms"])


def _create_delivery_attempt() -> None:
    op.create_table(
        "delivery_attempt",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("delivery_id", sa.String(length=36), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name="fk_delivery_attempt_delivery_id"),
        sa.PrimaryKeyConstraint("id", name="pk_delivery_attempt"),
    )
    op.create_index("ix_delivery_attempt_delivery_id", "delivery_attempt", ["delivery_id"])


def _create_job_alias() -> None:
    op.create_table(
        "job_alias",
        sa.Column("printer_id", sa.String(length=36), nullable=False),
        sa.Column("history", sa.String(length=128), nullable=False),
        sa.Column("native_id", sa.String(length=128), nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_job_alias_job_id"),
        sa.ForeignKeyConstraint(["printer_id"], ["printer.id"], name="fk_job_alias_printer_id"),
        sa.PrimaryKeyConstraint("printer_id", "history", "native_id", name="pk_job_alias"),
    )
    op.create_index("ix_job_alias_job_id", "job_alias", ["job_id"])


def _create_revision() -> None:
    op.create_table(
        "revision",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("printer_id", sa.String(length=36), nullable=False),
        sa.Column("job_id", sa.String(length=36)),
        sa.Column("who", sa.String(length=128), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("before", sa.Text()),
        sa.Column("after", sa.Text()),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_revision_job_id"),
        sa.ForeignKeyConstraint(["printer_id"], ["printer.id"], name="fk_revision_printer_id"),
        sa.PrimaryKeyConstraint("id", name="pk_revision"),
    )
    op.create_index("ix_revision_job_id", "revision", ["job_id"])
