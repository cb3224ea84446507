"""InfluxDB's line protocol: one point a line.

A field keeps the type it was first written with, so the type comes from the data model and
never from the value at hand: floats stay floats, and only what is declared whole is whole.
"""

import math
from collections.abc import Mapping
from typing import Final, TypeAlias

NANOSECONDS_PER_MS: Final = 1_000_000
"""The digits below a millisecond hold the sequence that keeps points of one millisecond apart."""

FieldValue: TypeAlias = str | int | float | bool | None

_TAG_SIGNS = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ ", "\n": r"\ ", "\r": r"\ "})
_TEXT_SIGNS = str.maketrans({"\\": r"\\", '"': r"\""})
_LARGEST_INT: Final = 2**63 - 1


def timestamp(at_ms: int, sequence: int) -> int:
    """Nanoseconds since 1970 of the instant `at_ms`, made distinct by `sequence`."""
    return at_ms * NANOSECONDS_PER_MS + sequence % NANOSECONDS_PER_MS


def series(measurement: str, tags: Mapping[str, str | None]) -> str:
    """Measurement and tags, by name; a tag without value is left out, since none may be empty."""
    shown = (f",{name}={_tag(value)}" for name, value in sorted(tags.items()) if value)
    return measurement + "".join(shown)


def fields(values: Mapping[str, FieldValue]) -> str:
    """The fields that have a value; empty when none has."""
    return ",".join(f"{name}={text}" for name, value in values.items() if (text := field(value)) is not None)


def field(value: FieldValue) -> str | None:
    """One field's value; None for what line protocol cannot hold: no value, NaN, infinity, beyond 64 bits."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case int():
            return f"{value}i" if -_LARGEST_INT <= value <= _LARGEST_INT else None
        case float():
            return repr(value) if math.isfinite(value) else None
        case str():
            return f'"{value.translate(_TEXT_SIGNS)}"'


def line(head: str, body: str, at_ns: int) -> bytes:
    """The finished line, in UTF-8; what UTF-8 cannot say is written as a question mark."""
    return f"{head} {body} {at_ns}".encode("utf-8", "replace")


def _tag(value: str) -> str:
    # A backslash at the end would escape the sign that follows the value.
    return value.translate(_TAG_SIGNS).rstrip("\\") or "_"
