"""A stand-in for Klipper's host process: its API on a Unix socket, with a print that only counts.

    python -m tests.real.klippy SOCKET

Klipper itself is on no package index. What stands here is what Moonraker asks of it, in the form of
Klipper's own API server: JSON objects, each ended by the byte 3. `SDCARD_PRINT_FILE FILENAME=…
SECONDS=…` prints, `CANCEL_PRINT` ends that; SIGKILL is a Klipper that died.
"""

import asyncio
import json
import os
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_END = b"\x03"
_STEP_S = 0.25
_HEATING_S = 4.0
_ROOM = 20 * 1024 * 1024

Status = dict[str, dict[str, Any]]


class Printer:
    """The objects of one Klipper, and the print that is under way."""

    def __init__(self) -> None:
        self._file = ""
        self._state = "standby"
        self._began = 0.0
        self._seconds = 0.0
        self._stopped_at = 0.0

    def run(self, script: str) -> None:
        """Run the commands of G-code that a story gives."""
        for line in script.splitlines():
            name, *words = shlex.split(line) or [""]
            given = dict(word.split("=", 1) for word in words if "=" in word)
            if name == "SDCARD_PRINT_FILE":
                self._file, self._state = given["FILENAME"], "printing"
                self._began, self._seconds = time.monotonic(), float(given.get("SECONDS", "60"))
            elif name == "CANCEL_PRINT" and self._state == "printing":
                self._stop("cancelled")

    def _stop(self, state: str) -> None:
        self._state, self._stopped_at = state, time.monotonic()

    def status(self) -> Status:
        """Every object as it stands now."""
        now = time.monotonic()
        if self._state == "printing" and now - self._began >= self._seconds:
            self._stop("complete")
        prints = self._state == "printing"
        total = 0.0 if not self._began else (now if prints else self._stopped_at) - self._began
        done = min(total / self._seconds, 1.0) if self._seconds else 0.0
        return {
            "webhooks": {"state": "ready", "state_message": "Printer is ready"},
            "print_stats": {
                "filename": self._file,
                "total_duration": round(total, 3),
                "print_duration": round(max(total - _HEATING_S, 0.0), 3),
                "filament_used": round(max(total - _HEATING_S, 0.0) * 3, 2),
                "state": self._state,
                "message": "",
                "info": {"total_layer": None, "current_layer": None},
            },
            "virtual_sdcard": {"progress": round(done, 4), "is_active": prints, "file_position": 0},
            "pause_resume": {"is_paused": False},
            "idle_timeout": {"state": "Printing" if prints else "Idle", "printing_time": 0.0},
            "display_status": {"progress": round(done, 4), "message": None},
            "heater_bed": {"temperature": 60.0 if prints else 24.0, "target": 60.0 if prints else 0.0},
            "extruder": {
                "temperature": 205.0 + (now % 1) if prints else 24.0,
                "target": 205.0 if prints else 0.0,
            },
            "toolhead": {"position": [0.0, 0.0, 0.0, 0.0], "homed_axes": "xyz"},
            "configfile": {"config": {}, "settings": {}, "warnings": []},
        }


class Client:
    """One connection to the socket, with what it subscribed to and was told last."""

    def __init__(self, printer: Printer, writer: asyncio.StreamWriter) -> None:
        self._printer = printer
        self._writer = writer
        self._objects: dict[str, list[str] | None] = {}
        self._template: dict[str, Any] = {}
        self._told: Status = {}
        self._methods: dict[str, Callable[[dict[str, Any]], Any]] = {
            "info": lambda _: _info(),
            "list_endpoints": lambda _: {"endpoints": sorted(self._methods)},
            "objects/list": lambda _: {"objects": sorted(printer.status())},
            "objects/query": self._query,
            "objects/subscribe": self._subscribe,
            "gcode/script": self._script,
            "gcode/help": lambda _: {},
            "gcode/subscribe_output": lambda _: {},
            "register_remote_method": lambda _: {},
            "emergency_stop": lambda _: {},
        }

    def answer(self, request: dict[str, Any]) -> None:
        """Do what a request asks, and answer where it wants one."""
        method = self._methods.get(request["method"])
        if method is None:
            answer: dict[str, Any] = {"error": {"error": "WebRequestError", "message": "no such method"}}
        else:
            answer = {"result": method(request.get("params") or {})}
        if "id" in request:
            self._send({"id": request["id"], **answer})

    def tell(self) -> None:
        """Send what changed in the objects subscribed to."""
        if not self._objects:
            return
        now = _chosen(self._printer.status(), self._objects)
        changed = {
            name: fields
            for name, whole in now.items()
            if (
                fields := {key: new for key, new in whole.items() if self._told.get(name, {}).get(key) != new}
            )
        }
        self._told = now
        if changed:
            self._send({**self._template, "params": {"eventtime": time.monotonic(), "status": changed}})

    def _query(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"eventtime": time.monotonic(), "status": _chosen(self._printer.status(), asked["objects"])}

    def _subscribe(self, asked: dict[str, Any]) -> dict[str, Any]:
        self._objects, self._template = asked["objects"], asked.get("response_template", {})
        answer = self._query(asked)
        self._told = answer["status"]
        return answer

    def _script(self, asked: dict[str, Any]) -> dict[str, Any]:
        self._printer.run(asked["script"])
        return {}

    def _send(self, message: dict[str, Any]) -> None:
        self._writer.write(json.dumps(message).encode() + _END)


def _info() -> dict[str, Any]:
    return {
        "state": "ready",
        "state_message": "Printer is ready",
        "hostname": "stand-in",
        "klipper_path": str(Path.cwd()),
        "python_path": sys.executable,
        "process_id": os.getpid(),
        "user_id": os.getuid(),
        "group_id": os.getgid(),
        "log_file": "",
        "config_file": "",
        "software_version": "v0.13.0",
        "cpu_info": "",
    }


def _chosen(status: Status, wanted: dict[str, list[str] | None]) -> Status:
    """The objects that are asked for, each with its fields asked for, or all."""
    return {
        name: whole
        if wanted[name] is None
        else {key: whole[key] for key in wanted[name] or () if key in whole}
        for name, whole in status.items()
        if name in wanted
    }


async def serve(socket: Path) -> None:
    """Listen until the process is ended."""
    printer = Printer()
    clients: set[Client] = set()

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Client(printer, writer)
        clients.add(client)
        try:
            while True:
                client.answer(json.loads((await reader.readuntil(_END))[:-1]))
        except (asyncio.IncompleteReadError, ConnectionError):
            clients.discard(client)

    async with await asyncio.start_unix_server(met, socket, limit=_ROOM):
        while True:
            await asyncio.sleep(_STEP_S)
            for client in tuple(clients):
                client.tell()


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.unlink(missing_ok=True)
    asyncio.run(serve(place))
