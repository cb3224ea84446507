"""Why a printer does not get in at the broker."""

from fastapi import APIRouter

from api import schemas, views
from api.context import Context
from farm.model.times import rfc3339

router = APIRouter(tags=["setup"])


@router.get("/refused-clients", summary="Whom the embedded broker did not let in, and why, newest first")
def list_refused_clients(context: Context) -> schemas.Listing[schemas.RefusedClientRecord]:
    """Of the last week. Empty where the broker is another's: its own log tells whom it refuses."""
    now_ms = context.clock()
    refused = context.refusals() if context.refusals is not None else ()
    return schemas.Listing(at=rfc3339(now_ms), items=[views.refused_view(each, now_ms) for each in refused])
