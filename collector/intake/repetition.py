"""Messages that a broker with an older queue sends again, told by their words.

A broker that lost power comes back with its queue as it was last saved and hands over once more,
as new, what was acknowledged since: on each topic some messages that we know, in their order, and
then those that we do not. Words that hold the source's time tell by themselves whether they are
known. Others (`online`, `offline`) recur, so they are told by what stood before them.
"""

import zlib
from typing import Final, NamedTuple

from collector.intake.deliveries import Checksums
from collector.intake.known_messages import KnownMessages
from collector.sessions.trail import HeldMessage, Trail

MOST_HELD = 20
"""So many messages of a session wait for the first that shows whether they came again."""
LONGEST_HELD_BYTES = 20_000
_PATH = 8
_AHEAD: Final[tuple[int, ...]] = (-1,)


class Judged(NamedTuple):
    """Whether a message is to be worked in now, and what was held before it that is new."""

    is_new: bool
    released: list[HeldMessage]


_AGAIN: Final = Judged(False, [])


class RepetitionFilter:
    """Judges the messages of a backlog, from the connection on until the stream is live.

    On a topic nothing known follows the first new message of a connection.
    """

    def __init__(self, known: KnownMessages) -> None:
        self._known = known
        self.settled: set[str] = set()
        """The topics on which all that comes is new."""
        self._paths: dict[str, tuple[int, ...]] = {}

    def begin(self) -> None:
        """There is a new connection, over which an older queue may come."""
        self.settled.clear()
        self._paths.clear()

    def knows(self, mark: Checksums) -> bool:
        """Whether words that hold their time were worked in before."""
        return self._known.has(key_of(mark))

    def is_ahead(self, session: str) -> bool:
        """Whether the session said something new over this connection."""
        return self._paths.get(session) is _AHEAD

    def judge(self, session: str, message: HeldMessage, trail: Trail) -> Judged:
        """What a message of a topic that is not settled is, by the trail of its session.

        It is held in the trail where nothing tells yet whether it came again: what stands before
        a message that came again came again, and what stands before a new one is new.
        """
        mark = Checksums(message.topic_sum, message.payload_sum)
        key = key_of(mark)
        if (trail.last or trail.since) and self._known.has(key):
            if not self.is_ahead(session):
                self._paths[session] = (key,)
            trail.held = []
            return _AGAIN
        if trail.last and not self.is_ahead(session) and self._known.has(_words(mark)):
            path = self._paths.get(session)
            if path is not None:
                path = _onward(path, key)
                if self._known.has(_behind(mark, path)):
                    self._paths[session] = path
                    return _AGAIN
            elif len(trail.held) < MOST_HELD and len(message.payload) <= LONGEST_HELD_BYTES:
                trail.held = [*trail.held, message]
                return _AGAIN
        self.settled.add(message.topic)
        self._paths[session] = _AHEAD
        released, trail.held = trail.held, []
        return Judged(True, released)

    def remember(self, mark: Checksums, trail: Trail) -> None:
        """A message without a time was worked in; its effects belong to the next commit."""
        path = _onward((trail.last, *trail.since), key_of(mark))
        trail.since = path[1:]
        self._known.add(_words(mark))
        self._known.add(_behind(mark, path))

    def remember_timed(self, mark: Checksums, trail: Trail) -> None:
        """A message with a time was worked in; its effects belong to the next commit."""
        topic, payload = mark
        trail.last = key = topic << 32 | payload
        if trail.since:
            trail.since = ()
        self._known.add(key)


def key_of(mark: Checksums) -> int:
    """The fingerprint of words that hold their time."""
    return mark.topic << 32 | mark.payload


def _words(mark: Checksums) -> int:
    """The fingerprint of words that recur, wherever they stand."""
    return mark.topic << 32 | zlib.crc32(b"words", mark.payload)


def _behind(mark: Checksums, path: tuple[int, ...]) -> int:
    """The fingerprint of words that recur, at the end of this path."""
    return mark.topic << 32 | zlib.crc32(repr(path).encode())


def _onward(path: tuple[int, ...], key: int) -> tuple[int, ...]:
    """The path with one message more; of a long one only the beginning and the end are kept."""
    longer = (*path, key)
    return longer if len(longer) <= _PATH else (longer[0], *longer[2:])
