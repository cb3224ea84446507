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

from farm.ledger.records import Receipt
from farm.ledger.stored_bodies import read_body

_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(list[tuple[int, int, int]])


class Checksums(NamedTuple):
    """Checksums that tell a message from others under the same packet identifier."""

    topic: int
    payload: int


class _Taken(NamedTuple):
    place: int
    mark: Checksums


class _Stored(NamedTuple):
    number: int
    last_place: int


class Deliveries:
    """Packet identifier and mark of every message that the broker may send again.

    An identifier is free for another message only when the broker has read the acknowledgement,
    and it reads them in the order in which they were sent. So a new message under a known
    identifier confirms that one and all before it, and there are never more than 65,535.
    `commits` counts how often what was taken became durable.
    """

    def __init__(self, stored: Iterable[Receipt] = ()) -> None:
        self.commits = 0
        self._known: dict[int, _Taken] = {}
        self._next_place = 0
        self._unconfirmed_from = 0
        self._uncommitted: list[tuple[int, int, int]] = []
        self._stored: deque[_Stored] = deque()
        self._number = 0
        for receipt in stored:
            for packet_id, *sums in read_body(_decoder, receipt.body, "receipt"):
                self._put(packet_id, Checksums(*sums))
            self._store(receipt.number)

    @staticmethod
    def mark(topic: str, payload: bytes) -> Checksums:
        """The checksums of topic and payload by which the message is known again."""
        return Checksums(zlib.crc32(topic.encode()), zlib.crc32(payload))

    def were_taken(self, packet_id: int | None, mark: Checksums) -> bool:
        """Whether just this message was worked in before, and the broker may send it again."""
        known = None if packet_id is None else self._known.get(packet_id)
        return known is not None and known.place >= self._unconfirmed_from and known.mark == mark

    def unconfirmed(self) -> list[Checksums]:
        """The marks of all messages that the broker may send again, in order."""
        unconfirmed = [known for known in self._known.values() if known.place >= self._unconfirmed_from]
        return [known.mark for known in sorted(unconfirmed)]

    def take(self, packet_id: int, mark: Checksums, *, confirms: bool = True) -> None:
        """The message was worked in; its effects belong to the next commit.

        `confirms` is false while the broker may still be sending again: then an identifier in
        use says nothing, since some brokers begin anew with each connection.
        """
        before = self._known.get(packet_id)
        if confirms and before is not None and before.place >= self._unconfirmed_from:
            self._unconfirmed_from = before.place + 1
        self._put(packet_id, mark)
        self._uncommitted.append((packet_id, *mark))

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
        self.commits += 1
        while self._stored and self._stored[0].last_place < self._unconfirmed_from:
            self._stored.popleft()
        if self._uncommitted:
            self._uncommitted = []
            self._store(self._number + 1)

    def _put(self, packet_id: int, mark: Checksums) -> None:
        self._known[packet_id] = _Taken(self._next_place, mark)
        self._next_place += 1

    def _store(self, number: int) -> None:
        self._number = number
        self._stored.append(_Stored(number, self._next_place - 1))
