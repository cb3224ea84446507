"""How many connections there may be, and how long one may take over a request.

uvicorn waits for a request for ever, and its own limit on connections holds every open stream against
a probe. So its protocol is kept to limits of ours: whoever is slow makes room for others.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import ClassVar, Final

import h11
import msgspec
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from api.headers import SECURITY_HEADERS
from api.problems import MEDIA_TYPE, ProblemError

log = logging.getLogger(__name__)

ACCEPTED_AT_ONCE: Final = 128
"""Connections that are taken in one turn of the event loop, before any of them can be turned away."""
RETRY_AFTER_S: Final = 5
_SAY_EVERY_S = 60


class ConnectionLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for the connections of one server."""

    most: int = 1_000
    """Connections at a time; beyond, the one that has waited longest with half a request makes room."""
    request_within_s: float = 20
    """Seconds for a whole request, head and body, from its first byte or the connection on."""
    look_every_s: float = 30
    least_taken: int = 30_000
    """Bytes of an answer that a client must take between two looks, once it holds the answer up."""


class ConnectionGuard:
    """The connections of one server. For its event loop only."""

    def __init__(self, limits: ConnectionLimits, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self._monotonic = monotonic
        self._open: set[GuardedProtocol] = set()
        # Those without a whole request, in the order in which they began to be.
        self._waiting: dict[GuardedProtocol, None] = {}
        self._crowded = 0
        self._said_at: float | None = None

    def protocol(self) -> "type[GuardedProtocol]":
        """The protocol for uvicorn, each connection of which is kept to the limits."""

        class Protocol(GuardedProtocol):
            guard = self

        return Protocol

    def admit(self, connection: "GuardedProtocol") -> bool:
        """Take a connection in, at the cost of one that waits if need be; whether there was room."""
        if len(self._open) >= self.limits.most:
            self._tell()
            longest = next(iter(self._waiting), None)
            if longest is None:
                return False
            self.leave(longest)
            longest.turn_away(HTTPStatus.SERVICE_UNAVAILABLE)
        self._open.add(connection)
        return True

    def waits(self, connection: "GuardedProtocol") -> None:
        """Note that the connection has no whole request."""
        if connection in self._open:
            self._waiting.setdefault(connection)

    def works(self, connection: "GuardedProtocol") -> None:
        """Note that the connection has a request that is to be answered."""
        self._waiting.pop(connection, None)

    def leave(self, connection: "GuardedProtocol") -> None:
        """Count the connection no more."""
        self._waiting.pop(connection, None)
        self._open.discard(connection)

    def _tell(self) -> None:
        """Say that there are too many, now and then."""
        self._crowded += 1
        now = self._monotonic()
        if self._said_at is None or now - self._said_at >= _SAY_EVERY_S:
            log.warning(
                "more than %d connections at a time (api.max_connections): %d since this was said last "
                "were taken at the cost of one that waited, or turned away",
                self.limits.most,
                self._crowded,
            )
            self._said_at, self._crowded = now, 0


class GuardedProtocol(H11Protocol):
    """One connection of uvicorn's, kept to the limits of its guard."""

    guard: ClassVar[ConnectionGuard]
    _deadline: asyncio.TimerHandle | None = None
    _next_look: asyncio.TimerHandle | None = None
    _is_turned_away = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, or turn it away."""
        super().connection_made(transport)
        if self.guard.admit(self):
            self._note_whether_it_waits()
        else:
            self.turn_away(HTTPStatus.SERVICE_UNAVAILABLE)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self.guard.leave(self)
        self._stop_timers()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Part of a request came."""
        if not self._is_turned_away:
            super().data_received(data)
            self._note_whether_it_waits()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's word for every such request
        """What came is no HTTP. A route that answers the beginning of it already has nobody to answer."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None:
            cycle.disconnected = True
            cycle.message_event.set()
        self.turn_away(HTTPStatus.BAD_REQUEST)

    def on_response_complete(self) -> None:
        """A request is answered; the next one may come."""
        super().on_response_complete()
        self._note_whether_it_waits(keep_alive=True)

    def pause_writing(self) -> None:
        """The client takes the answer slower than it is written."""
        super().pause_writing()
        self._look_later()

    def resume_writing(self) -> None:
        """The client has caught up."""
        if self._next_look is not None:
            self._next_look.cancel()
            self._next_look = None
        super().resume_writing()

    def turn_away(self, status: HTTPStatus) -> None:
        """Answer that nothing comes of it, where no answer has begun, and close."""
        self._is_turned_away = True
        self._stop_timers()
        if self.transport.is_closing():
            return
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.write(_ANSWERS[status])
        self.transport.close()

    def _note_whether_it_waits(self, *, keep_alive: bool = False) -> None:
        if self._is_turned_away:
            return
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._stop_deadline()
            self.guard.works(self)
            return
        self.guard.waits(self)
        # Between two requests uvicorn's own, shorter limit holds, until the first byte of the next.
        if self._deadline is None and not keep_alive:
            self._deadline = self.loop.call_later(self.guard.limits.request_within_s, self._is_late)

    def _is_late(self) -> None:
        self._deadline = None
        self.turn_away(HTTPStatus.REQUEST_TIMEOUT)

    def _look_later(self) -> None:
        unsent = self.transport.get_write_buffer_size()
        self._next_look = self.loop.call_later(self.guard.limits.look_every_s, self._look, unsent)

    def _look(self, unsent_before: int) -> None:
        self._next_look = None
        if unsent_before - self.transport.get_write_buffer_size() < self.guard.limits.least_taken:
            self.transport.abort()
        else:
            self._look_later()

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _stop_timers(self) -> None:
        self._stop_deadline()
        if self._next_look is not None:
            self._next_look.cancel()
            self._next_look = None


def _raw(status: HTTPStatus, detail: str) -> bytes:
    """An answer that passes no middleware, as it goes over the wire."""
    problem = ProblemError(status, status.phrase.lower().replace(" ", "-"), detail).problem
    body = json.dumps(problem.model_dump(mode="json")).encode()
    headers = SECURITY_HEADERS | {
        "Cache-Control": "no-store",
        "Connection": "close",
        "Content-Length": str(len(body)),
        "Content-Type": MEDIA_TYPE,
    }
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


_ANSWERS: Final = {
    HTTPStatus.SERVICE_UNAVAILABLE: _raw(
        HTTPStatus.SERVICE_UNAVAILABLE, "there are too many connections; try again in a while"
    ),
    HTTPStatus.REQUEST_TIMEOUT: _raw(HTTPStatus.REQUEST_TIMEOUT, "the request did not come in time"),
    HTTPStatus.BAD_REQUEST: _raw(HTTPStatus.BAD_REQUEST, "this is no HTTP request"),
}
