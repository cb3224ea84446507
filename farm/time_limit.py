"""A limit for a whole request, which the time-outs of HTTP libraries are not.

Theirs hold for each piece that is received, so a server that sends a byte now and then keeps
a thread for ever.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class TimeLimit:
    """Ends the newest connection that it was shown when the time of a request is up.

    Whoever waits for that connection then meets its end, as if the server had hung up. Used
    for one request at a time.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: socket.socket | None = None

    def watch(self, connection: socket.socket) -> None:
        """Take note of a connection, before anything such as TLS takes it over."""
        # Its own descriptor: to shut it down ends the connection, whoever owns it by then.
        self._replace(connection.dup())

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Let the block take so long at most. Raises TimeoutError at its end when it was cut short.

        An answer that was cut short can look like a whole one.
        """
        ended = threading.Event()
        timer = threading.Timer(seconds, self._end, (ended,))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
        if ended.is_set():
            raise TimeoutError(f"no whole answer within {seconds:g} s")

    def close(self) -> None:
        """Let go of the connection, which is not ended by this."""
        self._replace(None)

    def __del__(self) -> None:
        self.close()

    def _replace(self, held: socket.socket | None) -> None:
        with self._lock:
            before, self._held = self._held, held
        if before is not None:
            before.close()

    def _end(self, ended: threading.Event) -> None:
        ended.set()
        with self._lock:
            if self._held is not None:
                with suppress(OSError):
                    self._held.shutdown(socket.SHUT_RDWR)
