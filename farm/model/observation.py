"""One normalised reading of one printer: what an adapter makes of a message."""

from enum import StrEnum

import msgspec

from farm.model.states import CancelledBy, Cause, Outcome, PrinterState


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
    """What a reading says of the job: durations in milliseconds as the source measured them."""

    file: str | None = None
    token: str | None = None
    printing_ms: int | None = None
    elapsed_ms: int | None = None
    progress: float | None = None
    filament_mm: float | None = None
    filament_g: float | None = None
    material: str | None = None
    operator: str | None = None
    units: int | None = None
    native_id: str | None = None


class HistoryRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One attempt as the printer's own history tells it, in wall-clock milliseconds.

    `signal` is what the row's own word means: `started` while the attempt runs, `lost` where the
    history itself cannot say how it ended. `outcome` is set by histories that tell outcomes
    in our words, and in rows kept by release 0.1.0, which have no signal.
    """

    history: str
    native_id: str
    file: str | None
    started_ms: int
    ended_ms: int | None = None
    outcome: Outcome | None = None
    cancelled_by: CancelledBy | None = None
    cause: Cause | None = None
    detail: str | None = None
    printing_ms: int | None = None
    filament_mm: float | None = None
    signal: JobSignal | None = None


class Observation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One reading that bears on the state or the job of a printer.

    `time_ms` is the source's own time in milliseconds of its own clock (see the adapter's
    `clock`), None where the message carries none; `since_ms` the source's time from which
    the reading holds, where that is earlier than the message. `level` marks a reading that
    tells how things stand (a full status) and not that something changed: it never ends a
    job that was not open. `retained` marks what the broker had kept: its age is unknown, so
    it is booked when it was received. `facts` stand beside the signal; what they and it
    mean for the job's outcome is the tracker's to say.
    """

    time_ms: int | None = None
    since_ms: int | None = None
    retained: bool = False
    level: bool = False
    link: Link | None = None
    state: PrinterState | None = None
    signal: JobSignal | None = None
    cause: Cause | None = None
    detail: str | None = None
    cancelled_by: CancelledBy | None = None
    job: JobReading | None = None
    history: tuple[HistoryRow, ...] = ()
    facts: tuple[JobFact, ...] = ()


class Telemetry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Figures of one moment: degrees Celsius, ratios, millimetres, layers.

    Only what a message said is set.
    """

    nozzle: float | None = None
    nozzle_target: float | None = None
    bed: float | None = None
    bed_target: float | None = None
    chamber: float | None = None
    progress: float | None = None
    layer: int | None = None
    layers: int | None = None
    z_mm: float | None = None
    speed_mm_s: float | None = None
    speed_factor: float | None = None
    flow_factor: float | None = None
    fan: float | None = None
    filament_mm: float | None = None

    def overlaid(self, later: "Telemetry") -> "Telemetry":
        """These figures with those of `later` laid over them, where it has any."""
        told = {name: value for name, value in msgspec.structs.asdict(later).items() if value is not None}
        return msgspec.structs.replace(self, **told) if told else self
