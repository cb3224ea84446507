"""The weeks before the demo: the same farm simulated as fast as it goes, and booked as it is live.

Every message goes through the collector's own pipeline and the evaluator's own rules, with the
instants of those weeks; no row of the ledger is made up, and its time is real time.
"""

import io
from collections.abc import Callable
from typing import IO

from alerts.evaluator import Evaluator
from collector import holder
from collector.intake.pipeline import Pipeline
from collector.intake.sources import SourceTable
from farm.app.config import Configuration
from farm.ledger.alert_store import AlertStore
from farm.ledger.ledger import Ledger
from farm.model.clock import Clock
from farm.model.times import DAY_MS, MINUTE_MS
from simulators.fleet import Fleet, SimulatedRun
from simulators.scenario import Scenario, load_scenario
from simulators.wire import Message

SCENARIO = "demo-past"
_COMMIT_MS = DAY_MS
"""How much of the past goes into one commit; alerts are evaluated as often, which costs more than booking."""
_TICK_MS = 30 * MINUTE_MS

Progress = Callable[[float], None]
"""Told the share that is done, from 0 on, before each commit; what it raises ends the making."""


def make_past(
    configuration: Configuration,
    ledger: Ledger,
    from_ms: int,
    to_ms: int,
    *,
    clock: Clock | None = None,
    progress: Progress = lambda _: None,
    truth: IO[bytes] | None = None,
) -> None:
    """Book in the ledger what the demo's farm did from `from_ms` to `to_ms` (ms since 1970).

    The farm closes at the end: what is under way is finished, so that nothing is cut off there.
    With a `clock` it stands closed for as long as the making takes, up to the clock's present.
    A ledger that holds an earlier stretch is carried on, with other luck and no stories.
    `truth` takes the ledger of truth. Raises LedgerError when the ledger holds simulated time.
    """
    shard = configuration.collector.client_id
    went_before = ledger.claim(shard, holder.this_process(), simulated=False, now_ms=from_ms)
    scenario = load_scenario(SCENARIO)
    if went_before is not None:
        scenario = _everyday(scenario, seed=from_ms)
    booking = _Booking(configuration, ledger, from_ms)
    last_ms = to_ms if clock is None else to_ms + DAY_MS
    run = SimulatedRun(
        scenario=scenario, faults=frozenset(), from_ms=from_ms, to_ms=last_ms, closing_ms=to_ms
    )
    fleet = Fleet(run, booking.take, io.BytesIO() if truth is None else truth)
    while fleet.agenda.now_ms < to_ms:
        progress((fleet.agenda.now_ms - from_ms) / (to_ms - from_ms))
        fleet.run_until(min(fleet.agenda.now_ms + _COMMIT_MS, to_ms))
        booking.commit(fleet.agenda.now_ms)
    if clock is not None:
        fleet.run_until(clock())
    # Whoever is heard last at the very end is not unknown from some minutes before it.
    for station in fleet.stations:
        station.front.report()
    booking.commit(fleet.agenda.now_ms)
    fleet.close()
    ledger.release()


def _everyday(scenario: Scenario, seed: int) -> Scenario:
    """The same farm on days on which nothing is foreseen."""
    nothing: dict[str, tuple[()]] = dict.fromkeys(
        ("plays", "first_failures", "bad_spools", "host_down_minutes"), ()
    )
    printers = tuple(story.model_copy(update=nothing) for story in scenario.printers)
    return scenario.model_copy(update={"seed": seed, "printers": printers})


class _Booking:
    """Collector and evaluator of the past, without a broker between farm and pipeline."""

    def __init__(self, configuration: Configuration, ledger: Ledger, from_ms: int) -> None:
        self._now_ms = from_ms
        self._ticks = from_ms // _TICK_MS
        self._pipeline = Pipeline(
            ledger,
            SourceTable(configuration.sources),
            site=configuration.site,
            printers=configuration.printers,
            settings=configuration.collector,
            thinning=configuration.telemetry,
        )
        # Nobody was there to be told: what happened is recorded, and delivered to no one, ever.
        settings = configuration.alerts.model_copy(update={"receivers": ()})
        self._evaluator = Evaluator(ledger, AlertStore(ledger.engine), settings, lambda: self._now_ms)

    def take(self, at_ms: int, kept: bool, message: Message) -> None:
        """A message that reaches the broker at `at_ms`."""
        self._tick(at_ms)
        self._pipeline.take(message.topic, message.payload, kept, at_ms)

    def commit(self, now_ms: int) -> None:
        """Book what came until now, and what follows from it."""
        self._tick(now_ms)
        self._pipeline.commit(now_ms)
        self._now_ms = now_ms
        while self._evaluator.step().read:
            pass
        self._evaluator.watch()
        self._evaluator.repeat()

    def _tick(self, at_ms: int) -> None:
        if at_ms // _TICK_MS > self._ticks:
            self._ticks = at_ms // _TICK_MS
            self._pipeline.tick(self._ticks * _TICK_MS)
