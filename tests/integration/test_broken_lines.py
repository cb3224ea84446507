"""A broker that resets the connection: waited out at every point of the conversation."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from collector.intake.mqtt import Arrival, Connection
from collector.intake.sources import SourceTable
from collector.intake.time_source import RealTime, SimulatedTime, TimeSource
from collector.service import Collector
from collector.settings import BrokerSettings, CollectorSettings, parse_source
from farm.errors import BrokerUnreachable
from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger import Ledger, open_ledger
from farm.model.clock import system_clock
from farm.model.simulated import simulated_topic
from farm.model.times import HOUR_MS, rfc3339
from tests.fakes.broker import Break, FakeBroker, fake_broker
from tests.older_queue import SOURCES, dense_stream, facts_in
from tests.servers import wait_until

NATIVE = "layerline/native/v1/{printer}"


def a_print(number: int) -> list[tuple[str, bytes]]:
    """Beginning and end of a print, two minutes long, in simulated time."""
    at = 1_795_000_000_000 + number * 600_000
    topic = "layerline/native/v1/resin/event"
    job = f'"job":{{"id":"n{number}","file":"ring.ctb"}}'
    return [
        (simulated_topic(at, False, topic), f'{{"v":1,"event":"job_started",{job}}}'.encode()),
        (simulated_topic(at + 120_000, False, topic), f'{{"v":1,"event":"job_succeeded",{job}}}'.encode()),
    ]


PRINTS = [message for number in range(10) for message in a_print(number)]


def collector_of(
    ledger: Ledger,
    broker: FakeBroker,
    time_source: TimeSource | None = None,
    *sources: str,
) -> Collector:
    return Collector(
        ledger,
        BrokerSettings(url=broker.url),
        sources=SourceTable([parse_source(each) for each in sources or (f"native={NATIVE}",)]),
        settings=CollectorSettings(client_id="broken"),
        time_source=time_source or SimulatedTime(),
    )


@contextmanager
def collecting(collector: Collector) -> Iterator[None]:
    """The collector runs for as long as the block does."""
    stop = threading.Event()
    thread = threading.Thread(target=collector.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()


@pytest.mark.parametrize("point", Break)
def test_a_connection_that_is_reset_is_made_again_and_nothing_is_lost_or_doubled(point: Break) -> None:
    with fake_broker(PRINTS, [point, point, point]) as broker, open_ledger("sqlite://") as ledger:
        with collecting(collector_of(ledger, broker)):
            wait_until(
                lambda: broker.connections == 4 and broker.acknowledged >= broker.everything,
                "all is acknowledged, over the fourth connection",
            )
        jobs = ledger.jobs(JobFilter(limit=100)).jobs
    assert [job.outcome for job in jobs] == ["succeeded"] * 10


def test_an_older_queue_that_comes_in_one_piece_with_the_answer_is_known() -> None:
    """Among its printers is a Klipper that reboots: taken as new, its clock would fall once more."""
    now = system_clock()
    said = [(topic, payload) for _, topic, payload in dense_stream(1_600, 4, now - HOUR_MS)]
    facts = []
    for breaks, set_back_at in (([], None), ([Break.AFTER_PUBACKS], 2)):
        with fake_broker(said, breaks, set_back_at=set_back_at) as broker, open_ledger("sqlite://") as ledger:
            with collecting(collector_of(ledger, broker, RealTime(lambda: now), *SOURCES)):
                wait_until(
                    lambda broker=broker, breaks=breaks: (  # type: ignore[misc]
                        broker.connections > len(breaks) and broker.acknowledged > broker.everything
                    ),
                    "all is acknowledged, and the marker with it",
                )
            facts.append(facts_in(ledger))
    undisturbed, set_back = facts
    for table, rows in undisturbed.items():
        assert set_back[table] == rows, table


def connection_to(broker: FakeBroker, came: list[Arrival]) -> Connection:
    return Connection(BrokerSettings(url=broker.url), "unit", on_message=came.append)


def test_a_reset_between_message_and_acknowledgement_is_told_by_the_next_drain() -> None:
    came: list[Arrival] = []
    with fake_broker(PRINTS[:3], [Break.AFTER_PUBLISH]) as broker:
        connection = connection_to(broker, came)
        connection.connect()
        connection.subscribe(["#"])
        wait_until(lambda: connection.wait(0.1) and not connection.drain(), "the reset is noticed")
        for _ in range(3):
            assert connection.wait(0.01) is False
            assert connection.drain() is False
            connection.acknowledge()
            connection.publish("a", b"")
            connection.subscribe(["b"])
        connection.close()
        connection.close()


def test_a_topic_that_mqtt_cannot_carry_is_passed_over_and_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with fake_broker([], []) as broker:
        connection = connection_to(broker, [])
        connection.connect()
        for topic in ("a/+/b", "a/+/b", "x" * 70_000, ""):
            connection.publish(topic, b"")
        connection.publish("a", b"")
        connection.wait(0.1)
        assert connection.drain()
        connection.close()
    assert caplog.text.count("a/+/b") == 1


def test_what_the_receiver_of_messages_raises_is_passed_on() -> None:
    def receive(_message: Arrival) -> None:
        raise ValueError("mine")

    with fake_broker(PRINTS[:1], []) as broker:
        connection = Connection(BrokerSettings(url=broker.url), "unit", on_message=receive)
        connection.connect()
        connection.subscribe(["#"])
        with pytest.raises(ValueError, match="mine"):
            wait_until(lambda: not (connection.wait(0.1) and connection.drain()), "the message comes", 5)
        connection.close()


def test_somebody_who_accepts_and_says_nothing_is_no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.intake.mqtt._CONNECT_TIMEOUT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"mqtt://127.0.0.1:{silent.getsockname()[1]}"
        connection = Connection(BrokerSettings(url=url), "unit", on_message=lambda _m: None)
        with pytest.raises(BrokerUnreachable, match="did not answer"):
            connection.connect()


def test_topics_that_are_no_utf8_are_counted_and_acknowledged() -> None:
    """Mosquitto and the embedded broker cut off whoever publishes such; others hand it on."""
    now = rfc3339(system_clock())
    odd = [(os.fsdecode(topic), b"{}") for topic in (b"farm/\xff\xfe/state", b"\xed\xa0\x80", b"farm/\xc3")]
    good = [
        (f"farm/p{number}/state", f'{{"v":1,"at":"{now}","state":"idle"}}'.encode()) for number in range(3)
    ]
    mixed = [message for pair in zip(odd, good, strict=True) for message in pair]
    with fake_broker(mixed, []) as broker, open_ledger("sqlite://") as ledger:
        collector = Collector(
            ledger,
            BrokerSettings(url=broker.url),
            sources=SourceTable([parse_source("native=farm/{printer}")]),
            settings=CollectorSettings(client_id="odd"),
        )
        with collecting(collector):
            everything = set(range(1, len(mixed) + 1))
            wait_until(lambda: broker.acknowledged >= everything, "all is acknowledged")
        assert broker.connections == 1
        assert [(fault.reason, fault.count) for fault in ledger.faults()] == [("topic_not_utf8", 3)]
        assert [printer.name for printer in ledger.printers()] == ["p0", "p1", "p2"]
