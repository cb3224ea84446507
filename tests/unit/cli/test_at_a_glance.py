"""The farm at a glance: status, printers, alerts and jobs over a farm as it could be."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.text import Text
from typer.testing import CliRunner

from farm.cli.root import app
from farm.errors import InvalidQuery
from farm.ledger.alert_store import AlertStore
from farm.ledger.batch import Batch
from farm.ledger.ledger import open_ledger
from farm.ledger.records import IntakeFault, Revision
from farm.model.clock import system_clock
from farm.model.times import DAY_MS, HOUR_MS
from tests.fakes.sample_farm import PRESENT, SampleFarm, sample_farm

PRINTERS = len(PRESENT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder with three days of a farm up to now, and the farm's time zone in its configuration."""
    folder = tmp_path_factory.mktemp("farm")
    now_ms = system_clock()
    farm: SampleFarm = sample_farm(PRINTERS, days=3, now_ms=now_ms)
    (folder / "layerline.toml").write_text('[site]\ntime_zone = "Europe/Berlin"\n', "utf-8")
    with open_ledger(f"sqlite:///{folder}/ledger.db") as ledger:
        ledger.claim("shard", "test", simulated=False, now_ms=now_ms - 4 * DAY_MS)
        ledger.commit(farm.batch)
        first = farm.printers[0]
        renamed = Revision(
            at_ms=now_ms,
            printer_id=first.id,
            job_id=None,
            who="olga",
            why="",
            before=json.dumps({"name": "The old one"}),
            after=json.dumps({"name": first.name}),
        )
        recent = IntakeFault(
            source="moonraker={printer}", reason="not_json", count=2, last_ms=now_ms - 60_000, sample="voron"
        )
        ledger.commit(Batch(revisions=[renamed], faults=[recent], booked_until_ms=now_ms))
        assert AlertStore(ledger.engine).book(farm.alert_batch) is not None
        yield folder


def run(folder: Path, *arguments: str) -> str:
    """What the command writes to standard output; it must end with 0."""
    configured = ("--config", str(folder / "layerline.toml"), "--data", str(folder))
    done = CliRunner().invoke(app, [*arguments, *configured], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def run_json(folder: Path, *arguments: str) -> Any:
    return json.loads(run(folder, *arguments, "--json"))


def test_every_printer_is_a_row_and_a_pipe_gets_it_whole(folder: Path) -> None:
    head, *rows = run(folder, "printers").splitlines()
    assert head.split()[:4] == ["printer", "state", "for", "file"]
    assert len(rows) == PRINTERS
    records = run_json(folder, "printers")
    for row, record in zip(rows, records, strict=True):
        assert row.startswith(record["name"])
        assert row.endswith(record["id"])
        assert "+01:00" in row or "+02:00" in row
    assert all(each["id"] in run(folder, "printers", "--utc") for each in records)
    assert "+01:00" not in run(folder, "printers", "--utc")


def test_printers_are_chosen_by_group_whatever_its_case(folder: Path) -> None:
    chosen = run_json(folder, "printers", "--group", "hall b")
    assert {each["group"] for each in chosen} == {"Hall B"}


def test_alerts_that_fire_are_listed_and_with_all_of_them_the_resolved(folder: Path) -> None:
    (firing,) = run_json(folder, "alerts")
    assert (firing["rule"], firing["state"]) == ("failed_streak", "firing")
    shown = run(folder, "alerts")
    assert firing["title"] in shown
    assert firing["summary"] in shown
    assert run_json(folder, "alerts", "--since", "1970-01-01", "--until", "1970-01-02") == []
    assert run(folder, "alerts", "--until", "1970-01-02", "--all") == "No alerts.\n"
    assert run(folder, "alerts", "--until", "1970-01-02") == "No alert fires.\n"


def test_the_status_holds_counts_hands_alerts_figures_and_freshness(folder: Path) -> None:
    told = run_json(folder, "status")
    assert set(told) == {
        "at",
        "site",
        "printers",
        "attention",
        "jobs_under_way",
        "next_free",
        "alerts",
        "figures",
        "collectors",
        "evaluator_behind",
    }
    assert sum(told["printers"].values()) == PRINTERS
    assert told["attention"]["needs"][0]["kind"] == "error"
    assert not told["attention"]["quiet"]
    assert [figure["id"] for figure in told["figures"]] == ["utilization", "print_success_rate", "throughput"]
    shown = run(folder, "status")
    assert f"Farm main, {PRINTERS} printers, " in shown
    assert all(each["task"] in shown for each in told["attention"]["needs"])
    assert "Nothing needs hands" not in shown
    assert "Europe/Berlin" in shown
    assert "Collector: booked" in shown


def test_the_status_keeps_to_the_width_of_a_terminal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "60")
    lines = [Text.from_ansi(line).plain for line in run(folder, "status").splitlines()]
    assert max(map(len, lines)) <= 60
    states = " ".join(lines[1:4])
    assert all(f" {state}" in states for state in ("printing", "error", "maintenance"))


def test_a_collector_that_stands_still_is_one_line_for_all_its_printers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    then_ms = system_clock() - HOUR_MS
    with open_ledger(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        ledger.claim("shard", "test", simulated=False, now_ms=then_ms - 4 * DAY_MS)
        ledger.commit(sample_farm(PRINTERS, days=1, now_ms=then_ms).batch)
        ledger.commit(Batch(booked_until_ms=then_ms))
    (tmp_path / "layerline.toml").write_text("", "utf-8")
    whole = run(tmp_path, "status")
    assert whole.count("See why its collector books nothing") == PRINTERS
    assert "it stands still: is `layerline up` running?" in whole
    assert "next free" not in whole
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    shown = Text.from_ansi(run(tmp_path, "status")).plain
    assert shown.count("collector books nothing") == 1
    assert f"{PRINTERS} printers" in shown.split("needs a look")[1]


def test_jobs_are_chosen_by_group_and_by_being_under_way(folder: Path) -> None:
    under_way = run_json(folder, "jobs", "--open")
    assert under_way
    assert all(job["outcome"] is None for job in under_way)
    in_group = run_json(folder, "jobs", "--group", "Hall A", "-n", "5")
    assert len(in_group) == 5
    assert {job["group"] for job in in_group} == {"Hall A"}
    head, *rows = run(folder, "jobs", "-n", "3").splitlines()[1:]
    assert head.split()[:4] == ["job", "printer", "file", "outcome"]
    assert rows[-1] == "The newest 3 jobs; more with --limit."
    assert run(folder, "jobs", "-n", "1").splitlines()[-1] == "The newest 1 job; more with --limit."


def test_a_printer_is_found_without_regard_to_case_and_by_its_old_name(folder: Path) -> None:
    first = run_json(folder, "printers")[0]
    by_name = run_json(folder, "jobs", "--printer", first["name"].upper())
    assert by_name
    assert {job["printer_id"] for job in by_name} == {first["id"]}
    (figure,) = run_json(folder, "kpi", "utilization", "--printer", "the OLD one")
    assert figure["label"] == "Prusa 01"


def test_a_name_of_old_is_told_with_the_one_of_now(folder: Path) -> None:
    configured = ("--config", str(folder / "layerline.toml"), "--data", str(folder))
    done = CliRunner().invoke(app, ["jobs", "--printer", "the OLD one", *configured])
    assert done.stderr == "The printer the OLD one is called Prusa 01 now.\n"


def test_the_figures_of_one_printer_are_asked_for_by_its_name(folder: Path) -> None:
    first, second = run_json(folder, "printers")[:2]
    figures = run_json(
        folder, "kpi", "--printer", first["name"], "--printer", second["name"], "--window", "2d"
    )
    assert {figure["label"] for figure in figures} == {first["name"], second["name"]}
    by_group = run_json(folder, "kpi", "--group", "Hall A", "--window", "yesterday")
    assert {(figure["scope"], figure["label"]) for figure in by_group} == {("group", "Hall A")}


def test_watching_needs_a_terminal(folder: Path) -> None:
    with pytest.raises(InvalidQuery, match="--watch: goes with a terminal"):
        run(folder, "printers", "--watch")


def test_what_was_dropped_long_ago_is_no_warning(folder: Path) -> None:
    database = f"sqlite:///{folder}/ledger.db"
    found = json.loads(
        CliRunner().invoke(app, ["doctor", "--database", database, "--json", "--data", str(folder)]).stdout
    )
    (dropped,) = [each for each in found["ledger"] if each["what"].startswith("dropped")]
    assert (dropped["status"], dropped["what"]) == ("warning", "dropped, moonraker={printer}")
    assert dropped["seen"] == "2 × not_json, the last 1 min ago: voron"


def test_influxdb_that_is_not_configured_is_said_to_be_so(folder: Path) -> None:
    assert run(folder, "influx", "status").startswith("InfluxDB is not configured")
    assert run_json(folder, "influx", "status") == []


def test_the_account_that_is_exported_ends_where_the_collector_has_booked(folder: Path) -> None:
    rows = run_json(folder, "export", "states", "--window", "1h")
    last = {row["printer_id"]: row for row in rows}
    known = {each["id"] for each in run_json(folder, "printers") if each["state"] != "unknown"}
    assert known
    assert all(last[each]["state"] != "unknown" for each in known)


def test_the_version_is_said_before_any_command() -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert done.exit_code == 0
    assert done.stdout.startswith("layerline ")


def test_the_forecast_tells_who_is_done_first(folder: Path) -> None:
    found = run_json(folder, "forecast")
    told = [each for each in found["items"] if each["done_at"] is not None]
    assert found["next"] in told
    head, *rows = run(folder, "forecast").splitlines()
    assert head.split()[:3] == ["printer", "done", "in"]
    assert all(row.startswith(each["printer"]) for row, each in zip(rows, found["items"], strict=False))
    assert rows[-1].startswith(f"Next free: {found['next']['printer']}, in ")
    assert f"next free: {found['next']['printer']}, in " in run(folder, "status")
    assert run_json(folder, "status")["next_free"]["job_id"] == found["next"]["job_id"]
    (alone,) = run_json(folder, "forecast", "--printer", found["next"]["printer"])["items"]
    assert alone["job_id"] == found["next"]["job_id"]
    assert "Free now: " in run(folder, "forecast")


@pytest.mark.parametrize("command", ["status", "printers", "forecast"])
def test_a_farm_without_printers_says_what_to_do_next(command: str, tmp_path: Path) -> None:
    with open_ledger(f"sqlite:///{tmp_path}/ledger.db"):
        (tmp_path / "layerline.toml").touch()
        shown = run(tmp_path, command)
    assert "No printers: none has been heard of. `layerline up` shows what to type into them.\n" in shown
