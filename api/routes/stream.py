"""The live stream of the farm, as server-sent events."""

import re
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse

from api.connections import RETRY_AFTER_S
from api.context import Context
from api.problems import ProblemError, invalid

router = APIRouter(tags=["stream"])

_NUMBER = re.compile(r"[0-9]{1,18}")

EXAMPLE = (
    "retry: 1000\n\n"
    "id: 4711\nevent: snapshot\n"
    'data: {"at":"2026-11-22T09:41:07.250Z","seq":4711,"resumed":false,"printers":[],"alerts":[],'
    '"attention":{"quiet":false,"needs":[]}}\n\n'
    "id: 4712\nevent: feed\n"
    'data: {"seq":4712,"kind":"job.ended","at":"2026-11-22T09:41:09.000Z",'
    '"printer_id":"...","job_id":"...","body":{}}\n\n'
    ": heartbeat\n\n"
)


@router.get(
    "/stream",
    summary="What happens, as it happens",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Server-sent events until the client leaves.",
            "content": {"text/event-stream": {"schema": {"type": "string"}, "example": EXAMPLE}},
        }
    },
)
async def stream(
    context: Context,
    last_event_id: Annotated[
        str | None,
        Header(
            description="Number of the last feed entry that the client has; sent by browsers by themselves."
        ),
    ] = None,
    after: Annotated[
        int | None,
        Query(description="As Last-Event-ID, for clients that cannot send it.", ge=0, le=10**18),
    ] = None,
) -> StreamingResponse:
    """A snapshot, then every entry of the feed; with Last-Event-ID also those missed meanwhile.

    Events: `snapshot` (the whole farm), `feed` (one entry, its number as event id),
    `printers` (those that changed), `gone` (ids), `alerts` (the open ones, all of them),
    `attention` (all that needs a look, as `/attention` has it) and `tick` (every 5 s: the time,
    and whether the collector still books).
    """
    if context.live.is_full:
        raise ProblemError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "too-many-streams",
            f"{context.live.clients} clients listen already (api.max_streams); try again in a while",
            headers={"Retry-After": str(RETRY_AFTER_S)},
        )
    start = after
    if last_event_id:
        if not _NUMBER.fullmatch(last_event_id):
            raise invalid("Last-Event-ID", last_event_id, "the id of an event of this stream", where="header")
        start = int(last_event_id)
    return StreamingResponse(
        context.live.events(start),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
