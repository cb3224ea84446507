"""Klipper's status objects as Moonraker publishes them, and what can be saved of a damaged one."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from collector.adapters._json import WireDecoder, fields_of, number, salvage, shown, wire_fields
from collector.adapters._wire_types import (
    Celsius,
    Factor,
    FilamentMm,
    FileName,
    Layer,
    MillimetresAMinute,
    Ratio,
    Seconds,
    UptimeSeconds,
    Word,
    Words,
)
from farm.errors import UnreadableMessage
from farm.model.limits import UPTIME_MS


class Webhooks(msgspec.Struct):
    state: Word | UnsetType = UNSET
    state_message: Words | UnsetType = UNSET


class LayerStatus(msgspec.Struct):
    total_layer: Layer | None = None
    current_layer: Layer | None = None


class PrintStats(msgspec.Struct):
    state: Word | UnsetType = UNSET
    filename: FileName | UnsetType = UNSET
    message: Words | UnsetType = UNSET
    print_duration: Seconds | UnsetType = UNSET
    total_duration: Seconds | UnsetType = UNSET
    filament_used: FilamentMm | UnsetType = UNSET
    info: LayerStatus | UnsetType | None = UNSET


class HeaterStatus(msgspec.Struct):
    temperature: Celsius | UnsetType = UNSET
    target: Celsius | UnsetType = UNSET


class VirtualSdcard(msgspec.Struct):
    progress: Ratio | UnsetType = UNSET


class PauseResume(msgspec.Struct):
    is_paused: bool | UnsetType = UNSET


class GcodeMove(msgspec.Struct):
    speed: MillimetresAMinute | UnsetType = UNSET
    speed_factor: Factor | UnsetType = UNSET
    extrude_factor: Factor | UnsetType = UNSET


class Fan(msgspec.Struct):
    speed: Ratio | UnsetType = UNSET


class Status(msgspec.Struct):
    print_stats: PrintStats | UnsetType = UNSET
    webhooks: Webhooks | UnsetType = UNSET
    virtual_sdcard: VirtualSdcard | UnsetType = UNSET
    heater_bed: HeaterStatus | UnsetType = UNSET
    extruder: HeaterStatus | UnsetType = UNSET
    pause_resume: PauseResume | UnsetType = UNSET
    gcode_move: GcodeMove | UnsetType = UNSET
    fan: Fan | UnsetType = UNSET


class StatusMessage(msgspec.Struct):
    eventtime: UptimeSeconds
    status: Status


class SplitValue(msgspec.Struct):
    eventtime: UptimeSeconds
    value: Any


_whole = WireDecoder(StatusMessage).strictly
_split = WireDecoder(SplitValue).strictly
OBJECTS: dict[str, type[msgspec.Struct]] = {
    "print_stats": PrintStats,
    "webhooks": Webhooks,
    "virtual_sdcard": VirtualSdcard,
    "heater_bed": HeaterStatus,
    "extruder": HeaterStatus,
    "pause_resume": PauseResume,
    "gcode_move": GcodeMove,
    "fan": Fan,
}


STATUS_FIELDS = wire_fields(Status)
"""What is read of each object."""


def eventtime_ms(value: object) -> int:
    """Milliseconds of the host's clock. Raises UnreadableMessage where no host can mean them."""
    seconds = number(value)
    if seconds is None:
        raise UnreadableMessage("wrong_shape", f"eventtime is {shown(value)}, not a number")
    if not UPTIME_MS.holds(seconds * 1000):
        raise UnreadableMessage("absurd_time", f"eventtime is {seconds}")
    return int(seconds * 1000)


def status_of(objects: object, refused: list[str]) -> Status:
    """The status with every field that can be read. Raises UnreadableMessage for no object."""
    if not isinstance(objects, dict):
        raise UnreadableMessage("wrong_shape", "status is not an object")
    return fields_of(Status, objects, refused)


def decode_whole(payload: bytes) -> tuple[int, Status, tuple[str, ...]]:
    """Time in ms, status, and the fields that could not be read."""
    found = _whole(payload)
    if found is not None:
        return int(found.eventtime * 1000), found.status, ()
    loose = salvage(payload)
    if "status" not in loose:
        raise UnreadableMessage("wrong_shape", "no status")
    refused: list[str] = []
    at = eventtime_ms(loose.get("eventtime"))
    return at, status_of(loose["status"], refused), tuple(refused)


def decode_split(payload: bytes) -> tuple[int, Any]:
    """Time in ms, and the value of the one field that the message is of."""
    found = _split(payload)
    if found is not None:
        return int(found.eventtime * 1000), found.value
    loose = salvage(payload)
    return eventtime_ms(loose.get("eventtime")), loose.get("value")


def is_full(stats: PrintStats) -> bool:
    """Whether this is the whole status: no change touches the file name and the end state at once."""
    return (
        stats.state is not UNSET
        and stats.filename is not UNSET
        and stats.message is not UNSET
        and stats.filament_used is not UNSET
        and stats.total_duration is not UNSET
    )
