"""A plain connection to a broker, with a thread of its own, for all who need no acknowledging by hand.

The checks of `doctor`, the demo, simulations and tests use it; the collector, whose acknowledgements
follow its commits, has `collector/intake/mqtt.py`.
"""

import queue
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from farm.errors import BrokerRefused, BrokerUnreachable, ConfigurationError
from farm.model.broker_address import BrokerAddress

PATIENCE_S = 5.0
"""How long an answer of the broker is waited for."""
_QUIET_S = 0.7
"""After so long without a message nothing more is expected."""
_KEEP_ALIVE_S = 30
_LONGEST_RETRY_S = 30
_SUBSCRIBE_BATCH = 100


CLOSED_MEANS = "some brokers do so when user or password are wrong, others when TLS is expected"
"""What it may mean that a broker closes without a word."""

_PERMANENT = {
    "Bad user name or password": "wrong user or password; check broker.username and broker.password",
    "Not authorized": "wrong user or password, or not on the broker's access list; "
    "check broker.username and broker.password",
    "Client identifier not valid": "it does not take the client id; choose another collector.client_id",
    "Unsupported protocol version": "it must speak MQTT 3.1.1",
}
"""What a refusal means that lasts until somebody mends something, by paho's words for it."""


def refusal(host: str, port: int, reason: str) -> BrokerRefused | BrokerUnreachable:
    """The error for a refused connection, with the remedy where somebody must mend something."""
    text = f"broker {host}:{port} refused the connection: {reason}"
    meaning = _PERMANENT.get(reason)
    return BrokerUnreachable(text) if meaning is None else BrokerRefused(f"{text}: {meaning}")


def tls_context(address: BrokerAddress) -> ssl.SSLContext:
    """What certificates are checked with. Raises ConfigurationError when `broker.ca_file` cannot be used."""
    try:
        return ssl.create_default_context(cafile=address.ca_file)
    except OSError as error:
        raise ConfigurationError(f"broker.ca_file = {address.ca_file}: cannot be used: {error}") from error


def sign_in(client: mqtt.Client, address: BrokerAddress) -> None:
    """Give the client the account and the certificates. Raises ConfigurationError as `tls_context` does."""
    if address.user is not None:
        client.username_pw_set(address.user, address.password)
    if address.tls:
        client.tls_set_context(tls_context(address))


def batched_filters(filters: Sequence[str]) -> Iterator[Sequence[str]]:
    """The topic filters in parts that go into one packet each."""
    for start in range(0, len(filters), _SUBSCRIBE_BATCH):
        yield filters[start : start + _SUBSCRIBE_BATCH]


class BrokerClient:
    """One connection to the broker; it can also break off as a crash would break it.

    What comes lies in `messages`. With `reconnects` a connection that broke is made again, and what was
    subscribed to is subscribed to again; otherwise `lost` tells of it. With `ack` false nothing that
    comes is acknowledged.
    """

    def __init__(
        self,
        address: BrokerAddress,
        client_id: str,
        *,
        clean: bool = True,
        will: str | None = None,
        ack: bool = True,
        reconnects: bool = False,
        in_flight: int = 20,
    ) -> None:
        self.messages: queue.Queue[mqtt.MQTTMessage] = queue.Queue()
        self.session_present = False
        self.lost = threading.Event()
        self._address = address
        self._reason: ReasonCode | None = None
        self._answered = threading.Event()
        self._subscribed = threading.Event()
        self._ended = False
        self._refused_filter = False
        self._filters: list[str] = []
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=clean,
            protocol=mqtt.MQTTv311,
            manual_ack=not ack,
            reconnect_on_failure=reconnects,
        )
        self._client.max_inflight_messages_set(in_flight)
        self._client.reconnect_delay_set(1, _LONGEST_RETRY_S)
        sign_in(self._client, address)
        if will is not None:
            self._client.will_set(will, b"gone", qos=1)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = lambda _client, _data, message: self.messages.put(message)

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> None:
        """Connect. Raises BrokerUnreachable or BrokerRefused with the reason."""
        where = f"{self._address.host}:{self._address.port}"
        try:
            self._client.connect(self._address.host, self._address.port, _KEEP_ALIVE_S)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise BrokerUnreachable(f"{where}: cannot be reached: {reason}") from error
        self._client.loop_start()
        if not self._answered.wait(PATIENCE_S):
            self.crash()
            raise BrokerUnreachable(f"{where}: does not answer as an MQTT broker within {PATIENCE_S:g} s")
        if self._reason is None:
            self.crash()
            raise BrokerRefused(f"{where}: closes the connection without an answer; {CLOSED_MEANS}")
        if self._reason.is_failure:
            self.crash()
            raise refusal(self._address.host, self._address.port, str(self._reason))

    def close(self) -> None:
        """Disconnect in order."""
        if not self._ended:
            self._client.disconnect()
            self._client.loop_stop()
            self._end()

    def crash(self) -> None:
        """Break the connection off without a word, as a killed process does."""
        self._client.loop_stop()
        self._end()
        if (socket := self._client.socket()) is not None:
            socket.close()

    def _end(self) -> None:
        """Nothing more comes."""
        self._ended = True
        # So that the client is freed, and closes its sockets, with this object: the garbage collector may
        # free the sockets first, which is a warning.
        self._client.on_connect = self._client.on_disconnect = None
        self._client.on_subscribe = self._client.on_message = None

    def subscribe(self, *filters: str) -> None:
        """Subscribe at QoS 1 and wait until that holds. Raises BrokerRefused when it is not allowed."""
        for batch in batched_filters(filters):
            self._subscribed.clear()
            self._ask_for(batch)
            if not self._subscribed.wait(PATIENCE_S):
                raise BrokerRefused(f"subscribing to {batch[0]!r} is not answered within {PATIENCE_S:g} s")
            if self._refused_filter:
                raise BrokerRefused(f"subscribing to {batch[0]!r} is not allowed")
            self._filters += batch

    def _ask_for(self, filters: Sequence[str]) -> None:
        self._client.subscribe([(each, 1) for each in filters])

    def send(self, topic: str, payload: bytes, qos: int = 1, *, retain: bool = False) -> mqtt.MQTTMessageInfo:
        """Publish, and wait for nothing: the answer knows when the broker has confirmed it."""
        return self._client.publish(topic, payload, qos, retain)

    def publish(
        self,
        topic: str,
        payload: bytes,
        qos: int = 1,
        *,
        retain: bool = False,
        patience_s: float = PATIENCE_S,
    ) -> bool:
        """Publish; at QoS 1, whether the broker has confirmed it in time."""
        info = self.send(topic, payload, qos, retain=retain)
        if qos == 0:
            return True
        with suppress(RuntimeError, ValueError):  # the connection is gone, which the answer says
            info.wait_for_publish(patience_s)
            return info.is_published()
        return False

    def collect(self, count: int, patience_s: float = PATIENCE_S) -> list[mqtt.MQTTMessage]:
        """Up to `count` messages; fewer when nothing more comes."""
        found: list[mqtt.MQTTMessage] = []
        wait_s = patience_s
        while len(found) < count:
            try:
                found.append(self.messages.get(timeout=wait_s))
            except queue.Empty:
                break
            wait_s = _QUIET_S
        return found

    def collect_now(self) -> Iterator[mqtt.MQTTMessage]:
        """What has come by now."""
        with suppress(queue.Empty):
            while True:
                yield self.messages.get_nowait()

    def _on_connect(
        self, _client: mqtt.Client, _data: object, flags: mqtt.ConnectFlags, reason: ReasonCode, _: object
    ) -> None:
        self.session_present = flags.session_present
        self._reason = reason
        if self._answered.is_set() and not reason.is_failure:
            for batch in batched_filters(self._filters):
                self._ask_for(batch)
        self._answered.set()

    def _on_disconnect(self, *_: object) -> None:
        self.lost.set()
        self._answered.set()

    def _on_subscribe(
        self, _client: mqtt.Client, _data: object, _mid: int, reasons: list[ReasonCode], _: object
    ) -> None:
        self._refused_filter = any(reason.is_failure for reason in reasons)
        self._subscribed.set()
