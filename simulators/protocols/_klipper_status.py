"""What Klipper shows of itself: the status objects, as Moonraker subscribes to them."""

from typing import Any, TypeAlias

from farm.model.states import PrinterState
from simulators.job_run import JobRun
from simulators.protocols.base import PrinterBody
from simulators.thermal import Heater

Objects: TypeAlias = dict[str, dict[str, Any]]

_GCODES = "/home/pi/printer_data/gcodes/"
_HOMING_MS = (2_500, 5_000)
_MIN_EXTRUDE_C = 170.0
_CLOCK_LEAD_S = 1.2


def fixed_fields(printer: PrinterBody) -> Objects:
    """Every object with all its fields in Klipper's order; those that never change have their value."""
    x, y, z = printer.model.bed_mm
    return {
        "webhooks": {"state": None, "state_message": None},
        "print_stats": {
            "filename": "",
            "total_duration": 0.0,
            "print_duration": 0.0,
            "filament_used": 0.0,
            "state": "standby",
            "message": "",
            "info": None,
        },
        "virtual_sdcard": {
            "file_path": None,
            "progress": 0.0,
            "is_active": False,
            "file_position": 0,
            "file_size": 0,
        },
        "display_status": {"progress": 0.0, "message": None},
        "heater_bed": {"temperature": 0.0, "target": 0.0, "power": 0.0},
        "extruder": {
            "temperature": 0.0,
            "target": 0.0,
            "power": 0.0,
            "can_extrude": False,
            "pressure_advance": 0.0,
            "smooth_time": 0.04,
            "motion_queue": None,
        },
        "toolhead": {
            "homed_axes": "",
            "axis_minimum": [0.0, 0.0, -1.0, 0],
            "axis_maximum": [x, y, z, 0],
            "print_time": 0.0,
            "stalls": 0,
            "estimated_print_time": 0.0,
            "extruder": "extruder",
            "position": [0.0, 0.0, 0.0, 0.0],
            "max_velocity": 200.0,
            "max_accel": 2000.0,
            "minimum_cruise_ratio": 0.5,
            "square_corner_velocity": 5.0,
            "extra_axes": {"extruder": 3},
        },
        "idle_timeout": {"state": "Idle", "printing_time": 0.0, "idle_timeout": 900.0},
        "pause_resume": {"is_paused": False},
    }


class KlipperStatus:
    """The changing part of the status. `moving_fields` gives it for any instant."""

    def __init__(self, printer: PrinterBody) -> None:
        self._printer = printer
        self.restart(0)

    def restart(self, now_ms: int) -> None:
        """Klipper begins anew: nothing printed, nothing homed."""
        self.started_ms = now_ms
        self.run: JobRun | None = None
        self.word = "standby"
        self.message = ""
        self.webhooks = "ready"
        self.webhooks_message = "PrinterBody is ready"
        self.idle_word = "Idle"
        self.busy_ms: int | None = None
        self._print_time = 86.0
        self._position = [0.0, 0.0, 0.0, 0.0]

    def begin(self, run: JobRun, now_ms: int) -> None:
        """A print begins."""
        self.run, self.word, self.message = run, "printing", ""
        self.idle_word, self.busy_ms = "Printing", now_ms

    def rest(self) -> None:
        """No G-code is being run any more."""
        self.idle_word, self.busy_ms = "Ready", None

    def clear(self) -> None:
        """The finished print is cleared away."""
        self.run, self.word, self.message = None, "standby", ""

    def moving_fields(self, now_ms: int) -> Objects:
        """Every field that can change, as it stands at `now_ms`, in Klipper's order."""
        printer, run = self._printer, self.run
        clock_s = (now_ms - self.started_ms) / 1000 + 88.0
        if run is not None and run.running and run.phase is not PrinterState.PAUSED:
            self._print_time = clock_s + _CLOCK_LEAD_S
        nozzle_c, bed_c = printer.nozzle.temperature(now_ms), printer.bed.temperature(now_ms)
        sd = self._sd_card(run, now_ms)
        busy = 0.0 if self.busy_ms is None else (now_ms - self.busy_ms) / 1000
        return {
            "webhooks": {"state": self.webhooks, "state_message": self.webhooks_message},
            "print_stats": self._print_stats(run, now_ms),
            "virtual_sdcard": sd,
            "display_status": {"progress": self._displayed(run, sd, now_ms)},
            "heater_bed": {
                "temperature": bed_c,
                "target": self._target(printer.bed, run.bed_c if run else None),
                "power": printer.bed.power(now_ms),
            },
            "extruder": {
                "temperature": nozzle_c,
                "target": self._target(printer.nozzle, run.nozzle_c if run else None),
                "power": printer.nozzle.power(now_ms),
                "can_extrude": nozzle_c >= _MIN_EXTRUDE_C,
            },
            "toolhead": {
                "homed_axes": self._homed_axes(run, now_ms),
                "print_time": self._print_time,
                "estimated_print_time": clock_s,
                "position": self._where(run, now_ms),
            },
            "idle_timeout": {"state": self.idle_word, "printing_time": busy},
            "pause_resume": {"is_paused": self.word == "paused" and self.webhooks == "ready"},
        }

    def _target(self, heater: Heater, before: float | None) -> float:
        """A shutdown cuts the power, but the targets stand where they stood."""
        return before if self.webhooks == "shutdown" and before is not None else heater.target_c

    def _print_stats(self, run: JobRun | None, now_ms: int) -> dict[str, Any]:
        if run is None:
            elapsed = printed = filament = 0.0
            total = layer = None
        else:
            dead = self.webhooks == "shutdown" and run.ended_ms is not None
            elapsed = (now_ms - run.started_ms if dead else run.elapsed_ms(now_ms)) / 1000
            printed, filament = run.printed_ms(now_ms) / 1000, round(run.filament_mm(now_ms), 5)
            layer = run.layer(now_ms) or None
            total = run.plan.layers if layer else None
        return {
            "filename": run.file.name if run else "",
            "total_duration": elapsed,
            "print_duration": printed,
            "filament_used": filament,
            "state": self.word,
            "message": self.message,
            "info": {"total_layer": total, "current_layer": layer},
        }

    def _sd_card(self, run: JobRun | None, now_ms: int) -> dict[str, Any]:
        if run is None or self.word == "cancelled":
            return {
                "file_path": None,
                "progress": 0.0,
                "is_active": False,
                "file_position": 0,
                "file_size": 0,
            }
        size = run.plan.size_bytes
        position = size if self.word == "complete" else run.plan.position(run.printed_ms(now_ms))
        return {
            "file_path": None if self.word == "complete" else _GCODES + run.file.name,
            "progress": position / size,
            "is_active": self.word == "printing",
            "file_position": position,
            "file_size": size,
        }

    def _displayed(self, run: JobRun | None, sd: dict[str, Any], now_ms: int) -> float:
        """What M73 in the file says, once the first layer has begun."""
        if run is None or self.word == "cancelled":
            return 0.0
        if run.first_line_ms is None:
            shown: float = sd["progress"]
            return shown
        if self.word == "complete":
            return 1.0
        return int((run.layer(now_ms) - 1) / run.plan.layers * 100) / 100

    def _homed_axes(self, run: JobRun | None, now_ms: int) -> str:
        if run is None or self.word == "complete":
            return ""
        since = now_ms - run.started_ms
        return "x" if since < _HOMING_MS[0] else "xy" if since < _HOMING_MS[1] else "xyz"

    def _where(self, run: JobRun | None, now_ms: int) -> list[float]:
        if run is not None and run.running and run.first_line_ms is not None:
            step = now_ms // 250 % 40
            height = run.plan.height(run.layer(now_ms))
            self._position = [90.0 + step / 2, 110.0 - step / 4, height, round(run.filament_mm(now_ms), 5)]
        return self._position
