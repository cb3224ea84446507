"""One whole print as each protocol tells it, to be sent before and after hostile messages."""

import json
from collections.abc import Callable, Iterator
from typing import NamedTuple

from farm.model.times import rfc3339
from tests.hostile import T0

SECOND = 1_000


class Said(NamedTuple):
    """A message `at` seconds after `T0`, below the printer's prefix."""

    at: float
    suffix: str
    payload: bytes


def _octoprint(file: str, begin: float, end: float) -> Iterator[Said]:
    def said(at: float, name: str, **more: object) -> Said:
        body = {"path": file, "name": file, "_event": name, "_timestamp": T0 / SECOND + at} | more
        return Said(at, f"event/{name}", json.dumps(body).encode())

    yield said(begin, "PrinterStateChanged", state_id="STARTING")
    yield said(begin, "PrintStarted")
    yield said(begin + 1, "PrinterStateChanged", state_id="PRINTING")
    yield said(end, "PrintDone", time=end - begin)
    yield said(end, "PrinterStateChanged", state_id="OPERATIONAL")


def _moonraker(file: str, begin: float, end: float) -> Iterator[Said]:
    def said(at: float, state: str, elapsed: float, printed: float) -> Said:
        stats = {
            "state": state,
            "filename": file,
            "message": "",
            "print_duration": printed,
            "total_duration": elapsed,
            "filament_used": 0.0,
        }
        status = {"print_stats": stats, "webhooks": {"state": "ready", "state_message": "Printer is ready"}}
        body = {"eventtime": 1_000 + at, "status": status}
        return Said(at, "klipper/status", json.dumps(body).encode())

    yield Said(begin - 1, "moonraker/status", b'{"server": "online"}')
    yield said(begin - 1, "standby", 0, 0)
    yield said(begin, "printing", 0, 0)
    yield said(begin + 5, "printing", 5, 1)
    yield said(end, "complete", end - begin, end - begin - 4)


def _native(file: str, begin: float, end: float) -> Iterator[Said]:
    def said(at: float, event: str) -> Said:
        body = {
            "v": 1,
            "event": event,
            "at": rfc3339(T0 + round(at * SECOND)),
            "job": {"id": file, "file": file},
        }
        return Said(at, "event", json.dumps(body).encode())

    yield said(begin, "job_started")
    yield said(end, "job_succeeded")


GOOD: dict[str, Callable[[str, float, float], Iterator[Said]]] = {
    "octoprint": _octoprint,
    "moonraker": _moonraker,
    "native": _native,
}
