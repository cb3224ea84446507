"""A real InfluxDB 2 for the tests.

Looked for in this order: the server of LAYERLINE_TEST_INFLUXDB_URL (with _TOKEN and _ORG),
`influxd` on PATH, a container where a Docker engine answers. Else the test is skipped and
says how to get one. Tests that stop or kill the server need a private one.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from farm.influx.client import InfluxServer
from farm.influx.settings import InfluxSettings
from tests.servers import free_port, wait_until

ORG = "layerline"
TOKEN = "a-token-made-for-the-tests"
_HOW = (
    "no InfluxDB 2 server found; get one by putting `influxd` on PATH, by running a Docker engine "
    "(with: pip install testcontainers), or set LAYERLINE_TEST_INFLUXDB_URL, _TOKEN and _ORG"
)
_STOP_S = 30.0


class InfluxForTests:
    """A server where buckets may be made freely."""

    def __init__(self, url: str, token: str = TOKEN, org: str = ORG) -> None:
        self.url, self.token, self.org = url, token, org
        self._made: list[str] = []

    def settings(self, *, url: str | None = None, **changes: Any) -> InfluxSettings:
        """Settings with two new empty buckets; `url` leads there by another way."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        values = {
            "url": url or self.url,
            "org": self.org,
            "token": SecretStr(self.token),
            "bucket": name,
            "telemetry_bucket": f"{name}_telemetry",
        }
        settings = InfluxSettings.model_validate(values | changes)
        for bucket in (settings.bucket, settings.telemetry_bucket):
            self.make_bucket(bucket)
        return settings

    def make_bucket(self, name: str) -> None:
        """An empty bucket without retention."""
        answer = self._request("POST", "/api/v2/buckets", {"orgID": self.org_id(), "name": name})
        assert answer.status_code == 201, answer.text
        self._made.append(answer.json()["id"])

    def drop_buckets(self) -> None:
        """Leave nothing behind on a server that goes on."""
        for bucket_id in self._made:
            self._request("DELETE", f"/api/v2/buckets/{bucket_id}")

    def org_id(self) -> str:
        """The id of the tests' organisation."""
        found = self._request("GET", f"/api/v2/orgs?org={self.org}").json()
        return str(found["orgs"][0]["id"])

    def flux(self, query: str) -> list[dict[str, Any]]:
        """The rows of a query."""
        settings = InfluxSettings(url=self.url, org=self.org, token=SecretStr(self.token))
        with InfluxServer(settings) as server:
            return server.flux(query)

    def influxql(self, bucket: str, query: str) -> httpx.Response:
        """The answer to an InfluxQL query."""
        return self._request("GET", "/query", params={"db": bucket, "q": query, "epoch": "ns"})

    def points(self, bucket: str) -> dict[tuple[str, ...], Any]:
        """Every value of the bucket under (measurement, tags..., field, nanoseconds)."""
        answer = self.influxql(bucket, "SELECT * FROM /.*/ GROUP BY *")
        assert answer.status_code == 200, answer.text
        held: dict[tuple[str, ...], Any] = {}
        for series in answer.json()["results"][0].get("series", []):
            tags = sorted(f"{name}={value}" for name, value in series["tags"].items() if value)
            _, *names = series["columns"]
            for at, *values in series["values"]:
                for name, value in zip(names, values, strict=True):
                    if value is not None:
                        held[(series["name"], *tags, name, str(at))] = value
        return held

    def _request(
        self, method: str, path: str, body: Any = None, params: dict[str, str] | None = None
    ) -> httpx.Response:
        headers = {"Authorization": f"Token {self.token}"}
        return httpx.request(
            method, self.url + path, json=body, params=params, headers=headers, timeout=30, trust_env=False
        )


class PrivateInflux(InfluxForTests):
    """An `influxd` of ours that can be stopped, killed and started again on its port and data."""

    def __init__(self, program: str, folder: Path, options: Sequence[str]) -> None:
        self._port = free_port()
        super().__init__(f"http://127.0.0.1:{self._port}")
        self._program, self._folder, self._options = program, folder, list(options)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it is ready; set it up the first time."""
        assert self._process is None, "the server is running already"
        folder = self._folder
        places = {
            "--http-bind-address": f"127.0.0.1:{self._port}",
            "--bolt-path": str(folder / "influxd.bolt"),
            "--sqlite-path": str(folder / "influxd.sqlite"),
            "--engine-path": str(folder / "engine"),
            "--log-level": "error",
        }
        words = [word for pair in places.items() for word in pair]
        switches = ["--reporting-disabled", "--ui-disabled", "--pprof-disabled", "--metrics-disabled"]
        with (folder / "influxd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, *words, *switches, *self._options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder,
                env={"PATH": "/usr/bin:/bin", "HOME": str(folder)},
            )  # fmt: skip
        wait_until(self._is_ready, "influxd is ready")
        if self._request("GET", "/api/v2/setup").json()["allowed"]:
            first = {
                "username": "tests",
                "password": "a-password",
                "org": ORG,
                "bucket": "first",
                "token": TOKEN,
            }
            assert self._request("POST", "/api/v2/setup", first).status_code == 201

    def stop(self) -> None:
        """End it in order. Nothing when it is down."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """SIGKILL. Nothing when it is down."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_STOP_S)
            self._process = None

    def _is_ready(self) -> bool:
        assert self._process is not None
        log = (self._folder / "influxd.log").read_text("utf-8", "replace")
        assert self._process.poll() is None, f"influxd ended:\n{log}"
        try:
            # Not /health or /ready: newer servers say there that they are well while they still start.
            return self._request("GET", "/api/v2/setup").status_code == 200
        except httpx.TransportError:
            return False


@contextmanager
def private_influx(folder: Path | None = None, *, tasks: bool = False) -> Iterator[PrivateInflux]:
    """A running `influxd` of our own, with its data in `folder` or a temporary one."""
    program = shutil.which("influxd")
    if program is None:
        pytest.skip("no influxd on PATH, which this test must be able to stop")
    with tempfile.TemporaryDirectory(prefix="layerline-influxdb-") as made:
        server = PrivateInflux(program, folder or Path(made), [] if tasks else ["--no-tasks"])
        try:
            server.start()
            yield server
        finally:
            server.kill()


@contextmanager
def influx_for_tests() -> Iterator[InfluxForTests]:
    """Any InfluxDB 2 server that can be had."""
    given = os.environ.get("LAYERLINE_TEST_INFLUXDB_URL")
    if given:
        token = os.environ.get("LAYERLINE_TEST_INFLUXDB_TOKEN", TOKEN)
        server = InfluxForTests(given.rstrip("/"), token, os.environ.get("LAYERLINE_TEST_INFLUXDB_ORG", ORG))
        try:
            yield server
        finally:
            server.drop_buckets()
    elif shutil.which("influxd"):
        with private_influx() as private:
            yield private
    elif _docker_answers() and importlib.util.find_spec("testcontainers"):
        with _container() as contained:
            yield contained
    else:
        pytest.skip(_HOW)


def _docker_answers() -> bool:
    docker = shutil.which("docker")
    if docker is None:
        return False
    return subprocess.run([docker, "info"], capture_output=True, check=False, timeout=30).returncode == 0


@contextmanager
def _container() -> Iterator[InfluxForTests]:
    from testcontainers.core.container import DockerContainer

    setup = {
        "DOCKER_INFLUXDB_INIT_MODE": "setup",
        "DOCKER_INFLUXDB_INIT_USERNAME": "tests",
        "DOCKER_INFLUXDB_INIT_PASSWORD": "a-password",
        "DOCKER_INFLUXDB_INIT_ORG": ORG,
        "DOCKER_INFLUXDB_INIT_BUCKET": "first",
        "DOCKER_INFLUXDB_INIT_ADMIN_TOKEN": TOKEN,
    }
    container = DockerContainer("influxdb:2.7-alpine").with_exposed_ports(8086)
    for name, value in setup.items():
        container = container.with_env(name, value)
    try:
        running = container.start()
    except Exception as error:  # noqa: BLE001  testcontainers raises what Docker's own client does, of many kinds
        pytest.skip(f"the container cannot be had ({error}); {_HOW}")
    try:
        address = f"{running.get_container_host_ip()}:{running.get_exposed_port(8086)}"
        server = InfluxForTests(f"http://{address}")
        wait_until(lambda: _is_set_up(server), "the container's InfluxDB is set up", limit_s=120)
        yield server
    finally:
        running.stop()


def _is_set_up(server: InfluxForTests) -> bool:
    try:
        return bool(server.org_id())
    except (httpx.TransportError, KeyError, IndexError, ValueError):
        return False
