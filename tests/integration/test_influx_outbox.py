"""Nothing is lost on the way to a real InfluxDB, whatever the server or the network does."""

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pydantic import SecretStr
from sqlalchemy import select

from farm.model.feed import FeedKind
from farm.model.job import Job
from farm.model.observation import Telemetry
from farm.model.states import Cause, Outcome, PrinterState, Provenance
from farm.model.times import HOUR_MS, MINUTE_MS
from farm.storage import schema
from farm.storage.influx.client import InfluxServer
from farm.storage.influx.sender import Sender
from farm.storage.influx.settings import InfluxSettings
from farm.storage.influx.status import OutboxStatus, QueueStatus
from farm.storage.ledger import Ledger, open_ledger
from farm.storage.ledger_port import TelemetryRow
from tests.fault_proxy import Fault, FaultProxy, fault_proxy
from tests.influx_farm import START, BookedFarm, HandedClock, empty_outbox
from tests.influx_server import InfluxForTests, influx_for_tests, private_influx
from tests.servers import wait_until

JOB_TAGS = ("adapter=moonraker", "event=ended")


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


def ship_all(farm: BookedFarm, settings: InfluxSettings, clock: HandedClock) -> None:
    sender = Sender(farm.ledger.engine, settings, clock)
    empty_outbox(sender, farm.ledger, clock)
    sender.close()


def queue(farm: BookedFarm, name: str, clock: HandedClock) -> QueueStatus:
    return {each.queue: each for each in OutboxStatus(farm.ledger.engine).queues(clock())}[name]


def ended_jobs(influx: InfluxForTests, bucket: str) -> dict[str, dict[str, Any]]:
    """The fields of every job's end, by job."""
    points: dict[tuple[str, ...], dict[str, Any]] = {}
    for (measurement, *tags, field, at), value in influx.points(bucket).items():
        if measurement == "job_event" and "event=ended" in tags:
            points.setdefault((*tags, at), {})[field] = value
    jobs = {fields["job"]: fields for fields in points.values()}
    assert len(jobs) == len(points), "a job has more than one end"
    return jobs


def rejects(ledger: Ledger) -> list[Any]:
    with ledger.engine.connect() as connection:
        return list(connection.execute(select(schema.outbox_reject)))


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


def test_a_server_that_comes_up_at_the_end_gets_everything(ledger: Ledger, clock: HandedClock) -> None:
    with private_influx() as server:
        settings = server.settings(batch_points=500)
        server.stop()
        farm = BookedFarm(ledger)
        sender = Sender(ledger.engine, settings, clock)
        for hour in range(5):
            farm.job(
                farm.printers[0],
                START + hour * HOUR_MS,
                START + hour * HOUR_MS + MINUTE_MS,
                Outcome.SUCCEEDED,
            )
            farm.samples(1_000, from_ms=START + hour * HOUR_MS)
            clock.now_ms += round(sender.step() * 1000)
        assert queue(farm, "telemetry", clock).entries == 5_000
        trouble = queue(farm, "feed", clock).trouble
        assert trouble is not None
        assert "refused" in trouble.words
        server.start()
        empty_outbox(sender, ledger, clock)
        sender.close()
        assert server.points(settings.telemetry_bucket) == farm.all_telemetry()
        assert len(ended_jobs(server, settings.bucket)) == 5
        assert queue(farm, "feed", clock).trouble is None


def test_a_server_killed_in_the_middle_of_batches_has_everything_in_the_end(
    ledger: Ledger, clock: HandedClock
) -> None:
    farm = BookedFarm(ledger)
    farm.samples(6_000)
    with private_influx() as server:
        settings = server.settings(batch_points=200)
        sender = Sender(ledger.engine, settings, clock)
        for _ in range(3):
            kill = threading.Timer(0.05, server.kill)
            kill.start()
            stopped = queue_is_in_trouble(farm, sender, clock)
            kill.join()
            server.start()
            assert stopped
        empty_outbox(sender, ledger, clock)
        sender.close()
        assert server.points(settings.telemetry_bucket) == farm.all_telemetry()


def queue_is_in_trouble(farm: BookedFarm, sender: Sender, clock: HandedClock) -> bool:
    for _ in range(100_000):
        clock.now_ms += round(sender.step() * 1000)
        if queue(farm, "telemetry", clock).trouble is not None:
            return True
        if not queue(farm, "telemetry", clock).entries:
            farm.samples(1_000)
    return False


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


def test_a_full_disk_is_waited_out(ledger: Ledger, clock: HandedClock, tmp_path: Path) -> None:
    with small_disk(tmp_path) as disk, private_influx(disk) as server:
        settings = server.settings()
        farm = BookedFarm(ledger)
        farm.a_day()
        ship_all(farm, settings, clock)
        farm.samples(3_000)
        ballast = disk / "ballast"
        with ballast.open("wb") as file, suppress(OSError):
            while True:
                file.write(bytes(64_000))
                file.flush()
        sender = Sender(ledger.engine, settings, clock)
        for _ in range(6):
            clock.now_ms += round(sender.step() * 1000)
        trouble = queue(farm, "telemetry", clock).trouble
        assert trouble is not None
        assert "no space left on device" in trouble.words
        ballast.unlink()
        server.stop()  # it does not open a shard again that it could not open once
        server.start()
        empty_outbox(sender, ledger, clock)
        sender.close()
        assert server.points(settings.telemetry_bucket) == farm.all_telemetry()
        assert len(ended_jobs(server, settings.bucket)) == 15
        assert rejects(ledger) == []


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of some megabytes at the folder."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small disk can only be mounted by root, outside of unprivileged containers")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


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


def revised(job: Job, **changes: Any) -> Job:
    return msgspec.structs.replace(job, revision=job.revision + 1, **changes)


def test_a_revised_outcome_takes_the_place_of_the_old_one(
    influx: InfluxForTests, farm: BookedFarm, clock: HandedClock
) -> None:
    failed = farm.job(farm.printers[0], START + 1000, START + HOUR_MS, Outcome.FAILED)
    settings = influx.settings()
    ship_all(farm, settings, clock)
    assert ended_jobs(influx, settings.bucket)[failed.id]["cause"] == Cause.THERMAL
    better = revised(failed, outcome=Outcome.SUCCEEDED, cause=None, detail=None, provenance=Provenance.PERSON)
    farm.tell_job(FeedKind.JOB_REVISED, better, START + 2 * HOUR_MS)
    ship_all(farm, settings, clock)
    fields = ended_jobs(influx, settings.bucket)[failed.id]
    assert (fields["outcome"], fields["revision"]) == ("succeeded", 1)
    assert not {"cause", "detail"} & fields.keys()


def test_a_job_whose_end_is_moved_ends_once(
    influx: InfluxForTests, farm: BookedFarm, clock: HandedClock
) -> None:
    unknown = farm.job(farm.printers[0], START + 1000, START + HOUR_MS, Outcome.UNKNOWN)
    settings = influx.settings()
    ship_all(farm, settings, clock)
    later = revised(unknown, outcome=Outcome.SUCCEEDED, ended_ms=START + 2 * HOUR_MS, started_ms=START + 500)
    farm.tell_job(FeedKind.JOB_REVISED, later, START + 3 * HOUR_MS)
    ship_all(farm, settings, clock)
    assert ended_jobs(influx, settings.bucket)[unknown.id]["ended_ms"] == START + 2 * HOUR_MS
    starts = [key for key in influx.points(settings.bucket) if "event=started" in key and "job" in key]
    assert [int(key[-1]) // 1_000_000 for key in starts] == [START + 500]


def test_revised_spans_take_back_states_and_withdrawn_jobs(
    influx: InfluxForTests, farm: BookedFarm, clock: HandedClock
) -> None:
    printer, other = farm.printers[:2]
    farm.state(printer, PrinterState.IDLE, START + 1000)
    gone = farm.job(printer, START + HOUR_MS, START + 2 * HOUR_MS, Outcome.UNKNOWN)
    kept = farm.job(other, START + HOUR_MS, START + 2 * HOUR_MS, Outcome.SUCCEEDED)
    settings = influx.settings()
    ship_all(farm, settings, clock)
    farm.rerun(printer, START + MINUTE_MS, [(PrinterState.OFFLINE, START + 90 * MINUTE_MS)], withdrawn=[gone])
    ship_all(farm, settings, clock)
    assert set(ended_jobs(influx, settings.bucket)) == {kept.id}
    states = {
        (int(at) // 1_000_000, value)
        for (_, *tags, field, at), value in influx.points(settings.bucket).items()
        if field == "state" and f"printer={printer.id}" in tags
    }
    assert states == {(START + 1000, "idle"), (START + 90 * MINUTE_MS, "offline")}


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
