"""`layerline collector` as a process of its own, with what it writes kept."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.feeding import Broker

LAYERLINE = str(Path(sys.executable).with_name("layerline"))
NATIVE = "native=layerline/native/v1/{printer}"


class CollectorProcess:
    """A running collector in simulated time; ended by force when the block ends."""

    def __init__(
        self,
        broker: Broker,
        database: str,
        log: Path,
        *more: str,
        client_id: str = "shard",
        settings: Mapping[str, str] | None = None,
        limits: str = "",
    ) -> None:
        self._log = log
        command = [LAYERLINE, "collector", "--broker", broker.url, "--database", database]
        command += ["--client-id", client_id, "--simulated-time", "--source", NATIVE, *more]
        if limits:
            command = ["/bin/sh", "-c", f'{limits}; exec "$@"', "collector", *command]
        environment = {
            f"LAYERLINE_COLLECTOR__{key.upper()}": value for key, value in (settings or {}).items()
        }
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=os.environ | environment
            )

    @property
    def log(self) -> str:
        """What it has written."""
        return self._log.read_text("utf-8", "replace")

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def end(self) -> int:
        """Ask it to end; gives its exit status."""
        self.process.terminate()
        return self.process.wait(30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait(30)
