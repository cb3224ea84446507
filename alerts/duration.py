"""Lengths of time as people write them in settings: `90m`, `4h`, `1d12h`."""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator

_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", re.ASCII)


def _duration(value: Any) -> Any:
    """A length of time from `4h`, `90m`, `1d12h` or 0. Raises ValueError for any other text."""
    if isinstance(value, timedelta):
        return value
    if value in (0, "0") and value is not False:
        return timedelta()
    found = _DURATION.fullmatch(value.replace(" ", "")) if isinstance(value, str) else None
    if found is None or not any(found.groups()):
        raise ValueError('must be a length of time such as "4h", "90m", "1d12h" or "0"')
    parts = dict(zip(_UNITS.values(), (int(part or 0) for part in found.groups()), strict=True))
    try:
        return timedelta(**parts)
    except OverflowError:
        raise ValueError("is too long a time") from None


Duration = Annotated[timedelta, BeforeValidator(_duration)]


def milliseconds(length: timedelta) -> int:
    """The length in whole milliseconds."""
    return int(length / timedelta(milliseconds=1))
