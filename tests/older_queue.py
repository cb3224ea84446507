"""A broker that comes back with an older queue while a collector drains it.

Mosquitto writes its queue to disk now and then (here: when told). Killed after that, it comes
back with that queue and sends again, as new, what was acknowledged since.
"""

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import select

from collector.intake.pipeline import Pipeline
from collector.intake.sources import SourceTable
from collector.settings import parse_source
from farm.ledger import schema
from farm.ledger.ledger import Ledger, open_ledger
from farm.model.simulated import simulated_topic
from farm.model.times import rfc3339
from tests.servers import Mosquitto, wait_until

LAYERLINE = str(Path(sys.executable).with_name("layerline"))
T0 = 1_795_000_000_000
SOURCES = ("moonraker={printer}", "octoprint=octoPrint/{printer}", "native=layerline/native/v1/{printer}")
FILTERS = ("+/klipper/status", "+/moonraker/status", "octoPrint/#", "layerline/native/#")
_A_JOB = 50
_REBOOT_EVERY = 180
_SETTLED_S = 0.4

Said = tuple[int, str, bytes]
"""When (ms), topic, payload."""


def dense_stream(messages: int, printers: int, begin_ms: int = T0) -> list[Said]:
    """One start and one end in 50 messages; of four printers two run Klipper, and one of those reboots."""
    farm = [_PRINTERS[number % 4](number, begin_ms) for number in range(printers)]
    return [next(farm[number % printers]) for number in range(messages)]


def in_simulated_time(stream: list[Said]) -> list[tuple[str, bytes]]:
    """The stream with its times in the topics."""
    return [(simulated_topic(at, False, topic), payload) for at, topic, payload in stream]


def _steady_klipper(number: int, begin_ms: int) -> Iterator[Said]:
    return _klipper(number, begin_ms, reboots=False)


def _rebooting_klipper(number: int, begin_ms: int) -> Iterator[Said]:
    return _klipper(number, begin_ms, reboots=True)


def _klipper(number: int, begin_ms: int, *, reboots: bool) -> Iterator[Said]:
    name, up_s, step = f"klipper-{number}", 5_000.0 + number, 0
    while True:
        at = begin_ms + step * 1_000 + number
        if reboots and step % _REBOOT_EVERY == _REBOOT_EVERY - 7:
            yield at, f"{name}/moonraker/status", b'{"server": "offline"}'
            up_s = 21.0 + step * 0.000137  # no two boots are alike to the microsecond
        elif reboots and step % _REBOOT_EVERY == _REBOOT_EVERY - 6:
            yield at, f"{name}/moonraker/status", b'{"server": "online"}'
        else:
            status = _whole() if step == 0 or up_s < 25 else _print(step)
            body = {"eventtime": round(up_s, 9), "status": status}
            yield at, f"{name}/klipper/status", json.dumps(body).encode()
        up_s, step = up_s + 1, step + 1


def _whole() -> dict[str, object]:
    stats = {
        "state": "standby", "filename": "", "message": "", "filament_used": 0.0,
        "print_duration": 0.0, "total_duration": 0.0, "info": {"current_layer": None, "total_layer": None},
    }  # fmt: skip
    return {"webhooks": {"state": "ready", "state_message": "Printer is ready"}, "print_stats": stats}


def _print(step: int) -> dict[str, object]:
    job, done = divmod(step, _A_JOB)
    stats: dict[str, object] = {"total_duration": done + 1.0, "print_duration": float(done)}
    if done == 0:
        stats |= {"state": "printing", "filename": f"part-{job}.gcode", "filament_used": 0.0}
    elif done == _A_JOB - 8:
        stats |= {"state": "error" if job % 7 == 3 else "complete"}
    elif done > _A_JOB - 8:
        stats = {}
    return {"print_stats": stats, "extruder": {"temperature": 205.0 + step % 7, "target": 205.0}}


def _octoprint(number: int, begin_ms: int) -> Iterator[Said]:
    base, step = f"octoPrint/octo-{number}", 0
    while True:
        job, done = divmod(step, _A_JOB)
        at = begin_ms + step * 1_000 + number
        said: dict[str, object] = {"_timestamp": at // 1_000, "path": f"part-{job}.gcode"}
        if step and step % _REBOOT_EVERY in (3, 4):
            yield at, f"{base}/mqtt", b"connected" if step % _REBOOT_EVERY == 4 else b"disconnected"
        elif done == 0:
            yield at, f"{base}/event/PrintStarted", json.dumps(said).encode()
        elif done == _A_JOB - 8:
            event = "PrintFailed" if job % 7 == 3 else "PrintDone"
            yield at, f"{base}/event/{event}", json.dumps(said | {"time": done}).encode()
        elif done % 2:
            warm = {"_timestamp": at // 1_000, "actual": 205.0 + step % 3, "target": 205.0}
            yield at, f"{base}/temperature/tool0", json.dumps(warm).encode()
        else:
            yield at, f"{base}/event/ZChange", json.dumps({"_timestamp": at // 1_000, "new": done}).encode()
        step += 1


def _native(number: int, begin_ms: int) -> Iterator[Said]:
    base, step = f"layerline/native/v1/native-{number}", 0
    while True:
        job, done = divmod(step, _A_JOB)
        at = begin_ms + step * 1_000 + number
        said: dict[str, object] = {"v": 1, "at": rfc3339(at)}
        if done in (0, _A_JOB - 8):
            event = "job_failed" if job % 7 == 3 else "job_succeeded"
            said |= {"event": event if done else "job_started", "job": {"file": f"part-{job}.ctb"}}
            yield at, f"{base}/event", json.dumps(said).encode()
        else:
            yield at, f"{base}/telemetry", json.dumps(said | {"layer": done, "layers": 50}).encode()
        step += 1


_PRINTERS = (_octoprint, _steady_klipper, _native, _rebooting_klipper)


def everything_in(ledger: Ledger) -> dict[str, list[Any]]:
    """Every row that the collector books, but for what counts attempts of ours and for who booked it."""
    found = {}
    with ledger.engine.connect() as connection:
        for table in _BOOKED:
            booked = [column for column in table.columns if column is not schema.printer.c.collector]
            rows = connection.execute(select(*booked).order_by(*table.primary_key.columns)).all()
            found[table.name] = [tuple(row) for row in rows]
    # When silence is noticed depends on when we looked, so the feed's order may differ, not what it says.
    found["feed"] = sorted((row[1:] for row in found["feed"]), key=repr)
    return found


_BOOKED = (
    schema.printer,
    schema.printer_address,
    schema.job,
    schema.job_alias,
    schema.span,
    schema.evidence,
    schema.snapshot,
    schema.checkpoint,
    schema.feed,
    schema.telemetry,
    schema.intake_fault,
    schema.revision,
)


def facts_in(ledger: Ledger) -> dict[str, list[Any]]:
    """What does not depend on when we drained: the jobs, the hours and what they rest on."""
    booked = everything_in(ledger)
    facts = {name: booked[name] for name in ("printer", "span", "job_alias", "intake_fault")}
    facts["job"] = sorted(booked["job"])
    evidence = schema.evidence.c
    wanted = select(evidence.printer_id, evidence.at_ms, evidence.ordinal)
    with ledger.engine.connect() as connection:
        rows = connection.execute(wanted.order_by(*wanted.selected_columns)).all()
    return facts | {"evidence": [tuple(row) for row in rows]}


def meet(database: Path, stream: list[Said]) -> None:
    """A ledger whose collector heard these messages live."""
    with open_ledger(f"sqlite:///{database}") as ledger:
        ledger.claim("met", "test", simulated=False, now_ms=stream[0][0])
        pipeline = Pipeline(ledger, SourceTable([parse_source(source) for source in SOURCES]))
        for at, topic, payload in stream:
            pipeline.take(topic, payload, False, at)
        pipeline.commit(stream[-1][0])


def drain(broker: Mosquitto, database: Path, *, simulated: bool) -> "subprocess.Popen[bytes]":
    """A collector that ends when the broker has nothing more for it.

    Its client id is the ledger's name, and what it says goes beside the ledger.
    """
    command = [LAYERLINE, "collector", "--broker", broker.url, "--database", f"sqlite:///{database}"]
    command += ["--client-id", database.stem, "--drain", "1.5"]
    for source in SOURCES:
        command += ["--source", source]
    if simulated:
        command.append("--simulated-time")
    with database.with_suffix(".log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log)


def set_back(
    broker: Mosquitto, database: Path, process: "subprocess.Popen[bytes]", at_evidence: Iterable[int]
) -> int:
    """Kill the broker each time that so much evidence is booked, just after a save.

    Gives how often that was while the collector still had something to drain.
    """
    kills = 0
    for wanted in at_evidence:
        await_evidence(database, process, wanted)
        broker.save()
        time.sleep(_SETTLED_S)
        broker.kill()
        broker.start()
        if process.poll() is not None:
            break
        kills += 1
    return kills


def await_evidence(database: Path, process: "subprocess.Popen[bytes]", wanted: int) -> None:
    """Wait until so much evidence is booked, or the collector has ended."""
    wait_until(lambda: process.poll() is not None or _evidence(database) >= wanted, f"evidence {wanted}", 120)


def _evidence(database: Path) -> int:
    """How much evidence is booked, 0 while there is no ledger yet."""
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM evidence").fetchone()[0])
    except sqlite3.OperationalError:
        return 0
