"""Why a payload could not be decoded, in the fixed words under which it is counted."""

import json
import math
from typing import Any, NoReturn

from farm.errors import UnreadableMessage

MAX_PAYLOAD = 1_000_000
"""Bytes. A status of a real printer stays below 60 kB."""


def _refuse_constant(word: str) -> NoReturn:
    raise UnreadableMessage("not_finite", word)


def refuse(payload: bytes) -> None:
    """Raise UnreadableMessage for a payload that is too large. Cheap: the size only."""
    if len(payload) > MAX_PAYLOAD:
        raise UnreadableMessage("too_large", f"{len(payload)} bytes, {MAX_PAYLOAD} allowed")


def salvage(payload: bytes) -> dict[str, Any]:
    """The payload as a JSON object, whatever its fields hold.

    Raises UnreadableMessage: `not_utf8`, `not_json`, `not_finite` or `wrong_shape`.
    """
    try:
        found = json.loads(payload.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise UnreadableMessage("not_utf8", str(error)) from error
    except (ValueError, RecursionError) as error:
        raise UnreadableMessage("not_json", str(error)[:120]) from error
    if not isinstance(found, dict):
        raise UnreadableMessage("wrong_shape", f"a JSON object was expected, not {type(found).__name__}")
    return found


def number(value: object) -> float | None:
    """A finite number, also from text; None for anything else."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def text(value: object) -> str | None:
    """A text that is not empty; None for anything else."""
    return value if isinstance(value, str) and value else None
