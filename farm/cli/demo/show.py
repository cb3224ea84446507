"""The demo itself: everything started, told what happens, ended, summed up."""

import sys
import threading
import time
import webbrowser
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from farm.app.config import Configuration, load_configuration
from farm.app.parts import farm_parts, page_url
from farm.app.supervisor import LogStream, SupervisedPart, Supervisor
from farm.app.wiring import kpi_engine_of, ledger_of, now_of
from farm.cli.demo.kept_past import KeptPast
from farm.cli.demo.playback import Playback, PlayedPrinter, Recorded
from farm.cli.demo.receivers import MailStandIn, SlackStandIn
from farm.cli.demo.stage import (
    REPLAYED_KLIPPER,
    REPLAYED_OCTOPRINT,
    PageAddress,
    Ports,
    choose_ports,
    write_configuration,
)
from farm.kpi.catalogue import HEADLINES, indicator
from farm.kpi.subjects import Scope
from farm.ledger.job_filter import JobFilter
from farm.model.clock import system_clock

LOG_FILE = "demo.log"
_KPI_WINDOW = "1h"
_STYLES = {"Slack": "magenta", "mail": "blue"}


@dataclass(frozen=True)
class PastWish:
    """The folder in which the past is kept between demos, and whether it is to be made anew."""

    folder: Path
    fresh: bool = False


class _EndedEarly(Exception):
    """The demo is to end before its past is made."""


class Demo:
    """The demo farm in `folder`, which it leaves as it is at the end."""

    def __init__(
        self,
        folder: Path,
        console: Console,
        *,
        past: PastWish | None = None,
        page: PageAddress | None = None,
        verbose: bool = False,
    ) -> None:
        """`past` says how the weeks before are had; None for a farm that begins with the demo.

        `page` says where the page listens; None for this machine only.
        """
        address = page or PageAddress()
        self._console = console
        self._past = past
        self._verbose = verbose
        self._arrivals: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._ports: Ports = choose_ports(address.port)
        self._token = address.token
        self._log = folder / LOG_FILE
        file = write_configuration(folder, self._ports, address)
        self._configuration: Configuration = load_configuration(config=file, data=folder, environment={})

    @property
    def page(self) -> str:
        """Where others reach the page, else where it is; with a past it opens on thirty days."""
        page = self._configuration.alerts.public_url or page_url(self._configuration)
        return page if self._past is None else f"{page}/?window=30d"

    def run(self, stop: threading.Event, seconds: float | None, *, open_page: bool = False) -> int:
        """Run until `stop` is set or the seconds are over; gives the exit status.

        `open_page` opens the page in a browser as soon as it answers.
        """
        try:
            self._begin_with_past(stop)
        except _EndedEarly:
            return 0
        began, began_ms = time.monotonic(), system_clock()
        with ExitStack() as stack:
            stack.enter_context(self._receivers())
            supervisor = Supervisor(self._parts(), self._log_stream(stack))
            with self._console.status("Starting broker, collector, evaluator and API …"):
                supervisor.start(stop)
            if stop.is_set():
                return supervisor.keep(stop)
            self._welcome(seconds)
            if open_page:
                webbrowser.open(self.page)
            playback = stack.enter_context(self._playback(stop))
            if seconds is not None:
                _set_after(stop, seconds - (time.monotonic() - began))
            status = supervisor.keep(stop)
            playback.join()
        self._sum_up(time.monotonic() - began, began_ms)
        return status

    def _begin_with_past(self, stop: threading.Event) -> None:
        """Fill a ledger that is not there yet with the past, and show how far that is.

        Raises _EndedEarly when `stop` is set meanwhile.
        """
        target = self._configuration.data.path / "ledger.db"
        if self._past is None or target.exists():
            return
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self._console) as bar:
            task = bar.add_task("The farm's past four weeks", total=1.0)

            def show(share: float) -> None:
                if stop.is_set():
                    raise _EndedEarly
                bar.update(task, completed=share)

            KeptPast(self._past.folder).provide(
                self._configuration,
                target,
                system_clock,
                fresh=self._past.fresh,
                progress=show,
            )
            bar.update(task, completed=1.0)

    @contextmanager
    def _receivers(self) -> Iterator[None]:
        slack, mail = SlackStandIn(self._ports.slack, self._tell), MailStandIn(self._ports.mail, self._tell)
        slack.start()
        try:
            mail.start()
            yield
            mail.stop()
        finally:
            slack.stop()

    def _log_stream(self, stack: ExitStack) -> LogStream:
        """The parts' logs: on the screen when asked for, else in a file."""
        if self._verbose:
            return LogStream(sys.stderr, len("collector"))
        return LogStream(stack.enter_context(self._log.open("w", encoding="utf-8")), len("collector"))

    def _parts(self) -> list[SupervisedPart]:
        """The parts of any farm, and a simulated one that feeds them."""
        parts = farm_parts(self._configuration, verbose=self._verbose)
        at = self._configuration.broker.address
        url = f"mqtt://{at.user}:{at.password}@{at.host}:{at.port}"
        simulate = ["simulate", "--scenario", "demo", "--broker", url]
        command = [sys.executable, "-P", "-m", "farm.cli", *simulate]
        return [*parts, SupervisedPart("printers", command)]

    @contextmanager
    def _playback(self, stop: threading.Event) -> Iterator[Playback]:
        with as_file(files("simulators") / "recordings") as folder:
            playback = Playback(
                self._configuration.broker,
                [
                    PlayedPrinter(
                        f"octoPrint/{REPLAYED_OCTOPRINT}",
                        (
                            Recorded(folder / "octoprint_three_failures.mqtt.jsonl", "farm/bay2/octoprint"),
                            Recorded(folder / "octoprint_success.mqtt.jsonl", "octoPrint"),
                        ),
                        hurried=True,
                    ),
                    PlayedPrinter(
                        REPLAYED_KLIPPER,
                        (Recorded(folder / "moonraker_success.mqtt.jsonl", "garage-ender3"),),
                        hurried=False,
                    ),
                ],
            )
            playback.start(stop)
            yield playback

    def _tell(self, receiver: str, text: str) -> None:
        """Show a message that a stand-in has taken."""
        with self._lock:
            self._arrivals[receiver] += 1
            style = _STYLES.get(receiver, "")
            self._console.print(
                Panel(Text(text), title=f"{receiver} received", title_align="left", border_style=style)
            )

    def _welcome(self, seconds: float | None) -> None:
        rows = [
            ("Page", self.page),
            *([] if self._token is None else [("Token", self._token)]),
            ("Broker", f"127.0.0.1:{self._ports.broker}"),
            ("Slack", f"a stand-in on 127.0.0.1:{self._ports.slack}"),
            ("Mail", f"a stand-in on 127.0.0.1:{self._ports.mail}"),
            ("Log", "on this screen" if self._verbose else str(self._log)),
            ("Ends", "with Ctrl-C" if seconds is None else f"after {seconds:g} s or with Ctrl-C"),
        ]
        grid = Table.grid(padding=(0, 2))
        for name, value in rows:
            grid.add_row(Text(name, style="bold"), Text(value))
        self._console.print(
            Panel(grid, title="Layerline demo", title_align="left", border_style="cyan", expand=False)
        )
        self._console.print(
            f"{REPLAYED_OCTOPRINT} plays real recordings: three prints fail in a row, the next one succeeds. "
            "Watch for the alert here and on the page in about a minute and a half, and for its end."
        )

    def _sum_up(self, took_s: float, since_ms: int) -> None:
        with ledger_of(self._configuration) as ledger:
            jobs = ledger.jobs(JobFilter(limit=10_000, since_ms=since_ms)).jobs
            printers = len(ledger.printers())
            engine, now_ms = kpi_engine_of(self._configuration, ledger), now_of(ledger)
            window = engine.window(_KPI_WINDOW, now_ms)
            figures = engine.evaluate(HEADLINES, window, Scope.FARM, now_ms)
        outcomes = Counter(job.outcome.value if job.outcome else "under way" for job in jobs)
        counted = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items())) or "none"
        told = ", ".join(f"{self._arrivals[name]} by {name}" for name in _STYLES)
        self._console.print(f"\nAfter {took_s:.0f} s: {printers} printers, {len(jobs)} jobs ({counted}).")
        shown = ", ".join(f"{indicator(figure.id).name.lower()} {figure.shown}" for figure in figures)
        self._console.print(f"The last hour: {shown}.")
        self._console.print(f"Messages delivered: {told}.")


def _set_after(stop: threading.Event, seconds: float) -> None:
    timer = threading.Timer(max(seconds, 0.0), stop.set)
    timer.daemon = True
    timer.start()
