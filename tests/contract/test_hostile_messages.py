"""No message stops the collector, whatever it holds, and none takes another job with it."""

import json
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest

from collector.canonical import topics
from collector.intake.pipeline import Pipeline
from collector.intake.sources import SourceTable
from collector.settings import parse_source
from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger import Ledger, open_ledger
from farm.model.job import Job
from farm.model.job_record import job_record
from tests.good_jobs import GOOD, SECOND
from tests.hostile import HOSTILE, T0, Hostile

PLACE = "{printer}"
REASONS = frozenset(
    re.findall(
        r"^\| `(\w+)` \|", (Path(__file__).parents[2] / "docs/adapters/README.md").read_text(), re.MULTILINE
    )
)
FIRST_MS, LAST_MS = 1_420_070_400_000, 4_102_444_800_000


def a_pipeline(ledger: Ledger, adapter: str) -> Pipeline:
    return Pipeline(ledger, SourceTable([parse_source(f"{adapter}=farm/{PLACE}")]))


def tell(pipeline: Pipeline, adapter: str, printer: str, file: str, begin: float, end: float) -> None:
    """A whole print, told as it happens."""
    for at, suffix, payload in GOOD[adapter](file, begin, end):
        pipeline.take(f"farm/{printer}/{suffix}", payload, False, T0 + round(at * SECOND))


def by_field(adapter: str) -> Iterator[tuple[str, list[Hostile]]]:
    """The hostile messages, those about one field for one printer."""
    fields = groupby(HOSTILE[adapter](), key=lambda one: one.wrong.rpartition(": ")[0])
    for number, (_, group) in enumerate(fields):
        yield f"p{number}", list(group)


def attack(ledger: Ledger, adapter: str) -> set[str]:
    """Every hostile message between two good prints of its printer, each committed by itself."""
    pipeline = a_pipeline(ledger, adapter)
    attacked = set()
    for printer, group in by_field(adapter):
        attacked.add(printer)
        tell(pipeline, adapter, printer, "before.gcode", 10, 100)
        pipeline.commit(T0 + 150 * SECOND)
        for one in group:
            try:
                pipeline.take(f"farm/{printer}/{one.suffix}", one.payload, one.retained, T0 + 200 * SECOND)
                pipeline.commit(T0 + 200 * SECOND)
            except Exception as error:
                error.add_note(f"{adapter}, {one.wrong}")
                raise
        tell(pipeline, adapter, printer, "after.gcode", 400, 500)
        pipeline.commit(T0 + 600 * SECOND)
    return attacked


def assert_within_limits(job: Job) -> None:
    assert job.ended_ms is None or FIRST_MS < job.ended_ms < LAST_MS
    assert job.started_ms is None or FIRST_MS < job.started_ms < LAST_MS
    assert len(job.file or "") <= 512
    assert 0 <= job.units <= 1_000_000
    json.dumps(job_record(job, "printer"), ensure_ascii=False).encode()


def assert_told_again(ledger: Ledger, adapter: str, printers: set[str]) -> None:
    """What stands in the ledger can be gone on with and told."""
    again = a_pipeline(ledger, adapter)
    assert {printer.row.name for printer in again.printers()} == printers
    for printer in again.printers():
        topics("main", printer)
    assert len(ledger.statuses()) == len(printers)


@pytest.mark.parametrize("adapter", HOSTILE)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_every_field_in_every_wrong_way_leaves_the_printers_other_jobs_right(
    request: pytest.FixtureRequest, database: str, adapter: str
) -> None:
    url = "sqlite://" if database == "sqlite" else request.getfixturevalue("postgresql_url")
    with open_ledger(url) as ledger:
        ledger.claim("test", "test", simulated=True, now_ms=0)
        attacked = attack(ledger, adapter)
        names = {printer.id: printer.name for printer in ledger.printers()}
        good = set()
        for job in ledger.jobs(JobFilter(limit=100_000)).jobs:
            assert_within_limits(job)
            if job.file in ("before.gcode", "after.gcode"):
                good.add((names[job.printer_id], job.file, job.outcome, job.started_ms, job.ended_ms))
        wanted = {
            (printer, file, "succeeded", T0 + begin * SECOND, T0 + end * SECOND)
            for printer in attacked
            for file, begin, end in (("before.gcode", 10, 100), ("after.gcode", 400, 500))
        }
        assert good == wanted
        assert {fault.reason for fault in ledger.faults()} <= REASONS
        assert_told_again(ledger, adapter, attacked)
