"""One OctoPrint whose messages the adapter reads, for tests of its words and of what shows after a gap."""

import json
from typing import Any

from collector.adapters import adapter
from collector.adapters.base import Reading
from farm.model.observation import Observation

OCTOPRINT = adapter("octoprint")
AT = 1_795_000_000
AT_MS = AT * 1_000
FILE = "vase.gcode"


class Instance:
    """One OctoPrint, read message by message."""

    def __init__(self) -> None:
        self.memory: Any = OCTOPRINT.new_memory()

    def read(self, suffix: str, said: object, retained: bool = False) -> Reading | None:
        """What it tells of state, job and link; by what it is told from others is another matter."""
        payload = said if isinstance(said, bytes) else json.dumps(said).encode()
        reading = OCTOPRINT.read(self.memory, suffix, payload, retained)
        return reading and reading._replace(traits=())

    def event(self, name: str, at: float = 0, /, **more: object) -> Observation:
        """The one observation of an event `at` seconds."""
        reading = self.read(f"event/{name}", {"path": FILE, "_timestamp": AT + at} | more)
        assert reading is not None
        assert reading.time_ms == AT_MS + at * 1_000
        (observation,) = reading.observations
        assert observation.time_ms == reading.time_ms
        return observation

    def state(self, word: object) -> Observation:
        return self.event("PrinterStateChanged", state_id=word)

    def progress(self, percent: object, at: float = 0, path: object = FILE, retained: bool = False) -> Any:
        said = {"progress": percent, "path": path, "_timestamp": AT + at}
        return self.read("progress/printing", said, retained)

    def heat(self, at: float, tool: object = 0, bed: object = 0) -> tuple[Observation, ...]:
        """What targets of tool and bed `at` seconds say."""
        found: list[Observation] = []
        for leaf, target in (("bed", bed), ("tool0", tool)):
            said = {"actual": 21.5, "target": target, "_timestamp": AT + at}
            reading = self.read(f"temperature/{leaf}", said)
            assert reading is not None
            assert reading.time_ms == AT_MS + int(at * 1_000)
            found += reading.observations
        return tuple(found)
