"""No message stops the collector, whatever it holds, and none takes another job with it."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby, zip_longest
from pathlib import Path

import pytest
from paho.mqtt.client import topic_matches_sub

from collector.adapters import adapter, adapters
from collector.adapters._klipper_status import STATUS_FIELDS
from collector.adapters.base import Fields
from collector.canonical import topics
from collector.intake.pipeline import Pipeline
from collector.intake.sources import SourceTable
from collector.settings import parse_source
from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger import Ledger, open_ledger
from farm.model.job import Job
from farm.model.job_record import job_record
from tests.good_jobs import GOOD, SECOND
from tests.hostile import SHELLS, T0, Hostile, hostile

PLACE = "{printer}"
REASONS = frozenset(
    re.findall(
        r"^\| `(\w+)` \|", (Path(__file__).parents[2] / "docs/adapters/README.md").read_text(), re.MULTILINE
    )
)
FIRST_MS, LAST_MS = 1_420_070_400_000, 4_102_444_800_000


def a_pipeline(ledger: Ledger, kind: str) -> Pipeline:
    return Pipeline(ledger, SourceTable([parse_source(f"{kind}=farm/{PLACE}")]))


def tell(pipeline: Pipeline, kind: str, printer: str, file: str, begin: float, end: float) -> None:
    """A whole print, told as it happens."""
    for at, suffix, payload in GOOD[kind](file, begin, end):
        pipeline.take(f"farm/{printer}/{suffix}", payload, False, T0 + round(at * SECOND))


def by_field(kind: str) -> dict[str, list[Hostile]]:
    """The hostile messages by printer: those about one field for one."""
    fields = groupby(hostile(kind), key=lambda one: one.field)
    return {f"p{number}": list(group) for number, (_, group) in enumerate(fields)}


def rounds(kind: str) -> Iterator[list[tuple[str, Hostile]]]:
    """All hostile messages, at each turn one for every printer."""
    fields = by_field(kind)
    for turn in zip_longest(*fields.values()):
        yield [(printer, one) for printer, one in zip(fields, turn, strict=True) if one is not None]


def attack(ledger: Ledger, kind: str) -> set[str]:
    """Every hostile message between two good prints of its printer, committed as the printer's only one."""
    pipeline = a_pipeline(ledger, kind)
    attacked = list(by_field(kind))
    for printer in attacked:
        tell(pipeline, kind, printer, "before.gcode", 10, 100)
    pipeline.commit(T0 + 150 * SECOND)
    for turn in rounds(kind):
        for printer, one in turn:
            with named(kind, [one]):
                pipeline.take(f"farm/{printer}/{one.suffix}", one.payload, one.retained, T0 + 200 * SECOND)
        with named(kind, [one for _, one in turn]):
            pipeline.commit(T0 + 200 * SECOND)
    for printer in attacked:
        tell(pipeline, kind, printer, "after.gcode", 400, 500)
    pipeline.commit(T0 + 600 * SECOND)
    return set(attacked)


@contextmanager
def named(kind: str, messages: list[Hostile]) -> Iterator[None]:
    """An exception says which messages it came with."""
    try:
        yield
    except Exception as error:
        error.add_note("\n".join(f"{kind}, {one.field}: {one.wrong}" for one in messages))
        raise


def assert_within_limits(job: Job) -> None:
    assert job.ended_ms is None or FIRST_MS < job.ended_ms < LAST_MS
    assert job.started_ms is None or FIRST_MS < job.started_ms < LAST_MS
    assert len(job.file or "") <= 512
    assert 0 <= job.units <= 1_000_000
    json.dumps(job_record(job, "printer"), ensure_ascii=False).encode()


def assert_told_again(ledger: Ledger, kind: str, printers: set[str]) -> None:
    """What stands in the ledger can be gone on with and told."""
    again = a_pipeline(ledger, kind)
    assert {printer.row.name for printer in again.printers()} == printers
    for printer in again.printers():
        topics("main", printer)
    assert len(ledger.statuses()) == len(printers)


def paths(fields: Fields, before: str = "") -> Iterator[str]:
    """Every field that is read, those within others too."""
    for name, inner in fields.items():
        yield f"{before}{name}"
        yield from paths(inner or {}, f"{before}{name}.")


@pytest.mark.parametrize("kind", adapters())
def test_every_field_of_every_topic_that_an_adapter_reads_is_attacked(kind: str) -> None:
    attacked: dict[str, set[str]] = defaultdict(set)
    for one in hostile(kind):
        attacked[one.suffix].add(one.field.partition(": ")[2])
    reads = adapter(kind)
    for suffix, fields in attacked.items():
        if fields != {""}:
            assert fields == {"", *paths(reads.recorded_fields(suffix))}, suffix
    for topic in reads.suffixes:
        assert any(topic_matches_sub(topic, suffix) for suffix in attacked), topic
    split = {f"klipper/state/{name}/{field}" for name, kept in STATUS_FIELDS.items() for field in kept or ()}
    assert kind != "moonraker" or split <= set(attacked)


@pytest.mark.parametrize("kind", SHELLS)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_every_field_in_every_wrong_way_leaves_the_printers_other_jobs_right(
    request: pytest.FixtureRequest, database: str, kind: str
) -> None:
    url = "sqlite://" if database == "sqlite" else request.getfixturevalue("postgresql_url")
    with open_ledger(url) as ledger:
        ledger.claim("test", "test", simulated=True, now_ms=0)
        attacked = attack(ledger, kind)
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
        assert {fault.reason for fault in ledger.faults()} <= REASONS - {"internal_error"}
        assert_told_again(ledger, kind, attacked)
