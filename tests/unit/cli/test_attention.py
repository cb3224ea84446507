"""Who needs hands, in the order of urgency."""

from api.schemas import JobUnderWay, PrinterStatusRecord, Readings
from farm.cli.attention import LONG_MS, needing_hands
from farm.model.states import PrinterState
from farm.model.times import rfc3339

NOW_MS = 1_795_340_467_250
JOB = JobUnderWay(
    id="5f0f1c9a-2a60-5a0c-8f8e-1c2d3e4f5a6b",
    file="a.gcode",
    started_at=None,
    progress=None,
    elapsed_seconds=None,
    time_left_seconds=None,
    material=None,
    operator=None,
    units=1,
)
NOTHING_READ = Readings(
    nozzle=None, nozzle_target=None, bed=None, bed_target=None, chamber=None, layer=None, layers=None
)


def printer(
    name: str, state: PrinterState, *, printing: bool = False, for_ms: int = 1000
) -> PrinterStatusRecord:
    return PrinterStatusRecord(
        id="00000000-0000-5000-8000-000000000001",
        name=name,
        group=None,
        model=None,
        site="main",
        adapter="octoprint",
        state=state,
        since=rfc3339(NOW_MS - for_ms),
        source="observed",
        observed=True,
        heard_at=rfc3339(NOW_MS),
        job=JOB if printing else None,
        readings=NOTHING_READ,
        failed_streak=0,
    )


def test_the_most_urgent_comes_first_and_of_two_the_one_that_waits_longest() -> None:
    farm = [
        printer("waiting", PrinterState.FINISHED),
        printer("waiting longer", PrinterState.FINISHED, for_ms=9000),
        printer("paused", PrinterState.PAUSED, printing=True),
        printer("lost", PrinterState.OFFLINE, printing=True),
        printer("unheard", PrinterState.UNKNOWN, printing=True),
        printer("hanging", PrinterState.IDLE, printing=True),
        printer("long unknown", PrinterState.UNKNOWN, for_ms=LONG_MS + 1),
        printer("broken", PrinterState.ERROR),
    ]
    assert [each.printer.name for each in needing_hands(farm, NOW_MS)] == [
        "broken",
        "lost",
        "paused",
        "unheard",
        "waiting longer",
        "waiting",
        "hanging",
        "long unknown",
    ]


def test_a_printer_at_work_or_at_rest_needs_nobody() -> None:
    farm = [
        printer("printing", PrinterState.PRINTING, printing=True),
        printer("preparing", PrinterState.PREPARING, printing=True),
        printer("idle", PrinterState.IDLE),
        printer("switched off", PrinterState.OFFLINE),
        printer("serviced", PrinterState.MAINTENANCE),
        printer("just met", PrinterState.UNKNOWN, for_ms=LONG_MS),
    ]
    assert needing_hands(farm, NOW_MS) == []
