"""Whether the process answers, and whether its figures can be trusted."""

from http import HTTPStatus

from fastapi import APIRouter, Response

from api import schemas
from api.context import Context
from api.views import seconds
from farm.errors import LedgerError
from farm.model.times import rfc3339_or_none

router = APIRouter(prefix="/health", tags=["health"])


@router.get("/live", summary="The process answers")
async def live() -> schemas.Liveness:
    """Always `live`."""
    return schemas.Liveness(status="live")


@router.get(
    "/ready",
    summary="The ledger answers and the collector books",
    responses={503: {"model": schemas.Readiness, "description": "Not ready; the fields say why."}},
)
async def ready(context: Context, response: Response) -> schemas.Readiness:
    """`ready`, or 503 with `not_ready` when the ledger is away or the collector has stopped booking."""
    try:
        freshness = await context.readiness.freshness()
    except LedgerError:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        return schemas.Readiness(
            status="not_ready",
            ledger="unreachable",
            collector="unknown",
            collector_booked_at=None,
            collector_age_seconds=None,
        )
    if freshness.stale:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return schemas.Readiness(
        status="not_ready" if freshness.stale else "ready",
        ledger="reachable",
        collector="stale" if freshness.stale else "silent" if freshness.booked_ms is None else "fresh",
        collector_booked_at=rfc3339_or_none(freshness.booked_ms),
        collector_age_seconds=None if freshness.age_ms is None else seconds(freshness.age_ms),
    )
