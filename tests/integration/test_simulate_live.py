"""Feeding a real broker: bulk publishing, and a farm in real time that answers questions."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from farm.errors import BrokerRefused, BrokerUnreachable
from farm.model.broker_address import BrokerAddress, broker_address
from farm.model.simulated import split_simulated_topic
from farm.model.times import SECOND_MS
from simulators.bulk_publisher import BulkPublisher
from simulators.feeders import LiveFeeder, SimulatedTimeFeeder
from simulators.fleet import Fleet, SimulatedRun
from simulators.pacing import drive
from simulators.simulation import Wish, run_simulation
from simulators.truth import read_truth
from simulators.wire import Message
from tests.servers import Mosquitto, free_port, mosquitto, wait_until
from tests.unit.simulators.workbench import START_MS, one_printer


@pytest.fixture(scope="module")
def broker() -> Iterator[Mosquitto]:
    with mosquitto() as running:
        yield running


class Listener:
    """Hears everything below a topic, at QoS 1."""

    def __init__(self, broker: Mosquitto, topic: str) -> None:
        self.heard: list[mqtt.MQTTMessage] = []
        self._ready = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda _client, _data, message: self.heard.append(message)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.connect(broker.host, broker.port)
        self._client.subscribe(topic, 1)
        self._client.loop_start()
        assert self._ready.wait(10)

    def publish(self, topic: str, payload: bytes) -> None:
        self._client.publish(topic, payload, 1)

    def payloads(self, topic: str) -> list[bytes]:
        return [bytes(message.payload) for message in self.heard if message.topic == topic]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def address(broker: Mosquitto) -> BrokerAddress:
    return broker_address(broker.url)


def test_every_message_that_is_published_in_bulk_arrives_once_and_in_order(broker: Mosquitto) -> None:
    with Listener(broker, "bulk/#") as listener:
        with BulkPublisher(address(broker), "bulk", in_flight=100) as publisher:
            publisher._packet_id = 65_000  # so that the identifiers run over
            for number in range(5_000):
                publisher.publish(f"bulk/{number % 7}", b"%d" % number)
            publisher.finish()
        wait_until(lambda: len(listener.heard) >= 5_000, "everything arrives")
        assert [int(message.payload) for message in listener.heard] == list(range(5_000))
        assert {message.qos for message in listener.heard} == {1}


def test_large_and_empty_payloads_and_odd_names_are_carried(broker: Mosquitto) -> None:
    sent = [("odd/Bay 7 ü", b""), ("odd/large", b"x" * 3_000_000), ("odd/small", b"\x00\xff")]
    with Listener(broker, "odd/#") as listener:
        with BulkPublisher(address(broker), "odd") as publisher:
            for topic, payload in sent:
                publisher.publish(topic, payload)
            publisher.finish()
        wait_until(lambda: len(listener.heard) == len(sent), "everything arrives")
        assert [(message.topic, message.payload) for message in listener.heard] == sent


def test_a_broker_that_is_not_there_is_named(broker: Mosquitto) -> None:
    port = free_port()
    with pytest.raises(BrokerUnreachable, match=f"127.0.0.1:{port}"):
        BulkPublisher(BrokerAddress("127.0.0.1", port), "nobody")
    with pytest.raises(BrokerUnreachable, match=f"127.0.0.1:{port}"):
        LiveFeeder(BrokerAddress("127.0.0.1", port), "nobody")


def pour(publisher: BulkPublisher) -> None:
    """Publish more than fits into any buffer on the way."""
    for _ in range(200_000):
        publisher.publish("a", b"x" * 1000)
    publisher.finish()


def test_a_broker_that_goes_away_ends_the_run_with_a_reason() -> None:
    with mosquitto() as broker, BulkPublisher(address(broker), "cut", patience_s=10) as publisher:
        publisher.publish("a", b"1")
        publisher.flush()
        broker.kill()
        with pytest.raises(BrokerUnreachable, match="broker"):
            pour(publisher)


def test_a_wrong_password_is_told_without_showing_it(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    passwords.write_text("farm:$7$101$abc$def\n", "utf-8")
    with mosquitto(["per_listener_settings false", f"password_file {passwords}"]) as broker:
        url = f"mqtt://farm:secret-word@{broker.host}:{broker.port}"
        with pytest.raises(BrokerRefused) as refused:
            BulkPublisher(broker_address(url), "stranger")
    assert "secret-word" not in str(refused.value)


def test_simulated_time_travels_in_the_topic(broker: Mosquitto) -> None:
    with Listener(broker, "layerline/simulated/#") as listener:
        feeder = SimulatedTimeFeeder(address(broker), "feeder", None)
        feeder.deliver(START_MS, False, Message("bay/klipper/status", b"{}", 0, False))
        feeder.deliver(START_MS + 5, True, Message("bay/moonraker/status", b"{}", 0, True))
        feeder.finish()
        wait_until(lambda: len(listener.heard) == 2, "both arrive")
        assert [split_simulated_topic(message.topic) for message in listener.heard] == [
            (START_MS, False, "bay/klipper/status"),
            (START_MS + 5, True, "bay/moonraker/status"),
        ]
        assert not any(message.retain for message in listener.heard)


def test_a_farm_in_real_time_speaks_on_its_own_topics_and_answers(broker: Mosquitto) -> None:
    """The run is hurried by its tempo, so that a few seconds hold the beginning of a print."""
    scenario = one_printer("moonraker-split", printer__name="live-1")
    now_ms = time.time_ns() // 1_000_000
    stop = threading.Event()
    with Listener(broker, "live-1/#") as listener, Path("/dev/null").open("wb") as target:
        feeder = LiveFeeder(address(broker), "live-farm")
        run = SimulatedRun(
            scenario=scenario, faults=frozenset(), from_ms=now_ms, to_ms=now_ms + 60 * SECOND_MS
        )
        fleet = Fleet(run, feeder.deliver, target)
        feeder.hear({topic: front.answer for topic, front in fleet.questions.items()})
        thread = threading.Thread(
            target=lambda: drive(fleet, feeder, factor=1, stop=stop.is_set, progress=lambda _: None)
        )
        thread.start()
        try:
            wait_until(
                lambda: bool(listener.payloads("live-1/klipper/state/print_stats/state")), "a status comes"
            )
            query = {
                "jsonrpc": "2.0",
                "method": "printer.objects.query",
                "params": {"objects": {"webhooks": None}},
                "id": 3,
            }
            listener.publish("live-1/moonraker/api/request", json.dumps(query).encode())
            wait_until(lambda: bool(listener.payloads("live-1/moonraker/api/response")), "an answer comes")
        finally:
            stop.set()
            thread.join(20)
        feeder.finish()
        answer = json.loads(listener.payloads("live-1/moonraker/api/response")[0])
        assert answer["id"] == 3
        assert answer["result"]["status"]["webhooks"]["state"] == "ready"
    with Listener(broker, "live-1/moonraker/status") as late:
        wait_until(lambda: bool(late.heard), "what is retained comes")
        assert late.heard[0].retain


def test_a_run_writes_its_truth_and_the_same_recording_twice(tmp_path: Path) -> None:
    def run(name: str) -> tuple[bytes, bytes]:
        recording, truth = tmp_path / f"{name}.mqtt.jsonl", tmp_path / f"{name}.truth.jsonl"
        wish = Wish(printers=3, days=0.5, seed=3, faults="all", speed="max", truth=truth, recording=recording)
        run_simulation(wish)
        assert len(read_truth(truth).header.printers) == 3
        return recording.read_bytes(), truth.read_bytes()

    first = run("first")
    assert first == run("second")
    assert len(first[0]) > 100_000
