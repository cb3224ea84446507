"""One simulated printer to look at: its messages and its truth."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from farm.model.recording import RecordedMessage, read_recording
from farm.model.times import parse_rfc3339
from simulators.fleet import Fleet, SimulatedRun
from simulators.protocols.base import FrontEnd
from simulators.scenario import Scenario
from simulators.wire import Message

RECORDINGS = Path(__file__).resolve().parents[2] / "recordings"
START_MS = parse_rfc3339("2026-01-05T08:00:00Z")


class Arrival(NamedTuple):
    """A message that reached the broker."""

    at_ms: int
    kept: bool
    message: Message


class Played(NamedTuple):
    """A run that is over."""

    arrivals: list[Arrival]
    fleet: Fleet
    truth: bytes

    @property
    def front(self) -> FrontEnd:
        return self.fleet.stations[0].front


def one_printer(protocol: str, **changes: Any) -> Scenario:
    """A farm of one printer with people always near, nothing that breaks, and one short file."""
    told: dict[str, Any] = {
        "seed": 5,
        "farm": {"printers": 1, "report_seconds": 2, "tempo": 20},
        "shift": {
            "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
            "begin": "00:00",
            "end": "24:00",
            "notice_minutes": [0.5, 1],
        },
        "jobs": {
            "files": 4,
            "minutes": [2, 3],
            "demand": 1,
            "cancelled_share": 0,
            "paused_share": 0,
            "bad_file_share": 0,
            "refused_file_share": 0,
            "bad_spool_share": 0,
        },
        "failures": {"jobs": {}, "outages": {}, "bad_printer_share": 0},
        "files": [{"name": "parts/clip_x4.gcode", "minutes": 2, "layers": 12, "grams": 4, "units": 4}],
        "printers": [
            {"name": "bay-1", "protocol": protocol, "model": "Bench 220", "plays": ["parts/clip_x4.gcode"]}
        ],
    }
    for key, value in changes.items():
        section, _, name = key.partition("__")
        target = told["printers"][0] if section == "printer" else told[section]
        target[name] = value
    return Scenario.model_validate(told)


def play(
    scenario: Scenario,
    *,
    minutes: float = 6,
    faults: frozenset[str] = frozenset(),
    arrange: Callable[[Fleet], None] | None = None,
) -> Played:
    """Run the scenario for so long and keep everything."""
    arrivals: list[Arrival] = []
    target = io.BytesIO()
    fleet = Fleet(
        SimulatedRun(
            scenario=scenario, faults=faults, from_ms=START_MS, to_ms=START_MS + round(minutes * 60_000)
        ),
        lambda at, kept, message: arrivals.append(Arrival(at, kept, message)),
        target,
    )
    if arrange is not None:
        arrange(fleet)
    fleet.run_until(fleet.run.to_ms)
    fleet.close()
    return Played(arrivals, fleet, target.getvalue())


def recorded(name: str) -> list[RecordedMessage]:
    """A real recording, e.g. `octoprint/01_success`."""
    return list(read_recording(RECORDINGS / f"{name}.mqtt.jsonl"))


def below(topic: str, prefix: str) -> str:
    """The topic without the printer's prefix."""
    return topic.removeprefix(f"{prefix}/")


def kind_of(value: object) -> str:
    """The JSON type of a value."""
    match value:
        case None:
            return "null"
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "float"
        case str():
            return "text"
        case list():
            return "list"
    return "object"


def decoded(payload: bytes | str) -> Any:
    """The JSON of a payload."""
    return msgspec.json.decode(payload)
