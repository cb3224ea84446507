"""A limit for a whole request, which the time-outs of HTTP libraries are not.

Theirs hold for each piece that is received, so a server that sends a byte now and then keeps
a thread for ever.
"""

import socket
import threading
import time
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
        self._ends_at: float | None = None

    @property
    def left_s(self) -> float | None:
        """Seconds until the time of the request is up, None while no request is under way."""
        return None if self._ends_at is None else max(0.0, self._ends_at - time.monotonic())

    def connect(
        self,
        address: tuple[str, int],
        timeout: float | None = None,
        source_address: tuple[str, int] | None = None,
    ) -> socket.socket:
        """A watched connection, made as `socket.create_connection` makes it, within what is left.

        A host of many addresses gets no more time than one with a single one. Raises OSError.
        """
        trouble = OSError(f"no address of {address[0]} is known")
        for *_, place in socket.getaddrinfo(*address, type=socket.SOCK_STREAM):
            waits = [each for each in (timeout, self.left_s) if each is not None]
            if waits and min(waits) <= 0:
                raise TimeoutError("no connection within the time of the request")
            try:
                made = socket.create_connection(
                    (str(place[0]), address[1]), min(waits, default=None), source_address
                )
            except OSError as error:
                trouble = error
                continue
            made.settimeout(timeout)
            self.watch(made)
            return made
        raise trouble

    def watch(self, connection: socket.socket) -> None:
        """Take note of a connection, before anything such as TLS takes it over."""
        # Its own descriptor: to shut it down ends the connection, whoever owns it by then.
        self._replace(connection.dup())
        if self.left_s == 0:
            self._end_held()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Let the block take so long at most. Raises TimeoutError at its end when it was cut short.

        An answer that was cut short can look like a whole one.
        """
        ended = threading.Event()
        timer = threading.Timer(seconds, self._end, (ended,))
        timer.daemon = True
        ends_at = self._ends_at = time.monotonic() + seconds
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            self._ends_at = None
        if ended.is_set() or time.monotonic() >= ends_at:
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
        self._end_held()

    def _end_held(self) -> None:
        with self._lock:
            if self._held is not None:
                with suppress(OSError):
                    self._held.shutdown(socket.SHUT_RDWR)
