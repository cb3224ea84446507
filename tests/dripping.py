"""A server that answers a byte at a time and never comes to an end."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_EVERY_S = 0.05


class DrippingServer:
    """Sends the words `beginning` to whoever connects, and then a byte now and then."""

    def __init__(self, beginning: bytes) -> None:
        self._beginning = beginning
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
                thread = threading.Thread(target=self._drip, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _drip(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.sendall(self._beginning)
            while not self._stop.wait(_EVERY_S):
                connection.sendall(b"x")


@contextmanager
def dripping(beginning: bytes) -> Iterator[DrippingServer]:
    """A running one."""
    server = DrippingServer(beginning)
    try:
        yield server
    finally:
        server.close()
