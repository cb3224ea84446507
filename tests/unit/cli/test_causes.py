"""`layerline causes` over a ledger: what is counted, what is found, and how it is told."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from farm.cli.root import app
from farm.ledger.batch import Batch
from farm.ledger.ledger import Ledger, open_ledger
from farm.ledger.verdict_store import VerdictStore
from farm.model.clock import system_clock
from farm.model.job import Job
from farm.model.states import Outcome, RejectionReason
from farm.model.times import DAY_MS, HOUR_MS
from farm.model.verdict import Inspection
from tests.contract.ledger_samples import SHARD, a_printer, an_id

NOW_MS = system_clock()
FAILED = {"bay-03": range(20), "bay-04": range(5)}
"""The prints of each printer that failed, of forty."""


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Ledger]:
    (tmp_path / "layerline.toml").write_text('[site]\ntime_zone = "Europe/Berlin"\n', "utf-8")
    with open_ledger(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        ledger.claim(SHARD, "the test", simulated=False, now_ms=NOW_MS)
        printers = [a_printer(name, first_seen_ms=NOW_MS - 9 * DAY_MS, group=name[-1]) for name in FAILED]
        jobs = [a_print(name, n, failed=n in failed) for name, failed in FAILED.items() for n in range(40)]
        ledger.commit(Batch(printers=printers, jobs=jobs, booked_until_ms=NOW_MS))
        yield ledger


def a_print(printer: str, number: int, *, failed: bool, ago_ms: int = DAY_MS, **facts: Any) -> Job:
    """They all begin in one hour of the day, whenever the test runs."""
    ended_ms = NOW_MS - ago_ms - number
    return Job(
        id=an_id(f"{printer} {number} {ago_ms}"),
        printer_id=an_id(printer),
        started_ms=(NOW_MS // HOUR_MS - 2) * HOUR_MS - ago_ms // DAY_MS * DAY_MS,
        ended_ms=ended_ms,
        **({"file": "same.gcode", "outcome": Outcome.FAILED if failed else Outcome.SUCCEEDED} | facts),
    )


def run(folder: Path, *arguments: str) -> str:
    configured = ("--config", str(folder / "layerline.toml"), "--data", str(folder))
    done = CliRunner().invoke(app, ["causes", *arguments, *configured], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_what_fails_too_often_is_told_in_a_sentence(farm: Ledger, tmp_path: Path) -> None:
    first, *_, last = run(tmp_path).splitlines()
    assert first == (
        "bay-03 fails 4.0 times as often as the rest of the farm, 95 % 1.7 to 9.6, 20 of 40 prints."
    )
    assert last.startswith("80 prints, ")


def test_nothing_is_told_where_there_is_nothing(farm: Ledger, tmp_path: Path) -> None:
    shown = run(tmp_path, "--printer", "bay-04")
    assert shown.startswith("Nothing fails more often than chance would have it.\n40 prints, ")
    assert run(tmp_path, "--window", "1h").endswith("0 prints, 0 comparisons.\n")


def test_only_attempts_that_ended_in_the_window_count(farm: Ledger, tmp_path: Path) -> None:
    farm.commit(
        Batch(
            jobs=[
                a_print("bay-04", 1, failed=False, ago_ms=40 * DAY_MS),
                a_print("bay-04", 2, failed=False, ago_ms=2 * DAY_MS, outcome=Outcome.UNKNOWN),
                a_print("bay-04", 3, failed=False, ago_ms=2 * DAY_MS, outcome=Outcome.CANCELLED),
            ]
        )
    )
    assert json.loads(run(tmp_path, "--json"))["prints"] == 80
    (tmp_path / "layerline.toml").write_text("[site]\ncancelled_counts_as_attempt = true\n", "utf-8")
    assert json.loads(run(tmp_path, "--json"))["prints"] == 81


def test_a_print_that_a_person_has_rejected_whole_counts_as_failed(farm: Ledger, tmp_path: Path) -> None:
    store = VerdictStore(farm.engine)
    rejected = [
        Inspection(job_id=a_print("bay-04", n, failed=False).id, good_units=0, reason=RejectionReason.SURFACE)
        for n in range(5, 30)
    ]
    store.give(rejected, who="olga", now_ms=NOW_MS)
    (finding, *_) = json.loads(run(tmp_path, "--json"))["findings"]
    assert (finding["dimension"], finding["value"]) == ("printer", "bay-04")
    assert (finding["failed"], finding["attempts"], finding["rest_failed"]) == (30, 40, 20)
    assert finding["interval_low"] < finding["ratio"] < finding["interval_high"]


def test_findings_that_rest_on_the_same_prints_say_so(farm: Ledger, tmp_path: Path) -> None:
    farm.commit(Batch(jobs=[a_print("bay-03", n, failed=n < 20, file="bad.gcode") for n in range(40)]))
    found = json.loads(run(tmp_path, "--json"))
    assert {finding["value"] for finding in found["findings"]} >= {"bay-03", "bad.gcode"}
    assert "bad.gcode and bay-03 share 20 failures: it may be either of them." in run(tmp_path)
    assert {"first": "bad.gcode", "second": "bay-03", "failed": 20} in [
        {name: each[name] for name in ("first", "second", "failed")} for each in found["shared"]
    ]
