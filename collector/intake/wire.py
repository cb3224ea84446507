"""The socket under the MQTT client: reads ahead, gathers what is written, acknowledges in bulk.

The client reads each packet with three or more small calls and writes each acknowledgement
with one; both go to memory here, and to the kernel once for many packets.
"""

import socket
import ssl
from collections.abc import Iterable
from contextlib import suppress

_READ_AHEAD = 262_144


class Wire:
    """A connected socket with a buffer in each direction. Made for one thread."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._buffer = b""
        self._position = 0
        self._outgoing = bytearray()
        self._closed_by_peer = False

    @property
    def readable(self) -> bool:
        """Whether something is left to read without asking the kernel."""
        return self._position < len(self._buffer)

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
        self._buffer = self._buffer[self._position :] + found if self.readable else found
        self._position = 0

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
        return len(self._buffer) - self._position + below

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return self._sock.fileno()

    def setblocking(self, flag: bool) -> None:
        """As of the socket below."""
        self._sock.setblocking(flag)

    def close(self) -> None:
        """Write what is left, as far as the line takes it, and close. Never raises."""
        with suppress(OSError, ValueError):
            self.flush()
        self._outgoing.clear()
        with suppress(OSError):
            self._sock.close()
