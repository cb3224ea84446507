"""One print under way: what is done of it, and what is still to come over it."""

from collections.abc import Callable

from farm.model.states import PrinterState
from simulators.jobs import PrintFile
from simulators.layers import PrintPlan
from simulators.material import Spool
from simulators.truth import JobTruth

_ACCOUNTS = {
    PrinterState.PREPARING: "preparing_ms",
    PrinterState.PRINTING: "printing_ms",
    PrinterState.PAUSED: "paused_ms",
}


class JobRun:
    """A print on its printer. Durations in milliseconds, booked to the truth as they pass."""

    def __init__(self, file: PrintFile, plan: PrintPlan, spool: Spool, truth: JobTruth, now_ms: int) -> None:
        self.file = file
        self.plan = plan
        self.spool = spool
        self.truth = truth
        self.started_ms = now_ms
        self.first_line_ms: int | None = None
        self.ended_ms: int | None = None
        self.phase = PrinterState.PREPARING
        self.nozzle_c = file.filament.nozzle_c
        self.bed_c = file.filament.bed_c
        self._since_ms = now_ms
        self._incidents: list[tuple[int, Callable[[], None]]] = []

    @property
    def running(self) -> bool:
        """Whether the print has not ended."""
        return self.ended_ms is None

    def enter(self, phase: PrinterState, now_ms: int) -> None:
        """Go over to preparing, printing or paused, and book what has passed."""
        self.settle(now_ms)
        if phase is PrinterState.PRINTING and self.first_line_ms is None:
            self.first_line_ms = now_ms
        if phase is PrinterState.PAUSED:
            self.truth.pauses += 1
        self.phase = phase

    def settle(self, now_ms: int) -> None:
        """Book the time that has passed to the phase under way."""
        account = _ACCOUNTS[self.phase]
        setattr(self.truth, account, getattr(self.truth, account) + now_ms - self._since_ms)
        self._since_ms = now_ms

    def end(self, now_ms: int) -> None:
        """The print is over; its material comes off the spool."""
        self.settle(now_ms)
        self.ended_ms = self.truth.ended_ms = now_ms
        share = self.plan.share(self.truth.printing_ms)
        self.truth.filament_mm = self.plan.filament_mm * share
        self.truth.filament_g = self.plan.grams * share

    def elapsed_ms(self, now_ms: int) -> int:
        """How long the print has taken, with heat-up and pauses."""
        return (now_ms if self.ended_ms is None else self.ended_ms) - self.started_ms

    def printed_ms(self, now_ms: int) -> int:
        """How long it has really printed."""
        done = self.truth.printing_ms
        if self.phase is PrinterState.PRINTING and self.ended_ms is None:
            done += now_ms - self._since_ms
        return done

    def remaining_ms(self, now_ms: int) -> int:
        """How long it still takes by the slicer's estimate."""
        return max(0, round(self.file.expected_seconds * 1000) - self.printed_ms(now_ms))

    def paused_ms(self, now_ms: int) -> int:
        """How long it has been paused."""
        waited = self.truth.paused_ms
        if self.phase is PrinterState.PAUSED and self.ended_ms is None:
            waited += now_ms - self._since_ms
        return waited

    def share(self, now_ms: int) -> float:
        """How much of it is done, from 0 to 1."""
        return self.plan.share(self.printed_ms(now_ms))

    def layer(self, now_ms: int) -> int:
        """The layer under way, 0 before the first."""
        return 0 if self.first_line_ms is None else self.plan.layer(self.printed_ms(now_ms))

    def filament_mm(self, now_ms: int) -> float:
        """How much filament has gone into it."""
        return self.plan.filament_mm * self.share(now_ms)

    def expect(self, printed_ms: int, incident: Callable[[], None]) -> None:
        """Have something happen after so much printing."""
        self._incidents.append((printed_ms, incident))
        self._incidents.sort(key=lambda entry: entry[0], reverse=True)

    def next_incident(self, end: Callable[[], None]) -> tuple[int, Callable[[], None]]:
        """What comes next and at which printing time; `end` when nothing is left before it."""
        if self._incidents and self._incidents[-1][0] < self.plan.printing_ms:
            return self._incidents.pop()
        return self.plan.printing_ms, end
