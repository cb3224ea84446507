"""A real server, a ledger, and a small farm in it."""

from collections.abc import Iterator

import pytest

from farm.ledger.ledger import Ledger, open_ledger
from tests.fault_proxy import FaultProxy, fault_proxy
from tests.influx_farm import BookedFarm, HandedClock
from tests.influx_server import InfluxForTests, influx_for_tests


@pytest.fixture(scope="module")
def influx() -> Iterator[InfluxForTests]:
    with influx_for_tests() as server:
        yield server


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with open_ledger("sqlite://") as opened:
        yield opened


@pytest.fixture
def farm(ledger: Ledger) -> BookedFarm:
    return BookedFarm(ledger)


@pytest.fixture
def clock() -> HandedClock:
    return HandedClock()


@pytest.fixture
def proxy(influx: InfluxForTests) -> Iterator[FaultProxy]:
    with fault_proxy(influx.url) as running:
        yield running
