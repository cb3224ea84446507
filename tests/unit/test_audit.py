"""The audit of dependencies: what it says of each kind of answer, and of none."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests import audit
from tests.servers import free_port


@contextmanager
def service(answer: Callable[[dict[str, Any]], bytes], status: int = 200) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = answer(asked)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/querybatch"
        server.shutdown()


def one_is_vulnerable(asked: dict[str, Any]) -> bytes:
    results = [
        {"vulns": [{"id": "GHSA-x"}]} if query["package"]["name"] == "pytest" else {}
        for query in asked["queries"]
    ]
    return json.dumps({"results": results}).encode()


def run(url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    monkeypatch.setenv(audit.SERVICE_VARIABLE, url)
    status = audit.main()
    return status, capsys.readouterr().out


def test_a_known_vulnerability_fails_and_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with service(one_is_vulnerable) as url:
        status, said = run(url, monkeypatch, capsys)
        assert (status, said.splitlines()[0]) == (
            1,
            f"pytest {pytest.__version__}: https://osv.dev/vulnerability/GHSA-x",
        )
        monkeypatch.setattr(audit, "ACCEPTED", {"GHSA-x": "in a test"})
        status, said = run(url, monkeypatch, capsys)
        assert (status, said.endswith(" packages, 0 known vulnerabilities\n")) == (0, True)


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"results": []}', b'{"results": 1}', b"<html>"])
def test_an_answer_that_says_nothing_is_no_clean_bill(
    body: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with service(lambda _: body) as url:
        assert run(url, monkeypatch, capsys)[1].startswith(f"audit skipped: {url} cannot be asked: ")


def test_a_service_that_refuses_or_is_away_is_said_and_fails_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with service(lambda _: b"no", status=503) as url:
        assert "cannot be asked: HTTP Error 503" in run(url, monkeypatch, capsys)[1]
    status, said = run(f"http://127.0.0.1:{free_port()}/", monkeypatch, capsys)
    assert status == 0
    assert "cannot be asked: <urlopen error" in said


def test_a_service_that_does_not_answer_is_waited_for_only_so_long() -> None:
    enough = threading.Event()
    with service(lambda _: b"{}" if enough.wait(30) else b"") as url:
        with pytest.raises(audit.NotAskedError, match=r"no answer within 0\.2 s|timed out"):
            audit.known_vulnerabilities([audit.Package("a", "1")], url, 0.2)
        enough.set()
