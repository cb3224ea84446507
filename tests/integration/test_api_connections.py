"""Clients that are slow, many or rude, over real sockets: everybody else is still answered."""

import asyncio
import json
import logging
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import StreamingResponse

from api.connections import RETRY_AFTER_S, ConnectionLimits
from api.server import ApiServer
from api.settings import ApiSettings
from farm.ledger.ledger import Ledger, open_ledger
from tests.fakes.farm_server import TOKEN, FarmServer, farm_ledger, serving
from tests.fakes.sample_farm import sample_farm
from tests.integration import console
from tests.integration.console import environment, program
from tests.servers import free_port, wait_until

SOON = ConnectionLimits(most=1_000, request_within_s=0.6)
PATIENCE_S = 10
HEALTH = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def ledger() -> Iterator[Ledger]:
    with farm_ledger(sample_farm(2, days=1)) as ledger:
        yield ledger


@pytest.fixture
def hasty(ledger: Ledger) -> Iterator[FarmServer]:
    """A server that gives a request little time."""
    with serving(ledger, limits=SOON, token=TOKEN) as server:
        yield server


def dial(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)


def rest_of(connection: socket.socket) -> bytes:
    """Everything until the server closes."""
    got = b""
    try:
        while piece := connection.recv(65_536):
            got += piece
    except ConnectionError:
        pass
    return got


def drip(connection: socket.socket, piece: bytes) -> float:
    """Send the piece again and again until the server closes; after how many seconds it did."""
    began = time.monotonic()
    connection.settimeout(0.02)
    while time.monotonic() - began < PATIENCE_S:
        try:
            connection.sendall(piece)
            if not connection.recv(65_536):
                break
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - began


@pytest.mark.parametrize(
    ("beginning", "piece"),
    [
        (b"", b"G"),
        (b"GET /health/live HTTP/1.1\r\n", b"X: y\r\n"),
        (b"GET /health/live HTTP/1.1\r\nX: ", b"y"),
        (b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n", b"x"),
        (b"POST /login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n", b"x"),
        (HEALTH, b"G"),
    ],
)
def test_a_request_that_drips_is_given_up_in_time(
    hasty: FarmServer, beginning: bytes, piece: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with dial(hasty.server.port) as slow:
        slow.sendall(beginning)
        assert drip(slow, piece) < PATIENCE_S / 2
    assert hasty.client.get("/health/live").status_code == 200
    assert [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING] == []


def test_who_is_late_is_told_so(hasty: FarmServer) -> None:
    with dial(hasty.server.port) as slow:
        slow.sendall(b"GET / HT")
        head, _, body = rest_of(slow).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"X-Content-Type-Options: nosniff" in head
    assert json.loads(body)["type"] == "urn:layerline:problem:request-timeout"


def test_a_connection_that_asks_nothing_is_closed(hasty: FarmServer) -> None:
    with dial(hasty.server.port) as idle:
        assert b"408" in rest_of(idle)


def test_who_asks_in_time_has_all_the_time_for_the_answer(hasty: FarmServer) -> None:
    """A live stream goes on beyond the limit for a request."""
    with hasty.client.stream("GET", "/api/v1/stream", headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
        lines, began = answer.iter_lines(), time.monotonic()
        while time.monotonic() - began < 3 * SOON.request_within_s:
            assert next(lines) is not None


def test_idle_connections_beyond_the_limit_make_room_for_whoever_asks(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(ledger, limits=ConnectionLimits(most=20)) as server, ExitStack() as stack:
        idle = [stack.enter_context(dial(server.server.port)) for _ in range(300)]
        for each in idle[::2]:
            each.sendall(b"GET / HTTP/1.1\r\n")
        began = time.monotonic()
        assert server.client.get("/health/live").status_code == 200
        assert server.client.get("/health/ready").status_code in (200, 503)
        assert time.monotonic() - began < 5
        head = rest_of(idle[0]).decode()
        assert head.startswith("HTTP/1.1 503 ")
        assert f"Retry-After: {RETRY_AFTER_S}" in head
        assert "too many connections" in head
    said = [each.getMessage() for each in caplog.records if "api.max_connections" in each.getMessage()]
    assert len(said) == 1


def test_live_streams_never_take_the_place_of_requests(ledger: Ledger) -> None:
    with serving(ledger, max_streams=3) as server, ExitStack() as stack:
        lines = []
        for _ in range(3):
            answer = stack.enter_context(server.client.stream("GET", "/api/v1/stream"))
            assert answer.status_code == 200
            lines.append(answer.iter_lines())  # dropped, it would end the stream
            next(lines[-1])
        refused = server.client.get("/api/v1/stream")
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == str(RETRY_AFTER_S)
        assert refused.json()["type"] == "urn:layerline:problem:too-many-streams"
        assert server.client.get("/health/live").status_code == 200
        assert server.client.get("/api/v1/printers").status_code == 200
    with serving(ledger, max_streams=1) as server:
        with server.client.stream("GET", "/api/v1/stream") as answer:
            next(answer.iter_lines())
        wait_until(lambda: _streams(server), "the place is free again")


def _streams(server: FarmServer) -> bool:
    with server.client.stream("GET", "/api/v1/stream") as answer:
        return answer.status_code == 200


@contextmanager
def running(route: Callable[[], Awaitable[Any]], limits: ConnectionLimits) -> Iterator[int]:
    """A server with a route of the test's own; its port."""
    app = FastAPI()
    app.get("/held")(route)
    app.state.context = SimpleNamespace(live=SimpleNamespace(close=lambda: None, most=10))
    server = ApiServer(app, ApiSettings(port=0), limits)
    stop = threading.Event()
    thread = threading.Thread(target=server.run, args=(stop,))
    thread.start()
    try:
        yield server.port
    finally:
        stop.set()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def test_where_everybody_is_being_answered_the_next_is_told_to_come_again() -> None:
    release = threading.Event()
    arrived: list[int] = []

    async def held() -> str:
        arrived.append(1)
        await asyncio.to_thread(release.wait, PATIENCE_S)
        return "done"

    with running(held, ConnectionLimits(most=3)) as port, ExitStack() as stack:
        busy = [stack.enter_context(dial(port)) for _ in range(3)]
        for each in busy:
            each.sendall(b"GET /held HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        wait_until(lambda: len(arrived) == 3, "all places are taken")
        with dial(port) as fourth:
            assert rest_of(fourth).startswith(b"HTTP/1.1 503 ")
        release.set()
        assert [rest_of(each)[:15] for each in busy] == [b"HTTP/1.1 200 OK"] * 3
        with dial(port) as fifth:
            fifth.sendall(b"GET /held HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert rest_of(fifth).startswith(b"HTTP/1.1 200 OK")


def test_a_client_that_does_not_take_its_answer_is_let_go() -> None:
    ended = threading.Event()

    async def endless() -> StreamingResponse:
        async def pieces() -> Any:
            try:
                while True:
                    yield b"x" * 65_536
                    await asyncio.sleep(0)
            finally:
                ended.set()

        return StreamingResponse(pieces())

    limits = ConnectionLimits(most=10, look_every_s=0.2)
    with running(endless, limits) as port, dial(port) as deaf:
        deaf.sendall(b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
        assert ended.wait(PATIENCE_S)


def test_a_client_that_takes_its_answer_slowly_is_served_to_the_end() -> None:
    size = 30_000_000

    async def large() -> StreamingResponse:
        async def pieces() -> Any:
            for _ in range(size // 100_000):
                yield b"x" * 100_000

        return StreamingResponse(pieces())

    limits = ConnectionLimits(most=10, look_every_s=0.2, least_taken=1_000)
    with running(large, limits) as port, dial(port) as slow:
        slow.sendall(b"GET /held HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        got = 0
        while piece := slow.recv(2_000_000):
            got += len(piece)
            threading.Event().wait(0.02)
    assert got > size


def test_a_flood_of_nonsense_is_logged_once(ledger: Ledger, caplog: pytest.LogCaptureFixture) -> None:
    with serving(ledger) as server:
        upgrade = HEALTH[:-2] + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n"
        for words in [b"\x16\x03\x01nonsense\r\n\r\n", upgrade] * 50:
            with dial(server.server.port) as rude:
                rude.sendall(words)
                rude.shutdown(socket.SHUT_WR)
                rest_of(rude)
        assert server.client.get("/health/live").status_code == 200
    said = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    assert 1 <= len(said) <= 2
    assert not any("pip" in each or "install" in each for each in said)


def test_nonsense_behind_the_head_of_a_request_that_is_answered_already_is_no_fault_of_ours(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    spoilt = b"POST /api/v1/verdicts HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n"
    with serving(ledger, token=TOKEN) as server:
        for _ in range(20):
            with dial(server.server.port) as rude:
                rude.sendall(spoilt)
                rude.shutdown(socket.SHUT_WR)
                assert rest_of(rude).startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 401 "))
        assert server.client.get("/health/live").status_code == 200
    assert [each for each in caplog.records if each.levelno >= logging.ERROR] == []


@contextmanager
def api_process(folder: Path, descriptors: int) -> Iterator[tuple[str, Path]]:
    """The installed API with so few file descriptors; its address and its log."""
    port, said = free_port(), folder / "api.log"
    (folder / "layerline.toml").write_text(f"[api]\nport = {port}\n")
    with open_ledger(f"sqlite:///{folder}/ledger.db"):
        command = f"ulimit -n {descriptors}; exec {program()} api --database sqlite:///{folder}/ledger.db"
    with said.open("wb") as log:
        process = subprocess.Popen(
            ["bash", "-c", command], cwd=folder, env=environment(folder), stdout=log, stderr=log
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: _is_live(url), "the API answers")
        yield url, said
        assert process.poll() is None, said.read_text()
    finally:
        process.terminate()
        process.wait(20)


def _is_live(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/live", timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.mark.parametrize("descriptors", [450, 1024])
def test_where_file_descriptors_are_few_it_still_answers_and_its_log_stays_small(
    tmp_path: Path, descriptors: int
) -> None:
    with api_process(tmp_path, descriptors) as (url, said), ExitStack() as stack:
        port = int(url.rpartition(":")[2])
        for _ in range(descriptors + 500):
            stack.enter_context(dial(port))
        for _ in range(10):
            assert _is_live(url)
        words = said.read_text()
    assert len(words) < 20_000, words[:2_000]
    assert words.count("api.max_connections") <= 2


@pytest.mark.parametrize("told_to_end", [signal.SIGTERM, signal.SIGINT])
def test_a_process_that_is_told_to_end_ends_the_streams_of_open_pages_in_order(
    tmp_path: Path, told_to_end: signal.Signals
) -> None:
    (tmp_path / "layerline.toml").write_text(f"[api]\nport = {(port := free_port())}\n")
    database = f"sqlite:///{tmp_path}/ledger.db"
    with open_ledger(database), console.running(tmp_path, "api", "--database", database) as api:
        wait_until(lambda: _is_live(f"http://127.0.0.1:{port}"), "the API answers")
        with dial(port) as page:
            page.sendall(b"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
            got = b""
            while b"event: snapshot" not in got:
                got += page.recv(65_536)
            assert api.end(told_to_end) == 0
            rest_of(page)
    assert "stopping on" in api.text
    assert "ERROR" not in api.text
    assert "Traceback" not in api.text
