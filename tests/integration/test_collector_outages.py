"""The collector as a process, while what it needs goes away and comes back."""

import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.cli import FAILED, main
from farm.errors import LedgerUnreachable
from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger import Ledger, open_ledger
from farm.model.simulated import simulated_topic
from tests.feeding import BrokerClient, feed_slowly, make_session
from tests.integration.collector_process import CollectorProcess
from tests.integration.test_standing_by import a_print
from tests.private_postgresql import PrivatePostgresql, private_postgresql
from tests.servers import Mosquitto, mosquitto, wait_until
from tests.small_disk import filled, small_disk

AT_LEAST = 300
PER_SECOND = 60


@pytest.fixture
def broker() -> Iterator[Mosquitto]:
    with mosquitto() as running:
        yield running


@pytest.fixture
def postgresql() -> Iterator[PrivatePostgresql]:
    with private_postgresql() as server:
        yield server


class Stream:
    """Prints that come all the time until the end, to a session that the broker keeps."""

    def __init__(self, broker: Mosquitto) -> None:
        make_session(broker, "shard")
        self.prints = 0
        self._enough = threading.Event()
        self._client = BrokerClient(broker)
        self._thread = threading.Thread(target=self._feed)
        self._thread.start()

    def _feed(self) -> None:
        """However long the outages take, and until the broker is there for the last of them."""
        while self.prints < AT_LEAST or not self._enough.is_set() or not self._client.is_connected:
            feed_slowly(self._client, a_print(self.prints), PER_SECOND)
            self.prints += 1

    def end(self) -> None:
        self._enough.set()
        self._thread.join()
        self._client.__exit__()


def booked(ledger: Ledger) -> list[str]:
    """Outcomes so far; nothing while the ledger cannot be read."""
    try:
        return [str(job.outcome) for job in ledger.jobs(JobFilter(limit=10_000)).jobs]
    except LedgerUnreachable:
        return []


def grows(ledger: Ledger) -> None:
    before = len(booked(ledger))
    wait_until(lambda: len(booked(ledger)) > before, "more is booked")


def connects_again(process: CollectorProcess, connected: int) -> None:
    wait_until(lambda: process.log.count("connected as") > connected, "it connects again")


def all_is_right(ledger: Ledger, process: CollectorProcess, prints: int) -> None:
    wait_until(lambda: booked(ledger) == ["succeeded"] * prints, f"every print is booked once\n{process.log}")
    assert process.process.poll() is None, process.log
    assert process.end() == 0, process.log
    assert "Traceback" not in process.log


def test_a_database_that_goes_away_comes_back_or_hangs_is_waited_for(
    broker: Mosquitto, postgresql: PrivatePostgresql, tmp_path: Path
) -> None:
    stream = Stream(broker)
    with CollectorProcess(broker, postgresql.url, tmp_path / "log") as process:
        wait_until(lambda: "waiting" in process.log, "the collector waits for its database at the start")
        postgresql.start()
        wait_until(lambda: "connected as" in process.log, "the collector connects")
        with open_ledger(postgresql.url) as ledger:
            grows(ledger)
            postgresql.stop()
            wait_until(lambda: process.log.count("cannot be used now") > 1, "the outage is told")
            time.sleep(2)
            told = process.log.count("cannot be used now")
            postgresql.start()
            wait_until(
                lambda: "the ledger is back" in process.log.rpartition("connected")[2], "the end is told"
            )
            grows(ledger)
            postgresql.hang()
            time.sleep(2)
            postgresql.resume()
            stream.end()
            all_is_right(ledger, process, stream.prints)
    assert told < 8, "an outage is told once, not with every attempt"


def test_what_the_database_alone_refuses_is_put_aside_and_the_rest_is_booked(
    broker: Mosquitto, postgresql: PrivatePostgresql, tmp_path: Path
) -> None:
    """PostgreSQL cannot index a text of many thousand characters of chance; SQLite can."""
    postgresql.start()
    stream = Stream(broker)
    name = "".join(random.Random(1).choices("0123456789abcdef", k=60_000))
    job = f'"job":{{"id":"guilty","file":"{name}"}}'
    guilty = simulated_topic(1_795_000_000_000, False, "layerline/native/v1/other/event")
    with (
        CollectorProcess(broker, postgresql.url, tmp_path / "log") as process,
        open_ledger(postgresql.url) as ledger,
        BrokerClient(broker) as client,
    ):
        for _ in range(3):
            grows(ledger)
            client.publish(guilty, f'{{"v":1,"event":"job_started",{job}}}'.encode())
        stream.end()
        wait_until(lambda: booked(ledger).count("succeeded") == stream.prints, "every print is booked")
        counted = {fault.reason: fault.count for fault in ledger.faults()}
        assert process.end() == 0, process.log
    assert counted in ({"refused_by_ledger": 3}, {}), "put aside, or cut to a bound by the adapter"
    assert process.log.count("refused_by_ledger") == min(1, len(counted))


def test_a_full_disk_is_waited_for_and_tried_ever_less_often(broker: Mosquitto, tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    with small_disk(folder) as disk:
        stream = Stream(broker)
        with CollectorProcess(broker, f"sqlite:///{disk}/ledger.db", tmp_path / "log") as process:
            wait_until(lambda: "connected as" in process.log, "the collector connects")
            with open_ledger(f"sqlite:///{disk}/ledger.db") as ledger:
                grows(ledger)
                with filled(disk):
                    wait_until(lambda: "waiting for it" in process.log, "the full disk is told")
                    connected = process.log.count("connected as")
                    time.sleep(4)
                    assert process.log.count("connected as") - connected <= 1, "no connection is made in vain"
                stream.end()
                all_is_right(ledger, process, stream.prints)


def test_a_broker_that_is_killed_or_ends_in_mid_stream_is_waited_for(
    broker: Mosquitto, tmp_path: Path
) -> None:
    stream = Stream(broker)
    with CollectorProcess(broker, f"sqlite:///{tmp_path}/ledger.db", tmp_path / "log") as process:
        wait_until(lambda: "connected as" in process.log, "the collector connects")
        with open_ledger(f"sqlite:///{tmp_path}/ledger.db") as ledger:
            for ends in (broker.stop, broker.kill, broker.stop, broker.kill):
                grows(ledger)
                broker.save()
                time.sleep(0.3)
                connected = process.log.count("connected as")
                ends()
                time.sleep(0.3)
                broker.start()
                connects_again(process, connected)
            stream.end()
            wait_until(lambda: len(booked(ledger)) >= stream.prints - 20, "what the broker kept is booked")
            # The broker may have lost the end of the newest print: nothing yet tells that it is over.
            newest, *others = booked(ledger)
            assert newest in ("succeeded", "unknown", "None")
            assert set(others) <= {"succeeded", "unknown"}
        assert process.process.poll() is None, process.log
        assert process.end() == 0, process.log


def test_a_signal_during_an_outage_ends_it_in_order(broker: Mosquitto, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/ledger.db"
    with CollectorProcess(broker, database, tmp_path / "log") as process:
        wait_until(lambda: "connected as" in process.log, "the collector connects")
        broker.kill()
        wait_until(lambda: "trying again" in process.log, "the outage is told")
        process.send(signal.SIGTERM)
        assert process.process.wait(10) == 0


def test_no_end_is_silent_not_even_by_a_broken_pipe(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("farm.app.wiring.run_collector", breaks)
    monkeypatch.setattr("sys.argv", ["layerline", "collector", "--database", f"sqlite:///{tmp_path}/x.db"])
    assert main() == FAILED
    assert "layerline: ended" in capsys.readouterr().err
