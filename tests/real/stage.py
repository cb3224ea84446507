"""What a story is played on: a farm, its printers, and a list of what was seen."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from collector.adapters import moonraker, octoprint
from farm.model.times import SECOND_MS
from tests.real.broker_access import BrokerAccess
from tests.real.farm import Farm
from tests.real.moonraker import Moonraker
from tests.real.octoprint import OctoPrint

BAY = "bay1"
VORON = "voron"


class Stage:
    """One farm for all stories, with printers that are made as they are called for."""

    def __init__(self, folder: Path, octoprint: Path, moonraker: Path) -> None:
        self.farm = Farm(folder / "farm")
        self._folder = folder
        self._program = octoprint
        self._python = moonraker
        self._printers: dict[str, OctoPrint] = {}
        self._moonraker: Moonraker | None = None

    def octoprint(self, name: str = BAY, topic: str = "", broker: BrokerAccess | None = None) -> OctoPrint:
        """The OctoPrint of that name, running."""
        if name not in self._printers:
            place = topic or f"octoPrint/{name}"
            access = broker or self.farm.broker
            printer = self._printers[name] = OctoPrint(self._program, self._folder / name, access, place)
            printer.start()
        return self._printers[name]

    def moonraker(self) -> Moonraker:
        """The one Moonraker, with its Klipper, running."""
        if self._moonraker is None:
            self._moonraker = Moonraker(self._python, self._folder / VORON, self.farm.broker, VORON)
            self._moonraker.start()
        return self._moonraker

    def restart(self, meanwhile: Callable[[], None] | None = None) -> float:
        """Our own absence: everything of ours is ended and started again. How many seconds it took."""
        began = time.monotonic()
        self.farm.stop()
        if meanwhile is not None:
            meanwhile()
        self.farm.start()
        return time.monotonic() - began

    def silence_s(self, name: str) -> float:
        """For how long the printer may be silent, and we away, and its state stands."""
        adapter = moonraker.Moonraker if name == VORON else octoprint.OctoPrint
        return adapter.silence_ms / SECOND_MS

    def standing(self, name: str) -> dict[str, Any]:
        """How a printer stands, as far as a restart must leave it alone."""
        item = self.farm.printers()[name]
        job = item["job"]
        return {"state": item["state"], "since": item["since"], "job": job and job["id"]}

    def connections(self, name: str) -> int:
        """How often the printer found its broker, by its own log; 0 where it tells nothing of it."""
        return self._printers[name].connections if name in self._printers else 0

    def close(self) -> None:
        """End all that was started."""
        for printer in self._printers.values():
            printer.kill()
        if self._moonraker is not None:
            self._moonraker.kill_klipper()
            self._moonraker.kill_server()
        self.farm.stop()
