"""What people do about alerts: acknowledgements, silences, resolving by hand, and the trail of it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the new tables; every alert so far was resolved by evidence."""
    op.add_column("alert", sa.Column("resolved_by", sa.String(length=128)))
    _create_acknowledgement()
    _create_alert_closing()
    _create_silence()
    _create_alert_action()


def _create_acknowledgement() -> None:
    op.create_table(
        "acknowledgement",
        sa.Column("alert_id", sa.String(length=36), nullable=False),
        sa.Column("who", sa.String(length=128), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name="fk_acknowledgement_alert_id"),
        sa.PrimaryKeyConstraint("alert_id", name="pk_acknowledgement"),
        comment="who sees to a firing alert, and until when it is not repeated",
    )


def _create_alert_closing() -> None:
    op.create_table(
        "alert_closing",
        sa.Column("alert_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name="fk_alert_closing_alert_id"),
        sa.PrimaryKeyConstraint("alert_id", name="pk_alert_closing"),
        comment="alerts that a person has resolved, as long as the evaluator has not told it",
    )


def _create_silence() -> None:
    op.create_table(
        "silence",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("matchers", sa.Text(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(length=128), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_silence"),
        comment="alerts that match are not told for so long; `ended_ms` where it was ended before",
    )
    op.create_index("ix_silence_to_ms", "silence", ["to_ms"])


def _create_alert_action() -> None:
    op.create_table(
        "alert_action",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(length=128), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("alert_id", sa.String(length=36)),
        sa.Column("silence_id", sa.BigInteger()),
        sa.Column("before", sa.Text()),
        sa.Column("after", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_alert_action"),
        comment="the trail of what people did about alerts",
    )
    op.create_index("ix_alert_action_alert_id", "alert_action", ["alert_id", "id"])
