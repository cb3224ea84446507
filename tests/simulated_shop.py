"""A simulated shop booked in this process: its messages go straight into the collector's pipeline."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from typing_extensions import override

from collector import holder
from collector.intake.pipeline import Pipeline
from collector.intake.sources import SourceTable
from collector.sessions.asking import Asking, Publisher
from collector.settings import SourceSettings
from farm.app.config import load_configuration
from farm.ledger.ledger import Ledger
from farm.model.times import HOUR_MS, MINUTE_MS, SECOND_MS
from farm.settings import PrinterSettings, SiteSettings
from simulators.agenda import Agenda
from simulators.fleet import Fleet, SimulatedRun
from simulators.people import enter
from simulators.protocols.base import FrontEnd
from simulators.truth import Truth, read_truth
from simulators.wire import Message

_SHARD = "simulated-shop"
_COMMIT_MS = 6 * HOUR_MS
_TICK_MS = MINUTE_MS
_WAY_MS = 20
"""So long a question or an answer is under way."""


def book_shop(
    run: SimulatedRun, ledger: Ledger, truth_file: Path, *, asks: bool = False, late_ms: int = 0
) -> Truth:
    """Run the shop, book it in the empty ledger with all that its people do, and give the truth.

    A collector that `asks` does so each second, as one at work does, and the printers answer. One that
    is `late_ms` later than the run is there for the first time then, and hears what the broker has kept.
    """
    ledger.claim(_SHARD, holder.this_process(), simulated=True, now_ms=run.from_ms)
    early: list[tuple[int, bool, Message]] = []
    with truth_file.open("wb") as target:
        booking: list[_Booking] = []

        def deliver(at_ms: int, kept: bool, message: Message) -> None:
            if at_ms < run.from_ms + late_ms:
                return
            if booking:
                booking[0].take(at_ms, kept, message)
            else:  # What the broker still held from before the run, while the farm is put up.
                early.append((at_ms, kept, message))

        fleet = Fleet(run, deliver, target)
        booking.append(_Booking(ledger, fleet))
        if asks:
            booking[0].ask(fleet)
        if late_ms:
            fleet.agenda.after(late_ms, partial(booking[0].hear_kept, fleet))
        for at_ms, kept, message in early:
            booking[0].take(at_ms, kept, message)
        while fleet.agenda.now_ms < run.to_ms:
            fleet.run_until(fleet.agenda.now_ms + _COMMIT_MS)
            booking[0].commit(fleet.agenda.now_ms)
        fleet.close()
    truth = read_truth(truth_file)
    enter(truth, ledger)
    return truth


class _Booking:
    """A collector without a broker before it."""

    def __init__(self, ledger: Ledger, fleet: Fleet) -> None:
        told, configured = (source.partition("=") for source in fleet.sources), load_configuration(flags=())
        self._ticked_ms = fleet.run.from_ms
        self._pipeline = Pipeline(
            ledger,
            SourceTable(tuple(SourceSettings(adapter=adapter, topic=topic) for adapter, _, topic in told)),
            site=SiteSettings(time_zone=fleet.run.scenario.farm.time_zone),
            printers=tuple(
                PrinterSettings(name=printer.name, group=printer.group, model=printer.model)
                for printer in fleet.book.header.printers
            ),
            settings=configured.collector,
            thinning=configured.telemetry,
        )

    def take(self, at_ms: int, kept: bool, message: Message) -> None:
        self._tick(at_ms)
        self._pipeline.take(message.topic, message.payload, kept, at_ms)

    def commit(self, now_ms: int) -> None:
        self._tick(now_ms)
        self._pipeline.commit(now_ms)

    def hear_kept(self, fleet: Fleet) -> None:
        """What the broker hands to whom it has never seen."""
        for message in fleet.broker.retained.values():
            self.take(fleet.agenda.now_ms, True, message)

    def ask(self, fleet: Fleet) -> None:
        """Ask the printers each second from now on."""
        asking = Asking(_Way(fleet.agenda, fleet.questions))
        fleet.agenda.after(SECOND_MS, partial(self._ask_again, asking, fleet.agenda))

    def _ask_again(self, asking: Asking, agenda: Agenda) -> None:
        self._pipeline.tick(agenda.now_ms)
        asking.ask(self._pipeline.take_to_ask())
        asking.ask_estimates(self._pipeline.take_to_estimate())
        asking.step(agenda.now_ms)
        agenda.after(SECOND_MS, partial(self._ask_again, asking, agenda))

    def _tick(self, at_ms: int) -> None:
        if at_ms - self._ticked_ms >= _TICK_MS:
            self._ticked_ms = at_ms
            self._pipeline.tick(at_ms)


class _Way(Publisher):
    """The way from the collector to the printers that answer."""

    def __init__(self, agenda: Agenda, questions: Mapping[str, FrontEnd]) -> None:
        self._agenda = agenda
        self._questions = questions

    @override
    def publish(self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False) -> None:
        self._agenda.after(_WAY_MS, partial(self._questions[topic].answer, payload))
