"""Writing InfluxQL."""

from collections.abc import Sequence


def quoted(text: str) -> str:
    """A string literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"


def select(fields: str, measurement: str, where: Sequence[str], group_by: str = "*") -> str:
    """A query for fields of a measurement, one series for each value of the tags in `group_by`."""
    words = ["SELECT", fields, "FROM", measurement, "WHERE", " AND ".join(where), "GROUP BY", group_by]
    return " ".join(words)


def within(from_ms: int, to_ms: int) -> str:
    """The condition that a point lies in the window (half open)."""
    return f"time >= {from_ms}ms AND time < {to_ms}ms"


def one_of(tag: str, values: Sequence[str]) -> str:
    """The condition that a tag or field has one of the values."""
    return "(" + " OR ".join(f"{tag} = {quoted(value)}" for value in values) + ")"
