"""Setting up a real server: what is made, what the new token may do, and what the tasks give."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import SecretStr

from farm.errors import InfluxError
from farm.influx.client import InfluxServer
from farm.influx.history import InfluxHistory
from farm.influx.influxql import quoted, select
from farm.influx.sender import Sender
from farm.influx.settings import InfluxSettings
from farm.influx.setup import downsampling, set_up, wait_until_ready
from farm.influx.status import OutboxStatus
from farm.ledger.history_ledger import LedgerHistory
from farm.ledger.ledger import open_ledger
from farm.model.feed import FeedKind
from farm.model.states import Outcome
from farm.model.times import HOUR_MS, MINUTE_MS
from tests.influx_farm import START, BookedFarm, HandedClock, empty_outbox
from tests.influx_server import PrivateInflux, private_influx
from tests.servers import free_port, wait_until


@pytest.fixture(scope="module")
def influx() -> Iterator[PrivateInflux]:
    with private_influx(tasks=True) as server:
        yield server


@pytest.fixture
def settings(influx: PrivateInflux, request: pytest.FixtureRequest) -> InfluxSettings:
    """An administrator's settings for buckets that are not there yet."""
    name = f"farm_{abs(hash(request.node.name)) % 10**9}"
    return InfluxSettings(
        url=influx.url,
        org=influx.org,
        token=SecretStr(influx.token),
        bucket=name,
        telemetry_bucket=f"{name}_telemetry",
    )


def retention(server: InfluxServer) -> dict[str, int]:
    buckets = server.call("GET", "/api/v2/buckets", query={"limit": "100"})["buckets"]
    return {each["name"]: sum(rule["everySeconds"] for rule in each["retentionRules"]) for each in buckets}


def with_token(settings: InfluxSettings, token: str) -> InfluxSettings:
    return settings.model_copy(update={"token": SecretStr(token)})


def test_buckets_keep_for_as_long_as_they_should(settings: InfluxSettings) -> None:
    with InfluxServer(settings) as server:
        set_up(server, telemetry_days=30)
        held = retention(server)
    assert held[settings.bucket] == 0
    assert held[settings.telemetry_bucket] == 30 * 86_400
    assert held[settings.downsampled_bucket] == 0


def test_a_token_that_still_works_stays_and_any_other_is_made_anew(settings: InfluxSettings) -> None:
    with InfluxServer(settings) as server:
        first = set_up(server, telemetry_days=30)
        again = set_up(server, telemetry_days=30, kept_token=first.token)
        after_a_loss = set_up(server, telemetry_days=30, kept_token="of-a-server-that-is-gone")
    assert again.token == first.token
    assert after_a_loss.token not in (first.token, "of-a-server-that-is-gone")


def test_setting_up_again_puts_right_what_is_there(settings: InfluxSettings) -> None:
    with InfluxServer(settings) as server:
        set_up(server, telemetry_days=30)
        again = set_up(server, telemetry_days=90)
        assert retention(server)[settings.telemetry_bucket] == 90 * 86_400
        set_up(server, telemetry_days=0)
        assert retention(server)[settings.telemetry_bucket] == 0
        tasks = server.call("GET", "/api/v2/tasks", query={"limit": "100"})["tasks"]
    assert f"bucket {settings.bucket} is there, keeps everything" in again.steps
    names = [task["name"] for task in tasks]
    assert sorted(name for name in names if settings.bucket in name) == sorted(downsampling(settings))


def answering(*statuses: int) -> tuple[ThreadingHTTPServer, list[str]]:
    """A server that answers one request after the other with these, the last one for ever."""
    asked: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path.partition("?")[0])
            body = b'{"status":"starting"}'
            self.send_response(statuses[min(len(asked), len(statuses)) - 1])
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return ThreadingHTTPServer(("127.0.0.1", 0), Answers), asked


@contextmanager
def served(*statuses: int) -> Iterator[tuple[InfluxServer, list[str]]]:
    server, asked = answering(*statuses)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with InfluxServer(InfluxSettings(url=f"http://127.0.0.1:{server.server_port}")) as client:
            yield client, asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("after", [200, 401, 404])
def test_a_server_that_starts_is_waited_for_until_it_says_anything_else(after: int) -> None:
    pauses: list[float] = []
    with served(503, 503, after) as (client, asked):
        wait_until_ready(client, pause=pauses.append)
    assert (asked, len(pauses)) == (["/api/v2/setup"] * 3, 2)


def test_a_server_that_starts_for_ever_is_not_waited_for_for_ever() -> None:
    pauses: list[float] = []
    with served(503) as (client, _), pytest.raises(InfluxError, match="still starting after 2 s"):
        wait_until_ready(client, longest_s=2, pause=pauses.append)
    assert sum(pauses) == 2


def test_a_server_that_is_not_there_is_left_to_the_first_request() -> None:
    pauses: list[float] = []
    with InfluxServer(InfluxSettings(url=f"http://127.0.0.1:{free_port()}", timeout_seconds=1)) as client:
        wait_until_ready(client, pause=pauses.append)
        assert pauses == []
        with pytest.raises(InfluxError, match=r"127\.0\.0\.1"):
            client.call("GET", "/api/v2/setup")


def test_the_token_is_enough_for_sending_revising_and_reading(settings: InfluxSettings) -> None:
    with InfluxServer(settings) as server:
        scoped = with_token(settings, set_up(server, telemetry_days=0).token)
    with open_ledger("sqlite://") as ledger, InfluxServer(scoped) as server:
        farm, clock = BookedFarm(ledger), HandedClock()
        job = farm.job(farm.printers[0], START + 1, START + 2, Outcome.FAILED)
        farm.tell_job(FeedKind.JOB_REVISED, job, START + 3)
        farm.samples(10)
        sender = Sender(ledger.engine, scoped, clock)
        empty_outbox(sender, ledger, clock)
        sender.close()
        assert InfluxHistory(server).ended_jobs(START, START + HOUR_MS) == [job]
        assert not any(queue.trouble for queue in OutboxStatus(ledger.engine).queues(START))


def test_the_token_opens_nothing_else(settings: InfluxSettings) -> None:
    with InfluxServer(settings) as server:
        scoped = with_token(settings, set_up(server, telemetry_days=0).token)
        other = scoped.model_copy(update={"bucket": "first"})
    with InfluxServer(other) as server:
        assert server.write("first", b"m x=1 1").status in {401, 403, 404}
        with pytest.raises(InfluxError):
            server.call("POST", "/api/v2/buckets", {"orgID": "0", "name": "mine"})
        assert "first" not in retention(server)


def test_a_token_that_may_not_is_told_so(settings: InfluxSettings) -> None:
    with (
        InfluxServer(with_token(settings, "wrong")) as server,
        pytest.raises(InfluxError, match="401: unauthorized access"),
    ):
        set_up(server, telemetry_days=30)


def test_an_organisation_that_is_missing_is_made(settings: InfluxSettings) -> None:
    elsewhere = settings.model_copy(update={"org": f"org of {settings.bucket}"})
    with InfluxServer(elsewhere) as server:
        done = set_up(server, telemetry_days=30)
    assert done.steps[0] == f"organisation {elsewhere.org} made"


@pytest.mark.parametrize("late", [False, True])
def test_the_tasks_give_the_means_that_the_ledger_gives(settings: InfluxSettings, late: bool) -> None:
    now_ms = time.time_ns() // 1_000_000
    from_ms = now_ms // (10 * MINUTE_MS) * 10 * MINUTE_MS - (5 * HOUR_MS if late else 40 * MINUTE_MS)
    to_ms = from_ms + 30 * MINUTE_MS
    with InfluxServer(settings) as server, open_ledger("sqlite://") as ledger:
        set_up(server, telemetry_days=30)
        farm, clock = BookedFarm(ledger), HandedClock()
        farm.samples(30 * 60, from_ms=from_ms)
        sender = Sender(ledger.engine, settings, clock)
        empty_outbox(sender, ledger, clock)
        sender.close()
        printer = farm.printers[0].id
        expected = LedgerHistory(ledger).telemetry(printer, from_ms, to_ms, 10 * MINUTE_MS)
        run_task(server, list(downsampling(settings))[1 if late else 0])
        wait_until(lambda: len(downsampled(server, printer)) == len(expected), "the task gives means")
        found = downsampled(server, printer)
    assert found == pytest.approx({sample.at_ms: sample.values.nozzle for sample in expected})
    assert len(found) == 3


def run_task(server: InfluxServer, name: str) -> None:
    """Let the task run now."""
    task = server.call("GET", "/api/v2/tasks", query={"name": name})["tasks"][0]["id"]
    server.call("POST", f"/api/v2/tasks/{task}/runs", {})


def downsampled(server: InfluxServer, printer_id: str) -> dict[int, Any]:
    """The nozzle's means by their time (ms)."""
    query = select("nozzle", "telemetry", [f"printer = {quoted(printer_id)}"], "printer")
    rows = [row for each in server.influxql(server.settings.downsampled_bucket, query) for row in each.rows()]
    return {row["time"] // 1_000_000: row["nozzle"] for row in rows}
