"""Klipper's status objects as Moonraker publishes them, and what can be saved of a damaged one."""

import math
from functools import cache
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from collector.adapters._json import number, refuse, salvage
from collector.adapters.base import Fields
from farm.errors import UnreadableMessage


class Webhooks(msgspec.Struct):
    state: str | UnsetType = UNSET
    state_message: str | UnsetType = UNSET


class Layers(msgspec.Struct):
    total_layer: int | None = None
    current_layer: int | None = None


class PrintStats(msgspec.Struct):
    state: str | UnsetType = UNSET
    filename: str | UnsetType = UNSET
    message: str | UnsetType = UNSET
    print_duration: float | UnsetType = UNSET
    total_duration: float | UnsetType = UNSET
    filament_used: float | UnsetType = UNSET
    info: Layers | UnsetType | None = UNSET


class Heater(msgspec.Struct):
    temperature: float | UnsetType = UNSET
    target: float | UnsetType = UNSET


class VirtualSdcard(msgspec.Struct):
    progress: float | UnsetType = UNSET


class PauseResume(msgspec.Struct):
    is_paused: bool | UnsetType = UNSET


class GcodeMove(msgspec.Struct):
    speed: float | UnsetType = UNSET
    speed_factor: float | UnsetType = UNSET
    extrude_factor: float | UnsetType = UNSET


class Fan(msgspec.Struct):
    speed: float | UnsetType = UNSET


class Status(msgspec.Struct):
    print_stats: PrintStats | UnsetType = UNSET
    webhooks: Webhooks | UnsetType = UNSET
    virtual_sdcard: VirtualSdcard | UnsetType = UNSET
    heater_bed: Heater | UnsetType = UNSET
    extruder: Heater | UnsetType = UNSET
    pause_resume: PauseResume | UnsetType = UNSET
    gcode_move: GcodeMove | UnsetType = UNSET
    fan: Fan | UnsetType = UNSET


class Message(msgspec.Struct):
    eventtime: float
    status: Status


class SplitValue(msgspec.Struct):
    eventtime: float
    value: Any


_whole = msgspec.json.Decoder(Message)
split_decoder = msgspec.json.Decoder(SplitValue)
OBJECTS: dict[str, type[msgspec.Struct]] = {
    "print_stats": PrintStats,
    "webhooks": Webhooks,
    "virtual_sdcard": VirtualSdcard,
    "heater_bed": Heater,
    "extruder": Heater,
    "pause_resume": PauseResume,
    "gcode_move": GcodeMove,
    "fan": Fan,
}


STATUS_FIELDS: dict[str, Fields | None] = {
    name: {
        field.encode_name: {"total_layer": None, "current_layer": None} if field.name == "info" else None
        for field in msgspec.structs.fields(kind)
    }
    for name, kind in OBJECTS.items()
}
"""What is read of each object."""


def eventtime_ms(value: object) -> int:
    seconds = number(value)
    if seconds is None:
        raise UnreadableMessage("wrong_shape", "eventtime is not a number")
    return int(seconds * 1000)


@cache
def _types(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """The type of each field."""
    return {field.name: field.type for field in msgspec.structs.fields(kind)}


def fields_of(kind: type[msgspec.Struct], values: object) -> Any:
    """The object with every field that can be read; one bad field does not lose the others."""
    good = {}
    if isinstance(values, dict):
        types = _types(kind)
        for name, value in values.items():
            if name in types:
                try:
                    good[name] = msgspec.convert(value, types[name], strict=False)
                except msgspec.ValidationError:
                    continue
    return kind(**good)


def status_of(objects: object) -> Status:
    if not isinstance(objects, dict):
        raise UnreadableMessage("wrong_shape", "status is not an object")
    return Status(**{n: fields_of(kind, objects[n]) for n, kind in OBJECTS.items() if n in objects})


def decode_whole(payload: bytes) -> tuple[int, Status]:
    try:
        found = _whole.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        refuse(payload)
        loose = salvage(payload)
        if "status" not in loose:
            raise UnreadableMessage("wrong_shape", "no status") from None
        return eventtime_ms(loose.get("eventtime")), status_of(loose["status"])
    if not math.isfinite(found.eventtime):
        raise UnreadableMessage("not_finite", "eventtime")
    return int(found.eventtime * 1000), found.status


def is_full(stats: PrintStats) -> bool:
    """Whether this is the whole status: no change touches the file name and the end state at once."""
    return (
        stats.state is not UNSET
        and stats.filename is not UNSET
        and stats.message is not UNSET
        and stats.filament_used is not UNSET
        and stats.total_duration is not UNSET
    )
