"""The outbox: how far InfluxDB is behind the ledger."""

from fastapi import APIRouter

from api import schemas, views
from api.context import Context
from farm.model.times import rfc3339

router = APIRouter(tags=["outbox"])


@router.get("/outbox", summary="How far InfluxDB is behind, and why")
def list_queues(context: Context) -> schemas.Listing[schemas.OutboxQueueRecord]:
    """The queues to InfluxDB; none where no InfluxDB is configured or nothing was ever sent."""
    now_ms = context.farm_view.now_ms()
    queues = context.outbox(now_ms) if context.outbox is not None else []
    return schemas.Listing(at=rfc3339(now_ms), items=[views.outbox_view(queue) for queue in queues])
