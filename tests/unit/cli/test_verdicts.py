"""Verdicts on the command line: given, withdrawn, and shown with the jobs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from farm.cli.jobs import _COLUMNS, verdict_word
from farm.cli.root import app
from farm.errors import InvalidQuery
from farm.ledger.batch import Batch
from farm.ledger.ledger import Ledger, open_ledger
from farm.ledger.records import Revision
from farm.ledger.verdict_store import VerdictStore
from farm.model.clock import system_clock
from farm.model.states import Outcome
from farm.model.times import HOUR_MS
from farm.model.verdict import Verdict
from farm.tables import NOTHING, fitted
from tests.contract.ledger_samples import SHARD, a_job, a_printer, an_ended_job, an_id

PLATE, SINGLE, OPEN = an_id("plate"), an_id("single"), an_id("open")


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        now_ms = system_clock()
        ledger.claim(SHARD, "the test", simulated=False, now_ms=now_ms)
        began_ms = now_ms - 24 * HOUR_MS
        jobs = [
            an_ended_job("plate", began_ms + HOUR_MS, started_ms=began_ms, units=4),
            an_ended_job("single", began_ms + 2 * HOUR_MS, started_ms=began_ms, outcome=Outcome.FAILED),
            a_job("open", started_ms=began_ms + 3 * HOUR_MS),
        ]
        printers = [a_printer("Bay1", id=an_id("anna"), first_seen_ms=began_ms)]
        ledger.commit(Batch(printers=printers, jobs=jobs, booked_until_ms=now_ms))
        yield ledger


def run(folder: Path, *arguments: str) -> str:
    done = CliRunner().invoke(app, [*arguments, "--data", str(folder)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def run_json(folder: Path, *arguments: str) -> Any:
    return json.loads(run(folder, *arguments, "--json"))


def a_verdict(good: int, rejected: int) -> Verdict:
    return Verdict(
        job_id=PLATE,
        good_units=good,
        rejected_units=rejected,
        reason=None,
        note="",
        who="olga",
        at_ms=0,
        version=1,
    )


def test_a_verdict_is_kept_with_who_and_why(farm: Ledger, tmp_path: Path) -> None:
    words = ["--good", "3", "--reason", "layer_shift", "--note", "half way up", "--who", "olga"]
    shown = run(tmp_path, "job", "verdict", PLATE[:8].upper(), *words)
    assert shown == f"Bay1, job {PLATE}: 3 good, 1 rejected: layer shift\n"
    verdict = VerdictStore(farm.engine).verdicts([PLATE])[PLATE]
    assert (verdict.good_units, verdict.rejected_units, verdict.who) == (3, 1, "olga")
    assert (verdict.reason, verdict.note) == ("layer_shift", "half way up")


def test_many_jobs_are_all_good_at_once(farm: Ledger, tmp_path: Path) -> None:
    found = run_json(tmp_path, "job", "verdict", PLATE, SINGLE, PLATE[:8], "--all-good")
    assert [(each["job_id"], each["good_units"], each["rejected_units"]) for each in found] == [
        (PLATE, 4, 0),
        (SINGLE, 1, 0),
    ]
    assert found[0]["who"]


def test_a_withdrawn_verdict_stays_in_the_trail_that_show_tells(farm: Ledger, tmp_path: Path) -> None:
    run(tmp_path, "job", "verdict", PLATE, "--rejected", "1", "--reason", "surface", "--who", "olga")
    assert "\nverdict     3 good, 1 rejected: surface\n" in run(tmp_path, "job", "show", PLATE[:8])
    withdraw = ("--withdraw", "--note", "wrong plate", "--who", "paul")
    assert run(tmp_path, "job", "verdict", PLATE, *withdraw) == f"Bay1, job {PLATE}: withdrawn\n"
    shown = run(tmp_path, "job", "show", PLATE[:8])
    assert "\nverdict     not inspected\n" in shown
    *_, first, second = shown.splitlines()
    assert first.split()[:5] == ["3", "good,", "1", "rejected:", "surface"]
    assert (second.split()[0], second.split()[2:]) == ("withdrawn", ["paul", "wrong", "plate"])


def test_show_tells_what_is_known_of_a_job_and_what_was_revised(farm: Ledger, tmp_path: Path) -> None:
    now_ms = system_clock()
    revised = Revision(
        at_ms=now_ms,
        printer_id=an_id("anna"),
        job_id=SINGLE,
        who="history",
        why="its history",
        before='{"outcome": "unknown", "cause": null, "ended_ms": null, "confidence": "weak"}',
        after='{"outcome": "failed", "cause": "thermal", "ended_ms": 0, "confidence": "strong"}',
    )
    first = msgspec.structs.replace(revised, at_ms=now_ms - 1, before=None, after=None)
    farm.commit(Batch(revisions=[first, revised]))
    shown = run(tmp_path, "job", "show", SINGLE[:8])
    assert shown.startswith(
        f"job         {SINGLE}\nprinter     Bay1\nfile        single.gcode\noutcome     failed\n"
    )
    *_, first_line, last_line = shown.splitlines()
    assert first_line.split()[1:] == ["history", NOTHING, "its", "history"]
    what = f"outcome unknown → failed, cause {NOTHING} → thermal, ended {NOTHING} → 1970-01-01T00:00:00Z"
    assert last_line.endswith(f"history  {what}  its history")
    as_json = run_json(tmp_path, "job", "show", SINGLE)
    assert (as_json["verdict"], as_json["verdicts"]) == (None, [])
    assert [each["why"] for each in as_json["revisions"]] == ["its history"] * 2
    assert "outcome     under way\n" in run(tmp_path, "job", "show", OPEN)


def test_jobs_are_listed_by_whether_they_were_inspected(farm: Ledger, tmp_path: Path) -> None:
    run(tmp_path, "job", "verdict", PLATE, "--all-good")
    (inspected,) = run_json(tmp_path, "jobs", "--inspected")
    assert (inspected["id"], inspected["verdict"]["good_units"]) == (PLATE, 4)
    (other,) = run_json(tmp_path, "jobs", "--uninspected")
    assert (other["id"], other["verdict"]) == (SINGLE, None)
    assert len(run_json(tmp_path, "jobs")) == 3


def test_the_list_of_jobs_shows_verdicts_where_there_is_room(farm: Ledger, tmp_path: Path) -> None:
    run(tmp_path, "job", "verdict", PLATE, "--good", "3", "--reason", "other")
    _, head, *rows = run(tmp_path, "jobs").splitlines()
    assert "verdict" in head
    assert ["3 of 4 good" in row for row in rows] == [False, False, True]
    short = [
        "0f8c2d1e",
        "Bay1",
        "part.gcode",
        "succeeded",
        NOTHING,
        "14:30",
        "good",
        "1 h 20 min",
        "13:00",
        NOTHING,
    ]
    titles = [_COLUMNS[at].title for at in fitted(_COLUMNS, [short], 80)]
    assert titles[:7] == ["job", "printer", "file", "outcome", "why", "ended", "verdict"]
    long = ["0f8c2d1e", "a printer with a name", "a_file_with_a_long_name_v12.gcode", *short[3:]]
    assert "verdict" not in [_COLUMNS[at].title for at in fitted(_COLUMNS, [long], 60)]


@pytest.mark.parametrize(
    ("counts", "word"), [((4, 0), "good"), ((0, 4), "rejected"), ((3, 1), "3 of 4 good")]
)
def test_a_verdict_is_one_word_where_it_can_be(counts: tuple[int, int], word: str) -> None:
    assert verdict_word(a_verdict(*counts)) == word


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([PLATE], "--good or --rejected or both, or --all-good alone"),
        ([PLATE, "--all-good", "--good", "3"], "--all-good alone"),
        ([PLATE, "--withdraw", "--all-good"], "--withdraw alone"),
        ([PLATE, "--all-good", "--reason", "other"], "--reason other"),
        ([PLATE, "--good", "5"], "--good 5: job .* has 4 units"),
        ([PLATE, "--good", "3", "--rejected", "2", "--reason", "other"], "--good 3: .* are 5"),
        ([PLATE, "--rejected", "1"], "--reason: say why 1 of job"),
        ([PLATE, SINGLE, "--withdraw"], "JOB .*: no verdict stands"),
        ([OPEN, "--all-good"], "JOB .*: it is still under way"),
        (["5f", "--all-good"], "at least 4 characters"),
        ([PLATE, "--all-good", "--who", "o\nlga"], "--who"),
    ],
    ids=repr,
)
def test_what_cannot_be_said_names_the_option(
    farm: Ledger, tmp_path: Path, words: list[str], complaint: str
) -> None:
    with pytest.raises(InvalidQuery, match=complaint):
        run(tmp_path, "job", "verdict", *words)
    assert VerdictStore(farm.engine).trail_of_all().changes == []


def test_units_may_differ_on_purpose(farm: Ledger, tmp_path: Path) -> None:
    (found,) = run_json(tmp_path, "job", "verdict", PLATE, "--good", "5", "--units-differ")
    assert (found["good_units"], found["rejected_units"]) == (5, 0)


def test_what_is_under_way_is_neither_inspected_nor_not(farm: Ledger, tmp_path: Path) -> None:
    with pytest.raises(InvalidQuery, match="--open, --inspected"):
        run(tmp_path, "jobs", "--open", "--uninspected")
