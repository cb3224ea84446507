"""The last messages of a session's stream, from which messages that recur are told from repeated ones."""

import msgspec


class HeldMessage(msgspec.Struct, frozen=True, array_like=True):
    """A message without a time of its own that waits until the next one with a time shows whether it is new.

    `at_ms` is when it is taken to have happened, `topic_sum` and `payload_sum` are its checksums;
    `is_dated` says that it came at that instant and not only behind it.
    """

    topic: str
    suffix: str
    payload: bytes
    at_ms: int
    topic_sum: int
    payload_sum: int
    is_dated: bool = False


class Trail(msgspec.Struct, array_like=True):
    """`last` is the fingerprint of the last message with a time, 0 while there was none; `since` are those
    of the messages without a time behind it, `held` those that wait.
    """

    last: int = 0
    since: tuple[int, ...] = ()
    held: list[HeldMessage] = []
