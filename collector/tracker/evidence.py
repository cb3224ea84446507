"""What is kept of a tracker input, so that a printer can be run again."""

import msgspec

from collector.sessions.session import PrinterSession
from collector.tracker import TrackerInput, TrackerState
from farm.model.observation import Observation

_encode = msgspec.msgpack.Encoder().encode


class EvidenceBody(msgspec.Struct, frozen=True):
    """What stands in an evidence row: the tracker input, and the clock session and times behind it.

    `source_ms` and `since_ms` are the source's own times, from which the place of the row is
    worked out anew when the session's offset is learnt or corrected.
    """

    given: bytes
    session: int
    received_ms: int
    source_ms: int | None = None
    since_ms: int | None = None


def evidence_body(
    session: PrinterSession, given: TrackerInput, received_ms: int, seen: Observation | None
) -> bytes:
    """The stored form of an input that holds for the printer of `session`."""
    source_ms, since_ms = (None, None) if seen is None else (seen.time_ms, seen.since_ms)
    return _encode(EvidenceBody(_encode(given), session.clock.session, received_ms, source_ms, since_ms))


def bears(before: TrackerState, after: TrackerState, seen: Observation | None) -> bool:
    """Whether an input is evidence: it changed something, or it would have, had others come in time.

    The same reading again is not, nor is a level without a time that told nothing new.
    """
    if msgspec.structs.replace(after, recent=before.recent, at_ms=before.at_ms) != before:
        return True
    return seen is not None and not seen.history and not seen.retained and after.recent != before.recent
