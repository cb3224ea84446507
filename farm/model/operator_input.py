"""What a person says of a printer or of a job: evidence like any other, and above what machines infer."""

from enum import StrEnum

import msgspec

from farm.model.states import CancelledBy, Cause, Outcome


class PrinterService(StrEnum):
    """A state that a person sets. All but `bed_cleared` last until `in_service` is said."""

    MAINTENANCE = "maintenance"
    ENGINEERING = "engineering"
    """Calibration or tests: productive for nobody, and no fault of the printer's (SEMI E10)."""
    WAITING_FOR_OPERATOR = "waiting_for_operator"
    """It rests for want of hands; ends with the next print too, or when the bed is cleared."""
    WAITING_FOR_MATERIAL = "waiting_for_material"
    """It rests for want of filament or resin; ends with the next print too."""
    BED_CLEARED = "bed_cleared"
    IN_SERVICE = "in_service"


class SetState(msgspec.Struct, frozen=True, tag="state"):
    """The printer is in this state from the input's `for_ms` on."""

    state: PrinterService


class CorrectJob(msgspec.Struct, frozen=True, tag="correct", kw_only=True, omit_defaults=True):
    """What truly became of a job. With nothing set the correction before is taken back."""

    outcome: Outcome | None = None
    cause: Cause | None = None
    cancelled_by: CancelledBy | None = None


class CloseJob(msgspec.Struct, frozen=True, tag="close", kw_only=True, omit_defaults=True):
    """A job that hangs ended at the input's `for_ms`."""

    outcome: Outcome = Outcome.UNKNOWN
    cause: Cause | None = None


class DescribeJob(msgspec.Struct, frozen=True, tag="describe", kw_only=True, omit_defaults=True):
    """Facts of a job that its printer did not tell; unset ones stay as they are."""

    file: str | None = None
    material: str | None = None
    operator: str | None = None
    spool: str | None = None
    units: int | None = None


class NoteJob(msgspec.Struct, frozen=True, tag="note"):
    """A remark on a job; an empty one takes it away."""

    text: str


class RenamePrinter(msgspec.Struct, frozen=True, tag="rename"):
    """The printer is called `name` from now on."""

    name: str


class RetirePrinter(msgspec.Struct, frozen=True, tag="retire"):
    """The printer counts until the input's `for_ms`, and its messages are passed over from then on."""


class ForgetPrinter(msgspec.Struct, frozen=True, tag="forget"):
    """The printer never was one: it is ignored, and stands in no figure."""


class RestorePrinter(msgspec.Struct, frozen=True, tag="restore"):
    """A retired or forgotten printer counts again."""


OperatorWord = (
    SetState
    | CorrectJob
    | CloseJob
    | DescribeJob
    | NoteJob
    | RenamePrinter
    | RetirePrinter
    | ForgetPrinter
    | RestorePrinter
)
"""What can be said. The tag of each is its `what` in the inbox."""


class OperatorInput(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the inbox: who said what, why, when (`said_ms`) and for when (`for_ms`).

    `taken_ms` is when the collector that holds the printer worked it in, None while it waits;
    `answer` is what became of it where it could not be followed.
    """

    id: int = 0
    printer_id: str
    job_id: str | None = None
    said_ms: int
    for_ms: int
    who: str
    word: OperatorWord
    why: str = ""
    taken_ms: int | None = None
    answer: str | None = None


class TakenInput(msgspec.Struct, frozen=True):
    """An entry of the inbox that was worked in, and why it was not followed, if so."""

    id: int
    answer: str | None = None
