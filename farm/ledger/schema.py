"""The tables of the ledger. Every `_ms` column is integer milliseconds since 1970, UTC."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from farm.model import limits

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)

_serial = BigInteger().with_variant(Integer, "sqlite")

ledger_meta = Table(
    "ledger_meta",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
    comment="kind of time (real or simulated), the last simulated instant, the position of the feed",
)

collector = Table(
    "collector",
    metadata,
    Column("client_id", String(limits.CLIENT_ID.length), primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("holder", String(64), nullable=False),
    Column("booked_until_ms", BigInteger, nullable=False),
    Column("beats", BigInteger),
    comment="one row per MQTT session; `epoch` fences off a collector that was taken over; "
    "`beats` grows for as long as the holder lives, and is empty when it left in order",
)

receipt = Table(
    "receipt",
    metadata,
    Column("client_id", ForeignKey("collector.client_id", ondelete="CASCADE"), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
    comment="messages of a commit that the broker of the session may send again",
)

known_message = Table(
    "known_message",
    metadata,
    Column("client_id", ForeignKey("collector.client_id", ondelete="CASCADE"), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
    comment="fingerprints of messages worked in lately, for a broker that comes back with an older queue",
)

printer = Table(
    "printer",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("site", String(limits.SITE.length), nullable=False),
    Column("name", String(limits.PRINTER_NAME.length), nullable=False),
    Column("group", String(limits.GROUP.length)),
    Column("model", String(limits.MODEL.length)),
    Column("adapter", String(32), nullable=False),
    Column("collector", String(limits.CLIENT_ID.length)),
    Column("first_seen_ms", BigInteger, nullable=False),
    Column("retired_ms", BigInteger),
    Column("ignored", Boolean, nullable=False, default=False),
    UniqueConstraint("site", "name"),
)

printer_address = Table(
    "printer_address",
    metadata,
    Column("broker", String(limits.BROKER.length), primary_key=True),
    Column("adapter", String(32), primary_key=True),
    Column("prefix", String(limits.PREFIX.length), primary_key=True),
    Column("printer_id", ForeignKey("printer.id"), nullable=False, index=True),
)

job = Table(
    "job",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("printer_id", ForeignKey("printer.id"), nullable=False),
    Column("file", Text),
    Column("started_ms", BigInteger),
    Column("start_provenance", String(16), nullable=False),
    Column("ended_ms", BigInteger),
    Column("outcome", String(16)),
    Column("provenance", String(16)),
    Column("cancelled_by", String(16)),
    Column("cause", String(32)),
    Column("detail", Text),
    Column("printing_ms", BigInteger, nullable=False, default=0),
    Column("preparing_ms", BigInteger, nullable=False, default=0),
    Column("paused_ms", BigInteger, nullable=False, default=0),
    Column("pauses", Integer, nullable=False, default=0),
    Column("measured", Boolean, nullable=False, default=False),
    Column("expected_ms", BigInteger),
    Column("progress", Float),
    Column("filament_mm", Float),
    Column("filament_g", Float),
    Column("resin_ml", Float),
    Column("material", String(limits.MATERIAL.length)),
    Column("operator", String(limits.OPERATOR.length)),
    Column("spool", String(limits.SPOOL.length)),
    Column("units", Integer, nullable=False, default=1),
    Column("confidence", String(16)),
    Column("note", Text),
    Column("revision", Integer, nullable=False, default=0),
    Index("ix_job_printer_id_started_ms", "printer_id", "started_ms"),
    Index("ix_job_ended_ms", "ended_ms", "id"),
    Index("ix_job_printer_id_ended_ms", "printer_id", "ended_ms"),
    Index("ix_job_file", "file", "ended_ms"),
    Index("ix_job_cause", "cause", "outcome"),
)

job_alias = Table(
    "job_alias",
    metadata,
    Column("printer_id", ForeignKey("printer.id"), primary_key=True),
    Column("history", String(limits.HISTORY.length), primary_key=True),
    Column("native_id", String(limits.NATIVE_ID.length), primary_key=True),
    Column("job_id", ForeignKey("job.id"), nullable=False, index=True),
)

revision = Table(
    "revision",
    metadata,
    Column("id", _serial, primary_key=True, autoincrement=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("printer_id", ForeignKey("printer.id"), nullable=False),
    Column("job_id", ForeignKey("job.id"), index=True),
    Column("who", String(limits.WHO.length), nullable=False),
    Column("why", Text, nullable=False),
    Column("before", Text),
    Column("after", Text),
)

span = Table(
    "span",
    metadata,
    Column("printer_id", ForeignKey("printer.id"), primary_key=True),
    Column("from_ms", BigInteger, primary_key=True),
    Column("to_ms", BigInteger),
    Column("state", String(16), nullable=False),
    Column("source", String(16), nullable=False),
    Column("reason", String(32)),
    comment="the account of time: which state each printer was in, without holes or overlaps",
)

evidence = Table(
    "evidence",
    metadata,
    Column("printer_id", ForeignKey("printer.id"), primary_key=True),
    Column("at_ms", BigInteger, primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("received_ms", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

snapshot = Table(
    "snapshot",
    metadata,
    Column("printer_id", ForeignKey("printer.id"), primary_key=True),
    Column("at_ms", BigInteger, primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    comment="tracker checkpoints kept on the way, from which a printer is run again when late evidence comes",
)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("printer_id", ForeignKey("printer.id"), primary_key=True),
    Column("body", LargeBinary, nullable=False),
    comment="where each printer's tracker stands",
)

session = Table(
    "session",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("printer_id", ForeignKey("printer.id"), nullable=False, index=True),
    Column("heard_ms", BigInteger, nullable=False),
    Column("live", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("clash", Text),
    Column("progress_ms", BigInteger),
    Column("done_ms", BigInteger),
    comment="where each address stands: adapter memory, source clock; `live` is its last telemetry, "
    "`clash` says that two printers publish there, `progress_ms` when progress moved last, "
    "`done_ms` when its print is done by its own account",
)

operator_input = Table(
    "operator_input",
    metadata,
    Column("id", _serial, primary_key=True, autoincrement=True),
    Column("printer_id", ForeignKey("printer.id"), nullable=False),
    Column("job_id", String(36)),
    Column("said_ms", BigInteger, nullable=False),
    Column("for_ms", BigInteger, nullable=False),
    Column("who", String(limits.WHO.length), nullable=False),
    Column("what", String(32), nullable=False),
    Column("body", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("taken_ms", BigInteger),
    Column("answer", Text),
    Column("request_key", String(limits.REQUEST_KEY.length)),
    UniqueConstraint("who", "request_key"),
    Index("ix_operator_input_taken_ms", "taken_ms", "id"),
    Index("ix_operator_input_printer_id", "printer_id", "id"),
    comment="the inbox: what people said of printers and jobs, and what the collector answered",
)

verdict = Table(
    "verdict",
    metadata,
    Column("job_id", String(36), primary_key=True),
    Column("good_units", Integer, nullable=False),
    Column("rejected_units", Integer, nullable=False),
    Column("reason", String(32)),
    Column("note", Text, nullable=False),
    Column("who", String(limits.WHO.length), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    comment="the inspection of a job that holds; no reference, since it outlives a job that a replay "
    "withdraws, and holds again when the job comes back",
)

verdict_change = Table(
    "verdict_change",
    metadata,
    Column("id", _serial, primary_key=True, autoincrement=True),
    Column("job_id", String(36), nullable=False),
    Column("version", Integer, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("who", String(limits.WHO.length), nullable=False),
    Column("good_units", Integer),
    Column("rejected_units", Integer),
    Column("reason", String(32)),
    Column("note", Text, nullable=False),
    UniqueConstraint("job_id", "version"),
    comment="every verdict that was given, and every withdrawal, whose counts are empty",
)

calendar = Table(
    "calendar",
    metadata,
    Column("name", String(limits.CALENDAR.length), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("body", Text, nullable=False),
    comment="opening hours of the shop; `version` counts the changes",
)

calendar_group = Table(
    "calendar_group",
    metadata,
    Column("group", String(limits.GROUP.length), primary_key=True),
    Column("calendar", String(limits.CALENDAR.length), nullable=False),
    comment="which calendar holds for a group; under the empty name the one of all others",
)

planned_maintenance = Table(
    "planned_maintenance",
    metadata,
    Column("id", _serial, primary_key=True, autoincrement=True),
    Column("printer_id", ForeignKey("printer.id")),
    Column("group", String(limits.GROUP.length)),
    Column("from_ms", BigInteger, nullable=False),
    Column("to_ms", BigInteger, nullable=False),
    Column("planned_ms", BigInteger, nullable=False),
    Column("who", String(limits.WHO.length), nullable=False),
    Column("why", Text, nullable=False),
    Column("withdrawn_ms", BigInteger),
    comment="work on a printer, on a group, or on the farm where neither is named",
)

calendar_change = Table(
    "calendar_change",
    metadata,
    Column("id", _serial, primary_key=True, autoincrement=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("who", String(limits.WHO.length), nullable=False),
    Column("why", Text, nullable=False),
    Column("what", String(32), nullable=False),
    Column("calendar", String(limits.CALENDAR.length)),
    Column("restates_from_ms", BigInteger),
    Column("before", Text),
    Column("after", Text),
    Index("ix_calendar_change_calendar", "calendar", "id"),
    comment="the trail of calendars and planned maintenance",
)

rejected_message = Table(
    "rejected_message",
    metadata,
    Column("id", _serial, primary_key=True, autoincrement=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("source", String(limits.SOURCE_LABEL.length), nullable=False),
    Column("reason", String(limits.REASON.length), nullable=False),
    Column("topic", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    comment="messages that could not be digested, the newest; `payload` may be cut, `size` is the whole",
)

feed = Table(
    "feed",
    metadata,
    Column("seq", _serial, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False, index=True),
    Column("kind", String(32), nullable=False),
    Column("printer_id", String(36)),
    Column("job_id", String(36)),
    Column("body", Text, nullable=False),
)

telemetry = Table(
    "telemetry",
    metadata,
    Column("id", _serial, primary_key=True, autoincrement=True),
    Column("printer_id", ForeignKey("printer.id"), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("ix_telemetry_printer_id_at_ms", "printer_id", "at_ms"),
    # Ids must never be given twice, even after every row was deleted: the outbox counts on them.
    sqlite_autoincrement=True,
)

intake_fault = Table(
    "intake_fault",
    metadata,
    Column("source", String(limits.SOURCE_LABEL.length), primary_key=True),
    Column("reason", String(limits.REASON.length), primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("last_ms", BigInteger, nullable=False),
    Column("sample", Text),
)

alert = Table(
    "alert",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("rule", String(limits.ALERT_RULE.length), nullable=False),
    Column("subject", String(limits.ALERT_SUBJECT.length), nullable=False),
    Column("printer_id", String(36)),
    Column("state", String(16), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("fired_ms", BigInteger, nullable=False),
    Column("notified_ms", BigInteger),
    Column("resolved_ms", BigInteger),
    Column("resolution", Text),
    Column("resolved_by", String(limits.WHO.length)),
    Column("body", Text, nullable=False),
    Index("ix_alert_state", "state", "rule", "subject"),
    Index("ix_alert_fired_ms", "fired_ms"),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("alert_id", ForeignKey("alert.id"), nullable=False, index=True),
    Column("receiver", String(limits.RECEIVER.length), nullable=False),
    Column("reason", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("body", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Column("lease_until_ms", BigInteger),
    Column("attempts", Integer, nullable=False, default=0),
    Column("delivered_ms", BigInteger),
    Index("ix_delivery_due", "state", "due_ms"),
)

delivery_attempt = Table(
    "delivery_attempt",
    metadata,
    Column("id", _serial, primary_key=True, autoincrement=True),
    Column("delivery_id", ForeignKey("delivery.id"), nullable=False, index=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("duration_ms", Integer, nullable=False),
    Column("ok", Boolean, nullable=False),
    Column("answer", Text, nullable=False),
)

acknowledgement = Table(
    "acknowledgement",
    metadata,
    Column("alert_id", ForeignKey("alert.id"), primary_key=True),
    Column("who", String(limits.WHO.length), nullable=False),
    Column("note", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    comment="who sees to a firing alert, and until when it is not repeated",
)

alert_closing = Table(
    "alert_closing",
    metadata,
    Column("alert_id", ForeignKey("alert.id"), primary_key=True),
    comment="alerts that a person has resolved, as long as the evaluator has not told it",
)

silence = Table(
    "silence",
    metadata,
    Column("id", _serial, primary_key=True, autoincrement=True),
    Column("matchers", Text, nullable=False),
    Column("from_ms", BigInteger, nullable=False),
    Column("to_ms", BigInteger, nullable=False),
    Column("who", String(limits.WHO.length), nullable=False),
    Column("why", Text, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),
    Index("ix_silence_to_ms", "to_ms"),
    comment="alerts that match are not told for so long; `ended_ms` where it was ended before",
)

alert_action = Table(
    "alert_action",
    metadata,
    Column("id", _serial, primary_key=True, autoincrement=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("who", String(limits.WHO.length), nullable=False),
    Column("why", Text, nullable=False),
    Column("what", String(32), nullable=False),
    Column("alert_id", String(36)),
    Column("silence_id", BigInteger),
    Column("before", Text),
    Column("after", Text),
    Index("ix_alert_action_alert_id", "alert_id", "id"),
    comment="the trail of what people did about alerts",
)

cursor = Table(
    "cursor",
    metadata,
    Column("reader", String(64), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("body", Text),
    comment="how far each reader of the feed has come; `body` is what it keeps beside it",
)

outbox_reject = Table(
    "outbox_reject",
    metadata,
    Column("id", _serial, primary_key=True, autoincrement=True),
    Column("reader", String(64), nullable=False),
    Column("source", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("status", Integer, nullable=False),
    Column("answer", Text, nullable=False),
    Column("line", Text, nullable=False),
    comment="what InfluxDB refused for good, in its words; `source` is the place in the reader's queue",
)
