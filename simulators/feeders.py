"""Where the messages of a simulation go: a broker in simulated or in real time, or a file."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import IO, Protocol

import msgspec
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from typing_extensions import override

from farm.errors import BrokerRefused, BrokerUnreachable
from farm.model.recording import RecordedMessage
from farm.model.simulated import simulated_topic
from simulators.broker_url import BrokerAddress
from simulators.bulk_publisher import BulkPublisher, Pace
from simulators.wire import Message

logger = logging.getLogger(__name__)

_BURST = 2_000
_WAIT_S = 15.0
_RECONNECT_S = 1.0
_LIVE_IN_FLIGHT = 1_000
_END_TOPIC = "layerline/simulation/end"


class Feeder(Protocol):
    """What takes the messages of a run."""

    sent: int

    def deliver(self, at_ms: int, kept: bool, message: Message) -> None:
        """Take one message that arrives at `at_ms`; `kept` by the broker from before."""

    def pump(self) -> None:
        """Do what is to be done between two steps of the run."""

    def finish(self) -> None:
        """Everything was handed over: wait until it has arrived."""


class SimulatedTimeFeeder(Feeder):
    """Publishes below `layerline/simulated/`, at QoS 1, with the simulated instant in the topic."""

    def __init__(self, address: BrokerAddress, client_id: str, per_second: float | None) -> None:
        self._publisher = BulkPublisher(address, client_id)
        self._pace = Pace(per_second)
        self.sent = 0

    @override
    def deliver(self, at_ms: int, kept: bool, message: Message) -> None:
        self._publisher.publish(simulated_topic(at_ms, kept, message.topic), message.payload)
        self.sent += 1
        if self.sent % _BURST == 0:
            self._pace.passed(self.sent)

    @override
    def pump(self) -> None:
        self._publisher.flush()

    @override
    def finish(self) -> None:
        with self._publisher:
            self._publisher.finish()


class LiveFeeder(Feeder):
    """Publishes to the printers' own topics, now, with their quality of service and retention.

    What the broker keeps is its own affair, so messages `kept` from before are published
    retained. `questions` says who answers on which topic.
    """

    def __init__(self, address: BrokerAddress, client_id: str) -> None:
        self.sent = 0
        self._answers: Mapping[str, Callable[[bytes], None]] = {}
        self._address = address
        self._retry_at = 0.0
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id)
        self._client.max_inflight_messages_set(_LIVE_IN_FLIGHT)
        if address.username is not None:
            self._client.username_pw_set(address.username, address.password)
        if address.tls:
            self._client.tls_set()
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message
        self._connect()

    def _connect(self) -> None:
        try:
            self._client.connect(self._address.host, self._address.port)
        except OSError as error:
            raise BrokerUnreachable(f"broker {self._address.host}:{self._address.port}: {error}") from error
        deadline = time.monotonic() + _WAIT_S
        while not self._client.is_connected():
            code = self._client.loop(0.1)
            if code != mqtt.MQTT_ERR_SUCCESS or time.monotonic() > deadline:
                reason = mqtt.error_string(code)
                raise BrokerRefused(f"broker {self._address.host}:{self._address.port}: {reason}")

    def hear(self, answers: Mapping[str, Callable[[bytes], None]]) -> None:
        """Listen on these topics and hand what comes to those who answer there."""
        self._answers = answers
        self._subscribe()

    def _subscribe(self) -> None:
        for topic in self._answers:
            self._client.subscribe(topic, 1)

    def _on_connect(self, *_: object) -> None:
        self._subscribe()

    def _on_message(self, _client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        answer = self._answers.get(message.topic)
        if answer is not None:
            answer(bytes(message.payload))

    @override
    def deliver(self, at_ms: int, kept: bool, message: Message) -> None:
        self._client.publish(message.topic, message.payload, message.qos, message.retain or kept)
        self.sent += 1
        if self.sent % _BURST == 0:
            self.pump()

    @override
    def pump(self) -> None:
        """Take in what has come; a connection that broke is made again."""
        while self._client.loop(0.0) == mqtt.MQTT_ERR_SUCCESS:
            if not self._client.want_write():
                return
        if time.monotonic() >= self._retry_at:
            self._retry_at = time.monotonic() + _RECONNECT_S
            try:
                self._client.reconnect()
            except OSError as error:
                logger.warning("broker %s:%d: %s", self._address.host, self._address.port, error)

    @override
    def finish(self) -> None:
        """Wait until what can arrive has arrived."""
        deadline = time.monotonic() + _WAIT_S
        ending = self._client.publish(_END_TOPIC, b"", 1)
        while not ending.is_published() and time.monotonic() < deadline:
            self._client.loop(0.1)
        self._client.disconnect()


class RecordingFeeder(Feeder):
    """Writes the messages into a file, in the format of recordings."""

    def __init__(self, target: IO[bytes]) -> None:
        self._target = target
        self.sent = 0

    @override
    def deliver(self, at_ms: int, kept: bool, message: Message) -> None:
        recorded = RecordedMessage(
            at_ms / 1000, message.topic, message.payload.decode("utf-8", "surrogateescape"), message.qos, kept
        )
        self._target.write(msgspec.json.encode(recorded))
        self._target.write(b"\n")
        self.sent += 1

    @override
    def pump(self) -> None:
        """Nothing waits."""

    @override
    def finish(self) -> None:
        self._target.flush()
