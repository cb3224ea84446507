"""What is read back from InfluxDB is what the ledger says."""

from collections.abc import Iterator

import msgspec
import pytest

from farm.model.states import PrinterState
from farm.model.times import HOUR_MS, MINUTE_MS
from farm.storage.history_ledger import LedgerHistory
from farm.storage.history_port import HistoryReader
from farm.storage.influx.client import InfluxServer
from farm.storage.influx.history import InfluxHistory
from farm.storage.influx.sender import Sender
from farm.storage.influx.settings import InfluxSettings
from farm.storage.ledger import open_ledger
from tests.influx_farm import START, BookedFarm, HandedClock, empty_outbox
from tests.influx_server import influx_for_tests

WINDOWS = [(START, START + 20 * HOUR_MS), (START + 90 * MINUTE_MS, START + 5 * HOUR_MS), (START, START + 1)]


class Shipped:
    """A farm of one day, in a ledger and in InfluxDB."""

    def __init__(self, farm: BookedFarm, settings: InfluxSettings, server: InfluxServer) -> None:
        self.farm = farm
        self.settings = settings
        self.ledger: HistoryReader = LedgerHistory(farm.ledger)
        self.influx: HistoryReader = InfluxHistory(server)


@pytest.fixture(scope="module")
def shipped() -> Iterator[Shipped]:
    with influx_for_tests() as influx, open_ledger("sqlite://") as ledger:
        settings = influx.settings()
        influx.make_bucket(settings.downsampled_bucket)
        farm = BookedFarm(ledger)
        farm.a_day()
        farm.samples(5_000)
        clock = HandedClock()
        sender = Sender(ledger.engine, settings, clock)
        empty_outbox(sender, ledger, clock)
        sender.close()
        with InfluxServer(settings) as server:
            yield Shipped(farm, settings, server)


@pytest.mark.parametrize("window", WINDOWS)
def test_telemetry_is_the_same_in_both(shipped: Shipped, window: tuple[int, int]) -> None:
    for printer in shipped.farm.printers:
        expected = shipped.ledger.telemetry(printer.id, *window)
        assert shipped.influx.telemetry(printer.id, *window) == expected


@pytest.mark.parametrize("every_ms", [MINUTE_MS, 10 * MINUTE_MS])
def test_means_of_telemetry_are_the_same_in_both(shipped: Shipped, every_ms: int) -> None:
    printer = shipped.farm.printers[1]
    expected = shipped.ledger.telemetry(printer.id, START, START + HOUR_MS, every_ms)
    found = shipped.influx.telemetry(printer.id, START, START + HOUR_MS, every_ms)
    assert [sample.at_ms for sample in found] == [sample.at_ms for sample in expected]
    for one, other in zip(found, expected, strict=True):
        assert msgspec.to_builtins(one.values) == pytest.approx(msgspec.to_builtins(other.values))


@pytest.mark.parametrize("window", WINDOWS)
def test_states_are_the_same_in_both(shipped: Shipped, window: tuple[int, int]) -> None:
    until = min(window[1], shipped.farm.now_ms)
    expected = shipped.ledger.states(window[0], until)
    assert sorted(shipped.influx.states(window[0], until), key=_place) == sorted(expected, key=_place)


def _place(span: object) -> str:
    return str(msgspec.to_builtins(span))


def test_states_of_chosen_printers_only(shipped: Shipped) -> None:
    one = shipped.farm.printers[0].id
    spans = shipped.influx.states(START, START + HOUR_MS, [one])
    assert {span.printer_id for span in spans} == {one}
    assert spans[0].state is PrinterState.UNKNOWN
    assert shipped.influx.states(START, START + HOUR_MS, []) == []


@pytest.mark.parametrize("window", WINDOWS)
def test_ended_jobs_are_the_same_in_both(shipped: Shipped, window: tuple[int, int]) -> None:
    expected = shipped.ledger.ended_jobs(*window)
    assert shipped.influx.ended_jobs(*window) == expected
    one = [shipped.farm.printers[2].id]
    assert shipped.influx.ended_jobs(*window, one) == shipped.ledger.ended_jobs(*window, one)


def test_what_the_telemetry_bucket_no_longer_has_comes_from_the_downsampled_one(shipped: Shipped) -> None:
    printer = shipped.farm.printers[0]
    long_ago = START - 100 * HOUR_MS
    line = (
        f"telemetry,adapter=moonraker,printer={printer.id},site=main "
        f"nozzle=201.5,layer=7.4 {long_ago // 600_000 * 600_000}000000"
    )
    with InfluxServer(shipped.settings) as server:
        assert server.write(shipped.settings.downsampled_bucket, line.encode()).status == 204
    found = shipped.influx.telemetry(printer.id, long_ago - HOUR_MS, START + HOUR_MS, 10 * MINUTE_MS)
    assert (found[0].values.nozzle, found[0].values.layer) == (201.5, 7)
    assert len(found) == 1 + len(shipped.ledger.telemetry(printer.id, START, START + HOUR_MS, 10 * MINUTE_MS))
