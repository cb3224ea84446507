"""Rows of the ledger about jobs, as the whole numbers that the figures are made from."""

from typing import Final

from farm.figures.inspections import InspectedJob
from farm.figures.job_rows import CAUSE_CODE, ENDING, NOT_KNOWN, EndedJob
from farm.figures.text_codes import JobTexts
from farm.ledger.figure_rows import EndedRow, InspectedRow
from farm.model.states import CancelledBy, Cause, Outcome

_THOUSANDTHS: Final = 1_000


def ended_job(row: EndedRow, printer: int, texts: JobTexts) -> EndedJob:
    """What counts of the job; `printer` is its number. Texts that are new get their codes."""
    outcome = Outcome(row.outcome)
    by = CancelledBy(row.cancelled_by) if row.cancelled_by and outcome is Outcome.CANCELLED else None
    return EndedJob(
        ended_ms=row.ended_ms,
        printer=printer,
        ending=ENDING[outcome, by],
        units=row.units,
        printing_ms=row.printing_ms,
        preparing_ms=row.preparing_ms,
        paused_ms=row.paused_ms,
        started_ms=NOT_KNOWN if row.started_ms is None else row.started_ms,
        file=texts.file.code(row.file),
        material=texts.material.code(row.material),
        operator=texts.operator.code(row.operator),
        cause=_cause(row.cause),
        milligrams=_thousandths(row.filament_g),
        micrometres=_thousandths(row.filament_mm),
        expected_ms=NOT_KNOWN if row.expected_ms is None else row.expected_ms,
    )


def inspected_job(row: InspectedRow, printer: int, texts: JobTexts) -> InspectedJob:
    """What was found of the job; `printer` is its number."""
    return InspectedJob(
        ended_ms=row.ended_ms,
        printer=printer,
        file=texts.file.code(row.file),
        material=texts.material.code(row.material),
        operator=texts.operator.code(row.operator),
        cause=_cause(row.cause),
        succeeded=row.outcome == Outcome.SUCCEEDED,
        good_units=row.good_units,
        rejected_units=row.rejected_units,
    )


def _cause(word: str | None) -> int:
    return CAUSE_CODE[Cause(word) if word else None]


def _thousandths(amount: float | None) -> int:
    """The amount in thousandths; what a retraction took below zero is none."""
    return NOT_KNOWN if amount is None else max(0, round(_THOUSANDTHS * amount))
