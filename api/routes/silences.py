"""Silences: alerts that match are not told for a while."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from api import schemas
from api.alert_schemas import PreviewRequest, SilenceAnswer, SilenceRecord, SilenceRequest
from api.context import ApiContext, Context
from api.parameters import Limit, Mark, Reason, instant_of
from api.problems import NOT_FOUND, not_found, problem_answers
from api.routes.alert_actions import end_of
from api.routes.inputs import LARGEST_ID
from farm.model.alert_record import silence_record_at
from farm.model.silence import Silence
from farm.model.times import rfc3339

router = APIRouter(tags=["alerts"])

_REFUSED = problem_answers(HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
_ENDED = problem_answers(HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT)
_LISTED = "/api/v1/silences"

SilenceId = Annotated[
    int, Path(alias="silence", description="Number of the silence.", ge=1, le=LARGEST_ID, examples=[3])
]


@router.get("/silences", summary="Silences, made last first")
def list_silences(
    context: Context,
    over: Annotated[bool, Query(description="Those that are over, too.")] = False,
    limit: Limit = 100,
    after: Mark = None,
) -> schemas.Page[SilenceRecord]:
    """One page of silences: those in force and those to come."""
    now_ms = context.farm_view.now_ms()
    page = context.farm_view.silences.silences(now_ms, everything=over, after=after, limit=limit)
    return schemas.Page(
        at=rfc3339(now_ms), items=[_record(each, now_ms) for each in page.silences], next=page.next
    )


@router.post("/silences", summary="Silence alerts", status_code=HTTPStatus.CREATED, responses=_REFUSED)
def make_silence(context: Context, wanted: SilenceRequest, response: Response) -> SilenceAnswer:
    """What fires and matches meanwhile is recorded, and told when the silence is over and it still fires."""
    now_ms = context.farm_view.now_ms()
    from_ms = max(now_ms, instant_of("from", wanted.from_, where="body") or now_ms)
    made = context.farm_view.silences.make(
        {label.value: pattern for label, pattern in wanted.matchers.items()},
        from_ms=from_ms,
        to_ms=end_of(wanted.until, wanted.for_seconds, from_ms),
        who=context.settings.token_name,
        why=wanted.why,
        now_ms=now_ms,
    )
    response.headers["Location"] = f"{_LISTED}/{made.id}"
    return _answer(context, made)


@router.post("/silence-preview", summary="What a silence would be about", responses=_REFUSED)
def preview_silence(context: Context, wanted: PreviewRequest) -> schemas.Listing[schemas.AlertRecord]:
    """The alerts that fire and match, newest first. Nothing is changed."""
    found = context.farm_view.silences.caught({label.value: like for label, like in wanted.matchers.items()})
    return schemas.Listing(at=rfc3339(context.farm_view.now_ms()), items=context.farm_view.alerts(found))


@router.get("/silences/{silence}", summary="One silence", responses=NOT_FOUND)
def show_silence(context: Context, silence_id: SilenceId) -> SilenceAnswer:
    """A silence and the firing alerts that match it; none where it is over."""
    return _answer(context, _known(context, silence_id))


@router.delete("/silences/{silence}", summary="End a silence", responses=NOT_FOUND | _ENDED)
def end_silence(context: Context, silence_id: SilenceId, why: Reason = "") -> SilenceAnswer:
    """Now; what fires still is told. It stays in the list. 409 for one that is over."""
    _known(context, silence_id)
    ended = context.farm_view.silences.end(
        silence_id, who=context.settings.token_name, why=why, now_ms=context.farm_view.now_ms()
    )
    return _answer(context, ended)


def _known(context: ApiContext, silence_id: int) -> Silence:
    found = context.farm_view.silences.silence(silence_id)
    if found is None:
        raise not_found("silence", str(silence_id))
    return found


def _answer(context: ApiContext, silence: Silence) -> SilenceAnswer:
    now_ms = context.farm_view.now_ms()
    over = silence.over_ms <= now_ms
    found = (
        []
        if over
        else context.farm_view.silences.caught(
            {label.value: pattern for label, pattern in silence.matchers.items()}
        )
    )
    return SilenceAnswer(silence=_record(silence, now_ms), alerts=context.farm_view.alerts(found))


def _record(silence: Silence, now_ms: int) -> SilenceRecord:
    return SilenceRecord.model_validate(silence_record_at(silence, now_ms))
