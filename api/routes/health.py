"""Whether the process answers, and whether its figures can be trusted."""

from http import HTTPStatus

from fastapi import APIRouter, Response

from api import schemas
from api.context import Context
from api.farm_view import ShardFreshness
from api.views import seconds
from farm.errors import LedgerError
from farm.model.times import rfc3339

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
    """`ready`, or 503 with `not_ready` when the ledger is away or a collector has stopped booking."""
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
            shards=[],
        )
    stale, oldest = bool(freshness.stale), freshness.oldest
    if stale:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return schemas.Readiness(
        status="not_ready" if stale else "ready",
        ledger="reachable",
        collector="stale" if stale else "silent" if oldest is None else "fresh",
        collector_booked_at=None if oldest is None else rfc3339(oldest.booked_ms),
        collector_age_seconds=None if oldest is None else seconds(oldest.age_ms),
        shards=[_shard_view(each) for each in freshness.shards],
    )


def _shard_view(each: ShardFreshness) -> schemas.ShardRecord:
    return schemas.ShardRecord(
        shard=each.shard,
        printers=each.printers,
        booked_at=rfc3339(each.booked_ms),
        age_seconds=seconds(each.age_ms),
        stale=each.stale,
    )
