"""Publishing at QoS 1 as fast as a broker takes it.

A general client spends about 100 µs a message on locks and on reading acknowledgements
byte by byte, which would make a month of a farm last hours. Here PUBLISH packets are
gathered and sent in blocks, and acknowledgements are counted in blocks.
"""

import select
import socket
import ssl
import struct
import time
from types import TracebackType
from typing import Self

from farm.errors import BrokerRefused, BrokerUnreachable
from farm.model.broker_address import BrokerAddress

_CONNECT, _CONNACK, _PUBLISH_QOS1, _PUBACK, _DISCONNECT = 0x10, 0x20, 0x32, 0x40, 0xE0
_BLOCK_BYTES = 64 * 1024
_KEEPALIVE_S = 600
_REFUSALS = {
    1: "it does not speak MQTT 3.1.1",
    2: "it refuses the client id",
    3: "it is not available",
    4: "user or password is wrong",
    5: "the account is not allowed to connect",
}


def _length(count: int) -> bytes:
    """The variable-length number of MQTT."""
    out = bytearray()
    while count > 127:
        out.append(count % 128 | 0x80)
        count //= 128
    out.append(count)
    return bytes(out)


def _text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack(">H", len(raw)) + raw


class BulkPublisher:
    """One connection that publishes at QoS 1 with at most `in_flight` messages unacknowledged.

    Raises BrokerRefused when the broker will not have us, and BrokerUnreachable when it cannot
    be reached, goes away, or takes nothing for `patience_s` seconds.
    """

    def __init__(
        self, address: BrokerAddress, client_id: str, *, in_flight: int = 10_000, patience_s: float = 60.0
    ) -> None:
        self._in_flight = min(in_flight, 60_000)
        self._patience_s = patience_s
        self._block = bytearray()
        self._packet_id = 0
        self._sent = 0
        self._acknowledged = 0
        self._partial = b""
        self._socket = self._connect(address, client_id)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def _connect(self, address: BrokerAddress, client_id: str) -> socket.socket:
        try:
            plain = socket.create_connection((address.host, address.port), timeout=self._patience_s)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if address.tls:
                plain = ssl.create_default_context().wrap_socket(plain, server_hostname=address.host)
            plain.sendall(_connect_packet(address, client_id))
            answer = plain.recv(4)
        except OSError as error:
            reason = error.strerror or error
            raise BrokerUnreachable(f"broker {address.host}:{address.port}: {reason}") from error
        if len(answer) < 4 or answer[0] != _CONNACK or answer[3]:
            reason = _REFUSALS.get(
                answer[3] if len(answer) == 4 else 0, "it does not answer as an MQTT broker"
            )
            plain.close()
            raise BrokerRefused(f"broker {address.host}:{address.port}: {reason}")
        return plain

    @property
    def sent(self) -> int:
        """How many messages were published so far."""
        return self._sent

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish one message; waits while too many are unacknowledged."""
        self._packet_id = self._packet_id % 65_535 + 1
        raw = topic.encode()
        block = self._block
        block.append(_PUBLISH_QOS1)
        block += _length(4 + len(raw) + len(payload))
        block += struct.pack(">H", len(raw))
        block += raw
        block += struct.pack(">H", self._packet_id)
        block += payload
        self._sent += 1
        if len(block) >= _BLOCK_BYTES:
            self.flush()

    def flush(self) -> None:
        """Send what is gathered and take in the acknowledgements that are there."""
        view = memoryview(bytes(self._block))
        self._block.clear()
        while view:
            view = view[self._exchange(view) :]
        while self._sent - self._acknowledged > self._in_flight:
            self._exchange(None)

    def finish(self) -> None:
        """Send everything, wait for every acknowledgement, and disconnect."""
        self.flush()
        while self._acknowledged < self._sent:
            self._exchange(None)
        self._socket.sendall(bytes((_DISCONNECT, 0)))

    def _exchange(self, out: memoryview | None) -> int:
        """Wait until something can go out or comes in; gives how many bytes went out."""
        wants_out = [self._socket] if out is not None else []
        readable, writable, _ = select.select([self._socket], wants_out, [], self._patience_s)
        if not readable and not writable:
            raise BrokerUnreachable(f"the broker took nothing for {self._patience_s:g} s")
        try:
            if readable:
                self._count(self._socket.recv(_BLOCK_BYTES))
            return self._socket.send(out) if writable and out is not None else 0
        except OSError as error:
            raise BrokerUnreachable(f"the broker went away: {error.strerror or error}") from error

    def _count(self, received: bytes) -> None:
        """Count the acknowledgements."""
        if not received:
            raise BrokerUnreachable("the broker closed the connection")
        data = self._partial + received
        place = 0
        while place + 1 < len(data):
            size = 2 + data[place + 1]
            if place + size > len(data):
                break
            if data[place] == _PUBACK:
                self._acknowledged += 1
            place += size
        self._partial = data[place:]


def _connect_packet(address: BrokerAddress, client_id: str) -> bytes:
    flags = 0x02
    body = _text(client_id)
    if address.user is not None:
        flags |= 0x80
        body += _text(address.user)
        if address.password is not None:
            flags |= 0x40
            body += _text(address.password)
    head = _text("MQTT") + bytes((4, flags)) + struct.pack(">H", _KEEPALIVE_S)
    return bytes((_CONNECT,)) + _length(len(head) + len(body)) + head + body


class Pace:
    """Lets no more than so many messages a second pass, in wall time; unlimited when None."""

    def __init__(self, per_second: float | None) -> None:
        self._per_second = per_second
        self._began = time.monotonic()

    def passed(self, count: int) -> None:
        """So many messages have been sent in all; waits if that was too fast."""
        if self._per_second is None:
            return
        ahead = count / self._per_second - (time.monotonic() - self._began)
        if ahead > 0:
            time.sleep(ahead)
