"""Indicators: what they are now, how they came about, and how they are worked out."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from api import schemas, views
from api.context import Context
from api.parameters import (
    FileNames,
    GroupNames,
    MaterialNames,
    ModelNames,
    OperatorNames,
    PrinterWords,
    ScopeWords,
    SubjectLimit,
    WindowText,
    chosen_printers,
    scopes_of,
    window_of,
)
from api.problems import NOT_FOUND, invalid, not_found
from farm.figures.engine import MOST_SUBJECTS, TooManyPeriods
from farm.kpi.catalogue import CATALOGUE
from farm.kpi.periods import Period
from farm.kpi.selection import Selection
from farm.kpi.subjects import Scope
from farm.model.times import rfc3339

router = APIRouter(prefix="/kpis", tags=["kpis"])

NAMES = tuple(entry.id for entry in CATALOGUE)


@router.get("", summary="Figures of a window")
def list_kpis(
    context: Context,
    name: Annotated[
        list[str] | None, Query(description=f"Only these: {', '.join(NAMES)}. May be repeated.")
    ] = None,
    window: WindowText = "24h",
    by: ScopeWords = Scope.FARM.value,
    printer: PrinterWords = None,
    group: GroupNames = None,
    model: ModelNames = None,
    file: FileNames = None,
    material: MaterialNames = None,
    operator: OperatorNames = None,
    limit: SubjectLimit = MOST_SUBJECTS,
) -> schemas.KpiList:
    """Figures with counts, 95 % interval, range of the unknown, and observed share."""
    for word in name or ():
        if word not in NAMES:
            raise invalid("name", word, ", ".join(NAMES), near=NAMES)
    now_ms = context.farm_view.now_ms()
    bounds = window_of(context, window, now_ms)
    wanted = _wanted(chosen_printers(context, printer, group), model, file, material, operator)
    figures = context.kpi_engine.evaluate(name, bounds, scopes_of(by), now_ms, wanted=wanted, limit=limit)
    return schemas.KpiList(
        at=rfc3339(now_ms),
        window=views.window_view(bounds),
        items=[views.kpi_view(figure) for figure in figures],
        left_out=figures.left_out,
    )


@router.get("/catalogue", summary="What each indicator means")
def list_definitions(context: Context) -> schemas.Listing[schemas.KpiDefinition]:
    """Formula, source and targets of every indicator."""
    return schemas.Listing(
        at=rfc3339(context.farm_view.now_ms()), items=[views.kpi_definition(entry) for entry in CATALOGUE]
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
    by: ScopeWords = Scope.FARM.value,
    printer: PrinterWords = None,
    group: GroupNames = None,
    model: ModelNames = None,
    file: FileNames = None,
    material: MaterialNames = None,
    operator: OperatorNames = None,
    limit: SubjectLimit = MOST_SUBJECTS,
) -> schemas.KpiRows:
    """The figures of every hour, day, week or month of the window; the first and last may be cut short.

    Worked out anew when the last answer is older than some seconds; `at` says when.
    """
    if kpi not in NAMES:
        raise not_found("indicator", kpi)
    now_ms = context.farm_view.now_ms()
    bounds = window_of(context, window, now_ms)
    wanted = _wanted(chosen_printers(context, printer, group), model, file, material, operator)
    try:
        found = context.series_cache.series(kpi, bounds, scopes_of(by), period, wanted, now_ms, limit)
    except TooManyPeriods as error:
        raise invalid("window", window, f"at most a thousand periods: {error}") from error
    return schemas.KpiRows(at=rfc3339(found.at_ms), items=views.kpi_rows(found.rows), left_out=found.left_out)


def _wanted(
    printer_ids: list[str] | None,
    models: list[str] | None,
    files: list[str] | None,
    materials: list[str] | None,
    operators: list[str] | None,
) -> Selection:
    """The printers and prints that are asked for."""
    return Selection(
        printers=_names(printer_ids),
        models=_names(models),
        files=_names(files),
        materials=_names(materials),
        operators=_names(operators),
    )


def _names(asked: list[str] | None) -> tuple[str, ...] | None:
    return None if asked is None else tuple(asked)
