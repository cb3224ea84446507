"""What is kept of a tracker input, so that a printer can be run again."""

import msgspec

from collector.sessions.session import PrinterSession
from collector.tracker import TrackerInput, TrackerState
from farm.model.observation import Observation

_encode = msgspec.msgpack.Encoder().encode


class EvidenceBody(msgspec.Struct, frozen=True):
    """What stands in an evidence row: the tracker input, and the clock session and times behind it.

    `source_ms` and `since_ms` are the source's own times, from which the position of the row is
    worked out anew when the session's offset is learnt or corrected. `session_id` names the
    address that it was heard under; it is empty where none is behind it, and in ledgers from
    before a printer could have several.
    """

    given: bytes
    session: int
    received_ms: int
    source_ms: int | None = None
    since_ms: int | None = None
    session_id: str = ""

    def is_of(self, session: PrinterSession) -> bool:
        """Whether the input was heard under the session's address, as far as is known."""
        return self.session_id in ("", session.id)


def evidence_body(
    session: PrinterSession | None, given: TrackerInput, received_ms: int, seen: Observation | None
) -> bytes:
    """The stored form of an input; `session` is the one that it was heard in, if any."""
    source_ms, since_ms = (None, None) if seen is None else (seen.time_ms, seen.since_ms)
    clock_session, heard_in = (0, "") if session is None else (session.clock.session, session.id)
    return _encode(EvidenceBody(_encode(given), clock_session, received_ms, source_ms, since_ms, heard_in))


def bears(before: TrackerState, after: TrackerState, seen: Observation | None) -> bool:
    """Whether an input is evidence: it changed something, or it would have, had others come in time.

    The same reading again is not, nor is a level without a time that told nothing new.
    """
    if msgspec.structs.replace(after, recent=before.recent, at_ms=before.at_ms) != before:
        return True
    return seen is not None and not seen.history and not seen.retained and after.recent != before.recent
