"""How soon a failed print is told, and how a flood of alerts is.

`python -m tests.bench.bench_alerts [--samples 60] [--printers 1000] [--flood 10000]`
    A real `layerline evaluator` with 20 rules over a ledger of so many printers with 60 prints each, and a
    stand-in for Slack. First, printers fail their third print in a row, fewer than 20 a minute (beyond that
    messages are told together): from the end of the commit to the request at the stand-in. Then as many
    printers as `--flood` says are cut off at once: how many requests tell of it, and when the last one came.
"""

import argparse
import json
import os
import platform
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress, track
from rich.table import Table

from farm.ledger.alert_store import AlertStore
from farm.ledger.batch import Batch
from farm.ledger.ledger import Ledger, open_ledger
from farm.model.alert import EVALUATOR, DeliveryState
from farm.model.clock import system_clock
from farm.model.feed import FeedEntry, FeedKind
from farm.model.job import Job, job_id
from farm.model.printer import Printer
from farm.model.span import Span
from farm.model.states import Cause, Outcome, PrinterState
from farm.model.times import HOUR_MS, MINUTE_MS
from tests.unit.alerts.receivers import HttpReceiver, http_receiver

PRINTS = 60
PAUSE_S = 3.2
"""Between two failures: fewer than 20 a minute."""
SETTLE_S = 10
"""For the first look at all printers."""


def rules() -> str:
    """Twenty rules: one about streaks that fires, and nineteen of all kinds beside it."""
    kinds = (
        "failed_of_last",
        "unknown_outcomes",
        "printer_offline",
        "printer_error",
        "print_paused",
        "print_stalled",
        "over_estimate",
        "bed_not_cleared",
    )
    texts = ['[[alerts.rules]]\nkind = "failed_streak"\n']
    for number in range(19):
        kind = kinds[number % len(kinds)]
        more = "count = 50\nof_last = 60\n" if kind in kinds[:2] else ""
        name = kind if number < len(kinds) else f"{kind} {number}"
        here = "" if number < len(kinds) else 'groups = ["another hall"]\n'
        texts.append(f'[[alerts.rules]]\nkind = "{kind}"\nname = "{name}"\n{more}{here}')
    return "\n".join(texts)


def printer(number: int, now_ms: int) -> Printer:
    return Printer(
        id=f"{number:036d}", site="main", name=f"p{number:05d}", adapter="moonraker",
        first_seen_ms=now_ms - 100 * HOUR_MS,
    )  # fmt: skip


def ended(printer_id: str, number: int, outcome: Outcome, ended_ms: int) -> Job:
    return Job(
        id=job_id(printer_id, str(number)),
        printer_id=printer_id,
        file=f"part-{number}.gcode",
        started_ms=ended_ms - HOUR_MS // 2,
        ended_ms=ended_ms,
        outcome=outcome,
        cause=Cause.THERMAL if outcome is Outcome.FAILED else None,
        printing_ms=HOUR_MS // 2,
    )


class Shop:
    """The ledger as a collector books it."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        ledger.claim("bench", "bench", simulated=False, now_ms=system_clock())

    def commit(self, batch: Batch) -> None:
        batch.booked_until_ms = system_clock()
        self.ledger.commit(batch)

    def fill(self, first: int, count: int, prints: int) -> None:
        """Printers at rest; their last two prints failed, all before succeeded."""
        now_ms = system_clock()
        for number in track(range(first, first + count), description="filling", transient=True):
            each = printer(number, now_ms)
            jobs = [
                ended(
                    each.id,
                    place,
                    Outcome.FAILED if place >= prints - 2 else Outcome.SUCCEEDED,
                    now_ms - (prints - place + 2) * HOUR_MS,
                )
                for place in range(prints)
            ]
            span = Span(each.id, PrinterState.IDLE, now_ms - HOUR_MS, None)
            self.commit(Batch(printers=[each], jobs=jobs, spans=[span]))

    def fails(self, number: int) -> None:
        now_ms = system_clock()
        job = ended(f"{number:036d}", PRINTS, Outcome.FAILED, now_ms)
        entry = FeedEntry(kind=FeedKind.JOB_ENDED, at_ms=now_ms, printer_id=job.printer_id, job_id=job.id)
        self.commit(Batch(jobs=[job], feed=[entry]))

    def goes_down(self, count: int) -> None:
        """All of them are cut off, and have been for longer than the rule asks."""
        at_ms = system_clock() - 5 * MINUTE_MS
        ids = [f"{number:036d}" for number in range(count)]
        spans = [Span(each, PrinterState.OFFLINE, at_ms, None, "link") for each in ids]
        feed = [FeedEntry(kind=FeedKind.STATE_CHANGED, at_ms=at_ms, printer_id=each) for each in ids]
        cuts = [(each, at_ms) for each in ids]
        self.commit(Batch(cuts=cuts, spans=spans, feed=feed))


@contextmanager
def evaluator(folder: Path, slack: HttpReceiver) -> Iterator[subprocess.Popen[bytes]]:
    """A real evaluator process over the ledger in the folder."""
    config = folder / "layerline.toml"
    receiver = f'[[alerts.receivers]]\nkind = "slack"\nwebhook_url = "{slack.url}"\n'
    config.write_text(f'[ledger]\nurl = "sqlite:///{folder}/ledger.db"\n\n{rules()}\n{receiver}')
    command = [sys.executable, "-m", "farm.cli", "evaluator", "-c", str(config), "--data", str(folder)]
    with (folder / "evaluator.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def wait_until_watching(ledger: Ledger, folder: Path) -> None:
    """The evaluator has looked at everything once: it says so, and moves its bookmark."""
    store, end = AlertStore(ledger.engine), time.monotonic() + 120
    seen = store.bookmark(EVALUATOR)
    while "alerting slack" not in (folder / "evaluator.log").read_text("utf-8"):
        if time.monotonic() > end:
            raise SystemExit("the evaluator did not start within two minutes")
        time.sleep(0.1)
    while seen is None and store.bookmark(EVALUATOR) is None:
        time.sleep(0.1)
    time.sleep(SETTLE_S)


def wait_for(slack: HttpReceiver, count: int, limit_s: float) -> bool:
    end = time.monotonic() + limit_s
    while len(slack.requests) < count:
        if time.monotonic() > end:
            return False
        time.sleep(0.001)
    return True


def latencies(shop: Shop, slack: HttpReceiver, samples: int) -> list[float]:
    """Milliseconds from the end of the commit to the request, of each failed print."""
    found = []
    with Progress(transient=True) as progress:
        task = progress.add_task("failed prints", total=samples)
        for number in range(samples):
            before = len(slack.requests)
            shop.fails(number)
            booked = time.monotonic()
            if not wait_for(slack, before + 1, 30):
                raise SystemExit("no message came within 30 s")
            found.append(1_000 * (time.monotonic() - booked))
            shop.commit(Batch())
            time.sleep(max(0.0, PAUSE_S - (time.monotonic() - booked)))
            progress.advance(task)
    return found


def flood(shop: Shop, slack: HttpReceiver, count: int) -> tuple[float, int]:
    """Seconds until everybody is told, and how many requests it took."""
    store, before = AlertStore(shop.ledger.engine), len(slack.requests)
    known = {total.state: total.count for total in store.totals()}
    wanted = known.get(DeliveryState.DELIVERED, 0) + count
    begun = time.monotonic()
    shop.goes_down(count)
    while time.monotonic() - begun < 300:
        shop.commit(Batch())
        totals = {total.state: total.count for total in store.totals()}
        if totals.get(DeliveryState.DELIVERED, 0) >= wanted:
            break
        time.sleep(0.5)
    else:
        raise SystemExit(f"not all were told within 300 s: {totals}")
    return time.monotonic() - begun, len(slack.requests) - before


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_alerts", description=__doc__)
    parser.add_argument("--samples", type=int, default=60)
    parser.add_argument("--printers", type=int, default=1_000)
    parser.add_argument("--flood", type=int, default=10_000)
    asked = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory() as name, http_receiver() as slack:
        folder = Path(name)
        with open_ledger(f"sqlite:///{folder}/ledger.db") as ledger:
            shop = Shop(ledger)
            shop.fill(0, asked.printers, PRINTS)
            with evaluator(folder, slack) as process:
                wait_until_watching(ledger, folder)
                told = latencies(shop, slack, asked.samples)
                at_rest = _cpu_s(process.pid)
                time.sleep(10)
                at_rest = _cpu_s(process.pid) - at_rest
            shop.fill(asked.printers, max(0, asked.flood - asked.printers), 2)
            with evaluator(folder, slack) as process:
                wait_until_watching(ledger, folder)
                seconds, requests = flood(shop, slack, asked.flood)
                memory = _memory_mb(process.pid)
    table = Table(title=f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for column in ("what", "figure"):
        table.add_column(column)
    told.sort()
    rows: dict[str, Any] = {
        "failed print to request, median": f"{statistics.median(told):.0f} ms",
        "failed print to request, slowest of all": f"{told[-1]:.0f} ms",
        "CPU of the evaluator in 10 s at rest": f"{at_rest:.2f} s",
        f"{asked.flood:,} printers cut off at once: all told after": f"{seconds:.1f} s",
        "requests that tell it": requests,
        "memory of the evaluator then": f"{memory:.0f} MB",
    }
    for what, figure in rows.items():
        table.add_row(what, str(figure))
    console.print(table)
    console.print_json(json.dumps({"latencies_ms": [round(each) for each in told]}))
    return 0


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text("utf-8").split()[1])
    return pages * resource.getpagesize() / 1_000_000


if __name__ == "__main__":
    sys.exit(main())
