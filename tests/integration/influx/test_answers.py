"""Whatever the server answers, nothing is lost and nothing is doubled."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from pydantic import SecretStr

from farm.errors import InfluxError
from farm.influx.answers import Handling
from farm.influx.client import InfluxServer
from farm.influx.sender import Sender
from farm.influx.settings import InfluxSettings
from farm.ledger.records import TelemetryRow
from farm.model.observation import Telemetry
from farm.model.times import HOUR_MS
from tests.dripping import dripping
from tests.fault_proxy import Fault, FaultProxy
from tests.influx_farm import START, BookedFarm, HandedClock, empty_outbox
from tests.influx_outbox import ended_jobs, queue, rejects, ship_all
from tests.influx_server import InfluxForTests


@pytest.mark.parametrize("status", [401, 403, 404, 408, 429, 500, 502, 503, 504, 507, 200, 302, 418])
def test_what_is_no_refusal_of_the_points_keeps_them(
    status: int, influx: InfluxForTests, farm: BookedFarm, clock: HandedClock, proxy: FaultProxy
) -> None:
    farm.samples(300)
    settings = influx.settings(url=proxy.url)
    proxy.faults.extend([Fault(status, body="no")] * 4)
    ship_all(farm, settings, clock)
    assert influx.points(settings.telemetry_bucket) == farm.all_telemetry()
    assert rejects(farm.ledger) == []
    assert not proxy.faults


def test_a_proxys_bad_request_refuses_nothing(
    influx: InfluxForTests, farm: BookedFarm, clock: HandedClock, proxy: FaultProxy
) -> None:
    farm.samples(300)
    settings = influx.settings(url=proxy.url)
    proxy.faults.extend([Fault(400, body="<html>plain HTTP sent to HTTPS port</html>")] * 3)
    ship_all(farm, settings, clock)
    assert influx.points(settings.telemetry_bucket) == farm.all_telemetry()
    assert rejects(farm.ledger) == []


@pytest.mark.parametrize(
    "beginning",
    [b"HTTP/1.1 503 Busy\r\nContent-Length: 1000000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Endless: "],
)
@pytest.mark.timeout(60)
def test_a_server_that_answers_a_byte_at_a_time_is_given_up_in_time(beginning: bytes) -> None:
    with dripping(beginning) as drips:
        settings = InfluxSettings(url=f"http://127.0.0.1:{drips.port}", timeout_seconds=0.5)
        with InfluxServer(settings) as server:
            assert server.write("layerline", b"m x=1 1").handling is Handling.WAIT
            with pytest.raises(InfluxError):
                server.influxql("layerline", "SELECT 1")


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("as_date", [False, True])
def test_the_server_is_left_alone_for_as_long_as_it_asks(
    status: int,
    as_date: bool,
    influx: InfluxForTests,
    farm: BookedFarm,
    clock: HandedClock,
    proxy: FaultProxy,
) -> None:
    farm.samples(300)
    settings = influx.settings(url=proxy.url)
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    proxy.faults.extend([Fault(status, headers={"Retry-After": later if as_date else "90"})] * 2)
    sender = Sender(farm.ledger.engine, settings, clock)
    sender.step()
    asked = len(proxy.requests)
    for _ in range(8):
        clock.now_ms += 10_000
        sender.step()
    assert len(proxy.requests) == asked
    clock.now_ms += 10_001
    empty_outbox(sender, farm.ledger, clock)
    sender.close()
    assert influx.points(settings.telemetry_bucket) == farm.all_telemetry()


def test_a_batch_that_is_too_large_for_the_server_goes_in_pieces(
    influx: InfluxForTests, farm: BookedFarm, clock: HandedClock, proxy: FaultProxy
) -> None:
    farm.samples(300)
    settings = influx.settings(url=proxy.url)
    proxy.faults.extend([Fault(status=0), Fault(413), Fault(413), Fault(413)])
    ship_all(farm, settings, clock)
    assert influx.points(settings.telemetry_bucket) == farm.all_telemetry()
    assert rejects(farm.ledger) == []


def test_a_token_that_is_refused_is_reported_and_costs_nothing(
    influx: InfluxForTests, farm: BookedFarm, clock: HandedClock
) -> None:
    farm.samples(100)
    settings = influx.settings()
    wrong = settings.model_copy(update={"token": SecretStr("wrong")})
    sender = Sender(farm.ledger.engine, wrong, clock)
    sender.step()
    sender.close()
    trouble = queue(farm, "telemetry", clock).trouble
    assert trouble is not None
    assert (trouble.status, trouble.words) == (401, "unauthorized access")
    ship_all(farm, settings, clock)
    assert influx.points(settings.telemetry_bucket) == farm.all_telemetry()


def test_a_bucket_that_is_missing_holds_up_only_its_own_queue(
    influx: InfluxForTests, farm: BookedFarm, clock: HandedClock
) -> None:
    farm.a_day()
    farm.samples(100)
    settings = influx.settings()
    elsewhere = settings.model_copy(update={"telemetry_bucket": f"{settings.bucket}_missing"})
    sender = Sender(farm.ledger.engine, elsewhere, clock)
    for _ in range(5):
        sender.step()
    assert queue(farm, "feed", clock).entries == 0
    trouble = queue(farm, "telemetry", clock).trouble
    assert trouble is not None
    assert trouble.status == 404
    influx.make_bucket(elsewhere.telemetry_bucket)
    empty_outbox(sender, farm.ledger, clock)
    sender.close()
    assert influx.points(elsewhere.telemetry_bucket) == farm.all_telemetry()


def test_a_point_of_the_wrong_type_in_the_middle_is_recorded_and_all_others_are_stored(
    influx: InfluxForTests, farm: BookedFarm, clock: HandedClock
) -> None:
    settings = influx.settings()
    printer = farm.printers[1]
    stranger = f"telemetry,adapter=moonraker,printer={printer.id},site=main chamber=1i {START}000000"
    with InfluxServer(settings) as server:
        # Somebody else wrote a whole number, first, where we write floats.
        assert server.write(settings.telemetry_bucket, stranger.encode()).status == 204
    farm.samples(300)
    farm.telemetry([TelemetryRow(printer.id, START + HOUR_MS, Telemetry(chamber=35.5, nozzle=210.0))])
    farm.samples(300, from_ms=START + 2 * HOUR_MS)
    ship_all(farm, settings, clock)
    (refused,) = rejects(farm.ledger)
    assert (refused.source, refused.status, refused.reader) == (301, 422, "influx:telemetry")
    assert 'input field "chamber" on measurement "telemetry" is type float' in refused.answer
    assert "nozzle=210.0,chamber=35.5" in refused.line
    arrived = influx.points(settings.telemetry_bucket)
    del arrived[
        ("telemetry", "adapter=moonraker", f"printer={printer.id}", "site=main", "chamber", f"{START}000000")
    ]
    expected = {key: value for key, value in farm.all_telemetry().items() if not key[-1].endswith("000301")}
    assert arrived == expected
    assert queue(farm, "telemetry", clock).rejected == 1


def test_a_bucket_where_every_point_is_refused_stops_nothing(
    influx: InfluxForTests, farm: BookedFarm, clock: HandedClock
) -> None:
    settings = influx.settings()
    stranger = f"telemetry,printer=x nozzle=1i {START}000000"
    with InfluxServer(settings) as server:
        assert server.write(settings.telemetry_bucket, stranger.encode()).status == 204
    farm.a_day()
    farm.samples(600)
    ship_all(farm, settings, clock)
    assert {(row.source, row.status) for row in rejects(farm.ledger)} == {(n, 422) for n in range(1, 601)}
    assert queue(farm, "telemetry", clock).rejected == 600
    assert len(ended_jobs(influx, settings.bucket)) == 15


def test_a_slow_server_is_waited_for_and_then_asked_again(
    influx: InfluxForTests, farm: BookedFarm, clock: HandedClock, proxy: FaultProxy
) -> None:
    farm.samples(300)
    settings = influx.settings(url=proxy.url, timeout_seconds=0.3)
    proxy.faults.extend([Fault(204, delay_s=1.0, forward=True), Fault(204, delay_s=1.0)])
    ship_all(farm, settings, clock)
    assert influx.points(settings.telemetry_bucket) == farm.all_telemetry()


def test_an_answer_lost_on_the_way_doubles_nothing(
    influx: InfluxForTests, farm: BookedFarm, clock: HandedClock, proxy: FaultProxy
) -> None:
    farm.a_day()
    farm.samples(300)
    settings = influx.settings(url=proxy.url)
    proxy.faults.extend([Fault(None, forward=True), Fault(None), Fault(None, forward=True)])
    ship_all(farm, settings, clock)
    assert influx.points(settings.telemetry_bucket) == farm.all_telemetry()
    assert len(ended_jobs(influx, settings.bucket)) == 15
    assert rejects(farm.ledger) == []
