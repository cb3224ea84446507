"""What a protocol front end is: it turns what happens to a printer into messages.

One protocol is one file in this folder, found by listing it. A front end knows the printer,
its line to the broker and the clock of its host; it decides on topics, payloads, order,
quality of service and retention, and leaves everything else to them.
"""

import json
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Protocol

import msgspec

from farm.model.states import Cause, PrinterState
from simulators.agenda import Agenda
from simulators.broker import KEEPALIVE_LOSS_MS, Line
from simulators.job_run import JobRun
from simulators.models import PrinterModel
from simulators.thermal import Heater
from simulators.wire import HostClock, Message

LEFTOVER_FILE = "left_over.gcode"
"""What was printed when the software died whose messages the broker has kept."""

OPERATOR = "operator"
"""The account under which the people of a simulated farm work."""


class PrinterBody(Protocol):
    """A printer as a front end sees it."""

    name: str
    model: PrinterModel
    nozzle: Heater
    bed: Heater
    run: JobRun | None
    state: PrinterState


class PrinterSetup(msgspec.Struct, frozen=True, kw_only=True):
    """How the software of one printer is set up.

    `report_ms` is the time between two reports while nothing changes. `prefix` is where its
    topics begin.
    """

    prefix: str
    report_ms: int


class FrontEnd:
    """What all protocols share: the link, the reports, and doing nothing where nothing is said."""

    shows: frozenset[Cause] = frozenset()
    """The causes of failure that this software can have."""
    reset_ms = 5_000
    """How long it takes from a person's reset until the printer is ready."""

    def __init__(
        self,
        printer: PrinterBody,
        setup: PrinterSetup,
        agenda: Agenda,
        line: Line,
        clock: HostClock,
        rng: Random,
    ) -> None:
        self.printer = printer
        self.prefix = setup.prefix
        self._report_ms = setup.report_ms
        self._reports = 0
        self._agenda = agenda
        self._line = line
        self._clock = clock
        self._rng = rng
        line.greet = self.connected

    # -- for the protocols ------------------------------------------------------------------------

    @property
    def now_ms(self) -> int:
        """The present, in milliseconds since 1970."""
        return self._agenda.now_ms

    @property
    def run(self) -> JobRun:
        """The print that a hook is about."""
        run = self.printer.run
        assert run is not None  # noqa: S101 - the hooks that ask come with a print
        return run

    def send(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 0,
        retain: bool = False,
        tells: Callable[[], None] | None = None,
        patient: bool = False,
    ) -> None:
        """Publish below the prefix."""
        self._line.send(Message(f"{self.prefix}/{topic}", payload, qos, retain, tells, patient))

    def later(self, delay_ms: int, action: Callable[[], None]) -> None:
        """Do something in a while, if the host is still up then."""
        self._agenda.after(delay_ms, lambda: action() if self._line.has("host") else None)

    def begin_reports(self) -> None:
        """Start to report at the set interval, out of step with the other printers."""
        first_ms = self._rng.randint(1, self._report_ms)
        self._agenda.after(first_ms, partial(self._report_and_again, self._reports))

    def report_every(self, interval_ms: int) -> None:
        """Report at another interval from now on."""
        self._report_ms = interval_ms
        self._reports += 1
        self.begin_reports()

    def _report_and_again(self, series: int) -> None:
        if series != self._reports:
            return
        if self._line.has("host"):
            self.report()
        self._agenda.after(self._report_ms, partial(self._report_and_again, series))

    # -- what happens to the printer ------------------------------------------------------------------

    def host_started(self) -> None:
        """The host comes up."""
        self._line.regain("host")

    def host_lost(self, *, power: bool) -> None:
        """The host dies: found out at once when only the process died, late when the power is gone."""
        self._line.lose("host", will_after_ms=KEEPALIVE_LOSS_MS if power else self._rng.randint(5, 400))

    def restart_service(self, away_ms: int) -> bool:  # noqa: ARG002 - for those that can
        """The publishing software restarts while the print goes on. False where it cannot."""
        return False

    def connected(self, fresh: bool) -> None:
        """The connection to the broker stands; `fresh` after a start of the host."""

    leftover_file: str | None = None
    """The file that the leftovers say is being printed, None where they tell of no print."""

    def leftovers(self) -> list[Message]:
        """What the broker may have kept from before the run."""
        return []

    def report(self) -> None:
        """The interval has passed: tell what changes steadily."""

    def board_ready(self) -> None:
        """The printer's board answers and stands idle."""

    def job_started(self) -> None:
        """A print begins, with heating up."""

    def heated(self) -> None:
        """Nozzle and bed are hot."""

    def homed(self) -> None:
        """The axes are homed."""

    def printing_begins(self) -> None:
        """The first line is laid down."""

    def paused(self, *, by_person: bool) -> None:
        """The print pauses; not by a person means that the printer asks for filament."""

    def resumed(self) -> None:
        """The print goes on."""

    def job_succeeded(self) -> None:
        """The print is done."""

    def job_cancelled(self) -> None:
        """A person has cancelled the print."""

    def job_failed(self, cause: Cause) -> None:
        """The print failed by a fault that the software sees."""

    def reset(self) -> None:
        """A person puts the printer right after a failure."""

    def bed_cleared(self) -> None:
        """A person has cleared the bed."""

    # -- what others ask of it --------------------------------------------------------------------------

    questions: tuple[str, ...] = ()
    """Topics on which it answers, below its prefix."""

    def answer(self, payload: bytes) -> None:
        """Answer a request that came on one of them."""


def json_text(value: object) -> bytes:
    """JSON with the spaces and escapes of Python's own encoder."""
    return json.dumps(value).encode()
