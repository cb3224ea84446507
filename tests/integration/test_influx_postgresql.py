"""The outbox over PostgreSQL, where several collectors commit at the same time."""

import threading
from collections.abc import Iterator

import pytest

from farm.influx.sender import Sender
from farm.influx.settings import InfluxSettings
from farm.ledger.batch import Batch
from farm.ledger.ledger import Ledger, open_ledger
from farm.ledger.records import TelemetryRow
from farm.model.observation import Telemetry
from farm.model.states import Outcome
from tests.influx_farm import START, BookedFarm, HandedClock, empty_outbox
from tests.influx_played import PlayedServer
from tests.servers import fresh_database, postgresql

_COMMITS = 60
_SAMPLES = 7


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture
def url(server_url: str) -> Iterator[str]:
    with fresh_database(server_url) as database:
        yield database


def sender_of(ledger: Ledger, server: PlayedServer, clock: HandedClock) -> Sender:
    return Sender(ledger.engine, InfluxSettings(url="http://played", batch_points=50), clock, server=server)


def test_no_sample_is_skipped_while_two_collectors_commit(url: str) -> None:
    with open_ledger(url) as ledger, open_ledger(url) as other:
        farm, server, clock = BookedFarm(ledger), PlayedServer(), HandedClock()
        other.claim("another-shard", "tests", simulated=False, now_ms=START)

        def collect(at: Ledger) -> None:
            for number in range(_COMMITS):
                row = TelemetryRow(farm.printers[0].id, START + number, Telemetry(nozzle=float(number)))
                at.commit(Batch(telemetry=[row] * _SAMPLES, booked_until_ms=START))

        threads = [threading.Thread(target=collect, args=(each,)) for each in (ledger, other)]
        sender = sender_of(ledger, server, clock)
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            sender.step()
        empty_outbox(sender, ledger, clock)
        sender.close()
    assert len(server.ids()) == len(set(server.ids())) == 2 * _COMMITS * _SAMPLES


def test_positions_gaps_and_refusals_are_kept_there_too(url: str) -> None:
    with open_ledger(url) as ledger:
        farm, server, clock = BookedFarm(ledger), PlayedServer(), HandedClock()
        farm.job(farm.printers[0], START + 1, START + 2, Outcome.FAILED)
        farm.samples(500)
        first = sender_of(ledger, server, clock)
        first.step()
        first.close()
        assert ledger.trim(START + 10_000_000) == 50
        second = sender_of(ledger, server, clock)
        empty_outbox(second, ledger, clock)
        second.close()
    assert sorted(server.ids()) == list(range(1, 501))
