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
    return EndedJob(
        ended_ms=row.ended_ms,
        printer=printer,
        ending=_ending(row.outcome, row.cancelled_by),
        units=row.units,
        printing_ms=row.printing_ms,
        preparing_ms=row.preparing_ms,
        paused_ms=row.paused_ms,
        started_ms=NOT_KNOWN if row.started_ms is None else row.started_ms,
        file=texts.file.code(row.file),
        material=texts.material.code(row.material),
        operator=texts.operator.code(row.operator),
        spool=texts.spool.code(row.spool),
        cause=_cause(row.cause),
        milligrams=_thousandths(row.filament_g),
        micrometres=_thousandths(row.filament_mm),
        microlitres=_thousandths(row.resin_ml),
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
        spool=texts.spool.code(row.spool),
        cause=_cause(row.cause),
        ending=_ending(row.outcome, row.cancelled_by),
        started_ms=NOT_KNOWN if row.started_ms is None else row.started_ms,
        units=row.units,
        good_units=row.good_units,
        rejected_units=row.rejected_units,
        **_rejected(row),
    )


def _ending(word: str, cancelled_by: str | None) -> int:
    outcome = Outcome(word)
    by = CancelledBy(cancelled_by) if cancelled_by and outcome is Outcome.CANCELLED else None
    return ENDING[outcome, by]


def _rejected(row: InspectedRow) -> dict[str, int]:
    """The share of the rejected units in what the job took, where its printer had called it a success."""
    units = row.good_units + row.rejected_units
    if row.outcome != Outcome.SUCCEEDED or not units:
        return {}
    said = {
        "rejected_milligrams": row.filament_g,
        "rejected_microlitres": row.resin_ml,
        "rejected_micrometres": row.filament_mm,
    }
    for name, amount in said.items():
        if amount is not None:
            return {name: _thousandths(amount) * row.rejected_units // units}
    return {}


def _cause(word: str | None) -> int:
    return CAUSE_CODE[Cause(word) if word else None]


def _thousandths(amount: float | None) -> int:
    """The amount in thousandths; what a retraction took below zero is none."""
    return NOT_KNOWN if amount is None else max(0, round(_THOUSANDTHS * amount))
