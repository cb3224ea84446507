"""Where the messages of a simulation go: a broker in simulated or in real time, or a file."""

from collections.abc import Callable, Mapping
from typing import IO, Protocol

import msgspec
from typing_extensions import override

from farm.model.broker_address import BrokerAddress
from farm.model.recording import RecordedMessage
from farm.model.simulated import simulated_topic
from farm.mqtt import BrokerClient
from simulators.bulk_publisher import BulkPublisher, Pace
from simulators.wire import Message

_BURST = 2_000
_WAIT_S = 15.0
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
    retained. Questions are answered between two steps of the run. Raises BrokerUnreachable or
    BrokerRefused when the broker cannot be used; a connection that breaks later is made again.
    """

    def __init__(self, address: BrokerAddress, client_id: str) -> None:
        self.sent = 0
        self._answers: Mapping[str, Callable[[bytes], None]] = {}
        self._client = BrokerClient(address, client_id, reconnects=True, in_flight=_LIVE_IN_FLIGHT)
        self._client.open()

    def hear(self, answers: Mapping[str, Callable[[bytes], None]]) -> None:
        """Listen on these topics and hand what comes to those who answer there."""
        self._answers = answers
        self._client.subscribe(*answers)

    @override
    def deliver(self, at_ms: int, kept: bool, message: Message) -> None:
        self._client.send(message.topic, message.payload, message.qos, retain=message.retain or kept)
        self.sent += 1
        if self.sent % _BURST == 0:
            self.pump()

    @override
    def pump(self) -> None:
        """Answer what was asked since."""
        for message in self._client.collect_now():
            if (answer := self._answers.get(message.topic)) is not None:
                answer(bytes(message.payload))

    @override
    def finish(self) -> None:
        """Wait until what can arrive has arrived."""
        self._client.publish(_END_TOPIC, b"", patience_s=_WAIT_S)
        self._client.close()


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
