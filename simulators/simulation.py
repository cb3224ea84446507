"""One run of `layerline simulate`: from the wishes of the command line to the end of the run."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from farm.errors import ConfigurationError
from farm.model.broker_address import broker_address
from farm.model.clock import system_clock
from farm.model.times import DAY_MS, SECOND_MS, parse_rfc3339, rfc3339
from simulators.faults import parse_faults
from simulators.feeders import Feeder, LiveFeeder, RecordingFeeder, SimulatedTimeFeeder
from simulators.fleet import Fleet, SimulatedRun
from simulators.pacing import drive
from simulators.scenario import Scenario, load_scenario

_FIRST_DAY = "2026-01-05T00:00:00Z"
"""A Monday. Runs faster than real time begin there unless told otherwise, so that they repeat."""
_ENDLESS_DAYS = 36_500.0
_DAYS = 1.0
_LIVE_REPORT_SECONDS = 2.0
_LONG_RUN_DAYS = 2
_LONG_RUN_REPORT_SECONDS = 300.0


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks for; None leaves a figure to the scenario."""

    printers: int | None = None
    days: float | None = None
    seed: int | None = None
    faults: str = "none"
    speed: str = "1"
    broker: str = "mqtt://127.0.0.1:1883"
    truth: Path | None = None
    scenario: str | None = None
    start: str | None = None
    report_seconds: float | None = None
    rate: float | None = None
    recording: Path | None = None

    @property
    def factor(self) -> float | None:
        """How much faster than real time; None for as fast as possible.

        Raises ConfigurationError when the speed is no such thing.
        """
        if self.speed == "max":
            return None
        try:
            factor = float(self.speed)
        except ValueError:
            factor = 0.0
        if not 1 <= factor < float("inf"):
            raise ConfigurationError(f"--speed {self.speed!r}: must be 1, a factor above 1, or max")
        return factor

    @property
    def live(self) -> bool:
        """Whether the run is in real time."""
        return self.factor == 1


def adjusted(scenario: Scenario, wish: Wish) -> Scenario:
    """The scenario with the figures of the command line in it."""
    farm = {"printers": wish.printers, "report_seconds": _report_seconds(scenario, wish)}
    told = scenario.model_dump()
    told["farm"] |= {key: value for key, value in farm.items() if value is not None}
    if wish.seed is not None:
        told["seed"] = wish.seed
    if wish.printers is not None:
        told["printers"] = told["printers"][: wish.printers]
    return Scenario.model_validate(told)


def _report_seconds(scenario: Scenario, wish: Wish) -> float:
    """How often printers report: seldom in long runs, so that months fit into minutes."""
    if wish.report_seconds is not None:
        return wish.report_seconds
    if wish.live:
        return min(scenario.farm.report_seconds, _LIVE_REPORT_SECONDS)
    is_long = (wish.days or _DAYS) > _LONG_RUN_DAYS
    if is_long and "report_seconds" not in scenario.farm.model_fields_set:
        return _LONG_RUN_REPORT_SECONDS
    return scenario.farm.report_seconds


def planned(wish: Wish, now_ms: int) -> SimulatedRun:
    """The run that is asked for. Raises ConfigurationError when it makes no sense."""
    if wish.live:
        if wish.start is not None:
            raise ConfigurationError("--start: a run in real time begins now; give --speed above 1 as well")
        start_ms = now_ms
    else:
        start_ms = _instant(wish.start or _FIRST_DAY)
    days = wish.days or (_ENDLESS_DAYS if wish.live else _DAYS)
    return SimulatedRun(
        scenario=adjusted(load_scenario(wish.scenario), wish),
        faults=parse_faults(wish.faults),
        from_ms=start_ms,
        to_ms=start_ms + round(days * DAY_MS),
    )


def _instant(text: str) -> int:
    try:
        return parse_rfc3339(text)
    except ValueError as error:
        raise ConfigurationError(f"--start: {error}") from error


def _feeder(wish: Wish, stack: ExitStack) -> Feeder:
    if wish.recording is not None:
        return RecordingFeeder(stack.enter_context(wish.recording.open("wb")))
    try:
        address = broker_address(wish.broker)
    except ValueError as error:
        raise ConfigurationError(f"--broker: {error}") from error
    client_id = f"layerline-simulation-{os.getpid()}"
    if wish.live:
        return LiveFeeder(address, client_id)
    return SimulatedTimeFeeder(address, client_id, wish.rate)


def _truth_file(wish: Wish, stack: ExitStack) -> IO[bytes]:
    path = wish.truth or Path(os.devnull)
    try:
        return stack.enter_context(path.open("wb"))
    except OSError as error:
        raise ConfigurationError(f"--truth {str(path)!r}: {error.strerror}") from error


@contextmanager
def _stopped_by_signals() -> Iterator[list[int]]:
    """The signals that came meanwhile; they end the run in order."""
    came: list[int] = []
    kinds = (signal.SIGINT, signal.SIGTERM)
    former = {kind: signal.signal(kind, lambda number, _frame: came.append(number)) for kind in kinds}
    try:
        yield came
    finally:
        for kind, handler in former.items():
            signal.signal(kind, handler)


def run_simulation(wish: Wish) -> None:
    """Run it, with a progress bar, and say at the end what it was.

    Raises ConfigurationError for a wish that makes no sense and BrokerUnreachable or
    BrokerRefused for a broker that cannot be used.
    """
    console = Console(stderr=True, highlight=False)
    run = planned(wish, system_clock())
    began = time.monotonic()
    with ExitStack() as stack:
        feeder = _feeder(wish, stack)
        fleet = Fleet(run, feeder.deliver, _truth_file(wish, stack))
        if isinstance(feeder, LiveFeeder):
            feeder.hear({topic: front.answer for topic, front in fleet.questions.items()})
        console.print("\n".join(["Read by:", *(f"  --source '{source}'" for source in fleet.sources)]))
        came = stack.enter_context(_stopped_by_signals())
        _drive_with_bar(fleet, feeder, wish, console, came)
        fleet.close()
        feeder.finish()
    took = max(time.monotonic() - began, 0.001)
    console.print(
        f"{run.scenario.name}: {run.scenario.farm.printers:,} printers, {len(fleet.book.jobs):,} jobs, "
        f"{feeder.sent:,} messages in {took:.1f} s ({feeder.sent / took:,.0f}/s), "
        f"{rfc3339(run.from_ms)} to {rfc3339(fleet.agenda.now_ms)}"
    )


def _drive_with_bar(fleet: Fleet, feeder: Feeder, wish: Wish, console: Console, came: list[int]) -> None:
    run = fleet.run
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[messages]:,} messages"),
        TimeRemainingColumn(),
    )
    endless = wish.live and wish.days is None
    with Progress(*columns, console=console, refresh_per_second=4) as bar:
        total = None if endless else (run.to_ms - run.from_ms) / SECOND_MS
        task = bar.add_task(run.scenario.name, total=total, messages=0)

        def progress(now_ms: int) -> None:
            bar.update(
                task,
                completed=(now_ms - run.from_ms) / SECOND_MS,
                messages=feeder.sent,
                description=f"{run.scenario.name} {rfc3339(now_ms)[:16]}",
            )

        drive(fleet, feeder, factor=wish.factor, stop=lambda: bool(came), progress=progress)
