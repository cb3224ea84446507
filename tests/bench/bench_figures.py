"""Figures of a ledger of two years: over HTTP, in process, from rows, from the kept file, after changes.

`python -m tests.bench.bench_figures [--printers 1000] [--rounds 40] [--cache FOLDER] [--only sqlite]`

The ledger (1,000 printers in 20 groups, 1,000,000 jobs, 2,000,000 spans) is made once and kept in the cache
folder, on PostgreSQL anew each time. No question is asked twice, so nothing is answered from what an
earlier one left. CPU is that of the process that answers.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from sqlalchemy import insert, update

from farm.figures.engine import KpiEngine
from farm.figures.keeping import Keeping
from farm.figures.read_model import ReadModel
from farm.kpi.periods import Period
from farm.kpi.subjects import Scope
from farm.kpi.windows import Window
from farm.ledger import schema
from farm.ledger.feed_log import append_feed
from farm.ledger.figure_rows import FigureRows
from farm.ledger.ledger import Ledger, open_ledger
from farm.model.feed import FeedEntry, FeedKind
from farm.model.times import DAY_MS, MINUTE_MS, SECOND_MS, rfc3339
from farm.settings import SiteSettings
from tests.bench.figures_ledger import (
    END,
    JOBS_EACH,
    START,
    ended,
    job_id,
    kept,
    made,
    printer_id,
)
from tests.private_postgresql import private_postgresql
from tests.servers import free_port

LAYERLINE = str(Path(sys.executable).with_name("layerline"))
_TICKS = os.sysconf("SC_CLK_TCK")
_PATIENCE_S = 600.0

_FIRST = "farm, every indicator, 30 days"
_ONE = "&name=utilization"
_RATE = "&name=print_success_rate"
_SERIES = "/kpis/utilization/series?period=day"
_WORKING = "/kpis/print_success_rate/working?limit=100"
QUESTIONS: dict[str, tuple[str, int]] = {
    "farm, every indicator, 30 days": ("/kpis?by=farm", 30),
    "farm, every indicator, two years": ("/kpis?by=farm", 729),
    "by group, 30 days": (f"/kpis?by=group{_ONE}", 30),
    "by group, two years": (f"/kpis?by=group{_ONE}", 729),
    "by printer, 30 days": (f"/kpis?by=printer{_ONE}", 30),
    "by file, 30 days": (f"/kpis?by=file{_RATE}", 30),
    "by file, two years": (f"/kpis?by=file{_RATE}", 729),
    "by material, two years": (f"/kpis?by=material{_RATE}", 729),
    "by operator, two years": (f"/kpis?by=operator{_RATE}", 729),
    "by cause, two years": ("/kpis?by=cause&name=failures_by_cause", 729),
    "by hour of the day, two years": (f"/kpis?by=hour{_RATE}", 729),
    "by model, 30 days": (f"/kpis?by=model{_ONE}", 30),
    "by file and material, 30 days": (f"/kpis?by=file,material{_RATE}", 30),
    "what fails too often, two years": ("/causes", 729),
    "one printer, every indicator, 30 days": ("/kpis?by=printer&printer=p0007", 30),
    "series of 30 days, farm": (f"{_SERIES}&by=farm", 30),
    "series of 400 days, farm": (f"{_SERIES}&by=farm", 400),
    "series of 400 days, by group": (f"{_SERIES}&by=group", 400),
    "series of 400 days, one printer": (f"{_SERIES}&by=printer&printer=p0007", 400),
    "every indicator by group, 30 days": ("/kpis?by=group", 30),
    "success rate by printer, 400 days by month": (
        "/kpis/print_success_rate/series?period=month&by=printer",
        400,
    ),
    "material waste, series of 400 days, by group": (
        "/kpis/material_waste/series?period=day&by=group",
        400,
    ),
    "working of the farm's utilization, 30 days": ("/kpis/utilization/working?by=farm", 30),
    "working of the farm's success rate, two years": ("/kpis/print_success_rate/working?by=farm", 729),
    "working of one file, two years": (f"{_WORKING}&by=file&scope_id=file-7.gcode", 729),
    "working of one hour of the day, two years": (f"{_WORKING}&by=hour&scope_id=7", 729),
    "all printers as they stand": ("/printers", 0),
}
"""The path, and how many days its window has."""


class Times:
    """Seconds of wall and of CPU that some answers took."""

    def __init__(self) -> None:
        self.wall: list[float] = []
        self.cpu: list[float] = []

    def add(self, wall: float, cpu: float) -> None:
        """One more."""
        self.wall.append(wall)
        self.cpu.append(cpu)

    def cells(self) -> list[str]:
        """First, p50, p99, max and mean CPU of all but the first, in milliseconds."""
        rest = sorted(self.wall[1:])
        p99 = rest[min(len(rest) - 1, round(0.99 * len(rest)))]
        shown = self.wall[0], statistics.median(rest), p99, rest[-1], statistics.mean(self.cpu[1:])
        return [f"{1000 * each:.1f}" for each in shown]


class Api:
    """A running `layerline api`."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        self._pid = process.pid
        self._connection = HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_S)

    def get(self, path: str) -> bytes:
        """What it answers. Raises OSError where it does not listen."""
        self._connection.request("GET", f"/api/v1{path}")
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{path}: {answer.status} {body[:300]!r}")
        return body

    def first(self, path: str) -> bytes:
        """What it answers as soon as it listens."""
        until = time.monotonic() + _PATIENCE_S
        while time.monotonic() < until:
            with suppress(ConnectionError):
                return self.get(path)
            self._connection.close()
            time.sleep(0.02)
        raise SystemExit("the API does not listen")

    def cpu_s(self) -> float:
        """CPU that it took until now."""
        fields = Path(f"/proc/{self._pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory_mb(self) -> tuple[float, float]:
        """What it holds, and the most it ever held."""
        lines = dict(
            line.split(":", 1) for line in Path(f"/proc/{self._pid}/status").read_text().splitlines()
        )
        return int(lines["VmRSS"].split()[0]) / 1024, int(lines["VmHWM"].split()[0]) / 1024


@contextmanager
def api(url: str, data: Path) -> Iterator[Api]:
    """The API over the ledger."""
    port = free_port()
    command = [LAYERLINE, "api", "--database", url, "--data", str(data), "--port", str(port)]
    with (data.parent / "api.log").open("ab") as log, subprocess.Popen(command, stderr=log) as process:
        try:
            yield Api(process, port)
        finally:
            process.terminate()


def asked(question: str, number: int) -> str:
    """The question, over a window that none of the others has."""
    path, days = QUESTIONS[question]
    if not days:
        return path
    end = END - number * 17 * SECOND_MS
    start = end - days * DAY_MS + number * MINUTE_MS
    return f"{path}{'&' if '?' in path else '?'}window={rfc3339(start)}..{rfc3339(end)}"


def over_http(served: Api, rounds: int) -> dict[str, Times]:
    """What each question took."""
    found: dict[str, Times] = {}
    for question in QUESTIONS:
        times = found[question] = Times()
        for number in range(rounds + 1):
            path, cpu, wall = asked(question, number), served.cpu_s(), time.perf_counter()
            served.get(path)
            times.add(time.perf_counter() - wall, served.cpu_s() - cpu)
    return found


def started(url: str, data: Path, console: Console, how: str) -> bytes:
    """Start the API, ask for the first figure, and say what it took; gives the figure."""
    began = time.perf_counter()
    with api(url, data) as served:
        figure = served.first(asked(_FIRST, 0))
        wall, cpu = time.perf_counter() - began, served.cpu_s()
        now, most = served.memory_mb()
    console.print(
        f"start to the first figure {how}: {wall:.2f} s, CPU {cpu:.2f} s; {now:.0f} MB, at most {most:.0f} MB"
    )
    return figure


def timed(work: Callable[[int], object], rounds: int) -> Times:
    """What the work took in this thread."""
    times = Times()
    for number in range(rounds + 1):
        cpu, wall = time.thread_time(), time.perf_counter()
        work(number)
        times.add(time.perf_counter() - wall, time.thread_time() - cpu)
    return times


def in_process(engine: KpiEngine, rounds: int) -> dict[str, Times]:
    """The same figures without HTTP and JSON."""

    def window(days: int, number: int) -> Window:
        return Window("", END - days * DAY_MS + number * MINUTE_MS, END - number * 17 * SECOND_MS)

    def figures(days: int, by: Scope, kpis: list[str] | None) -> Callable[[int], object]:
        return lambda number: engine.evaluate(kpis, window(days, number), by, END)

    def rates(days: int, *by: Scope) -> Callable[[int], object]:
        return lambda number: engine.evaluate(["print_success_rate"], window(days, number), by, END)

    def series(days: int, by: Scope) -> Callable[[int], object]:
        return lambda number: engine.series(["utilization"], window(days, number), by, END, period=Period.DAY)

    questions = {
        "farm, every indicator, 30 days": figures(30, Scope.FARM, None),
        "farm, every indicator, two years": figures(729, Scope.FARM, None),
        "by group, 30 days": figures(30, Scope.GROUP, ["utilization"]),
        "by printer, 30 days": figures(30, Scope.PRINTER, ["utilization"]),
        "by file, 30 days": rates(30, Scope.FILE),
        "by file, two years": rates(729, Scope.FILE),
        "by material, two years": rates(729, Scope.MATERIAL),
        "by operator, two years": rates(729, Scope.OPERATOR),
        "by cause, two years": rates(729, Scope.CAUSE),
        "by hour of the day, two years": rates(729, Scope.HOUR),
        "by file and material, 30 days": rates(30, Scope.FILE, Scope.MATERIAL),
        "what fails too often, two years": lambda number: engine.causes(window(729, number), END),
        "series of 30 days, farm": series(30, Scope.FARM),
        "series of 400 days, farm": series(400, Scope.FARM),
        "series of 400 days, by group": series(400, Scope.GROUP),
    }
    return {name: timed(work, rounds) for name, work in questions.items()}


def change(ledger: Ledger, printers: range, number: int) -> None:
    """A print of each of the printers ends, and the feed says so."""
    at_ms = END - DAY_MS + number * SECOND_MS
    job = schema.job.c
    with ledger.engine.begin() as connection:
        for printer in printers:
            of_printer = job.id == job_id(printer, JOBS_EACH - 1)
            connection.execute(update(schema.job).where(of_printer).values(ended_ms=at_ms))
            gap = {"printer_id": printer_id(printer), "source": "observed", "state": "paused"}
            connection.execute(insert(schema.span), gap | {"from_ms": at_ms, "to_ms": at_ms + 1})
        append_feed(connection, [ended(printer, JOBS_EACH - 1, at_ms) for printer in printers])


def revise(ledger: Ledger, printer: int) -> None:
    """A year ago it was another state and another outcome, as became known now."""
    middle, span, job = (START + END) // 2, schema.span.c, schema.job.c
    with ledger.engine.begin() as connection:
        of_printer = (span.printer_id == printer_id(printer)) & (span.from_ms > middle)
        lasting = of_printer & (span.from_ms < middle + DAY_MS)
        connection.execute(update(schema.span).where(lasting).values(state="maintenance"))
        revised = job_id(printer, JOBS_EACH // 2)
        connection.execute(update(schema.job).where(job.id == revised).values(outcome="failed"))
        whose = printer_id(printer)
        entries = [
            FeedEntry(kind=FeedKind.SPANS_REVISED, at_ms=END, printer_id=whose, body={"from_ms": middle}),
            FeedEntry(kind=FeedKind.JOB_REVISED, at_ms=END, printer_id=whose, job_id=revised),
        ]
        append_feed(connection, entries)


def changes(ledger: Ledger, engine: KpiEngine, printers: int, rounds: int) -> dict[str, Times]:
    """What the farm's figures cost right after something was booked."""

    def asking(booking: Callable[[int], None]) -> Times:
        times = Times()
        for number in range(rounds + 1):
            booking(number)
            window = Window("", END - 30 * DAY_MS, END - number)
            cpu, wall = time.thread_time(), time.perf_counter()
            engine.evaluate(None, window, Scope.FARM, END)
            times.add(time.perf_counter() - wall, time.thread_time() - cpu)
        return times

    def one(number: int) -> None:
        change(ledger, range(number % printers, number % printers + 1), number)

    def every(number: int) -> None:
        change(ledger, range(printers), rounds + 1 + number)

    def long_ago(number: int) -> None:
        revise(ledger, number % printers)

    return {
        "after one event": asking(one),
        f"after {printers:,} events": asking(every),
        "after a revision a year back": asking(long_ago),
    }


def show(console: Console, title: str, found: dict[str, Times]) -> None:
    """The times as a table."""
    table = Table("ms", "first", "p50", "p99", "most", "CPU", title=title)
    for name, times in found.items():
        table.add_row(name, *times.cells())
    console.print(table)


def run(url: str, folder: Path, wanted: argparse.Namespace, console: Console) -> None:
    """Every measurement on one ledger, which is changed at the end."""
    data = folder / "data"
    data.mkdir()
    anew = started(url, data, console, "from rows")
    again = started(url, data, console, "from the kept file")
    if anew[anew.index(b"items") :] != again[again.index(b"items") :]:
        raise SystemExit("the kept model gives other figures than the rows")
    with api(url, data) as served:
        served.first(asked(_FIRST, 0))
        show(console, "over HTTP", over_http(served, wanted.rounds))
        console.print("the API after all that: {:.0f} MB, at most {:.0f} MB".format(*served.memory_mb()))
    with open_ledger(url, create=False) as ledger:
        before = _memory_mb()
        model = ReadModel(FigureRows(ledger.engine), Keeping(data / "figures.npz"))
        engine = KpiEngine(model, SiteSettings())
        with model.current():
            columns: list[NDArray[Any]] = [*model.history.columns, *model.jobs.columns.rows]
            arrays = sum(column.nbytes for column in columns)
        show(console, "in process", in_process(engine, wanted.rounds))
        console.print(f"columns {arrays / 2**20:.0f} MB, the process grew by {_memory_mb() - before:.0f} MB")
        show(console, "in process, what came new", changes(ledger, engine, wanted.printers, 10))


def _memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def on_sqlite(wanted: argparse.Namespace, console: Console) -> None:
    """On a copy of the kept ledger."""
    file = kept(wanted.cache, wanted.printers)
    with tempfile.TemporaryDirectory(prefix="layerline-figures-") as folder:
        copy = Path(folder) / "ledger.db"
        shutil.copyfile(file, copy)
        run(f"sqlite:///{copy}", Path(folder), wanted, console)


def on_postgresql(wanted: argparse.Namespace, console: Console) -> None:
    """On a server of our own, where PostgreSQL is installed."""
    try:
        with (
            private_postgresql() as server,
            tempfile.TemporaryDirectory(prefix="layerline-figures-") as folder,
        ):
            server.start()
            made(server.url, wanted.printers)
            run(server.url, Path(folder), wanted, console)
    except pytest.skip.Exception as missing:
        console.print(str(missing))


def main() -> int:
    """Run it with the figures of the command line."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "layerline-bench"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--printers", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--cache", type=Path, default=cache)
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    wanted = parser.parse_args()
    console = Console()
    for name, measure in (("sqlite", on_sqlite), ("postgresql", on_postgresql)):
        if wanted.only in (None, name):
            console.print(f"{name}; load {os.getloadavg()[0]:.1f}")
            measure(wanted, console)
            console.print(f"load {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
