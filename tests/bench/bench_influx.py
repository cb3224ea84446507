"""How fast the outbox is emptied, and how long an outage is caught up.

`python -m tests.bench.bench_influx throughput [--points 200000] [--rounds 3]`
    The sender, from rows of the ledger to stored points, beside influxdb-client's own
    batching writer given the same points: as finished lines, and as its own `Point`s.

`python -m tests.bench.bench_influx outage [--minutes 60] [--rate 1000]`
    The server is away while so many samples a second are booked. Then it comes back, the
    samples go on being booked at that rate by another process, and it is measured how long
    it takes until nothing is unsent, and how far the present is behind meanwhile.

A private `influxd` is started for it. CPU is that of our own process.
"""

import argparse
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from influxdb_client import InfluxDBClient, Point, WriteOptions, WritePrecision
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from farm.influx.points import telemetry_head, telemetry_line
from farm.influx.sender import Sender
from farm.influx.settings import InfluxSettings
from farm.influx.status import OutboxStatus, QueueStatus
from farm.ledger.batch import Batch
from farm.ledger.ledger import Ledger, open_ledger
from farm.ledger.outbox_positions import TELEMETRY
from farm.ledger.records import TelemetryRow
from farm.model.clock import system_clock
from farm.model.observation import Telemetry
from farm.model.printer import Printer
from tests.influx_server import PrivateInflux, private_influx

PRINTERS = 1_000
START = 1_795_000_000_000
_AT_ONCE = 5_000


def printers() -> list[Printer]:
    return [
        Printer(id=f"{number:036d}", site="main", name=f"p{number}", adapter="moonraker", first_seen_ms=START)
        for number in range(PRINTERS)
    ]


def six_figures(number: int) -> Telemetry:
    """What a printing printer says: six figures, five of them floats."""
    return Telemetry(
        nozzle=205.0 + number % 50 / 10,
        nozzle_target=210.0,
        bed=60.0 + number % 7 / 10,
        bed_target=60.0,
        progress=number % 10_000 / 10_000,
        layer=number % 300,
    )


def rows(count: int, first: int, per_second: int, from_ms: int) -> list[TelemetryRow]:
    return [
        TelemetryRow(f"{number % PRINTERS:036d}", from_ms + number * 1000 // per_second, six_figures(number))
        for number in range(first, first + count)
    ]


def booked_farm(folder: Path) -> Ledger:
    ledger = open_ledger(f"sqlite:///{folder}/bench.db")
    ledger.claim("bench", "bench", simulated=False, now_ms=START)
    ledger.commit(Batch(printers=printers(), booked_until_ms=START))
    return ledger


def book(ledger: Ledger, count: int, per_second: int, from_ms: int, progress: Callable[[int], None]) -> None:
    for first in range(0, count, _AT_ONCE):
        some = min(_AT_ONCE, count - first)
        ledger.commit(Batch(telemetry=rows(some, first, per_second, from_ms), booked_until_ms=START))
        progress(some)


def telemetry_queue(status: OutboxStatus) -> QueueStatus | None:
    return next((each for each in status.queues(system_clock()) if each.queue == "telemetry"), None)


class Taken:
    """Wall and CPU seconds from the beginning until `end`."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), self._used()

    def end(self) -> tuple[float, float]:
        return time.perf_counter() - self._wall, self._used() - self._cpu

    @staticmethod
    def _used() -> float:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_utime + usage.ru_stime


def our_sender(ledger: Ledger, settings: InfluxSettings) -> tuple[float, float]:
    sender, taken = Sender(ledger.engine, settings, system_clock), Taken()
    while sender.step() == 0:
        pass
    sender.close()
    result = taken.end()
    queue = telemetry_queue(OutboxStatus(ledger.engine))
    assert queue is not None
    assert queue.entries == 0
    return result


def batching_writer(settings: InfluxSettings, points: Sequence[object]) -> tuple[float, float]:
    """The library's own: its default mode, with batches of our size and its compression."""
    taken = Taken()
    client = InfluxDBClient(
        url=settings.url,
        org=settings.org,
        token=settings.token.get_secret_value() if settings.token else "",
        enable_gzip=True,
    )
    with (
        client,
        client.write_api(write_options=WriteOptions(batch_size=5_000, flush_interval=10_000)) as writer,
    ):
        writer.write(settings.telemetry_bucket, settings.org, points, write_precision=WritePrecision.NS)
    return taken.end()


def lines_of(count: int, per_second: int) -> list[str]:
    heads = {each.id: telemetry_head(each) for each in printers()}
    made = (
        telemetry_line(heads[row.printer_id], row.at_ms, number, msgspec.to_builtins(row.values))
        for number, row in enumerate(rows(count, 0, per_second, START), 1)
    )
    return [line.decode() for line in made if line is not None]


def points_of(count: int, per_second: int) -> list[object]:
    points: list[object] = []
    for number, row in enumerate(rows(count, 0, per_second, START), 1):
        point = Point("telemetry").tag("site", "main").tag("printer", row.printer_id)
        point = point.tag("adapter", "moonraker")
        for name, value in msgspec.to_builtins(row.values).items():
            point = point.field(name, value)
        points.append(point.time(row.at_ms * 1_000_000 + number, WritePrecision.NS))
    return points


def stored(influx: PrivateInflux, settings: InfluxSettings) -> int:
    answer = influx.influxql(settings.telemetry_bucket, "SELECT count(nozzle) FROM telemetry").json()
    count: int = answer["results"][0]["series"][0]["values"][0][1]
    return count


def throughput(points: int, rounds: int, console: Console) -> None:
    measured: dict[str, list[tuple[float, float]]] = {}
    with private_influx() as influx, Progress(console=console, transient=True) as progress:
        for _ in range(rounds):
            task = progress.add_task("one round", total=3 * points)
            with tempfile.TemporaryDirectory() as folder, booked_farm(Path(folder)) as ledger:
                book(ledger, points, 1_000, START, lambda _: None)
                ways: dict[str, Callable[[InfluxSettings], tuple[float, float]]] = {
                    "Layerline, from the ledger": lambda settings: our_sender(ledger, settings),
                    "batching writer, finished lines": lambda settings: batching_writer(
                        settings, lines_of(points, 1_000)
                    ),
                    "batching writer, Point objects": lambda settings: batching_writer(
                        settings, points_of(points, 1_000)
                    ),
                }
                for name, way in ways.items():
                    settings = influx.settings()
                    measured.setdefault(name, []).append(way(settings))
                    assert stored(influx, settings) == points
                    progress.advance(task, points)
            progress.remove_task(task)
    table = Table(title=f"{points:,} points of six fields, {_machine()}, median of {rounds}")
    for heading in ("writer", "points/s", "CPU µs a point"):
        table.add_column(heading, justify="left" if heading == "writer" else "right")
    for name, times in measured.items():
        wall, cpu = (statistics.median(each[index] for each in times) for index in (0, 1))
        table.add_row(name, f"{points / wall:,.0f}", f"{cpu / points * 1e6:.1f}")
    console.print(table)


def outage(minutes: float, rate: int, console: Console) -> None:
    count = round(minutes * 60 * rate)
    with (
        private_influx() as influx,
        tempfile.TemporaryDirectory() as folder,
        booked_farm(Path(folder)) as ledger,
        Progress(console=console, transient=True) as progress,
    ):
        settings = influx.settings(telemetry_buffer_mb=100_000)
        influx.stop()
        Sender(ledger.engine, settings, system_clock).step()
        from_ms = system_clock() - round(minutes * 60_000)
        task = progress.add_task("booking the outage", total=count)
        book(ledger, count, rate, from_ms, lambda some: progress.advance(task, some))
        influx.start()
        feeder = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.bench_influx", "feed", str(ledger.engine.url), str(rate)]
        )
        try:
            wall, cpu, ages = caught_up(ledger, settings, progress, count)
        finally:
            feeder.terminate()
            feeder.wait(30)
    ages.sort()
    console.print(
        f"{minutes:g} min away at {rate:,} samples/s = {count:,} samples, {_machine()}: "
        f"caught up in {wall:.0f} s ({cpu:.0f} s of CPU) while {rate:,}/s went on being booked; "
        f"meanwhile the newest stored sample was {statistics.median(ages):.1f} s behind (median), "
        f"{ages[int(len(ages) * 0.99)]:.1f} s (p99)"
    )


def caught_up(
    ledger: Ledger, settings: InfluxSettings, progress: Progress, count: int
) -> tuple[float, float, list[float]]:
    """Seconds and CPU until only the present is unsent, and how far the newest stored sample was behind."""
    sender, status, taken = (
        Sender(ledger.engine, settings, system_clock),
        OutboxStatus(ledger.engine),
        Taken(),
    )
    task = progress.add_task("catching up", total=count)
    ages: list[float] = []
    looked = 0.0
    while True:
        wait = sender.step()
        queues = {queue.reader: queue for queue in sender._queues}
        position = queues[TELEMETRY].position
        if time.perf_counter() - looked > 0.5:
            looked = time.perf_counter()
            ages.append(_behind(ledger, position.seq))
            queue = telemetry_queue(status)
            progress.update(task, completed=count - (queue.entries if queue else 0))
        if not position.gaps and wait > 0:
            break
    wall, cpu = taken.end()
    sender.close()
    return wall, cpu, ages


def _behind(ledger: Ledger, row_id: int) -> float:
    """Seconds between the newest booked sample and this one, which is the newest stored."""
    newest, one = (
        "SELECT at_ms FROM telemetry ORDER BY id DESC LIMIT 1",
        "SELECT at_ms FROM telemetry WHERE id = ?",
    )
    with ledger.engine.connect() as connection:
        booked_ms = connection.exec_driver_sql(newest).scalar_one()
        stored_ms = connection.exec_driver_sql(one, (row_id,)).scalar_one()
    return (int(booked_ms) - int(stored_ms)) / 1000


def feed(url: str, rate: int) -> None:
    """Book so many samples a second, in commits as the collector makes them, until terminated."""
    with open_ledger(url) as ledger:
        ledger.claim("bench-live", "feed", simulated=False, now_ms=START)
        number, begun = 0, time.monotonic()
        while True:
            due = int((time.monotonic() - begun) * rate)
            if due > number:
                now_ms = system_clock()
                batch = [
                    TelemetryRow(f"{each % PRINTERS:036d}", now_ms, six_figures(each))
                    for each in range(number, due)
                ]
                ledger.commit(Batch(telemetry=batch, booked_until_ms=START))
                number = due
            time.sleep(0.05)


def _machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = parser.add_subparsers(dest="part", required=True)
    one = parts.add_parser("throughput")
    one.add_argument("--points", type=int, default=200_000)
    one.add_argument("--rounds", type=int, default=3)
    two = parts.add_parser("outage")
    two.add_argument("--minutes", type=float, default=60)
    two.add_argument("--rate", type=int, default=1_000)
    three = parts.add_parser("feed")
    three.add_argument("url")
    three.add_argument("rate", type=int)
    chosen = parser.parse_args()
    if chosen.part == "throughput":
        throughput(chosen.points, chosen.rounds, Console())
    elif chosen.part == "outage":
        outage(chosen.minutes, chosen.rate, Console())
    else:
        feed(chosen.url, chosen.rate)


if __name__ == "__main__":
    main()
