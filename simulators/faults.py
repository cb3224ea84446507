"""What networks, brokers and clocks do to a farm; each kind can be switched on by its name."""

from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import Annotated, TypeAlias

import msgspec
from pydantic import Field

from farm.errors import ConfigurationError
from farm.model.states import Cause, Outcome
from farm.model.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from farm.settings import Section
from simulators.agenda import Agenda
from simulators.broker import Broker, Impairment, Line
from simulators.protocols.base import FrontEnd
from simulators.truth import JobTruth, TruthBook
from simulators.wire import HostClock

FAULTS = {
    "lost": "messages at QoS 0 are lost",
    "duplicated": "messages arrive twice",
    "delayed": "a line holds everything back for a while, then lets it go in one burst",
    "by-filter": "what a line held back is handed over filter by filter",
    "reordered": "messages of different topics overtake each other",
    "broker": "the broker stops, in order or killed, and comes back with or without its retained messages",
    "vanished": "printers vanish without a last will and come back",
    "wrong-clocks": "the clock of a printer's host is wrong by a constant",
    "clock-jumps": "the clock of a printer's host jumps",
    "leftovers": "the broker still holds retained messages of long ago",
}
"""Every fault by its name on the command line."""

_Share = Annotated[float, Field(ge=0, le=1)]
_Rate = Annotated[float, Field(ge=0)]


class FaultSettings(Section):
    """How much there is of each fault: rates per printer and day, shares from 0 to 1."""

    lost_share: _Share = 0.002
    duplicated_share: _Share = 0.005
    reordered_share: _Share = 0.02
    reordered_within_seconds: float = Field(2, gt=0, le=60)
    stalls_per_day: _Rate = 0.8
    stall_seconds: tuple[float, float] = (3, 240)
    broker_restarts_per_day: _Rate = 0.25
    broker_down_seconds: tuple[float, float] = (3, 40)
    vanished_per_day: _Rate = 0.15
    vanished_seconds: tuple[float, float] = (30, 2400)
    wrong_clock_share: _Share = 0.08
    wrong_clock_seconds: tuple[float, float] = (20, 7200)
    clock_jumps_per_day: _Rate = 0.03
    leftover_share: _Share = 0.3


def parse_faults(text: str) -> frozenset[str]:
    """The faults that `all`, `none` or names with commas between them mean.

    Raises ConfigurationError naming an unknown one and those that there are.
    """
    if text == "all":
        return frozenset(FAULTS)
    if text == "none":
        return frozenset()
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in FAULTS:
            raise ConfigurationError(f"--faults {name!r}: unknown; allowed: all, none, {', '.join(FAULTS)}")
    return frozenset(names)


class Station(msgspec.Struct, frozen=True):
    """One printer's software with its line and its clock, to which faults happen."""

    front: FrontEnd
    line: Line
    clock: HostClock
    rng: Random


_Happening: TypeAlias = Callable[[Station], None]


class FaultInjector:
    """Plans the faults of a run on its agenda. Every printer has a stream of chance of its own."""

    def __init__(
        self,
        settings: FaultSettings,
        active: frozenset[str],
        agenda: Agenda,
        broker: Broker,
        book: TruthBook,
        rng: Random,
    ) -> None:
        self._settings = settings
        self._active = active
        self._agenda = agenda
        self._broker = broker
        self._book = book
        self._rng = rng

    def befall(self, stations: Sequence[Station]) -> None:
        """Plan what happens to the printers and to the broker."""
        if "broker" in self._active:
            self._broker_later()
        for station in stations:
            self._impair(station)
            self._set_clock(station)
            if "leftovers" in self._active and station.rng.random() < self._settings.leftover_share:
                self._leave_behind(station)
            self._repeatedly("delayed", self._settings.stalls_per_day, station, self._stall)
            self._repeatedly("vanished", self._settings.vanished_per_day, station, self._vanish)
            self._repeatedly("clock-jumps", self._settings.clock_jumps_per_day, station, self._clock_jumps)

    def _leave_behind(self, station: Station) -> None:
        """What the broker kept may tell of a print, which is a true one that ended before the run."""
        for message in station.front.leftovers():
            self._broker.leave_behind(message)
        if station.front.leftover_file is not None:
            self._book.open_job(
                JobTruth(
                    printer=station.line.name,
                    number=0,
                    file=station.front.leftover_file,
                    material="PLA",
                    spool="",
                    units=1,
                    started_ms=self._agenda.now_ms - 2 * HOUR_MS,
                    ended_ms=self._agenda.now_ms - MINUTE_MS,
                    outcome=Outcome.FAILED,
                    cause=Cause.HOST,
                    detail="before the run",
                )
            )

    def _share(self, name: str, share: float) -> float:
        return share if name in self._active else 0.0

    def _impair(self, station: Station) -> None:
        settings = self._settings
        station.line.impairment = Impairment(
            lost=self._share("lost", settings.lost_share),
            duplicated=self._share("duplicated", settings.duplicated_share),
            reordered=self._share("reordered", settings.reordered_share),
            within_ms=round(settings.reordered_within_seconds * SECOND_MS),
            by_filter="by-filter" in self._active,
        )

    def _repeatedly(self, name: str, per_day: float, station: Station, happen: _Happening) -> None:
        if name in self._active and per_day > 0:
            self._agenda.after(
                round(station.rng.expovariate(per_day / DAY_MS)),
                partial(self._happens, name, per_day, station, happen),
            )

    def _happens(self, name: str, per_day: float, station: Station, happen: _Happening) -> None:
        happen(station)
        self._repeatedly(name, per_day, station, happen)

    # -- lines --------------------------------------------------------------------------------------

    def _stall(self, station: Station) -> None:
        station.line.stall(round(station.rng.uniform(*self._settings.stall_seconds) * SECOND_MS))

    def _vanish(self, station: Station) -> None:
        """The network is gone, or the publishing service alone where the protocol has one."""
        away_ms = round(station.rng.uniform(*self._settings.vanished_seconds) * SECOND_MS)
        if station.rng.random() < 0.3 and station.front.restart_service(min(away_ms, 2 * MINUTE_MS)):
            return
        if station.line.stands:
            station.line.lose("network")
            self._agenda.after(away_ms, partial(station.line.regain, "network"))

    # -- clocks -------------------------------------------------------------------------------------

    def _set_clock(self, station: Station) -> None:
        if "wrong-clocks" in self._active and station.rng.random() < self._settings.wrong_clock_share:
            station.clock.offset_ms = self._wrong_by(station.rng)

    def _wrong_by(self, rng: Random) -> int:
        return rng.choice((-1, 1)) * round(rng.uniform(*self._settings.wrong_clock_seconds) * SECOND_MS)

    def _clock_jumps(self, station: Station) -> None:
        """A wrong clock is put right; a right one goes wrong."""
        station.clock.offset_ms = 0 if station.clock.offset_ms else self._wrong_by(station.rng)

    # -- broker -------------------------------------------------------------------------------------

    def _broker_later(self) -> None:
        rate = self._settings.broker_restarts_per_day
        if rate > 0:
            self._agenda.after(round(self._rng.expovariate(rate / DAY_MS)), self._broker_stops)

    def _broker_stops(self) -> None:
        self._broker.stop(orderly=self._rng.random() < 0.5)
        forget = self._rng.random() < 0.5
        self._agenda.after(
            round(self._rng.uniform(*self._settings.broker_down_seconds) * SECOND_MS),
            partial(self._broker_starts, forget),
        )

    def _broker_starts(self, forget: bool) -> None:
        self._broker.start(self._rng, forget=forget)
        self._broker_later()
