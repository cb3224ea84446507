"""The one connection to the broker: a persistent session, acknowledged by hand.

Everything runs in the caller's thread: `wait` sleeps until something happens, `drain` hands
over what has come. Acknowledgements belong to the connection over which a message came; those
of an earlier one are dropped, and the broker sends such messages again.
"""

import logging
import select
import socket
import struct
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, cast

from paho.mqtt import MQTTException
from paho.mqtt.client import Client, MQTTMessage, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from collector.intake.wire import Publish, Wire
from collector.settings import BrokerSettings
from farm.errors import BrokerUnreachable, ConfigurationError
from farm.mqtt import CLOSED_MEANS, batched_filters, refusal, sign_in

log = logging.getLogger(__name__)

_CONNECT_TIMEOUT_S = 10
_UNSENDABLE_KEPT = 100


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


class _BufferedClient(Client):
    """paho's client with our buffers around its socket."""

    wire: Wire | None = None

    def _create_socket(self) -> Any:
        self.wire = Wire(cast(socket.socket, super()._create_socket()))
        return self.wire

    @property
    def is_between_packets(self) -> bool:
        """Whether the client has read none of the next packet yet."""
        return not self._in_packet["command"]


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
        address = broker.address
        self._host, self._port = address.host, address.port
        self._client = _BufferedClient(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=clean,
            protocol=MQTTv311,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        sign_in(self._client, address)
        self._client.connect_timeout = _CONNECT_TIMEOUT_S
        self._client.on_message = self._received
        self._client.on_connect = self._connected
        self._client.on_subscribe = self._subscribed
        # With this set the client leaves writing to us, so that many packets go out at once.
        self._client.on_socket_register_write = _leave_writing_to_us
        self._keepalive = broker.keepalive_seconds
        self._arrived: list[Arrival] = []
        self._unacknowledged: list[int] = []
        self._unsendable: set[str] = set()
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

        Raises BrokerUnreachable when nobody answers, BrokerRefused when it will not have us, and
        ConfigurationError for an address that can be none.
        """
        self._down()
        self._refusal = None
        self._asked_for.clear()
        try:
            self._client.connect(self._host, self._port, self._keepalive)
        except OSError as error:
            raise BrokerUnreachable(f"broker {self._host}:{self._port}: {error.strerror or error}") from error
        except ValueError as error:  # a host that can be no name, a port that can be no port
            raise ConfigurationError(
                f"broker.url: {self._host!r}:{self._port} cannot be used: {error}"
            ) from error
        self._await_answer()

    def _await_answer(self) -> None:
        deadline = time.monotonic() + _CONNECT_TIMEOUT_S
        where = f"broker {self._host}:{self._port}"
        while time.monotonic() < deadline:
            self.wait(0.1)
            stands = self.drain()
            if self._refusal is not None:
                raise refusal(self._host, self._port, self._refusal)
            if not stands:
                raise BrokerUnreachable(f"{where} closed the connection without an answer; {CLOSED_MEANS}")
            if self.is_connected:
                return
        self._down()
        raise BrokerUnreachable(f"{where} did not answer the connection")

    def subscribe(self, filters: Sequence[str]) -> None:
        """Ask for all filters at QoS 1; what the broker refuses is logged.

        The answer is not waited for: behind a backlog it comes only when that is acknowledged.
        Raises ConfigurationError for a filter that no broker can take.
        """
        for batch in batched_filters(filters):
            try:
                _, packet_id = self._client.subscribe([(f, 1) for f in batch])
            except ValueError as error:
                raise ConfigurationError(f"sources: {batch} cannot be subscribed to: {error}") from error
            if packet_id is not None:
                self._asked_for[packet_id] = batch

    def publish(self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False) -> None:
        """Publish; what is sent while there is no connection is dropped, and what MQTT cannot carry."""
        if not self.is_connected:
            return
        try:
            self._client.publish(topic, payload, qos=qos, retain=retain)
        except ValueError as error:
            if topic not in self._unsendable and len(self._unsendable) < _UNSENDABLE_KEPT:
                self._unsendable.add(topic)
                log.warning("cannot publish to %r: %s; this is said once", topic[:200], error)

    def wait(self, timeout_s: float) -> bool:
        """Sleep until something has come or the time is over. True when there is something to read.

        A connection that is found broken is taken down, which `drain` then tells.
        """
        try:
            return self._wait(timeout_s)
        except (OSError, ValueError):  # `select` on a socket that was closed raises ValueError
            return self._down()

    def _wait(self, timeout_s: float) -> bool:
        if self._client.socket() is not None and self._client.want_write():
            self._client.loop_write()
        wire = self._client.wire
        if wire is None or self._client.socket() is None:
            return False
        wire.flush()
        if wire.pending():
            return True
        readable, _, _ = select.select([wire], [wire] if wire.unsent else [], [], timeout_s)
        return bool(readable)

    def drain(self, most: int = 10_000) -> bool:
        """Hand over what has come, at most about `most` messages. False when the connection is down.

        Raises what the receiver of the messages raises, and nothing else.
        """
        client, wire = self._client, self._client.wire
        if wire is None or client.socket() is None:
            return self._down()
        if client.loop_misc() != MQTTErrorCode.MQTT_ERR_SUCCESS:
            return self._down()
        if not wire.readable:
            try:
                wire.fill()
            except BlockingIOError:
                return True
            except (OSError, ValueError):
                return self._down()
        stands = True
        while stands and wire.readable and most > 0:
            if client.is_between_packets:
                most -= self._take_messages(wire.publishes(most))
            if wire.readable and most > 0:
                stands = self._read()
                most -= 1
        return True if stands else self._down()

    def _take_messages(self, published: list[Publish]) -> int:
        """Hand over messages; gives their number."""
        for each in published:
            try:
                topic = each.topic.decode()
            except UnicodeDecodeError:
                topic = ""
            self._hand_over(Arrival(topic, each.payload, each.retained, each.packet_id, each.again))
        return len(published)

    def _hand_over(self, message: Arrival) -> None:
        self._on_message(message)
        if message.packet_id is not None:
            self._unacknowledged.append(message.packet_id)

    def _read(self) -> bool:
        """Let the client take one packet or so from the wire. False when the line is down.

        Its messages are handed over outside the client, whose faults on a broken or nonsensical
        line must not be taken for those of the receiver.
        """
        try:
            stands = self._client.loop_read() == MQTTErrorCode.MQTT_ERR_SUCCESS
        except (OSError, ValueError, LookupError, MQTTException, struct.error) as error:
            log.warning("the broker sent what is no MQTT: %r", error)
            stands = False
        while self._arrived:
            self._hand_over(self._arrived.pop(0))
        return stands

    def acknowledge(self) -> None:
        """Acknowledge every message handed over so far over this connection."""
        wire = self._client.wire
        if self._unacknowledged and wire is not None and self.is_connected:
            wire.acknowledge(self._unacknowledged)
            try:
                wire.flush()
            except (OSError, ValueError):
                self._down()
        self._unacknowledged.clear()

    def close(self) -> None:
        """Leave in order; the session stays at the broker."""
        if self.is_connected:
            with suppress(OSError, ValueError):
                self._client.disconnect()
                if self._client.want_write():
                    self._client.loop_write()
        self._down()

    def _down(self) -> bool:
        """Forget the connection. False, for what is asked of it."""
        self.is_connected = False
        self._unacknowledged.clear()
        self._arrived.clear()
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
        self._arrived.append(Arrival(topic, bytes(message.payload), message.retain, packet_id, message.dup))


def _leave_writing_to_us(*_arguments: Any) -> None:
    """Nothing to do: `wait` writes."""
