"""Everything arrives in a real InfluxDB, field by field, once."""

import threading

import msgspec

from farm.influx.sender import Sender
from farm.influx.status import OutboxStatus
from farm.ledger import schema
from tests.fault_proxy import FaultProxy
from tests.influx_farm import START, BookedFarm, HandedClock
from tests.influx_outbox import ended_jobs, queue, ship_all
from tests.influx_server import InfluxForTests
from tests.servers import wait_until


def test_every_sample_arrives_field_by_field(
    influx: InfluxForTests, farm: BookedFarm, clock: HandedClock
) -> None:
    farm.samples(3_456)
    settings = influx.settings()
    ship_all(farm, settings, clock)
    assert influx.points(settings.telemetry_bucket) == farm.all_telemetry()


def test_every_job_arrives_field_by_field(
    influx: InfluxForTests, farm: BookedFarm, clock: HandedClock
) -> None:
    farm.a_day()
    settings = influx.settings()
    ship_all(farm, settings, clock)
    arrived = ended_jobs(influx, settings.bucket)
    booked = [job for each in farm.printers for job in farm.ledger.last_terminal_jobs(each.id, 100)]
    assert len(arrived) == len(booked) == 15
    names = {printer.id: printer.name for printer in farm.printers}
    for job in booked:
        fields = arrived[job.id]
        expected = {
            name: value
            for name, value in msgspec.to_builtins(job).items()
            if name not in {"id", "printer_id"} and value is not None
        }
        assert fields.items() >= expected.items()
        assert fields["name"] == names[job.printer_id]


def test_fields_have_the_types_of_the_data_model(
    influx: InfluxForTests, farm: BookedFarm, clock: HandedClock
) -> None:
    farm.a_day()
    settings = influx.settings()
    ship_all(farm, settings, clock)
    answer = influx.influxql(settings.bucket, "SHOW FIELD KEYS FROM job_event").json()
    types = dict(answer["results"][0]["series"][0]["values"])
    assert types == {
        **dict.fromkeys(("started_ms", "ended_ms", "printing_ms", "preparing_ms", "paused_ms"), "integer"),
        **dict.fromkeys(("pauses", "units", "revision"), "integer"),
        **dict.fromkeys(("progress", "filament_mm"), "float"),
        **dict.fromkeys(("job", "name", "group", "model", "file", "start_provenance"), "string"),
        **dict.fromkeys(("outcome", "provenance", "cause", "detail", "material", "aliases"), "string"),
        "measured": "boolean",
    }


def test_states_of_a_day_arrive_in_their_order(
    influx: InfluxForTests, farm: BookedFarm, clock: HandedClock
) -> None:
    farm.a_day()
    settings = influx.settings()
    ship_all(farm, settings, clock)
    printer = farm.printers[1]
    states = sorted(
        (int(at) // 1_000_000, value)
        for (measurement, *tags, field, at), value in influx.points(settings.bucket).items()
        if measurement == "printer_state" and field == "state" and f"printer={printer.id}" in tags
    )
    booked = farm.ledger.spans(START, farm.now_ms, [printer.id])[1:]
    assert states == [(span.from_ms, span.state.value) for span in booked]


def test_sending_everything_twice_changes_nothing(
    influx: InfluxForTests, farm: BookedFarm, clock: HandedClock
) -> None:
    farm.a_day()
    farm.samples(500)
    settings = influx.settings()
    ship_all(farm, settings, clock)
    before = influx.points(settings.bucket), influx.points(settings.telemetry_bucket)
    with farm.ledger.engine.begin() as connection:
        connection.execute(schema.cursor.delete())
    ship_all(farm, settings, clock)
    assert (influx.points(settings.bucket), influx.points(settings.telemetry_bucket)) == before


def test_batches_keep_to_their_bytes_and_points(
    influx: InfluxForTests, farm: BookedFarm, clock: HandedClock, proxy: FaultProxy
) -> None:
    farm.samples(2_000)
    settings = influx.settings(url=proxy.url, batch_bytes=20_000, batch_points=150)
    ship_all(farm, settings, clock)
    assert max(len(body) for body in proxy.writes) <= 20_000
    assert max(body.count(b"\n") + 1 for body in proxy.writes) <= 150
    assert influx.points(settings.telemetry_bucket) == farm.all_telemetry()


def test_a_sender_killed_at_any_moment_goes_on_without_loss(
    influx: InfluxForTests, farm: BookedFarm, clock: HandedClock
) -> None:
    farm.a_day()
    farm.samples(4_000)
    settings = influx.settings(batch_points=100)
    for steps in (1, 3, 7):
        abandoned = Sender(farm.ledger.engine, settings, clock)
        for _ in range(steps):
            abandoned.step()
    ship_all(farm, settings, clock)
    assert influx.points(settings.telemetry_bucket) == farm.all_telemetry()
    assert len(ended_jobs(influx, settings.bucket)) == 15


def test_a_stopped_sender_ends_soon_and_remembers(
    influx: InfluxForTests, farm: BookedFarm, clock: HandedClock
) -> None:
    farm.samples(100)
    stop = threading.Event()
    sender = Sender(farm.ledger.engine, influx.settings(), clock)
    thread = threading.Thread(target=sender.run, args=(stop,))
    thread.start()
    try:
        wait_until(
            lambda: any(each.stored for each in OutboxStatus(farm.ledger.engine).queues(0)), "it stores"
        )
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()
    assert queue(farm, "telemetry", clock).entries == 0
