"""One print heard under two addresses of its printer is one job.

Moonraker's own MQTT messages and its websocket were recorded beside each other, of the same prints. The
websocket's frames carry the same status objects; they are fed as a second address whose clock, delay and
order are its own. OctoPrint's messages are paired with a native publisher that tells the same truth.
"""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from collector.intake.pipeline import Pipeline
from collector.intake.sources import SourceTable
from collector.playback import RecordingPlayer
from collector.settings import parse_source
from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger import Ledger, open_ledger
from farm.model.job import Job
from farm.model.recording import RecordedMessage
from farm.model.times import SECOND_MS, parse_rfc3339, rfc3339
from farm.settings import PrinterSettings
from tests.recordings import FOLDER, expected, messages, sources

BRIDGE = "bridge/printer"


class Way(NamedTuple):
    """How the second address is heard: seconds late, seconds more by chance, and its clock's difference."""

    delay: float
    jitter: float
    shift: float


WAYS = [Way(0, 0, 0), Way(0.4, 0.3, 5_000), Way(1.5, 0.5, -1_000), Way(4, 1, 777), Way(-0.8, 0.2, 9)]


def of_websocket(path: Path, way: Way) -> Iterator[RecordedMessage]:
    """The frames as a bridge would publish them."""
    chance, latest = random.Random(7), 0.0
    for line in path.read_text().splitlines():
        recorded = json.loads(line)
        frame = json.loads(recorded["frame"])
        answer = frame.get("result")
        status, at = (answer["status"], answer["eventtime"]) if answer else frame["params"]
        latest = max(latest, recorded["t"] + way.delay + chance.random() * way.jitter)
        payload = json.dumps({"eventtime": at + way.shift, "status": status})
        yield RecordedMessage(latest, f"{BRIDGE}/klipper/status", payload)


def moonraker_pair(name: str, way: Way) -> tuple[Path, list[RecordedMessage]]:
    path = FOLDER / "moonraker" / f"{name}.mqtt.jsonl"
    second = of_websocket(FOLDER / "moonraker" / f"{name}.ws.jsonl", way)
    return path, sorted([*messages(path), *second], key=lambda message: message.t)


def of_truth(path: Path, way: Way) -> Iterator[RecordedMessage]:
    """A native publisher beside OctoPrint: the files without folder, and ids of its own."""
    for number, job in enumerate(expected(path)["jobs"]):
        facts = {"id": f"native-{number}", "file": job["file"].rpartition("/")[2]}
        ending = {"cause": job["cause"], "cancelled_by": job["cancelled_by"]}
        told = [
            (job["started_at"], "job_started", {}),
            (job["ended_at"], f"job_{job['outcome']}", {k: v for k, v in ending.items() if v}),
        ]
        for at, event, more in told:
            at_ms = parse_rfc3339(at) + round((way.delay + way.jitter) * SECOND_MS)
            said = {"v": 1, "at": rfc3339(at_ms), "event": event, "job": facts} | more
            yield RecordedMessage(at_ms / SECOND_MS, f"{BRIDGE}/event", json.dumps(said))


def open_pipeline(ledger: Ledger, path: Path, kind: str) -> Pipeline:
    table = SourceTable([*sources(path), parse_source(f"{kind}={BRIDGE}")])
    (prefix,) = {match.prefix for message in messages(path) if (match := table.match(message.topic))}
    both = PrinterSettings(name="one", topics=(prefix, BRIDGE))
    return Pipeline(ledger, table, printers=[both])


def jobs_of(path: Path, kind: str, stream: list[RecordedMessage], *, resume_every: int = 0) -> list[Job]:
    with open_ledger("sqlite://") as ledger:
        ledger.claim("test", "test", simulated=True, now_ms=0)
        feeder = RecordingPlayer(open_pipeline(ledger, path, kind))
        for number, message in enumerate(stream):
            feeder.feed(message)
            if resume_every and number % resume_every == resume_every - 1:
                feeder.pipeline.commit(feeder.now_ms)
                feeder.pipeline = open_pipeline(ledger, path, kind)
        feeder.finish()
        assert [printer.name for printer in ledger.printers()] == ["one"]
        assert len(ledger.sessions()) == 2
        return sorted(ledger.jobs(JobFilter()).jobs, key=lambda job: job.started_ms or 0)


def assert_true(path: Path, jobs: list[Job]) -> None:
    wanted = expected(path)["jobs"]
    facts = [(job.file, job.outcome, job.cause, job.cancelled_by, job.pauses) for job in jobs]
    assert facts == [
        (job["file"], job["outcome"], job["cause"], job["cancelled_by"], job["pauses"]) for job in wanted
    ]
    for job, right in zip(jobs, wanted, strict=True):
        assert abs((job.started_ms or 0) - parse_rfc3339(right["started_at"])) <= 2 * SECOND_MS
        assert abs((job.ended_ms or 0) - parse_rfc3339(right["ended_at"])) <= 2 * SECOND_MS


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["success", "cancelled", "print_error", "three_failures"])
def test_a_print_heard_over_mqtt_and_over_the_websocket_is_one_job(name: str, way: Way) -> None:
    path, stream = moonraker_pair(name, way)
    assert_true(path, jobs_of(path, "moonraker", stream))


def test_the_other_address_tells_the_end_that_a_stopped_moonraker_did_not() -> None:
    path, stream = moonraker_pair("moonraker_stopped", WAYS[0])
    (job,) = jobs_of(path, "moonraker", stream)
    (right,) = expected(path)["jobs"]
    assert (job.file, job.outcome) == (right["file"], right["outcome"])


@pytest.mark.parametrize("way", WAYS[:4:3])
@pytest.mark.parametrize("name", ["success", "cancelled", "print_error"])
def test_resumed_from_the_checkpoint_it_is_the_same_job(name: str, way: Way) -> None:
    path, stream = moonraker_pair(name, way)
    whole = jobs_of(path, "moonraker", stream)
    assert jobs_of(path, "moonraker", stream, resume_every=max(len(stream) // 40, 1)) == whole


@pytest.mark.parametrize("name", ["success", "cancelled", "print_error"])
def test_every_message_delivered_twice_changes_nothing(name: str) -> None:
    path, stream = moonraker_pair(name, WAYS[1])
    twice = [message for one in stream for message in (one, one)]
    assert jobs_of(path, "moonraker", twice) == jobs_of(path, "moonraker", stream)


@pytest.mark.parametrize("way", [Way(0, 0, 0), Way(1, 0.5, 0), Way(4, 0, 0), Way(-1, 0, 0)])
@pytest.mark.parametrize(
    "name", ["01_success", "02_cancelled_by_user", "04_printer_error", "12_three_failures_in_a_row"]
)
def test_another_protocol_with_ids_of_its_own_and_bare_file_names_tells_of_the_same_job(
    name: str, way: Way
) -> None:
    path = FOLDER / "octoprint" / f"{name}.mqtt.jsonl"
    stream = sorted([*messages(path), *of_truth(path, way)], key=lambda message: message.t)
    jobs = jobs_of(path, "native", stream)
    assert [(job.outcome, job.cancelled_by) for job in jobs] == [
        (job["outcome"], job["cancelled_by"]) for job in expected(path)["jobs"]
    ]
