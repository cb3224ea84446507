"""One real OctoPrint with its virtual printer, driven over its own API."""

import json
import signal
import subprocess
import time
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Any

import yaml

from tests.real.broker_access import BrokerAccess
from tests.servers import free_port, wait_until

_KEY = "layerline-real-printers"
_START_S = 300.0
_CONNECTED = "octoprint.plugins.mqtt - INFO - Connected to mqtt broker"
_QUIET = [
    "achievements",
    "announcements",
    "discovery",
    "health_check",
    "softwareupdate",
    "tracking",
]
"""Plugins that speak to the internet or to the network."""


class OctoPrint:
    """A server on a port of its own; its files outlive `kill` and `start`."""

    def __init__(self, program: Path, folder: Path, broker: BrokerAccess, topic: str) -> None:
        self.topic = topic
        self._program = program
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self.set_up(broker)

    @property
    def connections(self) -> int:
        """How often its plugin has found the broker."""
        log = self._folder / "logs" / "octoprint.log"
        return log.read_text("utf-8", "replace").count(_CONNECTED) if log.exists() else 0

    def set_up(self, broker: BrokerAccess) -> None:
        """Write its configuration, to be read at the next start."""
        settings = {
            "api": {"key": _KEY},
            "server": {
                "firstRun": False,
                "onlineCheck": {"enabled": False},
                "pluginBlacklist": {"enabled": False},
            },
            "serial": {"autoconnect": True, "port": "VIRTUAL", "baudrate": 115200},
            "plugins": {
                "_disabled": _QUIET,
                "virtual_printer": {"enabled": True},
                "mqtt": {
                    "broker": {
                        "url": broker.host,
                        "port": broker.port,
                        "username": broker.user,
                        "password": broker.password,
                        "protocol": broker.protocol,
                    },
                    "publish": {"baseTopic": f"{self.topic}/"},
                },
            },
        }
        (self._folder / "config.yaml").write_text(yaml.safe_dump(settings), "utf-8")

    @property
    def log(self) -> str:
        """What it wrote about itself since its first start."""
        return (self._folder / "server.log").read_text("utf-8", "replace")

    def start(self) -> None:
        """Start it, and wait until its printer is connected."""
        command = [str(self._program), "serve", "--basedir", str(self._folder), "--iknowwhatimdoing"]
        address = ["--host", "127.0.0.1", "--port", str(self._port)]
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen([*command, *address], stdout=log, stderr=log)
        wait_until(self._is_connected, f"OctoPrint {self.topic} has its printer", _START_S)

    def _is_connected(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"OctoPrint ended:\n{self.log[-2000:]}"
        try:
            return bool(self._ask("connection")["current"]["state"] == "Operational")
        except (OSError, HTTPException):
            # While it starts, something else answers in its place.
            return False

    def kill(self) -> None:
        """End it without a word, as a power cut does."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in order."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(60)
        self._process = None

    def print_file(self, name: str, seconds: float) -> None:
        """Upload a file whose print heats up and then takes so long, and print it."""
        lines = ["M140 S60", "M104 S100", "G28", *["G4 P500"] * round(seconds * 2), "M104 S0", "M140 S0"]
        body, kind = _form({"select": "true", "print": "true"}, name, "\n".join(lines))
        self._post("files/local", body, kind)

    def command(self, where: str, **words: object) -> None:
        """Give one of the API's commands."""
        self._post(where, json.dumps(words).encode(), "application/json")

    def job_state(self) -> str:
        """What OctoPrint itself calls its state."""
        return str(self._ask("job")["state"])

    def _ask(self, where: str) -> Any:
        with urllib.request.urlopen(self._request(where), timeout=10) as answer:
            return json.load(answer)

    def _post(self, where: str, body: bytes, kind: str) -> None:
        request = self._request(where)
        request.data = body
        request.add_header("Content-Type", kind)
        with urllib.request.urlopen(request, timeout=30):
            pass

    def _request(self, where: str) -> urllib.request.Request:
        address = f"http://127.0.0.1:{self._port}/api/{where}"
        return urllib.request.Request(address, headers={"X-Api-Key": _KEY})


def _form(fields: dict[str, str], name: str, text: str) -> tuple[bytes, str]:
    """An upload, and its content type."""
    mark = f"layerline{time.time_ns()}"
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
        for key, value in fields.items()
    ]
    head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    whole = "".join([*parts, head, text, f"\r\n--{mark}--\r\n"])
    return whole.encode(), f"multipart/form-data; boundary={mark}"
