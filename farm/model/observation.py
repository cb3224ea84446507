"""One normalised reading of one printer: what an adapter makes of a message.

Observations are bounded: every way in which one of these structs is made (called, replaced,
decoded from what is stored) ends in `__post_init__`, which holds each field to the limit in
its annotation. A figure out of range becomes None, a text is made storable and cut.
"""

from enum import StrEnum
from typing import Annotated

import msgspec

from farm.model import limits
from farm.model.bounds import keep_bounds
from farm.model.states import CancelledBy, Cause, Outcome, PrinterState, StateReason


class Link(StrEnum):
    """Whether the way to the printer stands, by positive evidence."""

    ONLINE = "online"
    OFFLINE = "offline"


class JobSignal(StrEnum):
    """What the source says outright about the job under way."""

    STARTED = "started"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    READ_THROUGH = "read_through"
    """The whole file was read, so the print came to its end; the end itself is told apart."""
    LOST = "lost"
    """The job is gone and the source does not say how it ended."""
    HALTED = "halted"
    """The firmware stopped for good while its own words still named a job under way."""
    HOST_GONE = "host_gone"
    """The program at the printer that fed the job to it is gone."""


class JobFact(StrEnum):
    """What stands beside a signal and bears on what became of the job."""

    FIRMWARE_ERROR = "firmware_error"
    """The firmware reported an error before or while the job was cancelled."""
    USER_NAMED = "user_named"
    """The cancel names the user who gave it."""
    NO_USER = "no_user"
    """The source names users, and the cancel names none."""
    CANCEL_COMMAND = "cancel_command"
    """The state that only the command for cancelling gives."""
    CANCELLER_TOLD = "canceller_told"
    """The source says outright whether a person or the system cancelled."""
    READ_THROUGH = "read_through"
    """The whole file had been read."""
    ERROR_STATE = "error_state"
    """The printer stayed in an error state."""


class JobReading(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a reading says of the job: durations in milliseconds as the source measured them.

    `expected_ms` is how long the source says that the whole print takes, without pauses.
    """

    file: Annotated[str | None, limits.FILE] = None
    token: Annotated[str | None, limits.TOKEN] = None
    printing_ms: Annotated[int | None, limits.DURATION_MS] = None
    elapsed_ms: Annotated[int | None, limits.DURATION_MS] = None
    expected_ms: Annotated[int | None, limits.EXPECTED_MS] = None
    progress: Annotated[float | None, limits.RATIO] = None
    filament_mm: Annotated[float | None, limits.FILAMENT_MM] = None
    filament_g: Annotated[float | None, limits.FILAMENT_G] = None
    resin_ml: Annotated[float | None, limits.RESIN_ML] = None
    material: Annotated[str | None, limits.MATERIAL] = None
    operator: Annotated[str | None, limits.OPERATOR] = None
    spool: Annotated[str | None, limits.SPOOL] = None
    units: Annotated[int | None, limits.UNITS] = None
    native_id: Annotated[str | None, limits.NATIVE_ID] = None

    def __post_init__(self) -> None:
        """Hold the fields to their limits."""
        keep_bounds(self)


class HistoryRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One attempt as the printer's own history tells it, in wall-clock milliseconds.

    `signal` is what the row's own word means: `started` while the attempt runs, `lost` where the
    history itself cannot say how it ended. `outcome` is set by histories that tell outcomes
    in our words, and in rows kept by release 0.1.0, which have no signal.
    """

    history: Annotated[str, limits.HISTORY]
    native_id: Annotated[str, limits.NATIVE_ID]
    file: Annotated[str | None, limits.FILE]
    started_ms: int
    ended_ms: Annotated[int | None, limits.INSTANT_MS] = None
    outcome: Outcome | None = None
    cancelled_by: CancelledBy | None = None
    cause: Cause | None = None
    detail: Annotated[str | None, limits.DETAIL] = None
    printing_ms: Annotated[int | None, limits.DURATION_MS] = None
    filament_mm: Annotated[float | None, limits.FILAMENT_MM] = None
    signal: JobSignal | None = None
    expected_ms: Annotated[int | None, limits.EXPECTED_MS] = None

    def __post_init__(self) -> None:
        """Hold the fields to their limits."""
        keep_bounds(self)


class Observation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One reading that bears on the state or the job of a printer.

    `time_ms` is the source's own time in milliseconds of its own clock (see the adapter's
    `clock`), None where the message carries none; `since_ms` the source's time from which
    the reading holds, where that is earlier than the message. `level` marks a reading that
    tells how things stand (a full status) and not that something changed: it never ends a
    job that was not open; a `presumed` one speaks only where the state is not known, or in
    doubt. `retained` marks what the broker had kept: its age is unknown, so
    it is booked when it was received; `ended_ms` is the source's time of an end that it tells,
    where it says one. `reason` says of a pause who paused, or what it waits for. `facts` stand
    beside the signal; what they and it mean for the job's outcome is the tracker's to say.
    """

    time_ms: Annotated[int | None, limits.SOURCE_MS] = None
    since_ms: int | None = None
    ended_ms: Annotated[int | None, limits.SOURCE_MS] = None
    retained: bool = False
    level: bool = False
    presumed: bool = False
    link: Link | None = None
    state: PrinterState | None = None
    signal: JobSignal | None = None
    cause: Cause | None = None
    detail: Annotated[str | None, limits.DETAIL] = None
    cancelled_by: CancelledBy | None = None
    job: JobReading | None = None
    history: tuple[HistoryRow, ...] = ()
    facts: tuple[JobFact, ...] = ()
    reason: StateReason | None = None

    def __post_init__(self) -> None:
        """Hold the fields to their limits; what cannot have begun when it says is no history."""
        keep_bounds(self)
        if self.since_ms is not None and not self._began_in_reach(self.since_ms):
            msgspec.structs.force_setattr(self, "since_ms", None)
        if not all(limits.INSTANT_MS.holds(row.started_ms) for row in self.history):
            rows = tuple(row for row in self.history if limits.INSTANT_MS.holds(row.started_ms))
            msgspec.structs.force_setattr(self, "history", rows)

    def _began_in_reach(self, since_ms: int) -> bool:
        return self.time_ms is not None and limits.DURATION_MS.holds(self.time_ms - since_ms)


class Telemetry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Figures of one moment: degrees Celsius, ratios, millimetres, layers, seconds.

    Only what a message said is set. `remaining_s` is how long the print still takes by the source's
    own account.
    """

    nozzle: Annotated[float | None, limits.TEMPERATURE] = None
    nozzle_target: Annotated[float | None, limits.TEMPERATURE] = None
    bed: Annotated[float | None, limits.TEMPERATURE] = None
    bed_target: Annotated[float | None, limits.TEMPERATURE] = None
    chamber: Annotated[float | None, limits.TEMPERATURE] = None
    progress: Annotated[float | None, limits.RATIO] = None
    layer: Annotated[int | None, limits.LAYERS] = None
    layers: Annotated[int | None, limits.LAYERS] = None
    z_mm: Annotated[float | None, limits.HEIGHT_MM] = None
    speed_mm_s: Annotated[float | None, limits.SPEED_MM_S] = None
    speed_factor: Annotated[float | None, limits.FACTOR] = None
    flow_factor: Annotated[float | None, limits.FACTOR] = None
    fan: Annotated[float | None, limits.RATIO] = None
    filament_mm: Annotated[float | None, limits.FILAMENT_MM] = None
    remaining_s: Annotated[float | None, limits.REMAINING_S] = None

    def __post_init__(self) -> None:
        """Hold the fields to their limits."""
        keep_bounds(self)

    def overlaid(self, later: "Telemetry") -> "Telemetry":
        """These figures with those of `later` laid over them, where it has any."""
        told = {name: value for name, value in msgspec.structs.asdict(later).items() if value is not None}
        return msgspec.structs.replace(self, **told) if told else self
