"""Feeding recordings to a broker in simulated time."""

import time
from collections.abc import Iterable, Iterator
from typing import Self, TypeAlias

from paho.mqtt.client import MQTTMessage, MQTTMessageInfo
from paho.mqtt.enums import MQTTErrorCode

from farm import mqtt
from farm.model.broker_address import broker_address
from farm.model.recording import RecordedMessage
from farm.model.simulated import SUBSCRIPTION, simulated_topic
from tests.servers import EmbeddedBroker, Mosquitto

Broker: TypeAlias = Mosquitto | EmbeddedBroker


class BrokerClient:
    """Publishes without waiting; every message is waited for at the end."""

    def __init__(self, broker: Broker, client_id: str = "", *, clean: bool = True) -> None:
        address = broker_address(broker.url)
        self._client = mqtt.BrokerClient(address, client_id, clean=clean, reconnects=True, in_flight=500)
        self._client.open()
        self._last: MQTTMessageInfo | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.settle()
        self._client.close()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        self._last = self._client.send(topic, payload, retain=retain)

    def settle(self) -> None:
        """Wait until the broker has everything."""
        if self._last is not None:
            self._last.wait_for_publish(30)

    @property
    def is_connected(self) -> bool:
        """Whether the last message went out at once, and did not have to wait for a connection."""
        return self._last is not None and self._last.rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    @property
    def is_settled(self) -> bool:
        """Whether the broker has everything."""
        return self._last is None or self._last.is_published()

    def subscribe(self, topic: str) -> None:
        self._client.subscribe(topic)

    def collect_now(self) -> Iterator[MQTTMessage]:
        return self._client.collect_now()


def simulated(messages: Iterable[RecordedMessage]) -> list[tuple[str, bytes]]:
    """The messages as a feeder publishes them: each with its time in the topic."""
    return [(simulated_topic(m.received_ms, m.retain, m.topic), m.raw) for m in messages]


def make_session(broker: Broker, client_id: str, *topics: str) -> None:
    """A persistent session for which the broker queues from now on: those topics, or simulated time's."""
    with BrokerClient(broker, client_id, clean=False) as client:
        for topic in topics or (SUBSCRIPTION,):
            client.subscribe(topic)


def queue_for(broker: Broker, client_id: str, stream: Iterable[tuple[str, bytes]]) -> None:
    """Leave the whole stream waiting in a persistent session."""
    make_session(broker, client_id)
    with BrokerClient(broker) as feeder:
        for topic, payload in stream:
            feeder.publish(topic, payload)


def feed_slowly(client: BrokerClient, stream: list[tuple[str, bytes]], per_second: float) -> None:
    """Publish at a steady pace, so that whoever reads is caught in mid-stream."""
    started = time.monotonic()
    for number, (topic, payload) in enumerate(stream):
        ahead = number / per_second - (time.monotonic() - started)
        if ahead > 0:
            time.sleep(ahead)
        client.publish(topic, payload)
