"""Messages that no printer sends: each adapter, each field, each kind of wrong."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

T0 = 1_795_000_000_000
"""When the hostile messages say they were sent (ms), and the printers of the tests began."""

WRONG: Mapping[str, bytes] = {
    "nested 100,000 deep": b"[" * 100_000 + b"]" * 100_000,
    "nested 400 deep": b'{"a":' * 400 + b"0" + b"}" * 400,
    "400 digits": b"9" * 400,
    "5,000 digits": b"-" + b"9" * 5_000,
    "1e308": b"1e308",
    "-1e308": b"-1e308",
    "1e999": b"1e999",
    "1e18": b"1e18",
    "1e12": b"1e12",
    "-1e12": b"-1e12",
    "2**64": b"18446744073709551616",
    "below zero": b"-1",
    "NaN": b"NaN",
    "the text nan": b'"nan"',
    "a lone surrogate": b'"bad\\ud800.gcode"',
    "NUL": b'"bad\\u0000.gcode"',
    "a raw control character": b'"bad\n.gcode"',
    "a text of 5,000": b'"' + b"x" * 5_000 + b'"',
    "a text of 3,000 four-byte characters": '"{}"'.format("\N{MUSICAL SYMBOL G CLEF}" * 3_000).encode(),
    "not UTF-8": b'"bad\xff.gcode"',
    "an empty text": b'""',
    "a list": b"[]",
    "an object": b'{"a":[1]}',
    "true": b"true",
    "null": b"null",
}

WHOLE: Mapping[str, bytes] = {
    "nothing": b"",
    "no JSON": b"{nope",
    "a list": b"[1, 2, 3]",
    "a word": b'"word"',
    "nested 100,000 deep": b"[" * 100_000,
    "objects 100,000 deep": b'{"a":' * 100_000,
    "10 MB": b'{"a": "' + b"x" * 10_000_000 + b'"}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "NUL bytes": b"\0" * 64,
    "not UTF-8": b"\xff\xfe\x00",
    "a lone surrogate as key": b'{"\\ud800": 1}',
    "400 digits as key": b'{"' + b"9" * 400 + b'": ' + b"9" * 400 + b"}",
    "5,000 digits in an unknown field": b'{"unknown": ' + b"9" * 5_000 + b"}",
}


class Hostile(NamedTuple):
    """One message below a printer's prefix, and what is wrong with it."""

    wrong: str
    suffix: str
    payload: bytes
    retained: bool = False


_OCTOPRINT: Mapping[str, dict[str, Any]] = {
    "event/PrinterStateChanged": {"state_id": "PRINTING"},
    "event/PrintStarted": {"path": "hostile.gcode", "name": "hostile.gcode", "user": "eve"},
    "event/PrintDone": {"path": "hostile.gcode", "time": 60.5, "user": "eve"},
    "event/PrintFailed": {"path": "hostile.gcode", "time": 60.5, "reason": "error", "error": "Thermal"},
    "event/PrintCancelled": {"path": "hostile.gcode", "time": 60.5, "firmwareError": "MAXTEMP"},
    "event/Error": {"error": "serial", "reason": "timeout"},
    "progress/printing": {"path": "hostile.gcode", "progress": 40},
    "temperature/tool0": {"actual": 210.5, "target": 210},
    "temperature/bed": {"actual": 60, "target": 60},
}
_PRINT_STATS = {
    "state": "printing",
    "filename": "hostile.gcode",
    "message": "",
    "print_duration": 50.0,
    "total_duration": 60.0,
    "filament_used": 12.0,
    "info": {"total_layer": 100, "current_layer": 3},
}
_STATUS: dict[str, dict[str, Any]] = {
    "print_stats": _PRINT_STATS,
    "webhooks": {"state": "ready", "state_message": "Printer is ready"},
    "virtual_sdcard": {"progress": 0.4},
    "extruder": {"temperature": 210.0, "target": 210.0},
    "heater_bed": {"temperature": 60.0, "target": 60.0},
    "pause_resume": {"is_paused": False},
    "gcode_move": {"speed": 6000.0, "speed_factor": 1.0, "extrude_factor": 1.0},
    "fan": {"speed": 1.0},
}
_HISTORY = {
    "job_id": "0000A1",
    "filename": "hostile.gcode",
    "status": "completed",
    "start_time": T0 / 1000 + 200,
    "end_time": T0 / 1000 + 210,
    "print_duration": 9.5,
    "filament_used": 100.0,
}
_NATIVE: Mapping[str, dict[str, Any]] = {
    suffix: {
        "v": 1,
        word: value,
        "at": "2026-11-18T11:10:00Z",
        "cause": "thermal",
        "detail": "words",
        "cancelled_by": "person",
        "job": {
            "id": "hostile",
            "file": "hostile.gcode",
            "printing_seconds": 50,
            "elapsed_seconds": 60,
            "progress": 0.4,
            "filament_mm": 12.5,
            "filament_g": 3.5,
            "material": "PLA",
            "operator": "eve",
            "units": 2,
        },
    }
    for suffix, word, value in (("state", "state", "printing"), ("event", "event", "job_succeeded"))
}
_FIGURES = {
    "v": 1,
    "at": "2026-11-18T11:10:00Z",
    "nozzle": 210.0,
    "nozzle_target": 210.0,
    "bed": 60.0,
    "bed_target": 60.0,
    "chamber": 40.0,
    "progress": 0.4,
    "filament_mm": 12.5,
    "layer": 3,
    "layers": 100,
}


def _spoilt(whole: dict[str, Any], *, path: str = "") -> Iterator[tuple[str, bytes]]:
    """The object with each of its fields, at any depth, made wrong in each way."""
    for name, value in whole.items():
        for kind, raw in WRONG.items():
            shell = json.dumps(whole | {name: "@@@"}).encode()
            yield f"{path}{name}: {kind}", shell.replace(b'"@@@"', raw)
        inner = value[0] if isinstance(value, list) and value else value
        if isinstance(inner, dict):
            for kind, raw in _spoilt(inner, path=f"{path}{name}."):
                shell = json.dumps(whole | {name: ["@@@"] if inner is not value else "@@@"}).encode()
                yield kind, shell.replace(b'"@@@"', raw)


def _below(suffix: str, whole: dict[str, Any]) -> Iterator[Hostile]:
    for wrong, payload in _spoilt(whole):
        yield Hostile(f"{suffix}: {wrong}", suffix, payload)


def octoprint() -> Iterator[Hostile]:
    """What the plugin's topics could be made to carry."""
    for number, (suffix, said) in enumerate(_OCTOPRINT.items()):
        yield from _below(suffix, said | {"_timestamp": T0 / 1000 + 200 + number})
    for suffix in ("mqtt", *_OCTOPRINT):
        yield from (Hostile(f"{suffix}: {wrong}", suffix, raw) for wrong, raw in WHOLE.items())


def moonraker() -> Iterator[Hostile]:
    """What Moonraker's topics could be made to carry, its answers too."""
    whole = {"eventtime": 1200.5, "status": _STATUS}
    yield from _below("klipper/status", whole)
    for name in ("print_stats", "extruder"):
        for field, value in _STATUS[name].items():
            yield from _below(f"klipper/state/{name}/{field}", {"eventtime": 1200.5, "value": value})
    yield from _below("moonraker/status", {"server": "online"})
    yield from _below("moonraker/api/response", {"id": 1, "result": whole})
    yield from _below("moonraker/api/response", {"id": 2, "result": {"jobs": [_HISTORY]}})
    for suffix in (
        "klipper/status",
        "klipper/state/print_stats/filename",
        "moonraker/status",
        "moonraker/api/response",
    ):
        yield from (Hostile(f"{suffix}: {wrong}", suffix, raw) for wrong, raw in WHOLE.items())


def native() -> Iterator[Hostile]:
    """What our own JSON could be made to carry."""
    for suffix, said in _NATIVE.items():
        yield from _below(suffix, said)
    yield from _below("telemetry", _FIGURES)
    for suffix in ("link", "state", "event", "telemetry"):
        yield from (Hostile(f"{suffix}: {wrong}", suffix, raw) for wrong, raw in WHOLE.items())


HOSTILE = {"octoprint": octoprint, "moonraker": moonraker, "native": native}
