"""OctoPrint with its MQTT plugin: events, progress, temperatures, last will.

One in four sends its own account of the print with the progress, as a setting of the plugin has it;
the others are at their defaults.

Shapes and order are those of OctoPrint 1.11 with plugin 0.8.16. It says nothing of its state
on connecting, nothing of the end of a print that died with its host, and nothing at all of a
cleared bed.
"""

import zlib
from typing import Any

from typing_extensions import override

from farm.model.states import Cause
from farm.model.times import SECOND_MS
from simulators.job_run import JobRun
from simulators.protocols import SimulatedProtocol
from simulators.protocols.base import LEFTOVER_FILE, OPERATOR, FrontEnd, json_text
from simulators.wire import Message

_HALTED = " - Printer halted. kill() called!"
_ERRORS: dict[Cause, tuple[tuple[str, str | None], ...]] = {
    Cause.THERMAL: (
        ("Thermal Runaway, system stopped! Heater_ID: bed", "firmware-thermal-runaway"),
        ("Heating failed, system stopped! Heater_ID: E1", "firmware-heating-failed"),
        ("MAXTEMP triggered, system stopped! Heater_ID: 0", "firmware-maxtemp"),
    ),
    Cause.PRINTER_ERROR: (("Homing Failed", None), ("Probing Failed", None)),
    Cause.FILE: (("Move out of range: 20.000 235.000 1.800 [51.547]", None),),
}
_SERIAL_TIMEOUT = "SerialTimeoutException: 'Write timeout' @ comm.py:_do_send_without_checksum:5420"
_HUNG = "Too many consecutive timeouts, printer still connected and alive?"
_PROGRESS_MS = 5_000
_PRINTER_DATA_ONE_IN = 4
_CONNECTING_MS = 4_000
_LATE_SERIAL_SHARE = 0.3
"""How often the printer answers before the broker does, so that its connecting is not seen."""
_CANCELS_ON_ERROR_SHARE = 0.15
"""How many instances are set to cancel, not to disconnect, on a firmware's error."""
_POSITION = {"x": None, "y": None, "z": None, "e": None, "t": None, "f": None}


class OctoPrintFrontEnd(FrontEnd):
    """The front end of one instance."""

    shows = frozenset({*_ERRORS, Cause.CONNECTION, Cause.ADHESION})
    reset_ms = _CONNECTING_MS
    leftover_file = LEFTOVER_FILE

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._serial = False
        self._progress = -1
        self._progress_ms = 0
        self._height: float | None = None
        self._job: dict[str, Any] = {}
        self._sends_printer_data = zlib.crc32(self.prefix.encode()) % _PRINTER_DATA_ONE_IN == 0
        self._cancels_on_error = self._rng.random() < _CANCELS_ON_ERROR_SHARE
        self._halted = False
        self._analysed: set[str] = set()

    # -- messages -----------------------------------------------------------------------------------

    def _stamp(self) -> int:
        return self._clock.read(self.now_ms) // 1000

    def _event(self, name: str, said: dict[str, Any] | None = None, **options: Any) -> None:
        payload = {**(said or {}), "_event": name, "_timestamp": self._stamp()}
        self.send(f"event/{name}", json_text(payload), **options)

    def _state(self, word: str, text: str) -> None:
        self._event("PrinterStateChanged", {"state_id": word, "state_string": text})

    def _chart(self, kind: str, label: str) -> None:
        self._event("ChartMarked", {"type": kind, "label": label})

    def _script(self, name: str, said: dict[str, Any]) -> None:
        self._event(f"GcodeScript{name}Running", said)
        self._event(f"GcodeScript{name}Finished", said)

    def _statistics(self) -> None:
        self._event("MetadataStatisticsUpdated", {"storage": "local", "path": self._job["path"]})

    def _tell_progress(self, percent: int, path: str) -> None:
        self._progress, self._progress_ms = percent, self.now_ms
        location = "local" if path else ""
        payload: dict[str, Any] = {"location": location, "path": path, "progress": percent}
        run = self.printer.run
        if path and run is not None and self._sends_printer_data:
            payload["printer_data"] = self._printer_data(run, percent)
        payload["_timestamp"] = self._stamp()
        self.send("progress/printing", json_text(payload), retain=True)

    def _printer_data(self, run: JobRun, percent: int) -> dict[str, Any]:
        """OctoPrint's own account of the print, which the plugin adds where it is told to."""
        now = self.now_ms
        return {
            "job": {
                "file": {**self._job, "display": self._job["name"]},
                "estimatedPrintTime": run.file.expected_seconds,
                "averagePrintTime": None,
                "lastPrintTime": None,
                "user": OPERATOR,
            },
            "progress": {
                "completion": percent,
                "filepos": run.plan.position(run.printed_ms(now)),
                "printTime": run.elapsed_ms(now) // 1000,
                "printTimeLeft": run.remaining_ms(now) // 1000,
                "printTimeLeftOrigin": "analysis",
            },
        }

    def _tell_temperatures(self) -> None:
        if not self._serial:
            return
        now, stamp = self.now_ms, self._stamp()
        for topic, heater in (
            ("temperature/tool0", self.printer.nozzle),
            ("temperature/bed", self.printer.bed),
        ):
            text = (
                f'{{"actual": {heater.temperature(now)}, "target": {heater.target_c}, "_timestamp": {stamp}}}'
            )
            self.send(topic, text.encode(), retain=True, patient=True)

    def _tell_height(self, height: float) -> None:
        if height != self._height:
            self._event("ZChange", {"new": height, "old": self._height}, retain=True)
            self._height = height

    # -- link ---------------------------------------------------------------------------------------

    @override
    def connected(self, fresh: bool) -> None:
        self._line.will = Message(f"{self.prefix}/mqtt", b"disconnected", 1, True)
        self.send("mqtt", b"connected", qos=1, retain=True)
        if fresh:
            self._tell_progress(0, "")
            self.send("progress/slicing", self._slicing(), retain=True)

    def _slicing(self) -> bytes:
        keys = ("slicer", "source_location", "source_path", "destination_location", "destination_path")
        return json_text({**dict.fromkeys(keys, ""), "progress": 0, "_timestamp": self._stamp()})

    @override
    def host_lost(self, *, power: bool) -> None:
        self._serial = False
        super().host_lost(power=power)

    @override
    def leftovers(self) -> list[Message]:
        """A plugin that died long ago, of which the broker still says that it prints."""
        stamp = self._stamp() - 7 * 3600
        old = {"location": "local", "path": LEFTOVER_FILE, "progress": 52, "_timestamp": stamp}
        paused = {"_event": "PausedForUser", "_timestamp": stamp - 900}
        height = {"new": 12.4, "old": 12.2, "_event": "ZChange", "_timestamp": stamp}
        hot = {"actual": 214.93, "target": 215.0, "_timestamp": stamp}
        kept = (
            ("mqtt", b"connected", 1),
            ("progress/printing", json_text(old), 0),
            ("progress/slicing", self._slicing(), 0),
            ("temperature/tool0", json_text(hot), 0),
            ("event/ZChange", json_text(height), 0),
            ("event/PausedForUser", json_text(paused), 0),
        )
        return [Message(f"{self.prefix}/{topic}", payload, qos, True) for topic, payload, qos in kept]

    # -- serial connection ----------------------------------------------------------------------------

    @override
    def board_ready(self) -> None:
        if self._serial:
            return
        self._serial = True
        if self._rng.random() < _LATE_SERIAL_SHARE and not self._halted:
            return
        self._halted = False
        self._state("OPERATIONAL", "Operational")
        self._event("Connected", {"port": "/dev/ttyUSB0", "baudrate": 115200})
        name = "Marlin 2.1.2.1"
        data = {"FIRMWARE_NAME": name, "PROTOCOL_VERSION": "1.0"}
        self._event("FirmwareData", {"name": name, "data": data}, retain=True)
        self._event("UpdatedFiles", {"type": "printables"})

    @override
    def reset(self) -> None:
        if self._serial:
            return
        self._event("Connecting")
        self._state("OPEN_SERIAL", "Opening serial connection")
        self._state("CONNECTING", "Connecting")

    # -- steady reports -------------------------------------------------------------------------------

    @override
    def report(self) -> None:
        self._tell_temperatures()
        run = self.printer.run
        if run is None or not run.running or not self._serial:
            return
        if run.first_line_ms is not None:
            self._tell_height(run.plan.height(run.layer(self.now_ms)))
        percent = int(run.share(self.now_ms) * 100)
        if percent != self._progress and self.now_ms - self._progress_ms >= _PROGRESS_MS:
            self._tell_progress(percent, self._job["path"])

    # -- the print --------------------------------------------------------------------------------------

    def _describe_job(self) -> None:
        file = self.run.file
        self._job = {
            "name": file.name.rpartition("/")[2],
            "path": file.name,
            "origin": "local",
            "size": self.run.plan.size_bytes,
        }

    def _analyse(self) -> None:
        """A file is analysed once, when it comes to the instance."""
        file = self.run.file
        if file.name in self._analysed:
            return
        self._analysed.add(file.name)
        filament = {"tool0": {"length": round(self.run.plan.filament_mm, 5), "volume": 0.0}}
        result = {"estimatedPrintTime": file.expected_seconds, "filament": filament}
        where = {key: self._job[key] for key in ("name", "path", "origin")}
        self._event("MetadataAnalysisFinished", {**where, "result": result})

    @override
    def job_started(self) -> None:
        self._describe_job()
        self._analyse()
        self._height = None
        self._progress = -1
        owner = {"owner": OPERATOR, "user": OPERATOR}
        self._event("FileSelected", {**self._job, "size": None, **owner})
        self._state("STARTING", "Starting")
        self._tell_temperatures()
        said = {**self._job, **owner}
        self._event("PrintStarted", said, tells=self.run.truth.mark_start_and_file)
        self._chart("print", "Start")
        self._script("BeforePrintStarted", said)
        self._state("PRINTING", "Printing")

    @override
    def homed(self) -> None:
        self._event("Home")

    @override
    def printing_begins(self) -> None:
        self._tell_height(self.run.plan.height(1))

    def _where(self) -> dict[str, Any]:
        run = self.run
        printed = run.printed_ms(self.now_ms)
        percent = int(run.plan.share(printed) * 100)
        return {"fileposition": run.plan.position(printed), "progress": percent}

    @override
    def paused(self, *, by_person: bool) -> None:
        """A person's pause names the user and the position; one that the printer asks for does not."""
        self._state("PAUSING", "Pausing")
        said = {**self._job}
        if by_person:
            said["position"] = _POSITION
        said |= {**self._where(), "owner": OPERATOR}
        if by_person:
            said["user"] = OPERATOR
        self._event("PrintPaused", said)
        self._chart("pause", "Pause")
        if by_person:
            self._script("AfterPrintPaused", said)
        self._state("PAUSED", "Paused")

    @override
    def resumed(self) -> None:
        said = {**self._job, "owner": OPERATOR, "user": OPERATOR}
        self._state("RESUMING", "Resuming")
        self._event("PrintResumed", said)
        self._chart("resume", "Resume")
        self._script("BeforePrintResumed", said)
        self._state("PRINTING", "Printing")

    def _seconds(self) -> float:
        run = self.run
        return (run.elapsed_ms(self.now_ms) - run.paused_ms(self.now_ms)) / 1000

    def _progress_later(self, percent: int) -> None:
        path = self._job["path"]
        self.later(self._rng.randint(300, _PROGRESS_MS), lambda: self._tell_progress(percent, path))

    @override
    def job_succeeded(self) -> None:
        run = self.run
        self._tell_height(run.plan.height(run.plan.layers) + 30)
        self._tell_temperatures()
        self._state("FINISHING", "Finishing")
        self._chart("done", "Done")
        said = {**self._job, "owner": OPERATOR, "time": self._seconds()}
        self._event("PrintDone", said, tells=run.truth.mark_end_and_file)
        self._script("AfterPrintDone", said)
        self._statistics()
        self.later(800, lambda: self._state("OPERATIONAL", "Operational"))
        self._progress_later(100)

    @override
    def job_cancelled(self) -> None:
        truth = self.run.truth
        self._cancel({"user": OPERATOR}, truth.mark_end_and_file, {"user": OPERATOR})

    def _cancel(self, cancelling: dict[str, Any], tells: Any, by: dict[str, Any], named: Any = None) -> None:
        owner = {"owner": OPERATOR}
        self._event("PrintCancelling", {**self._job, **owner, **cancelling}, tells=named or tells)
        self._state("CANCELLING", "Cancelling")
        said = {**self._job, "position": _POSITION, **self._where(), **owner, **by}
        said |= {"time": self._seconds(), "reason": "cancelled"}
        self._event("PrintCancelled", said, tells=tells)
        self._chart("cancel", "Cancel")
        self._script("AfterPrintCancelled", said)
        self._statistics()
        self._event("PrintFailed", said, tells=tells)
        self._state("OPERATIONAL", "Operational")
        self._progress_later(0)

    # -- failures -------------------------------------------------------------------------------------

    @override
    def job_failed(self, cause: Cause) -> None:
        if cause is Cause.CONNECTION:
            self._connection_fails()
        elif cause is Cause.PRINTER_ERROR and self._cancels_on_error:
            self._firmware_cancels()
        else:
            self._firmware_halts(cause)
        self._progress_later(0)

    def _firmware_halts(self, cause: Cause) -> None:
        text, faq = self._rng.choice(_ERRORS[cause])
        error = text if cause is Cause.FILE else text + _HALTED
        said: dict[str, Any] = {"error": error, "reason": "firmware", "consequence": "emergency"}
        said["logs"] = self._serial_log(text)
        if faq is not None:
            said["faq"] = faq
        self._state("ERROR", "Error")
        self._event("Error", said)
        self._close(error, ("EStop",))

    def _serial_log(self, text: str) -> list[str]:
        line = 100 + int(self.run.printed_ms(self.now_ms) / 900)
        moves = [
            f"{said}{number}"
            for number in range(line, line + 6)
            for said in ("Recv: ok ", f"Send: N{number} G1 X{100 + number % 37}.{number % 1000:03d} E")
        ]
        halt = [f"Recv: Error:{text}", "Recv: Error:Printer halted. kill() called!"]
        return [*moves, *halt, 'Changing monitoring state from "Printing" to "Error"']

    def _connection_fails(self) -> None:
        if self._rng.random() < 0.5:
            self._close(_SERIAL_TIMEOUT, ())
        else:
            self._event("Error", {"error": _HUNG, "reason": "timeout"})
            self._close(_HUNG, ())

    def _close(self, error: str, before: tuple[str, ...]) -> None:
        """Close the serial connection; the failure of the print is told by another thread."""
        self._serial = False
        self._halted = True
        run = self.run
        failed = {**self._job, "owner": OPERATOR, "time": self._seconds(), "reason": "error", "error": error}
        failed["progress"] = run.share(self.now_ms)
        steps = [*before, "UpdatedFiles", "FileDeselected", "Disconnected", "OFFLINE"]
        race = self._rng.randint(0, len(steps))
        for place, step in enumerate([*steps, ""]):
            if place == race:
                self._statistics()
                self._event("PrintFailed", failed, tells=run.truth.mark_end_and_file)
            if step == "OFFLINE":
                self._state("OFFLINE", "Offline")
            elif step:
                self._event(step, {"type": "printables"} if step == "UpdatedFiles" else None)

    def _firmware_cancels(self) -> None:
        """Only the event that begins the cancel tells it from one by a person."""
        truth = self.run.truth
        named = []

        def name() -> None:
            named.append(True)

        def end() -> None:
            truth.file_sent = True
            if named:
                truth.mark_end()
            truth.misleading = not named

        self._cancel({"firmwareError": "Probing Failed"}, end, {}, name)


PROTOCOLS = [
    SimulatedProtocol(
        "octoprint",
        OctoPrintFrontEnd,
        "octoprint",
        "octoPrint/{printer}",
        4.0,
        SECOND_MS,
        tells_preparing=False,
    )
]
