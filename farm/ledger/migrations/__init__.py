"""The steps by which a ledger of an older version is brought to the present one (Alembic)."""

HEAD = "0003"
"""The revision that `farm.ledger.schema` describes; a test holds it to the last step here."""
