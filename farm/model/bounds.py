"""How a value is held to its limits: texts are made storable, figures out of range are dropped."""

import re
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from operator import attrgetter
from typing import Any, NamedTuple, get_type_hints

import msgspec

from farm.model.limits import Range, TextLimit

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""NUL, which PostgreSQL refuses, and lone surrogates, which are no characters and no UTF-8."""
_REPLACEMENT = "\ufffd"
_DIGEST_BYTES = 8


def fitted(text: str, limit: TextLimit) -> str:
    """The text as every database can keep it, no longer than the limit allows.

    NUL and lone surrogates become U+FFFD. A name that had to be changed ends in a digest of
    what it was, another text that had to be cut in an ellipsis. What fits is left as it is.
    """
    clean = _UNSTORABLE.sub(_REPLACEMENT, text)
    if limit.names and (len(clean) > limit.length or clean != text):
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).hexdigest()
        return f"{clean[: limit.length - len(digest) - 1]}…{digest}"
    return clean if len(clean) <= limit.length else f"{clean[: limit.length - 1]}…"


class _Bounds(NamedTuple):
    """The limits that stand in the annotations of a struct's fields; `values` gets just those fields."""

    fields: tuple[str, ...]
    limits: tuple[Range | TextLimit, ...]
    values: Callable[[Any], tuple[Any, ...]]


@cache
def _bounds(kind: type[msgspec.Struct]) -> _Bounds:
    found = {
        field: mark
        for field, hint in get_type_hints(kind, include_extras=True).items()
        for mark in getattr(hint, "__metadata__", ())
        if isinstance(mark, Range | TextLimit)
    }
    return _Bounds(tuple(found), tuple(found.values()), attrgetter(*found))


def keep_bounds(value: msgspec.Struct) -> None:
    """Hold every annotated field of a struct that is being made to its limits.

    For `__post_init__`: a figure out of range becomes None, a text is fitted.
    """
    fields, limits, values = _bounds(type(value))
    for place, held in enumerate(values(value)):
        if held is None:
            continue
        limit = limits[place]
        if isinstance(limit, Range):
            if not limit[0] <= held <= limit[1]:
                msgspec.structs.force_setattr(value, fields[place], None)
        elif len(held) > limit.length or _UNSTORABLE.search(held):
            msgspec.structs.force_setattr(value, fields[place], fitted(held, limit))
