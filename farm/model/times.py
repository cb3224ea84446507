"""The one way in which times are written and read: RFC 3339, UTC, milliseconds."""

from datetime import UTC, datetime, timedelta

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MS = -62_135_596_800_000
_LAST_MS = 253_402_300_799_999
"""The years 1 to 9999, which are all that RFC 3339 can write."""


def rfc3339(at_ms: int) -> str:
    """The instant `at_ms` (milliseconds since 1970, UTC) as `2026-11-22T00:51:14.391Z`.

    Never raises: an instant that cannot be written becomes the nearest one that can.
    """
    at_ms = min(max(at_ms, _FIRST_MS), _LAST_MS)
    moment = datetime.fromtimestamp(at_ms // SECOND_MS, UTC)
    return f"{moment.replace(tzinfo=None).isoformat()}.{at_ms % SECOND_MS:03d}Z"


def rfc3339_or_none(at_ms: int | None) -> str | None:
    """As `rfc3339`, and None for an instant that is not known."""
    return None if at_ms is None else rfc3339(at_ms)


def parse_rfc3339(text: str) -> int:
    """Milliseconds since 1970 of an RFC 3339 instant.

    Raises ValueError when the text is no instant, carries no offset from UTC, or lies outside the
    years 1 to 9999 in UTC.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC; write e.g. 2026-11-22T00:51:14Z")
    at_ms = (moment - _EPOCH) // timedelta(milliseconds=1)
    if not _FIRST_MS <= at_ms <= _LAST_MS:
        raise ValueError(f"{text!r} lies outside the years 1 to 9999 in UTC")
    return at_ms
