"""The working of a figure over HTTP."""

from pydantic import Field

from api.kpi_schemas import KpiReading
from api.schemas import Answer, Instant, JobRecord, PrinterId
from farm.kpi.parts import Measure
from farm.model.states import PrinterState


class WorkingSum(Answer):
    """A sum that the figure is made of; `name` is that in the counts, the amounts and the expression."""

    name: str = Field(examples=["attempts"])
    measure: Measure = Field(description="What the amount is in.", examples=["count"])
    amount: float = Field(examples=[200])


class WorkingOmission(Answer):
    """What does not count in the value, and why."""

    name: str = Field(examples=["outcome_unknown"])
    why: str = Field(examples=["how it ended is not known: it opens the range"])
    measure: Measure = Field(description="What the amount is in.", examples=["count"])
    amount: float = Field(examples=[2])


class WorkingRow(Answer):
    """What a row of the ledger adds to the figure."""

    adds: dict[str, float] = Field(
        description="What it adds to which sum, hours for time.", examples=[{"attempts": 1, "succeeded": 1}]
    )
    left_out: dict[str, float] = Field(
        description="How much of it does not count, by the name of the reason.", examples=[{}]
    )


class WorkingJob(WorkingRow):
    """A job that ended in the window; of failed prints in a row also one before it."""

    job: JobRecord


class WorkedSpan(Answer):
    """A printer in one state, cut to the window; where work was planned, `source` is `calendar`."""

    printer_id: PrinterId
    printer: str = Field(examples=["bay1"])
    state: PrinterState = Field(examples=["printing"])
    from_: Instant = Field(alias="from")
    to: Instant | None
    source: str = Field(examples=["observed"])
    reason: str | None = Field(examples=[None])


class WorkingSpan(WorkingRow):
    """Time of a printer in the window."""

    span: WorkedSpan


class WorkedRepair(Answer):
    """A fault of a printer, and when it worked again."""

    printer_id: PrinterId
    printer: str = Field(examples=["bay1"])
    from_: Instant = Field(alias="from", description="When the fault began.")
    to: Instant | None = Field(description="When it was repaired; null while it lasts.")


class WorkingRepair(WorkingRow):
    """A fault that began, or was repaired, in the window."""

    repair: WorkedRepair


class KpiWorking(Answer):
    """How a figure came about, and a page of the jobs and spans that make it up."""

    at: Instant
    figure: KpiReading
    formula: str = Field(examples=["succeeded jobs ÷ (succeeded jobs + failed jobs)"])
    expression: str = Field(
        description="The formula with the names of the sums.", examples=["succeeded ÷ attempts"]
    )
    calculation: str = Field(
        description="The expression with the numbers put in.", examples=["180 ÷ 200 = 90.00 %"]
    )
    sums: list[WorkingSum]
    left_out: list[WorkingOmission]
    jobs: list[WorkingJob] = Field(
        description="Newest first; those that make up failed prints in a row by printer."
    )
    spans: list[WorkingSpan] = Field(description="By printer, oldest first; after all jobs.")
    repairs: list[WorkingRepair] = Field(description="By the time of the fault; after all spans.")
    next: str | None = Field(description="Mark of the next page, null at the end.", examples=[None])
