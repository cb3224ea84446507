"""The command line as people and scripts use it."""

import csv
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from farm.app.data_folder import Credentials
from farm.app.embedded_broker.mosquitto import users_line
from farm.cli.root import app
from farm.kpi.catalogue import CATALOGUE
from farm.ledger.batch import Batch
from farm.ledger.ledger import open_ledger
from farm.model.recording import read_recording
from farm.model.simulated import simulated_topic
from farm.model.times import parse_rfc3339
from farm.model.verdict_record import VERDICT_COLUMNS
from tests.contract.ledger_samples import a_printer, an_ended_job
from tests.integration.console import environment, layerline, layerline_json, on_terminal, running
from tests.servers import Mosquitto, mosquitto, wait_until

RECORDINGS = Path(__file__).parent.parent / "recordings"
STREAK = RECORDINGS / "octoprint" / "12_three_failures_in_a_row.mqtt.jsonl"
STREAK_SOURCE = "octoprint=farm/{printer}/octoprint"
JOB_KEYS = {
    "id",
    "printer",
    "file",
    "outcome",
    "cancelled_by",
    "cause",
    "started_at",
    "ended_at",
    "printing_seconds",
    "paused_seconds",
}


@pytest.fixture(scope="module")
def broker() -> Iterator[Mosquitto]:
    with mosquitto() as started:
        yield started


def feed(broker: Mosquitto, recording: Path) -> None:
    """Publish a recording in simulated time, each message confirmed by the broker."""
    client = Client(CallbackAPIVersion.VERSION2, "feeder")
    client.connect(broker.host, broker.port)
    client.loop_start()
    sent = [
        client.publish(simulated_topic(m.received_ms, m.retain, m.topic), m.raw, qos=1)
        for m in read_recording(recording)
    ]
    for info in sent:
        info.wait_for_publish(30)
    client.disconnect()
    client.loop_stop()


def collect(broker: Mosquitto, folder: Path, database: str, *more: str, status: int = 0) -> str:
    arguments = ("--broker", broker.url, "--database", database, "--client-id", folder.name, *more)
    return layerline("collector", *arguments, folder=folder, status=status).stderr


@pytest.fixture(scope="module")
def booked(broker: Mosquitto, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A ledger into which the collector booked the streak recording from a real broker."""
    folder = tmp_path_factory.mktemp("booked")
    database = f"sqlite:///{folder}/run.db"
    options = ("--simulated-time", "--source", STREAK_SOURCE, "--drain", "0.5")
    collect(broker, folder, database, *options)  # the first start makes the session that the broker keeps
    feed(broker, STREAK)
    collect(broker, folder, database, *options)
    return folder, database


def test_the_help_lists_every_command(tmp_path: Path) -> None:
    shown = layerline("--help", folder=tmp_path).stdout
    for command in app.registered_commands:
        assert command.callback is not None
        assert f"\n  {command.callback.__name__} " in shown


def test_every_command_shows_examples(tmp_path: Path) -> None:
    assert "Examples\n  layerline jobs" in layerline("jobs", "--help", folder=tmp_path).stdout
    for command in app.registered_commands:
        assert command.callback is not None
        assert f"layerline {command.callback.__name__}" in (command.epilog or "")


def test_wrong_usage_ends_with_status_2(tmp_path: Path) -> None:
    assert "No such option: --nonsense" in layerline("jobs", "--nonsense", folder=tmp_path, status=2).stderr
    mistyped = layerline("jobs", "--sinec", "3d", folder=tmp_path, status=2).stderr
    assert mistyped.endswith("Error: No such option: --sinec. Did you mean --since?\n")


def test_a_wrong_configuration_starts_nothing_and_tells_no_secret(tmp_path: Path) -> None:
    (tmp_path / "layerline.toml").write_text('[broker]\nurl = "tcp://u:hunter2hunter2@b"\nprot = 1', "utf-8")
    for command in ("up", "collector", "check", "doctor"):
        done = layerline(command, folder=tmp_path, status=2)
        assert "layerline.toml: broker.prot: unknown key" in done.stderr
        assert "hunter2" not in done.stderr + done.stdout
    assert not (tmp_path / "data").exists()


def test_a_missing_ledger_is_an_error_and_is_not_made(tmp_path: Path) -> None:
    done = layerline("jobs", folder=tmp_path, status=1)
    assert "there is no ledger at" in done.stderr
    assert not (tmp_path / "data").exists()


def test_an_admin_token_that_cannot_be_read_is_named_by_its_option(tmp_path: Path) -> None:
    files = ("--admin-token-file", "nowhere", "--token-file", "influx.token")
    done = layerline("influx", "init", *files, folder=tmp_path, status=2)
    assert done.stderr == "layerline: --admin-token-file nowhere: cannot be read: No such file or directory\n"


def test_an_admin_token_comes_through_a_pipe(tmp_path: Path) -> None:
    """As `<(…)` of a shell gives it, which can be read once."""
    os.mkfifo(tmp_path / "admin.token")
    writer = threading.Thread(target=(tmp_path / "admin.token").write_bytes, args=(b"a-token-of-admins\n",))
    writer.start()
    files = ("--admin-token-file", "admin.token", "--token-file", "influx.token", "--url", "no address")
    done = layerline("influx", "init", *files, folder=tmp_path, status=2)
    writer.join()
    assert "influx.url" in done.stderr or "--url" in done.stderr
    assert "admin.token" not in done.stderr


def test_replay_prints_the_objects_that_scripts_lean_on(tmp_path: Path) -> None:
    (one,) = layerline_json("replay", str(STREAK), "--source", STREAK_SOURCE, folder=tmp_path)
    assert set(one) == {"recording", "messages", "ignored", "jobs", "spans"}
    assert (one["recording"], one["messages"]) == ("12_three_failures_in_a_row", 171)
    assert all(set(job) == JOB_KEYS for job in one["jobs"])
    assert [(job["outcome"], job["cause"]) for job in one["jobs"]] == [("failed", "thermal")] * 3
    assert all(set(span) == {"printer", "state", "from", "to"} for span in one["spans"])


def test_replay_shows_a_table(tmp_path: Path) -> None:
    shown = layerline("replay", str(STREAK), "--source", STREAK_SOURCE, folder=tmp_path).stdout
    assert "12_three_failures_in_a_row: 171 messages" in shown
    assert shown.count("calibration_cube_20mm.gcode") == 3


def test_replay_of_topics_that_nobody_reads_says_so_in_the_place_of_tables(tmp_path: Path) -> None:
    shown = layerline("replay", str(STREAK), folder=tmp_path).stdout
    assert "171 messages, ignored 171 × unknown_topic\nNo printer is in it." in shown
    assert "--source" in shown
    assert "outcome" not in shown


def test_on_a_terminal_the_log_of_a_replay_leaves_no_piece_of_the_bar(tmp_path: Path) -> None:
    shown = on_terminal("replay", str(STREAK), folder=tmp_path)
    assert "dropped a" in shown
    last = shown.rpartition("12_three_failures_in_a_row: 171 messages")[0].splitlines()[-1]
    assert "━" not in last.rpartition("\x1b[2K")[2], "the bar was taken away before the answer"


def test_recompute_finds_the_books_of_a_recording_in_order(booked: tuple[Path, str]) -> None:
    folder, database = booked
    shown = layerline("recompute", "--check", "--database", database, folder=folder).stdout
    assert shown.splitlines()[-1] == "1 printer, 0 differences."


def test_recompute_says_each_difference_and_ends_with_status_1(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with open_ledger(f"sqlite:///{tmp_path}/data/ledger.db") as ledger:
        ledger.claim("shard", "test", simulated=False, now_ms=0)
        ledger.commit(Batch(printers=[a_printer("anna"), a_printer("bert")]))
        ledger.commit(Batch(jobs=[an_ended_job("one", 200), an_ended_job("two", 250, started_ms=150)]))
    shown = layerline("recompute", "--check", folder=tmp_path, status=1).stdout
    assert "anna: overlapping_jobs at 1970-01-01T00:00:00.150Z: one.gcode" in shown
    done = layerline("recompute", "--check", "--printer", "ANNA", "--json", folder=tmp_path, status=1)
    told = json.loads(done.stdout)
    assert (told["printers"], [each["what"] for each in told["differences"]]) == (1, ["overlapping_jobs"])
    layerline("recompute", "--check", "--printer", "bert", folder=tmp_path)
    assert "--check" in layerline("recompute", folder=tmp_path, status=2).stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "recording.jsonl: cannot be read: No such file"),
        ("{}\n", "recording.jsonl, line 1"),
        ('{"t": 1e15, "topic": "octoPrint/a/event/Connected", "payload": "{}"}\n', "recording.jsonl, line 1"),
        ('{"t": -1, "topic": "octoPrint/a/event/Connected", "payload": "{}"}\n', "recording.jsonl, line 1"),
    ],
)
def test_replay_of_what_is_no_recording_fails(content: str | None, said: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "recording.jsonl").write_text(content, "utf-8")
    assert said in layerline("replay", "recording.jsonl", folder=tmp_path, status=1).stderr


def test_what_a_broker_carries_is_recorded_without_secrets(tmp_path: Path, broker: Mosquitto) -> None:
    topic = "octoPrint/bay1/event/PrinterStateChanged"
    with running(
        tmp_path, "record", "new.jsonl", "--broker", broker.url, "--topic", "octoPrint/#"
    ) as recorder:
        client = Client(CallbackAPIVersion.VERSION2, "recorded")
        client.connect(broker.host, broker.port)
        client.loop_start()

        def publish_and_look() -> bool:
            client.publish("layerline/v1/main/printers/bay1/state", "{}", qos=1)
            client.publish(topic, '{"password": "hunter2", "state_id": "OPERATIONAL"}', qos=1)
            return topic in (tmp_path / "new.jsonl").read_text("utf-8", "replace")

        wait_until((tmp_path / "new.jsonl").exists, "the file is there")
        wait_until(publish_and_look, "a message is recorded")
        client.disconnect()
        client.loop_stop()
        assert recorder.end(signal.SIGINT) == 0
    (first, *_) = read_recording(tmp_path / "new.jsonl")
    assert (first.topic, first.payload) == (topic, '{"state_id":"OPERATIONAL"}')
    done = layerline("record", "new.jsonl", "--broker", broker.url, folder=tmp_path, status=1)
    assert "new.jsonl: is there already" in done.stderr


def test_a_recording_with_everything_in_it_still_holds_no_topics_of_ours(
    tmp_path: Path, broker: Mosquitto
) -> None:
    told = {
        "elsewhere/secret": "hunter2",
        "layerline/v1/main/printers/bay1/state": "{}",
        "layerline/native/v1/bay1/link": "online",
        "layerline/doctor/1/2/status": "0",
    }
    client = Client(CallbackAPIVersion.VERSION2, "everything")
    client.connect(broker.host, broker.port)
    client.loop_start()
    for topic, payload in told.items():
        client.publish(topic, payload, qos=1, retain=True).wait_for_publish(30)
    arguments = ("--broker", broker.url, "--seconds", "1", "--everything")
    summary = layerline_json("record", "all.jsonl", *arguments, folder=tmp_path)
    for topic in told:
        client.publish(topic, "", qos=1, retain=True).wait_for_publish(30)
    client.disconnect()
    client.loop_stop()
    messages = list(read_recording(tmp_path / "all.jsonl"))
    counts = {"messages": len(messages), "left_out": 0, "fields_left_out": []}
    assert summary == {"file": "all.jsonl", **counts}
    topics = {message.topic for message in messages}
    assert {topic for topic in told if topic in topics} == {
        "elsewhere/secret",
        "layerline/native/v1/bay1/link",
    }


def test_a_recording_that_fails_leaves_no_file(tmp_path: Path) -> None:
    layerline("record", "new.jsonl", "--broker", "mqtt://127.0.0.1:1", folder=tmp_path, status=1)
    assert not (tmp_path / "new.jsonl").exists()


def test_a_source_that_cannot_be_read_is_wrong_usage(tmp_path: Path) -> None:
    done = layerline("replay", str(STREAK), "--source", "octoprint", folder=tmp_path, status=2)
    assert "--source octoprint: must be ADAPTER[:PRINTER]=TOPIC" in done.stderr


def test_jobs_collected_from_a_broker_are_listed(booked: tuple[Path, str]) -> None:
    folder, database = booked
    jobs = layerline_json("jobs", "--database", database, folder=folder)
    assert len(jobs) == 3
    assert all(set(job) > JOB_KEYS for job in jobs)
    assert [job["ended_at"] for job in jobs] == sorted((job["ended_at"] for job in jobs), reverse=True)
    assert layerline("jobs", "--database", database, folder=folder).stdout.count("thermal") == 3


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (["--outcome", "failed"], 3),
        (["--outcome", "succeeded"], 0),
        (["--printer", "bay2"], 3),
        (["--since", "1h"], 3),
        (["--since", "5s"], 0),
        (["--printer", "BAY2", "--since", "2026-11-22", "--until", "2026-11-22"], 3),
        (["--until", "2026-11-21"], 0),
        (["--open"], 0),
        (["-n", "2"], 2),
        (["--since", "2026-11-22T01:40:00Z"], 2),
        (["--limit", "1"], 1),
    ],
)
def test_jobs_are_chosen_by_printer_time_and_outcome(
    options: list[str], count: int, booked: tuple[Path, str]
) -> None:
    folder, database = booked
    assert len(layerline_json("jobs", "--database", database, *options, folder=folder)) == count


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["jobs", "--printer", "bay22"], "--printer bay22: there is no such printer; nearest: bay2"),
        (["jobs", "--since", "soon"], "--since soon: must be a date such as 2026-11-01, a time such as"),
        (["jobs", "--group", "Hall Z"], "--group Hall Z: there is no such group"),
        (["jobs", "--open", "--outcome", "failed"], "--open, --outcome: a job that is under way has no"),
        (["kpi", "utilisation"], "is no indicator; did you mean utilization? Allowed are utilization,"),
        (["jobs", "--printer", "xyz"], "--printer xyz: there is no such printer; `layerline printers` lists"),
        (["kpi", "--window", "fortnight"], "'fortnight' is no window"),
        (["kpi", "--by", "file,farm"], "--by file,farm: must be at most 3 different scopes"),
        (["kpi", "--by", "shelf"], "--by shelf: must be one of printer, group, model"),
        (["export", "jobs", "--every", "10m"], "--every 10m: goes with telemetry only"),
        (["export", "telemetry", "--every", "often"], "--every often: goes with telemetry only"),
        (
            ["export", "states", "--printer", "bay22"],
            "--printer bay22: there is no such printer; nearest: bay2",
        ),
    ],
)
def test_a_question_that_makes_no_sense_is_wrong_usage(
    arguments: list[str], said: str, booked: tuple[Path, str]
) -> None:
    folder, database = booked
    assert said in layerline(*arguments, "--database", database, folder=folder, status=2).stderr


def test_on_a_terminal_no_bar_stands_among_the_rows(booked: tuple[Path, str]) -> None:
    folder, database = booked
    shown = on_terminal("export", "telemetry", "--database", database, folder=folder, columns=400)
    assert len(shown.splitlines()) > 2
    assert "━" not in shown


def test_exports_are_rows_under_their_names(booked: tuple[Path, str], tmp_path: Path) -> None:
    folder, database = booked
    common = ("--database", database, "--window", "24h")
    jobs = layerline_json("jobs", "--database", database, folder=folder)
    of_machines = [
        {name: job[name] for name in job if name != "verdict"} | dict.fromkeys(VERDICT_COLUMNS)
        for job in reversed(jobs)
    ]
    assert layerline_json("export", "jobs", *common, folder=folder) == of_machines
    text = layerline("export", "jobs", *common, folder=folder).stdout
    assert "\r" not in text
    assert ",true," in text or ",false," in text
    assert "True" not in text
    rows = list(csv.DictReader(text.splitlines()))
    assert [row["id"] for row in rows] == [job["id"] for job in reversed(jobs)]
    assert [row["cause"] for row in rows] == ["thermal"] * 3
    hours = layerline_json("export", "states", *common, "--printer", "bay2", folder=folder)
    assert all(one["to"] == other["from"] for one, other in itertools.pairwise(hours))
    assert hours[-1]["state"] != "unknown", "what the collector has not booked yet is not unknown"
    assert {hour["state"] for hour in hours} >= {"printing", "error"}
    file = tmp_path / "telemetry.csv"
    layerline("export", "telemetry", *common, "--every", "10s", "--output", str(file), folder=folder)
    samples = list(csv.DictReader(file.read_text().splitlines()))
    assert all(parse_rfc3339(sample["at"]) % 10_000 == 0 for sample in samples)
    assert max(float(sample["nozzle"] or 0) for sample in samples) > 150


def test_exported_jobs_tell_what_an_inspection_found(booked: tuple[Path, str], tmp_path: Path) -> None:
    copy = tmp_path / "ledger.db"
    copy.write_bytes(Path(booked[1].removeprefix("sqlite:///")).read_bytes())
    at = ("--database", f"sqlite:///{copy}")
    oldest = layerline_json("jobs", *at, folder=tmp_path)[-1]["id"]
    told = ("--rejected", "1", "--reason", "warping", "--note", "=corner up", "--who", "olga")
    layerline("job", "verdict", oldest, *told, *at, folder=tmp_path)
    first, *others = layerline_json("export", "jobs", *at, "--window", "24h", folder=tmp_path)
    found = [first[name] for name in VERDICT_COLUMNS]
    assert found[:-1] == [0, 1, "warping", "=corner up", "olga"]
    assert parse_rfc3339(found[-1]) > parse_rfc3339(first["ended_at"])
    assert others
    assert {job[name] for job in others for name in VERDICT_COLUMNS} == {None}
    text = layerline("export", "jobs", *at, "--window", "24h", folder=tmp_path).stdout
    row, *unseen = csv.DictReader(text.splitlines())
    assert [row[name] for name in VERDICT_COLUMNS[:-1]] == ["0", "1", "warping", "'=corner up", "olga"]
    assert {each[name] for each in unseen for name in VERDICT_COLUMNS} == {""}


def test_an_export_of_nothing_is_its_header(booked: tuple[Path, str]) -> None:
    folder, database = booked
    window = "2020-01-01T00:00:00Z..2020-01-02T00:00:00Z"
    for what in ("jobs", "states", "telemetry"):
        answer = layerline("export", what, "--database", database, "--window", window, folder=folder).stdout
        assert answer.startswith(("printer_id,printer,", "id,printer_id,printer,"))
        assert len(answer.splitlines()) == 1


def test_indicators_come_with_their_counts(booked: tuple[Path, str]) -> None:
    folder, database = booked
    (rate,) = layerline_json("kpi", "print_success_rate", "--database", database, folder=folder)
    assert (rate["value"], rate["counts"]["failed"], rate["window"]["name"]) == (0.0, 3, "24h")
    by_printer = layerline_json(
        "kpi", "--database", database, "--by", "printer", "--window", "1h", folder=folder
    )
    assert {(figure["id"], figure["label"]) for figure in by_printer} == {
        (entry.id, "bay2") for entry in CATALOGUE
    }
    assert "0.00 %" in layerline("kpi", "--database", database, folder=folder).stdout


def test_simulated_and_real_time_never_meet_in_one_ledger(
    booked: tuple[Path, str], broker: Mosquitto
) -> None:
    folder, database = booked
    assert "simulated" in collect(broker, folder, database, "--drain", "0.2", status=1)


def test_the_collector_ends_in_order_on_a_signal(tmp_path: Path, broker: Mosquitto) -> None:
    arguments = ("collector", "--broker", broker.url, "--client-id", "ends-in-order")
    for how in (signal.SIGTERM, signal.SIGINT):
        with running(tmp_path, *arguments) as collector:
            collector.wait_for("connected as ends-in-order")
            assert collector.end(how) == 0


REFUSED = "refused the connection: Not authorized: wrong user or password, or not on the broker's access list"


def test_a_broker_that_refuses_us_is_said_with_the_remedy(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    passwords.write_text("", "utf-8")
    with mosquitto(["allow_anonymous false", f"password_file {passwords}"]) as guarded:
        drained = layerline("collector", "--broker", guarded.url, "--drain", "1", folder=tmp_path, status=1)
        checked = layerline("check", "--broker", guarded.url, "--json", folder=tmp_path, status=1)
        examined = layerline("doctor", "--broker", guarded.url, "--json", folder=tmp_path, status=1)
    for shown in (drained.stderr, checked.stdout, examined.stdout):
        assert REFUSED in shown
        assert "check broker.username and broker.password" in shown


def test_a_collector_waits_for_a_broker_that_refuses_it_to_be_mended(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    passwords.write_text("", "utf-8")
    with mosquitto(["allow_anonymous false", f"password_file {passwords}"]) as guarded:
        address = f"mqtt://layerline:right@{guarded.host}:{guarded.port}"
        with running(tmp_path, "collector", "--broker", address) as collector:
            collector.wait_for(REFUSED)
            wait_until(lambda: guarded.log.count("not authorised") > 3, "it tries again")
            assert collector.text.count(REFUSED) == 1
            passwords.write_text(users_line(Credentials("layerline", "right")), "utf-8")
            os.kill(guarded.pid, signal.SIGHUP)
            collector.wait_for("connected as layerline-shard-0")
            collector.wait_for("the broker is back after")
            assert collector.end(signal.SIGTERM) == 0


def loaded_by(folder: Path, *arguments: str) -> set[str]:
    """The packages that a command has loaded at its end."""
    code = """
import json, sys
from farm.cli import main
try:
    main()
except SystemExit:
    pass
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder, env=environment(folder), capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_help_loads_no_library_that_only_work_needs(tmp_path: Path) -> None:
    loaded = loaded_by(tmp_path, "--help")
    assert "typer" in loaded
    assert not loaded & {"pydantic", "sqlalchemy", "msgspec", "paho", "fastapi", "slack_sdk", "apprise"}


def test_what_a_receiver_by_apprise_takes_is_taken_in_another_process(tmp_path: Path) -> None:
    (tmp_path / "layerline.toml").write_text('[[alerts.receivers]]\nkind = "apprise"\nurl = "json://h/x"')
    loaded = loaded_by(tmp_path, "check")
    assert "alerts" in loaded
    assert not loaded & {"apprise", "requests"}


def test_the_collector_loads_nothing_that_others_need(tmp_path: Path, broker: Mosquitto) -> None:
    loaded = loaded_by(tmp_path, "collector", "--broker", broker.url, "--client-id", "lean", "--drain", "0.1")
    assert "paho" in loaded
    heavy = {
        "fastapi",
        "uvicorn",
        "slack_sdk",
        "apprise",
        "aiosmtplib",
        "alembic",
        "jinja2",
        "rich",
        "iotcore",
    }
    assert not loaded & heavy


def test_the_version_is_that_of_the_package(tmp_path: Path) -> None:
    shown = layerline_json("version", folder=tmp_path)
    assert layerline("version", folder=tmp_path).stdout.startswith(f"layerline {shown['layerline']} ")
