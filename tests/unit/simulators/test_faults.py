"""Faults of networks, brokers and clocks can be switched on one by one, and then happen."""

from collections import Counter
from collections.abc import Iterator

import pytest

from farm.errors import ConfigurationError
from simulators.faults import FAULTS, parse_faults
from simulators.scenario import Scenario
from tests.unit.simulators.workbench import Played, decoded, one_printer, play

MANY = {
    "lost_share": 0.2,
    "duplicated_share": 0.2,
    "reordered_share": 0.3,
    "stalls_per_day": 400,
    "stall_seconds": [3, 20],
    "broker_restarts_per_day": 300,
    "broker_down_seconds": [3, 10],
    "vanished_per_day": 300,
    "vanished_seconds": [5, 30],
    "wrong_clock_share": 1,
    "clock_jumps_per_day": 300,
    "leftover_share": 1,
}


def stormy(protocol: str = "octoprint") -> Scenario:
    told = one_printer(protocol).model_dump()
    return Scenario.model_validate({**told, "faults": MANY})


def under(*faults: str, protocol: str = "octoprint", minutes: float = 40) -> Played:
    return play(stormy(protocol), minutes=minutes, faults=frozenset(faults))


def gaps(run: Played) -> list[str]:
    return [decoded(line)["why"] for line in run.truth.splitlines() if b'"kind":"gap"' in line]


@pytest.fixture(scope="module")
def calm() -> Played:
    return under()


def said(run: Played) -> list[tuple[int, str, bytes]]:
    return [(at, message.topic, message.payload) for at, _, message in run.arrivals]


def test_all_none_and_names_are_understood() -> None:
    assert parse_faults("all") == frozenset(FAULTS)
    assert parse_faults("none") == frozenset()
    assert parse_faults("lost, broker") == {"lost", "broker"}
    with pytest.raises(ConfigurationError, match="'lots': unknown; allowed: all, none, lost"):
        parse_faults("lots")


def test_without_faults_the_rates_do_not_matter(calm: Played) -> None:
    assert said(calm) == said(play(one_printer("octoprint"), minutes=40))
    assert gaps(calm) == []


def test_lost_messages_do_not_arrive_and_nothing_else_changes(calm: Played) -> None:
    heard = set(said(under("lost")))
    sent = set(said(calm))
    assert heard < sent
    assert 0.7 < len(heard) / len(sent) < 0.9


def test_doubled_messages_are_the_same_messages(calm: Played) -> None:
    heard = [(topic, payload) for _, topic, payload in said(under("duplicated"))]
    sent = [(topic, payload) for _, topic, payload in said(calm)]
    assert set(heard) == set(sent)
    assert 1.1 < len(heard) / len(sent) < 1.3


def test_delayed_messages_come_in_bursts_with_the_times_of_their_sending(calm: Played) -> None:
    run = under("delayed")
    assert sorted(payload for _, _, payload in said(run)) == sorted(payload for _, _, payload in said(calm))
    late = [at - decoded(p)["_timestamp"] * 1000 for at, _, p in said(run) if p.startswith(b"{")]
    assert max(late) > 3_000
    assert min(late) >= 0


def test_reordered_messages_overtake_each_other_on_different_topics_only(calm: Played) -> None:
    heard, sent = said(under("reordered")), said(calm)
    under_way = Counter(p for _, _, p in sent) - Counter(p for _, _, p in heard)
    held_ms = sent[-1][0] - 2_000
    assert under_way <= Counter(p for at, _, p in sent if at >= held_ms), "held when the run ended"
    assert [p for _, _, p in heard] != [p for _, _, p in sent]
    for topic in {topic for _, topic, _ in sent}:
        in_order = [p for _, t, p in heard if t == topic]
        assert in_order == [p for _, t, p in sent if t == topic][: len(in_order)]


def test_a_broker_that_restarts_loses_what_comes_meanwhile_and_hands_out_what_it_kept() -> None:
    run = under("broker")
    assert set(gaps(run)) == {"broker"}
    assert any(kept for _, kept, _ in run.arrivals)
    links = [m.payload for _, kept, m in run.arrivals if m.topic.endswith("/mqtt") and not kept]
    assert links.count(b"connected") > 3


def test_a_printer_that_vanishes_leaves_no_will() -> None:
    run = under("vanished", protocol="native")
    assert set(gaps(run)) == {"network"}
    assert not [m for _, _, m in run.arrivals if m.payload == b"offline"]


def test_moonraker_may_restart_alone_while_the_print_goes_on() -> None:
    assert set(gaps(under("vanished", protocol="moonraker", minutes=90))) == {"network", "service"}


def stamps(run: Played) -> Iterator[tuple[int, int]]:
    for at, _, payload in said(run):
        if payload.startswith(b"{"):
            yield at // 1000, decoded(payload)["_timestamp"]


def test_a_wrong_clock_is_wrong_by_a_constant(calm: Played) -> None:
    wrong = {stamp - at for at, stamp in stamps(under("wrong-clocks"))}
    assert max(wrong) - min(wrong) <= 1
    assert min(abs(offset) for offset in wrong) >= 19
    assert {stamp - at for at, stamp in stamps(calm)} == {0}


def test_a_clock_that_jumps_goes_wrong_and_right_again() -> None:
    offsets = {stamp - at for at, stamp in stamps(under("clock-jumps"))}
    assert 0 in offsets
    assert len(offsets) > 2


@pytest.mark.parametrize("protocol", ["octoprint", "moonraker", "moonraker-split", "native"])
def test_leftovers_come_first_and_are_marked_as_kept(protocol: str) -> None:
    run = under("leftovers", protocol=protocol, minutes=5)
    kept = [index for index, (_, was_kept, _) in enumerate(run.arrivals) if was_kept]
    assert kept == list(range(len(kept)))
    assert kept
    assert all(message.retain for _, was_kept, message in run.arrivals if was_kept)
