"""What is kept on the disk: whose it is, what becomes of it, and what is shown of it."""

import ctypes
import os
import subprocess
import unicodedata
from pathlib import Path

import httpx
import pytest

from farm.ledger.batch import Batch
from farm.ledger.ledger import open_ledger
from tests.contract.ledger_samples import a_printer, an_ended_job
from tests.integration.console import environment, layerline, program, running
from tests.servers import free_port, mosquitto, wait_until

_PR_CAPBSET_DROP = 24
_CAPABILITIES_OF_ROOT = (1, 2)
"""To pass over the modes of files, and to read and search everything."""
HOSTILE = "\x1b[2Jx\u202egpj.\x9bgcode"


def _as_anybody() -> None:
    """Let modes hold for root too."""
    for capability in _CAPABILITIES_OF_ROOT if os.geteuid() == 0 else ():
        ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o000)
    return folder


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        (["check", "--config", "closed/x.toml"], 2, "closed/x.toml cannot be looked for: Permission denied"),
        (
            ["up", "--data", "closed/data"],
            2,
            "closed/data/layerline.toml cannot be looked for: Permission denied",
        ),
        (["collector", "--data", "closed"], 2, "path 'closed' is not readable"),
        (["collector", "--database", "sqlite:///closed/x.db"], 2, "cannot be made: Permission denied"),
        (["collector", "--database", "sqlite:///closed/y/x.db"], 2, "cannot be made: Permission denied"),
        (["jobs", "--database", "sqlite:///closed/x.db"], 1, "there is no ledger at"),
        (["record", "closed/x.jsonl", "--seconds", "1"], 1, "layerline: "),
        (["check", "--config", f"{'x' * 300}.toml"], 2, "cannot be looked for: File name too long"),
    ],
)
def test_a_folder_of_somebody_else_is_one_readable_message(
    command: list[str], status: int, said: str, closed: Path, tmp_path: Path
) -> None:
    assert closed.exists()
    done = subprocess.run(
        [program(), *command],
        cwd=tmp_path,
        env={**environment(tmp_path), "LAYERLINE_BROKER__URL": f"mqtt://127.0.0.1:{free_port()}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=_as_anybody,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (status, False), done.stderr
    assert said in done.stderr


def test_no_command_shows_what_steers_a_terminal(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/ledger.db"
    with open_ledger(database) as ledger:
        ledger.claim("x", "x", simulated=False, now_ms=1)
        job = an_ended_job("a", 1_795_000_000_000, file=HOSTILE, detail=HOSTILE)
        ledger.commit(
            Batch(printers=[a_printer(group=HOSTILE)], jobs=[job], booked_until_ms=1_795_000_000_000)
        )
    for command in (
        ["jobs", "--from", "2020-01-01"],
        ["jobs", "--from", "2020-01-01", "--json"],
        ["kpi", "--group", HOSTILE],
        ["kpi", "--by", "group", "--json"],
        ["export", "jobs", "--format", "json"],
        ["printer", "retire", HOSTILE],
        ["recompute", "--check"],
        ["doctor"],
    ):
        done = subprocess.run(
            [program(), *command, "--database", database],
            cwd=tmp_path,
            env=environment(tmp_path),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        shown = done.stdout + done.stderr
        bad = {sign for sign in shown if unicodedata.category(sign) == "Cc" and sign != "\n"} | (
            {"\u202e"} & set(shown)
        )
        assert not bad, (command, bad, shown)
        assert "Traceback" not in shown


def test_a_second_farm_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "layerline.toml").write_text(
        f"[api]\nport = {free_port()}\n[embedded_broker]\nport = {free_port()}\nhost = '127.0.0.1'\n"
    )
    with running(tmp_path, "up") as first:
        first.wait_for("Layerline")
        said = layerline("up", folder=tmp_path, status=2).stderr
        assert f"`layerline up` runs with it already, as process {first.process.pid}; stop that one" in said


def test_a_ledger_deleted_under_running_processes_is_said_and_waited_for(tmp_path: Path) -> None:
    port, file = free_port(), tmp_path / "data" / "ledger.db"
    (tmp_path / "layerline.toml").write_text(f"[api]\nport = {port}\n")
    words = "ledger.db was deleted or moved while it was in use; put it back, or a backup in its place"

    def ready() -> int:
        return httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=20).status_code

    with (
        mosquitto() as broker,
        running(tmp_path, "collector", "--broker", broker.url) as collector,
        running(tmp_path, "evaluator") as evaluator,
        running(tmp_path, "api") as api,
    ):
        collector.wait_for("connected as")
        evaluator.wait_for("alerting nobody")
        api.wait_for("page and API on")
        wait_until(lambda: ready() == 200, "it is ready", 30)
        file.rename(tmp_path / "kept.db")
        for part in (collector, evaluator, api):
            wait_until(lambda: ready() == 503, "it is not ready", 30)
            part.wait_for(words, 60)
        assert not file.exists()
        (tmp_path / "kept.db").rename(file)
        wait_until(lambda: ready() == 200, "it is ready again", 60)
        collector.wait_for("the ledger is back after")
        evaluator.wait_for("no longer so: alerts cannot be evaluated now")
        api.wait_for("the ledger is back after")
        assert [part.text.count(words) for part in (collector, api)] == [1, 1]


def test_check_and_doctor_say_that_a_ledger_is_damaged(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    with open_ledger(f"sqlite:///{file}") as ledger:
        ledger.claim("x", "x", simulated=False, now_ms=1)
        ledger.commit(Batch(printers=[a_printer(f"p{number}") for number in range(3_000)]))
    with file.open("r+b") as pages:
        for page in range(1, 20):
            pages.seek(-page * 4096, os.SEEK_END)
            pages.write(os.urandom(2048))
    for command in ("check", "doctor"):
        database = f"sqlite:///{file}"
        shown = layerline(command, "--database", database, "--json", folder=tmp_path, status=1).stdout
        assert "is damaged: " in shown
        assert "restore the last backup" in shown
