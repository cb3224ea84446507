"""CPU for each message of the whole collector, beside bare paho on the same queue.

`python -m tests.bench.bench_collector [--messages 100000] [--printers 100] [--rounds 3] [--jobs]`

Without `--jobs` all printers print all the time. With it one print begins and one ends in every
50 messages of a printer, which is some hundred times as often as on a real farm.

Both readers drain the same number of queued QoS 1 Moonraker messages of about 450 bytes from
a private Mosquitto. CPU is what the operating system counted for the whole process, less the
same process with an empty queue, divided by the messages.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger import open_ledger
from tests.feeding import BrokerClient, make_session
from tests.servers import Mosquitto, mosquitto

PAYLOAD_BYTES = 450
MESSAGES_OF_A_JOB = 50
_DRAIN_S = 1.5
_TOPICS = "+/klipper/status"


def status(eventtime: float, number: int) -> bytes:
    """A status as Moonraker publishes it four times a second while printing."""
    body = {
        "eventtime": round(eventtime, 9),
        "status": {
            "print_stats": {
                "total_duration": 52.5 + number * 0.25,
                "print_duration": 24.8 + number * 0.25,
                "filament_used": 39.046 + number * 0.1,
            },
            "virtual_sdcard": {"progress": min(0.4 + number * 1e-5, 0.99), "file_position": 3603 + number},
            "heater_bed": {"temperature": 60.0 + number % 7 / 10},
            "extruder": {"temperature": 205.0 + number % 5 / 10, "power": 0.3153604696967097},
            "toolhead": {
                "print_time": 148.3028149096797 + number,
                "estimated_print_time": 146.94878236 + number,
                "position": [90.3, 95.433, 1.6, 39.046 + number],
            },
            "idle_timeout": {"printing_time": 52.561709496 + number * 0.25},
        },
    }
    text = json.dumps(body, separators=(",", ":"))
    return (text + " " * max(PAYLOAD_BYTES - len(text), 0)).encode()


def status_with_jobs(eventtime: float, number: int) -> bytes:
    """The same with the beginning and the end of a print in every `MESSAGES_OF_A_JOB`."""
    place = number % MESSAGES_OF_A_JOB
    body = json.loads(status(eventtime, place))
    stats = body["status"]["print_stats"]
    if place == 0:
        stats |= {"state": "printing", "filename": f"part{number // MESSAGES_OF_A_JOB}.gcode"}
    elif place == MESSAGES_OF_A_JOB - 1:
        stats["state"] = "complete"
    text = json.dumps(body, separators=(",", ":"))
    return (text + " " * max(PAYLOAD_BYTES - len(text), 0)).encode()


def fill(
    broker: Mosquitto, messages: int, printers: int, progress: Callable[[int], None], *, jobs: bool
) -> None:
    says = status_with_jobs if jobs else status
    with BrokerClient(broker, "bench-feeder") as feeder:
        for number in range(messages):
            printer, step = number % printers, number // printers
            feeder.publish(f"printer{printer}/klipper/status", says(5000 + step * 0.25, step))
            if number % 1000 == 999:
                feeder.settle()
                progress(1000)


def cpu_of(command: list[str]) -> float:
    """User and system seconds of the command, run to its end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def bare_paho(broker: Mosquitto, messages: int) -> list[str]:
    return [sys.executable, "-m", "tests.bench.bare_paho", broker.host, str(broker.port), str(messages)]


def layerline(broker: Mosquitto, database: Path) -> list[str]:
    return [
        str(Path(sys.executable).with_name("layerline")),
        "collector",
        "--broker",
        broker.url,
        "--database",
        f"sqlite:///{database}",
        "--client-id",
        "bench-layerline",
        "--source",
        "moonraker={printer}",
        "--drain",
        str(_DRAIN_S),
    ]


def one_round(
    broker: Mosquitto, messages: int, printers: int, progress: Progress, *, jobs: bool
) -> tuple[float, float]:
    """Microseconds of CPU a message: bare paho, Layerline."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "bench.db"
        make_session(broker, "bench-paho", _TOPICS)
        make_session(broker, "bench-layerline", _TOPICS)
        empty_ours = cpu_of(layerline(broker, Path(folder) / "empty.db"))
        make_session(broker, "bench-layerline", _TOPICS)
        empty_bare = cpu_of(bare_paho(broker, 0))
        task = progress.add_task("filling the queue", total=messages)
        fill(broker, messages, printers, lambda count: progress.advance(task, count), jobs=jobs)
        progress.remove_task(task)
        bare = cpu_of(bare_paho(broker, messages)) - empty_bare
        ours = cpu_of(layerline(broker, database)) - empty_ours
        if jobs:
            _see_that_jobs_are_booked(database, messages // MESSAGES_OF_A_JOB)
    return bare / messages * 1e6, ours / messages * 1e6


def _see_that_jobs_are_booked(database: Path, expected: int) -> None:
    with open_ledger(f"sqlite:///{database}", create=False) as ledger:
        found = sum(job.outcome == "succeeded" for job in ledger.jobs(JobFilter(limit=1_000_000)).jobs)
    if found != expected:
        raise SystemExit(f"{found} prints are booked as succeeded, {expected} were printed")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--printers", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", action="store_true", help="one print begins and ends in 50 messages")
    chosen = parser.parse_args()
    console = Console()
    with mosquitto() as broker, Progress(console=console, transient=True) as progress:
        rounds = [
            one_round(broker, chosen.messages, chosen.printers, progress, jobs=chosen.jobs)
            for _ in range(chosen.rounds)
        ]
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    table = Table(title=f"{chosen.messages:,} messages, {chosen.printers:,} printers, {machine}")
    for heading in ("round", "bare paho µs", "Layerline µs", "ratio"):
        table.add_column(heading, justify="right")
    for number, (bare, ours) in enumerate(rounds, 1):
        table.add_row(str(number), f"{bare:.1f}", f"{ours:.1f}", f"{ours / bare:.2f}")
    ratio = statistics.median(ours / bare for bare, ours in rounds)
    table.add_row("median", "", "", f"{ratio:.2f}")
    console.print(table)


if __name__ == "__main__":
    main()
