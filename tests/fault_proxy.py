"""A proxy before a real HTTP server that does what the real one cannot be made to do.

Faults are used up one a request, in their order; without one a request goes through.
"""

import gzip
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import httpx


class Fault(NamedTuple):
    """What happens to one request: `status` None cuts the connection instead of an answer.

    `forward` lets the request through first, so that only its answer is lost.
    """

    status: int | None = None
    body: str = ""
    headers: Mapping[str, str] = {}
    forward: bool = False
    delay_s: float = 0.0


class Passed(NamedTuple):
    """A request that came, with its body unpacked."""

    path: str
    body: bytes


class FaultProxy:
    """The proxy: add to `faults`, look at `requests`."""

    def __init__(self, target: str) -> None:
        self.faults: deque[Fault] = deque()
        self.requests: list[Passed] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                proxy._handle(self, target)

            def do_GET(self) -> None:
                proxy._handle(self, target)

            def log_message(self, *words: object) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="fault proxy")
        self._thread.start()

    @property
    def url(self) -> str:
        """Where the proxy listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def writes(self) -> list[bytes]:
        """The bodies of all writes that came."""
        return [passed.body for passed in self.requests if passed.path.startswith("/api/v2/write")]

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def _handle(self, request: BaseHTTPRequestHandler, target: str) -> None:
        raw = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        unpacked = gzip.decompress(raw) if request.headers.get("Content-Encoding") == "gzip" else raw
        self.requests.append(Passed(request.path, unpacked))
        fault = self.faults.popleft() if self.faults else Fault(status=0)
        time.sleep(fault.delay_s)
        if fault.forward or fault.status == 0:
            headers = {name: value for name, value in request.headers.items() if name != "Host"}
            answer = httpx.request(
                request.command,
                target + request.path,
                content=raw,
                headers=headers,
                timeout=30,
                trust_env=False,
            )
        if fault.status is None:
            request.close_connection = True
            request.connection.close()
        elif fault.status == 0:
            self._answer(request, answer.status_code, answer.headers.get("Content-Type"), {}, answer.content)
        else:
            self._answer(request, fault.status, None, fault.headers, fault.body.encode())

    def _answer(
        self,
        request: BaseHTTPRequestHandler,
        status: int,
        kind: str | None,
        headers: Mapping[str, str],
        body: bytes,
    ) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        if kind:
            request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


@contextmanager
def fault_proxy(target: str) -> Iterator[FaultProxy]:
    """A running proxy before the server at `target`."""
    proxy = FaultProxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
