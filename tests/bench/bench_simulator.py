"""How many messages a second one core simulates, and how many it brings through a broker.

`python -m tests.bench.bench_simulator [--printers 10000] [--seconds 30]`

Every printer reports once a second, which is one message (Moonraker, native), two or three
(OctoPrint) or about ten (split Moonraker). Generation alone hands the messages to nobody;
through a broker they are published to a private Mosquitto, in simulated time at QoS 1 with
every acknowledgement awaited, and as in real time on the printers' own topics. CPU is that of
this process alone, so "printers at 1/s" is how many printers one core carries at one message
a second each.
"""

import argparse
import io
import platform
import time
from collections.abc import Callable
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from farm.model.broker_address import broker_address
from farm.model.times import HOUR_MS, SECOND_MS, parse_rfc3339
from simulators.feeders import Feeder, LiveFeeder, SimulatedTimeFeeder
from simulators.fleet import Fleet, SimulatedRun
from simulators.scenario import Scenario
from simulators.wire import Message
from tests.servers import mosquitto

_BEGIN_MS = parse_rfc3339("2026-01-05T06:00:00Z")
_WARM_UP_MS = HOUR_MS


class Nobody(Feeder):
    """Counts the messages and forgets them."""

    def __init__(self) -> None:
        self.sent = 0

    def deliver(self, at_ms: int, kept: bool, message: Message) -> None:
        self.sent += 1

    def pump(self) -> None:
        """Nothing waits."""

    def finish(self) -> None:
        """Nothing is to come."""


class Gate:
    """Lets nothing through while the farm warms up, and then everything."""

    def __init__(self) -> None:
        self.feeder: Feeder = Nobody()

    def deliver(self, at_ms: int, kept: bool, message: Message) -> None:
        self.feeder.deliver(at_ms, kept, message)


def busy_farm(printers: int, gate: Gate) -> Fleet:
    """A farm in the middle of the morning, most of it printing, that reports every second."""
    scenario = Scenario.model_validate(
        {"farm": {"printers": printers, "report_seconds": 3600}, "jobs": {"minutes": [120, 600]}}
    )
    run = SimulatedRun(
        scenario=scenario, faults=frozenset(), from_ms=_BEGIN_MS, to_ms=_BEGIN_MS + 12 * HOUR_MS
    )
    fleet = Fleet(run, gate.deliver, io.BytesIO())
    fleet.run_until(_BEGIN_MS + _WARM_UP_MS)
    for station in fleet.stations:
        station.front.report_every(SECOND_MS)
    fleet.run_until(_BEGIN_MS + _WARM_UP_MS + 2 * SECOND_MS)
    return fleet


class Reached(NamedTuple):
    """Messages, and the seconds they took."""

    messages: int
    wall_s: float
    cpu_s: float


def measure(fleet: Fleet, gate: Gate, feeder: Feeder, seconds: int) -> Reached:
    """Let so many seconds of the farm go through the feeder."""
    gate.feeder = feeder
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(seconds):
        fleet.run_until(fleet.agenda.now_ms + SECOND_MS)
        feeder.pump()
    feeder.finish()
    gate.feeder = Nobody()
    return Reached(feeder.sent, time.perf_counter() - wall, time.process_time() - cpu)


def main() -> None:
    """Print the figures reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--printers", type=int, default=10_000)
    parser.add_argument("--seconds", type=int, default=30)
    wanted = parser.parse_args()
    console = Console()
    gate = Gate()
    fleet = busy_farm(wanted.printers, gate)
    table = Table(title=f"{wanted.printers:,} printers report once a second, {platform.machine()}")
    for column in ("way", "messages/s (wall)", "CPU µs a message", "printers at 1/s"):
        table.add_column(column, justify="left" if column == "way" else "right")

    def row(way: str, feeder: Callable[[], Feeder]) -> None:
        reached = measure(fleet, gate, feeder(), wanted.seconds)
        each_us = reached.cpu_s / reached.messages * 1e6
        table.add_row(
            way, f"{reached.messages / reached.wall_s:,.0f}", f"{each_us:.1f}", f"{1e6 / each_us:,.0f}"
        )

    row("generation alone", Nobody)
    with mosquitto() as broker:
        address = broker_address(broker.url)
        row("through a broker, simulated time, QoS 1", lambda: SimulatedTimeFeeder(address, "bench", None))
        row("through a broker, as in real time", lambda: LiveFeeder(address, "bench-live"))
    console.print(table)


if __name__ == "__main__":
    main()
