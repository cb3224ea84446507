"""By what each adapter tells one publisher from another that speaks under the same prefix."""

import json
from typing import Any

import pytest

from collector.adapters import adapter
from collector.adapters.base import Trait
from farm.model.clash import ClashSign
from farm.model.times import parse_rfc3339

AT = "2026-11-18T11:06:40.250Z"
AT_MS = parse_rfc3339(AT)
STAMP = 1_795_000_000
CLOCK, NOZZLE, BED, PROGRESS = ClashSign.CLOCK, ClashSign.NOZZLE, ClashSign.BED, ClashSign.PROGRESS


def traits(
    kind: str, suffix: str, said: object, *, retained: bool = False, memory: Any = None
) -> tuple[Trait, ...]:
    reader = adapter(kind)
    reading = reader.read(
        reader.new_memory() if memory is None else memory, suffix, json.dumps(said).encode(), retained
    )
    assert reading is not None
    return reading.traits


# -- native ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("job", "told"),
    [
        (None, ()),
        ({"id": "", "file": "ring.ctb", "progress": 0.5}, ()),
        ({"id": "7", "file": "ring.ctb", "progress": 0.25}, (Trait(PROGRESS, "state", 25, "7"),)),
        ({"id": "7", "file": "ring.ctb"}, (Trait(PROGRESS, "state", 0, "7"),)),
    ],
)
def test_a_state_tells_its_clock_and_the_job_it_is_at(job: object, told: tuple[Trait, ...]) -> None:
    said = {"v": 1, "state": "printing", "job": job}
    assert traits("native", "state", said | {"at": AT}) == (Trait(CLOCK, "state", AT_MS), *told)
    assert traits("native", "state", said) == told
    assert traits("native", "state", said | {"at": AT}, retained=True) == ()


@pytest.mark.parametrize(
    ("figures", "told"),
    [
        ({}, ()),
        ({"nozzle": 211.5}, ()),
        ({"nozzle_target": 215}, ()),
        ({"nozzle": 211.5, "nozzle_target": 215}, (Trait(NOZZLE, "", 211.5, "215.0"),)),
        ({"bed": 58, "bed_target": 60}, (Trait(BED, "", 0, "60.0"),)),
        ({"progress": 0.25}, (Trait(PROGRESS, "telemetry", 25),)),
    ],
)
def test_telemetry_tells_clock_heaters_and_progress(
    figures: dict[str, float], told: tuple[Trait, ...]
) -> None:
    said = {"v": 1} | figures
    assert traits("native", "telemetry", said | {"at": AT}) == (Trait(CLOCK, "telemetry", AT_MS), *told)
    assert traits("native", "telemetry", said) == told
    assert traits("native", "telemetry", said | {"at": AT}, retained=True) == ()


# -- OctoPrint ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("suffix", "said", "told"),
    [
        ("temperature/tool0", {"actual": 211.5, "target": 215}, (Trait(NOZZLE, "", 211.5, "215.0"),)),
        ("temperature/tool0", {"actual": 211.5}, ()),
        ("temperature/tool0", {"target": 215}, ()),
        ("temperature/bed", {"actual": 58.0, "target": 60}, (Trait(BED, "", 0, "60.0"),)),
        ("temperature/bed", {"actual": 58.0}, ()),
        ("progress/printing", {"progress": 25, "path": "a.gcode"}, (Trait(PROGRESS, "", 25, "a.gcode"),)),
        ("progress/printing", {"progress": 0, "path": "a.gcode"}, (Trait(PROGRESS, "", 0, "a.gcode"),)),
        ("progress/printing", {"progress": 0, "path": ""}, ()),
        ("progress/printing", {"path": "a.gcode"}, ()),
    ],
)
def test_octoprints_topics_tell_their_clock_and_what_no_other_would(
    suffix: str, said: dict[str, object], told: tuple[Trait, ...]
) -> None:
    clock = Trait(CLOCK, suffix, STAMP * 1_000)
    assert traits("octoprint", suffix, said | {"_timestamp": STAMP}) == (clock, *told)
    assert traits("octoprint", suffix, said) == ()
    assert traits("octoprint", suffix, said | {"_timestamp": STAMP}, retained=True) == ()


@pytest.mark.parametrize("suffix", ["event/ZChange", "temperature/chamber"])
def test_other_topics_of_octoprint_tell_nothing(suffix: str) -> None:
    assert traits("octoprint", suffix, {"actual": 21, "target": 0, "_timestamp": STAMP}) == ()


# -- Moonraker ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "told"), [(3.0, False), (3.001, True), (0, False), (-3.0, False), (-3.001, True)]
)
def test_a_hosts_clock_is_told_where_it_leaps_or_falls(step: float, told: bool) -> None:
    memory = adapter("moonraker").new_memory()
    first = {"eventtime": 5_000.0, "status": {"extruder": {"temperature": 21.0}}}
    assert traits("moonraker", "klipper/status", first, memory=memory) == (Trait(CLOCK, "", 5_000_000),)
    then = {"eventtime": 5_000.0 + step, "status": {"extruder": {"temperature": 22.0}}}
    found = traits("moonraker", "klipper/status", then, memory=memory)
    assert found == ((Trait(CLOCK, "", 5_000_000 + round(step * 1_000)),) if told else ())


@pytest.mark.parametrize(("first", "told"), [(3.0, False), (3.001, True)])
def test_a_host_heard_first_within_seconds_of_its_start_is_none_that_leapt(first: float, told: bool) -> None:
    said = {"eventtime": first, "status": {"extruder": {"temperature": 21.0}}}
    clock = Trait(CLOCK, "", round(first * 1_000))
    assert traits("moonraker", "klipper/status", said) == ((clock,) if told else ())


def test_a_split_status_tells_the_clock_and_what_the_broker_kept_does_not() -> None:
    suffix, said = "klipper/state/extruder/temperature", {"eventtime": 5_000.0, "value": 21.0}
    assert traits("moonraker", suffix, said) == (Trait(CLOCK, "", 5_000_000),)
    assert traits("moonraker", suffix, said, retained=True) == ()
    whole = {"eventtime": 5_000.0, "status": {"extruder": {"temperature": 21.0}}}
    assert traits("moonraker", "klipper/status", whole, retained=True) == ()
