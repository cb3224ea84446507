"""Klipper's filament sensors: objects that each farm names itself, `filament_switch_sensor NAME`.

Klipper pauses a print when such a sensor sees no filament (klippy/extras/filament_switch_sensor.py): what
it detects, and whether it is switched on, is all that tells why the print waits.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

_KINDS: Final = ("filament_switch_sensor ", "filament_motion_sensor ")
_MARKS: Final = tuple(kind.encode() for kind in _KINDS)
_MOST: Final = 16
"""So many sensors of one printer are remembered."""
_LONGEST: Final = 100
FIELDS: Final[dict[str, None]] = {"filament_detected": None, "enabled": None}
"""What is read of each sensor."""


class FilamentSensor(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a sensor tells; None for what it did not tell yet."""

    filament_detected: bool | None = None
    enabled: bool | None = None

    @property
    def misses_filament(self) -> bool:
        """Whether it is switched on, as it is where it does not say so, and sees no filament."""
        return self.filament_detected is False and self.enabled is not False


def is_sensor(name: str) -> bool:
    """Whether the object of that name is a filament sensor."""
    return name.startswith(_KINDS)


def tells_sensors(payload: bytes) -> bool:
    """Whether a whole status may tell of a sensor; most do not, and need not be looked through."""
    return any(mark in payload for mark in _MARKS)


def with_told(sensors: Mapping[str, FilamentSensor], objects: object) -> dict[str, FilamentSensor]:
    """The sensors after a status with these objects. What is no truth value is passed over."""
    found = dict(sensors)
    for name, told in objects.items() if isinstance(objects, dict) else ():
        if not is_sensor(name) or not isinstance(told, dict) or len(name) > _LONGEST:
            continue
        if name not in found and len(found) >= _MOST:
            continue
        said: dict[str, Any] = {field: told[field] for field in FIELDS if isinstance(told.get(field), bool)}
        found[name] = msgspec.structs.replace(found.get(name, FilamentSensor()), **said)
    return found
