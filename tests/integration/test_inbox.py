"""What people say of a farm at work, by command and over HTTP, followed by the collector that runs."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from farm.influx.settings import InfluxSettings
from farm.model.times import rfc3339
from tests.feeding import BrokerClient
from tests.influx_server import InfluxForTests, influx_for_tests
from tests.integration.console import Running, layerline, layerline_json, running
from tests.integration.test_cli_farm import children_of
from tests.servers import free_port, mosquitto, wait_until

TOKEN = "a-token-made-up-for-tests"
CLIENT_ID = "layerline-shard-0"


class Shop:
    """`layerline up` beside a broker and an InfluxDB, with printers that publish and people who speak."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        broker = stack.enter_context(mosquitto())
        self.influx = stack.enter_context(influx_for_tests())
        self.influx_settings = self.influx.settings()
        page = free_port()
        (folder / "layerline.toml").write_text(
            _configuration(broker.url, page, self.influx, self.influx_settings), "utf-8"
        )
        self.farm: Running = stack.enter_context(running(folder, "up"))
        self.farm.wait_for(f"connected as {CLIENT_ID}")
        self.client = stack.enter_context(BrokerClient(broker))
        self._told: dict[str, bytes] = {}
        self.client.subscribe("layerline/v1/+/printers/#")
        self.http = stack.enter_context(
            httpx.Client(
                base_url=f"http://127.0.0.1:{page}/api/v1",
                headers={"Authorization": f"Bearer {TOKEN}"},
                timeout=30,
                trust_env=False,
            )
        )
        wait_until(self._answers, "the API answers", 60)

    @property
    def told(self) -> dict[str, bytes]:
        """The last payload of each canonical topic."""
        for message in self.client.collect_now():
            self._told[message.topic] = bytes(message.payload)
        return self._told

    def _answers(self) -> bool:
        try:
            return self.http.get("/printers").status_code == 200
        except httpx.TransportError:
            return False

    @property
    def collector(self) -> int:
        return children_of(self.farm.process.pid)["collector"]

    # -- printers ---------------------------------------------------------------------------

    def publish(self, printer: str, kind: str, at_s: float | None = None, **said: object) -> None:
        """What a printer tells, `at_s` seconds since 1970 or now."""
        at = time.time() if at_s is None else at_s
        body = {"v": 1, "at": rfc3339(round(at * 1_000))} | said
        self.client.publish(f"layerline/native/v1/{printer}/{kind}", json.dumps(body).encode())

    def appears(self, printer: str) -> None:
        """A printer that is idle joins."""
        self.publish(printer, "state", state="idle")
        self.becomes(printer, "idle")

    def prints(self, printer: str, event: str) -> None:
        job = {"id": f"{printer}-1", "file": f"{printer}.gcode"}
        self.publish(printer, "event", event=event, job=job)

    def printer(self, name: str) -> dict[str, Any]:
        """The printer by name, empty where there is none."""
        found = self.http.get("/printers").json()["items"]
        return next((each for each in found if each["name"] == name), {})

    def becomes(self, name: str, state: str) -> None:
        wait_until(lambda: self.printer(name).get("state") == state, f"{name} is {state}")

    def jobs(self, printer: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.http.get("/jobs", params={"printer": printer}).json()["items"]
        return found

    def job(self, printer: str) -> dict[str, Any]:
        """The printer's one job."""
        (found,) = self.jobs(printer)
        return found

    def job_is(self, printer: str, **facts: object) -> None:
        """Wait until the printer has one job, with these facts."""

        def is_so() -> bool:
            jobs = self.jobs(printer)
            return len(jobs) == 1 and facts.items() <= jobs[0].items()

        wait_until(is_so, f"the job of {printer} has {facts}; it is {self.jobs(printer)}")

    # -- people -----------------------------------------------------------------------------

    def answered(self, entry: int) -> str | None:
        """Wait until an entry is taken in; gives why it was not followed, if so."""
        found: dict[str, Any] = {}

        def is_taken() -> bool:
            found.update(self.http.get(f"/inputs/{entry}").json())
            return bool(found["status"] != "waiting")

        wait_until(is_taken, f"entry {entry} is taken in")
        return found["answer"] if found["status"] == "refused" else None

    def types(self, *words: str) -> str | None:
        """Somebody types a command; gives why it was not followed, if so."""
        said = layerline_json(*words, "--no-wait", "--who", "olga", "--why", "saw it", folder=self.folder)
        return self.answered(said["id"])

    def posts(self, path: str, **body: object) -> str | None:
        """Somebody says it over HTTP; gives why it was not followed, if so."""
        return self.answered(self.entry(path, **body))

    def entry(self, path: str, **body: object) -> int:
        answer = self.http.post(f"/{path}/inputs", json=body)
        assert answer.status_code == 202, answer.text
        entry: int = answer.json()["id"]
        return entry

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """The collector stands still, so that what is said meanwhile waits together."""
        collector = self.collector
        os.kill(collector, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(collector, signal.SIGCONT)

    def kill_collector(self) -> None:
        """SIGKILL, and wait for the one that takes its place."""
        before = self.collector
        connected = self.farm.text.count(f"connected as {CLIENT_ID}")
        os.kill(before, signal.SIGKILL)
        wait_until(
            lambda: self.farm.text.count(f"connected as {CLIENT_ID}") > connected, "a collector is back", 60
        )
        assert self.collector != before


def _configuration(broker: str, page: int, influx: InfluxForTests, settings: InfluxSettings) -> str:
    return f"""
        [broker]
        url = "{broker}"
        [api]
        port = {page}
        token = "{TOKEN}"
        token_name = "bench"
        [influx]
        url = "{influx.url}"
        org = "{influx.org}"
        token = "{influx.token}"
        bucket = "{settings.bucket}"
        telemetry_bucket = "{settings.telemetry_bucket}"
        """


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with ExitStack() as stack:
        yield Shop(tmp_path_factory.mktemp("shop"), stack)


@pytest.fixture(autouse=True)
def nothing_ends_the_collector(shop: Shop) -> Iterator[None]:
    """Whatever is said, nothing is logged as an error of ours and the farm goes on."""
    yield
    assert shop.farm.process.poll() is None, shop.farm.text
    assert "Traceback" not in shop.farm.text
    assert "collector" in children_of(shop.farm.process.pid)


def test_states_that_people_set_stand_until_they_say_otherwise(shop: Shop) -> None:
    shop.appears("set")
    collector = shop.collector
    assert shop.types("printer", "set", "set", "maintenance") is None
    shop.becomes("set", "maintenance")
    assert shop.printer("set")["source"] == "person"
    shop.publish("set", "state", state="error")
    assert shop.types("printer", "set", "set", "in-service") is None
    shop.becomes("set", "error")
    assert shop.types("printer", "set", "set", "engineering") is None
    shop.becomes("set", "maintenance")
    assert shop.posts("printers/set", what="state", state="in_service") is None
    assert shop.posts("printers/set", what="state", state="in_service") == (
        "the printer was not taken out of service"
    )
    shop.prints("set", "job_started")
    shop.prints("set", "job_succeeded")
    shop.becomes("set", "finished")
    assert shop.types("printer", "set", "set", "bed-cleared") is None
    shop.becomes("set", "idle")
    refused = shop.posts("printers/set", what="state", state="bed_cleared")
    assert refused is not None
    assert "no finished print" in refused
    assert shop.collector == collector


def test_a_job_under_way_is_described_noted_and_ended_by_people(shop: Shop) -> None:
    shop.appears("hangs")
    shop.prints("hangs", "job_started")
    shop.job_is("hangs", outcome=None)
    job = shop.job("hangs")["id"]
    told = (
        "--material",
        "PETG",
        "--operator",
        "ada",
        "--spool",
        "17",
        "--units",
        "4",
        "--file",
        "gear.gcode",
    )
    assert shop.types("job", "describe", job, *told) is None
    assert shop.types("job", "note", job, "first layer watched") is None
    shop.job_is("hangs", material="PETG", operator="ada", spool="17", units=4, file="gear.gcode")
    assert shop.posts(f"jobs/{job}", what="describe", material="PLA") is None
    assert shop.posts(f"jobs/{job}", what="note", text="warped") is None
    assert shop.types("job", "close", job[:8], "--outcome", "failed", "--cause", "host") is None
    shop.job_is("hangs", outcome="failed", cause="host", material="PLA", note="warped", units=4)
    too_late = layerline("job", "close", job, "--no-wait", folder=shop.folder, status=2).stderr
    assert "correct its outcome instead" in " ".join(too_late.split())
    shop.prints("hangs", "job_succeeded")
    assert shop.types("job", "note", job, "its late end came") is None
    shop.job_is("hangs", outcome="failed", cause="host", note="its late end came")


def test_two_people_who_end_one_job_at_once_are_both_answered(shop: Shop) -> None:
    shop.appears("twice")
    shop.prints("twice", "job_started")
    shop.job_is("twice", outcome=None)
    path, collector = f"jobs/{shop.job('twice')['id']}", shop.collector
    with shop.stopped():
        first = shop.entry(path, what="close", outcome="cancelled")
        second = shop.entry(path, what="close", outcome="failed")
    assert shop.answered(first) is None
    assert shop.answered(second) is not None
    shop.job_is("twice", outcome="cancelled")
    assert shop.collector == collector


def test_a_correction_is_kept_and_taken_back(shop: Shop) -> None:
    shop.appears("right")
    shop.prints("right", "job_started")
    shop.prints("right", "job_cancelled")
    shop.job_is("right", outcome="cancelled")
    before = shop.job("right")
    job = before["id"]
    assert shop.types("job", "correct", job, "--outcome", "succeeded") is None
    shop.job_is("right", outcome="succeeded", provenance="person")
    assert shop.types("job", "correct", job, "--undo") is None
    told = ("outcome", "cause", "cancelled_by", "provenance", "confidence")
    shop.job_is("right", **{name: before[name] for name in told})
    assert shop.posts(f"jobs/{job}", what="correct", outcome="failed", cause="adhesion", why="seen") is None
    shop.job_is("right", outcome="failed", cause="adhesion")
    revisions = shop.http.get(f"/jobs/{job}").json()["revisions"]
    assert [(each["who"], each["why"]) for each in revisions] == [
        ("olga", "saw it"),
        ("olga", "saw it"),
        ("bench", "seen"),
    ]


def test_a_new_name_stands_everywhere_at_once(shop: Shop) -> None:
    shop.appears("plain")
    wait_until(lambda: bool(shop.told.get("layerline/v1/main/printers/plain/state")), "its topic")
    shop.prints("plain", "job_started")
    shop.job_is("plain", outcome=None)
    assert shop.types("printer", "rename", "plain", "Left 3") is None
    assert "plain" not in layerline("jobs", folder=shop.folder).stdout.replace("plain.gcode", "")
    assert "Left 3" in layerline("jobs", folder=shop.folder).stdout
    assert shop.job("Left 3")["printer"] == "Left 3"
    assert shop.printer("Left 3")
    base = "layerline/v1/main/printers"
    wait_until(lambda: bool(shop.told.get(f"{base}/Left 3/state")), "the topic of the new name")
    wait_until(lambda: shop.told[f"{base}/plain/state"] == b"", "the topic of the old name is taken away")
    bucket = shop.influx_settings.bucket
    wait_until(lambda: "Left 3" in shop.influx.points(bucket).values(), "InfluxDB has the new name")
    shop.publish("plain", "state", state="error")
    shop.becomes("Left 3", "error")


def test_a_name_that_another_printer_bears_is_refused(shop: Shop) -> None:
    for printer in ("one", "two", "three"):
        shop.appears(printer)
    said = layerline("printer", "rename", "one", "TWO", "--no-wait", folder=shop.folder, status=2).stderr
    assert "another printer of the site is called two" in " ".join(said.split())
    assert shop.http.post("/printers/one/inputs", json={"what": "rename", "name": "Two"}).status_code == 409
    collector = shop.collector
    with shop.stopped():
        first = shop.entry("printers/one", what="rename", name="Twin")
        second = shop.entry("printers/two", what="rename", name="twin")
    assert shop.answered(first) is None
    assert shop.answered(second) == "another printer is called twin"
    assert shop.posts("printers/three", what="rename", name="one") is None, "a name that was given up is free"
    assert [bool(shop.printer(name)) for name in ("Twin", "two", "one", "twin", "three")] == (
        [True, True, True, False, False]
    )
    base = "layerline/v1/main/printers"
    wait_until(
        lambda: (
            [bool(shop.told.get(f"{base}/{name}/state")) for name in ("Twin", "two", "one", "three")]
            == [True, True, True, False]
        ),
        "the topics bear the names",
    )
    assert shop.collector == collector


@pytest.mark.parametrize(
    ("word", "speak"),
    [
        ("retire", lambda shop, name, word: shop.types("printer", word, name)),
        ("forget", lambda shop, name, word: shop.posts(f"printers/{name}", what=word)),
    ],
)
def test_a_printer_that_is_gone_is_heard_no_more_until_it_is_restored(
    shop: Shop, word: str, speak: Callable[[Shop, str, str], str | None]
) -> None:
    name = f"to {word}"
    shop.appears(name)
    shop.prints(name, "job_started")
    shop.becomes(name, "printing")
    printer = shop.printer(name)["id"]
    assert speak(shop, name, word) is None
    wait_until(lambda: shop.printer(name) == {}, "it stands in no list")
    wait_until(lambda: shop.told[f"layerline/v1/main/printers/{name}/state"] == b"", "its topic is gone")
    shop.prints(name, "job_failed")
    assert speak(shop, printer, "restore") is None
    shop.publish(name, "state", state="idle")
    shop.becomes(name, "idle")
    assert [job["outcome"] for job in shop.jobs(name)] != ["failed"]
    assert speak(shop, printer, "restore") == "it is neither retired nor forgotten"


def test_what_people_said_survives_a_kill_and_late_evidence(shop: Shop) -> None:
    shop.appears("late")
    shop.appears("kept")
    began = time.time()
    shop.prints("late", "job_started")
    shop.job_is("late", outcome=None)
    job = shop.job("late")["id"]
    assert shop.types("job", "describe", job, "--material", "ASA", "--units", "2") is None
    shop.prints("late", "job_succeeded")
    shop.job_is("late", outcome="succeeded")
    assert shop.types("job", "correct", job, "--outcome", "failed", "--cause", "adhesion") is None
    assert shop.types("job", "note", job, "came loose") is None
    assert shop.types("printer", "rename", "late", "Late 9") is None
    assert shop.types("printer", "set", "late 9", "maintenance") is None
    os.kill(shop.collector, signal.SIGSTOP)
    waiting = shop.entry(f"jobs/{job}", what="describe", operator="olga")
    shop.kill_collector()
    assert shop.answered(waiting) is None
    printing_before = shop.job("Late 9")["paused_seconds"]
    wait_until(lambda: time.time() > began + 3, "what comes now is late beyond doubt")
    shop.publish("late", "event", began + 0.2, event="job_paused", job={"id": "late-1", "file": "late.gcode"})
    wait_until(lambda: shop.job("Late 9")["pauses"] == 1, "the pause that was told late is in its place")
    assert shop.job("Late 9")["paused_seconds"] > printing_before
    shop.job_is(
        "Late 9",
        outcome="failed",
        cause="adhesion",
        note="came loose",
        material="ASA",
        units=2,
        operator="olga",
    )
    assert shop.printer("Late 9")["state"] == "maintenance"
    assert shop.http.get("/printers").json()["items"].count(shop.printer("late")) == 0
    assert shop.types("job", "correct", job, "--undo") is None
    shop.job_is("Late 9", outcome="succeeded", note="came loose", material="ASA")
    assert shop.types("printer", "set", "Late 9", "in-service") is None
    done = layerline("recompute", "--check", folder=shop.folder, status=0)
    assert "Traceback" not in done.stderr
