"""The commands about InfluxDB, and shipping beside the evaluator, as people run them."""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from api.schemas import OutboxQueueRecord
from farm.app.config import load_configuration
from farm.app.logs import LogRedaction
from farm.cli.diagnosis import CheckStatus
from farm.cli.influx_checks import server_diagnoses
from farm.influx.settings import InfluxSettings
from farm.influx.status import OutboxStatus, QueueStatus
from farm.ledger.ledger import open_ledger
from farm.model.clock import system_clock
from farm.model.times import HOUR_MS
from tests.influx_farm import BookedFarm
from tests.influx_server import ORG, PrivateInflux, private_influx
from tests.integration.console import layerline, layerline_json, running
from tests.servers import wait_until


@pytest.fixture(scope="module")
def influx() -> Iterator[PrivateInflux]:
    with private_influx() as server:
        yield server


@pytest.fixture
def set_up(influx: PrivateInflux, tmp_path: Path) -> Path:
    """A folder with a configuration made from what `influx init` printed, and a farm's ledger."""
    (tmp_path / "admin.token").write_text(influx.token)
    (tmp_path / "layerline.toml").write_text(
        f'[influx]\nurl = "{influx.url}"\norg = "{ORG}"\nbucket = "{tmp_path.name}"\n'
        f'telemetry_bucket = "{tmp_path.name}-telemetry"\n'
    )
    done = layerline(
        "influx", "init", "--admin-token-file", "admin.token", "--token-file", "influx.token", folder=tmp_path
    )
    lines = [line.strip() for line in done.stdout.splitlines()]
    section = lines[lines.index("[influx]") :]
    (tmp_path / "layerline.toml").write_text("\n".join(section))
    with open_ledger(f"sqlite:///{tmp_path}/data/ledger.db") as ledger:
        farm = BookedFarm(ledger, start_ms=system_clock() - 23 * HOUR_MS)
        farm.a_day()
        farm.samples(100, from_ms=farm.start_ms)
    return tmp_path


def queues(folder: Path) -> dict[str, QueueStatus]:
    with open_ledger(f"sqlite:///{folder}/data/ledger.db") as ledger:
        return {each.queue: each for each in OutboxStatus(ledger.engine).queues(system_clock())}


def unsent(folder: Path) -> dict[str, int]:
    return {name: queue.entries for name, queue in queues(folder).items()}


def ship(folder: Path) -> None:
    """Run the evaluator until nothing is unsent."""
    with running(folder, "evaluator") as evaluator:
        settled = {"feed": 0, "telemetry": 0, "kpi": 0, "restated": 0}
        wait_until(lambda: unsent(folder) == settled, "all is shipped", limit_s=60)
        assert evaluator.end() == 0


def test_the_token_is_for_its_owners_eyes_only(set_up: Path) -> None:
    file = set_up / "influx.token"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(file.read_text().strip()) > 20


def test_the_evaluator_ships_and_the_ledger_can_be_rebuilt(influx: PrivateInflux, set_up: Path) -> None:
    ship(set_up)
    points = influx.points(set_up.name)
    assert {key[0] for key in points} == {"job_event", "printer_state", "alert", "kpi"}
    figures = layerline_json("kpi", "--window", "24h", "--by", "printer", folder=set_up)
    layerline("rebuild", "--from", "influxdb", "--database", f"sqlite:///{set_up}/again.db", folder=set_up)
    again = layerline_json("jobs", "--database", f"sqlite:///{set_up}/again.db", folder=set_up)
    assert again == layerline_json("jobs", folder=set_up)
    exported = layerline_json("export", "jobs", "--window", "24h", "--from", "influxdb", folder=set_up)
    assert exported == layerline_json("export", "jobs", "--window", "24h", folder=set_up)
    assert len(exported) == len([job for job in again if job["outcome"] is not None])
    status = layerline_json("influx", "status", folder=set_up)
    assert {each["queue"]: each["entries"] for each in status} == {
        "feed": 0,
        "telemetry": 0,
        "kpi": 0,
        "restated": 0,
    }
    assert {frozenset(each) for each in status} == {frozenset(OutboxQueueRecord.model_fields)}
    assert status[0]["stored_at"].endswith("Z")
    rebuilt = layerline_json(
        "kpi",
        "--window",
        "24h",
        "--by",
        "printer",
        "--database",
        f"sqlite:///{set_up}/again.db",
        folder=set_up,
    )
    assert _of_jobs(rebuilt) == _of_jobs(figures)


def _of_jobs(figures: list[dict[str, Any]]) -> list[Any]:
    """The figures of jobs, which do not move with every second that passes between two commands."""
    moving = {"utilization", "idle_time", "operational_uptime", "total_uptime", "mtbf", "availability", "oee"}
    return [(each["id"], each["value"]) for each in figures if each["id"] not in moving]


def test_the_doctor_tells_of_trouble(influx: PrivateInflux, set_up: Path) -> None:
    ship(set_up)
    healthy = layerline("doctor", "--database", f"sqlite:///{set_up}/data/ledger.db", folder=set_up, status=1)
    assert "InfluxDB, feed" in healthy.stdout
    (set_up / "influx.token").write_text("wrong\n")
    with open_ledger(f"sqlite:///{set_up}/data/ledger.db") as ledger:
        BookedFarm(ledger, start_ms=system_clock())
    with running(set_up, "evaluator") as evaluator:
        wait_until(lambda: _troubled(set_up), "the trouble is told", limit_s=60)
        evaluator.end()
    ill = layerline("doctor", "--database", f"sqlite:///{set_up}/data/ledger.db", folder=set_up, status=1)
    assert "401" in ill.stdout


def _troubled(folder: Path) -> bool:
    trouble = queues(folder)["feed"].trouble
    return trouble is not None and trouble.status == 401


def test_the_check_says_whether_the_buckets_are_there(influx: PrivateInflux, set_up: Path) -> None:
    configuration = load_configuration(
        config=set_up / "layerline.toml", environment={}, redaction=LogRedaction()
    )
    settings = configuration.influx
    (good,) = server_diagnoses(settings)
    assert (good.status, good.seen.split(",")[0]) == (CheckStatus.OK, influx.url)
    (missing,) = server_diagnoses(settings.model_copy(update={"bucket": "nowhere"}))
    assert (missing.status, missing.seen) == (CheckStatus.FAILED, "no bucket nowhere")
    (refused,) = server_diagnoses(settings.model_copy(update={"token": SecretStr("wrong")}))
    assert (refused.status, "401" in refused.seen) == (CheckStatus.FAILED, True)
    assert list(server_diagnoses(InfluxSettings())) == []


def test_a_refused_administrator_is_told_in_words(influx: PrivateInflux, tmp_path: Path) -> None:
    (tmp_path / "admin.token").write_text("wrong")
    words = ["influx", "init", "--url", influx.url, "--admin-token-file", "admin.token", "--token-file", "t"]
    done = layerline(*words, folder=tmp_path, status=1)
    assert "401: unauthorized access" in done.stderr
    assert not (tmp_path / "t").exists()


def test_without_a_server_rebuilding_says_what_to_set(tmp_path: Path) -> None:
    done = layerline("rebuild", "--from", "influxdb", folder=tmp_path, status=1)
    assert "influx.url" in done.stderr
