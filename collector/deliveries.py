"""Which messages were worked in already, for when the broker sends them again.

At QoS 1 a message whose acknowledgement did not reach the broker comes a second time: under
its packet identifier and with the DUP flag (MQTT 3.1.1, 3.3.1.1 and 4.4). Messages come again
in blocks, so a start would stand behind its own end; what was committed is passed over instead.
"""

import zlib
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from farm.storage.ledger_port import Receipt

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[tuple[int, int]]).decode


class _Taken(NamedTuple):
    place: int
    checksum: int


class _Stored(NamedTuple):
    number: int
    last_place: int


class Deliveries:
    """Packet identifier and checksum of every message that the broker may send again.

    An identifier is free for another message only when the broker has read the acknowledgement,
    and it reads them in the order in which they were sent. So a new message under a known
    identifier confirms that one and all before it, and there are never more than 65,535.
    """

    def __init__(self, stored: Iterable[Receipt] = ()) -> None:
        self._known: dict[int, _Taken] = {}
        self._next_place = 0
        self._unconfirmed_from = 0
        self._uncommitted: list[tuple[int, int]] = []
        self._stored: deque[_Stored] = deque()
        self._number = 0
        for receipt in stored:
            for packet_id, checksum in _decode(receipt.body):
                self._put(packet_id, checksum)
            self._store(receipt.number)

    @staticmethod
    def checksum(topic: str, payload: bytes) -> int:
        """A number that tells the message from another one under the same packet identifier."""
        return zlib.crc32(payload, zlib.crc32(topic.encode()))

    def were_taken(self, packet_id: int, checksum: int) -> bool:
        """Whether just this message was worked in before, and the broker may send it again."""
        known = self._known.get(packet_id)
        return known is not None and known.place >= self._unconfirmed_from and known.checksum == checksum

    def take(self, packet_id: int, checksum: int) -> None:
        """The message was worked in; its effects belong to the next commit."""
        before = self._known.get(packet_id)
        if before is not None and before.place >= self._unconfirmed_from:
            self._unconfirmed_from = before.place + 1
        self._put(packet_id, checksum)
        self._uncommitted.append((packet_id, checksum))

    def receipt(self) -> Receipt | None:
        """What belongs into the commit that holds everything taken so far, None when that is nothing."""
        return Receipt(self._number + 1, _encode(self._uncommitted)) if self._uncommitted else None

    @property
    def confirmed(self) -> int:
        """Number of the last stored receipt whose messages are all confirmed, 0 for none."""
        number = 0
        for stored in self._stored:
            if stored.last_place >= self._unconfirmed_from:
                break
            number = stored.number
        return number

    def committed(self) -> None:
        """Everything taken so far is durable, and the confirmed receipts are deleted."""
        while self._stored and self._stored[0].last_place < self._unconfirmed_from:
            self._stored.popleft()
        if self._uncommitted:
            self._uncommitted = []
            self._store(self._number + 1)

    def _put(self, packet_id: int, checksum: int) -> None:
        self._known[packet_id] = _Taken(self._next_place, checksum)
        self._next_place += 1

    def _store(self, number: int) -> None:
        self._number = number
        self._stored.append(_Stored(number, self._next_place - 1))
