"""Layerline's own topics: link, state, events and telemetry, all with the time of the source."""

import msgspec
from typing_extensions import override

from farm.model.states import Cause, PrinterState, StateReason
from farm.model.times import rfc3339
from simulators.protocols import SimulatedProtocol
from simulators.protocols.base import OPERATOR, FrontEnd
from simulators.truth import JobTruth
from simulators.wire import Message

_FAULTS = {
    Cause.THERMAL: "heater does not reach its target",
    Cause.PRINTER_ERROR: "homing failed: endstop not reached",
    Cause.CONNECTION: "no answer from the board",
    Cause.FILAMENT: "filament jam at the extruder",
    Cause.FILE: "line 8412 asks for a move outside the machine",
    Cause.OPERATOR: "emergency stop pressed",
}
_encode = msgspec.json.Encoder().encode


class NativeFrontEnd(FrontEnd):
    """The front end of a printer, or a bridge, that speaks the native schema."""

    shows = frozenset({*_FAULTS, Cause.ADHESION})
    reset_ms = 8_000

    def _at(self) -> str:
        return rfc3339(self._clock.read(self.now_ms))

    @override
    def connected(self, fresh: bool) -> None:
        self._line.will = Message(f"{self.prefix}/link", b"offline", 1, True)
        self.send("link", b"online", qos=1, retain=True)
        self._tell_state()

    def _job(self) -> dict[str, object]:
        run = self.run
        now = self.now_ms
        return {
            "id": f"{self.printer.name}-{run.truth.number}",
            "file": run.file.name,
            "progress": round(run.share(now), 4),
            "printing_seconds": run.printed_ms(now) / 1000,
            "elapsed_seconds": run.elapsed_ms(now) / 1000,
            "expected_seconds": run.file.expected_seconds,
            "remaining_seconds": run.remaining_ms(now) / 1000,
            "filament_mm": round(run.filament_mm(now), 1),
            "filament_g": round(run.plan.grams * run.share(now), 2),
            "material": run.file.material,
            "operator": OPERATOR,
            "spool": run.truth.spool,
            "units": run.file.units,
        }

    def _tell_state(self) -> None:
        run = self.printer.run
        job = None if run is None or not run.running else self._job()
        payload = _encode({"v": 1, "at": self._at(), "state": self.printer.state, "job": job})
        truth = None if run is None else run.truth
        tells = truth.mark_start_and_file if job is not None and truth is not None else None
        self.send("state", payload, qos=1, retain=True, tells=tells, patient=True)

    def _tell_event(self, event: str, truth: JobTruth, **more: object) -> None:
        payload = _encode({"v": 1, "at": self._at(), "event": event, "job": self._job(), **more})
        ended = event in ("job_succeeded", "job_failed", "job_cancelled")
        tells = truth.mark_end_and_file if ended else truth.mark_start_and_file
        self.send("event", payload, qos=1, tells=tells, patient=True)

    @override
    def report(self) -> None:
        now = self.now_ms
        printer, run = self.printer, self.printer.run
        telemetry: dict[str, object] = {
            "v": 1,
            "at": self._at(),
            "nozzle": printer.nozzle.temperature(now),
            "nozzle_target": printer.nozzle.target_c,
            "bed": printer.bed.temperature(now),
            "bed_target": printer.bed.target_c,
        }
        if run is not None and run.running:
            telemetry["progress"] = round(run.share(now), 4)
            telemetry["layer"] = run.layer(now)
            telemetry["layers"] = run.plan.layers
            telemetry["remaining_seconds"] = run.remaining_ms(now) / 1000
        self.send("telemetry", _encode(telemetry))

    @override
    def board_ready(self) -> None:
        self._tell_state()

    @override
    def job_started(self) -> None:
        self._tell_event("job_started", self.run.truth)
        self._tell_state()

    @override
    def printing_begins(self) -> None:
        self._tell_state()

    @override
    def paused(self, *, by_person: bool) -> None:
        reason = StateReason.PAUSED_BY_PERSON if by_person else StateReason.WAITING_FOR_MATERIAL
        self._tell_event("job_paused", self.run.truth, reason=reason)
        self._tell_state()

    @override
    def resumed(self) -> None:
        self._tell_event("job_resumed", self.run.truth)
        self._tell_state()

    @override
    def job_succeeded(self) -> None:
        self._tell_event("job_succeeded", self.run.truth)
        self._tell_state()

    @override
    def job_cancelled(self) -> None:
        self._tell_event("job_cancelled", self.run.truth, cancelled_by="person", detail=self.run.truth.detail)
        self._tell_state()

    @override
    def job_failed(self, cause: Cause) -> None:
        self._tell_event("job_failed", self.run.truth, cause=cause, detail=_FAULTS[cause])
        self._tell_state()

    @override
    def bed_cleared(self) -> None:
        self._tell_state()

    @override
    def leftovers(self) -> list[Message]:
        at = rfc3339(self._clock.read(self.now_ms) - 7_200_000)
        state = _encode({"v": 1, "at": at, "state": PrinterState.IDLE, "job": None})
        return [
            Message(f"{self.prefix}/link", b"offline", 1, True),
            Message(f"{self.prefix}/state", state, 0, True),
        ]


PROTOCOLS = [
    SimulatedProtocol(
        "native", NativeFrontEnd, "native", "layerline/native/v1/{printer}", 2.0, 1, tells_units=True
    )
]
