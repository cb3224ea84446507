"""Calendars and planned maintenance on the command line, from the options to the ledger and back."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from farm.cli import main
from farm.ledger.batch import Batch
from farm.ledger.calendar_trail import CalendarTrail
from farm.ledger.ledger import Ledger, open_ledger
from farm.model.clock import system_clock
from farm.model.times import DAY_MS, HOUR_MS, parse_rfc3339, rfc3339
from tests.contract.ledger_samples import SHARD, a_printer, an_id

Run = Callable[..., str]
WEEK = "mon-fri 08:00-12:00 13:00-18:00, sat 09:00-13:00"


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger with two printers seen since ten days ago, one of them in a group."""
    (tmp_path / "data").mkdir()
    with open_ledger(f"sqlite:///{tmp_path}/data/ledger.db") as ledger:
        now_ms = system_clock()
        ledger.claim(SHARD, "the test", simulated=False, now_ms=now_ms)
        printers = [
            a_printer("bay1", group="Hall A", first_seen_ms=now_ms - 10 * DAY_MS),
            a_printer("bay2", first_seen_ms=now_ms - 10 * DAY_MS),
        ]
        ledger.commit(Batch(printers=printers, booked_until_ms=now_ms))
        yield ledger


@pytest.fixture
def run(
    farm: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Runs a command in the folder of the farm; gives what it wrote, which it must end with `status`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAYERLINE_DATA", "data")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("LAYERLINE_CONFIG", raising=False)

    def ran(*arguments: str, status: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["layerline", *arguments])
        try:
            ended = main()
        except SystemExit as ending:
            ended = int(ending.code or 0)
        written = capsys.readouterr()
        assert ended == status, written
        return written.out if status == 0 else written.err

    return ran


def told(run: Run, *arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))


def test_a_calendar_is_set_shown_and_listed(run: Run) -> None:
    assert "always open" in run("calendar", "list")
    run("calendar", "set", "shop", "--hours", WEEK, "--group", "Hall A", "--default", "--who", "olga")
    (listed,) = told(run, "calendar", "list")
    assert listed == {
        "name": "shop",
        "hours": {
            **{day: ["08:00-12:00", "13:00-18:00"] for day in ("mon", "tue", "wed", "thu", "fri")},
            "sat": ["09:00-13:00"],
            "sun": [],
        },
        "exceptions": [],
        "holidays": [],
        "time_zone": "UTC",
        "groups": ["Hall A"],
        "default": True,
        "kept_in": "ledger",
        "version": 1,
    }
    shown = run("calendar", "show", "shop")
    for words in (f"hours      {WEEK}", "holds for  Hall A, all others", "version 1", "  set  "):
        assert words in shown
    assert WEEK in run("calendar", "list")


def test_a_change_says_from_when_it_restates_the_past(run: Run) -> None:
    unused = run("calendar", "set", "shop", "--hours", "mon-sun 00:00-24:00")
    assert "It changes nothing of the past." in unused
    answer = told(run, "calendar", "set", "shop", "--hours", "closed", "--default")
    since_ms = parse_rfc3339(answer["restates_from"])
    assert system_clock() - since_ms == pytest.approx(10 * DAY_MS, abs=HOUR_MS)
    assert [each["what"] for each in answer["changes"]] == ["calendar.set", "calendar.assigned"]
    assert "Nothing is changed by it." in run("calendar", "set", "shop", "--hours", "closed")
    said = run("calendar", "unassign", "--default", "--utc")
    assert f"It restates the past: figures that reach back to {rfc3339(since_ms)[:19]}" in said


def test_dates_are_added_and_taken_away_one_by_one(run: Run) -> None:
    run("calendar", "set", "shop", "--hours", WEEK)
    run("calendar", "set", "shop", "--closed", "2026-12-24..2026-12-27", "--why", "Christmas")
    run("calendar", "set", "shop", "--open", "2026-12-27 09:00-14:00", "--holiday", "2027-01-01 New Year")
    run("calendar", "set", "shop", "--usual", "2026-12-25", "--usual", "2026-12-26")
    shown = run("calendar", "show", "shop")
    assert (
        "closed     2026-12-24\nopen       2026-12-27 09:00-14:00\nholiday    2027-01-01 New Year\n" in shown
    )
    assert f"hours      {WEEK}" in shown
    assert told(run, "calendar", "show", "shop")["version"] == 4


def test_a_calendar_is_assigned_unassigned_and_removed(run: Run) -> None:
    run("calendar", "set", "shop", "--hours", WEEK)
    run("calendar", "assign", "shop", "--group", "Hall A", "--default")
    assert told(run, "calendar", "show", "shop")["groups"] == ["Hall A"]
    run("calendar", "unassign", "--group", "Hall A")
    assert told(run, "calendar", "show", "shop")["groups"] == []
    answer = told(run, "calendar", "remove", "shop", "--who", "olga", "--why", "moved")
    assert answer["calendar"] is None
    assert [each["what"] for each in answer["changes"]] == ["calendar.assigned", "calendar.removed"]
    assert {(each["who"], each["why"]) for each in answer["changes"]} == {("olga", "moved")}


def test_what_is_taken_away_is_named(run: Run) -> None:
    run("calendar", "set", "shop", "--hours", WEEK, "--group", "Hall A", "--default")
    said = run("calendar", "unassign", "--group", "Hall A", "--default")
    assert said.startswith("No calendar of their own any more: Hall A, all others.\n")
    assert run("calendar", "remove", "shop").startswith("Calendar shop is taken away.\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["set", "shop"], "--hours: is missing, and there is no calendar shop to change"),
        (["set", "shop", "--hours", "mon 8-18"], "--hours 8-18: must be from and until on the clock"),
        (["set", "shop", "--hours", "mon 08:00-12:00 11:00-13:00"], "--hours 11:00-13:00: must be in order"),
        (["set", " ", "--hours", WEEK], "NAME  : must not be empty"),
        (["set", "shop", "--hours", WEEK, "--closed", "soon"], "--closed soon: must be a date such as"),
        (["set", "shop", "--hours", WEEK, "--open", "soon"], "--open soon: must be a date, or several"),
        (["set", "shop", "--hours", WEEK, "--holiday", "May"], "--holiday May: must be a date and what"),
        (["set", "shop", "--hours", WEEK, "--usual", "May"], "--usual May: must be a date"),
        (["set", "shop", "--hours", WEEK, "--group", "Hall"], "--group Hall: no printer is in a group"),
        (["set", "shop", "--hours", WEEK, "--who", " "], "--who  : must not be empty"),
        (["assign", "shop", "--default"], "NAME shop: there is no calendar of this name"),
        (["assign", "shop"], "--group: name a group, or all others with --default"),
        (["remove", "shop"], "NAME shop: there is no calendar of this name"),
        (["show", "shop"], "calendar shop: there is no such calendar; `layerline calendar list` shows all"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_by_the_name_of_its_option(
    arguments: list[str], said: str, run: Run, farm: Ledger
) -> None:
    assert said in run("calendar", *arguments, status=2)
    assert CalendarTrail(farm.engine).changes().changes == []


def test_a_calendar_of_the_file_is_listed_and_not_changed(run: Run, tmp_path: Path) -> None:
    run("calendar", "set", "shop", "--hours", "closed")
    (tmp_path / "layerline.toml").write_text(
        f'[[calendars]]\nname = "shop"\nhours = "{WEEK}"\ndefault = true\n'
    )
    (listed,) = told(run, "calendar", "list")
    assert (listed["kept_in"], listed["version"], listed["default"]) == ("file", None, True)
    assert "the configuration file" in run("calendar", "show", "shop")
    said = run("calendar", "set", "shop", "--hours", "closed", status=2)
    assert "NAME shop: the configuration file sets this calendar" in said
    assert "change it there" in run("calendar", "unassign", "--default", status=2)


def test_work_is_planned_listed_and_withdrawn(run: Run) -> None:
    planned = told(
        run, "maintenance", "plan", "--printer", "BAY1", "--from", "2h", "--until", "1h",
        "--who", "olga", "--why", "new nozzle",
    )  # fmt: skip
    work = planned["maintenance"]
    assert (work["printer_id"], work["printer"], work["group"]) == (an_id("bay1"), "bay1", None)
    assert parse_rfc3339(work["until"]) - parse_rfc3339(work["from"]) == HOUR_MS
    assert planned["restates_from"] == work["from"]
    run("maintenance", "plan", "--group", "Hall A", "--from", "2099-12-01", "--until", "2099-12-01")
    run("maintenance", "plan", "--farm", "--from", "2099-12-05T08:00", "--until", "2099-12-05T12:00")
    coming = told(run, "maintenance", "list")
    assert [(each["id"], each["group"], each["from"]) for each in coming] == [
        (3, None, "2099-12-05T08:00:00.000Z"),
        (2, "Hall A", "2099-12-01T00:00:00.000Z"),
    ]
    assert coming[1]["until"] == "2099-12-02T00:00:00.000Z"
    assert "withdrawn by bert" in run("maintenance", "withdraw", "3", "--who", "bert")
    assert [each["id"] for each in told(run, "maintenance", "list", "--printer", "bay1")] == [2]
    assert [each["id"] for each in told(run, "maintenance", "list", "--since", "1d")] == [2, 1]
    assert [each["id"] for each in told(run, "maintenance", "list", "--all")] == [3, 2, 1]
    table = run("maintenance", "list", "--all")
    for words in ("the whole farm", "group Hall A", "bay1", "new nozzle"):
        assert words in table


def test_planning_says_what_it_restates(run: Run) -> None:
    ahead = run("maintenance", "plan", "--farm", "--from", "2099-12-01", "--until", "2099-12-01", "--utc")
    assert "from 2099-12-01T00:00:00Z until 2099-12-02T00:00:00Z" in ahead
    assert "It changes nothing of the past." in ahead
    assert "No work is planned." not in run("maintenance", "list")
    behind = run("maintenance", "plan", "--farm", "--from", "2026-11-01", "--until", "2026-11-01", "--utc")
    assert "It restates the past: figures that reach back to 2026-11-01T00:00:00Z" in behind


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["plan", "--from", "1h", "--until", "0h"], "name one of --printer, --group and --farm"),
        (["plan", "--farm", "--group", "Hall A", "--from", "1h", "--until", "0h"], "name one of"),
        (["plan", "--farm", "--from", "1h", "--until", "2h"], "--until 20"),
        (["plan", "--farm", "--from", "soon", "--until", "2h"], "--from soon: must be a date"),
        (["plan", "--group", "Hall", "--from", "2h", "--until", "1h"], "--group Hall: no printer is in"),
        (["plan", "--printer", "bay9", "--from", "2h", "--until", "1h"], "there is no such printer"),
        (["withdraw", "7"], "NUMBER 7: there is no planned work of this number"),
    ],
    ids=str,
)
def test_work_that_cannot_be_is_refused(arguments: list[str], said: str, run: Run) -> None:
    assert said in run("maintenance", *arguments, status=2)
    assert "No work is planned." in run("maintenance", "list", "--all")
