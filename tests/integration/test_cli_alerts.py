"""What people do about alerts on the command line, from the options to the ledger and back."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from farm.cli import main
from farm.ledger.alert_store import AlertStore
from farm.ledger.batch import Batch
from farm.ledger.ledger import Ledger, open_ledger
from farm.model.clock import system_clock
from farm.model.times import DAY_MS, HOUR_MS, MINUTE_MS, parse_rfc3339
from tests.contract.ledger_samples import SHARD, a_printer, an_id
from tests.contract.test_alert_store import AlertBooks, an_alert

Run = Callable[..., str]
STREAK, OTHER = "0f6b1a52-0000-4000-8000-000000000001", "6a51c0c9-0000-4000-8000-000000000002"


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger with two printers, each with an alert that has been firing for some minutes."""
    (tmp_path / "data").mkdir()
    with open_ledger(f"sqlite:///{tmp_path}/data/ledger.db") as ledger:
        now_ms = system_clock()
        ledger.claim(SHARD, "the test", simulated=False, now_ms=now_ms)
        printers = [
            a_printer(name, group=group, first_seen_ms=now_ms - DAY_MS)
            for name, group in (("bay1", "Hall A"), ("bay2", None))
        ]
        ledger.commit(Batch(printers=printers, booked_until_ms=now_ms))
        AlertBooks(AlertStore(ledger.engine)).book(
            *(
                an_alert(
                    id=alert_id,
                    subject=an_id(name),
                    printer_id=an_id(name),
                    fired_ms=now_ms - minutes * MINUTE_MS,
                    title=f"{name}: 3 failed prints in a row",
                    job_ids=(),
                )
                for alert_id, name, minutes in ((STREAK, "bay1", 20), (OTHER, "bay2", 40))
            )
        )
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


def states(run: Run, *arguments: str) -> list[str]:
    """The state of each alert, as the table shows it."""
    return [line.split()[1] for line in run("alerts", *arguments).splitlines()[1:]]


def test_alerts_are_acknowledged_by_how_their_ids_begin(run: Run) -> None:
    out = run("alert", "ack", "0F6B", "6a51c0c9", "--for", "2h", "--note", "on it", "--who", "olga")
    assert "bay1: 3 failed prints in a row" in out
    assert "2 alerts acknowledged by olga until " in out
    assert states(run) == ["acknowledged", "acknowledged"]
    assert "olga sees to it until " in run("alerts")
    (alert,) = told(run, "alerts", "--printer", "bay1")
    given = alert["acknowledged"]
    assert (given["by"], given["note"]) == ("olga", "on it")
    assert parse_rfc3339(given["until"]) - parse_rfc3339(given["at"]) == 2 * HOUR_MS
    out = run("alert", "unack", "0f6b1a52", "--note", "no time", "--who", "ben")
    assert "no longer acknowledged, says ben: no time" in out
    assert states(run) == ["firing", "acknowledged"]


def test_it_is_four_hours_unless_said_otherwise(run: Run) -> None:
    (alert,) = told(run, "alert", "ack", STREAK)
    given = alert["acknowledged"]
    assert parse_rfc3339(given["until"]) - parse_rfc3339(given["at"]) == 4 * HOUR_MS


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ack", "0f6"], "alert 0f6: give at least 4 characters of its id"),
        (["ack", "ffff"], "alert ffff: there is no such alert; `layerline alerts` shows their ids"),
        (["ack", STREAK, STREAK], "ALERT 0f6b1a52-0000-4000-8000-000000000001: it is named twice"),
        (["ack", STREAK, "--for", "soon"], "--for soon: must be a length of time like 90m, 2h, 3d"),
        (["ack", STREAK, "--for", "2h", "--until", "today"], "--until: give --for or --until, not both"),
        (["ack", STREAK, "--for", "5w"], "must be at most 30 days from now"),
        (["unack", STREAK], "no acknowledgement holds that could be taken back"),
        (["resolve", STREAK, "--why", " "], "--why"),
        (["silence", "bay1", "--for", "2h"], "MATCHER bay1: must be LABEL=PATTERN, like printer=bay1"),
        (["silence", "colour=red", "--for", "2h"], "must be one of rule, printer, group, severity, subject"),
        (["silence", "rule=a", "rule=b", "--for", "2h"], "rule is named twice"),
        (["silence", "rule=a"], "--for: say for how long, like 2h, or with --until until when"),
        (["silence", "rule=a", "--for", "60w"], "must be at most 366 days after it begins"),
        (["unsilence", "7"], "NUMBER 7: there is no silence of this number"),
    ],
)
def test_what_cannot_be_done_is_told_with_a_remedy(run: Run, arguments: list[str], words: str) -> None:
    assert words in run("alert", *arguments, status=2)
    assert states(run) == ["firing", "firing"]


def test_an_alert_is_resolved_by_hand(run: Run) -> None:
    out = run("alert", "resolve", "0f6b1a52", "--why", "nozzle replaced", "--who", "olga")
    assert "1 alert resolved by olga: nozzle replaced" in out
    assert states(run) == ["firing"]
    assert states(run, "--all") == ["resolved", "firing"]
    assert "resolved by olga: nozzle replaced" in run("alerts", "--all")
    assert "nothing to resolve" in run("alert", "resolve", STREAK, "--why", "again", status=2)


def test_a_silence_is_previewed_made_listed_and_ended(run: Run) -> None:
    preview = run("alert", "silence", "printer=BAY1", "--for", "2h", "--preview")
    assert preview == ("1 alert of those that fire now matches.\n  bay1: 3 failed prints in a row\n")
    assert run("alert", "silence", "rule=x*", "--preview") == "0 alerts of those that fire now match.\n"
    assert run("alert", "silences") == "No silence is in force or to come.\n"
    out = run("alert", "silence", "printer=bay?", "group=", "--for", "2h", "--why", "moving", "--who", "olga")
    assert "Silence 1 of printer=bay?, group=" in out
    assert "bay2: 3 failed prints in a row" in out
    assert states(run) == ["firing", "silenced"]
    (listed,) = told(run, "alert", "silences")
    assert (listed["matchers"], listed["state"], listed["why"]) == (
        {"printer": "bay?", "group": ""},
        "in_force",
        "moving",
    )
    assert "in force" in run("alert", "silences")
    assert "Silence 1 of printer=bay?, group= ended by ben: done" in run(
        "alert", "unsilence", "1", "--why", "done", "--who", "ben"
    )
    assert states(run) == ["firing", "firing"]
    assert run("alert", "silences") == "No silence is in force or to come.\n"
    assert [each["state"] for each in told(run, "alert", "silences", "--all")] == ["over"]


def test_a_silence_as_json_comes_with_what_it_is_about(run: Run) -> None:
    previewed = told(run, "alert", "silence", "group=Hall *", "--preview")
    assert previewed["silence"] is None
    assert [each["id"] for each in previewed["alerts"]] == [STREAK]
    made = told(run, "alert", "silence", "severity=critical", "--from", "2099-01-01", "--until", "2099-01-01")
    assert made["silence"]["state"] == "waiting"
    assert len(made["alerts"]) == 2
    assert [each["silenced"] for each in made["alerts"]] == [[], []]


def test_the_trail_tells_who_did_what(run: Run) -> None:
    assert run("alert", "trail") == "Nobody did anything about an alert.\n"
    run("alert", "ack", STREAK, "--who", "olga", "--note", "on it")
    run("alert", "silence", "rule=*", "--for", "1h", "--who", "ben")
    lines = run("alert", "trail").splitlines()
    assert [line.split()[1:] for line in lines[2:]] == [
        ["silenced", "ben", "silence", "1", "–"],
        ["acknowledged", "olga", "0f6b1a52", "on", "it"],
    ]
    (only,) = told(run, "alert", "trail", "--alert", "0f6b1a52")
    assert (only["what"], only["alert_id"], only["before"]) == ("alert.acknowledged", STREAK, None)
    assert len(told(run, "alert", "trail", "-n", "1")) == 1
