"""The configuration of the broker that comes along, and its door's bounds."""

import tomllib

import pytest

from farm.app.data_folder import Credentials
from farm.app.embedded_broker.built_in import broker_configuration
from farm.app.embedded_broker.settings import EmbeddedBrokerSettings

ODD = Credentials('us"er', 'pä"ss\\w\n]')


def test_the_configuration_is_toml_whatever_the_password() -> None:
    read = tomllib.loads(broker_configuration(EmbeddedBrokerSettings(), ODD, 40_000))
    assert read["v4"]["1"]["connections"]["auth"] == {ODD.user: ODD.password}


def test_it_listens_on_the_loopback_only() -> None:
    read = tomllib.loads(broker_configuration(EmbeddedBrokerSettings(host="::"), ODD, 40_000))
    assert read["v4"]["1"]["listen"] == "127.0.0.1:40000"


@pytest.mark.parametrize("megabytes", [1, 64, 4096])
def test_the_queue_of_a_subscription_is_as_large_as_set(megabytes: int) -> None:
    read = tomllib.loads(broker_configuration(EmbeddedBrokerSettings(queue_mb=megabytes), ODD, 40_000))
    router = read["router"]
    assert router["max_segment_size"] * router["max_segment_count"] == megabytes * 1024 * 1024
