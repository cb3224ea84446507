"""A printer's history settles every unknown job in its reach, and tells of those that were missed."""

import itertools
from collections.abc import Iterator

import pytest

from farm.model.job import Job
from tests.unit.collector.farm import SECOND, T0, Farm, farm

BOOT = 1000.0
MINUTE = 60


@pytest.fixture
def printer() -> Iterator[Farm]:
    with farm("moonraker:k1=k1", "k1") as found:
        yield found


def status(printer: Farm, at: float, **stats: object) -> None:
    printer.hear(at, "klipper/status", {"eventtime": BOOT + at, "status": {"print_stats": stats}})


def at_rest(printer: Farm, at: float) -> None:
    status(printer, at, state="standby", filename="", message="", filament_used=0, total_duration=0)


def begin(printer: Farm, at: float, file: str) -> None:
    status(printer, at, state="printing", filename=file, total_duration=0.1, print_duration=0.0)


def run(printer: Farm, since: float, until: float, began: float) -> None:
    for at in range(round(since), round(until), 10):
        status(printer, at, total_duration=at - began, print_duration=at - began - 5)


def lose(printer: Farm, at: float, until: float) -> None:
    printer.hear(at, "moonraker/status", {"server": "offline"})
    printer.hear(until, "moonraker/status", {"server": "online"})


def row(number: int, file: str, word: str, began: float, ended: float) -> dict[str, object]:
    return {
        "job_id": f"{number:06X}",
        "filename": file,
        "status": word,
        "start_time": T0 / SECOND + began,
        "end_time": T0 / SECOND + ended,
        "print_duration": ended - began - 5,
        "total_duration": ended - began,
        "filament_used": 10.0 * number,
    }


ROWS = [
    row(1, "one.gcode", "completed", 60, 180),
    row(2, "two.gcode", "error", 240, 380),
    row(3, "three.gcode", "cancelled", 500, 560),
    row(4, "four.gcode", "completed", 660, 800),
    row(5, "five.gcode", "completed", 960, 1080),
]


def answer(printer: Farm, at: float, rows: list[dict[str, object]]) -> None:
    said = {"jsonrpc": "2.0", "result": {"count": len(rows), "jobs": rows}, "id": 8}
    printer.hear(at, "moonraker/api/response", said)


def day(printer: Farm) -> None:
    """Five prints: the ends of the second and the fourth are not heard, nothing of the third is."""
    at_rest(printer, 10)
    for file, began, ended in (("one.gcode", 60, 180), ("two.gcode", 240, 300)):
        begin(printer, began, file)
        run(printer, began + 10, ended, began)
        if file == "one.gcode":
            status(printer, 180, state="complete", total_duration=120.0, print_duration=115.0)
    lose(printer, 300, 600)
    at_rest(printer, 601)
    begin(printer, 660, "four.gcode")
    run(printer, 670, 700, 660)
    lose(printer, 700, 900)
    at_rest(printer, 901)
    begin(printer, 960, "five.gcode")
    run(printer, 970, 1080, 960)
    status(printer, 1080, state="complete", total_duration=120.0, print_duration=115.0)


def outcomes(jobs: list[Job]) -> list[tuple[str | None, str | None]]:
    ordered = sorted(jobs, key=lambda job: job.started_ms or 0)
    return [((job.file or "").removesuffix(".gcode"), job.outcome) for job in ordered]


def test_one_answer_settles_all_unknown_jobs_and_tells_of_the_missed_one(printer: Farm) -> None:
    day(printer)
    before = {job.file: job for job in printer.jobs}
    assert outcomes(printer.jobs) == [
        ("one", "succeeded"),
        ("two", "unknown"),
        ("four", "unknown"),
        ("five", "succeeded"),
    ]
    answer(printer, 1100, ROWS)
    after = {job.file: job for job in printer.jobs}
    assert outcomes(printer.jobs) == [
        ("one", "succeeded"),
        ("two", "failed"),
        ("three", "cancelled"),
        ("four", "succeeded"),
        ("five", "succeeded"),
    ]
    for earlier, later in itertools.pairwise(sorted(after.values(), key=lambda job: job.started_ms or 0)):
        assert (earlier.ended_ms or 0) <= (later.started_ms or 0)
    for file in ("one.gcode", "five.gcode"):
        assert after[file] == before[file]
    for file, ended in (("two.gcode", 380), ("four.gcode", 800)):
        assert (after[file].id, after[file].ended_ms) == (before[file].id, T0 + ended * SECOND)
        revision = printer.ledger.revisions(after[file].id)[-1]
        assert (revision.who, revision.why) == ("collector", "the printer's history")


def test_the_hours_stay_what_they_were_for_us(printer: Farm) -> None:
    day(printer)
    printer.wait(1100)
    before = {state: printer.seconds(state) for state in ("printing", "unknown", "offline", "idle")}
    answer(printer, 1100, ROWS)
    assert {state: printer.seconds(state) for state in before} == before


def test_the_same_answer_again_changes_nothing(printer: Farm) -> None:
    day(printer)
    answer(printer, 1100, ROWS)
    jobs, head = printer.jobs, printer.ledger.feed_head()
    answer(printer, 1101, ROWS)
    assert (printer.jobs, printer.ledger.feed_head()) == (jobs, head)


def test_a_history_that_does_not_know_either_changes_nothing(printer: Farm) -> None:
    day(printer)
    jobs, head = printer.jobs, printer.ledger.feed_head()
    answer(printer, 1100, [each | {"status": "interrupted"} for each in ROWS])
    assert (printer.jobs, printer.ledger.feed_head()) == (jobs, head)


def test_what_the_history_settled_stays_when_late_evidence_comes(printer: Farm) -> None:
    day(printer)
    answer(printer, 1100, ROWS)
    before = outcomes(printer.jobs)
    status(printer, 1110, state="standby", filename="")
    status(printer, 1115, state="printing", filename="six.gcode", total_duration=0.1)
    assert outcomes(printer.jobs) == [*before, ("six", None)]
