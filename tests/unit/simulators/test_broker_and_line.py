"""The way from a printer to the broker, and what can happen on it."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.agenda import Agenda
from simulators.broker import KEEPALIVE_LOSS_MS, RESUBSCRIBED_MS, Broker, Impairment, Line
from simulators.wire import Message


class Gaps:
    """Notes the gaps."""

    def __init__(self) -> None:
        self.gaps: list[tuple[str, str, int, int]] = []

    def gap(self, printer: str, why: str, from_ms: int, to_ms: int) -> None:
        self.gaps.append((printer, why, from_ms, to_ms))


class Way:
    """A printer's line, its broker, and what arrives."""

    def __init__(self, impairment: Impairment | None = None) -> None:
        self.agenda = Agenda(0)
        self.arrived: list[tuple[int, bool, str, bytes]] = []
        self.broker = Broker(self.agenda, self._deliver)
        self.gaps = Gaps()
        self.line = Line("bay", self.agenda, self.broker, self.gaps, Random(3))
        self.line.will = Message("link", b"gone", 1, True)
        self.greetings: list[bool] = []
        self.line.greet = self.greetings.append
        if impairment is not None:
            self.line.impairment = impairment
        self.line.regain("host")

    def _deliver(self, at_ms: int, kept: bool, message: Message) -> None:
        self.arrived.append((at_ms, kept, message.topic, message.payload))

    def send(self, topic: str, payload: bytes = b"x", *, patient: bool = False, qos: int = 0) -> None:
        self.line.send(Message(topic, payload, qos, False, None, patient))

    def topics(self) -> list[str]:
        return [topic for _, _, topic, _ in self.arrived]


def test_a_standing_line_delivers_at_once() -> None:
    way = Way()
    way.send("a")
    assert way.arrived == [(0, False, "a", b"x")]
    assert way.greetings == [True]


def test_a_host_that_dies_leaves_its_will_and_greets_afresh() -> None:
    way = Way()
    way.line.lose("host", will_after_ms=10)
    way.send("lost")
    way.agenda.run_until(20)
    way.agenda.at(500, lambda: way.line.regain("host"))
    way.agenda.run_until(1_000)
    assert way.topics() == ["link"]
    assert way.greetings == [True, True]
    assert way.gaps.gaps == [("bay", "host", 0, 500)]


def test_a_power_cut_is_found_out_late() -> None:
    way = Way()
    way.line.lose("host", will_after_ms=KEEPALIVE_LOSS_MS)
    way.agenda.run_until(KEEPALIVE_LOSS_MS)
    assert way.topics() == []
    way.agenda.run_until(KEEPALIVE_LOSS_MS + 1)
    assert way.topics() == ["link"]


def test_a_client_that_is_back_before_the_broker_noticed_takes_over_and_its_will_goes_out() -> None:
    way = Way()
    way.line.lose("host", will_after_ms=KEEPALIVE_LOSS_MS)
    way.agenda.at(5_000, lambda: way.line.regain("host"))
    way.agenda.run_until(2 * KEEPALIVE_LOSS_MS)
    assert way.arrived == [(5_000, False, "link", b"gone")]


def test_a_network_that_is_gone_leaves_no_will_and_greets_without_a_fresh_start() -> None:
    way = Way()
    way.line.lose("network")
    way.send("lost")
    way.send("kept", patient=True)
    way.line.regain("network")
    assert way.topics() == ["kept"]
    assert way.greetings == [True, False]


def test_what_was_kept_through_an_outage_dies_with_the_host() -> None:
    way = Way()
    way.line.lose("network")
    way.send("kept", patient=True)
    way.line.lose("host")
    way.line.regain("host")
    way.line.regain("network")
    assert way.topics() == []


def test_a_line_that_stalls_lets_everything_go_in_order() -> None:
    way = Way()
    way.line.stall(1_000)
    for topic in "abc":
        way.send(topic)
    assert way.topics() == []
    way.agenda.run_until(1_001)
    assert [(at, topic) for at, _, topic, _ in way.arrived] == [(1_000, t) for t in "abc"]


def test_a_line_that_breaks_while_it_stalls_loses_what_it_held() -> None:
    way = Way()
    way.line.stall(1_000)
    way.send("a")
    way.line.lose("network")
    way.line.regain("network")
    way.agenda.run_until(2_000)
    assert way.topics() == []


@given(st.lists(st.sampled_from("abc"), max_size=60), st.floats(0, 1))
def test_messages_of_one_topic_never_overtake_each_other(topics: list[str], share: float) -> None:
    way = Way(Impairment(reordered=share, within_ms=3_000))
    for number, topic in enumerate(topics):
        way.agenda.at(
            number * 100,
            lambda topic=topic, number=number: way.send(topic, b"%d" % number),  # type: ignore[misc]
        )
    way.agenda.run_until(60_000)
    assert len(way.arrived) == len(topics)
    for topic in "abc":
        numbers = [int(payload) for _, _, found, payload in way.arrived if found == topic]
        assert numbers == sorted(numbers)


def test_so_many_are_lost_and_doubled_as_was_asked_for_and_none_at_qos_1_are_lost() -> None:
    way = Way(Impairment(lost=0.1, duplicated=0.2))
    for number in range(5_000):
        way.send(f"zero/{number}")
        way.send(f"one/{number}", qos=1)
    way.agenda.run_until(10_000)
    counts = Counter(way.topics())
    zero = [counts[f"zero/{number}"] for number in range(5_000)]
    one = [counts[f"one/{number}"] for number in range(5_000)]
    assert 0.08 < zero.count(0) / 5_000 < 0.12
    assert one.count(0) == 0
    assert 0.17 < one.count(2) / 5_000 < 0.23


def test_a_broker_stopped_in_order_sends_the_wills_and_a_killed_one_does_not() -> None:
    for orderly in (True, False):
        way = Way()
        way.broker.stop(orderly=orderly)
        way.send("lost")
        assert way.topics() == (["link"] if orderly else [])
        way.broker.start(Random(1), forget=False)
        way.agenda.run_until(60_000)
        assert way.greetings == [True, False]
        assert way.gaps.gaps[0][1] == "broker"


@pytest.mark.parametrize("forget", [False, True])
def test_a_broker_hands_out_what_it_kept_unless_it_forgot(forget: bool) -> None:
    way = Way()
    way.line.send(Message("kept", b"1", 0, True))
    way.line.send(Message("kept", b"2", 0, True))
    way.line.send(Message("emptied", b"1", 0, True))
    way.line.send(Message("emptied", b"", 0, True))
    way.broker.stop(orderly=False)
    way.broker.start(Random(1), forget=forget)
    way.agenda.run_until(60_000)
    handed_out = [(at, topic, payload) for at, kept, topic, payload in way.arrived if kept]
    assert handed_out == ([] if forget else [(RESUBSCRIBED_MS, "kept", b"2")])


def test_what_a_message_tells_is_marked_when_it_reaches_the_broker() -> None:
    way = Way()
    marks: list[str] = []
    way.line.send(Message("a", b"", 0, False, lambda: marks.append("a")))
    way.line.lose("network")
    way.line.send(Message("b", b"", 0, False, lambda: marks.append("b")))
    assert marks == ["a"]
