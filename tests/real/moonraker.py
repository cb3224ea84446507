"""One real Moonraker with the stand-in for Klipper below it."""

import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path

from tests.real.broker_access import BrokerAccess
from tests.servers import free_port, wait_until

_START_S = 90.0
_CONFIG = """
[server]
host: 127.0.0.1
port: {port}
klippy_uds_address: {socket}

[machine]
provider: none
validate_service: False

[authorization]
trusted_clients:
    127.0.0.1

[history]

[mqtt]
address: {broker.host}
port: {broker.port}
username: {broker.user}
password: {broker.password}
instance_name: {name}
default_qos: 1
status_objects:
    webhooks
    print_stats
    virtual_sdcard
    heater_bed
    extruder
    pause_resume
"""


class Moonraker:
    """A server and its Klipper, each of which can be killed and started by itself."""

    def __init__(self, python: Path, folder: Path, broker: BrokerAccess, name: str) -> None:
        self._python = python
        self._folder = folder
        self._port = free_port()
        # The path of a Unix socket must be short.
        self._socket = Path(tempfile.mkdtemp(prefix="klippy-")) / "uds"
        self._server: subprocess.Popen[bytes] | None = None
        self._klipper: subprocess.Popen[bytes] | None = None
        config = folder / "config"
        config.mkdir(parents=True, exist_ok=True)
        text = _CONFIG.format(port=self._port, socket=self._socket, broker=broker, name=name)
        (config / "moonraker.conf").write_text(text, "utf-8")

    def start(self) -> None:
        """Start what does not run, and wait until the two have found each other."""
        if self._klipper is None:
            self._klipper = subprocess.Popen(
                [sys.executable, "-m", "tests.real.klippy", str(self._socket)], cwd=Path(__file__).parents[2]
            )
        if self._server is None:
            with (self._folder / "server.log").open("ab") as log:
                command = [str(self._python), "-m", "moonraker", "-d", str(self._folder)]
                self._server = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(lambda: '"ready"' in self._ask("server/info"), "Moonraker has its Klipper", _START_S)

    def print_file(self, name: str, seconds: float) -> None:
        """Print what takes so long."""
        self._post(f'SDCARD_PRINT_FILE FILENAME="{name}" SECONDS={seconds:g}')

    def kill_klipper(self) -> None:
        """Klipper dies, and Moonraker stays."""
        if self._klipper is not None:
            self._klipper.kill()
            self._klipper.wait(10)
            self._klipper = None

    def kill_server(self) -> None:
        """Moonraker dies, and Klipper prints on."""
        if self._server is not None:
            self._server.kill()
            self._server.wait(10)
            self._server = None

    def _ask(self, where: str) -> str:
        with (
            suppress(OSError, HTTPException),
            urllib.request.urlopen(self._address(where), timeout=10) as found,
        ):
            return str(found.read().decode())
        return ""

    def _post(self, script: str) -> None:
        words = urllib.parse.urlencode({"script": script})
        request = urllib.request.Request(self._address(f"printer/gcode/script?{words}"), method="POST")
        with urllib.request.urlopen(request, timeout=20):
            pass

    def _address(self, where: str) -> str:
        return f"http://127.0.0.1:{self._port}/{where}"
