"""A broker that is set back to an older queue in mid-drain, many times, against an undisturbed run.

`python -m tests.bench.hunt_older_queue [--runs 25] [--messages 100000] [--printers 200] [--kills 3]
[--window 2000] [--simulated-time]`

Each run queues the same stream for two sessions of a private Mosquitto. One is drained in
peace; while the other is drained the broker saves its queue and is killed 0.4 s later, so that
it comes back with that queue. Both ledgers must hold the same jobs, hours and evidence (in
simulated time the same of everything). Ends with status 1 where they differ.
"""

import argparse
import random
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console

from farm.ledger.ledger import open_ledger
from farm.model.broker_address import BrokerAddress
from farm.model.clock import system_clock
from farm.model.times import MINUTE_MS, SECOND_MS
from simulators.bulk_publisher import BulkPublisher
from tests.feeding import make_session
from tests.older_queue import (
    FILTERS,
    dense_stream,
    drain,
    everything_in,
    facts_in,
    in_simulated_time,
    meet,
    set_back,
)
from tests.servers import Mosquitto, mosquitto

_PATIENCE_S = 300


def run(broker: Mosquitto, folder: Path, chosen: argparse.Namespace, chance: random.Random) -> str:
    """One run; says what was seen, with `differs` in it where something does."""
    lasted_ms = chosen.messages // chosen.printers * SECOND_MS
    stream = dense_stream(chosen.messages, chosen.printers, system_clock() - lasted_ms - MINUTE_MS)
    met = 2 * chosen.printers
    peace, disturbed = folder / "peace.db", folder / "disturbed.db"
    if chosen.simulated_time:
        said = in_simulated_time(stream)
    else:
        meet(peace, stream[:met])
        shutil.copy(peace, disturbed)
        said = [(topic, payload) for _, topic, payload in stream[met:]]
    for database in (peace, disturbed):
        make_session(broker, database.stem, *(() if chosen.simulated_time else FILTERS))
    queue(broker, said)
    read = everything_in if chosen.simulated_time else facts_in
    drain(broker, peace, simulated=chosen.simulated_time).wait(_PATIENCE_S)
    with open_ledger(f"sqlite:///{peace}") as ledger:
        right = read(ledger)
    shares = sorted(chance.uniform(0.03, 0.7) for _ in range(chosen.kills))
    process = drain(broker, disturbed, simulated=chosen.simulated_time)
    kills = set_back(broker, disturbed, process, [round(len(right["evidence"]) * share) for share in shares])
    status = process.wait(_PATIENCE_S)
    with open_ledger(f"sqlite:///{disturbed}") as ledger:
        found = read(ledger)
    told = f"killed {kills} times, status {status}, {len(found['job'])} jobs of {len(right['job'])}"
    wrong = [f"{name} {different(right[name], found[name])}" for name in right if right[name] != found[name]]
    if wrong or status != 0:
        told += f", differs: {', '.join(wrong) or 'status'}"
        told += "\n" + disturbed.with_suffix(".log").read_text("utf-8", "replace")[-1000:]
    return told


def queue(broker: Mosquitto, said: list[tuple[str, bytes]]) -> None:
    """Leave it all waiting."""
    with BulkPublisher(BrokerAddress(broker.host, broker.port), "feeder") as feeder:
        for topic, payload in said:
            feeder.publish(topic, payload)
        feeder.finish()


def different(right: list[Any], found: list[Any]) -> str:
    """How many rows are missing, and how many too many."""
    wanted, there = Counter(right), Counter(found)
    return f"-{(wanted - there).total()} +{(there - wanted).total()}"


def main() -> int:
    """Hunt with the figures of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=25)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--printers", type=int, default=200)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--window", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--simulated-time", action="store_true")
    chosen = parser.parse_args()
    console, wrong = Console(highlight=False), 0
    chance = random.Random(chosen.seed)
    for number in range(1, chosen.runs + 1):
        with mosquitto(window=chosen.window) as broker, tempfile.TemporaryDirectory() as folder:
            told = run(broker, Path(folder), chosen, chance)
        wrong += "differs" in told
        console.print(f"run {number}: {told}")
    console.print(f"{wrong} of {chosen.runs} runs differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
