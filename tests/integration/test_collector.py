"""The collector against a real broker: every recording, kills at any moment, bad input."""

import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import select

from collector.intake.sources import SourceTable
from collector.intake.time_source import RealTime, SimulatedTime
from collector.service import Collector
from collector.settings import BrokerSettings, CollectorSettings, SourceSettings, parse_source
from farm.errors import LedgerUnreachable
from farm.ledger import schema
from farm.ledger.batch import Batch
from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger import Ledger, open_ledger
from farm.model.clock import system_clock
from farm.model.recording import RecordedMessage
from farm.model.times import rfc3339
from tests.contract.test_recordings import _assert_expected, _books, _replay
from tests.feeding import Broker, BrokerClient, feed_slowly, make_session, queue_for, simulated
from tests.older_queue import everything_in
from tests.recordings import RECORDINGS, messages, recording_id, sources
from tests.servers import Mosquitto, embedded_broker, mosquitto, wait_until

LAYERLINE = str(Path(sys.executable).with_name("layerline"))
FARM = [
    parse_source(text)
    for text in ("octoprint:bay1=octoPrint", "octoprint:bay2=farm/bay2/octoprint", "moonraker={printer}")
]
KILLS = 50


@pytest.fixture(scope="module")
def broker() -> Iterator[Mosquitto]:
    with mosquitto() as running:
        yield running


def collect(
    ledger: Ledger,
    broker: Broker,
    client_id: str,
    read: list[SourceSettings],
    *,
    simulated: bool = True,
    commit_messages: int = 1_000,
) -> None:
    """Run a collector in this process until the broker has nothing more for it."""
    Collector(
        ledger,
        BrokerSettings(url=broker.url),
        sources=SourceTable(read),
        settings=CollectorSettings(client_id=client_id, commit_messages=commit_messages),
        time_source=SimulatedTime() if simulated else None,
        drain_seconds=0.2,
    ).run(threading.Event())


@pytest.mark.parametrize("path", RECORDINGS, ids=recording_id)
def test_a_recording_through_a_real_broker_gives_the_same(
    path: Path, broker: Mosquitto, tmp_path: Path
) -> None:
    client_id = f"test-{recording_id(path)}"
    stream = messages(path)
    queue_for(broker, client_id, simulated(stream))
    with open_ledger(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        collect(ledger, broker, client_id, sources(path))
        names = {printer.id: printer.name for printer in ledger.printers()}
        books = _books(ledger, stream[-1].received_ms)
        _assert_expected(path, books, names.__getitem__)
        assert books == _replay(path, stream)


def whole_day() -> list[RecordedMessage]:
    """All recordings in the order of their time: several printers, jobs, and silence in between."""
    return sorted((m for path in RECORDINGS for m in messages(path)), key=lambda message: message.t)


def collector_process(broker: Broker, database: Path, client_id: str, *more: str) -> subprocess.Popen[bytes]:
    command = [LAYERLINE, "collector", "--broker", broker.url, "--database", f"sqlite:///{database}"]
    command += ["--client-id", client_id, "--simulated-time"]
    for source in FARM:
        named = f":{source.printer}" if source.printer else ""
        command += ["--source", f"{source.adapter}{named}={source.topic}"]
    return subprocess.Popen([*command, *more], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture(params=["mosquitto", "embedded"])
def either_broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """One that says which messages come again, with the usual window, and one that does not."""
    with mosquitto(window=20) if request.param == "mosquitto" else embedded_broker() as running:
        yield running


@pytest.mark.timeout(300)
def test_killed_fifty_times_at_random_the_ledger_is_the_same(either_broker: Broker, tmp_path: Path) -> None:
    broker, chance = either_broker, random.Random(20261122)
    stream = simulated(whole_day())
    with open_ledger(f"sqlite:///{tmp_path}/whole.db") as ledger:
        queue_for(broker, "killed", stream)
        collect(ledger, broker, "killed", FARM)
        undisturbed = everything_in(ledger)
    database = tmp_path / "killed.db"
    lives = [chance.uniform(0.45, 1.0) for _ in range(KILLS)]
    with BrokerClient(broker) as feeder:
        pace = len(stream) / sum(lives)
        feeding = threading.Thread(target=feed_slowly, args=(feeder, stream, pace))
        feeding.start()
        for life in lives:
            process = collector_process(broker, database, "killed")
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(life)
            process.send_signal(signal.SIGKILL)
            process.wait()
        feeding.join()
    last = collector_process(broker, database, "killed", "--drain", "0.5")
    assert last.wait(60) == 0
    with open_ledger(f"sqlite:///{database}") as ledger:
        disturbed = everything_in(ledger)
    for table, rows in undisturbed.items():
        assert disturbed[table] == rows, table


class LosesAnswers:
    """A ledger that loses the answers to four early commits and to every fifth, and books every other.

    After a lost answer there is always another commit: the first four happen however large batches are.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._asked = 0
        self.lost = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def commit(self, batch: Batch) -> None:
        self._asked += 1
        is_lost = self._asked in {2, 3, 4} or self._asked % 5 == 0
        self.lost += is_lost
        if not is_lost or self.lost % 2:
            self._ledger.commit(batch)
        if is_lost:
            raise LedgerUnreachable("the answer was lost")


def collect_whatever_happens(ledger: Ledger, broker: Broker) -> None:
    try:
        collect(ledger, broker, "unanswered", FARM, commit_messages=80)
    except LedgerUnreachable:  # the last commit, on leaving
        collect_whatever_happens(ledger, broker)


def test_commits_whose_answers_are_lost_leave_the_same_ledger(either_broker: Broker, tmp_path: Path) -> None:
    """The broker sends hundreds of messages again, of which some were booked and some were not."""
    stream = simulated(whole_day())
    with open_ledger(f"sqlite:///{tmp_path}/whole.db") as ledger:
        queue_for(either_broker, "unanswered", stream)
        collect(ledger, either_broker, "unanswered", FARM, commit_messages=80)
        undisturbed = everything_in(ledger)
    with open_ledger(f"sqlite:///{tmp_path}/unsure.db") as ledger:
        queue_for(either_broker, "unanswered", stream)
        unsure = LosesAnswers(ledger)
        collect_whatever_happens(cast(Ledger, unsure), either_broker)
        disturbed = everything_in(ledger)
    assert unsure.lost > 3
    for table, rows in undisturbed.items():
        assert disturbed[table] == rows, table


BAD = {
    "not_json": b"{nope",
    "wrong_shape": b"[1, 2, 3]",
    "not_finite": b'{"eventtime": NaN, "status": {}}',
    "not_utf8": b'\xff\xfe{"eventtime": 1}',
    "too_large": b'{"eventtime": 1, "status": {"x": "' + b"x" * 10_000_000 + b'"',
}


def test_bad_input_is_counted_and_the_stream_goes_on(broker: Mosquitto, tmp_path: Path) -> None:
    path = next(p for p in RECORDINGS if p.name.startswith("success_cleared"))
    make_session(broker, "bad-input")
    stream = messages(path)
    at = stream[0].received_ms
    with BrokerClient(broker) as feeder:
        for number, (topic, payload) in enumerate(simulated(stream)):
            feeder.publish(topic, payload)
            if number == len(stream) // 2:
                for wrong in BAD.values():
                    feeder.publish(f"layerline/simulated/{at}/-/printer1/klipper/status", wrong)
                feeder.publish("layerline/simulated/nonsense", b"")
                feeder.publish(f"layerline/simulated/{at}/-/who/knows/what", b"{}")
                feeder.publish(
                    f"layerline/simulated/{at}/-/printer1/klipper/status", b'{"eventtime": -5, "status": {}}'
                )
                feeder.publish(
                    f"layerline/simulated/{at}/-/octoPrint/event/Connected", b'{"_timestamp": 4000000000}'
                )
    with open_ledger(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        collect(ledger, broker, "bad-input", FARM)
        counted: Counter[str] = Counter()
        for fault in ledger.faults():
            counted[fault.reason] += fault.count
        jobs = ledger.jobs(JobFilter()).jobs
    assert counted == dict.fromkeys(BAD, 1) | {
        "bad_simulated_topic": 1,
        "unknown_topic": 1,
        "absurd_time": 2,
    }
    assert [job.outcome for job in jobs] == ["succeeded"]


def test_a_printer_that_was_met_live_is_booked_and_told_in_canonical_topics(
    broker: Mosquitto, tmp_path: Path
) -> None:
    heard: dict[str, bytes] = {}
    stop = threading.Event()
    with open_ledger(f"sqlite:///{tmp_path}/ledger.db") as ledger, BrokerClient(broker) as client:

        def told(topic: str) -> bytes:
            heard.update({message.topic: bytes(message.payload) for message in client.collect_now()})
            return heard.get(topic, b"")

        client.subscribe("layerline/v1/+/printers/#")
        collector = Collector(
            ledger,
            BrokerSettings(url=broker.url),
            sources=SourceTable([parse_source("native=layerline/native/v1/{printer}")]),
            settings=CollectorSettings(client_id="live"),
        )
        thread = threading.Thread(target=collector.run, args=(stop,))
        thread.start()
        try:
            client.publish("layerline/native/v1/resin-3/link", b"online", retain=True)
            wait_until(lambda: bool(ledger.printers()), "the printer's appearance")
            client.publish(
                "layerline/native/v1/resin-3/event",
                b'{"v":1,"event":"job_started","job":{"id":"a1","file":"ring.ctb"}}',
            )
            wait_until(
                lambda: b'"printing"' in told("layerline/v1/main/printers/resin-3/state"),
                "the state topic",
            )
            client.publish(
                "layerline/native/v1/resin-3/event",
                b'{"v":1,"event":"job_failed","cause":"adhesion","job":{"id":"a1","file":"ring.ctb"}}',
            )
            wait_until(
                lambda: b'"failed"' in told("layerline/v1/main/printers/resin-3/job"),
                "the job topic",
            )
        finally:
            stop.set()
            thread.join(10)
        (job,) = ledger.jobs(JobFilter()).jobs
    assert (job.outcome, job.cause, job.file) == ("failed", "adhesion", "ring.ctb")


def _epoch(ledger: Ledger) -> int:
    """How often the shard was claimed."""
    with ledger.engine.connect() as connection:
        return int(connection.execute(select(schema.collector.c.epoch)).scalar_one())


def test_a_message_that_comes_within_a_batch_is_booked_when_it_was_sent(broker: Mosquitto) -> None:
    """By a clock that was read when the batch began it would have come before it was sent."""
    now = [system_clock()]
    topic = "layerline/native/v1/quick"
    with open_ledger("sqlite://") as ledger, BrokerClient(broker) as client:
        collector = Collector(
            ledger,
            BrokerSettings(url=broker.url),
            sources=SourceTable([parse_source("native=layerline/native/v1/{printer}")]),
            settings=CollectorSettings(client_id="quick", commit_seconds=5),
            time_source=RealTime(lambda: now[0]),
        )
        stop = threading.Event()
        running = threading.Thread(target=collector.run, args=(stop,))
        running.start()
        try:
            wait_until(lambda: collector._live, "the collector has caught up")

            def say(suffix: str, said: str) -> None:
                client.publish(f"{topic}/{suffix}", f'{{"v":1,"at":"{rfc3339(now[0])}",{said}}}'.encode())

            say("state", '"state":"idle"')
            wait_until(lambda: bool(ledger.printers()), "the printer is booked")
            wait_until(lambda: collector._connection.unacknowledged == 0, "the batch is over")

            def is_in_a_batch() -> bool:
                say("telemetry", '"nozzle":22.0')
                return collector._connection.unacknowledged > 0

            wait_until(is_in_a_batch, "another batch has begun")
            now[0] += 800
            say("event", '"event":"job_started","job":{"id":"1"}')
            wait_until(lambda: bool(ledger.jobs(JobFilter()).jobs), "the job is booked")
        finally:
            stop.set()
            running.join(30)
        (job,) = ledger.jobs(JobFilter()).jobs
        assert job.started_ms == now[0]
