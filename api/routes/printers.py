"""Printers: how they stand, and the account of their time."""

from typing import Annotated

from fastapi import APIRouter, Query

from api import schemas, views
from api.context import Context
from api.parameters import (
    GroupNames,
    PrinterWord,
    WindowText,
    chosen_printers,
    printer_named,
    status_named,
    window_of,
)
from api.problems import NOT_FOUND
from farm.model.states import PrinterState
from farm.model.times import DAY_MS, SECOND_MS, rfc3339

router = APIRouter(prefix="/printers", tags=["printers"])


@router.get("", summary="How every printer stands")
def list_printers(
    context: Context,
    group: GroupNames = None,
    state: Annotated[
        list[PrinterState] | None, Query(description="Only printers in these states. May be repeated.")
    ] = None,
) -> schemas.Listing[schemas.PrinterStatusRecord]:
    """Every printer with its state, job, temperatures and streak, by name."""
    chosen = chosen_printers(context, None, group)
    wanted = [
        printer
        for printer in context.farm_view.printers()
        if (chosen is None or printer.id in chosen) and (state is None or printer.state in state)
    ]
    return schemas.Listing(at=rfc3339(context.farm_view.now_ms()), items=wanted)


@router.get("/{printer}", summary="One printer with the account of a window", responses=NOT_FOUND)
def show_printer(context: Context, printer: PrinterWord, window: WindowText = "24h") -> schemas.PrinterDetail:
    """A printer with its hours, its spans and the latest hundred jobs that ended in the window."""
    bounds = window_of(context, window, context.farm_view.now_ms())
    return context.farm_view.printer_detail(status_named(context, printer), bounds)


@router.get("/{printer}/spans", summary="The account of a printer's time", responses=NOT_FOUND)
def list_spans(
    context: Context, printer: PrinterWord, window: WindowText = "24h"
) -> schemas.Listing[schemas.StateSpan]:
    """Spans without holes or overlaps, cut to the window, oldest first."""
    found, now_ms = printer_named(context, printer), context.farm_view.now_ms()
    bounds = window_of(context, window, now_ms)
    spans = context.farm_view.reader.spans(bounds.from_ms, bounds.to_ms, [found.id])
    return schemas.Listing(at=rfc3339(now_ms), items=[views.span_view(span) for span in spans])


@router.get("/{printer}/telemetry", summary="What a printer measured", responses=NOT_FOUND)
def list_telemetry(
    context: Context,
    printer: PrinterWord,
    window: WindowText = "1h",
    every: Annotated[
        int | None,
        Query(
            description="Means over intervals of so many seconds; else samples as measured.",
            ge=1,
            le=31 * DAY_MS // SECOND_MS,
        ),
    ] = None,
    points: Annotated[
        int, Query(description="At most so many samples; more are thinned out evenly.", ge=2, le=10_000)
    ] = 1_000,
) -> schemas.Listing[schemas.TelemetrySample]:
    """Kept telemetry, oldest first: the ledger's, and InfluxDB's for what is older than it keeps."""
    found, now_ms = printer_named(context, printer), context.farm_view.now_ms()
    bounds = window_of(context, window, now_ms)
    every_ms = None if every is None else every * SECOND_MS
    samples = context.history.telemetry(found.id, bounds.from_ms, bounds.to_ms, every_ms)
    step = -(-len(samples) // points) or 1
    return schemas.Listing(
        at=rfc3339(now_ms), items=[views.telemetry_view(sample) for sample in samples[::step]]
    )
