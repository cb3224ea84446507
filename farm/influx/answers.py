"""What InfluxDB's answers mean: one table for every HTTP status.

Only what the server itself refuses for its content is ever given up, and then the point is
recorded with the server's words. Everything else is kept and tried again, since a proxy, a
wrong setting or a full disk says nothing about the data.
"""

import re
from enum import Enum
from typing import Final

import msgspec

from farm.model.times import HOUR_MS


class Handling(Enum):
    """What follows from an answer to a write."""

    STORED = "stored"
    WAIT = "keep everything, wait, try again"
    HALVE = "send it again in halves, since it is too large"
    SIFT = "send it again in halves until what is refused stands alone, then record it"


HANDLING: Final[dict[int, Handling]] = {
    204: Handling.STORED,
    400: Handling.SIFT,
    401: Handling.WAIT,
    403: Handling.WAIT,
    404: Handling.WAIT,
    408: Handling.WAIT,
    413: Handling.HALVE,
    422: Handling.SIFT,
    429: Handling.WAIT,
    500: Handling.WAIT,
    502: Handling.WAIT,
    503: Handling.WAIT,
    504: Handling.WAIT,
    507: Handling.WAIT,
}
"""Statuses that InfluxDB or what stands before it is known to send; any other one means `WAIT`."""

LONGEST_RETRY_AFTER_MS: Final = HOUR_MS
"""A wrong header must not silence us for a day."""
_DROPPED = re.compile(r"\bdropped=(\d+)")


class ServerAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back. `status` is None when nothing did; `words` are the server's or the network's.

    `retry_after_s` is the pause that the server asked for.
    """

    status: int | None
    words: str = ""
    retry_after_s: float | None = None
    of_influx: bool = False

    @property
    def handling(self) -> Handling:
        """What to do. A refusal counts as such only from InfluxDB itself, not from a proxy."""
        if self.status is None:
            return Handling.WAIT
        handling = HANDLING.get(self.status, Handling.WAIT)
        return Handling.WAIT if handling is Handling.SIFT and not self.of_influx else handling

    @property
    def dropped(self) -> int | None:
        """How many points the server says it left out of a write; None when it does not say."""
        found = _DROPPED.search(self.words)
        return int(found[1]) if found else None


def is_of_influx(body: bytes) -> bool:
    """Whether an error's body is InfluxDB's own: version 2 sends a `code`, version 3 an `error`."""
    try:
        told = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return isinstance(told, dict) and ("code" in told or "error" in told)
