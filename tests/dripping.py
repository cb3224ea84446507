"""A server whose answer never comes to an end, be it a byte at a time or as fast as it is read."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_EVERY_S = 0.05
_MUCH = 65_536


class DrippingServer:
    """Sends the words `beginning` to whoever connects, and then `piece` every so many seconds.

    `connections` counts who came, `sent` the bytes that were taken.
    """

    def __init__(self, beginning: bytes, piece: bytes = b"x", every_s: float = _EVERY_S) -> None:
        self._beginning = beginning
        self._piece = piece
        self._every_s = every_s
        self.connections = 0
        self.sent = 0
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        """End all connections."""
        self._stop.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                thread = threading.Thread(target=self._drip, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _drip(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.sendall(self._beginning)
            while not self._stop.wait(self._every_s):
                connection.sendall(self._piece)
                self.sent += len(self._piece)


@contextmanager
def dripping(beginning: bytes) -> Iterator[DrippingServer]:
    """A running one."""
    with _running(DrippingServer(beginning)) as server:
        yield server


@contextmanager
def flooding(beginning: bytes) -> Iterator[DrippingServer]:
    """A running one that sends as fast as it is read."""
    with _running(DrippingServer(beginning, b"x" * _MUCH, every_s=0)) as server:
        yield server


@contextmanager
def _running(server: DrippingServer) -> Iterator[DrippingServer]:
    try:
        yield server
    finally:
        server.close()
