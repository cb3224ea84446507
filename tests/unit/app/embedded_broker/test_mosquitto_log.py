"""Mosquitto's lines, as its releases write them: who was refused, and only what they tell."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.app.embedded_broker.mosquitto_log import SETTLE_S, LetIn, MosquittoLog, Refused
from farm.model.refused_client import RefusalReason

BAD = RefusalReason.WRONG_LOGIN


def opened(peer: str) -> str:
    return f"New connection from {peer} on port 1883."


def let_in(peer: str, client_id: str) -> str:
    return f"New client connected from {peer} as {client_id} (p2, c1, k60, u'layerline')."


def read(log: MosquittoLog, *lines: str, at_s: float = 0.0) -> list[LetIn | Refused]:
    found: list[LetIn | Refused] = []
    for line in lines:
        said = log.read(line, at_s)
        assert said is not None, line
        found += said
    return found


UNKNOWN = "Client <unknown> disconnected, not authorised."


def test_mosquitto_2_0_11_tells_the_address_in_another_line_and_no_client_id() -> None:
    said = read(MosquittoLog(), opened("192.168.1.7:40655"), UNKNOWN)
    assert said == [Refused("192.168.1.7", None, BAD)]


def test_mosquitto_2_0_13_tells_the_client_id() -> None:
    said = read(MosquittoLog(), opened("192.168.1.7:40655"), "Client bay2 disconnected, not authorised.")
    assert said == [Refused("192.168.1.7", "bay2", BAD)]


def test_mosquitto_2_1_1_tells_both_in_one_line() -> None:
    log = MosquittoLog()
    peers = ("192.168.1.7:40655", "192.168.1.8:40655")
    said = read(log, *map(opened, peers), f"Client bay2 [{peers[1]}] disconnected: not authorised.")
    assert said == [Refused("192.168.1.8", "bay2", BAD)]
    assert read(log, let_in(peers[0], "bay1")) == [LetIn("192.168.1.7", "bay1")]


def test_a_client_that_is_let_in_is_told_with_address_and_id() -> None:
    said = read(MosquittoLog(), opened("192.168.1.7:1"), let_in("192.168.1.7:1", "bay (1) as two"))
    assert said == [LetIn("192.168.1.7", "bay (1) as two")]


def test_of_ipv6_the_address_is_told_without_the_port() -> None:
    assert read(MosquittoLog(), opened("fe80::1:2:40655"), UNKNOWN) == [Refused("fe80::1:2", None, BAD)]
    assert read(MosquittoLog(), opened("::ffff:10.0.0.7:40655"), UNKNOWN) == [Refused("10.0.0.7", None, BAD)]


def test_of_two_that_stand_at_the_door_nothing_is_claimed_until_it_is_known() -> None:
    log = MosquittoLog()
    assert read(log, opened("192.168.1.7:1"), opened("192.168.1.8:2"), UNKNOWN) == []
    said = read(log, let_in("192.168.1.7:1", "bay1"))
    assert said == [LetIn("192.168.1.7", "bay1"), Refused("192.168.1.8", None, BAD)]


def test_where_all_at_the_door_are_refused_it_is_known_who_they_are() -> None:
    log = MosquittoLog()
    said = read(log, opened("192.168.1.7:1"), opened("192.168.1.8:2"), UNKNOWN, UNKNOWN)
    assert said == [Refused("192.168.1.7", None, BAD), Refused("192.168.1.8", None, BAD)]


def test_two_that_are_refused_at_once_under_two_client_ids_are_told_without_addresses() -> None:
    log = MosquittoLog()
    lines = [f"Client bay{number} disconnected, not authorised." for number in (1, 2)]
    said = read(log, opened("192.168.1.7:1"), opened("192.168.1.8:2"), *lines)
    assert said == [Refused(None, "bay1", BAD), Refused(None, "bay2", BAD)]


def test_an_end_that_stays_unclear_is_told_without_an_address_after_a_while() -> None:
    log = MosquittoLog()
    read(log, opened("192.168.1.7:1"), opened("192.168.1.8:2"), UNKNOWN)
    assert list(log.settle(SETTLE_S - 0.1)) == []
    assert list(log.settle(SETTLE_S)) == [Refused(None, None, BAD)]
    assert list(log.settle(SETTLE_S + 60)) == []


def test_one_that_says_nothing_does_not_hide_others_of_its_address() -> None:
    log = MosquittoLog()
    assert read(log, opened("10.0.0.7:1"), opened("10.0.0.7:2"), UNKNOWN) == [Refused("10.0.0.7", None, BAD)]


def test_whoever_only_looks_whether_the_port_is_open_is_refused_nothing() -> None:
    log = MosquittoLog()
    assert read(log, opened("10.0.0.7:1"), "Client <unknown> closed its connection.") == []
    assert read(log, opened("10.0.0.8:1"), UNKNOWN) == [Refused("10.0.0.8", None, BAD)]


def test_one_that_stands_at_the_door_for_minutes_is_forgotten() -> None:
    log = MosquittoLog()
    read(log, opened("10.0.0.7:1"))
    list(log.settle(121.0))
    assert read(log, opened("10.0.0.8:1"), UNKNOWN, at_s=121.0) == [Refused("10.0.0.8", None, BAD)]


@pytest.mark.parametrize(
    "line",
    [
        "Client bay1 disconnected, not authorised.",
        "Client bay1 [10.0.0.7:1] disconnected: not authorised.",
        "Client bay1 disconnected.",
        "Client bay1 closed its connection.",
        "Client bay1 has exceeded timeout, disconnecting.",
        "Socket error on client bay1, disconnecting.",
        "Client bay1 disconnected due to protocol error.",
    ],
)
def test_the_end_of_one_that_was_let_in_is_no_refusal(line: str) -> None:
    log = MosquittoLog()
    read(log, opened("10.0.0.7:1"), let_in("10.0.0.7:1", "bay1"))
    assert read(log, line) == []
    assert read(log, opened("10.0.0.8:1"), UNKNOWN) == [Refused("10.0.0.8", None, BAD)]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (
            (
                "Invalid protocol version 9 in CONNECT from {a}.",
                "Client <unknown> disconnected due to protocol error.",
            ),
            RefusalReason.PROTOCOL_VERSION,
        ),
        (
            (
                "Protocol error from {a}:1: CONNECT with invalid protocol version (9).",
                "Client {a} [{a}:1] disconnected: protocol error.",
            ),
            RefusalReason.PROTOCOL_VERSION,
        ),
        (
            (
                "Client from {a}:1 appears to be using TLS to connect to a non-TLS listener.",
                "Client {a} [{a}:1] disconnected: protocol error.",
            ),
            RefusalReason.TLS,
        ),
        (("Client <unknown> disconnected due to malformed packet.",), RefusalReason.NO_MQTT),
        (("Client <unknown> disconnected due to protocol error.",), RefusalReason.NO_MQTT),
        (("Client {a} [{a}:1] disconnected: client identifier not valid.",), RefusalReason.CLIENT_ID),
        (("Client {a} [{a}:1] disconnected: bad username or password.",), BAD),
    ],
)  # fmt: skip
def test_other_reasons_are_told_apart(lines: tuple[str, ...], reason: RefusalReason) -> None:
    log = MosquittoLog()
    said = read(log, opened("10.0.0.7:1"), *(line.format(a="10.0.0.7") for line in lines))
    assert said == [Refused("10.0.0.7", None, reason)]
    assert read(log, opened("10.0.0.8:1"), UNKNOWN) == [Refused("10.0.0.8", None, BAD)]


@pytest.mark.parametrize(
    "line",
    [
        "mosquitto version 2.0.11 running",
        "Error: Unable to open log file.",
        "Opening ipv4 listen socket on port 1883.",
    ],
)  # fmt: skip
def test_what_is_about_no_client_is_left_to_the_log(line: str) -> None:
    assert MosquittoLog().read(line, 0.0) is None


def test_a_client_id_that_looks_like_a_line_is_no_more_than_a_name() -> None:
    name = "x (p2, c1, k60, u'a'). New connection from 1.2.3.4:5 on port 1883."
    assert read(MosquittoLog(), let_in("10.0.0.7:1", name)) == [LetIn("10.0.0.7", name)]


def test_what_is_remembered_is_bounded() -> None:
    log = MosquittoLog()
    for number in range(30_000):
        read(log, let_in(f"10.0.0.7:{number}", f"bay{number}"))
        read(log, opened(f"10.0.1.7:{number}"))
    assert len(log._connected) <= 20_000
    assert len(log._opened) <= 2_000


class Release:
    """How one release writes the end of a connection that was not let in."""

    def __init__(self, knows_id: bool, knows_peer: bool) -> None:
        self._knows_id, self._knows_peer = knows_id, knows_peer

    def refused(self, peer: str, client_id: str) -> str:
        if self._knows_peer:
            return f"Client {client_id} [{peer}] disconnected: not authorised."
        return f"Client {client_id if self._knows_id else '<unknown>'} disconnected, not authorised."

    def closed(self, peer: str) -> str:
        if self._knows_peer:
            return f"Client {peer.rpartition(':')[0]} [{peer}] disconnected: connection closed by client."
        return "Client <unknown> closed its connection."


RELEASES = {"2.0.11": Release(False, False), "2.0.18": Release(True, False), "2.1.2": Release(True, True)}


@pytest.mark.parametrize("release", RELEASES)
@settings(max_examples=60)
@given(data=st.data())
def test_whatever_comes_at_once_nothing_untrue_is_claimed(release: str, data: st.DataObject) -> None:
    """Connections of some printers, opened, let in, refused and closed in any order."""
    log, writes, at_s = MosquittoLog(), RELEASES[release], 0.0
    open_now: list[tuple[str, str]] = []
    true: Counter[tuple[str, str]] = Counter()
    claimed: Counter[tuple[str, str]] = Counter()
    steps = data.draw(st.lists(st.sampled_from(["open", "open", "in", "refused", "closed"]), max_size=30))
    for number, step in enumerate(steps):
        at_s += data.draw(st.sampled_from([0.0, 0.3, SETTLE_S]))
        if step == "open":
            place = data.draw(st.integers(1, 3))
            open_now.append((f"10.0.0.{place}:{40_000 + number}", f"bay{place}-{number}"))
            line = opened(open_now[-1][0])
        elif not open_now:
            continue
        else:
            peer, client_id = open_now.pop(data.draw(st.integers(0, len(open_now) - 1)))
            line = {
                "in": let_in(peer, client_id),
                "refused": writes.refused(peer, client_id),
                "closed": writes.closed(peer),
            }[step]
            if step == "refused":
                true[peer.rpartition(":")[0], client_id] += 1
        for told in (*read(log, line, at_s=at_s), *log.settle(at_s)):
            if isinstance(told, Refused) and told.address is not None:
                claimed[told.address, told.client_id or ""] += 1
    for (address, client_id), count in claimed.items():
        known = [
            number for (where, name), number in true.items() if where == address and client_id in ("", name)
        ]
        assert count <= sum(known), (address, client_id)
    if release == "2.1.2":
        assert claimed == true
