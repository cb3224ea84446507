"""What fails too often."""

from fastapi import APIRouter

from api import causes_schemas, views
from api.context import Context
from api.parameters import Wanted, WindowText, window_of
from farm.kpi.causes_record import causes_record
from farm.model.times import rfc3339

router = APIRouter(tags=["kpis"])


@router.get("/causes", summary="What fails more often than chance would have it")
def list_causes(
    context: Context,
    wanted: Wanted,
    window: WindowText = "30d",
) -> causes_schemas.CausesFound:
    """Printers, files, materials, operators and hours, each compared with the rest by an exact test.

    All comparisons are judged together: of what is told at most 10 % on average is chance.
    """
    now_ms = context.farm_view.now_ms()
    bounds = window_of(context, window, now_ms)
    found = causes_record(context.kpi_engine.causes(bounds, now_ms, wanted=wanted))
    return causes_schemas.CausesFound(at=rfc3339(now_ms), **found | {"window": views.window_view(bounds)})
