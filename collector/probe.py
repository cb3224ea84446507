"""A connection to a broker for trying it out: it can wait for what comes, and break off."""

import queue
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from farm.errors import BrokerRefused, BrokerUnreachable

PATIENCE_S = 5.0
"""How long an answer of the broker is waited for."""
_QUIET_S = 0.7
"""After so long without a message nothing more is expected."""
_KEEP_ALIVE_S = 30


@dataclass(frozen=True)
class BrokerAccess:
    """Where the broker is and how to sign in."""

    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None


class Probe:
    """One connection to the broker, which can also break off as a crash would break it."""

    def __init__(
        self,
        access: BrokerAccess,
        client_id: str,
        *,
        clean: bool = True,
        will: str | None = None,
        ack: bool = True,
    ) -> None:
        self.messages: queue.Queue[mqtt.MQTTMessage] = queue.Queue()
        self.session_present = False
        self.lost = threading.Event()
        self._access = access
        self._reason: ReasonCode | None = None
        self._answered = threading.Event()
        self._subscribed = threading.Event()
        self._ended = False
        self._refused_filter = False
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=clean,
            protocol=mqtt.MQTTv311,
            manual_ack=not ack,
            reconnect_on_failure=False,
        )
        if access.user is not None:
            self._client.username_pw_set(access.user, access.password)
        if access.tls is not None:
            self._client.tls_set_context(access.tls)
        if will is not None:
            self._client.will_set(will, b"gone", qos=1)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = lambda _client, _data, message: self.messages.put(message)

    def __enter__(self) -> Self:
        """Connect. Raises BrokerUnreachable or BrokerRefused with the reason."""
        where = f"{self._access.host}:{self._access.port}"
        try:
            self._client.connect(self._access.host, self._access.port, _KEEP_ALIVE_S)
        except (OSError, ValueError) as error:
            raise BrokerUnreachable(f"{where}: cannot be reached: {error}") from error
        self._client.loop_start()
        if not self._answered.wait(PATIENCE_S):
            self.crash()
            raise BrokerUnreachable(f"{where}: does not answer as an MQTT broker within {PATIENCE_S:g} s")
        if self._reason is None:
            self.crash()
            raise BrokerRefused(
                f"{where}: closes the connection without an answer; some brokers do so when user or password "
                "are wrong, others when TLS is expected"
            )
        if self._reason.is_failure:
            self.crash()
            raise BrokerRefused(f"{where}: refuses us: {self._reason}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect in order."""
        if not self._ended:
            self._client.disconnect()
            self._client.loop_stop()
            self._ended = True

    def crash(self) -> None:
        """Break the connection off without a word, as a killed process does."""
        self._client.loop_stop()
        self._ended = True
        if (socket := self._client.socket()) is not None:
            socket.close()

    def subscribe(self, topic: str, qos: int = 1) -> None:
        """Subscribe and wait until that holds. Raises BrokerRefused when the broker does not allow it."""
        self._client.subscribe(topic, qos)
        if not self._subscribed.wait(PATIENCE_S):
            raise BrokerRefused(f"subscribing to {topic!r} is not answered within {PATIENCE_S:g} s")
        if self._refused_filter:
            raise BrokerRefused(f"subscribing to {topic!r} is not allowed")
        self._subscribed.clear()

    def publish(self, topic: str, payload: bytes, qos: int = 1, *, retain: bool = False) -> bool:
        """Publish; at QoS 1, whether the broker has confirmed it in time."""
        info = self._client.publish(topic, payload, qos, retain)
        if qos == 0:
            return True
        with suppress(RuntimeError, ValueError):  # the connection is gone, which the answer says
            info.wait_for_publish(PATIENCE_S)
        return info.is_published()

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

    def _on_connect(
        self, _client: mqtt.Client, _data: object, flags: mqtt.ConnectFlags, reason: ReasonCode, _: object
    ) -> None:
        self.session_present = flags.session_present
        self._reason = reason
        self._answered.set()

    def _on_disconnect(self, *_: object) -> None:
        self.lost.set()
        self._answered.set()

    def _on_subscribe(
        self, _client: mqtt.Client, _data: object, _mid: int, reasons: list[ReasonCode], _: object
    ) -> None:
        self._refused_filter = any(reason.is_failure for reason in reasons)
        self._subscribed.set()
