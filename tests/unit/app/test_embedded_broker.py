"""The broker that comes along: its configuration, and that it runs with it."""

import socket
import subprocess
import tomllib
from contextlib import closing
from pathlib import Path

import pytest

from farm.app.data_folder import Credentials, DataFolder
from farm.app.embedded_broker import EmbeddedBrokerSettings, broker_configuration, prepare_broker
from farm.errors import BrokerRefused
from farm.model.broker_address import BrokerAddress
from farm.mqtt import BrokerClient
from tests.servers import free_port, wait_until

ODD = Credentials('us"er', 'pä"ss\\w\n]')


def test_the_configuration_is_toml_whatever_the_password() -> None:
    read = tomllib.loads(broker_configuration(EmbeddedBrokerSettings(), ODD))
    assert read["v4"]["1"]["connections"]["auth"] == {ODD.user: ODD.password}
    assert read["v4"]["1"]["listen"] == "0.0.0.0:1883"


@pytest.mark.parametrize("megabytes", [1, 64, 4096])
def test_the_queue_of_a_subscription_is_as_large_as_set(megabytes: int) -> None:
    read = tomllib.loads(broker_configuration(EmbeddedBrokerSettings(queue_mb=megabytes), ODD))
    router = read["router"]
    assert router["max_segment_size"] * router["max_segment_count"] == megabytes * 1024 * 1024


def test_it_lets_in_who_knows_the_password_and_nobody_else(tmp_path: Path) -> None:
    settings = EmbeddedBrokerSettings(host="127.0.0.1", port=free_port())
    credentials, command = prepare_broker(settings, DataFolder(tmp_path))
    with subprocess.Popen(command) as broker:
        try:
            access = BrokerAddress("127.0.0.1", settings.port, False, credentials.user, credentials.password)

            def answers() -> bool:
                assert broker.poll() is None
                try:
                    with BrokerClient(access, "first"):
                        return True
                except Exception:  # noqa: BLE001  whatever it is, the broker is not there yet
                    return False

            wait_until(answers, "the broker lets us in")
            with BrokerClient(access, "reader") as reader, BrokerClient(access, "printer") as printer:
                reader.subscribe("bay 1/#")
                printer.publish("bay 1/state", b"idle")
                assert [message.payload for message in reader.collect(1)] == [b"idle"]
            stranger = BrokerAddress("127.0.0.1", settings.port, False, credentials.user, "guess")
            with (
                pytest.raises(BrokerRefused, match="closes the connection without an answer"),
                BrokerClient(stranger, "x"),
            ):
                pass
        finally:
            broker.terminate()


def test_on_a_taken_port_it_ends_and_says_so(tmp_path: Path) -> None:
    settings = EmbeddedBrokerSettings(host="127.0.0.1", port=free_port())
    _, command = prepare_broker(settings, DataFolder(tmp_path))
    with closing(socket.socket()) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((settings.host, settings.port))
        taken.listen()
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "the embedded broker cannot run" in done.stderr
