"""What deploy/ ships fits together, and what of it can be run here is run."""

import json
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from paho.mqtt.client import Client, MQTTMessage, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

from farm.app.config import load_configuration
from farm.app.logs import LogRedaction
from farm.app.welcome import printer_broker
from farm.influx.ledger_kpis import LedgerKpis
from farm.influx.sender import Sender
from farm.influx.settings import InfluxSettings
from farm.ledger.ledger import open_ledger
from farm.model.clock import system_clock
from farm.model.times import HOUR_MS
from farm.settings import SiteSettings
from tests.figures import kpi_engine
from tests.influx_farm import BookedFarm, HandedClock, empty_outbox
from tests.influx_server import InfluxForTests, influx_for_tests
from tests.servers import free_port, wait_until

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
DASHBOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
LONG_RUNNING = ("mosquitto", "influxdb", "layerline", "grafana")


def test_every_service_is_watched_and_comes_up_again() -> None:
    assert set(LONG_RUNNING) < set(COMPOSE["services"])
    for name in LONG_RUNNING:
        service = COMPOSE["services"][name]
        assert "test" in service["healthcheck"], name
        assert service["restart"] == "unless-stopped", name


def test_every_volume_and_secret_that_is_used_is_declared() -> None:
    for service in COMPOSE["services"].values():
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (DEPLOY / source).exists(), source
            else:
                assert source in COMPOSE["volumes"], source


def test_every_variable_that_may_be_set_is_told() -> None:
    text = (DEPLOY / "compose.yaml").read_text("utf-8")
    told = (DEPLOY / "README.md").read_text("utf-8")
    variables = set(re.findall(r"\$\{(\w+)", text))
    assert variables
    assert {name for name in variables if f"`{name}`" not in told} == set()


def test_settings_of_ones_own_are_read_from_a_folder_of_the_checkout() -> None:
    service = COMPOSE["services"]["layerline"]
    assert f"./config:{service['working_dir']}:ro" in service["volumes"]
    assert (DEPLOY / "config").is_dir()


def test_documents_name_services_that_there_are() -> None:
    texts = [*(DEPLOY.parent / "docs").glob("*.md"), DEPLOY / "README.md", DEPLOY.parent / "README.md"]
    command = r"docker compose \S* ?\S* ?(?:kill -s HUP|exec|restart|logs \S+(?: \d+m)?)((?: [a-z]+)+)"
    found = {
        words.split()[0]
        for text in texts
        for words in re.findall(command, text.read_text("utf-8").replace("deploy/compose.yaml", "FILE"))
    }
    assert found
    assert found <= set(COMPOSE["services"])


def test_secrets_come_from_files_only() -> None:
    for name, service in COMPOSE["services"].items():
        for key, value in service.get("environment", {}).items():
            if re.search("PASSWORD|TOKEN", key):
                assert str(value).startswith(("/run/secrets/", "/tokens/")), f"{name}: {key}"


def test_what_runs_is_bounded_and_may_do_no_more_than_it_must() -> None:
    for name in LONG_RUNNING:
        service = COMPOSE["services"][name]
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert {"mem_limit", "pids_limit", "stop_grace_period"} < set(service), name
        assert set(service["logging"]["options"]) == {"max-size", "max-file"}, name
    for name in ("mosquitto", "layerline", "influxdb-setup"):
        assert COMPOSE["services"][name]["read_only"], name


def test_only_printers_are_let_in_from_the_network_without_tls() -> None:
    ports = {port for service in COMPOSE["services"].values() for port in service.get("ports", [])}
    assert {port for port in ports if "127.0.0.1" not in port} == {"1883:1883"}


def test_one_image_is_built_and_everybody_of_ours_runs_it() -> None:
    services = COMPOSE["services"]
    assert [name for name in services if "build" in services[name]] == ["layerline"]
    assert services["influxdb-setup"]["image"] == services["layerline"]["image"]
    assert services["influxdb-setup"]["pull_policy"] == "never"
    build = (DEPLOY / "Dockerfile").read_text("utf-8")
    assert build.index("--requirement requirements.txt") < build.index("COPY farm farm")
    assert "--no-deps ." in build


def test_the_script_draws_every_secret_once(tmp_path: Path) -> None:
    folder = tmp_path / "deploy"
    folder.mkdir()
    tmp_path = folder
    script = tmp_path / "make-secrets.sh"
    shutil.copy(DEPLOY / "make-secrets.sh", script)
    subprocess.run([script], check=True, capture_output=True)
    made = {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}
    assert set(COMPOSE["secrets"]) <= set(made)
    assert all(len(text.strip()) >= 48 for text in made.values())
    subprocess.run([script], check=True, capture_output=True)
    assert {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()} == made
    name, _, address = (tmp_path / ".env").read_text().strip().partition("=")
    assert name == "HOST_ADDRESS"
    assert address


def test_the_settings_of_the_container_are_understood(tmp_path: Path) -> None:
    environment = dict(COMPOSE["services"]["layerline"]["environment"])
    secret = tmp_path / "secret"
    secret.write_text("a-secret-of-some-length")
    for key, value in environment.items():
        if key.endswith("_FILE"):
            environment[key] = str(secret)
        elif value.startswith("${"):
            environment[key] = value.split(":-")[1].rstrip("}")
        else:
            environment[key] = value.replace("${HOST_ADDRESS:-localhost}", "192.168.1.5")
    configuration = load_configuration(data=tmp_path, environment=environment, redaction=LogRedaction())
    configuration.check()
    assert configuration.influx.url == "http://influxdb:8086"
    assert configuration.is_broker_configured
    shown = printer_broker(configuration.broker, embedded_host=None)
    assert (shown.host, shown.port, shown.user, shown.password) == ("192.168.1.5", 1883, "printer", None)


def test_the_image_runs_as_nobody_special_and_says_when_it_is_well() -> None:
    stages = (DEPLOY / "Dockerfile").read_text("utf-8").split("FROM ")[1:]
    assert len(stages) == 2
    final = stages[1]
    assert "USER layerline" in final
    assert "HEALTHCHECK" in final
    assert "COPY --from=build" in final
    assert "install -d -m 0700 -o layerline -g layerline /data" in final
    (uid,) = re.findall(r"useradd --uid (\d+)", final)
    assert f"/data:uid={uid},mode=0700" in COMPOSE["services"]["influxdb-setup"]["tmpfs"]
    root = DEPLOY.parent
    for source in re.findall(r"^COPY (\w+) \w+$", stages[0], re.MULTILINE):
        assert (root / source).is_dir()


def test_the_health_checks_ask_where_the_api_answers() -> None:
    from api.routes.health import router

    paths = {route.path for route in router.routes if hasattr(route, "path")}
    for text in ((DEPLOY / "Dockerfile").read_text("utf-8"), str(COMPOSE["services"]["layerline"])):
        (asked,) = re.findall(r"http://127\.0\.0\.1:8642(/[\w/]+)", text)
        assert asked in paths
        assert asked == "/health/ready"


class Broker:
    """The shipped configuration in a broker on this machine."""

    def __init__(self, port: int) -> None:
        self.port = port

    def client(self, user: str, client_id: str) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=False, protocol=MQTTv311
        )
        client.username_pw_set(user, f"{user}-password")
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        wait_until(client.is_connected, f"{user} is connected")
        return client


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    search = "/usr/local/sbin:/usr/sbin:/usr/bin:/usr/local/bin:/bin"
    program, hasher = (shutil.which(name, path=search) for name in ("mosquitto", "mosquitto_passwd"))
    if program is None or hasher is None:
        pytest.skip("no mosquitto on PATH; get it with: apt-get install mosquitto")
    users = tmp_path / "users"
    users.write_text("layerline:layerline-password\nprinter:printer-password\n")
    subprocess.run([hasher, "-U", users], check=True)
    port = free_port()
    text = (DEPLOY / "mosquitto" / "mosquitto.conf").read_text("utf-8")
    for old, new in (
        ("listener 1883", f"user {pwd.getpwuid(os.getuid()).pw_name}\nlistener {port} 127.0.0.1"),
        ("/mosquitto/users/users", str(users)),
        ("/mosquitto/config/acl", str(DEPLOY / "mosquitto" / "acl")),
        ("/mosquitto/data/", f"{tmp_path}/"),
    ):
        assert old in text
        text = text.replace(old, new)
    configuration = tmp_path / "mosquitto.conf"
    configuration.write_text(text)
    process = subprocess.Popen([program, "-c", configuration], stdout=subprocess.DEVNULL)
    try:
        running = Broker(port)
        wait_until(lambda: _connects(running), "the broker answers")
        yield running
    finally:
        process.terminate()
        process.wait(10)


def _connects(broker: Broker) -> bool:
    try:
        client = broker.client("layerline", "probe")
    except (ConnectionError, AssertionError):
        return False
    client.disconnect()
    client.loop_stop()
    return True


def test_the_broker_keeps_what_printers_publish_at_qos_0_for_an_absent_reader(broker: Broker) -> None:
    got: list[str] = []

    def received(_client: Client, _data: Any, message: MQTTMessage) -> None:
        got.append(message.topic)

    reader = broker.client("layerline", "layerline-shard-0")
    reader.subscribe("#", 1)
    wait_until(lambda: not reader.want_write(), "the subscription is sent")
    reader.publish("layerline/v1/main/ready", b"1", 1).wait_for_publish(5)
    reader.disconnect()
    reader.loop_stop()
    printer = broker.client("printer", "octoprint")
    for number in range(50):
        printer.publish(f"octoPrint/temperature/tool{number}", b"{}", 0)
    forger = broker.client("printer", "forger")
    forger.publish("layerline/v1/main/printers/x/state", b"forged", 0)
    forger.publish("octoPrint/forged", b"{}", 1)  # arrives after it, over a new connection if need be
    printer.publish("octoPrint/event/PrintDone", b"{}", 1).wait_for_publish(5)
    reader = Client(CallbackAPIVersion.VERSION2, "layerline-shard-0", clean_session=False, protocol=MQTTv311)
    reader.username_pw_set("layerline", "layerline-password")
    reader.on_message = received
    reader.connect("127.0.0.1", broker.port)
    reader.loop_start()
    wait_until(lambda: {"octoPrint/event/PrintDone", "octoPrint/forged"} <= set(got), "the queue arrives")
    for client in (reader, printer, forger):
        client.disconnect()
        client.loop_stop()
    assert sum(topic.startswith("octoPrint/temperature/") for topic in got) == 50
    assert "layerline/v1/main/printers/x/state" not in got


def test_the_broker_lets_layerline_read_what_its_health_check_asks_for(broker: Broker) -> None:
    command = COMPOSE["services"]["mosquitto"]["healthcheck"]["test"][1]
    (topic,) = re.findall(r"-t '\$(\$\S+)'", command)
    got: list[bytes] = []
    client = broker.client("layerline", "health")
    client.on_message = lambda _client, _data, message: got.append(bytes(message.payload))
    client.subscribe(topic)
    try:
        wait_until(lambda: bool(got), f"{topic} comes")
    finally:
        client.disconnect()
        client.loop_stop()
    assert re.fullmatch(rb"\d+ seconds", got[0])


@pytest.mark.skipif(
    shutil.which("mosquitto_sub") is None, reason="get it with: apt-get install mosquitto-clients"
)
def test_the_brokers_health_check_passes_as_it_is_written(broker: Broker, tmp_path: Path) -> None:
    kind, command = COMPOSE["services"]["mosquitto"]["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    password = tmp_path / "broker_password"
    for told, status in (("layerline-password", 0), ("wrong", 5)):
        password.write_text(told)
        here = command.replace("$$", "$").replace("/run/secrets/broker_password", str(password))
        here = here.replace("mosquitto_sub ", f"mosquitto_sub -p {broker.port} ")
        done = subprocess.run(["sh", "-c", here], capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == status, done.stderr
    assert "seconds" not in done.stdout


def panels(file: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(file.read_text("utf-8"))["panels"]
    return found


def all_queries() -> list[tuple[str, str]]:
    shown = [
        (f"{file.stem}: {panel['title']}", target["query"])
        for file in DASHBOARDS
        for panel in panels(file)
        for target in panel["targets"]
    ]
    chosen = [
        (f"{file.stem}: ${variable['name']}", variable["query"]["query"])
        for file in DASHBOARDS
        for variable in json.loads(file.read_text("utf-8"))["templating"]["list"]
    ]
    return shown + chosen


def test_the_dashboards_use_the_provisioned_source() -> None:
    provisioned = yaml.safe_load(
        (DEPLOY / "grafana" / "provisioning" / "datasources" / "layerline.yaml").read_text("utf-8")
    )
    (source,) = provisioned["datasources"]
    assert source["jsonData"]["version"] == "Flux"
    assert {file.stem for file in DASHBOARDS} == {"alerts", "kpis", "printers"}
    uids = set()
    for file in DASHBOARDS:
        dashboard = json.loads(file.read_text("utf-8"))
        uids.add(dashboard["uid"])
        ids = [panel["id"] for panel in dashboard["panels"]]
        assert len(ids) == len(set(ids))
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                assert target["datasource"] == {"type": source["type"], "uid": source["uid"]}
            place = panel["gridPos"]
            assert place["x"] + place["w"] <= 24
    assert len(uids) == len(DASHBOARDS)


@pytest.fixture(scope="module")
def filled() -> Iterator[tuple[InfluxForTests, InfluxSettings]]:
    with influx_for_tests() as influx, open_ledger("sqlite://") as ledger:
        settings = influx.settings(kpi_printers_every_seconds=60)
        clock = HandedClock(system_clock())
        farm = BookedFarm(ledger, start_ms=clock.now_ms - 23 * HOUR_MS)
        farm.a_day()
        farm.samples(3_000, from_ms=clock.now_ms - HOUR_MS)
        kpis = LedgerKpis(kpi_engine(ledger, SiteSettings()), ledger, SiteSettings(), settings, system_clock)
        sender = Sender(ledger.engine, settings, clock, kpis=kpis)
        empty_outbox(sender, ledger, clock)
        sender.close()
        yield influx, settings


@pytest.mark.parametrize(
    "query", [query for _, query in all_queries()], ids=[name for name, _ in all_queries()]
)
def test_a_dashboards_query_finds_something(
    query: str, filled: tuple[InfluxForTests, InfluxSettings]
) -> None:
    influx, settings = filled
    assert asked(influx, settings, query)


def asked(
    influx: InfluxForTests, settings: InfluxSettings, query: str, start: str = "-24h", zone: str = "utc"
) -> list[dict[str, Any]]:
    """What a query of a dashboard finds, with Grafana's variables put in."""
    range_of_grafana = f"option v = {{timeRangeStart: {start}, timeRangeStop: now(), windowPeriod: 10m}}\n"
    query = query.replace('bucket: "layerline_telemetry"', f'bucket: "{settings.telemetry_bucket}"')
    query = query.replace('bucket: "layerline"', f'bucket: "{settings.bucket}"')
    query = query.replace("${printer:regex}", "(.*)").replace("${__timezone}", zone)
    imports = "".join(re.findall(r"^import .*\n", query, re.MULTILINE))
    return influx.flux(imports + range_of_grafana + query.removeprefix(imports))


def query_of(dashboard: str, title: str) -> str:
    (query,) = (query for name, query in all_queries() if name == f"{dashboard}: {title}")
    return query


def test_the_states_begin_with_what_held_before_the_range(
    filled: tuple[InfluxForTests, InfluxSettings],
) -> None:
    influx, settings = filled
    found = asked(influx, settings, query_of("printers", "States"), start="-1s")
    names = {row["name"] for row in asked(influx, settings, query_of("printers", "States"))}
    assert {row["name"] for row in found} == names
    assert len(found) == len(names) > 1


@pytest.mark.parametrize(("zone", "midnight"), [("utc", "00:00:00"), ("Asia/Kolkata", "18:30:00")])
def test_daily_bars_are_the_days_of_the_zone(
    zone: str, midnight: str, filled: tuple[InfluxForTests, InfluxSettings]
) -> None:
    influx, settings = filled
    found = asked(influx, settings, query_of("kpis", "Jobs by outcome, a day"), start="-3d", zone=zone)
    assert found
    assert {row["_time"].strftime("%H:%M:%S") for row in found} == {midnight}
