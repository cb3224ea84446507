"""Klipper with Moonraker's MQTT component: whole status in deltas, or one topic per field.

Shapes and order are those of Moonraker 0.11 over Klipper 0.13. `eventtime` is the host's
monotonic clock. Nothing is sent again after an outage, and a Klipper that dies says nothing.
"""

from functools import partial
from typing import Any

import msgspec
from typing_extensions import override

from farm.model.states import Cause
from simulators.job_run import JobRun
from simulators.protocols import SimulatedProtocol
from simulators.protocols._klipper_status import KlipperStatus, Objects, fixed_fields
from simulators.protocols._moonraker_history import PrintHistory
from simulators.protocols._moonraker_rpc import NOT_CONNECTED, NOT_FOUND, RpcError, reply, server_info
from simulators.protocols.base import LEFTOVER_FILE, FrontEnd
from simulators.wire import Message

_RESTART = (
    "Once the underlying issue is corrected, use the\n"
    '"FIRMWARE_RESTART" command to reset the firmware, reload the\n'
    "config, and restart the host software.\nPrinter is shutdown\n"
)
_SHUTDOWNS = {
    Cause.THERMAL: (
        "Heater extruder not heating at expected rate\nSee the 'verify_heater' section in "
        "docs/Config_Reference.md\nfor the parameters that control this check.\n"
    ),
    Cause.CONNECTION: "Lost communication with MCU 'mcu'\n",
    Cause.OPERATOR: "Shutdown due to webhooks request\n",
}
_MACRO = "Error evaluating 'gcode_macro {macro}:gcode': gcode.CommandError: {error}\n"
_ERRORS = {
    Cause.FILE: ("Move out of range: 20.000 235.000 1.800 [51.547]", "Extrude below minimum temp"),
    Cause.PRINTER_ERROR: (
        "No trigger on z after full movement",
        _MACRO.format(macro="CHECK_PROBE", error="Probe samples exceed samples_tolerance"),
    ),
    Cause.FILAMENT: (_MACRO.format(macro="MOTION_SENSOR", error="Filament jam detected"),),
}
_TICK_MS = 250
_FULL_SET_MS = 1_100
_CLEARED_SHARE = 0.6
_KLIPPER_ALONE_SHARE = 0.4
_encode = msgspec.json.Encoder().encode


class MoonrakerFrontEnd(FrontEnd):
    """The front end of one Klipper host in whole-status mode."""

    shows = frozenset({*_SHUTDOWNS, *_ERRORS, Cause.ADHESION})
    split = False
    questions = ("moonraker/api/request",)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._fixed = fixed_fields(self.printer)
        self._klipper = KlipperStatus(self.printer)
        self._told: Objects = {}
        self._ready = False
        self._full_due = True
        self._file_reached: JobRun | None = None
        self._boot_ms = self.now_ms - self._rng.randint(15_000, 3_600_000)
        self._history = PrintHistory(list(_SHUTDOWNS))

    # -- messages -----------------------------------------------------------------------------------

    def _eventtime(self) -> float:
        return (self.now_ms - self._boot_ms) / 1000

    def _changes(self) -> Objects:
        """What differs from what was told last; everything when a full set is due."""
        moving = self._klipper.moving_fields(self.now_ms)
        if self._full_due:
            self._full_due = False
            self._told = {name: {**fixed, **moving[name]} for name, fixed in self._fixed.items()}
            return {name: dict(fields) for name, fields in self._told.items()}
        changes: Objects = {}
        for name, fields in moving.items():
            told = self._told[name]
            new = {field: value for field, value in fields.items() if told[field] != value}
            if new:
                told.update(new)
                changes[name] = new
        return changes

    def _publish(self) -> None:
        if not self._ready:
            return
        changes = self._changes()
        if not changes:
            return
        if self.split:
            self._publish_split(changes)
        else:
            told = self._what_is_told(changes)
            payload = _encode({"eventtime": self._eventtime(), "status": changes})
            self.send("klipper/status", payload, tells=told)

    def _publish_soon(self) -> None:
        """Changes go out with the next of Klipper's four updates a second."""
        self.later(self._rng.randint(10, _TICK_MS), self._publish)

    def _publish_split(self, changes: Objects) -> None:
        """One retained message a field. The words of a failure come apart from the state."""
        eventtime = self._eventtime()
        told = self._what_is_told(changes)
        parts = _Parts(told, self._needed(changes)) if told is not None else None
        for name, fields in changes.items():
            for field, value in fields.items():
                tells = None if parts is None else parts.part(name, field)
                payload = _encode({"eventtime": eventtime, "value": value})
                self.send(f"klipper/state/{name}/{field}", payload, retain=True, tells=tells)

    def _needed(self, changes: Objects) -> frozenset[str]:
        """The fields that must all arrive before the change is told."""
        stats, hooks = changes.get("print_stats", {}), changes.get("webhooks", {})
        if "state" in hooks and hooks["state"] == "shutdown":
            return frozenset({"webhooks/state", "webhooks/state_message"})
        if stats.get("state") == "error":
            return frozenset({"print_stats/state", "print_stats/message"})
        return frozenset({f"print_stats/{field}" for field in ("state", "filename") if field in stats})

    def _what_is_told(self, changes: Objects) -> Any:
        """The mark in the truth that these changes set once they have reached the broker."""
        run = self._klipper.run
        stats = changes.get("print_stats", {})
        if run is None:
            return None
        if self._klipper.webhooks == "shutdown":
            return run.truth.mark_end if "webhooks" in changes else None
        word = stats.get("state")
        if word in ("complete", "cancelled", "error"):
            return run.truth.mark_end
        if word == "printing" or (word == "paused" and "filename" in stats):
            return partial(self._start_told, run, "filename" in stats)
        return None

    def _start_told(self, run: JobRun, named: bool) -> None:
        """The name is not sent again for the same file.

        It is known if it was known before, with no outage since in which it may have changed.
        """
        run.truth.mark_start()
        before = self._file_reached
        if named or (before is not None and before.file.name == run.file.name):
            run.truth.mark_file()
            self._file_reached = run

    # -- link ---------------------------------------------------------------------------------------

    @override
    def connected(self, fresh: bool) -> None:
        self._line.will = Message(f"{self.prefix}/moonraker/status", b'{"server":"offline"}', 0, True)
        self.send("moonraker/status", b'{"server":"online"}', retain=True)
        self._file_reached = None
        if fresh and self._ready:
            self.later(_FULL_SET_MS, self._tell_everything)

    def _tell_everything(self) -> None:
        self._full_due = True
        self._publish()

    @override
    def host_started(self) -> None:
        if not self._line.has("host"):
            self._boot_ms = self.now_ms - self._rng.randint(9_000, 25_000)
        super().host_started()

    @override
    def host_lost(self, *, power: bool) -> None:
        """Sometimes Klipper alone dies, and its host does not notice that there is anything to say."""
        self._ready = False
        if power or self._rng.random() >= _KLIPPER_ALONE_SHARE:
            self._history.host_gone()
            super().host_lost(power=power)
        else:
            self._history.klipper_gone(self.now_ms)

    @override
    def restart_service(self, away_ms: int) -> bool:
        """Moonraker is restarted in order while Klipper goes on."""
        if self._line.stands:
            self._history.leave(self.now_ms)
            self.send("moonraker/status", b'{"server":"offline"}', retain=True)
            self._line.lose("service", renews=True)
            self._agenda.after(away_ms, partial(self._line.regain, "service"))
        return True

    @override
    def leftovers(self) -> list[Message]:
        """A Klipper that died in mid-print, of which the broker kept every field."""
        kept = [Message(f"{self.prefix}/moonraker/status", b'{"server":"online"}', 0, True)]
        if self.split:
            old = {"print_stats/state": "printing", "print_stats/filename": LEFTOVER_FILE}
            for path, value in {**old, "webhooks/state": "ready", "virtual_sdcard/is_active": True}.items():
                payload = _encode({"eventtime": 812_345.25, "value": value})
                kept.append(Message(f"{self.prefix}/klipper/state/{path}", payload, 0, True))
        return kept

    # -- what happens ---------------------------------------------------------------------------------

    @override
    def report(self) -> None:
        self._publish()

    @override
    def board_ready(self) -> None:
        if self._ready and self._klipper.webhooks == "ready":
            return
        self._klipper.restart(self.now_ms)
        self._ready = True
        self._tell_everything()

    @override
    def job_started(self) -> None:
        self._klipper.begin(self.run, self.now_ms)
        self._history.begin(self.run)
        self._publish_soon()
        for delay_ms in (2_500, 5_000):
            self.later(delay_ms, self._publish)

    @override
    def heated(self) -> None:
        self._publish_soon()

    @override
    def printing_begins(self) -> None:
        self.later(_TICK_MS, self._publish)

    def _idle_later(self, delay_ms: int) -> None:
        run = self._klipper.run
        self.later(delay_ms, lambda: self._rest(run))

    def _rest(self, run: JobRun | None) -> None:
        if self._klipper.run is run and self._klipper.word != "printing":
            self._klipper.rest()
            self._publish()

    @override
    def paused(self, *, by_person: bool) -> None:
        self._klipper.word = "paused"
        self._publish_soon()
        self._idle_later(1_500)

    @override
    def resumed(self) -> None:
        self._klipper.word = "printing"
        self._klipper.idle_word, self._klipper.busy_ms = "Printing", self.now_ms
        self._publish_soon()

    @override
    def job_succeeded(self) -> None:
        self._klipper.word = "complete"
        self._publish_soon()
        self._idle_later(1_250)

    @override
    def job_cancelled(self) -> None:
        self._klipper.word = "cancelled"
        self._publish_soon()
        self._idle_later(3_750)

    @override
    def job_failed(self, cause: Cause) -> None:
        klipper = self._klipper
        if cause in _SHUTDOWNS:
            klipper.webhooks = "shutdown"
            klipper.webhooks_message = _SHUTDOWNS[cause] + _RESTART
            klipper.word = "paused"
            self._publish_soon()
        else:
            klipper.word = "error"
            klipper.message = self._rng.choice(_ERRORS[cause])
            self._publish_soon()
            self._idle_later(1_750)

    @override
    def reset(self) -> None:
        if self._klipper.webhooks == "ready":
            self._klipper.clear()
            self._publish_soon()

    @override
    def bed_cleared(self) -> None:
        if self._rng.random() < _CLEARED_SHARE:
            self._klipper.clear()
            self._publish_soon()

    # -- questions --------------------------------------------------------------------------------------

    @override
    def answer(self, payload: bytes) -> None:
        response = reply(
            payload,
            {
                "server.info": lambda _: server_info(
                    self._klipper.webhooks if self._ready else "disconnected"
                ),
                "printer.objects.query": self._query,
                "server.history.list": self._list_history,
                "server.files.metadata": self._describe_file,
            },
        )
        if response is not None:
            self.send("moonraker/api/response", response)

    def _query(self, params: dict[str, Any]) -> dict[str, Any] | RpcError:
        if not self._ready:
            return NOT_CONNECTED
        moving = self._klipper.moving_fields(self.now_ms)
        wanted = [name for name in params.get("objects", {}) if name in self._fixed]
        return {
            "eventtime": self._eventtime(),
            "status": {name: {**self._fixed[name], **moving[name]} for name in wanted},
        }

    def _describe_file(self, params: dict[str, Any]) -> dict[str, Any] | RpcError:
        return self._history.file(params.get("filename")) or NOT_FOUND

    def _list_history(self, params: dict[str, Any]) -> dict[str, Any]:
        return self._history.rows(self.now_ms, params.get("limit"))


class SplitMoonraker(MoonrakerFrontEnd):
    """The same with `publish_split_status`."""

    split = True
    leftover_file = LEFTOVER_FILE


class _Parts:
    """Calls `done` once every field that it takes has reached the broker."""

    def __init__(self, done: Any, needed: frozenset[str]) -> None:
        self._done = done
        self._open = set(needed)

    def part(self, name: str, field: str) -> Any:
        """What to call when this field arrives, None for one that is not waited for."""
        path = f"{name}/{field}"
        return partial(self._arrived, path) if path in self._open else None

    def _arrived(self, path: str) -> None:
        if path in self._open:
            self._open.discard(path)
            if not self._open:
                self._done()


PROTOCOLS = [
    SimulatedProtocol("moonraker", MoonrakerFrontEnd, "moonraker", "{printer}", 3.0, _TICK_MS),
    SimulatedProtocol("moonraker-split", SplitMoonraker, "moonraker", "{printer}", 1.0, _TICK_MS),
]
