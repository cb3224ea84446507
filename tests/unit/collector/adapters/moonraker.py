"""One Klipper host whose messages the adapter reads, for tests of its words and of what shows after a gap."""

import json
from typing import Any

from collector.adapters import adapter
from collector.adapters.base import Reading
from farm.model.observation import Observation, Telemetry

MOONRAKER = adapter("moonraker")
BOOT = 5_000
FILE = "vase.gcode"
STANDBY = {
    "filename": "",
    "total_duration": 0.0,
    "print_duration": 0.0,
    "filament_used": 0.0,
    "state": "standby",
    "message": "",
}


def ms(at: float) -> int:
    """Klipper's clock at second `at`."""
    return int((BOOT + at) * 1_000)


class Host:
    """One Klipper host, read message by message; times are seconds of its clock."""

    def __init__(self) -> None:
        self.memory: Any = MOONRAKER.new_memory()

    def read(self, suffix: str, said: object, retained: bool = False) -> Reading | None:
        payload = said if isinstance(said, bytes) else json.dumps(said).encode()
        return MOONRAKER.read(self.memory, suffix, payload, retained)

    def say(self, at: float, *, retained: bool = False, **objects: object) -> tuple[Observation, ...]:
        reading = self.read("klipper/status", {"eventtime": BOOT + at, "status": objects}, retained)
        assert reading is not None
        assert reading.time_ms == ms(at)
        return reading.observations

    def stats(self, at: float, **stats: object) -> tuple[Observation, ...]:
        """Changes of `print_stats`."""
        return self.say(at, print_stats=stats)

    def split(
        self, at: float, name: str, field: str, value: object, *, retained: bool = False
    ) -> tuple[Observation, ...]:
        said = {"eventtime": BOOT + at, "value": value}
        reading = self.read(f"klipper/state/{name}/{field}", said, retained)
        assert reading is not None
        assert reading.time_ms == (None if retained else ms(at))
        return reading.observations

    def full(self, at: float, *, webhooks: str = "ready", **stats: object) -> tuple[Observation, ...]:
        return self.say(at, webhooks={"state": webhooks}, print_stats=STANDBY | stats)

    def print(self, at: float = 0) -> None:
        """A print that has heated up: started at `at`, printing for a second."""
        self.full(at)
        self.stats(at + 1, state="printing", filename=FILE, total_duration=0.1)
        self.stats(at + 2, total_duration=1.1, print_duration=1.0)

    @property
    def figures(self) -> Telemetry:
        return MOONRAKER.telemetry(self.memory)


def one(seen: tuple[Observation, ...]) -> Observation:
    (observation,) = seen
    return observation
