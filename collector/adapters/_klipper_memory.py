"""The merged status of one Klipper host, and how changes go into it."""

import msgspec
from msgspec import UNSET

from collector.adapters._klipper_sensors import FilamentSensor
from collector.adapters._klipper_status import HeaterStatus, PrintStats, Status, Webhooks, is_full
from farm.model.states import PrinterState, StateReason

_RESTARTED_MS = 30_000
_AT_REST = frozenset({"standby", "complete", "cancelled", "error"})


class MoonrakerMemory(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is remembered of one Klipper host: the merged status and what was last told of it.

    `is_kept`: the print's state is what the broker had kept, and the host said nothing yet. `gone_ms`:
    what Klipper had said last when Moonraker told that it is not there.
    """

    online: bool | None = None
    webhooks: str | None = None
    webhooks_message: str | None = None
    webhooks_message_ms: int = 0
    state: str | None = None
    file: str | None = None
    file_ms: int = 0
    message: str | None = None
    message_ms: int = 0
    print_s: float | None = None
    total_s: float | None = None
    filament_mm: float | None = None
    is_paused: bool | None = None
    pause_ms: int | None = None
    state_ms: int = 0
    layer: int | None = None
    layers: int | None = None
    progress: float | None = None
    nozzle: float | None = None
    nozzle_target: float | None = None
    bed: float | None = None
    bed_target: float | None = None
    speed: float | None = None
    speed_factor: float | None = None
    flow_factor: float | None = None
    fan: float | None = None
    growth_s: float | None = None
    counted_ms: int | None = None
    uncounted_ms: int | None = None
    moved_ms: int | None = None
    clock_ms: int = 0
    gone_ms: int = 0
    told: PrinterState | None = None
    told_file: str | None = None
    told_end: bool = False
    told_cause: bool = False
    told_reason: StateReason | None = None
    doubted: bool = False
    is_kept: bool = False
    sensors: dict[str, FilamentSensor] = msgspec.field(default_factory=dict)

    @property
    def pause_reason(self) -> StateReason | None:
        """What a pause waits for, where a filament sensor tells it. Who paused, Klipper never says."""
        is_empty = any(sensor.misses_filament for sensor in self.sensors.values())
        return StateReason.WAITING_FOR_MATERIAL if is_empty else None


def merge(memory: MoonrakerMemory, at: int, status: Status) -> bool:
    """Put what the status says into the memory; whether it was the whole status."""
    heater = status.extruder
    if heater is not UNSET:
        _merge_nozzle(memory, heater)
    heater = status.heater_bed
    if heater is not UNSET:
        _merge_bed(memory, heater)
    if status.virtual_sdcard is not UNSET and status.virtual_sdcard.progress is not UNSET:
        memory.progress = status.virtual_sdcard.progress
    if status.webhooks is not UNSET:
        _merge_webhooks(memory, at, status.webhooks)
    stats = status.print_stats
    full = False
    if stats is not UNSET:
        full = is_full(stats)
        _merge_print_stats(memory, at, stats)
    if status.pause_resume is not UNSET and status.pause_resume.is_paused is not UNSET:
        memory.is_paused = status.pause_resume.is_paused
    if status.gcode_move is not UNSET or status.fan is not UNSET:
        _merge_motion(memory, status)
    return full


def is_of_host_gone(memory: MoonrakerMemory, at: int) -> bool:
    """Whether what the broker kept of the print is from before the host started, which speaks at `at`."""
    return memory.is_kept and at < memory.state_ms - _RESTARTED_MS


def without_state(status: Status) -> Status:
    """The status without what says that a print goes on."""
    stats = status.print_stats
    if stats is not UNSET:
        stats = msgspec.structs.replace(stats, state=UNSET)
    return msgspec.structs.replace(status, print_stats=stats, webhooks=UNSET)


def _merge_nozzle(memory: MoonrakerMemory, heater: HeaterStatus) -> None:
    if heater.temperature is not UNSET:
        memory.nozzle = heater.temperature
    if heater.target is not UNSET:
        memory.nozzle_target = heater.target


def _merge_bed(memory: MoonrakerMemory, heater: HeaterStatus) -> None:
    if heater.temperature is not UNSET:
        memory.bed = heater.temperature
    if heater.target is not UNSET:
        memory.bed_target = heater.target


def _merge_motion(memory: MoonrakerMemory, status: Status) -> None:
    move, fan = status.gcode_move, status.fan
    if move is not UNSET:
        if move.speed is not UNSET:
            memory.speed = move.speed / 60
        if move.speed_factor is not UNSET:
            memory.speed_factor = move.speed_factor
        if move.extrude_factor is not UNSET:
            memory.flow_factor = move.extrude_factor
    if fan is not UNSET and fan.speed is not UNSET:
        memory.fan = fan.speed


def _merge_webhooks(memory: MoonrakerMemory, at: int, hooks: Webhooks) -> None:
    if hooks.state is not UNSET:
        if hooks.state != memory.webhooks and memory.webhooks_message_ms != at:
            memory.webhooks_message = None
        if hooks.state == "ready" and memory.webhooks not in (None, "ready") and memory.state_ms < at:
            # What print_stats said before Klipper started anew is void; in split mode it comes after this.
            memory.state = memory.print_s = memory.total_s = memory.file = memory.told = None
        memory.webhooks = hooks.state
    if hooks.state_message is not UNSET:
        memory.webhooks_message, memory.webhooks_message_ms = hooks.state_message.strip(), at


def _notice_missed_edge(memory: MoonrakerMemory, at: int, stats: PrintStats) -> None:
    """Klipper's word for the state is sent only when it changes, and that message may be lost.

    The print's clock moves only while a print lasts: moving twice while the word says that the
    printer rests shows a start that was missed; moving and then the same end again, a whole print.
    """
    if memory.state not in _AT_REST or is_full(stats):
        return
    if stats.state is UNSET:
        if stats.total_duration is UNSET or not stats.total_duration or at <= memory.state_ms:
            return
        if memory.moved_ms is None or memory.moved_ms <= memory.state_ms:
            memory.moved_ms = at
        elif at > memory.moved_ms:
            if memory.file_ms <= memory.state_ms:
                memory.file = None
            memory.state, memory.state_ms = "printing", at
    elif stats.state == memory.state and stats.state != "standby":
        counted = at if stats.total_duration is not UNSET else memory.counted_ms or 0
        if counted > memory.state_ms:
            memory.told = PrinterState.PRINTING


def _merge_state(memory: MoonrakerMemory, at: int, state: str) -> None:
    memory.state_ms = at
    if memory.file_ms - at > _RESTARTED_MS:
        memory.file_ms = 0
    if state != memory.state:
        memory.state = state
        memory.growth_s = None
        if memory.message_ms != at:  # In split mode the words of a moment may overtake its state.
            memory.message = None
        memory.pause_ms = at if state == "paused" else None


def _merge_print_stats(memory: MoonrakerMemory, at: int, stats: PrintStats) -> None:
    if memory.state_ms - _RESTARTED_MS < at < memory.state_ms:
        # Overtaken on the way: a later status is merged already.
        return
    _notice_missed_edge(memory, at, stats)
    if stats.print_duration is not UNSET:
        before = memory.print_s
        memory.print_s = stats.print_duration
        if memory.state is None and before is not None and stats.print_duration > before:
            memory.growth_s = stats.print_duration
    if stats.total_duration is not UNSET:
        memory.total_s = stats.total_duration
        memory.counted_ms = at
        memory.uncounted_ms = None
    if stats.filament_used is not UNSET:
        memory.filament_mm = stats.filament_used
    if stats.filename is not UNSET:
        memory.file, memory.file_ms = stats.filename or None, at
    if stats.info is not UNSET and stats.info is not None:
        memory.layer, memory.layers = stats.info.current_layer, stats.info.total_layer
    if stats.state is not UNSET:
        _merge_state(memory, at, stats.state)
    if stats.message is not UNSET:
        memory.message, memory.message_ms = stats.message.strip() or None, at
