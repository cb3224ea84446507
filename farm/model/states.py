"""What a printer can be doing, how a job can end, why it can fail, and why units are rejected."""

from enum import StrEnum


class PrinterState(StrEnum):
    """The state of a printer as booked in its time account."""

    OFFLINE = "offline"
    IDLE = "idle"
    PREPARING = "preparing"
    PRINTING = "printing"
    PAUSED = "paused"
    FINISHED = "finished"
    ERROR = "error"
    MAINTENANCE = "maintenance"
    UNKNOWN = "unknown"


ACTIVE_STATES = frozenset({PrinterState.PREPARING, PrinterState.PRINTING, PrinterState.PAUSED})
"""States in which a job is under way."""
UNSEEN_STATES = frozenset({PrinterState.UNKNOWN, PrinterState.OFFLINE})
"""States in which it does not show what the printer is doing."""


class StateReason(StrEnum):
    """What tells spans of one state apart to the account."""

    ENGINEERING = "engineering"
    """Calibration or tests: a person's word for a kind of maintenance."""
    WAITING_FOR_OPERATOR = "waiting_for_operator"
    WAITING_FOR_MATERIAL = "waiting_for_material"
    PAUSED_BY_PERSON = "paused_by_person"
    PAUSED_BY_MACHINE = "paused_by_machine"
    """By the printer or its host, which wants somebody to see to it."""


WAITING = frozenset({StateReason.WAITING_FOR_OPERATOR, StateReason.WAITING_FOR_MATERIAL})
"""What a printer at rest can wait for."""
PAUSE_REASONS = WAITING | {StateReason.PAUSED_BY_PERSON, StateReason.PAUSED_BY_MACHINE}
"""What can be told of a pause."""


class Outcome(StrEnum):
    """How a job ended. Silence never gives anything but `unknown`."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class CancelledBy(StrEnum):
    """Who cancelled a job."""

    PERSON = "person"
    SYSTEM = "system"


class Cause(StrEnum):
    """Why a job failed."""

    THERMAL = "thermal"
    PRINTER_ERROR = "printer_error"
    CONNECTION = "connection"
    HOST = "host"
    POWER = "power"
    FILAMENT = "filament"
    ADHESION = "adhesion"
    FILE = "file"
    OPERATOR = "operator"
    UNKNOWN = "unknown"


class Confidence(StrEnum):
    """How sure an outcome is, by the row of the outcome rules that gave it; weakest first."""

    NONE = "none"
    """Nothing speaks for any outcome."""
    WEAK = "weak"
    STRONG = "strong"
    CERTAIN = "certain"


class Provenance(StrEnum):
    """How an outcome or a time was found out, weakest first."""

    INFERRED = "inferred"
    """Worked out from what the printer said later."""
    OBSERVED = "observed"
    """The printer said so when it happened."""
    HISTORY = "history"
    """The printer's own history said so."""
    PERSON = "person"
    """A person said so."""


class RejectionReason(StrEnum):
    """Why units were rejected; the note beside it says more."""

    ADHESION = "adhesion"
    """Came off the bed, or its first layer did not hold."""
    WARPING = "warping"
    LAYER_SHIFT = "layer_shift"
    SURFACE = "surface"
    """Strings, blobs, gaps, marks."""
    DIMENSION = "dimension"
    """Does not measure what it should."""
    SUPPORT = "support"
    """Sagged where support was missing, or scarred where it was."""
    BROKEN = "broken"
    """Broke, on the bed or off it."""
    OTHER = "other"
