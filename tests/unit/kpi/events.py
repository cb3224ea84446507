"""Printers, spans and jobs to put into a ledger."""

from collections.abc import Iterable

from farm.model.job import Job
from farm.model.printer import Printer
from farm.model.span import Span
from farm.model.states import CancelledBy, Outcome, PrinterState
from farm.model.times import parse_rfc3339

START_MS = parse_rfc3339("2026-01-01T00:00:00Z")


def at(text: str) -> int:
    """Milliseconds of an RFC 3339 time, in UTC where it names no zone."""
    return parse_rfc3339(text if text[-1] == "Z" or "+" in text else text + "Z")


def printer_called(
    name: str,
    *,
    group: str | None = None,
    first_seen_ms: int = START_MS,
    retired_ms: int | None = None,
    ignored: bool = False,
) -> Printer:
    return Printer(
        id=f"id-of-{name}",
        site="main",
        name=name,
        group=group,
        adapter="native",
        first_seen_ms=first_seen_ms,
        retired_ms=retired_ms,
        ignored=ignored,
    )


def spans_of(
    printer: Printer, states: Iterable[tuple[PrinterState, int]], from_ms: int | None = None
) -> list[Span]:
    """Spans that follow each other, each so many milliseconds long; the first begins at first sight."""
    reached = printer.first_seen_ms if from_ms is None else from_ms
    spans = []
    for state, length_ms in states:
        spans.append(Span(printer.id, state, reached, reached + length_ms))
        reached += length_ms
    return spans


def jobs_of(
    printer: Printer,
    outcome: Outcome,
    ended_ms: Iterable[int],
    *,
    units: int = 1,
    cancelled_by: CancelledBy | None = None,
) -> list[Job]:
    """One job for each end."""
    return [
        Job(
            id=f"{printer.id}-{outcome}-{end}",
            printer_id=printer.id,
            file="part.gcode",
            started_ms=end - 1,
            ended_ms=end,
            outcome=outcome,
            cancelled_by=cancelled_by,
            units=units,
        )
        for end in ended_ms
    ]
