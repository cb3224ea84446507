"""Rows of the ledger about jobs, as the whole numbers that the figures are made from."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final

from farm.figures.inspections import InspectedJob
from farm.figures.job_rows import CAUSE_CODE, ENDING, NOT_KNOWN, EndedJob, JobColumns
from farm.figures.text_codes import JobTexts
from farm.kpi.material_parts import rejected_material
from farm.ledger.figure_rows import EndedRow, InspectedRow
from farm.model.states import CancelledBy, Cause, Outcome

_THOUSANDTHS: Final = 1_000


class JobCoding:
    """How jobs are told in whole numbers: one fact after the other, of one job or of a column of them."""

    def __init__(self, numbers: Mapping[str, int], texts: JobTexts) -> None:
        """`numbers` are those of the printers by id. Texts that are new get their codes in `texts`."""
        self._coded: dict[str, tuple[Callable[..., int] | None, tuple[str, ...]]] = {
            "printer": (numbers.__getitem__, ("printer_id",)),
            "ending": (_ending, ("outcome", "cancelled_by")),
            "started_ms": (_known, ("started_ms",)),
            "file": (texts.file.code, ("file",)),
            "material": (texts.material.code, ("material",)),
            "operator": (texts.operator.code, ("operator",)),
            "spool": (texts.spool.code, ("spool",)),
            "cause": (_cause, ("cause",)),
            "milligrams": (_thousandths, ("filament_g",)),
            "micrometres": (_thousandths, ("filament_mm",)),
            "microlitres": (_thousandths, ("resin_ml",)),
            "expected_ms": (_known, ("expected_ms",)),
        }
        """By field of `EndedJob`, and of which columns of the ledger; the other fields are as they are."""

    def jobs(self, rows: Sequence[EndedRow]) -> list[tuple[str, EndedJob]]:
        """What counts of the jobs, with their ids."""
        ids, columns = self._columns(rows)
        return list(zip(ids, map(EndedJob, *columns), strict=True))

    def job_columns(self, rows: Sequence[EndedRow]) -> JobColumns:
        """The same of many jobs as columns, in the order of their ends."""
        ids, columns = self._columns(rows)
        return JobColumns.of_columns(ids, columns)

    def _columns(self, rows: Sequence[EndedRow]) -> tuple[Sequence[str], list[Sequence[int]]]:
        facts_of_all = zip(*rows, strict=True) if rows else ((),) * len(EndedRow._fields)
        said: dict[str, Sequence[Any]] = dict(zip(EndedRow._fields, facts_of_all, strict=True))
        columns: list[Sequence[int]] = []
        for name in EndedJob._fields:
            coded, facts = self._coded.get(name, (None, (name,)))
            columns.append(said[name] if coded is None else [*map(coded, *(said[fact] for fact in facts))])
        return said["id"], columns


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


@cache
def _ending(word: str, cancelled_by: str | None) -> int:
    outcome = Outcome(word)
    by = CancelledBy(cancelled_by) if cancelled_by and outcome is Outcome.CANCELLED else None
    return ENDING[outcome, by]


def _rejected(row: InspectedRow) -> dict[str, int]:
    """The share of the rejected units in what the job took, where its printer had called it a success."""
    if row.outcome != Outcome.SUCCEEDED:
        return {}
    found = rejected_material(row, row.good_units, row.rejected_units)
    return {f"rejected_{name}": getattr(found, name) for name in found.__struct_fields__}


@cache
def _cause(word: str | None) -> int:
    return CAUSE_CODE[Cause(word) if word else None]


def _known(amount: int | None) -> int:
    return NOT_KNOWN if amount is None else amount


def _thousandths(amount: float | None) -> int:
    """The amount in thousandths; what a retraction took below zero is none."""
    return NOT_KNOWN if amount is None else max(0, round(_THOUSANDTHS * amount))
