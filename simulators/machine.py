"""A printer as a physical thing: it heats, homes, lays down layers, waits for people and breaks.

It knows nothing of protocols. What happens to it, it tells its front end; what is true of
it, it enters into the ledger of truth.
"""

from collections.abc import Callable
from functools import partial
from random import Random

from farm.model.states import CancelledBy, Cause, Outcome, PrinterState
from farm.model.times import HOUR_MS, MINUTE_MS, SECOND_MS
from simulators.agenda import Agenda
from simulators.failures import Failure, Frailty, draw_failure, forced_failure
from simulators.habits import Habits
from simulators.job_run import JobRun
from simulators.jobs import JobMix, PrintFile
from simulators.models import PrinterModel
from simulators.operator import Crew
from simulators.protocols.base import FrontEnd
from simulators.spool_rack import SpoolRack
from simulators.truth import JobTruth, TruthBook

_BED_CLEARING_MINUTES = 3.0
_RESET_MINUTES = 4.0
_SPOOL_CHANGE_MINUTES = 6.0
_LOOK_MINUTES = 1.0
_MAINTENANCE_MINUTES = (40.0, 150.0)
_END_CODE_MS = 3_500
_NIGHT_MS = 90 * MINUTE_MS
_BEFORE_CLOSING_MS = 20 * MINUTE_MS
"""Room for heating up, and for a pause, of the last print before the closing."""


class Machine:
    """One printer. Every method is called at the agenda's present."""

    def __init__(
        self,
        *,
        name: str,
        model: PrinterModel,
        habits: Habits,
        agenda: Agenda,
        crew: Crew,
        mix: JobMix,
        book: TruthBook,
        rng: Random,
    ) -> None:
        self.name = name
        self.model = model
        self.nozzle = model.nozzle()
        self.bed = model.bed()
        self.run: JobRun | None = None
        self.state = PrinterState.OFFLINE
        self.front: FrontEnd
        self._habits = habits
        self._agenda = agenda
        self._crew = crew
        self._mix = mix
        self._book = book
        self._rng = rng
        self._since_ms = agenda.now_ms
        self._epoch = 0
        self._jobs = 0
        self._rack = SpoolRack(name, habits, rng)
        self._serviced_ms = 0
        self._printed_ms = 0
        self._planned = list(habits.plays)
        self._ill_fated = list(habits.first_failures)

    # -- time -----------------------------------------------------------------------------------

    @property
    def _now(self) -> int:
        return self._agenda.now_ms

    def _enter(self, state: PrinterState) -> None:
        """Go over into a state; what was planned for the former one is void."""
        self._epoch += 1
        if state is not self.state:
            self._book.span(self.name, self.state, self._since_ms, self._now)
            self.state, self._since_ms = state, self._now

    def close(self, to_ms: int) -> None:
        """The run is over: book what is under way."""
        self._book.span(self.name, self.state, self._since_ms, to_ms)
        if self.run is not None and self.run.running:
            self.run.settle(to_ms)

    def _after(self, delay_ms: float, action: Callable[[], None]) -> None:
        self._at(self._now + round(delay_ms), action)

    def _at(self, at_ms: int, action: Callable[[], None]) -> None:
        """Plan something that is dropped if the state changes before."""
        self._agenda.at(at_ms, partial(self._if_still, self._epoch, action))

    def _if_still(self, epoch: int, action: Callable[[], None]) -> None:
        if epoch == self._epoch:
            action()

    # -- power and host -------------------------------------------------------------------------

    def plug_in(self) -> None:
        """The printer and its host are switched on for the first time."""
        self._plan_outages()
        self._boot()

    def _plan_outages(self) -> None:
        for cause, rate in self._habits.outages.items():
            if rate > 0:
                self._agenda.after(
                    round(self._rng.expovariate(rate / (1000 * HOUR_MS))), partial(self._outage, cause)
                )
        for from_ms, to_ms in self._habits.host_down:
            self._agenda.after(from_ms, partial(self._host_goes_down, Cause.HOST, to_ms - from_ms))

    def _outage(self, cause: Cause) -> None:
        rate = self._habits.outages[cause]
        self._agenda.after(
            round(self._rng.expovariate(rate / (1000 * HOUR_MS))), partial(self._outage, cause)
        )
        if cause is Cause.POWER:
            away_ms = round(self._rng.uniform(1, 45) * MINUTE_MS)
        else:
            away_ms = round(self._rng.uniform(0.5, 30) * MINUTE_MS)
        self._host_goes_down(cause, away_ms)

    def _host_goes_down(self, cause: Cause, away_ms: int) -> None:
        """The host dies, with or without the printer's power; a print on it is lost."""
        if self.state is PrinterState.OFFLINE:
            return
        if self.run is not None and self.run.running:
            self._end_run(Outcome.FAILED, cause=cause)
        self._heaters_off()
        self._enter(PrinterState.OFFLINE)
        self.front.host_lost(power=cause is Cause.POWER)
        self._after(away_ms, self._boot)

    def _boot(self) -> None:
        """The host comes up, and the printer with it."""
        self.front.host_started()
        self._after(self.model.boot_s * SECOND_MS, self._ready_after_boot)

    def _ready_after_boot(self) -> None:
        self._enter(PrinterState.IDLE)
        self.front.board_ready()
        if self.run is None:
            self._order_comes()
        else:
            self._clear_bed_later()

    # -- work -----------------------------------------------------------------------------------

    def _clear_bed_later(self) -> None:
        """A person clears the bed and often starts the next print right away."""
        wait = self._habits.neglected_ms
        _, end = self._crew.attend(self._now + wait, _BED_CLEARING_MINUTES)
        self._at(end, self._bed_cleared)

    def _bed_cleared(self) -> None:
        if self.state is PrinterState.FINISHED:
            self._enter(PrinterState.IDLE)
            self.front.bed_cleared()
        if self._printed_ms - self._serviced_ms > self._habits.service_hours * HOUR_MS:
            self._maintain()
        elif self._rng.random() < self._habits.demand:
            self._after(self._rng.uniform(*self._habits.between_ms), self._start_next)
        else:
            self._after(self._rng.expovariate(1 / self._habits.lull_ms), self._order_comes)

    def _order_comes(self) -> None:
        _, end = self._crew.attend(self._now, _LOOK_MINUTES)
        self._at(end, self._start_next)

    def _maintain(self) -> None:
        self._serviced_ms = self._printed_ms
        begin, end = self._crew.attend(self._now, self._rng.uniform(*_MAINTENANCE_MINUTES), called=True)
        self._enter(PrinterState.IDLE)
        self._at(begin, partial(self._under_maintenance, end))

    def _under_maintenance(self, until_ms: int) -> None:
        self._enter(PrinterState.MAINTENANCE)
        self._at(until_ms, self._maintained)

    def _maintained(self) -> None:
        self._enter(PrinterState.IDLE)
        self._start_next()

    def _start_next(self) -> None:
        before_night = self._crew.shift.ends_within(self._now, _NIGHT_MS)
        file = (
            self._planned.pop(0) if self._planned else self._mix.choose(self._rng, before_night=before_night)
        )
        if not self._is_done_by_closing(file):
            fitting = [other for other in self._mix.files if self._is_done_by_closing(other)]
            if not fitting:
                return
            file = self._rng.choice(fitting)
        self.start(file)

    def _is_done_by_closing(self, file: PrintFile) -> bool:
        closing_ms = self._habits.closing_ms
        return closing_ms is None or (
            self._now + file.plan(self.model).printing_ms + _BEFORE_CLOSING_MS <= closing_ms
        )

    def start(self, file: PrintFile) -> None:
        """Begin to print a file: heat, home, level, then lay down."""
        spool = self._rack.load(file)
        self._jobs += 1
        truth = JobTruth(
            printer=self.name,
            number=self._jobs,
            file=file.name,
            material=file.material,
            spool=spool.name,
            units=file.units,
            started_ms=self._now,
            expected_ms=round(file.expected_seconds * 1000),
        )
        self._book.open_job(truth)
        run = self.run = JobRun(file, file.plan(self.model), spool, truth, self._now)
        self._enter(PrinterState.PREPARING)
        self.bed.aim(run.bed_c, self._now)
        self.nozzle.aim(run.nozzle_c, self._now)
        self._foresee(run)
        hot_ms = max(self.bed.reached_ms(), self.nozzle.reached_ms())
        self._at(hot_ms, self._heated)
        self.front.job_started()

    # -- what will come over the print --------------------------------------------------------------

    def _foresee(self, run: JobRun) -> None:
        rng, habits, plan = self._rng, self._habits, run.plan
        run.expect(max(0, plan.printing_ms - _END_CODE_MS), self._wind_up)
        failure = self._fate(run)
        if failure is not None:
            if failure.preparing is not None:
                way_ms = max(self.bed.reached_ms(), self.nozzle.reached_ms()) - self._now
                way_ms += round((self.model.homing_s + self.model.levelling_s) * SECOND_MS)
                self._agenda.after(
                    round(way_ms * failure.preparing), partial(self._fail_in, run, failure.cause, True)
                )
            elif failure.cause is Cause.ADHESION:
                run.expect(failure.at_ms, partial(self._comes_off, run))
            else:
                run.expect(failure.at_ms, partial(self._fail_in, run, failure.cause, False))
        if run.file.refused_at is not None and Cause.FILE in self.front.shows:
            run.expect(
                int(plan.printing_ms * run.file.refused_at), partial(self._fail_in, run, Cause.FILE, False)
            )
        if rng.random() < habits.cancelled_share:
            run.expect(int(plan.printing_ms * rng.random()), partial(self._person_cancels, run, None))
        if rng.random() < habits.paused_share:
            run.expect(int(plan.printing_ms * rng.random()), self._person_pauses)
        if not run.spool.lasts_for(plan.grams):
            run.expect(
                int(plan.printing_ms * run.spool.grams_left / plan.grams), partial(self._runs_out, run)
            )

    def _fate(self, run: JobRun) -> Failure | None:
        if self._ill_fated:
            cause = self._ill_fated.pop(0)
            return None if cause is None else forced_failure(self._rng, run.plan, cause)
        frailty = Frailty(
            printer=self._habits.frailty,
            model=self.model.frailty,
            file=run.file.trouble,
            spool=run.spool.trouble,
        )
        return draw_failure(self._rng, run.plan, self._habits.failures, frailty, self.front.shows)

    # -- the print ----------------------------------------------------------------------------------

    def _heated(self) -> None:
        self.front.heated()
        self._after(self.model.homing_s * SECOND_MS, self._homed)

    def _homed(self) -> None:
        self.front.homed()
        self._after(self.model.levelling_s * SECOND_MS, self._lay_down)

    def _lay_down(self) -> None:
        assert self.run is not None  # noqa: S101 - only planned by start and resume
        first = self.run.first_line_ms is None
        self.run.enter(PrinterState.PRINTING, self._now)
        self._enter(PrinterState.PRINTING)
        if first:
            self.front.printing_begins()
        else:
            self.front.resumed()
        self._plan_on()

    def _plan_on(self) -> None:
        """Wait for whatever comes next: an incident or the end."""
        run = self.run
        assert run is not None  # noqa: S101 - only called with a print under way
        at_ms, incident = run.next_incident(self._finish)
        self._after(at_ms - run.printed_ms(self._now), incident)

    def _wind_up(self) -> None:
        """The code at the end of the file: heaters off, park."""
        self._heaters_off()
        self._plan_on()

    def _finish(self) -> None:
        self._end_run(Outcome.SUCCEEDED)
        self._enter(PrinterState.FINISHED)
        self.front.job_succeeded()
        self._clear_bed_later()

    def _end_run(
        self,
        outcome: Outcome,
        *,
        cause: Cause | None = None,
        by: CancelledBy | None = None,
        detail: str | None = None,
    ) -> None:
        run = self.run
        assert run is not None  # noqa: S101 - only called with a print under way
        run.end(self._now)
        truth = run.truth
        truth.outcome, truth.cause, truth.cancelled_by, truth.detail = outcome, cause, by, detail
        run.spool.use(truth.filament_g)
        self._printed_ms += truth.printing_ms

    def _heaters_off(self) -> None:
        self.bed.aim(0.0, self._now)
        self.nozzle.aim(0.0, self._now)

    # -- interruptions ------------------------------------------------------------------------------

    def _person_pauses(self) -> None:
        begin, end = self._crew.attend(self._now, self._rng.uniform(2, 30))
        run = self.run
        self._agenda.at(begin, partial(self._pause_if_printing, run, end))
        self._plan_on()

    def _pause_if_printing(self, run: JobRun | None, until_ms: int) -> None:
        if run is not None and self.run is run and self.state is PrinterState.PRINTING:
            self._pause(until_ms, by_person=True)

    def _pause(self, until_ms: int, *, by_person: bool) -> None:
        assert self.run is not None  # noqa: S101 - only called while printing
        self.run.enter(PrinterState.PAUSED, self._now)
        self._enter(PrinterState.PAUSED)
        self.front.paused(by_person=by_person)
        self._at(until_ms, self._lay_down)

    def _runs_out(self, run: JobRun) -> None:
        """The spool is empty: a sensor pauses the print, without one it prints air."""
        if not self.model.filament_sensor:
            self._seen_later(run, "filament ran out")
            return
        _, end = self._crew.attend(self._now, _SPOOL_CHANGE_MINUTES)
        run.spool = self._rack.replace(run.file.filament)
        run.truth.spool = run.spool.name
        self._pause(end, by_person=False)

    def _comes_off(self, run: JobRun) -> None:
        self._seen_later(run, "adhesion")

    def _seen_later(self, run: JobRun, detail: str) -> None:
        """Nothing tells the printer; somebody sees it on a round, if the print lasts so long."""
        begin, _ = self._crew.attend(self._now, _LOOK_MINUTES)
        self._agenda.at(begin, partial(self._cancel_if_running, run, detail))
        self._plan_on()

    def _person_cancels(self, run: JobRun, detail: str | None) -> None:
        begin, _ = self._crew.attend(self._now, _LOOK_MINUTES)
        self._agenda.at(begin, partial(self._cancel_if_running, run, detail))
        self._plan_on()

    def _cancel_if_running(self, run: JobRun, detail: str | None) -> None:
        if self.run is not run or self.state not in (PrinterState.PRINTING, PrinterState.PAUSED):
            return
        self._end_run(Outcome.CANCELLED, by=CancelledBy.PERSON, detail=detail)
        self._heaters_off()
        self._enter(PrinterState.IDLE)
        self.front.job_cancelled()
        self._clear_bed_later()

    def _fail_in(self, run: JobRun, cause: Cause, preparing: bool) -> None:
        wanted = PrinterState.PREPARING if preparing else PrinterState.PRINTING
        if self.run is not run or self.state is not wanted:
            return
        self._end_run(Outcome.FAILED, cause=cause)
        self._heaters_off()
        self._enter(PrinterState.ERROR)
        self.front.job_failed(cause)
        _, end = self._crew.attend(self._now, _RESET_MINUTES)
        self._at(end, self._reset)

    def _reset(self) -> None:
        """A person puts the printer right; it boots, and the bed is cleared meanwhile."""
        self.front.reset()
        self._after(self.front.reset_ms, self._ready_after_reset)

    def _ready_after_reset(self) -> None:
        self._enter(PrinterState.IDLE)
        self.front.board_ready()
        self._after(self._rng.uniform(*self._habits.between_ms), self._bed_cleared)
