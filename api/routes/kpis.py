"""Indicators: what they are now, how they came about, and how they are worked out."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from api import kpi_schemas, schemas, views, working_schemas
from api.context import Context
from api.parameters import (
    Limit,
    Mark,
    ScopeWords,
    SubjectLimit,
    Text,
    Wanted,
    WindowText,
    scopes_of,
    whole_window_of,
    window_of,
)
from api.problems import NOT_FOUND, invalid, not_found
from farm.figures.engine import MOST_SUBJECTS, TooManyPeriods
from farm.figures.working import RowsWanted
from farm.kpi.catalogue import CATALOGUE
from farm.kpi.periods import Period
from farm.kpi.subjects import Scope
from farm.kpi.working import RowKind
from farm.model.times import rfc3339

router = APIRouter(prefix="/kpis", tags=["kpis"])

NAMES = tuple(entry.id for entry in CATALOGUE)


@router.get("", summary="Figures of a window", response_model=kpi_schemas.KpiList)
def list_kpis(
    context: Context,
    wanted: Wanted,
    name: Annotated[
        list[str] | None, Query(description=f"Only these: {', '.join(NAMES)}. May be repeated.")
    ] = None,
    window: WindowText = "24h",
    by: ScopeWords = Scope.FARM.value,
    limit: SubjectLimit = MOST_SUBJECTS,
    before: Annotated[bool, Query(description="With the figures of the window before.")] = True,
) -> Response:
    """Figures with counts, 95 % interval, range of the unknown, observed share, targets, and those before."""
    for word in name or ():
        if word not in NAMES:
            raise invalid("name", word, ", ".join(NAMES), near=NAMES)
    now_ms = context.farm_view.now_ms()
    asked = whole_window_of(context, window, now_ms)
    figures = context.kpi_engine.evaluate(
        name, asked, scopes_of(by), now_ms, wanted=wanted, limit=limit, compared=before
    )
    document = views.kpi_list_document(figures, asked.until(now_ms), figures.left_out, now_ms)
    return Response(document, media_type="application/json")


@router.get("/catalogue", summary="What each indicator means")
def list_definitions(context: Context) -> schemas.Listing[kpi_schemas.KpiDefinition]:
    """Formula, inputs, parts, direction, cadence, source and targets of every indicator."""
    return schemas.Listing(
        at=rfc3339(context.farm_view.now_ms()),
        items=[views.kpi_definition(entry, context.kpi_engine.targets(entry.id)) for entry in CATALOGUE],
    )


@router.get(
    "/{kpi}/series",
    summary="An indicator over time",
    response_model=kpi_schemas.KpiRows,
    responses=NOT_FOUND,
)
def show_series(
    context: Context,
    kpi: Annotated[str, Path(description="Id of the indicator.", examples=["utilization"])],
    wanted: Wanted,
    window: WindowText = "24h",
    period: Annotated[
        Period | None,
        Query(description="Length of a step on the farm's clock; without it one that suits the window."),
    ] = None,
    by: ScopeWords = Scope.FARM.value,
    limit: SubjectLimit = MOST_SUBJECTS,
) -> Response:
    """The figures of every hour, day, week or month of the window; the first and last may be cut short.

    Worked out anew when the last answer is older than some seconds; `at` says when.
    """
    if kpi not in NAMES:
        raise not_found("indicator", kpi)
    now_ms = context.farm_view.now_ms()
    bounds = window_of(context, window, now_ms)
    try:
        found = context.series_cache.series(kpi, bounds, scopes_of(by), period, wanted, now_ms, limit)
    except TooManyPeriods as error:
        raise invalid("window", window, f"at most a thousand periods: {error}") from error
    return Response(views.kpi_rows_document(found), media_type="application/json")


@router.get("/{kpi}/working", summary="How a figure came about", responses=NOT_FOUND)
def show_working(
    context: Context,
    wanted: Wanted,
    kpi: Annotated[str, Path(description="Id of the indicator.", examples=["utilization"])],
    window: WindowText = "24h",
    by: ScopeWords = Scope.FARM.value,
    scope_id: Annotated[
        Text | None,
        Query(description="Which of the figures, as in `/kpis`; needed where there are several."),
    ] = None,
    rows: Annotated[
        list[RowKind] | None, Query(description="Only rows of these kinds. May be repeated.")
    ] = None,
    limit: Limit = 100,
    after: Mark = None,
) -> working_schemas.KpiWorking:
    """The sums of one figure, its formula with the numbers put in, what was left out, and a page of rows.

    Jobs come first, newest first, then spans of time by printer, then repairs, then the jobs of failed
    prints in a row. The rows of all pages add up to the sums.
    """
    if kpi not in NAMES:
        raise not_found("indicator", kpi)
    now_ms = context.farm_view.now_ms()
    working = context.kpi_engine.working(
        kpi,
        window_of(context, window, now_ms),
        scopes_of(by),
        now_ms,
        wanted=wanted,
        subject_id=scope_id,
        rows=RowsWanted(tuple(each for each in RowKind if rows is None or each in rows), limit, after),
    )
    return views.working_view(working, now_ms)
