"""How long a print takes by its source's own account, and what remains of it, by each protocol."""

import json
from typing import Any

import pytest

from collector.adapters import adapter
from collector.adapters.base import Estimating, Reading
from farm.model.observation import JobReading, JobSignal, Observation
from farm.model.states import PrinterState
from tests.unit.collector.adapters.moonraker import MOONRAKER, Host
from tests.unit.collector.adapters.octoprint import AT, AT_MS, FILE, OCTOPRINT, Instance

NATIVE = adapter("native")


def analysed(instance: Instance, seconds: object, file: str = FILE, at: float = -60) -> Reading | None:
    said = {"path": file, "result": {"estimatedPrintTime": seconds}, "_timestamp": AT + at}
    return instance.read("event/MetadataAnalysisFinished", said)


def progress(
    instance: Instance,
    percent: int,
    at: float,
    estimate: object = None,
    left: object = None,
    file: str = FILE,
) -> tuple[Observation, ...]:
    data = {"job": {"estimatedPrintTime": estimate}, "progress": {"printTimeLeft": left}}
    said = {"progress": percent, "path": file, "_timestamp": AT + at, "printer_data": data}
    reading = instance.read("progress/printing", said)
    assert reading is not None
    return reading.observations


def expectation(at: float, seconds: float, file: str = FILE) -> Observation:
    job = JobReading(file=file, expected_ms=round(seconds * 1_000))
    return Observation(time_ms=AT_MS + round(at * 1_000), level=True, job=job)


# -- OctoPrint ------------------------------------------------------------------------------


def test_a_print_starts_with_the_estimate_of_its_files_analysis() -> None:
    instance = Instance()
    reading = analysed(instance, 919.06)
    assert reading == Reading(AT_MS - 60_000)
    started = instance.event("PrintStarted")
    assert started.signal is JobSignal.STARTED
    assert started.job is not None
    assert started.job.expected_ms == 919_060
    assert progress(instance, 1, 5, estimate=919.06) == ()


def test_the_last_analysis_of_a_file_counts_and_that_of_another_file_does_not() -> None:
    instance = Instance()
    analysed(instance, 100, "other.gcode")
    analysed(instance, 200)
    analysed(instance, 300)
    assert getattr(instance.event("PrintStarted").job, "expected_ms", 0) == 300_000


def test_an_analysis_without_an_estimate_tells_none() -> None:
    instance = Instance()
    analysed(instance, None)
    analysed(instance, 0)
    assert getattr(instance.event("PrintStarted").job, "expected_ms", 0) is None


def test_an_analysis_without_an_estimate_takes_none_away() -> None:
    instance = Instance()
    analysed(instance, 300)
    analysed(instance, None)
    assert getattr(instance.event("PrintStarted").job, "expected_ms", 0) == 300_000


def test_an_analysis_of_no_file_is_of_none() -> None:
    instance = Instance()
    reading = instance.read(
        "event/MetadataAnalysisFinished", {"result": {"estimatedPrintTime": 9}, "_timestamp": AT}
    )
    assert reading == Reading(AT_MS)
    assert instance.memory.estimates == ()


def test_an_analysis_names_the_field_that_it_cannot_be_read_by() -> None:
    reading = analysed(Instance(), "soon")
    assert reading is not None
    assert reading.refused == ("result.estimatedPrintTime is 'soon'",)


def test_only_a_start_bears_the_estimate() -> None:
    instance = Instance()
    analysed(instance, 300)
    instance.event("PrintStarted")
    assert getattr(instance.event("PrintDone", 60).job, "expected_ms", 0) is None


def test_only_the_files_analysed_last_are_kept() -> None:
    instance = Instance()
    analysed(instance, 500)
    for number in range(16):
        analysed(instance, 100 + number, f"{number}.gcode")
    assert len(instance.memory.estimates) == 16
    assert getattr(instance.event("PrintStarted").job, "expected_ms", 0) is None


def test_what_the_plugin_adds_to_the_progress_is_told_once_for_each_print() -> None:
    instance = Instance()
    instance.event("PrintStarted")
    assert progress(instance, 1, 5, estimate=90.5) == (expectation(5, 90.5),)
    assert progress(instance, 2, 6, estimate=91.5) == ()
    instance.event("PrintDone", 60)
    instance.event("PrintStarted", 90)
    assert progress(instance, 0, 91, estimate=92) == (expectation(91, 92),)


def test_a_print_that_is_found_in_its_progress_has_the_estimate_beside_it() -> None:
    under_way = JobReading(file=FILE, progress=0.4)
    found = Observation(time_ms=AT_MS + 5_000, level=True, state=PrinterState.PRINTING, job=under_way)
    assert progress(Instance(), 40, 5, estimate=90.5) == (found, expectation(5, 90.5))


def test_a_progress_that_comes_late_tells_no_estimate() -> None:
    instance = Instance()
    instance.event("PrintStarted")
    instance.event("PrintDone", 60)
    assert progress(instance, 1, 5, estimate=90.5) == ()
    assert instance.memory.estimated is None


def test_octoprint_tells_what_remains_until_the_file_is_read_through() -> None:
    instance = Instance()
    instance.event("PrintStarted")
    progress(instance, 40, 5, estimate=90, left=54)
    assert OCTOPRINT.telemetry(instance.memory).remaining_s == 54
    progress(instance, 41, 6)
    assert OCTOPRINT.telemetry(instance.memory).remaining_s is None
    progress(instance, 99, 80, left=3)
    progress(instance, 100, 90, left=1)
    assert OCTOPRINT.telemetry(instance.memory).remaining_s is None


def test_what_remained_of_the_print_before_is_not_this_ones() -> None:
    instance = Instance()
    progress(instance, 40, 5, left=54)
    instance.event("PrintStarted", 10)
    assert OCTOPRINT.telemetry(instance.memory).remaining_s is None


# -- Moonraker ------------------------------------------------------------------------------


def test_moonraker_is_asked_what_it_found_in_the_file_under_way() -> None:
    host = Host()
    assert isinstance(MOONRAKER, Estimating)
    assert MOONRAKER.question_of_estimate(host.memory, 7) is None
    host.print()
    question = MOONRAKER.question_of_estimate(host.memory, 7)
    assert question is not None
    assert question.suffix == "moonraker/api/request"
    assert json.loads(question.payload) == {
        "jsonrpc": "2.0",
        "method": "server.files.metadata",
        "params": {"filename": FILE},
        "id": 7,
    }


def answer(host: Host, result: dict[str, Any]) -> Reading | None:
    return host.read("moonraker/api/response", {"jsonrpc": "2.0", "id": 7, "result": result})


def test_its_answer_is_the_estimate_of_that_file() -> None:
    host = Host()
    told = answer(host, {"filename": FILE, "estimated_time": 70, "size": 6_318})
    job = JobReading(file=FILE, expected_ms=70_000)
    assert told == Reading(None, (Observation(level=True, job=job),))


@pytest.mark.parametrize(
    "result", [{"estimated_time": 70}, {"filename": FILE, "estimated_time": None}, {"filename": FILE}]
)
def test_an_answer_without_file_or_estimate_tells_nothing(result: dict[str, Any]) -> None:
    told = answer(Host(), result)
    assert told is None or told.observations == ()


def test_a_row_of_the_history_has_the_estimate_of_its_file() -> None:
    row = {"job_id": "1", "filename": FILE, "status": "in_progress", "start_time": AT}
    for metadata, expected in (({"estimated_time": 70}, 70_000), ({}, None), (None, None)):
        told = answer(Host(), {"jobs": [row | {"metadata": metadata}]})
        assert told is not None
        assert [each.expected_ms for each in told.observations[0].history] == [expected]


# -- our own JSON ---------------------------------------------------------------------------


def native(memory: Any, suffix: str, word: str, **job: object) -> Observation:
    key = "event" if suffix == "event" else "state"
    said = {"v": 1, key: word, "job": {"id": "a1", "file": FILE} | job}
    reading = NATIVE.read(memory, suffix, json.dumps(said).encode(), False)
    assert reading is not None
    return reading.observations[0]


def remaining(memory: Any) -> float | None:
    return NATIVE.telemetry(memory).remaining_s


def test_our_own_json_says_how_long_a_print_takes_and_what_remains() -> None:
    memory = NATIVE.new_memory()
    seen = native(memory, "state", "printing", expected_seconds=150.5, remaining_seconds=90)
    assert (seen.state, seen.job and seen.job.expected_ms) == (PrinterState.PRINTING, 150_500)
    assert remaining(memory) == 90
    NATIVE.read(memory, "telemetry", b'{"v": 1, "remaining_seconds": 60}', False)
    native(memory, "event", "job_paused")
    assert remaining(memory) == 60


@pytest.mark.parametrize(
    ("suffix", "word", "job"),
    [
        ("event", "job_succeeded", {"remaining_seconds": 5}),
        ("state", "idle", {"remaining_seconds": 5}),
        ("state", "printing", {"id": "a2"}),
        ("event", "job_started", {"id": "a2"}),
    ],
)
def test_what_remained_is_void_with_the_end_and_with_another_print(
    suffix: str, word: str, job: dict[str, object]
) -> None:
    memory = NATIVE.new_memory()
    native(memory, "state", "printing", remaining_seconds=90)
    native(memory, suffix, word, **job)
    assert remaining(memory) is None


def test_an_estimate_of_nothing_or_of_centuries_is_none() -> None:
    for seconds in (0, 1e9):
        seen = native(NATIVE.new_memory(), "state", "printing", expected_seconds=seconds)
        assert seen.job is not None
        assert seen.job.expected_ms is None
