"""Printers are asked how they stand: whom, when, and with which numbers."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.adapters import adapter
from collector.sessions.asking import Asking
from collector.sessions.session import PrinterSession
from farm.model.printer import Address

NOW = 1_795_000_000_000
PAUSE_MS = 5_000
QUESTIONS = ("printer.objects.query", "server.history.list")


class Wire:
    """Stands in for the connection and keeps what is published."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, object]]] = []

    def publish(self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False) -> None:
        assert (qos, retain) == (1, False)
        self.sent.append((topic, json.loads(payload)))

    def asked(self) -> list[str]:
        """The prefixes asked since the last look, in order, each with all its questions."""
        topics = [topic for topic, _ in self.sent]
        assert [said["method"] for _, said in self.sent] == list(QUESTIONS) * (len(self.sent) // 2)
        assert topics[::2] == topics[1::2]
        self.sent.clear()
        return [topic.removesuffix("/moonraker/api/request") for topic in topics[::2]]


def session(prefix: str, kind: str = "moonraker") -> PrinterSession:
    return PrinterSession(f"printer at {prefix}", adapter(kind), Address("main", kind, prefix), "source", NOW)


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def asking(wire: Wire) -> Asking:
    return Asking(wire)


def test_every_printer_is_asked_for_its_state_and_its_history(asking: Asking, wire: Wire) -> None:
    asking.ask([session("a"), session("b")])
    asking.step(NOW)
    assert wire.asked() == ["a", "b"]


def test_no_question_bears_the_number_of_another_or_a_small_one(asking: Asking, wire: Wire) -> None:
    asking.ask([session("a"), session("b")])
    asking.step(NOW)
    assert [said["id"] for _, said in wire.sent] == [7_100_002, 7_100_003, 7_100_004, 7_100_005]


def test_nobody_is_asked_twice_for_one_wish(asking: Asking, wire: Wire) -> None:
    asking.ask([session("a"), session("a")])
    asking.ask([session("a")])
    asking.step(NOW)
    asking.step(NOW + PAUSE_MS)
    assert wire.asked() == ["a"]


@pytest.mark.parametrize(("later", "asked"), [(PAUSE_MS - 1, []), (PAUSE_MS, ["a"])])
def test_a_printer_is_asked_no_more_often_than_every_five_seconds(
    asking: Asking, wire: Wire, later: int, asked: list[str]
) -> None:
    asking.ask([session("a")])
    asking.step(NOW)
    wire.asked()
    asking.ask([session("a")])
    asking.step(NOW + later)
    assert wire.asked() == asked


def test_who_must_wait_is_asked_when_the_pause_is_over_and_holds_up_no_other(
    asking: Asking, wire: Wire
) -> None:
    asking.ask([session("a")])
    asking.step(NOW)
    wire.asked()
    asking.ask([session("a"), session("b")])
    asking.step(NOW + 1_000)
    assert wire.asked() == ["b"]
    asking.step(NOW + PAUSE_MS)
    assert wire.asked() == ["a"]


def test_a_first_question_does_not_wait_also_where_the_clock_began_at_nothing(
    asking: Asking, wire: Wire
) -> None:
    asking.ask([session("a")])
    asking.step(PAUSE_MS)
    assert wire.asked() == ["a"]


def test_at_most_a_hundred_are_asked_at_once(asking: Asking, wire: Wire) -> None:
    prefixes = [f"host{number:03}" for number in range(101)]
    asking.ask([session(prefix) for prefix in prefixes])
    asking.step(NOW)
    assert wire.asked() == prefixes[:100]
    asking.step(NOW)
    assert wire.asked() == prefixes[100:]


def test_a_printer_that_cannot_be_asked_is_left_alone(asking: Asking, wire: Wire) -> None:
    asking.ask([session("octoPrint", "octoprint"), session("a"), session("n", "native")])
    asking.step(NOW)
    assert wire.asked() == ["a"]


@given(st.lists(st.tuples(st.integers(0, 8_000), st.booleans()), max_size=30))
def test_between_two_questions_to_a_printer_there_are_always_five_seconds(
    steps: list[tuple[int, bool]],
) -> None:
    wire = Wire()
    asking = Asking(wire)
    now, last = NOW, 0
    for wait, wanted in steps:
        now += wait
        if wanted:
            asking.ask([session("a")])
        asking.step(now)
        if wire.asked():
            assert now - last >= PAUSE_MS
            last = now


def test_a_printer_is_asked_how_long_its_print_takes_by_itself(asking: Asking, wire: Wire) -> None:
    printing, idle = session("a"), session("b")
    printing.memory.file = "vase.gcode"
    asking.ask_estimates([printing, idle, session("c", "native")])
    asking.step(NOW)
    (topic, said), *others = wire.sent
    assert (topic, said["method"], others) == ("a/moonraker/api/request", "server.files.metadata", [])
    asking.ask_estimates([printing])
    asking.step(NOW + PAUSE_MS - 1)
    assert len(wire.sent) == 1
    asking.step(NOW + PAUSE_MS)
    assert len(wire.sent) == 2
    assert wire.sent[1][1]["id"] != said["id"]
