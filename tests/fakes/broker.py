"""A broker of a few lines that can break a connection off at any point of the conversation."""

import os
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import StrEnum

_CONNECT, _PUBLISH, _PUBACK, _SUBSCRIBE, _PINGREQ, _DISCONNECT = 1, 3, 4, 8, 12, 14


class Break(StrEnum):
    """Where in the conversation the broker resets the connection."""

    AT_ONCE = "at once"
    BEFORE_CONNACK = "before CONNACK"
    WITHIN_CONNACK = "within CONNACK"
    AFTER_CONNACK = "after CONNACK"
    AT_SUBSCRIBE = "at SUBSCRIBE"
    AFTER_SUBACK = "after SUBACK"
    AT_MARKER = "at our own PUBLISH"
    WITHIN_PUBLISH = "within PUBLISH"
    AFTER_PUBLISH = "after PUBLISH"
    WITHIN_PUBACK = "within our PUBACKs"
    AFTER_PUBACKS = "after all PUBACKs"
    NONSENSE = "with what is no MQTT"


class _BrokenOffError(Exception):
    """The conversation has come to its breaking point."""


class FakeBroker:
    """Serves one client at a time, breaks off once at each of `breaks`, and then behaves.

    Whatever is not acknowledged is sent again with the DUP flag over the next connection. Over the
    one with the number `set_back_at`, counted from 1, all is sent again as new, in one piece with
    the answer to CONNECT, as by a broker that came back with an older queue.
    """

    def __init__(
        self,
        messages: Sequence[tuple[str, bytes]],
        breaks: Sequence[Break],
        *,
        set_back_at: int | None = None,
    ) -> None:
        self.messages = list(messages)
        self.breaks = list(breaks)
        self.set_back_at = set_back_at
        self.connections = 0
        self.acknowledged: set[int] = set()
        self._sent: set[int] = set()
        self._server = socket.create_server(("127.0.0.1", 0))
        self._ended = False
        self._thread = threading.Thread(target=self._serve, name="fake broker", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"mqtt://127.0.0.1:{self._server.getsockname()[1]}"

    @property
    def everything(self) -> set[int]:
        """The numbers of all messages, as they are acknowledged."""
        return set(range(1, len(self.messages) + 1))

    def close(self) -> None:
        """Stop listening."""
        self._ended = True
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while not self._ended:
            try:
                line, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            point = self.breaks.pop(0) if self.breaks else None
            try:
                _Conversation(self, line, point).run()
            except (_BrokenOffError, OSError):
                # With this a close is a reset, whatever is still under way.
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            line.close()


class _Conversation:
    """One connection."""

    def __init__(self, broker: FakeBroker, line: socket.socket, point: Break | None) -> None:
        self._broker = broker
        self._line = line
        self._point = point
        self._acknowledgements = 0

    def run(self) -> None:
        self._at(Break.AT_ONCE)
        while (packet := self._packet()) is not None:
            kind, body = packet
            if kind == _CONNECT:
                self._connect()
            elif kind == _SUBSCRIBE:
                self._subscribe(body)
            elif kind == _PUBLISH:
                self._publish(body)
            elif kind == _PUBACK:
                self._acknowledgements += 1
                if self._acknowledgements > 1:
                    self._at(Break.WITHIN_PUBACK)
                self._broker.acknowledged.add(struct.unpack(">H", body)[0])
                if self._broker.acknowledged >= self._broker.everything:
                    self._at(Break.AFTER_PUBACKS)
            elif kind == _PINGREQ:
                self._line.sendall(b"\xd0\x00")
            elif kind == _DISCONNECT:
                return

    def _at(self, point: Break) -> None:
        if self._point is point:
            raise _BrokenOffError

    def _connect(self) -> None:
        self._at(Break.BEFORE_CONNACK)
        resumed = self._broker.connections > 1
        answer = bytes((0x20, 2, int(resumed), 0))
        if self._point is Break.WITHIN_CONNACK:
            self._line.sendall(answer[:2])
            raise _BrokenOffError
        self._line.sendall(answer + self._older_queue())
        self._at(Break.AFTER_CONNACK)

    def _older_queue(self) -> bytes:
        broker = self._broker
        if broker.connections != broker.set_back_at:
            return b""
        broker.acknowledged.clear()
        messages = enumerate(broker.messages, 1)
        return b"".join(_publish(topic, payload, number) for number, (topic, payload) in messages)

    def _subscribe(self, body: bytes) -> None:
        self._at(Break.AT_SUBSCRIBE)
        filters, place = 0, 2
        while place < len(body):
            place += 3 + struct.unpack_from(">H", body, place)[0]
            filters += 1
        self._line.sendall(bytes((0x90, 2 + filters)) + body[:2] + b"\x01" * filters)
        self._at(Break.AFTER_SUBACK)
        if self._broker.connections != self._broker.set_back_at:
            self._hand_out()

    def _hand_out(self) -> None:
        broker = self._broker
        if self._point is Break.NONSENSE:
            self._line.sendall(b"\x32\x02\xff\xff" * 3)
        for number, (topic, payload) in enumerate(broker.messages, 1):
            if number in broker.acknowledged:
                continue
            packet = _publish(topic, payload, number, again=number in broker._sent)
            if self._point is Break.WITHIN_PUBLISH and number > 1:
                self._line.sendall(packet[: len(packet) // 2])
                raise _BrokenOffError
            self._line.sendall(packet)
            broker._sent.add(number)
        self._at(Break.AFTER_PUBLISH)

    def _publish(self, body: bytes) -> None:
        """The client's own message, its marker among them, comes back to it behind the queue."""
        self._at(Break.AT_MARKER)
        length = struct.unpack_from(">H", body)[0]
        topic, packet_id, payload = (
            body[2 : 2 + length].decode(),
            body[2 + length : 4 + length],
            body[4 + length :],
        )
        self._line.sendall(b"\x40\x02" + packet_id)
        if topic.endswith("/marker"):
            self._line.sendall(_publish(topic, payload, 60_000))

    def _packet(self) -> tuple[int, bytes] | None:
        head = self._line.recv(1)
        if not head:
            return None
        length, shift = 0, 0
        while True:
            (byte,) = self._exactly(1)
            length |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        return head[0] >> 4, self._exactly(length)

    def _exactly(self, count: int) -> bytes:
        found = b""
        while len(found) < count:
            piece = self._line.recv(count - len(found))
            if not piece:
                raise _BrokenOffError
            found += piece
        return found


def _publish(topic: str, payload: bytes, packet_id: int, *, again: bool = False) -> bytes:
    """A PUBLISH packet at QoS 1 (MQTT 3.1.1, section 3.3). `topic`: any bytes, as `os.fsdecode` has them."""
    raw = os.fsencode(topic)
    body = struct.pack(">H", len(raw)) + raw + struct.pack(">H", packet_id) + payload
    length, out = len(body), bytearray()
    while True:
        out.append(length & 0x7F | (0x80 if length > 127 else 0))
        length >>= 7
        if not length:
            break
    return bytes((0x32 | (8 if again else 0),)) + bytes(out) + body


@contextmanager
def fake_broker(
    messages: Sequence[tuple[str, bytes]], breaks: Sequence[Break], *, set_back_at: int | None = None
) -> Iterator[FakeBroker]:
    """A running fake broker."""
    broker = FakeBroker(messages, breaks, set_back_at=set_back_at)
    try:
        yield broker
    finally:
        broker.close()
