"""What can be said of printers and jobs over HTTP: the bodies of requests, and what is made of them."""

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from api.parameters import UUID_PATTERN
from api.schemas import JOB_ID
from farm.model import limits
from farm.model.operator_input import (
    CloseJob,
    CorrectJob,
    DescribeJob,
    ForgetPrinter,
    NoteJob,
    OperatorWord,
    PrinterService,
    RenamePrinter,
    RestorePrinter,
    RetirePrinter,
    SetState,
)
from farm.model.states import CancelledBy, Cause, Outcome, RejectionReason
from farm.model.verdict import Inspection


class SaidRequest(BaseModel):
    """What every entry may say beside its word."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    why: str = Field("", max_length=2_000, description="The reason.", examples=["new nozzle"])


class SaidForWhen(SaidRequest):
    """An entry that holds from an instant on."""

    for_: str | None = Field(
        None,
        alias="for",
        max_length=64,
        description="From when on it holds, RFC 3339; now where it is left out.",
        examples=["2026-11-22T09:41:00Z"],
        json_schema_extra={"format": "date-time"},
    )


class SaidState(SaidForWhen):
    """The printer is in this state; all but `bed_cleared` last until `in_service` is said.

    What it waits for holds only until it works again.
    """

    what: Literal["state"] = Field(examples=["state"])
    state: PrinterService = Field(examples=["maintenance"])

    def word(self) -> OperatorWord:
        """As the inbox keeps it."""
        return SetState(self.state)


class SaidRename(SaidRequest):
    """The printer is called so from now on."""

    what: Literal["rename"] = Field(examples=["rename"])
    name: str = Field(min_length=1, max_length=128, examples=["Bay 1"])

    def word(self) -> OperatorWord:
        """As the inbox keeps it."""
        return RenamePrinter(self.name)


class SaidRetire(SaidForWhen):
    """The printer counts until then, and its messages are passed over from then on."""

    what: Literal["retire"] = Field(examples=["retire"])

    def word(self) -> OperatorWord:
        """As the inbox keeps it."""
        return RetirePrinter()


class SaidForget(SaidRequest):
    """The printer never was one: it stands in no figure."""

    what: Literal["forget"] = Field(examples=["forget"])

    def word(self) -> OperatorWord:
        """As the inbox keeps it."""
        return ForgetPrinter()


class SaidRestore(SaidRequest):
    """A retired or forgotten printer counts again."""

    what: Literal["restore"] = Field(examples=["restore"])

    def word(self) -> OperatorWord:
        """As the inbox keeps it."""
        return RestorePrinter()


class SaidCorrection(SaidRequest):
    """What truly became of a job that has ended; with nothing set the correction before is taken back."""

    what: Literal["correct"] = Field(examples=["correct"])
    outcome: Outcome | None = Field(None, examples=["failed"])
    cause: Cause | None = Field(None, examples=["adhesion"])
    cancelled_by: CancelledBy | None = Field(None, examples=[None])

    def word(self) -> OperatorWord:
        """As the inbox keeps it."""
        return CorrectJob(outcome=self.outcome, cause=self.cause, cancelled_by=self.cancelled_by)


class SaidClose(SaidForWhen):
    """A job that hangs ended then."""

    what: Literal["close"] = Field(examples=["close"])
    outcome: Outcome = Field(Outcome.UNKNOWN, examples=["unknown"])
    cause: Cause | None = Field(None, examples=[None])

    def word(self) -> OperatorWord:
        """As the inbox keeps it."""
        return CloseJob(outcome=self.outcome, cause=self.cause)


class SaidDescription(SaidRequest):
    """Facts of a job that its printer did not tell; those left out stay as they are."""

    what: Literal["describe"] = Field(examples=["describe"])
    file: str | None = Field(None, max_length=limits.FILE.length, examples=["gearbox_cover.gcode"])
    material: str | None = Field(None, max_length=64, examples=["PETG"])
    operator: str | None = Field(None, max_length=128, examples=["Ana"])
    spool: str | None = Field(None, max_length=limits.SPOOL.length, examples=["17"])
    units: int | None = Field(None, ge=1, le=1_000_000, examples=[4])

    def word(self) -> OperatorWord:
        """As the inbox keeps it."""
        return DescribeJob(
            file=self.file,
            material=self.material,
            operator=self.operator,
            spool=self.spool,
            units=self.units,
        )


class SaidNote(SaidRequest):
    """A remark on a job; an empty one takes it away."""

    what: Literal["note"] = Field(examples=["note"])
    text: str = Field(max_length=4_000, examples=["first layer looked thin"])

    def word(self) -> OperatorWord:
        """As the inbox keeps it."""
        return NoteJob(self.text)


SaidOfPrinter: TypeAlias = Annotated[
    SaidState | SaidRename | SaidRetire | SaidForget | SaidRestore, Field(discriminator="what")
]
SaidOfJob: TypeAlias = Annotated[
    SaidCorrection | SaidClose | SaidDescription | SaidNote, Field(discriminator="what")
]


class SaidVerdict(BaseModel):
    """What was found when a job was inspected. A count that is left out is the rest of the job's units."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    good_units: int | None = Field(None, ge=0, le=1_000_000, examples=[3])
    rejected_units: int | None = Field(None, ge=0, le=1_000_000, examples=[1])
    reason: RejectionReason | None = Field(
        None, description="Why units are rejected; where none is, left out.", examples=["warping"]
    )
    note: str = Field("", max_length=limits.NOTE.length, examples=["front left corner up"])
    units_differ: bool = Field(
        False,
        description="On purpose: together they are not as many as the job's units.",
        examples=[False],
    )

    def inspection(self, job_id: str) -> Inspection:
        """As the ledger takes it."""
        return Inspection(
            job_id=job_id,
            good_units=self.good_units,
            rejected_units=self.rejected_units,
            reason=self.reason,
            note=self.note,
            units_differ=self.units_differ,
        )


class SaidVerdictOfJob(SaidVerdict):
    """The same, with the job that is meant."""

    job: str = Field(pattern=UUID_PATTERN, examples=[JOB_ID])


class SaidVerdicts(BaseModel):
    """Verdicts on many jobs: all of them are kept, or none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    verdicts: list[SaidVerdictOfJob] = Field(min_length=1, max_length=1_000)
