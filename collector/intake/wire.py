"""The socket under the MQTT client: reads ahead, gathers what is written, acknowledges in bulk.

The client reads each packet with three or more small calls and writes each acknowledgement
with one; both go to memory here, and to the kernel once for many packets. Messages, which are
all but everything that comes, are taken out of the memory without the client, at a tenth of its
price; whatever else comes, and whatever is odd, is left to it.
"""

import socket
import ssl
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

_READ_AHEAD = 262_144
_LONGEST_HERE = 1_048_576
"""Longer packets are left to the client, which gathers them without copying them again and again."""
_PUBLISH, _AT_LEAST_ONCE = 3, 1


class Publish(NamedTuple):
    """A PUBLISH packet (MQTT 3.1.1, section 3.3). `packet_id` is None at QoS 0."""

    topic: bytes
    payload: bytes
    retained: bool
    packet_id: int | None
    again: bool


class Wire:
    """A connected socket with a buffer in each direction. Made for one thread."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._buffer = b""
        self._position = 0
        self._outgoing = bytearray()
        self._closed_by_peer = False
        self._is_part = False

    @property
    def readable(self) -> bool:
        """Whether something is left to read without asking the kernel, the end of all included."""
        return self._closed_by_peer or (self._position < len(self._buffer) and not self._is_part)

    def publishes(self, most: int) -> list[Publish]:
        """Take out what messages stand next, whole, at most so many; nothing from within a packet.

        Where the last of them is not whole yet, `readable` is false until more has come.
        """
        found: list[Publish] = []
        buffer, start, end = self._buffer, self._position, len(self._buffer)
        while len(found) < most and start < end and buffer[start] >> 4 == _PUBLISH:
            level = buffer[start] >> 1 & 3
            body, stop = _bounds(buffer, start)
            if level > _AT_LEAST_ONCE or stop - start > _LONGEST_HERE:
                break
            if stop > end:
                self._is_part = not self._closed_by_peer
                break
            text = body + 2 + (buffer[body] << 8 | buffer[body + 1]) if stop - body > 2 else stop + 1
            begin = text + 2 if level else text
            if begin > stop or text == body + 2:
                break
            number = buffer[text] << 8 | buffer[text + 1] if level else None
            retained, again = bool(buffer[start] & 1), bool(buffer[start] & 8)
            found.append(Publish(buffer[body + 2 : text], buffer[begin:stop], retained, number, again))
            start = stop
        self._position = start
        return found

    @property
    def unsent(self) -> bool:
        """Whether something is still to be written."""
        return bool(self._outgoing)

    def fill(self) -> None:
        """Read what has come. Raises BlockingIOError when nothing has, OSError when the line is down."""
        try:
            found = self._sock.recv(_READ_AHEAD)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
            raise BlockingIOError from error
        if not found:
            self._closed_by_peer = True
        left = self._buffer[self._position :]
        self._buffer = left + found if left else found
        self._position = 0
        self._is_part = False

    def recv(self, size: int) -> bytes:
        """Up to `size` bytes; empty once the peer has closed. Raises BlockingIOError when none are there."""
        start = self._position
        if start >= len(self._buffer):
            if self._closed_by_peer:
                return b""
            self.fill()
            start = 0
        found = self._buffer[start : start + size]
        self._position = start + len(found)
        return found

    def send(self, data: bytes) -> int:
        """Take the bytes; `flush` puts them on the line."""
        self._outgoing += data
        return len(data)

    def acknowledge(self, packet_ids: Iterable[int]) -> None:
        """Write a PUBACK (MQTT 3.1.1, section 3.4) for each packet id."""
        self._outgoing += b"".join(b"\x40\x02" + number.to_bytes(2, "big") for number in packet_ids)

    def flush(self) -> None:
        """Write as much as the line takes now. Raises OSError when it is down."""
        try:
            while self._outgoing:
                sent = self._sock.send(self._outgoing)
                del self._outgoing[:sent]
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return

    def pending(self) -> int:
        """Bytes that wait inside, here or in the TLS layer below."""
        below = self._sock.pending() if isinstance(self._sock, ssl.SSLSocket) else 0
        return (len(self._buffer) - self._position if self.readable else 0) + below

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return self._sock.fileno()

    def setblocking(self, flag: bool) -> None:
        """As `socket.setblocking`."""
        self._sock.setblocking(flag)

    def close(self) -> None:
        """Write what is left, as far as the line takes it, and close. Never raises."""
        with suppress(OSError, ValueError):
            self.flush()
        self._outgoing.clear()
        with suppress(OSError):
            self._sock.close()


def _bounds(buffer: bytes, start: int) -> tuple[int, int]:
    """Where the packet's body begins and ends, the end beyond the buffer where it is not whole.

    The length is that of MQTT 3.1.1, section 2.2.3: seven bits a byte, the lowest first.
    """
    length, shift, place = 0, 0, start + 1
    while place < len(buffer) and shift < 28:
        byte = buffer[place]
        place += 1
        length |= (byte & 0x7F) << shift
        if byte < 0x80:
            return place, place + length
        shift += 7
    return place, len(buffer) + 1 if shift < 28 else start + _LONGEST_HERE + 1
