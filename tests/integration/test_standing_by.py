"""Two collectors under one client id: one collects, one stands by, and takes over when it has to."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from collector.holder import is_dead, this_process
from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger import Ledger, open_ledger
from farm.model.simulated import simulated_topic
from tests.feeding import BrokerClient, feed_slowly, make_session
from tests.integration.collector_process import CollectorProcess
from tests.servers import Mosquitto, fresh_database, mosquitto, postgresql, wait_until

SILENCE_S = 2
WATCHED_S = 8
START = 1_795_000_000_000


@pytest.fixture(scope="module")
def broker() -> Iterator[Mosquitto]:
    with mosquitto() as running:
        yield running


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/ledger.db"
        return
    with fresh_database(request.getfixturevalue("server")) as url:
        yield url


def a_print(number: int) -> list[tuple[str, bytes]]:
    """Beginning and end of one of the prints that come one after the other on one printer."""
    at, job = START + number * 600_000, f'"job":{{"id":"n{number}","file":"ring.ctb"}}'
    topic = "layerline/native/v1/resin/event"
    return [
        (simulated_topic(at + later, False, topic), f'{{"v":1,"event":"{event}",{job}}}'.encode())
        for event, later in (("job_started", 0), ("job_succeeded", 120_000))
    ]


def prints(count: int) -> list[tuple[str, bytes]]:
    """One print after the other on one printer."""
    return [message for number in range(count) for message in a_print(number)]


def outcomes(ledger: Ledger) -> list[str]:
    return [str(job.outcome) for job in ledger.jobs(JobFilter(limit=10_000)).jobs]


def lease(ledger: Ledger) -> tuple[int, str]:
    """The epoch of the one shard, and its holder's process."""
    (found,) = ledger.leases()
    return found.epoch, found.holder.split("/")[1]


class Pair:
    """Two collectors of one shard, and prints that come all the time."""

    def __init__(self, broker: Mosquitto, database: str, folder: Path, client_id: str) -> None:
        with ExitStack() as stack:
            make_session(broker, client_id)
            started = []
            self.ledger = stack.enter_context(open_ledger(database))
            for name in ("one", "two"):
                process = CollectorProcess(
                    broker,
                    database,
                    folder / f"{name}.log",
                    client_id=client_id,
                    settings={"takeover_seconds": str(SILENCE_S)},
                )
                started.append(stack.enter_context(process))
                wait_until(lambda: bool(self.ledger.leases()), "the first collector holds the shard")
            self.holder, self.stand_by = started
            wait_until(lambda: "standing by" in self.stand_by.log, "the second collector stands by")
            self.stream = prints(400)
            self.client = stack.enter_context(BrokerClient(broker))
            self.stack = stack.pop_all()
        self.feeding = threading.Thread(target=feed_slowly, args=(self.client, self.stream, 60))
        self.feeding.start()

    def finish(self) -> None:
        """Everything was sent and booked, once."""
        self.feeding.join()
        self.client.settle()
        wait_until(lambda: len(outcomes(self.ledger)) >= 400, "all prints are booked")
        wait_until(lambda: outcomes(self.ledger) == ["succeeded"] * 400, "all prints are right")


@pytest.fixture
def pair(broker: Mosquitto, database: str, tmp_path: Path) -> Iterator[Pair]:
    name = f"pair-{time.monotonic_ns()}"
    pair = Pair(broker, database, tmp_path, name)
    with pair.stack:
        yield pair


def test_they_settle_with_one_holder_and_when_it_is_killed_the_other_goes_on(pair: Pair) -> None:
    until = time.monotonic() + WATCHED_S
    while time.monotonic() < until:
        assert lease(pair.ledger) == (1, str(pair.holder.process.pid))
        time.sleep(0.1)
    assert pair.feeding.is_alive()
    pair.holder.send(signal.SIGKILL)
    pair.holder.process.wait()
    wait_until(lambda: lease(pair.ledger) == (2, str(pair.stand_by.process.pid)), "the stand-by takes over")
    pair.finish()
    assert lease(pair.ledger)[0] == 2
    assert pair.stand_by.end() == 0


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_holder_that_hangs_is_replaced_and_stands_by_when_it_comes_to(pair: Pair) -> None:
    """Over PostgreSQL, since with SQLite a process that hangs may hold the one write lock."""
    wait_until(lambda: len(outcomes(pair.ledger)) > 5, "some prints are booked")
    pair.holder.send(signal.SIGSTOP)
    wait_until(lambda: lease(pair.ledger)[0] == 2, "the stand-by takes over", 150)
    assert f"silent for {SILENCE_S} s" in pair.stand_by.log
    booked = len(outcomes(pair.ledger))
    wait_until(lambda: len(outcomes(pair.ledger)) > booked, "the stand-by collects")
    pair.holder.send(signal.SIGCONT)
    wait_until(lambda: "standing by" in pair.holder.log, "the former holder stands by")
    pair.finish()
    assert lease(pair.ledger) == (2, str(pair.stand_by.process.pid))
    assert pair.stand_by.end() == 0
    wait_until(
        lambda: lease(pair.ledger) == (3, str(pair.holder.process.pid)), "it leaves in order", SILENCE_S + 5
    )
    assert pair.holder.end() == 0
    assert pair.ledger.leases()[0].beats is None


def test_a_process_knows_whether_another_of_its_system_has_ended() -> None:
    host, pid, start, realm = this_process().split("/")
    assert not is_dead(this_process())
    assert is_dead(f"{host}/{pid}/{int(start) - 1}/{realm}"), "an earlier process of the same number"
    assert is_dead(f"{host}/4194304/{start}/{realm}"), "a number that no process can have"
    assert not is_dead(f"{host}/4194304/{start}/elsewhere"), "of another system nothing is known"
    for odd in ("", "steady", "a/b/c/d", f"{host}/x/{start}/{realm}", f"{host}/{'9' * 400}/{start}/{realm}"):
        assert not is_dead(odd) or odd.count("9") > 10
    assert len(this_process()) <= 64
