"""How a value is held to its limits: texts are made storable, figures out of range are dropped."""

import re
from functools import cache
from hashlib import blake2b
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


class _Bound(NamedTuple):
    field: str
    range: Range | None
    text: TextLimit | None


@cache
def _bounds(kind: type[msgspec.Struct]) -> tuple[_Bound, ...]:
    """The limits that stand in the annotations of the struct's fields."""
    found = []
    for field, hint in get_type_hints(kind, include_extras=True).items():
        for mark in getattr(hint, "__metadata__", ()):
            if isinstance(mark, Range):
                found.append(_Bound(field, mark, None))
            elif isinstance(mark, TextLimit):
                found.append(_Bound(field, None, mark))
    return tuple(found)


def keep_bounds(value: msgspec.Struct) -> None:
    """Hold every annotated field of a struct that is being made to its limits.

    For `__post_init__`: a figure out of range becomes None, a text is fitted.
    """
    for field, within, limit in _bounds(type(value)):
        held: Any = getattr(value, field)
        if held is None:
            continue
        if within is not None:
            if not within.least <= held <= within.most:
                msgspec.structs.force_setattr(value, field, None)
        elif limit is not None and (len(held) > limit.length or _UNSTORABLE.search(held)):
            msgspec.structs.force_setattr(value, field, fitted(held, limit))
