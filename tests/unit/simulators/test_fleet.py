"""A farm under way: its truth adds up, repeats, and holds what was put into it."""

import io
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

from farm.model.states import ACTIVE_STATES, CancelledBy, Cause, Outcome, PrinterState
from farm.model.times import DAY_MS, HOUR_MS, MINUTE_MS
from simulators.faults import FAULTS
from simulators.fleet import Fleet, SimulatedRun
from simulators.scenario import Scenario
from simulators.truth import JobTruth, Truth, read_truth
from tests.unit.simulators.workbench import START_MS, one_printer, play

ALL_FAULTS = frozenset(FAULTS)
BUSY = (PrinterState.PRINTING, PrinterState.PREPARING, PrinterState.PAUSED)


def farm(seed: int, faults: frozenset[str] = ALL_FAULTS, printers: int = 12) -> tuple[bytes, bytes]:
    """Everything that a farm said in a day, and the ledger of truth."""
    said = io.BytesIO()
    truth = io.BytesIO()
    scenario = Scenario.model_validate({"seed": seed, "farm": {"printers": printers, "report_seconds": 300}})

    def deliver(at_ms: int, kept: bool, message: object) -> None:
        said.write(f"{at_ms} {kept} {tuple(message)[:4]!r}\n".encode())  # type: ignore[arg-type]

    fleet = Fleet(
        SimulatedRun(scenario=scenario, faults=faults, from_ms=START_MS, to_ms=START_MS + DAY_MS),
        deliver,
        truth,
    )
    fleet.run_until(fleet.run.to_ms)
    fleet.close()
    return said.getvalue(), truth.getvalue()


def read(truth: bytes, folder: Path) -> Truth:
    path = folder / "truth.jsonl"
    path.write_bytes(truth)
    return read_truth(path)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    return read(farm(7)[1], tmp_path_factory.mktemp("day"))


def test_the_same_seed_gives_the_same_run_to_the_byte() -> None:
    assert farm(7) == farm(7)


def test_another_seed_gives_another_run() -> None:
    assert farm(7)[1] != farm(8)[1]


def physical(truth: Truth) -> list[tuple[object, ...]]:
    return [(j.printer, j.file, j.started_ms, j.ended_ms, j.outcome, j.cause) for j in in_the_run(truth)]


def in_the_run(truth: Truth) -> list[JobTruth]:
    """The jobs without those from before the run, of which leftovers tell."""
    return [job for job in truth.jobs if job.number > 0]


def test_faults_of_the_network_change_what_is_heard_and_not_what_happens(day: Truth, tmp_path: Path) -> None:
    assert physical(read(farm(7, frozenset())[1], tmp_path)) == physical(day)


def test_without_faults_every_start_and_every_told_end_reaches_the_broker(tmp_path: Path) -> None:
    truth = read(farm(7, frozenset())[1], tmp_path)
    for job in truth.jobs:
        assert job.start_sent
        assert job.file_sent
        told = job.outcome is not None and job.cause not in (Cause.HOST, Cause.POWER)
        assert job.end_sent == told


def test_the_spans_of_a_printer_have_neither_holes_nor_overlaps(day: Truth) -> None:
    spans = defaultdict(list)
    for span in day.spans:
        spans[span.printer].append(span)
    assert len(spans) == len(day.header.printers)
    for mine in spans.values():
        assert mine[0].from_ms == day.header.from_ms
        assert mine[-1].to_ms == day.header.to_ms
        for before, after in pairwise(mine):
            assert before.to_ms == after.from_ms
            assert before.state is not after.state


def test_the_hours_of_the_jobs_are_the_hours_of_the_spans(day: Truth) -> None:
    spent: Counter[tuple[str, PrinterState]] = Counter()
    for span in day.spans:
        if span.state in ACTIVE_STATES:
            spent[span.printer, span.state] += span.to_ms - span.from_ms
    booked: Counter[tuple[str, PrinterState]] = Counter()
    for job in in_the_run(day):
        booked[job.printer, PrinterState.PRINTING] += job.printing_ms
        booked[job.printer, PrinterState.PREPARING] += job.preparing_ms
        booked[job.printer, PrinterState.PAUSED] += job.paused_ms
    assert {key: ms for key, ms in booked.items() if ms} == spent


def test_a_job_takes_as_long_as_its_parts(day: Truth) -> None:
    for job in in_the_run(day):
        if job.ended_ms is not None:
            parts = job.printing_ms + job.preparing_ms + job.paused_ms
            assert job.ended_ms - job.started_ms == parts
            assert (job.pauses == 0) == (job.paused_ms == 0)


def test_the_jobs_of_a_printer_follow_each_other(day: Truth) -> None:
    jobs = defaultdict(list)
    for job in in_the_run(day):
        jobs[job.printer].append(job)
    for mine in jobs.values():
        assert [job.number for job in mine] == list(range(1, len(mine) + 1))
        for before, after in pairwise(mine):
            assert before.ended_ms is not None
            assert before.ended_ms <= after.started_ms


def test_only_failures_have_a_cause_and_only_cancels_somebody_who_cancelled(day: Truth) -> None:
    for job in in_the_run(day):
        assert (job.cause is not None) == (job.outcome is Outcome.FAILED)
        assert (job.cancelled_by is not None) == (job.outcome is Outcome.CANCELLED)


def first_job(**changes: object) -> JobTruth:
    return play(one_printer("native", **changes)).fleet.book.jobs[0]


def test_a_leftover_print_is_a_true_one_that_ended_before_the_run(day: Truth) -> None:
    before = [job for job in day.jobs if job.number == 0]
    assert before
    for job in before:
        assert job.ended_ms is not None
        assert job.ended_ms < day.header.from_ms
        assert (job.outcome, job.start_sent, job.end_sent) == (Outcome.FAILED, False, False)


def test_a_print_heats_before_it_prints_and_uses_up_its_material() -> None:
    job = first_job()
    assert job.outcome is Outcome.SUCCEEDED
    assert job.preparing_ms > 5_000
    assert job.printing_ms == 2 * MINUTE_MS
    assert job.filament_g == pytest.approx(4.0)
    assert job.filament_mm > 1_000
    assert job.units == 4


def test_lost_adhesion_is_seen_later_and_cancelled_by_a_person() -> None:
    job = first_job(printer__first_failures=["adhesion"])
    assert job.outcome is Outcome.CANCELLED
    assert job.cancelled_by is CancelledBy.PERSON
    assert job.detail == "adhesion"


def test_a_dying_host_fails_the_print_and_tells_no_end() -> None:
    job = first_job(printer__host_down_minutes=[[1.5, 2.0]])
    assert (job.outcome, job.cause) == (Outcome.FAILED, Cause.HOST)
    assert job.start_sent
    assert not job.end_sent


@pytest.mark.parametrize(("model", "paused"), [("Workhorse 250", True), ("Bench 220", False)])
def test_an_empty_spool_pauses_a_printer_with_a_sensor_and_lets_the_others_print_air(
    model: str, paused: bool
) -> None:
    scenario = one_printer("native", printer__model=model, jobs__foresight=0)
    heavy = scenario.files[0].model_copy(update={"grams": 1100.0, "minutes": 4.0})
    run = play(scenario.model_copy(update={"files": (heavy,)}), minutes=9)
    job = run.fleet.book.jobs[0]
    assert (job.pauses > 0) == paused
    assert job.outcome is (Outcome.SUCCEEDED if paused else Outcome.CANCELLED)
    assert job.detail == (None if paused else "filament ran out")


def test_a_file_that_must_be_refused_fails_at_its_place_every_time() -> None:
    scenario = one_printer("moonraker", printer__plays=["parts/clip_x4.gcode"] * 3)
    bad = scenario.files[0].model_copy(update={"refused_at": 0.5})
    jobs = play(scenario.model_copy(update={"files": (bad,)}), minutes=12).fleet.book.jobs[:3]
    assert [job.cause for job in jobs] == [Cause.FILE] * 3
    assert {job.printing_ms for job in jobs} == {MINUTE_MS}


def test_a_bed_that_nobody_clears_keeps_the_printer_from_its_next_print() -> None:
    jobs = play(one_printer("native", printer__neglected_minutes=30), minutes=40).fleet.book.jobs
    assert jobs[0].ended_ms is not None
    assert jobs[1].started_ms - jobs[0].ended_ms > 30 * MINUTE_MS


def test_nobody_starts_a_print_while_nobody_is_there(day: Truth) -> None:
    for job in in_the_run(day):
        hour = (job.started_ms - START_MS + 8 * HOUR_MS) // HOUR_MS % 24
        assert 6 <= hour < 23


def test_a_printer_is_serviced_after_so_many_hours_of_printing() -> None:
    states = {
        line.split(b'"state":"')[1].split(b'"')[0]
        for line in play(one_printer("native", jobs__service_hours=0.03), minutes=20).truth.splitlines()
        if b'"state":"' in line
    }
    assert b"maintenance" in states


def test_bad_printers_files_and_spools_can_be_found_again() -> None:
    truth = io.BytesIO()
    scenario = Scenario.model_validate(
        {
            "seed": 4,
            "farm": {"printers": 20, "report_seconds": 3600},
            "jobs": {"files": 20, "minutes": [30, 200], "bad_file_share": 0, "refused_file_share": 0},
            "failures": {"bad_printer_share": 0, "jobs": {"thermal": 4, "connection": 4}},
            "printers": [{"name": "weak", "protocol": "octoprint", "trouble": {"thermal": 40}}],
        }
    )
    run = SimulatedRun(scenario=scenario, faults=frozenset(), from_ms=START_MS, to_ms=START_MS + 14 * DAY_MS)
    fleet = Fleet(run, lambda *_: None, truth)
    fleet.run_until(run.to_ms)
    thermal: Counter[str] = Counter()
    ended: Counter[str] = Counter()
    for job in fleet.book.jobs:
        ended[job.printer] += 1
        thermal[job.printer] += job.cause is Cause.THERMAL
    rates = {name: thermal[name] / ended[name] for name in ended}
    assert max(rates, key=lambda name: rates[name]) == "weak"
    assert rates["weak"] > 4 * sum(rates.values()) / len(rates)
