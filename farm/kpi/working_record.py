"""The working of a figure as API and command line show it: times in RFC 3339, amounts of time in hours."""

from collections.abc import Mapping, Sequence
from typing import Any

from farm.kpi.catalogue import indicator
from farm.kpi.figure import figure_record
from farm.kpi.indicator import Indicator
from farm.kpi.parts import Amount, JobRow, LeftOut, Part, RepairRow, StreakRow, TimeRow
from farm.kpi.working import WorkedRow, Working
from farm.model.job_record import job_record
from farm.model.times import rfc3339, rfc3339_or_none
from farm.model.verdict_record import verdict_record


def working_record(working: Working) -> dict[str, Any]:
    """The whole working of a figure, with the page of rows that it holds."""
    entry = indicator(working.figure.id)
    return {
        "figure": figure_record(working.figure),
        "formula": entry.formula,
        "expression": working.expression,
        "calculation": working.calculation,
        "sums": [
            {"name": each.name, "measure": each.measure.value, "amount": each.told} for each in working.sums
        ],
        "left_out": [
            {"name": each.name, "why": each.why, "measure": each.measure.value, "amount": each.told}
            for each in working.left_out
        ],
        "jobs": [
            _job(row, row.row, entry) for row in working.jobs if isinstance(row.row, JobRow | StreakRow)
        ],
        "spans": [_span(row, row.row, entry) for row in working.spans if isinstance(row.row, TimeRow)],
        "repairs": [
            _repair(row, row.row, entry) for row in working.repairs if isinstance(row.row, RepairRow)
        ],
        "next": working.next,
    }


def _job(worked: WorkedRow, row: JobRow | StreakRow, entry: Indicator) -> dict[str, Any]:
    job = job_record(row.job, row.printer.name, row.printer.group)
    found = row.verdict if isinstance(row, JobRow) else None
    verdict = None if found is None else verdict_record(found)
    return {"job": job | {"verdict": verdict}, **_shares(worked, entry)}


def _span(worked: WorkedRow, row: TimeRow, entry: Indicator) -> dict[str, Any]:
    span = row.span
    return {
        "span": {
            "printer_id": span.printer_id,
            "printer": row.printer.name,
            "state": span.state,
            "from": rfc3339(span.from_ms),
            "to": rfc3339_or_none(span.to_ms),
            "source": span.source,
            "reason": span.reason,
        },
        **_shares(worked, entry),
    }


def _repair(worked: WorkedRow, row: RepairRow, entry: Indicator) -> dict[str, Any]:
    return {
        "repair": {
            "printer_id": row.printer.id,
            "printer": row.printer.name,
            "from": rfc3339(row.begun_ms),
            "to": rfc3339_or_none(row.ended_ms),
        },
        **_shares(worked, entry),
    }


def _shares(worked: WorkedRow, entry: Indicator) -> dict[str, Any]:
    return {"adds": _told(worked.adds, entry.parts), "left_out": _told(worked.left_out, entry.left_out)}


def _told(shares: Mapping[str, Amount], parts: Sequence[Part | LeftOut]) -> dict[str, Amount]:
    measures = {part.name: part.rows.measure for part in parts}
    return {name: measures[name].told(share) for name, share in shares.items()}
