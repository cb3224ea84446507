"""A whole simulated farm, put together from a scenario: printers, people, files, broker, faults."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from random import Random
from typing import IO

import msgspec

from farm.model.states import Cause
from farm.model.times import MINUTE_MS, SECOND_MS
from simulators.agenda import Agenda
from simulators.broker import Broker, Line
from simulators.faults import FaultInjector, Station
from simulators.habits import Habits
from simulators.jobs import JobMix, PrintFile, draw_files
from simulators.machine import Machine
from simulators.models import MODELS, PrinterModel
from simulators.operator import Crew, Shift
from simulators.protocols import SimulatedProtocol, protocols
from simulators.protocols.base import FrontEnd, PrinterSetup
from simulators.scenario import PrinterStory, Scenario
from simulators.shop import enter_shop
from simulators.truth import Header, PrinterTruth, TruthBook
from simulators.wire import Deliver, HostClock

_SWITCHED_ON_WITHIN_MS = 60_000


class SimulatedRun(msgspec.Struct, frozen=True, kw_only=True):
    """What to simulate: the scenario, the window in milliseconds since 1970 and the faults.

    No print begins that would not be done by `closing_ms`, where there is a closing.
    """

    scenario: Scenario
    faults: frozenset[str]
    from_ms: int
    to_ms: int
    closing_ms: int | None = None


class _Berth(msgspec.Struct, frozen=True):
    """What stands at one place of the farm."""

    name: str
    protocol: SimulatedProtocol
    model: PrinterModel
    story: PrinterStory | None

    @property
    def prefix(self) -> str:
        return self.protocol.source.replace("{printer}", self.name)


class Fleet:
    """The farm under way. `deliver` takes what reaches the broker, `target` the ledger of truth."""

    def __init__(self, run: SimulatedRun, deliver: Deliver, target: IO[bytes]) -> None:
        self.run = run
        self.agenda = Agenda(run.from_ms)
        self._rng = Random(f"{run.scenario.seed}/farm")
        self._berths = list(_berths(run.scenario, self._rng))
        self.broker = Broker(self.agenda, deliver)
        self.book = TruthBook(target, self._header())
        self._crew = self._hire()
        self._files = {file.name: file.made_ready() for file in run.scenario.files}
        self._mix = JobMix(self._catalogue())
        self._machines: list[Machine] = []
        self.stations = [self._install(berth) for berth in self._berths]
        fault_injector = FaultInjector(
            run.scenario.faults, run.faults, self.agenda, self.broker, self.book, self._stream("faults")
        )
        fault_injector.befall(self.stations)

    def _stream(self, name: str) -> Random:
        """A stream of chance of its own, so that one part does not disturb the others."""
        return Random(f"{self.run.scenario.seed}/{name}")

    def _header(self) -> Header:
        return Header(
            seed=self.run.scenario.seed,
            scenario=self.run.scenario.name,
            faults=sorted(self.run.faults),
            from_ms=self.run.from_ms,
            to_ms=self.run.to_ms,
            printers=[
                PrinterTruth(
                    berth.name,
                    berth.protocol.adapter,
                    berth.model.name,
                    berth.prefix,
                    self.run.scenario.shop.group(number),
                )
                for number, berth in enumerate(self._berths)
            ],
            report_ms=round(self.run.scenario.farm.report_seconds * SECOND_MS),
            time_zone=self.run.scenario.farm.time_zone,
        )

    @property
    def sources(self) -> list[str]:
        """The sources with which a collector reads this farm, as `ADAPTER=TOPIC`."""
        return sorted({f"{berth.protocol.adapter}={berth.protocol.source}" for berth in self._berths})

    @property
    def questions(self) -> dict[str, FrontEnd]:
        """The topics on which printers answer, and who answers there."""
        return {
            f"{station.front.prefix}/{suffix}": station.front
            for station in self.stations
            for suffix in station.front.questions
        }

    def _hire(self) -> Crew:
        settings, scenario = self.run.scenario.shift, self.run.scenario
        begin, end = settings.minutes
        people = max(1, round(scenario.farm.printers / settings.printers_per_person))
        shift = Shift(scenario.zone, frozenset(settings.days), begin, end)
        return Crew(shift, people, settings.notice_minutes, self._stream("crew"), tempo=scenario.farm.tempo)

    def _catalogue(self) -> list[PrintFile]:
        """The files of the farm, some of which fail more often, and some of which must be refused."""
        settings, rng = self.run.scenario.jobs, self._stream("files")
        made = []
        for file in draw_files(rng, settings.files, settings.minutes):
            trouble = settings.bad_file_trouble if rng.random() < settings.bad_file_share else 1.0
            refused = rng.uniform(0.05, 0.6) if rng.random() < settings.refused_file_share else None
            made.append(msgspec.structs.replace(file, trouble=trouble, refused_at=refused))
        return made

    def _install(self, berth: _Berth) -> Station:
        rng = self._stream(f"printer/{berth.name}")
        chance = self._stream(f"faults/{berth.name}")
        machine = Machine(
            name=berth.name,
            model=berth.model,
            habits=self._habits(berth.story, rng),
            agenda=self.agenda,
            crew=self._crew,
            mix=self._mix,
            book=self.book,
            rng=rng,
        )
        line = Line(berth.name, self.agenda, self.broker, self.book, chance)
        clock = HostClock()
        setup = PrinterSetup(
            prefix=berth.prefix, report_ms=round(self.run.scenario.farm.report_seconds * SECOND_MS)
        )
        front = berth.protocol.front_end(
            machine, setup, self.agenda, line, clock, self._stream(f"software/{berth.name}")
        )
        machine.front = front
        self._machines.append(machine)
        within_ms = round(_SWITCHED_ON_WITHIN_MS / self.run.scenario.farm.tempo)
        self.agenda.after(rng.randint(0, within_ms), partial(_switch_on, machine, front))
        return Station(front, line, clock, chance)

    def _habits(self, story: PrinterStory | None, rng: Random) -> Habits:
        jobs, failures = self.run.scenario.jobs, self.run.scenario.failures
        tempo = self.run.scenario.farm.tempo
        bad = rng.random() < failures.bad_printer_share
        weak = rng.choice(sorted(failures.jobs)) if failures.jobs else None
        frailty: dict[Cause, float] = {weak: failures.bad_printer_trouble} if bad and weak else {}
        if story is not None:
            frailty.update(story.trouble)
        return Habits(
            failures=failures.jobs,
            outages={cause: failures.outages.get(cause, 0.0) for cause in sorted(failures.outages)},
            frailty=frailty,
            demand=jobs.demand,
            between_ms=(round(20_000 / tempo), round(180_000 / tempo)),
            lull_ms=round(jobs.lull_minutes * MINUTE_MS),
            cancelled_share=jobs.cancelled_share,
            paused_share=jobs.paused_share,
            foresight=jobs.foresight,
            bad_spool_share=jobs.bad_spool_share,
            bad_spool_trouble=jobs.bad_spool_trouble,
            service_hours=jobs.service_hours,
            neglected_ms=round(story.neglected_minutes * MINUTE_MS) if story else 0,
            plays=tuple(self._files[name] for name in story.plays) if story else (),
            first_failures=_fates(story),
            bad_spools=frozenset(story.bad_spools) if story else frozenset(),
            host_down=_windows(story),
            closing_ms=self.run.closing_ms,
        )

    def run_until(self, to_ms: int) -> None:
        """Let the farm go on until that instant (ms), at most until the window ends."""
        self.agenda.run_until(min(to_ms, self.run.to_ms))

    def close(self) -> None:
        """End the run at the present: complete the ledger of truth."""
        now_ms = self.agenda.now_ms
        for machine in self._machines:
            machine.close(now_ms)
        for station in self.stations:
            station.line.close(now_ms)
        scenario, window = self.run.scenario, (self.run.from_ms, now_ms)
        enter_shop(scenario.shop, scenario.seed, window, self.book)
        self.book.close(now_ms)


def _switch_on(machine: Machine, front: FrontEnd) -> None:
    machine.plug_in()
    front.begin_reports()


def _fates(story: PrinterStory | None) -> tuple[Cause | None, ...]:
    fates = story.first_failures if story else ()
    return tuple(None if fate == "well" else Cause(fate) for fate in fates)


def _windows(story: PrinterStory | None) -> tuple[tuple[int, int], ...]:
    if story is None:
        return ()
    return tuple((round(begin * MINUTE_MS), round(end * MINUTE_MS)) for begin, end in story.host_down_minutes)


def _berths(scenario: Scenario, rng: Random) -> Iterator[_Berth]:
    """Who stands where: those with a story first, then the others by chance."""
    spoken = protocols()
    farm = scenario.farm
    kinds = farm.protocols or {name: protocol.share for name, protocol in spoken.items()}
    models: Mapping[str, float] = farm.models or dict.fromkeys(MODELS, 1.0)
    stories: Sequence[PrinterStory | None] = scenario.printers
    width = max(3, len(str(farm.printers)))
    for number in range(farm.printers):
        story = stories[number] if number < len(stories) else None
        protocol, model = _drawn(kinds, rng), _drawn(models, rng)
        yield _Berth(
            name=story.name if story else f"{farm.name}-{number + 1:0{width}d}",
            protocol=spoken[story.protocol if story and story.protocol else protocol],
            model=MODELS[story.model if story and story.model else model].hurried(farm.tempo),
            story=story,
        )


def _drawn(weights: Mapping[str, float], rng: Random) -> str:
    return rng.choices(list(weights), list(weights.values()))[0]
