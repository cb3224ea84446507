"""`layerline up` in a folder of its own, and what it says of its printers and jobs."""

import json
import signal
import subprocess
import urllib.request
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from farm.app.data_folder import DataFolder
from tests.integration.console import Running, environment, layerline, program
from tests.real.broker_access import BrokerAccess
from tests.servers import free_port, wait_until

_HOST = "127.0.0.1"
_START_S = 240.0


class Farm:
    """One installation, which may be ended and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._broker_port, self._page_port = free_port(), free_port()
        self._up: Running | None = None
        self._recording: Running | None = None
        folder.mkdir(parents=True, exist_ok=True)
        settings = f'[embedded_broker]\nhost = "{_HOST}"\nport = {self._broker_port}\n'
        (folder / "layerline.toml").write_text(f"{settings}[api]\nport = {self._page_port}\n", "utf-8")

    @property
    def broker(self) -> BrokerAccess:
        """What to type in at a printer; known once it was started."""
        found = DataFolder(self.folder / "data").credentials()
        assert found is not None, "the broker was never started"
        return BrokerAccess(_HOST, self._broker_port, found.user, found.password)

    @property
    def log(self) -> str:
        """What it wrote since it was started last."""
        return "" if self._up is None else self._up.text

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._up = Running(self.folder, "up")
        wait_until(self._answers, "layerline up answers", _START_S)

    def _answers(self) -> bool:
        assert self._up is not None
        assert self._up.process.poll() is None, f"layerline up ended:\n{self.log}"
        with suppress(OSError):
            self._ask("printers")
            return True
        return False

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it, in order unless told otherwise."""
        if self._up is not None and self._up.process.poll() is None:
            self._up.end(how)
        self.end_recording()

    def record(self, file: Path) -> None:
        """Write down what the broker carries from now on."""
        broker = self.broker
        address = f"mqtt://{broker.user}:{broker.password}@{broker.host}:{broker.port}"
        self._recording = Running(self.folder, "record", str(file), "--broker", address)

    def end_recording(self) -> None:
        """The recording is long enough."""
        if self._recording is not None and self._recording.process.poll() is None:
            self._recording.end(signal.SIGINT)
        self._recording = None

    def printers(self) -> dict[str, Any]:
        """How each printer stands, by its name."""
        return {item["name"]: item for item in self._ask("printers")["items"]}

    def state(self, printer: str) -> str:
        """The state of a printer, `` where it was never heard of."""
        found = self.printers().get(printer)
        return "" if found is None else str(found["state"])

    def wait_for(self, printer: str, state: str, limit_s: float) -> None:
        """Wait until the printer is in the state."""
        wait_until(lambda: self.state(printer) == state, f"{printer} is {state}", limit_s)

    def jobs(self, printer: str) -> list[Any]:
        """The jobs of a printer, newest first."""
        return list(self._ask(f"jobs?printer={printer}")["items"])

    def figure(self, kpi: str) -> dict[str, Any]:
        """An indicator of the farm over the last day."""
        (figure,) = self._ask(f"kpis?name={kpi}&window=24h")["items"]
        return dict(figure)

    def forecast(self) -> dict[str, Any]:
        """What is coming."""
        return dict(self._ask("forecast"))

    def refused(self) -> list[Any]:
        """Whom the embedded broker did not let in, and why, newest first."""
        return list(self._ask("refused-clients")["items"])

    def needs(self, kind: str) -> list[Any]:
        """What of that kind the page says that needs a look."""
        return [need for need in self._ask("attention")["needs"] if need["kind"] == kind]

    def doctor(self) -> list[Any]:
        """What `layerline doctor` finds wrong, or warns of."""
        asked = [program(), "doctor", "--json"]
        done = subprocess.run(
            asked,
            cwd=self.folder,
            env=environment(self.folder),
            capture_output=True,
            timeout=120,
            check=False,
        )
        found = json.loads(done.stdout)
        return [each for part in found.values() for each in part if each["status"] != "ok"]

    def say(self, *words: str) -> None:
        """Give one of the commands by which a person speaks of a printer."""
        layerline("printer", *words, folder=self.folder)

    def _ask(self, where: str) -> Any:
        with urllib.request.urlopen(f"http://{_HOST}:{self._page_port}/api/v1/{where}", timeout=20) as answer:
            return json.load(answer)


def seconds_between(one: str, other: str) -> float:
    """How far apart two times of the API are."""
    return abs((datetime.fromisoformat(one) - datetime.fromisoformat(other)).total_seconds())
