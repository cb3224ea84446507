"""Mosquitto's lines, as its releases write them: who was refused, and only what they tell."""

import pytest

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
