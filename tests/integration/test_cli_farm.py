"""The whole farm in one command, and the commands that look after it."""

import http.client
import json
import os
import re
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt import MQTTException, publish
from paho.mqtt.enums import MQTTProtocolVersion

from farm.app.data_folder import DataFolder
from farm.app.embedded_broker.mosquitto import NoMosquitto, find_mosquitto
from farm.app.embedded_broker.settings import BrokerKind
from farm.cli.demo import stage
from farm.cli.demo.receivers import MailStandIn, SlackStandIn
from farm.ledger.ledger import open_ledger
from tests.integration.console import Running, layerline, layerline_json, running
from tests.servers import free_port, mosquitto, wait_until

NATIVE = "layerline/native/v1/bay1"


def configure(folder: Path, more: str = "", *, kind: BrokerKind = BrokerKind.AUTO) -> tuple[int, int]:
    """A configuration with ports of its own; gives those of the broker and of the page."""
    broker, page = free_port(), free_port()
    (folder / "layerline.toml").write_text(
        f'[embedded_broker]\nkind = "{kind}"\nhost = "127.0.0.1"\nport = {broker}\n'
        f"[api]\nport = {page}\n{more}",
        "utf-8",
    )
    return broker, page


def get(port: int, path: str) -> tuple[int, str]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def children_of(pid: int) -> dict[str, int]:
    """The running parts by their command."""
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[1]
            words = (entry / "cmdline").read_bytes().decode().split("\0")
        except (OSError, IndexError):
            continue
        if parent == str(pid) and "farm.cli" in words:
            found[words[words.index("farm.cli") + 1]] = int(entry.name)
        elif parent == str(pid) and "farm.app.embedded_broker" in words:
            found["broker"] = int(entry.name)
    return found


@contextmanager
def farm_up(folder: Path) -> Iterator[Running]:
    with running(folder, "up") as farm:
        farm.wait_for("(embedded, MQTT 3.1 and 3.1.1, no TLS)")
        yield farm


def test_one_command_runs_a_farm_that_a_printer_can_join(tmp_path: Path) -> None:
    broker, page = configure(tmp_path)
    with farm_up(tmp_path) as farm:
        access = DataFolder(tmp_path / "data").credentials()
        assert access is not None
        for shown in (
            access.user,
            access.password,
            f"http://127.0.0.1:{page}",
            "MQTT 3.1 and 3.1.1",
            "instance_name",
        ):
            assert shown in farm.text
        farm.wait_for("connected as layerline-shard-0")

        publish.single(
            f"{NATIVE}/link",
            "online",
            qos=1,
            retain=True,
            hostname="127.0.0.1",
            port=broker,
            auth={"username": access.user, "password": access.password},
        )
        wait_until(lambda: '"bay1"' in get(page, "/api/v1/printers")[1], "the printer is on the page")
        assert access.password in get(page, "/api/v1/setup")[1]

        parts = children_of(farm.process.pid)
        assert set(parts) == {"broker", "collector", "evaluator", "api"}
        os.kill(parts["collector"], signal.SIGKILL)
        farm.wait_for("collector ended with status -9; starting it again")
        wait_until(lambda: farm.text.count("connected as layerline-shard-0") == 2, "the collector is back")

        configured = (tmp_path / "layerline.toml").read_text("utf-8")
        (tmp_path / "layerline.toml").write_text(
            f'{configured}[[printers]]\nname = "bay1"\ngroup = "Hall A"\n', "utf-8"
        )
        farm.process.send_signal(signal.SIGHUP)
        farm.wait_for("going on with new printers")
        wait_until(lambda: '"Hall A"' in get(page, "/api/v1/printers")[1], "the printer has its group")

        assert farm.end(signal.SIGINT) == 0
        assert children_of(farm.process.pid) == {}


def holds_hang_ups(pid: int) -> bool:
    """Whether SIGHUP waits for the process to be ready for it."""
    status = Path(f"/proc/{pid}/status").read_text()
    (blocked,) = (line.split()[1] for line in status.splitlines() if line.startswith("SigBlk:"))
    return bool(int(blocked, 16) >> (signal.SIGHUP - 1) & 1)


def test_a_farm_that_is_told_to_reload_while_it_starts_comes_up(tmp_path: Path) -> None:
    _, page = configure(tmp_path)
    with running(tmp_path, "up") as farm:
        wait_until(lambda: holds_hang_ups(farm.process.pid), "it holds back what would end it")
        farm.process.send_signal(signal.SIGHUP)
        farm.wait_for("the configuration was read again")
        farm.wait_for("(embedded, MQTT 3.1 and 3.1.1, no TLS)")
        assert get(page, "/health/live")[0] == 200
        assert "ended with status" not in farm.text
        assert farm.end() == 0


def test_no_part_outlives_a_farm_that_is_killed(tmp_path: Path) -> None:
    configure(tmp_path)
    with farm_up(tmp_path) as farm:
        parts = children_of(farm.process.pid)
        assert set(parts) == {"broker", "collector", "evaluator", "api"}
        assert farm.end(signal.SIGKILL) == -signal.SIGKILL
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in parts.values()), "all parts end")


def test_the_page_listens_where_the_flags_say(tmp_path: Path) -> None:
    configure(tmp_path)
    page = free_port()
    with running(tmp_path, "up", "--port", str(page), "--host", "127.0.0.2") as farm:
        farm.wait_for(f"http://127.0.0.2:{page}")
        with closing(http.client.HTTPConnection("127.0.0.2", page, timeout=10)) as connection:
            connection.request("GET", "/health/live")
            assert connection.getresponse().status == 200
        assert farm.end() == 0
    said = layerline("up", "--host", "0.0.0.0", folder=tmp_path, status=2).stderr  # noqa: S104  it is refused
    assert "without a token the API listens only on loopback" in said


def test_a_farm_that_was_killed_starts_again_at_once(tmp_path: Path) -> None:
    configure(tmp_path)
    with farm_up(tmp_path) as farm:
        assert farm.end(signal.SIGKILL) == -signal.SIGKILL
    with farm_up(tmp_path) as farm:
        farm.wait_for("connected as layerline-shard-0")
        assert farm.end() == 0


def test_a_farm_does_not_start_on_ports_that_are_taken(tmp_path: Path) -> None:
    page = free_port()
    with mosquitto() as other:
        (tmp_path / "layerline.toml").write_text(
            f'[embedded_broker]\nhost = "127.0.0.1"\nport = {other.port}\n[api]\nport = {page}', "utf-8"
        )
        said = layerline("up", folder=tmp_path, status=2).stderr
        assert f"embedded_broker.port = {other.port}: something listens there already" in said
        (tmp_path / "layerline.toml").write_text(f"[api]\nport = {other.port}", "utf-8")
        said = layerline("up", folder=tmp_path, status=2).stderr
        assert f"api.port = {other.port}: something listens on 127.0.0.1:{other.port} already" in said


def test_with_a_broker_configured_none_is_started(tmp_path: Path) -> None:
    configure(tmp_path)
    with (
        mosquitto() as broker,
        running(tmp_path, "up", "--broker", broker.url, "--log-format", "json") as farm,
    ):
        farm.wait_for("connected as layerline-shard-0")
        farm.wait_for("printers connect to")
        assert set(children_of(farm.process.pid)) == {"collector", "evaluator", "api"}
        lines = [line for line in farm.text.splitlines() if line.startswith("{")]
        assert {"collector.service"} <= {json.loads(line)["logger"] for line in lines}
        assert farm.end() == 0


def test_the_doctor_finds_a_running_farm_in_good_health(tmp_path: Path) -> None:
    port, _ = configure(tmp_path)
    with farm_up(tmp_path) as farm:
        stranger = layerline(
            "doctor", "--broker", f"mqtt://layerline:guess@127.0.0.1:{port}", folder=tmp_path, status=1
        )
        assert "wrong user or password" in " ".join(stranger.stdout.split())
        access = DataFolder(tmp_path / "data").credentials()
        assert access is not None
        shown = layerline("doctor", "--show-secrets", folder=tmp_path).stdout
        assert access.password in shown
        assert access.password not in layerline("doctor", folder=tmp_path).stdout
        farm.wait_for("connected as layerline-shard-0")
        wait_until((tmp_path / "data" / "ledger.db").exists, "the ledger is made")
        found = layerline_json("doctor", folder=tmp_path)
        assert farm.end() == 0
    which, refused, *tried = found["broker"]
    assert (which["what"], refused["what"]) == ("embedded broker", "refused client")
    assert {diagnosis["status"] for diagnosis in tried} == {"ok"}
    assert [diagnosis["what"] for diagnosis in found["ledger"]] == [
        "soundness",
        "printers",
        "collector",
        "shard layerline-shard-0",
        "evaluator",
        "dropped messages",
        "rejected messages",
    ]


@pytest.mark.parametrize("kind", [BrokerKind.BUILT_IN, BrokerKind.MOSQUITTO])
def test_whoever_is_refused_is_named_in_log_doctor_and_api(tmp_path: Path, kind: BrokerKind) -> None:
    skip_without(kind)
    broker, page = configure(tmp_path, kind=kind)
    with farm_up(tmp_path) as farm:
        knock = {"client_id": "bay2", "protocol": MQTTProtocolVersion.MQTTv31, "port": broker}
        with pytest.raises(MQTTException, match="Not authorized"):
            publish.single("bay2/x", "1", hostname="127.0.0.1", auth=login("wrong"), **knock)  # type: ignore[arg-type]
        wait_until(lambda: bool(refused_at(page)), "the API names it")
        (known,) = refused_at(page)
        assert (known["address"], known["current"], known["count"]) == ("127.0.0.1", True, 1)
        assert "password" in known["words"]
        assert known["client_id"] in ("bay2", None if kind is BrokerKind.MOSQUITTO else "bay2")
        name = "bay2" if known["client_id"] else "a client"
        farm.wait_for(f"{name} at 127.0.0.1 was refused: {known['words']}")
        found = layerline_json("doctor", folder=tmp_path)["broker"]
        warned = next(each for each in found if each["what"] == "refused client")
        assert f"{name} at 127.0.0.1 was refused once" in warned["seen"]
        assert re.search(r"runs since \d{4}-\d{2}-\d{2}T", found[0]["seen"])
        access = DataFolder(tmp_path / "data").credentials()
        assert access is not None
        publish.single("bay2/x", "1", hostname="127.0.0.1", auth=login(access.password), **knock)  # type: ignore[arg-type]
        wait_until(lambda: not refused_at(page)[0]["current"], "it is refused no more")
        assert farm.end() == 0


def login(password: str) -> dict[str, str]:
    return {"username": "layerline", "password": password}


def refused_at(page: int) -> Any:
    return json.loads(get(page, "/api/v1/refused-clients")[1])["items"]


def skip_without(kind: BrokerKind) -> None:
    if kind is BrokerKind.MOSQUITTO:
        try:
            find_mosquitto()
        except NoMosquitto as error:
            pytest.skip(f"{error}; get it with: apt-get install mosquitto")


def test_a_mosquitto_that_does_not_start_gives_way_to_the_built_in_broker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "bin" / "mosquitto"
    broken.parent.mkdir()
    broken.write_text(
        "#!/bin/sh\necho mosquitto version 2.0.99\n[ \"$1\" = -h ] || echo 'Error: denied.'; exit 13\n"
    )
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{broken.parent}:{os.environ['PATH']}")
    configure(tmp_path)
    with farm_up(tmp_path) as farm:
        farm.wait_for("the built-in broker runs, because mosquitto ended with status 13 when it was started")
        farm.wait_for("Error: denied.")
        (which,) = [
            d for d in layerline_json("doctor", folder=tmp_path)["broker"] if d["what"] == "embedded broker"
        ]
        assert which["status"] == "warning"
        assert "its queue is lost" in which["remedy"] or "is lost when it restarts" in which["remedy"]
        assert farm.end() == 0


def test_where_mosquitto_is_wanted_and_missing_nothing_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "bin" / "mosquitto"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho mosquitto version 1.6.9\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{old.parent}:{os.environ['PATH']}")
    configure(tmp_path, kind=BrokerKind.MOSQUITTO)
    said = layerline("up", folder=tmp_path, status=2).stderr
    assert 'embedded_broker.kind = "mosquitto"' in said
    assert "is of version 1.6.9; 2.0 or newer is needed" in " ".join(said.split())


def test_the_doctor_says_what_each_missing_property_of_a_broker_costs(tmp_path: Path) -> None:
    poor = ["queue_qos0_messages false", "upgrade_outgoing_qos false", "max_inflight_messages 20"]
    with mosquitto(poor) as broker:
        shown = layerline("doctor", "--broker", broker.url, folder=tmp_path, status=1).stdout
        found = json.loads(
            layerline("doctor", "--broker", broker.url, "--json", folder=tmp_path, status=1).stdout
        )
    missing = {
        diagnosis["what"]: diagnosis for diagnosis in found["broker"] if diagnosis["status"] == "failed"
    }
    assert set(missing) == {
        "QoS 0 queued for an absent client",
        "unacknowledged QoS 0 messages sent again after a crash",
        "100 unacknowledged messages at once",
    }
    assert missing["100 unacknowledged messages at once"]["seen"] == "20"
    assert all(diagnosis["remedy"] for diagnosis in missing.values())
    assert "queue_qos0_messages true" in " ".join(shown.split())


def test_check_tries_everything_and_sends_only_when_told_to(tmp_path: Path) -> None:
    arrived: list[tuple[str, str]] = []
    mail_port = free_port()
    slack, mail = (
        SlackStandIn(0, lambda *message: arrived.append(message)),
        MailStandIn(mail_port, lambda *message: arrived.append(message)),
    )
    slack.start()
    mail.start()
    try:
        configure(
            tmp_path,
            f'[[alerts.receivers]]\nkind = "slack"\nwebhook_url = "{slack.url}"\n'
            f'[[alerts.receivers]]\nkind = "email"\nhost = "127.0.0.1"\nport = {mail_port}\n'
            'security = "none"\n'
            'sender = "layerline@example.com"\nrecipients = ["floor@example.com"]\n',
        )
        with mosquitto() as broker:
            quiet = layerline_json("check", "--broker", broker.url, folder=tmp_path)
            assert arrived == []
            layerline("check", "--send", "--broker", broker.url, folder=tmp_path)
    finally:
        mail.stop()
        slack.stop()
    assert [diagnosis["what"] for diagnosis in quiet] == [
        "configuration",
        "broker",
        "subscriptions",
        "database",
        "api",
        "receiver slack",
        "receiver email",
    ]
    assert {receiver for receiver, _ in arrived} == {"Slack", "mail"}
    assert all("Test message of the farm main" in text for _, text in arrived)
    assert not (tmp_path / "data").exists()


def test_check_fails_where_something_does_not_work(tmp_path: Path) -> None:
    configure(
        tmp_path, '[[alerts.receivers]]\nkind = "slack"\nwebhook_url = "http://127.0.0.1:1/hunter2hunter2"\n'
    )
    nobody = f"mqtt://layerline:hunter2hunter2@127.0.0.1:{free_port()}"
    database = "postgresql://u:hunter2hunter2@127.0.0.1:1/d"
    for form in ((), ("--json",)):
        done = layerline(
            "check", "--broker", nobody, "--database", database, *form, folder=tmp_path, status=1
        )
        assert "hunter2" not in done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert [diagnosis["what"] for diagnosis in found if diagnosis["status"] == "failed"] == [
        "broker",
        "database",
        "receiver slack",
    ]


@pytest.fixture
def preferred_ports_are_taken() -> Iterator[None]:
    """Two demos that start at the same moment would find the same ports free: these take others."""
    with ExitStack() as stack:
        for port in stage._PREFERRED.values():
            with suppress(OSError):  # another one listens there, which is as good
                stack.enter_context(closing(socket.create_server(("127.0.0.1", port))))
        yield


@pytest.mark.timeout(400)
@pytest.mark.xdist_group("demo")
@pytest.mark.usefixtures("preferred_ports_are_taken")
def test_the_demo_delivers_a_streak_alert_and_ends_with_a_summary(tmp_path: Path) -> None:
    data = str(tmp_path / "demo")
    with running(tmp_path, "demo", "--no-past", "--seconds", "300", "--data", data) as demo:
        demo.wait_for("Layerline demo")
        for receiver in ("Slack", "mail"):
            demo.wait_for(f"{receiver} received", limit_s=280)
        assert "replayed-octoprint: 3 failed prints in a row" in demo.text
        assert demo.end(signal.SIGINT) == 0
    assert "Messages delivered: 1 by Slack, 1 by mail." in demo.text
    assert "\nThe last hour: utilization " in demo.text
    jobs = layerline_json("jobs", "--database", f"sqlite:///{tmp_path}/demo/ledger.db", folder=tmp_path)
    streak = [job for job in jobs if job["printer"] == "replayed-octoprint"]
    assert [job["outcome"] for job in streak if job["outcome"]] == ["failed"] * 3


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A browser that asks once for what it is to show, and the file into which it writes what came."""
    browser, answers = tmp_path / "browser.py", tmp_path / "opened"
    browser.write_text(
        "import sys, urllib.request\n"
        f"with open({str(answers)!r}, 'a') as answers:\n"
        "    try:\n"
        "        print(urllib.request.urlopen(sys.argv[1], timeout=10).status, sys.argv[1], file=answers)\n"
        "    except OSError as error:\n"
        "        print(error, sys.argv[1], file=answers)\n"
    )
    monkeypatch.setenv("BROWSER", f"{sys.executable} {browser} %s")
    return answers


@pytest.mark.timeout(400)
@pytest.mark.xdist_group("demo")
@pytest.mark.usefixtures("preferred_ports_are_taken")
def test_the_demo_begins_with_a_past_that_it_keeps_and_ends_by_itself(tmp_path: Path, opened: Path) -> None:
    def demo(name: str) -> tuple[int, int]:
        """Run a demo to its end: since when (ms) its ledger knows the farm, and how many prints it holds."""
        data = tmp_path / name
        with running(tmp_path, "demo", "--open", "--seconds", "15", "--data", str(data)) as under_way:
            assert under_way.process.wait(300) == 0
            assert "printers" in under_way.text.splitlines()[-3]
            assert "Messages delivered: 0 by Slack, 0 by mail." in under_way.text
        with open_ledger(f"sqlite:///{data}/ledger.db", create=False) as ledger:
            began_ms = min(printer.first_seen_ms for printer in ledger.printers())
            return began_ms, sum(each.jobs for each in ledger.ended_jobs())

    (began_ms, prints), (again_ms, later_prints) = demo("first"), demo("second")
    assert [line.split()[0] for line in opened.read_text().splitlines()] == ["200", "200"], opened.read_text()
    assert prints > 1_000
    assert again_ms == began_ms
    assert later_prints < prints + 50
    assert len(list((tmp_path / "cache" / "layerline").glob("*.db"))) == 1
    assert not (tmp_path / "data").exists()
