"""Printers are asked how they stand: whom, when, and with which numbers."""

import json
from collections.abc import Iterator, Sequence
from typing import cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.intake.mqtt import Connection
from collector.intake.pipeline import Pipeline
from collector.intake.sources import SourceTable
from collector.sessions.asking import Asking
from collector.settings import parse_source
from farm.ledger.ledger import open_ledger
from tests.unit.collector.farm import T0

PAUSE_MS = 5_000
QUESTIONS = ("printer.objects.query", "server.history.list")


class Wire:
    """Stands in for the connection and keeps what is published."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, object]]] = []

    def publish(self, topic: str, payload: bytes, *, qos: int) -> None:
        assert qos == 1
        self.sent.append((topic, json.loads(payload)))

    def asked(self) -> list[str]:
        """The printers asked since the last look, in order, each with all its questions."""
        topics = [topic for topic, _ in self.sent]
        methods = [said["method"] for _, said in self.sent]
        assert methods == list(QUESTIONS) * (len(self.sent) // 2)
        assert topics[::2] == topics[1::2]
        self.sent.clear()
        return [topic.removesuffix("/moonraker/api/request") for topic in topics[::2]]


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def asking(wire: Wire) -> Asking:
    return Asking(cast(Connection, wire))


@pytest.fixture
def pipeline() -> Iterator[Pipeline]:
    with open_ledger("sqlite://") as ledger:
        ledger.claim("test", "test", simulated=True, now_ms=0)
        sources = [parse_source("moonraker={printer}"), parse_source("octoprint:bay=octoPrint")]
        yield Pipeline(ledger, SourceTable(sources))


def appear(pipeline: Pipeline, names: Sequence[str]) -> None:
    """Klipper hosts that are heard of for the first time."""
    for name in names:
        pipeline.take(f"{name}/moonraker/status", b'{"server": "online"}', False, T0)
    pipeline.to_ask.clear()


def test_every_printer_is_asked_for_its_state_and_its_history(
    asking: Asking, wire: Wire, pipeline: Pipeline
) -> None:
    appear(pipeline, ["a", "b"])
    asking.ask_all(pipeline.sessions.values())
    asking.step(T0)
    assert wire.asked() == ["a", "b"]


def test_no_question_bears_the_number_of_another_or_a_small_one(
    asking: Asking, wire: Wire, pipeline: Pipeline
) -> None:
    appear(pipeline, ["a", "b"])
    asking.ask_all(pipeline.sessions.values())
    asking.step(T0)
    assert [said["id"] for _, said in wire.sent] == [7_100_002, 7_100_003, 7_100_004, 7_100_005]


def test_nobody_is_asked_twice_for_one_wish(asking: Asking, wire: Wire, pipeline: Pipeline) -> None:
    appear(pipeline, ["a"])
    asking.ask_all(pipeline.sessions.values())
    asking.ask_all(pipeline.sessions.values())
    asking.step(T0)
    asking.step(T0 + PAUSE_MS)
    assert wire.asked() == ["a"]


@pytest.mark.parametrize(("later", "asked"), [(PAUSE_MS - 1, []), (PAUSE_MS, ["a"])])
def test_a_printer_is_asked_no_more_often_than_every_five_seconds(
    asking: Asking, wire: Wire, pipeline: Pipeline, later: int, asked: list[str]
) -> None:
    appear(pipeline, ["a"])
    asking.ask_all(pipeline.sessions.values())
    asking.step(T0)
    wire.asked()
    asking.ask_all(pipeline.sessions.values())
    asking.step(T0 + later)
    assert wire.asked() == asked


def test_who_must_wait_is_asked_when_the_pause_is_over_and_holds_up_no_other(
    asking: Asking, wire: Wire, pipeline: Pipeline
) -> None:
    appear(pipeline, ["a"])
    asking.ask_all(pipeline.sessions.values())
    asking.step(T0)
    wire.asked()
    appear(pipeline, ["b"])
    asking.ask_all(pipeline.sessions.values())
    asking.step(T0 + 1_000)
    assert wire.asked() == ["b"]
    asking.step(T0 + PAUSE_MS)
    assert wire.asked() == ["a"]


def test_the_clock_may_begin_at_nothing_and_a_first_question_does_not_wait_long(
    asking: Asking, wire: Wire, pipeline: Pipeline
) -> None:
    appear(pipeline, ["a"])
    asking.ask_all(pipeline.sessions.values())
    asking.step(PAUSE_MS)
    assert wire.asked() == ["a"]


def test_at_most_a_hundred_are_asked_at_once(asking: Asking, wire: Wire, pipeline: Pipeline) -> None:
    names = [f"host{number:03}" for number in range(101)]
    appear(pipeline, names)
    asking.ask_all(pipeline.sessions.values())
    asking.step(T0)
    assert wire.asked() == names[:100]
    asking.step(T0)
    assert wire.asked() == names[100:]


def test_a_printer_that_cannot_be_asked_or_is_ignored_is_left_alone(
    asking: Asking, wire: Wire, pipeline: Pipeline
) -> None:
    pipeline.take("octoPrint/mqtt", b"connected", False, T0)
    appear(pipeline, ["hidden", "a"])
    for session in pipeline.sessions.values():
        if session.prefix == "hidden":
            session.printer = msgspec.structs.replace(session.printer, ignored=True)
    asking.ask_all(pipeline.sessions.values())
    asking.step(T0)
    assert wire.asked() == ["a"]


def test_what_the_pipeline_wants_asked_is_taken_up_once(
    asking: Asking, wire: Wire, pipeline: Pipeline
) -> None:
    pipeline.take("a/moonraker/status", b'{"server": "online"}', False, T0)
    assert pipeline.to_ask
    asking.take_up(pipeline)
    assert not pipeline.to_ask
    asking.step(T0)
    assert wire.asked() == ["a"]
    asking.take_up(pipeline)
    asking.step(T0 + PAUSE_MS)
    assert wire.asked() == []


@given(st.lists(st.tuples(st.integers(0, 8_000), st.booleans()), max_size=30))
def test_between_two_questions_to_a_printer_there_are_always_five_seconds(
    steps: list[tuple[int, bool]],
) -> None:
    wire = Wire()
    asking = Asking(cast(Connection, wire))
    with open_ledger("sqlite://") as ledger:
        ledger.claim("test", "test", simulated=True, now_ms=0)
        pipeline = Pipeline(ledger, SourceTable([parse_source("moonraker={printer}")]))
        appear(pipeline, ["a"])
        now, last = T0, 0
        for wait, wanted in steps:
            now += wait
            if wanted:
                asking.ask_all(pipeline.sessions.values())
            asking.step(now)
            if wire.asked():
                assert now - last >= PAUSE_MS
                last = now
