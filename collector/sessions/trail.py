"""The last messages of a session's stream, from which messages that recur are told from repeated ones."""

import msgspec


class HeldMessage(msgspec.Struct, frozen=True, array_like=True):
    """A message without a time of its own that waits until the next one with a time shows whether it is new.

    `at_ms` is when it is taken to have happened, `topic_sum` and `payload_sum` are its checksums.
    """

    topic: str
    suffix: str
    payload: bytes
    at_ms: int
    topic_sum: int
    payload_sum: int


class Trail(msgspec.Struct, array_like=True):
    """The last message with a time and those without behind it.

    `path` holds their fingerprints, 0 in place of the first where no message ever had a time.
    """

    path: tuple[int, ...] = ()
    held: list[HeldMessage] = []
