"""What a printer hands to its broker connection."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias


class Message(NamedTuple):
    """One MQTT message as a printer publishes it.

    `tells` is called once the message has reached the broker. `patient` marks what the
    client software keeps through an outage and sends afterwards.
    """

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    tells: Callable[[], None] | None = None
    patient: bool = False


Deliver: TypeAlias = Callable[[int, bool, Message], None]
"""Takes the instant of arrival (ms), whether the broker had kept the message, and the message."""


class HostClock:
    """The clock of one printer's host: right, or wrong by `offset_ms`."""

    __slots__ = ("offset_ms",)

    def __init__(self, offset_ms: int = 0) -> None:
        self.offset_ms = offset_ms

    def read(self, now_ms: int) -> int:
        """What the host takes for the present."""
        return now_ms + self.offset_ms
