"""The ledger of truth is written, read back, and refused when it is broken."""

import io
from pathlib import Path

import pytest

from farm.errors import TruthError
from farm.model.states import Cause, Outcome, PrinterState
from simulators.truth import GapTruth, Header, JobTruth, PrinterTruth, SpanTruth, TruthBook, read_truth
from tests.unit.simulators.workbench import START_MS

HEADER = Header(
    seed=7,
    scenario="farm",
    faults=["lost"],
    from_ms=START_MS,
    to_ms=START_MS + 60_000,
    printers=[PrinterTruth("bay-1", "native", "Bench 220", "layerline/native/v1/bay-1")],
)
JOB = JobTruth(
    printer="bay-1",
    number=1,
    file="Gehäuse.gcode",
    material="PLA",
    spool="bay-1/PLA-001",
    units=2,
    started_ms=START_MS + 1_000,
    ended_ms=START_MS + 31_000,
    outcome=Outcome.FAILED,
    cause=Cause.THERMAL,
    printing_ms=20_500,
    preparing_ms=9_500,
    expected_ms=25_100,
    filament_mm=120.5,
    filament_g=0.36,
    start_sent=True,
    file_sent=True,
)


def written(*, close: bool = True) -> bytes:
    target = io.BytesIO()
    book = TruthBook(target, HEADER)
    book.open_job(JOB)
    book.span("bay-1", PrinterState.IDLE, START_MS, START_MS + 1_000)
    book.span("bay-1", PrinterState.PRINTING, START_MS + 1_000, START_MS + 1_000)
    book.gap("bay-1", "network", START_MS + 2_000, START_MS + 3_000)
    if close:
        book.close(START_MS + 50_000)
    return target.getvalue()


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    path.write_bytes(written())
    truth = read_truth(path)
    assert truth.header.printers == HEADER.printers
    assert truth.jobs == [JOB]
    assert truth.spans == [SpanTruth("bay-1", PrinterState.IDLE, START_MS, START_MS + 1_000)]
    assert truth.gaps == [GapTruth("bay-1", "network", START_MS + 2_000, START_MS + 3_000)]


def test_a_run_that_ended_early_is_as_long_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    path.write_bytes(written())
    assert read_truth(path).header.to_ms == START_MS + 50_000


def test_times_are_rfc_3339_and_durations_seconds() -> None:
    job = next(line for line in written().splitlines() if b'"kind":"job"' in line)
    assert b'"started_at":"2026-01-05T08:00:01.000Z"' in job
    assert b'"printing_seconds":20.5' in job


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"", "cut off"),
        (b"not json\n", "line 1"),
        (b'{"kind":"job"}\n', "first line must be of kind `run`"),
        (written(close=False), "cut off"),
        (written().replace(b'"v":1', b'"v":9', 1), "version 1 expected"),
        (written().replace(b'"kind":"span"', b'"kind":"spam"'), "unknown kind 'spam'"),
        (written().replace(b'"outcome":"failed"', b'"outcome":"lucky"'), "lucky"),
    ],
)
def test_a_broken_file_is_refused_with_its_reason(text: bytes, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    path.write_bytes(text)
    with pytest.raises(TruthError, match=r"truth\.jsonl") as refused:
        read_truth(path)
    assert complaint in str(refused.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TruthError, match="No such file"):
        read_truth(tmp_path / "none.jsonl")
