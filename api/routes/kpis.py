"""Indicators: what they are now, how they came about, and how they are worked out."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from api import schemas, views, working_schemas
from api.context import Context
from api.parameters import (
    GroupNames,
    Limit,
    Mark,
    PrinterWords,
    WindowText,
    chosen_printers,
    whole_window_of,
    window_of,
)
from api.problems import NOT_FOUND, invalid, not_found
from farm.errors import InvalidQuery
from farm.figures.working import RowKind, RowsWanted
from farm.kpi.catalogue import CATALOGUE
from farm.kpi.periods import Period
from farm.kpi.subjects import Scope
from farm.model.times import rfc3339

router = APIRouter(prefix="/kpis", tags=["kpis"])

NAMES = tuple(entry.id for entry in CATALOGUE)

ScopeWord = Annotated[Scope, Query(description="For the farm, each group or each printer.")]


@router.get("", summary="Figures of a window")
def list_kpis(
    context: Context,
    name: Annotated[
        list[str] | None, Query(description=f"Only these: {', '.join(NAMES)}. May be repeated.")
    ] = None,
    window: WindowText = "24h",
    by: ScopeWord = Scope.FARM,
    printer: PrinterWords = None,
    group: GroupNames = None,
    before: Annotated[bool, Query(description="With the figures of the window before.")] = True,
) -> schemas.KpiList:
    """Figures with counts, 95 % interval, range of the unknown, observed share, targets, and those before."""
    for word in name or ():
        if word not in NAMES:
            raise invalid("name", word, ", ".join(NAMES), near=NAMES)
    now_ms = context.farm_view.now_ms()
    asked = whole_window_of(context, window, now_ms)
    figures = context.kpi_engine.evaluate(
        name, asked, by, now_ms, printers=chosen_printers(context, printer, group), compared=before
    )
    return schemas.KpiList(
        at=rfc3339(now_ms),
        window=views.window_view(asked.until(now_ms)),
        items=[views.kpi_view(figure) for figure in figures],
    )


@router.get("/catalogue", summary="What each indicator means")
def list_definitions(context: Context) -> schemas.Listing[schemas.KpiDefinition]:
    """Formula, inputs, parts, direction, cadence, source and targets of every indicator."""
    return schemas.Listing(
        at=rfc3339(context.farm_view.now_ms()),
        items=[views.kpi_definition(entry, context.kpi_engine.targets(entry.id)) for entry in CATALOGUE],
    )


@router.get("/{kpi}/series", summary="An indicator over time", responses=NOT_FOUND)
def show_series(
    context: Context,
    kpi: Annotated[str, Path(description="Id of the indicator.", examples=["utilization"])],
    window: WindowText = "24h",
    period: Annotated[
        Period | None,
        Query(description="Length of a step on the farm's clock; without it one that suits the window."),
    ] = None,
    by: ScopeWord = Scope.FARM,
    printer: PrinterWords = None,
    group: GroupNames = None,
) -> schemas.Listing[schemas.KpiRow]:
    """The figures of every hour, day, week or month of the window; the first and last may be cut short.

    Worked out anew when the last answer is older than some seconds; `at` says when.
    """
    if kpi not in NAMES:
        raise not_found("indicator", kpi)
    now_ms = context.farm_view.now_ms()
    bounds = window_of(context, window, now_ms)
    chosen = chosen_printers(context, printer, group)
    try:
        found = context.series_cache.series(kpi, bounds, by, period, chosen, now_ms)
    except InvalidQuery as error:
        raise invalid("window", window, f"at most a thousand periods: {error}") from error
    return schemas.Listing(at=rfc3339(found.at_ms), items=views.kpi_rows(found.rows))


@router.get("/{kpi}/working", summary="How a figure came about", responses=NOT_FOUND)
def show_working(
    context: Context,
    kpi: Annotated[str, Path(description="Id of the indicator.", examples=["utilization"])],
    window: WindowText = "24h",
    by: Annotated[
        Scope, Query(description="Of what the figure is: with `printer` or `group` one must be named.")
    ] = Scope.FARM,
    printer: PrinterWords = None,
    group: GroupNames = None,
    rows: Annotated[
        list[RowKind] | None, Query(description="Only rows of this kind: jobs or spans. May be repeated.")
    ] = None,
    limit: Limit = 100,
    after: Mark = None,
) -> working_schemas.KpiWorking:
    """The sums of one figure, its formula with the numbers put in, what was left out, and a page of rows.

    Jobs come first, newest first, then spans of time by printer. The rows of all pages add up to the sums.
    """
    if kpi not in NAMES:
        raise not_found("indicator", kpi)
    now_ms = context.farm_view.now_ms()
    working = context.kpi_engine.working(
        kpi,
        window_of(context, window, now_ms),
        by,
        now_ms,
        printers=chosen_printers(context, printer, group),
        rows=RowsWanted(tuple(each for each in RowKind if rows is None or each in rows), limit, after),
    )
    return views.working_view(working, now_ms)
