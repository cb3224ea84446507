"""Messages that no printer sends: each adapter, each field that it reads, each kind of wrong.

The fields come from the adapters themselves (`recorded_fields`), so that a new one is attacked
as soon as it is read.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from collector.adapters import adapter
from collector.adapters._octoprint_events import EVENTS
from collector.adapters.base import Fields

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
    "2**31": b"2147483648",
    "2**63": b"9223372036854775808",
    "2**64": b"18446744073709551616",
    "below zero": b"-1",
    "a fraction": b"0.5",
    "NaN": b"NaN",
    "Infinity": b"Infinity",
    "-Infinity": b"-Infinity",
    "the text nan": b'"nan"',
    "the text inf": b'"inf"',
    "the year 1": b'"0001-01-01T00:00:00Z"',
    "the year 9999": b'"9999-12-31T23:59:59.999999999Z"',
    "the year 30000": b'"30000-01-01T00:00:00Z"',
    "month 13": b'"2026-13-01T00:00:00Z"',
    "a zone of 99 hours": b'"2026-11-18T11:10:00+99:00"',
    "a time without zone": b'"2026-11-18T11:10:00"',
    "a lone surrogate": b'"bad\\ud800.gcode"',
    "NUL": b'"bad\\u0000.gcode"',
    "a raw control character": b'"bad\n.gcode"',
    "a text of 5,000": b'"' + b"x" * 5_000 + b'"',
    "a text of 3,000 four-byte characters": '"{}"'.format("\N{MUSICAL SYMBOL G CLEF}" * 3_000).encode(),
    "not UTF-8": b'"bad\xff.gcode"',
    "an empty text": b'""',
    "a text that runs backwards": b'"\\u202eedocg.bad"',
    "an empty list": b"[]",
    "a list of lists": b"[[1]]",
    "an empty object": b"{}",
    "an object": b'{"a":[1]}',
    "true": b"true",
    "false": b"false",
    "null": b"null",
}

WHOLE: Mapping[str, bytes] = {
    "nothing": b"",
    "no JSON": b"{nope",
    "a list": b"[1, 2, 3]",
    "a word": b'"word"',
    "nested 100,000 deep": b"[" * 100_000,
    "objects 100,000 deep": b'{"a":' * 100_000,
    "a byte order mark": b"\xef\xbb\xbf{}",
    "NUL bytes": b"\0" * 64,
    "not UTF-8": b"\xff\xfe\x00",
    "a lone surrogate as key": b'{"\\ud800": 1}',
    "400 digits as key": b'{"' + b"9" * 400 + b'": ' + b"9" * 400 + b"}",
    "5,000 digits in an unknown field": b'{"unknown": ' + b"9" * 5_000 + b"}",
}
HUGE = b'{"a": "' + b"x" * 10_000_000 + b'"}'
"""10 MB."""


class Hostile(NamedTuple):
    """One message below a printer's prefix: which field, what is wrong with it."""

    field: str
    wrong: str
    suffix: str
    payload: bytes
    retained: bool = False


class Shell(NamedTuple):
    """A sound message of one form, in which one field after the other is spoilt.

    It holds nothing where the form is a bare word. The broker may hand it over as `retained`.
    """

    suffix: str
    said: dict[str, Any]
    retained: bool = False


_OCTOPRINT: Mapping[str, Any] = {
    "_timestamp": T0 / 1000 + 200,
    "path": "hostile.gcode",
    "name": "hostile.gcode",
    "user": "eve",
    "time": 60.5,
    "reason": "error",
    "error": "Thermal Runaway",
}
_MORE: Mapping[str, dict[str, Any]] = {
    "event/PrinterStateChanged": {"state_id": "PRINTING"},
    "event/PrintCancelled": {"firmwareError": "MAXTEMP"},
    "event/MetadataAnalysisFinished": {"result": {"estimatedPrintTime": 90.5}},
    "progress/printing": {
        "progress": 40,
        "printer_data": {"job": {"estimatedPrintTime": 90.5}, "progress": {"printTimeLeft": 30}},
    },
    "temperature/tool0": {"actual": 210.5, "target": 210},
    "temperature/bed": {"actual": 60, "target": 60},
    "temperature/chamber": {"actual": 40, "target": 40},
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
    "metadata": {"estimated_time": 90.5},
}
_ESTIMATE = {"filename": "hostile.gcode", "estimated_time": 90.5}
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
            "expected_seconds": 150,
            "remaining_seconds": 90,
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
    "remaining_seconds": 90,
}


def octoprint() -> Iterator[Shell]:
    """The plugin's topics: its link, every event that bears on a job, one that does not, figures."""
    events = (f"event/{event}" for event in (*EVENTS, "Upload"))
    for suffix in dict.fromkeys((*events, *_MORE)):
        yield Shell(suffix, {**_OCTOPRINT, **_MORE.get(suffix, {})})
    for retained in (False, True):
        yield Shell("mqtt", {}, retained)


def moonraker() -> Iterator[Shell]:
    """Moonraker's topics in both modes, its two answers and its refusal."""
    whole = {"eventtime": 1200.5, "status": _STATUS}
    yield Shell("klipper/status", whole)
    for name, fields in _STATUS.items():
        for field, value in fields.items():
            # Sound but for its time, "printing" alone would say that the last file is printed again.
            told = "standby" if (name, field) == ("print_stats", "state") else value
            for retained in (False, True):
                yield Shell(f"klipper/state/{name}/{field}", {"eventtime": 1200.5, "value": told}, retained)
    for retained in (False, True):
        yield Shell("moonraker/status", {"server": "online"}, retained)
    yield Shell("moonraker/api/response", {"jsonrpc": "2.0", "id": 1, "result": whole})
    yield Shell("moonraker/api/response", {"jsonrpc": "2.0", "id": 2, "result": {"jobs": [_HISTORY]}})
    yield Shell("moonraker/api/response", {"jsonrpc": "2.0", "id": 3, "result": _ESTIMATE})
    refused = {"code": 503, "message": "Klippy Host not connected"}
    yield Shell("moonraker/api/response", {"jsonrpc": "2.0", "id": 1, "error": refused})


def native() -> Iterator[Shell]:
    """Our own JSON; `link` is a bare word."""
    for retained in (False, True):
        for suffix, said in _NATIVE.items():
            yield Shell(suffix, said, retained)
        yield Shell("link", {}, retained)
    yield Shell("telemetry", _FIGURES)


SHELLS = {"octoprint": octoprint, "moonraker": moonraker, "native": native}


def _spoilt(fields: Fields, said: dict[str, Any], path: str = "") -> Iterator[tuple[str, str, bytes]]:
    """The message with each field that is read, at any depth, made wrong in each way.

    An object that the message does not hold is of another form of it.
    """
    for name, inner in fields.items():
        value = said.get(name)
        within: dict[str, Any] | None = value[0] if isinstance(value, list) else value
        if inner is not None and within is None:
            continue
        shell = json.dumps(said | {name: "@@@"}).encode()
        for wrong, raw in WRONG.items():
            yield f"{path}{name}", wrong, shell.replace(b'"@@@"', raw)
        yield f"{path}{name}", "missing", json.dumps({k: v for k, v in said.items() if k != name}).encode()
        if inner is not None and within is not None:
            around = json.dumps(said | {name: ["@@@"] if isinstance(value, list) else "@@@"}).encode()
            for field, wrong, raw in _spoilt(inner, within, f"{path}{name}."):
                yield field, wrong, around.replace(b'"@@@"', raw)


def hostile(kind: str) -> Iterator[Hostile]:
    """Every hostile message to the adapter, those about one field of one form together."""
    whole = {**WHOLE, "10 MB": HUGE}
    for number, (suffix, said, retained) in enumerate(SHELLS[kind]()):
        about = f"{number} {suffix}"
        for field, wrong, payload in _spoilt(adapter(kind).recorded_fields(suffix) if said else {}, said):
            yield Hostile(f"{about}: {field}", wrong, suffix, payload, retained)
        for wrong, payload in whole.items():
            yield Hostile(about, wrong, suffix, payload, retained)
        whole = dict(WHOLE)
