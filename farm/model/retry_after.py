"""How long an HTTP server asks to be left alone: its Retry-After header (RFC 9110, 10.2.3)."""

from datetime import UTC
from email.utils import parsedate_to_datetime

from farm.model.times import SECOND_MS

_LONGEST_DIGITS = 9


def retry_after_ms(header: str | None, now_ms: int, longest_ms: int) -> int | None:
    """How long from `now_ms` (Unix, ms) the header asks to wait, in ms; None where it says nothing.

    Seconds or an HTTP date, at most `longest_ms`: more is a mistake of the server's clock.
    """
    if header is None:
        return None
    words = header.strip()
    if words.isascii() and words.isdigit():
        # A number of absurd length is a wish for longer than the longest all the same.
        wish_ms = int(words) * SECOND_MS if len(words) <= _LONGEST_DIGITS else longest_ms
    else:
        try:
            moment = parsedate_to_datetime(words)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            wish_ms = int(moment.timestamp() * SECOND_MS) - now_ms
        except (ValueError, OverflowError, OSError):
            return None
    return min(max(0, wish_ms), longest_ms)
