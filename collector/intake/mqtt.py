"""The one connection to the broker: a persistent session, acknowledged by hand.

Everything runs in the caller's thread: `wait` sleeps until something happens, `drain` hands
over what has come. Acknowledgements belong to the connection over which a message came; those
of an earlier one are dropped, and the broker sends such messages again.
"""

import logging
import random
import select
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

from paho.mqtt.client import Client, MQTTMessage, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from collector.intake.wire import Wire
from collector.settings import BrokerSettings
from farm.errors import BrokerRefused, BrokerUnreachable

log = logging.getLogger(__name__)

_CONNECT_TIMEOUT_S = 10
_SUBSCRIBE_BATCH = 100
_PERMANENT = {
    "Bad user name or password": "check broker.username and broker.password",
    "Not authorized": "check broker.username and broker.password, and the broker's access list",
    "Client identifier not valid": "choose another collector.client_id",
    "Unsupported protocol version": "the broker must speak MQTT 3.1.1",
}


class Arrival(NamedTuple):
    """A message as the broker handed it over.

    `packet_id` is None at QoS 0, which is not acknowledged; `again` says that the broker may have
    sent it before. The topic is empty where it was no UTF-8.
    """

    topic: str
    payload: bytes
    retained: bool
    packet_id: int | None
    again: bool


class BackOff:
    """Growing, jittered waits between attempts, in seconds."""

    def __init__(self, first_s: float = 0.2, ceiling_s: float = 30.0) -> None:
        self._first_s, self._ceiling_s = first_s, ceiling_s
        self._next_s = first_s

    def next(self) -> float:
        """How long to wait before the next attempt."""
        wait = self._next_s * random.uniform(0.5, 1.0)  # noqa: S311 - jitter is no secret
        self._next_s = min(self._next_s * 2, self._ceiling_s)
        return wait

    def reset(self) -> None:
        """An attempt succeeded."""
        self._next_s = self._first_s


def refusal(host: str, port: int, reason: str) -> BrokerRefused | BrokerUnreachable:
    """The error for a refused connection: permanent, with the remedy, where trying again cannot help."""
    text = f"broker {host}:{port} refused the connection: {reason}"
    remedy = _PERMANENT.get(reason)
    return BrokerUnreachable(text) if remedy is None else BrokerRefused(f"{text}; {remedy}")


class _BufferedClient(Client):
    """paho's client with our buffers around its socket."""

    wire: Wire | None = None

    def _create_socket(self) -> Any:
        self.wire = Wire(cast(socket.socket, super()._create_socket()))
        return self.wire


class Connection:
    """One MQTT session with its current connection, if there is one."""

    def __init__(
        self,
        broker: BrokerSettings,
        client_id: str,
        *,
        on_message: Callable[[Arrival], None],
        clean: bool = False,
    ) -> None:
        self._on_message = on_message
        self._host, self._port, tls = broker.address
        self._client = _BufferedClient(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=clean,
            protocol=MQTTv311,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        user, password = broker.credentials
        if user is not None:
            self._client.username_pw_set(user, password)
        if tls:
            self._client.tls_set_context(ssl.create_default_context(cafile=broker.ca_file))
        self._client.connect_timeout = _CONNECT_TIMEOUT_S
        self._client.on_message = self._received
        self._client.on_connect = self._connected
        self._client.on_subscribe = self._subscribed
        # With this set the client leaves writing to us, so that many packets go out at once.
        self._client.on_socket_register_write = _leave_writing_to_us
        self._keepalive = broker.keepalive_seconds
        self._unacknowledged: list[int] = []
        self._refusal: str | None = None
        self._asked_for: dict[int, Sequence[str]] = {}
        self.session_present = False
        self.is_connected = False

    @property
    def unacknowledged(self) -> int:
        """Messages taken over this connection and not acknowledged."""
        return len(self._unacknowledged)

    def connect(self) -> None:
        """Connect and wait for the broker's word.

        Raises BrokerUnreachable when nobody answers, BrokerRefused when trying again cannot help.
        """
        self._unacknowledged.clear()
        self._refusal = None
        self._asked_for.clear()
        self.is_connected = False
        try:
            self._client.connect(self._host, self._port, self._keepalive)
            self._await_answer()
        except OSError as error:
            raise BrokerUnreachable(f"broker {self._host}:{self._port}: {error}") from error

    def _await_answer(self) -> None:
        for _ in range(_CONNECT_TIMEOUT_S * 10):
            self.wait(0.1)
            self.drain()
            if self.is_connected:
                return
            if self._refusal is not None:
                raise refusal(self._host, self._port, self._refusal)
        raise BrokerUnreachable(f"broker {self._host}:{self._port} did not answer the connection")

    def subscribe(self, filters: Sequence[str]) -> None:
        """Ask for all filters at QoS 1; what the broker refuses is logged.

        The answer is not waited for: behind a backlog it comes only when that is acknowledged.
        """
        for start in range(0, len(filters), _SUBSCRIBE_BATCH):
            batch = filters[start : start + _SUBSCRIBE_BATCH]
            _, packet_id = self._client.subscribe([(f, 1) for f in batch])
            if packet_id is not None:
                self._asked_for[packet_id] = batch

    def publish(self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False) -> None:
        """Publish; what is sent while there is no connection is dropped."""
        if self.is_connected:
            self._client.publish(topic, payload, qos=qos, retain=retain)

    def wait(self, timeout_s: float) -> bool:
        """Sleep until something has come or the time is over. True when there is something to read."""
        wire = self._client.wire
        if wire is None or self._client.socket() is None:
            return False
        if self._client.want_write():
            self._client.loop_write()
        wire.flush()
        if wire.pending():
            return True
        readable, _, _ = select.select([wire], [wire] if wire.unsent else [], [], timeout_s)
        return bool(readable)

    def drain(self, most: int = 10_000) -> bool:
        """Hand over what has come, at most about `most` messages. False when the connection is down."""
        client, wire = self._client, self._client.wire
        if wire is None or client.socket() is None:
            return False
        success = MQTTErrorCode.MQTT_ERR_SUCCESS
        code = client.loop_misc()
        if code != success:
            return self._down()
        if not wire.readable:
            try:
                wire.fill()
            except BlockingIOError:
                return True
            except OSError:
                return self._down()
        read = client.loop_read
        code = read()
        while code == success and wire.readable and most > 0:
            code = read()
            most -= 1
        return True if code == success else self._down()

    def acknowledge(self) -> None:
        """Acknowledge every message handed over so far over this connection."""
        wire = self._client.wire
        if self._unacknowledged and wire is not None and self.is_connected:
            wire.acknowledge(self._unacknowledged)
            try:
                wire.flush()
            except OSError:
                self._down()
        self._unacknowledged.clear()

    def close(self) -> None:
        """Leave in order; the session stays at the broker."""
        if self.is_connected:
            self._client.disconnect()
            if self._client.want_write():
                self._client.loop_write()
        if self._client.wire is not None:
            self._client.wire.close()
        self.is_connected = False

    def _down(self) -> bool:
        self.is_connected = False
        self._unacknowledged.clear()
        if self._client.wire is not None:
            self._client.wire.close()
        return False

    def _connected(self, _client: Client, _data: Any, flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._refusal = str(reason)
        else:
            self.is_connected = True
            self.session_present = bool(flags.session_present)

    def _subscribed(
        self, _client: Client, _data: Any, packet_id: int, reasons: Sequence[Any], *_more: Any
    ) -> None:
        for asked, reason in zip(self._asked_for.pop(packet_id, ()), reasons, strict=False):
            if reason.is_failure:
                log.error("the broker refuses the subscription to %s; see its access list", asked)

    def _received(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        packet_id = message.mid if message.qos else None
        self._on_message(Arrival(topic, bytes(message.payload), message.retain, packet_id, message.dup))
        if packet_id is not None:
            self._unacknowledged.append(packet_id)


def _leave_writing_to_us(*_arguments: Any) -> None:
    """Nothing to do: `wait` writes."""
