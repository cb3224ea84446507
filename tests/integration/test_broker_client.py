"""The plain connection to a broker outlives the broker where it is to, and says when it does not."""

import pytest

from farm.errors import BrokerUnreachable
from farm.model.broker_address import BrokerAddress, broker_address
from farm.mqtt import BrokerClient
from tests.servers import mosquitto, wait_until


def test_what_a_dead_broker_cannot_confirm_is_told_as_not_published() -> None:
    with mosquitto() as broker, BrokerClient(broker_address(broker.url), "printer") as client:
        assert client.publish("a", b"1")
        broker.kill()
        assert client.lost.wait(10)
        assert not client.publish("a", b"2", patience_s=0.2)


def test_a_connection_that_is_to_last_is_made_again_with_its_subscriptions() -> None:
    with mosquitto() as broker:
        address = broker_address(broker.url)
        with BrokerClient(address, "reader", reconnects=True) as reader:
            reader.subscribe(*(f"bay{number}/state" for number in range(150)))
            broker.kill()
            broker.start()
            heard: set[tuple[str, bytes]] = set()

            def hears() -> bool:
                publish(address, "bay149/state", b"idle")
                heard.update((message.topic, bytes(message.payload)) for message in reader.collect_now())
                return bool(heard)

            wait_until(hears, "the reader hears the last of its topics", 30)
            assert heard == {("bay149/state", b"idle")}


def publish(address: BrokerAddress, topic: str, payload: bytes) -> None:
    with BrokerClient(address, "printer") as printer:
        printer.publish(topic, payload)


def test_where_nobody_answers_the_error_names_the_address() -> None:
    with mosquitto() as broker:
        address = broker_address(broker.url)
    with pytest.raises(BrokerUnreachable, match=f"{address.host}:{address.port}"), BrokerClient(address, "x"):
        pass
