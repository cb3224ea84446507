"""The door before the built-in broker: looks at who comes, explains a refusal, then passes bytes through.

It reads a client's first packet, checks user and password, and answers as MQTT says (return code 1
for a version that is not spoken, 2 for a client id, 5 for a wrong login), where the broker behind it
would only close. A client of MQTT 3.1 is introduced to the broker as one of 3.1.1.

Everything is bounded: how many may stand at the door and how many are inside, how long and how large
a first packet may be, and what waits to be sent in either direction, beyond which the other side is
not read from.
"""

import asyncio
import hmac
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, cast

from farm.app.data_folder import Credentials
from farm.app.embedded_broker.connect import MQTT_31, Connect, UnusableGreeting, connack, read_connect
from farm.app.embedded_broker.settings import EVERY_ADDRESS, EmbeddedBrokerSettings
from farm.app.embedded_broker.status import StatusKeeper
from farm.model.refused_client import RefusalReason

log = logging.getLogger(__name__)

MOST_CLIENTS: Final = 10_000
MOST_AT_THE_DOOR: Final = 1_000
"""Who has not finished its first packet; beyond, the one that stands there longest is sent away."""
FIRST_PACKET_S: Final = 10.0
_BACKLOG = 1024
_BUFFERED = 256 * 1024
"""Bytes that wait to be sent to one side before the other is read no more."""
_FAREWELL_S = 10.0
_WRITE_EVERY_S = 1.0
_CONNACK_SIZE = 4


class Front:
    """Listens where printers connect, for a broker that listens at `behind`."""

    def __init__(
        self,
        settings: EmbeddedBrokerSettings,
        credentials: Credentials,
        status: StatusKeeper,
        behind: tuple[str, int],
        *,
        first_packet_s: float = FIRST_PACKET_S,
    ) -> None:
        self._settings = settings
        self._user, self._password = credentials.user.encode(), credentials.password.encode()
        self.status = status
        self.behind = behind
        self.first_packet_s = first_packet_s
        self._at_the_door: dict[_Newcomer, None] = {}
        self._clients: set[asyncio.BaseTransport] = set()

    async def bind(self) -> asyncio.Server:
        """Take the port, without letting anybody in yet. Raises OSError when it is taken."""
        loop, host, port = asyncio.get_running_loop(), self._settings.host, self._settings.port

        def newcomer() -> _Newcomer:
            return _Newcomer(self)

        if host != EVERY_ADDRESS:
            return await loop.create_server(newcomer, host, port, backlog=_BACKLOG, start_serving=False)
        both = socket.create_server(
            (host, port),
            family=socket.AF_INET6,
            backlog=_BACKLOG,
            dualstack_ipv6=socket.has_dualstack_ipv6(),
        )
        return await loop.create_server(newcomer, sock=both, backlog=_BACKLOG, start_serving=False)

    async def open(self, server: asyncio.Server, over: asyncio.Event, looks: Callable[[], object]) -> None:
        """Let clients in until `over` is set; `looks` is called every second."""
        await server.start_serving()
        while not over.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), _WRITE_EVERY_S)
            looks()
            self.status.write_when_due()

    def close(self, server: asyncio.Server) -> None:
        """Let nobody in any more, and break off who is inside."""
        server.close()
        for transport in list(self._clients):
            cast(asyncio.Transport, transport).abort()
        self.status.write()

    def refusal_of(self, connect: Connect) -> RefusalReason | None:
        """Why this client is not let in; None where it is."""
        if connect.user is None and connect.password is None:
            return RefusalReason.NO_LOGIN
        is_user = hmac.compare_digest(connect.user or b"", self._user)
        if not hmac.compare_digest(connect.password or b"", self._password):
            return RefusalReason.WRONG_PASSWORD if is_user else RefusalReason.WRONG_LOGIN
        return None if is_user else RefusalReason.WRONG_USER

    def stands_at_the_door(self, client: "_Newcomer") -> None:
        """A client has connected and has not said who it is yet."""
        if len(self._at_the_door) >= MOST_AT_THE_DOOR:
            next(iter(self._at_the_door)).refuse(RefusalReason.NO_ROOM)
        self._at_the_door[client] = None

    def left_the_door(self, client: "_Newcomer") -> None:
        """It was let in, refused, or has gone."""
        self._at_the_door.pop(client, None)

    def has_room(self) -> bool:
        """Whether one more client may come in."""
        return len(self._clients) < MOST_CLIENTS

    def came_in(self, transport: asyncio.BaseTransport) -> None:
        """A client is connected to the broker."""
        self._clients.add(transport)

    def went(self, transport: asyncio.BaseTransport) -> None:
        """It is not any more."""
        self._clients.discard(transport)


class _Newcomer(asyncio.Protocol):
    """A client until its first packet is read and the broker behind has answered it."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._transport: asyncio.Transport
        self._address = ""
        self._received = b""
        self._connect: Connect | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._introduction: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for its first packet, not for ever."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_BUFFERED)
        peer = transport.get_extra_info("peername")
        self._address = _plain_address(peer)
        self._front.stands_at_the_door(self)
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(self._front.first_packet_s, self._too_late)

    def data_received(self, data: bytes) -> None:
        """Read on in the first packet."""
        self._received += data
        if self._connect is not None:
            return
        try:
            self._connect = read_connect(self._received)
        except UnusableGreeting as error:
            self.refuse(error.reason, error.client_id)
            return
        if self._connect is not None:
            self._decide(self._connect)

    def connection_lost(self, _exc: Exception | None) -> None:
        """It has gone before it was let in."""
        self._stop_waiting()
        if self._introduction is not None:
            self._introduction.cancel()

    def refuse(self, reason: RefusalReason, client_id: str | None = None) -> None:
        """Answer as MQTT says where that would be understood, and close."""
        self._stop_waiting()
        if client_id is None and self._connect is not None:
            client_id = self._connect.client_id
        self._front.status.refused(self._address, client_id, reason)
        self._transport.write(connack(reason))
        _close(self._transport)

    def _decide(self, connect: Connect) -> None:
        reason = self._front.refusal_of(connect)
        if reason is None and not self._front.has_room():
            reason = RefusalReason.NO_ROOM
        if reason is not None:
            self.refuse(reason)
            return
        # What it sends meanwhile waits in the kernel, and is then passed on by the relay.
        self._transport.pause_reading()
        self._introduction = asyncio.get_running_loop().create_task(self._introduce(connect))

    async def _introduce(self, connect: Connect) -> None:
        """Connect to the broker in the client's name and let the two talk."""
        host, port = self._front.behind
        back = _Answering(self._front, self._transport, self._address, connect)
        try:
            onward, _ = await asyncio.get_running_loop().create_connection(lambda: back, host, port)
        except OSError as error:
            log.error("the broker behind the door does not answer: %s", error)  # noqa: TRY400
            self.refuse(RefusalReason.BROKER_CLOSED)
            return
        self._stop_waiting()
        onward.write(connect.as_mqtt_311() + self._received[connect.size :])
        self._received = b""
        self._front.came_in(self._transport)
        self._transport.set_protocol(_FromClient(self._front, self._transport, onward))
        self._transport.resume_reading()

    def _too_late(self) -> None:
        if self._received:
            self.refuse(RefusalReason.UNFINISHED)
        else:  # somebody who only looked whether the port is open
            self._stop_waiting()
            self._transport.abort()

    def _stop_waiting(self) -> None:
        self._front.left_the_door(self)
        if self._deadline is not None:
            self._deadline.cancel()


class _Relay(asyncio.Protocol):
    """Passes bytes on, and does not take more than the other side can."""

    def __init__(self, onward: asyncio.Transport) -> None:
        self._onward = onward

    def data_received(self, data: bytes) -> None:
        """Pass it on."""
        self._onward.write(data)

    def pause_writing(self) -> None:
        """The side that this protocol belongs to does not take more: read no more from the other one."""
        with suppress(RuntimeError):  # it is closing
            self._onward.pause_reading()

    def resume_writing(self) -> None:
        """It takes more again."""
        with suppress(RuntimeError):
            self._onward.resume_reading()

    def connection_lost(self, _exc: Exception | None) -> None:
        """One side has gone: what is on the way to the other still gets there."""
        _close(self._onward)


class _FromClient(_Relay):
    """From a client that was let in to the broker."""

    def __init__(self, front: Front, client: asyncio.Transport, broker: asyncio.Transport) -> None:
        super().__init__(broker)
        self._front = front
        self._client = client

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        self._front.went(self._client)
        super().connection_lost(exc)


class _Answering(asyncio.Protocol):
    """The broker's side until it has answered the first packet."""

    def __init__(self, front: Front, client: asyncio.Transport, address: str, connect: Connect) -> None:
        self._front = front
        self._client = client
        self._address = address
        self._connect = connect
        self._answer = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected to the broker."""
        self._transport = transport
        self._transport.set_write_buffer_limits(high=_BUFFERED)

    def data_received(self, data: bytes) -> None:
        """Take the answer, and from then on pass on what comes."""
        self._answer += data
        if len(self._answer) < _CONNACK_SIZE:
            return
        if self._answer[_CONNACK_SIZE - 1] == 0:
            self._front.status.let_in(self._address, self._connect.client_id)
        self._transport.set_protocol(_Relay(self._client))
        self._client.write(_answer_in(self._connect.level, self._answer))

    def pause_writing(self) -> None:
        """The broker does not take more."""
        with suppress(RuntimeError):
            self._client.pause_reading()

    def resume_writing(self) -> None:
        """It takes more again."""
        with suppress(RuntimeError):
            self._client.resume_reading()

    def connection_lost(self, _exc: Exception | None) -> None:
        """The broker has closed without an answer."""
        if not self._client.is_closing():
            reason = RefusalReason.BROKER_CLOSED
            self._front.status.refused(self._address, self._connect.client_id, reason)
            self._client.write(connack(reason))
        _close(self._client)


def _answer_in(level: int, answer: bytes) -> bytes:
    """The broker's answer for a client of that level: MQTT 3.1 knows no mark of a session that is there."""
    return answer[:2] + b"\0" + answer[3:] if level == MQTT_31 else answer


def _close(transport: asyncio.Transport) -> None:
    """Close when what is to be sent is sent, which whoever does not read must not put off for ever."""
    if transport.is_closing():
        return
    waits = transport.get_write_buffer_size() > 0
    transport.close()
    if waits:
        asyncio.get_running_loop().call_later(_FAREWELL_S, transport.abort)


def _plain_address(peer: Any) -> str:
    """The client's address; one of IPv4 that came over a socket of IPv6 as IPv4 writes it."""
    return str(peer[0]).removeprefix("::ffff:") if peer else "unknown"
