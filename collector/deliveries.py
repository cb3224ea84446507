"""Which messages were worked in already, for when the broker sends them again.

At QoS 1 a message whose acknowledgement did not reach the broker comes a second time: under
its packet identifier and with the DUP flag (MQTT 3.1.1, 3.3.1.1 and 4.4). Messages come again
in blocks, so a start would stand behind its own end; what was committed is passed over instead.
"""

import zlib

import msgspec

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[int]).decode


class Deliveries:
    """The marks of all messages that the broker may send again.

    Those are the messages taken and not acknowledged, and the acknowledged ones until the
    broker is known to have heard of it: a broken connection loses what was on its way. A fence
    is sent behind acknowledgements; when the broker answers it, it has read them.
    """

    def __init__(self, stored: bytes | None = None) -> None:
        self._taken: dict[int, None] = {}
        self._acknowledged: dict[int, None] = {}
        self._fenced: dict[int, None] = dict.fromkeys([] if stored is None else _decode(stored))

    @staticmethod
    def mark(packet_id: int, topic: str, payload: bytes) -> int:
        """A number that tells the message from any other the broker may send again."""
        return packet_id << 32 | zlib.crc32(payload, zlib.crc32(topic.encode()))

    def __contains__(self, mark: int) -> bool:
        return mark in self._fenced or mark in self._acknowledged or mark in self._taken

    @property
    def unfenced(self) -> int:
        """How many acknowledged messages no fence stands behind."""
        return len(self._acknowledged)

    def take(self, mark: int) -> None:
        """The message was worked in; its effects belong to the next commit."""
        self._taken[mark] = None

    def encode(self) -> bytes:
        """What belongs into the commit that holds everything taken so far."""
        return _encode([*self._fenced, *self._acknowledged, *self._taken])

    def acknowledge(self) -> None:
        """Acknowledgements of everything taken so far are on their way."""
        self._acknowledged |= self._taken
        self._taken = {}

    def fence(self) -> None:
        """A fence is on its way behind all acknowledgements so far."""
        self._fenced |= self._acknowledged
        self._acknowledged = {}

    def confirm(self) -> None:
        """The broker answered the fence: it sends nothing again that was acknowledged before it."""
        self._fenced = {}
