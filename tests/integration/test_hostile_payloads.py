"""Every hostile message through a real broker to a collector of its own, which books into PostgreSQL."""

import json
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import httpx
import psycopg
import pytest
from sqlalchemy import make_url

from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger import Ledger, open_ledger
from farm.model.simulated import simulated_topic
from tests.contract.test_hostile_messages import REASONS, assert_within_limits, by_field
from tests.feeding import BrokerClient, make_session
from tests.good_jobs import GOOD, SECOND
from tests.hostile import HUGE, SHELLS, T0, WHOLE, Hostile, hostile
from tests.integration.collector_process import LAYERLINE, CollectorProcess
from tests.integration.console import environment
from tests.servers import Mosquitto, free_port, fresh_database, mosquitto, postgresql, wait_until

PREFIX = {"octoprint": "octo/{printer}/octoprint", "moonraker": "klip/{printer}", "native": "nat/{printer}"}
SOURCES = [word for name, topic in PREFIX.items() for word in ("--source", f"{name}={topic}")]
LONGEST_TOPIC = 65_535
TOLERANCE_MS = 10_000
"""What a message may have waited on a busy machine when the offset of a Klipper clock is learnt from it."""

Message = tuple[str, bytes]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture
def database(server: str) -> Iterator[str]:
    with fresh_database(server) as url:
        yield url


@pytest.fixture
def broker() -> Iterator[Mosquitto]:
    with mosquitto() as running:
        yield running


# -- the whole table, in simulated time: exact ----------------------------------------------


def attacked(adapter: str) -> dict[str, list[Hostile]]:
    """A third of the hostile messages of each field, by printer: each kind of wrong is among them.

    All of them go through the pipeline in the contract's table.
    """
    return {name: group[number % 3 :: 3] for number, (name, group) in enumerate(by_field(adapter).items())}


def attacks(adapter: str) -> Iterator[Message]:
    """The hostile messages about each field, between two good prints of a printer of their own."""
    for name, group in attacked(adapter).items():
        prefix = PREFIX[adapter].format(printer=f"{adapter}-{name}")
        yield from _print(prefix, adapter, "before.gcode", 10, 100)
        for one in group:
            yield simulated_topic(T0 + 200 * SECOND, one.retained, f"{prefix}/{one.suffix}"), one.payload
        yield from _print(prefix, adapter, "after.gcode", 400, 500)


def _print(prefix: str, adapter: str, file: str, begin: float, end: float) -> Iterator[Message]:
    for at, suffix, payload in GOOD[adapter](file, begin, end):
        yield simulated_topic(T0 + round(at * SECOND), False, f"{prefix}/{suffix}"), payload


def good_jobs(ledger: Ledger) -> set[tuple[str, str | None, str | None, int | None, int | None]]:
    names = {printer.id: printer.name for printer in ledger.printers()}
    return {
        (names[job.printer_id], job.file, job.outcome, job.started_ms, job.ended_ms)
        for job in ledger.jobs(JobFilter(limit=100_000)).jobs
        if job.file in ("before.gcode", "after.gcode")
    }


@pytest.mark.timeout(240)
def test_hostile_messages_about_every_field_leave_the_collector_alive_and_the_other_jobs_right(
    broker: Mosquitto, database: str, tmp_path: Path
) -> None:
    make_session(broker, "shard")
    with (
        open_ledger(database) as ledger,
        CollectorProcess(broker, database, tmp_path / "log", *SOURCES) as collector,
    ):
        with BrokerClient(broker) as client:
            for adapter in SHELLS:
                for topic, payload in attacks(adapter):
                    client.publish(topic, payload)
            client.publish(*next(_print("nat/last", "native", "last.gcode", 600, 700)))
        wait_until(lambda: any(p.name == "last" for p in ledger.printers()), "all has come", 120)
        assert collector.end() == 0, collector.log
        assert "Traceback" not in collector.log
        wanted = {
            (f"{adapter}-{name}", file, "succeeded", T0 + begin * SECOND, T0 + end * SECOND)
            for adapter in SHELLS
            for name in attacked(adapter)
            for file, begin, end in (("before.gcode", 10, 100), ("after.gcode", 400, 500))
        }
        assert good_jobs(ledger) == wanted
        for job in ledger.jobs(JobFilter(limit=100_000)).jobs:
            assert_within_limits(job)
        counted = {fault.reason for fault in ledger.faults()}
        assert counted <= REASONS
        assert counted >= {"not_json", "too_deep", "not_utf8", "wrong_shape", "too_large", "bad_field"}
        assert ledger.rejected_messages(10) == []


# -- a farm at work under attack, in real time ----------------------------------------------


class Print(NamedTuple):
    """A print as it goes on at the printer, `begin` and `end` in seconds since T0."""

    printer: str
    adapter: str
    file: str
    begin: float
    end: float

    def messages(self) -> Iterator[tuple[float, str, bytes]]:
        prefix = PREFIX[self.adapter].format(printer=self.printer)
        for at, suffix, payload in GOOD[self.adapter](self.file, self.begin, self.end):
            yield at, f"{prefix}/{suffix}", payload


def now_s() -> float:
    """Seconds since T0."""
    return time.time() - T0 / SECOND


def round_of_prints(file: str) -> list[Print]:
    """Two printers of each adapter print for six seconds, from in a second on."""
    begin = now_s() + 1
    return [
        Print(f"{adapter}{number}", adapter, file, begin, begin + 6) for adapter in GOOD for number in (1, 2)
    ]


def tell(client: BrokerClient, prints: list[Print]) -> None:
    """Publish what the printers say when they say it."""
    for at, topic, payload in sorted(message for each in prints for message in each.messages()):
        time.sleep(max(0, at - now_s()))
        client.publish(topic, payload)


UNREADABLE = {"octoprint": "progress/printing", "moonraker": "klipper/status", "native": "telemetry"}
KEPT = {
    "octo/octoprint1/octoprint/event/PrintDone": HUGE,
    "octo/octoprint2/octoprint/event/PrinterStateChanged": WHOLE["no JSON"],
    "klip/moonraker1/klipper/status": WHOLE["nested 100,000 deep"],
    "klip/moonraker2/moonraker/api/response": WHOLE["NUL bytes"],
    "nat/native1/event": WHOLE["not UTF-8"],
    "nat/native2/state": WHOLE["a list"],
}


def guilty(adapter: str) -> Iterator[Message]:
    """A print that the database will not have, told again and again."""
    for _ in range(3):
        for _, topic, payload in Print("guilty", adapter, "guilty.gcode", now_s() - 1, now_s()).messages():
            yield topic, payload


def hostile_messages(prints: list[Print]) -> Iterator[Message]:
    for adapter in SHELLS:
        prefix = PREFIX[adapter].format(printer="attacked")
        # Every kind of wrong in some field: all of them in every field are in the test above.
        for one in islice(hostile(adapter), 0, None, 29):
            yield f"{prefix}/{one.suffix}", one.payload
        yield from guilty(adapter)
    for each in prints:
        topic = f"{PREFIX[each.adapter].format(printer=each.printer)}/{UNREADABLE[each.adapter]}"
        for payload in (WHOLE["no JSON"], WHOLE["objects 100,000 deep"]):
            yield topic, payload
        if each.printer.endswith("1"):
            yield topic, HUGE
    for prefix in ("nat/", "nat/native1/", "klip/moonraker1/klipper/state/print_stats/", "octo/"):
        yield prefix + "x" * (LONGEST_TOPIC - len(prefix)), b"1"
    for length in (101, 60_000):  # a name that is too long, and a topic that is
        yield "nat/" + "x" * length + "/state", b'{"v":1,"state":"idle"}'
    yield "klip//klipper/status", b"{}"


NOT_MEANT = (
    b"nat/\xff\xfe/state",
    b"klip/\xed\xa0\x80/klipper/status",
    b"nat/a\x00b/state",
    b"nat/a\x01b/state",
)
"""Topics for which Mosquitto cuts its publisher off, and the collector beside it must not care."""


def publish_raw(broker: Mosquitto, topic: bytes) -> None:
    """One PUBLISH at QoS 0 with a topic of any bytes; what the broker makes of it is its affair."""
    connect = b"\x00\x04MQTT\x04\x02\x00\x3c\x00\x03raw"
    body = struct.pack(">H", len(topic)) + topic + b'{"v":1,"state":"idle"}'
    with closing(socket.create_connection((broker.host, broker.port), timeout=10)) as line:
        line.sendall(b"\x10" + bytes([len(connect)]) + connect)
        assert line.recv(4)[:1] == b"\x20"
        line.sendall(b"\x30" + bytes([len(body)]) + body)


@contextmanager
def running(*command: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    log = folder / f"{command[0]}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [LAYERLINE, *command], cwd=folder, env=environment(folder), stdout=output, stderr=output
        )
    try:
        yield process
    finally:
        process.terminate()
        assert process.wait(30) == 0, log.read_text("utf-8", "replace")
        assert "Traceback" not in log.read_text("utf-8", "replace")


def answers(http: httpx.Client) -> bool:
    try:
        return http.get("/health/ready").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.timeout(240)
def test_a_farm_at_work_is_booked_right_while_it_is_attacked(
    broker: Mosquitto, database: str, tmp_path: Path
) -> None:
    page = free_port()
    url = make_url(database).render_as_string(hide_password=False)
    with ExitStack() as stack:
        ledger = stack.enter_context(open_ledger(database))
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ALTER TABLE job ADD CONSTRAINT no_guilt CHECK (file <> 'guilty.gcode')")
        client = stack.enter_context(BrokerClient(broker))
        for topic, payload in KEPT.items():
            client.publish(topic, payload, retain=True)
        collector = stack.enter_context(
            running("collector", "--broker", broker.url, "--database", url, *SOURCES, folder=tmp_path)
        )
        stack.enter_context(running("api", "--database", url, "--port", str(page), folder=tmp_path))
        http = stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{page}", trust_env=False))
        wait_until(lambda: b"connected as" in (tmp_path / "collector.log").read_bytes(), "it connects", 60)

        before = round_of_prints("before.gcode")
        attack = list(hostile_messages(before))
        printing = threading.Thread(target=tell, args=(client, before))
        printing.start()
        with BrokerClient(broker) as attacker:
            for topic, payload in attack:
                attacker.publish(topic, payload)
            attacker.settle()
            assert attacker.is_settled, "the broker takes every message of the attack"
        for raw in NOT_MEANT:
            publish_raw(broker, raw)
        printing.join()
        after = round_of_prints("after.gcode")
        tell(client, after)
        client.settle()

        wanted = {(each.printer, each.file): each for each in (*before, *after)}
        names = {p.id: p.name for p in ledger.printers()}

        def booked() -> dict[tuple[str, str], tuple[str | None, int, int]]:
            names.update({p.id: p.name for p in ledger.printers()})
            return {
                (names[job.printer_id], str(job.file)): (job.outcome, job.started_ms or 0, job.ended_ms or 0)
                for job in ledger.jobs(JobFilter(limit=10_000)).jobs
                if (names[job.printer_id], job.file) in wanted
            }

        wait_until(
            lambda: [each[0] for each in booked().values()] == ["succeeded"] * len(wanted),
            "every good print is booked",
            60,
        )
        for key, (_, started_ms, ended_ms) in booked().items():
            assert abs(started_ms - T0 - wanted[key].begin * SECOND) < TOLERANCE_MS, key
            assert abs(ended_ms - T0 - wanted[key].end * SECOND) < TOLERANCE_MS, key
        assert collector.poll() is None
        ours = [
            job
            for job in ledger.jobs(JobFilter(limit=10_000)).jobs
            if names[job.printer_id] in {each.printer for each in before}
        ]
        assert len(ours) == len(wanted), "no job that was none"

        wait_until(lambda: answers(http), "it is ready", 30)
        assert http.get("/health/ready").json()["collector"] == "fresh"
        faults = http.get("/api/v1/faults").json()["items"]
        counted = {fault["reason"] for fault in faults}
        assert counted >= {"not_json", "too_deep", "not_utf8", "too_large"}
        assert counted >= {"topic_too_long", "bad_printer_name"}
        assert counted <= REASONS | {"refused_by_ledger"}
        rejected = http.get("/api/v1/rejected-messages").json()["items"]
        assert {each["reason"] for each in rejected} == {"refused_by_ledger"}
        assert {each["source"].partition("=")[0] for each in rejected} == set(PREFIX)
        doctor = subprocess.run(
            [LAYERLINE, "doctor", "--broker", broker.url, "--database", url, "--json"],
            cwd=tmp_path, env=environment(tmp_path), capture_output=True, timeout=120, check=False,
        )  # fmt: skip
        told = [(each["what"], each["status"], each["seen"]) for each in json.loads(doctor.stdout)["ledger"]]
        for what, words in (("rejected messages", "refused_by_ledger"), ("dropped, native", "too_large")):
            assert any(
                each[0].startswith(what) and each[1] == "warning" and words in each[2] for each in told
            ), told
