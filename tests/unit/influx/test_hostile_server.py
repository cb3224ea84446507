"""A server in InfluxDB's place that sends elsewhere, packs its answers, or never ends them."""

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from pydantic import SecretStr

from farm.errors import InfluxError
from farm.influx.answers import Handling
from farm.influx.client import InfluxServer
from farm.influx.settings import InfluxSettings
from tests.dripping import flooding
from tests.fault_proxy import Fault, fault_proxy

NOWHERE = "http://127.0.0.1:9"
MEGABYTE = 1_000_000
PACKED = gzip.compress(b"0" * 100 * MEGABYTE)
assert len(PACKED) > 65_536


@contextmanager
def connected(url: str) -> Iterator[InfluxServer]:
    settings = InfluxSettings(url=url, timeout_seconds=10, token=SecretStr("s3cret"))
    with InfluxServer(settings) as server:
        yield server


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirection_is_never_followed(status: int) -> None:
    with fault_proxy(NOWHERE) as inner, fault_proxy(NOWHERE) as outer, connected(outer.url) as server:
        inner.faults.extend([Fault(204)] * 9)
        outer.faults.extend([Fault(status, headers={"Location": f"{inner.url}/admin"})] * 9)
        assert server.write("layerline", b"m x=1 1").status == status
        assert server.erase("layerline", 0, 1, {"_measurement": "m"}).status == status
        with pytest.raises(InfluxError, match=str(status)):
            server.influxql("layerline", "SELECT 1")
        with pytest.raises(InfluxError, match=str(status)):
            server.call("GET", "/api/v2/buckets")
        assert len(outer.requests) == 4
        assert inner.requests == []


def _query(server: InfluxServer) -> None:
    with pytest.raises(InfluxError):
        server.influxql("layerline", "SELECT 1")


def _call(server: InfluxServer) -> None:
    with pytest.raises(InfluxError):
        server.call("GET", "/api/v2/buckets")


def _write(server: InfluxServer) -> None:
    assert server.write("layerline", b"m x=1 1").handling is Handling.WAIT


@pytest.mark.parametrize("request_", [_call, _write])
@pytest.mark.parametrize(
    "beginning",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n7fffffff\r\n",
        b"HTTP/1.1 503 Busy\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Endless: ",
    ],
)
@pytest.mark.timeout(60)
def test_of_an_answer_without_end_only_a_little_is_read(
    request_: Callable[[InfluxServer], None], beginning: bytes
) -> None:
    with flooding(beginning) as flood, connected(f"http://127.0.0.1:{flood.port}") as server:
        if beginning.startswith(b"HTTP/1.1 204"):
            server.write("layerline", b"m x=1 1")  # an answer without a body is a whole one
        else:
            request_(server)
    assert flood.sent < 20 * MEGABYTE
    assert flood.connections == 1


@pytest.mark.parametrize("request_", [_call, _write, _query])
def test_an_answer_that_unpacks_to_any_size_is_not_unpacked(
    request_: Callable[[InfluxServer], None],
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(PACKED)
    with flooding(head + PACKED) as flood, connected(f"http://127.0.0.1:{flood.port}") as server:
        request_(server)
    assert flood.connections == 1


@pytest.mark.parametrize("body", ['{"buckets": []', "", '{"buckets": []}'])
def test_an_answer_that_ends_before_its_length_is_no_answer(body: str) -> None:
    with fault_proxy(NOWHERE) as proxy, connected(proxy.url) as server:
        headers = {"Content-Length": "5000", "Connection": "close"}
        proxy.faults.extend([Fault(200, body=body, headers=headers)] * 2)
        _call(server)
        _query(server)
        assert len(proxy.requests) == 2


def test_a_whole_answer_is_read_as_ever() -> None:
    with fault_proxy(NOWHERE) as proxy, connected(proxy.url) as server:
        proxy.faults.extend([Fault(200, body='{"buckets": []}'), Fault(200, body='{"results": []}')])
        assert server.call("GET", "/api/v2/buckets") == {"buckets": []}
        assert server.influxql("layerline", "SELECT 1") == []


def test_an_answer_to_a_query_may_be_long() -> None:
    with fault_proxy(NOWHERE) as proxy, connected(proxy.url) as server:
        proxy.faults.append(Fault(200, body='{"results": []' + " " * MEGABYTE + "}"))
        assert server.influxql("layerline", "SELECT 1") == []
