"""From bytes to bounded fields: strictly where the payload allows it, else field by field.

A wire type is a msgspec struct whose fields carry their limits (`farm.model.limits`) as
constraints. What fits them is decoded in one go; of anything else each field that can be read
is kept, and the others are named, so that one bad field does not lose the message.
"""

import json
import math
from functools import cache
from typing import Any, Generic, NamedTuple, NoReturn, TypeVar, get_args

import msgspec

from collector.adapters.base import Fields
from farm.errors import UnreadableMessage
from farm.model.bounds import fitted
from farm.model.limits import TextLimit

MAX_PAYLOAD = 1_000_000
"""Bytes. A status of a real printer stays below 60 kB."""
_LONGEST_INTEGER = 40
_SHOWN = 60

Wire = TypeVar("Wire", bound=msgspec.Struct)


def _refuse_constant(word: str) -> NoReturn:
    raise UnreadableMessage("not_finite", word)


def _integer(digits: str) -> int | float:
    """The integer, or where no figure is so long, something near it that costs nothing."""
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)


def salvage(payload: bytes) -> dict[str, Any]:
    """The payload as a JSON object, whatever its fields hold.

    Raises UnreadableMessage: `too_large`, `not_utf8`, `not_json`, `too_deep`, `not_finite` or
    `wrong_shape`.
    """
    if len(payload) > MAX_PAYLOAD:
        raise UnreadableMessage("too_large", f"{len(payload)} bytes, {MAX_PAYLOAD} allowed")
    try:
        found = json.loads(payload.decode("utf-8"), parse_constant=_refuse_constant, parse_int=_integer)
    except UnicodeDecodeError as error:
        raise UnreadableMessage("not_utf8", str(error)[:120]) from error
    except RecursionError as error:
        raise UnreadableMessage("too_deep", "nested deeper than any printer's message") from error
    except ValueError as error:
        raise UnreadableMessage("not_json", str(error)[:120]) from error
    if not isinstance(found, dict):
        raise UnreadableMessage("wrong_shape", f"a JSON object was expected, not {type(found).__name__}")
    return found


def number(value: object) -> float | None:
    """A finite number, also from text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def text(value: object) -> str | None:
    """A text that is not empty; None for anything else."""
    return value if isinstance(value, str) and value else None


def shown(value: object) -> str:
    """A value of a message as it can stand in a count of what was dropped."""
    if isinstance(value, str):
        return repr(value[:_SHOWN])
    if isinstance(value, float | bool) or value is None:
        return repr(value)
    if isinstance(value, int):
        return repr(value) if abs(value) < 10**_LONGEST_INTEGER else "an integer without end"
    return type(value).__name__


class _Field(NamedTuple):
    """How a field of a wire type is read where the whole could not be."""

    name: str
    kind: Any
    nested: type[msgspec.Struct] | None
    text: TextLimit | None
    numeric: bool


def _parts(kind: Any) -> tuple[Any, ...]:
    """The annotated members of a union, or the type itself."""
    return tuple(arg for arg in get_args(kind) if isinstance(arg, type) or hasattr(arg, "__metadata__"))


def _field(name: str, kind: Any) -> _Field:
    nested, limit, numeric = None, None, False
    parts = (kind,) if hasattr(kind, "__metadata__") else (kind, *_parts(kind))
    for part in parts:
        if isinstance(part, type) and issubclass(part, msgspec.Struct):
            nested = part
        numeric = numeric or getattr(part, "__origin__", part) in (int, float)
        for meta in getattr(part, "__metadata__", ()):
            if isinstance(meta, msgspec.Meta) and meta.extra is not None:
                limit = meta.extra["limit"]
    return _Field(name, kind, nested, limit, numeric)


@cache
def _fields(kind: type[msgspec.Struct]) -> dict[str, _Field]:
    """The fields of a wire type by their names on the wire."""
    return {field.encode_name: _field(field.name, field.type) for field in msgspec.structs.fields(kind)}


def wire_fields(kind: type[msgspec.Struct]) -> Fields:
    """The names of all fields that are read, with those of what is nested in them."""
    return {
        name: None if field.nested is None else wire_fields(field.nested)
        for name, field in _fields(kind).items()
    }


def fields_of(kind: type[Wire], values: object, refused: list[str], path: str = "") -> Wire:
    """The object with every field that can be read; what cannot is added to `refused`.

    A text is cut to its limit, a figure also read from text; null is as good as absent.
    """
    good: dict[str, Any] = {}
    if not isinstance(values, dict):
        refused.append(f"{path.rstrip('.')} is {shown(values)}")
        return kind()
    fields = _fields(kind)
    for key, value in values.items():
        field = fields.get(key)
        if field is None or value is None:
            continue
        if field.nested is not None and isinstance(value, dict):
            good[field.name] = fields_of(field.nested, value, refused, f"{path}{key}.")
        else:
            _read(field, value, good, refused, f"{path}{key}")
    return kind(**good)


def _read(field: _Field, value: Any, good: dict[str, Any], refused: list[str], path: str) -> None:
    if field.text is not None and isinstance(value, str):
        good[field.name] = fitted(value, field.text)
        return
    told = number(value) if field.numeric and isinstance(value, str) else value
    try:
        good[field.name] = msgspec.convert(value if told is None else told, field.kind, strict=False)
    except (msgspec.ValidationError, UnicodeEncodeError):
        # The latter for a lone surrogate where no text belongs.
        refused.append(f"{path} is {shown(value)}")


class WireDecoder(Generic[Wire]):
    """Decodes the payloads of one wire type."""

    def __init__(self, kind: type[Wire]) -> None:
        self._kind = kind
        self._strict = msgspec.json.Decoder(kind).decode

    def strictly(self, payload: bytes) -> Wire | None:
        """The payload where it is sound and all its fields are within their limits, else None."""
        if len(payload) > MAX_PAYLOAD:
            return None
        try:
            return self._strict(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    def decode(self, payload: bytes) -> tuple[Wire, tuple[str, ...]]:
        """What can be read of the payload, and the fields that could not be.

        Raises UnreadableMessage as `salvage` does.
        """
        found = self.strictly(payload)
        if found is not None:
            return found, ()
        refused: list[str] = []
        return fields_of(self._kind, salvage(payload), refused), tuple(refused)
