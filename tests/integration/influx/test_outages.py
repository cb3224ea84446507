"""A server that is away, killed or full gets everything in the end."""

import threading
from pathlib import Path

from farm.influx.sender import Sender
from farm.ledger.ledger import Ledger
from farm.model.states import Outcome
from farm.model.times import HOUR_MS, MINUTE_MS
from tests.influx_farm import START, BookedFarm, HandedClock, empty_outbox
from tests.influx_outbox import ended_jobs, queue, rejects, ship_all
from tests.influx_server import private_influx
from tests.small_disk import filled, small_disk


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


def test_a_full_disk_is_waited_out(ledger: Ledger, clock: HandedClock, tmp_path: Path) -> None:
    with small_disk(tmp_path) as disk, private_influx(disk) as server:
        settings = server.settings()
        farm = BookedFarm(ledger)
        farm.a_day()
        ship_all(farm, settings, clock)
        farm.samples(3_000)
        sender = Sender(ledger.engine, settings, clock)
        with filled(disk):
            for _ in range(6):
                clock.now_ms += round(sender.step() * 1000)
            trouble = queue(farm, "telemetry", clock).trouble
            assert trouble is not None
            assert "no space left on device" in trouble.words
        server.stop()  # it does not open a shard again that it could not open once
        server.start()
        empty_outbox(sender, ledger, clock)
        sender.close()
        assert server.points(settings.telemetry_bucket) == farm.all_telemetry()
        assert len(ended_jobs(server, settings.bucket)) == 15
        assert rejects(ledger) == []
