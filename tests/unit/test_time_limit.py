"""One limit over a whole attempt, whatever of it takes its time."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from farm.time_limit import TimeLimit
from tests.dripping import dripping

SHORT_S = 0.2
PATIENCE_S = 5
Place = tuple[str, int]


@pytest.fixture
def silent() -> Iterator[Place]:
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[:2]


@pytest.fixture
def full() -> Iterator[Place]:
    """Takes no further connection: its queue is full, and the kernel leaves all others waiting."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        waiting = [socket.socket() for _ in range(2)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
        yield listener.getsockname()[:2]
        for each in waiting:
            each.close()


def cut_short(request: Callable[[TimeLimit], object]) -> float:
    """After how many seconds a request ended whose time is `SHORT_S`."""
    limit, began = TimeLimit(), time.monotonic()

    def whole() -> None:
        with limit.within(SHORT_S):
            request(limit)

    with pytest.raises(TimeoutError):
        whole()
    limit.close()
    return time.monotonic() - began


def wait_for_the_end(limit: TimeLimit) -> None:
    while limit.left_s:
        threading.Event().wait(0.01)


def test_a_connection_that_is_silent_is_ended(silent: Place) -> None:
    def request(limit: TimeLimit) -> None:
        with limit.connect(silent, 60) as made:
            assert made.recv(1) == b""

    assert cut_short(request) < PATIENCE_S


def test_an_answer_that_drips_is_cut_though_each_piece_comes_in_time() -> None:
    def request(limit: TimeLimit) -> None:
        # An end that meets what is still coming is a reset.
        with suppress(ConnectionResetError), limit.connect(("127.0.0.1", server.port), 60) as made:
            while made.recv(1):
                pass

    with dripping(b"") as server:
        assert cut_short(request) < PATIENCE_S


def test_a_connection_that_cannot_be_made_takes_no_longer_than_what_is_left(full: Place) -> None:
    assert cut_short(lambda limit: limit.connect(full, 60)) < PATIENCE_S


def test_a_host_of_many_addresses_gets_no_more_time_than_one_with_a_single_one(
    full: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", full)] * 60
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *_, **__: found if host == "many" else found[:1])
    assert cut_short(lambda limit: limit.connect(("many", full[1]), SHORT_S)) < PATIENCE_S


def test_a_connection_that_is_shown_too_late_is_ended_at_once(silent: Place) -> None:
    def request(limit: TimeLimit) -> None:
        with socket.create_connection(silent, 60) as late:
            wait_for_the_end(limit)
            limit.watch(late)
            assert late.recv(1) == b""

    assert cut_short(request) < PATIENCE_S


def test_no_connection_is_begun_once_the_time_is_up(silent: Place) -> None:
    def request(limit: TimeLimit) -> None:
        wait_for_the_end(limit)
        with pytest.raises(TimeoutError, match="within the time"):
            limit.connect(silent, 60)

    assert cut_short(request) < PATIENCE_S


def test_what_is_done_in_time_is_left_alone(silent: Place) -> None:
    limit = TimeLimit()
    with limit.within(60), limit.connect(silent, 7) as made:
        assert made.gettimeout() == 7
    assert limit.left_s is None
    limit.close()


def test_an_address_that_refuses_is_passed_over_for_the_next(
    silent: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo
    places = [
        (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (ip, 0)) for ip in ("::1", silent[0])
    ]
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **more: places if host == "two" else real(host, *rest, **more),
    )
    limit = TimeLimit()
    with limit.within(60), limit.connect(("two", silent[1]), 5) as made:
        assert made.getpeername() == silent
    limit.close()
