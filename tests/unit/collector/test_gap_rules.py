"""Every row of the table of what counts after a gap, played on a printer that stood as the row says."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from collector.adapters import adapters
from collector.adapters._gap_rules import gap_rule
from farm.model.states import PrinterState
from tests.unit.collector.farm import SECOND, T0, Farm, farm

FILE = "vase.gcode"
STAMP = T0 // SECOND
BACK = 200
"""We were away for so many seconds until then."""
AWAY = 20


class Example(NamedTuple):
    """How the printer comes to stand before the gap, what is seen after it, and what that gives.

    `outcome` is that of the one job: None while it is open, `-` where there is none.
    """

    before: Callable[[Farm], None]
    sign: Callable[[Farm], None]
    state: str
    outcome: str | None


def event(printer: Farm, at: float, name: str, **more: object) -> None:
    said = {"path": FILE, "_timestamp": STAMP + int(at)} | more
    printer.hear(at, f"event/{name}", said)


def progress(printer: Farm, at: float, percent: int, path: str = FILE, *, kept_from: float = 0) -> None:
    said = {"progress": percent, "path": path, "_timestamp": STAMP + int(kept_from or at)}
    printer.hear(at, "progress/printing", said, retained=bool(kept_from))


def heaters(printer: Farm, at: float, target: float) -> None:
    for leaf in ("bed", "tool0"):
        said = {"actual": 50 + at % 7, "target": target, "_timestamp": STAMP + int(at)}
        printer.hear(at, f"temperature/{leaf}", said)


def connected(printer: Farm) -> None:
    printer.hear(0, "mqtt", b"connected")
    event(printer, 1, "Connected")


def prints(printer: Farm) -> None:
    connected(printer)
    event(printer, 10, "PrintStarted")
    heaters(printer, 20, 60)
    progress(printer, 60, 40)
    heaters(printer, 179, 60)


def pauses(printer: Farm) -> None:
    prints(printer)
    event(printer, 179, "PrintPaused")


def cold_for_a_minute(printer: Farm) -> None:
    for at in range(BACK + 1, BACK + 70, 5):
        heaters(printer, at, 0)


def hot_for_seconds(printer: Farm) -> None:
    heaters(printer, BACK + 1, 60)
    heaters(printer, BACK + 6, 60)


def progresses_for_seconds(printer: Farm) -> None:
    progress(printer, BACK + 1, 41)
    progress(printer, BACK + 6, 42)


def counts_on(printer: Farm) -> None:
    counts(printer, BACK, BACK + 9)


def klipper(printer: Farm, at: float, **objects: object) -> None:
    printer.hear(at, "klipper/status", {"eventtime": 5_000.0 + at, "status": objects})


def whole(printer: Farm, at: float, state: str, total: float = 0.0) -> None:
    stats = {"filename": FILE, "state": state, "message": "", "filament_used": 0.0}
    stats |= {"total_duration": total, "print_duration": total}
    klipper(printer, at, webhooks={"state": "ready", "state_message": ""}, print_stats=stats)


def counts(printer: Farm, begin: int, end: int) -> None:
    for at in range(begin, end):
        klipper(printer, at, print_stats={"total_duration": at - 10.0, "print_duration": at - 10.0})


def klipper_prints(printer: Farm) -> None:
    printer.hear(0, "moonraker/status", {"server": "online"})
    whole(printer, 1, "standby")
    klipper(printer, 10, print_stats={"filename": FILE, "state": "printing", "total_duration": 0.1})
    counts(printer, 11, BACK - AWAY)


def stands_still(printer: Farm) -> None:
    for at in range(BACK, BACK + 20):
        klipper(printer, at, extruder={"temperature": 200.0 - at % 3})


def native(printer: Farm, at: float, suffix: str, **said: object) -> None:
    printer.hear(at, suffix, {"v": 1, **said}, retained=suffix == "state")


def native_prints(printer: Farm) -> None:
    native(printer, BACK - AWAY, "event", event="job_started", job={"id": "7", "file": FILE})


OVER, NO_JOB = "unknown", "-"
EXAMPLES = {
    ("octoprint", "rests_cold"): Example(connected, lambda p: heaters(p, BACK + 3, 0), "idle", NO_JOB),
    ("octoprint", "ended_cold"): Example(prints, cold_for_a_minute, "idle", OVER),
    ("octoprint", "still_hot"): Example(prints, hot_for_seconds, "printing", None),
    ("octoprint", "paused_hot"): Example(pauses, hot_for_seconds, "paused", None),
    ("octoprint", "progresses"): Example(prints, lambda p: progress(p, BACK + 3, 41), "printing", None),
    ("octoprint", "begun_unseen"): Example(pauses, progresses_for_seconds, "printing", None),
    ("octoprint", "read_through"): Example(
        prints, lambda p: progress(p, BACK + 1, 100, kept_from=BACK - 9), "finished", "succeeded"
    ),
    ("octoprint", "began_anew"): Example(prints, lambda p: progress(p, BACK + 3, 0, ""), "unknown", OVER),
    ("moonraker", "counts_on"): Example(klipper_prints, counts_on, "printing", None),
    ("moonraker", "stands_still"): Example(klipper_prints, stands_still, "unknown", None),
    ("moonraker", "still_prints"): Example(
        klipper_prints, lambda p: whole(p, BACK, "printing", BACK - 10), "printing", None
    ),
    ("moonraker", "rests"): Example(klipper_prints, lambda p: whole(p, BACK, "standby"), "idle", OVER),
    ("moonraker", "has_ended"): Example(
        klipper_prints, lambda p: whole(p, BACK, "complete", 175), "finished", "succeeded"
    ),
    ("native", "kept_state"): Example(
        native_prints,
        lambda p: native(p, BACK, "state", state="printing", job={"id": "7", "file": FILE}),
        "printing",
        None,
    ),
    ("native", "told_event"): Example(
        native_prints,
        lambda p: native(p, BACK, "event", event="job_failed", job={"id": "7", "file": FILE}),
        "error",
        "failed",
    ),
}
ROWS = [(kind, rule.name) for kind, adapter in adapters().items() for rule in adapter.after_gap]


def test_every_row_has_its_example_and_every_example_its_row() -> None:
    assert sorted(ROWS) == sorted(EXAMPLES)


@pytest.mark.parametrize("gap", ["short", "long"])
@pytest.mark.parametrize("row", ROWS, ids="-".join)
def test_what_is_seen_after_a_gap_restores_what_the_row_says(row: tuple[str, str], gap: str) -> None:
    kind, example = row[0], EXAMPLES[row]
    with farm(f"{kind}=farm/{{printer}}", "farm/bay1") as printer:
        example.before(printer)
        (known,) = printer.pipeline.printers()
        if gap == "long":
            known.sessions[0].report_interval.limit_ms = 1
        printer.away(BACK - AWAY, BACK)
        stood = printer.state
        assert (stood == "unknown") is (gap == "long")
        known.sessions[0].report_interval.limit_ms = known.sessions[0].report_interval.stated_ms
        example.sign(printer)
        assert printer.state == example.state
        jobs = printer.jobs
        assert [job.outcome for job in jobs] == ([] if example.outcome == NO_JOB else [example.outcome])
        for job in jobs:
            assert job.ended_ms is None or job.ended_ms <= T0 + (BACK + 1) * SECOND


@pytest.mark.parametrize(
    "row",
    [("moonraker", "rests"), ("moonraker", "has_ended"), ("native", "kept_state"), ("native", "told_event")],
)
def test_what_a_printer_says_itself_counts_whatever_was_known_before(row: tuple[str, str]) -> None:
    kind, name = row
    rules = adapters()[kind].after_gap
    sign = next(rule.sign for rule in rules if rule.name == name)
    for before in (*PrinterState, None):
        found = gap_rule(rules, sign, before)
        assert found is not None
        assert (found.name, found.after_ms) == (name, 0)
