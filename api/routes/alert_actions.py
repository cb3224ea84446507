"""What people do about alerts: they acknowledge them, resolve them by hand, and it is kept who did."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query

from api import schemas
from api.alert_schemas import (
    ALERT_ID,
    AcknowledgementRequest,
    AcknowledgementsRequest,
    AlertActionRecord,
    ResolutionRequest,
)
from api.context import ApiContext, Context
from api.parameters import PLAIN, Limit, Mark, instant_of, is_uuid
from api.problems import NOT_FOUND, invalid, not_found, problem_answers
from api.routes.inputs import LARGEST_ID
from farm.ledger.alert_trail import AlertTrail
from farm.model import limits
from farm.model.acknowledgement import USUAL_MS
from farm.model.alert import Alert
from farm.model.alert_record import alert_action_record
from farm.model.times import SECOND_MS, rfc3339

router = APIRouter(tags=["alerts"])

_REFUSED = problem_answers(
    HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE
)
AlertWord = Annotated[str, Path(alias="alert", description="Id of the alert.", examples=[ALERT_ID])]


@router.post(
    "/alerts/{alert}/acknowledgement", summary="Say that you see to an alert", responses=NOT_FOUND | _REFUSED
)
def acknowledge_alert(
    context: Context, alert_id: AlertWord, said: AcknowledgementRequest
) -> schemas.AlertRecord:
    """It is not repeated until then; that it is resolved is told all the same. 409 for one that is."""
    alert = alert_named(context, alert_id)
    _acknowledge(context, [alert.id], said)
    return _record(context, alert.id)


@router.delete("/alerts/{alert}/acknowledgement", summary="Take it back", responses=NOT_FOUND | _REFUSED)
def unacknowledge_alert(
    context: Context,
    alert_id: AlertWord,
    note: Annotated[str, Query(description="Why.", max_length=limits.NOTE.length, pattern=PLAIN)] = "",
) -> schemas.AlertRecord:
    """It is repeated again, at once where that is due. 409 where no acknowledgement holds."""
    alert, now_ms = alert_named(context, alert_id), context.farm_view.now_ms()
    context.farm_view.acknowledgements.take_back(
        [alert.id], who=context.settings.token_name, note=note, now_ms=now_ms
    )
    return _record(context, alert.id)


@router.post("/acknowledgements", summary="Say that you see to many alerts", responses=_REFUSED)
def acknowledge_alerts(
    context: Context, said: AcknowledgementsRequest
) -> schemas.Listing[schemas.AlertRecord]:
    """All of them are acknowledged, or none; the alerts in the order in which they were sent."""
    _acknowledge(context, said.alerts, said)
    found = context.farm_view.alert_store.alerts_by_id(said.alerts)
    return schemas.Listing(at=rfc3339(context.farm_view.now_ms()), items=context.farm_view.alerts(found))


@router.post("/alerts/{alert}/resolution", summary="Resolve an alert by hand", responses=NOT_FOUND | _REFUSED)
def resolve_alert(context: Context, alert_id: AlertWord, said: ResolutionRequest) -> schemas.AlertRecord:
    """The same evidence does not open it again; another failed print does. 409 for one that is resolved."""
    alert, now_ms = alert_named(context, alert_id), context.farm_view.now_ms()
    context.farm_view.acknowledgements.close(
        [alert.id], who=context.settings.token_name, why=said.why, now_ms=now_ms
    )
    return _record(context, alert.id)


@router.get("/alert-actions", summary="What people did about alerts, newest first")
def list_alert_actions(
    context: Context,
    alert: Annotated[
        str | None, Query(description="Only about this alert.", max_length=64, pattern=PLAIN)
    ] = None,
    silence: Annotated[int | None, Query(description="Only this silence.", ge=1, le=LARGEST_ID)] = None,
    limit: Limit = 100,
    after: Mark = None,
) -> schemas.Page[AlertActionRecord]:
    """One page of the trail: who, when, why, before and after."""
    trail = AlertTrail(context.farm_view.reader.engine)
    page = trail.actions(alert_id=alert, silence_id=silence, after=after, limit=limit)
    return schemas.Page(
        at=rfc3339(context.farm_view.now_ms()),
        items=[AlertActionRecord.model_validate(alert_action_record(each)) for each in page.actions],
        next=page.next,
    )


def alert_named(context: ApiContext, alert_id: str) -> Alert:
    """The alert of that id. Raises ProblemError when there is none."""
    found = context.farm_view.alert_store.alert(alert_id) if is_uuid(alert_id) else None
    if found is None:
        raise not_found("alert", alert_id)
    return found


def end_of(until: str | None, for_seconds: int | None, begin_ms: int, usual_ms: int | None = None) -> int:
    """When it ends (ms) that begins then. Raises ProblemError where that is said twice, or not at all."""
    given = 2 - [until, for_seconds].count(None)
    if given > 1 or (given == 0 and usual_ms is None):
        raise invalid("until", until or "", "either `until` or `for_seconds`", where="body")
    until_ms = instant_of("until", until, where="body")
    if until_ms is not None:
        return until_ms
    return begin_ms + ((usual_ms or 0) if for_seconds is None else for_seconds * SECOND_MS)


def _acknowledge(context: ApiContext, alert_ids: list[str], said: AcknowledgementRequest) -> None:
    now_ms = context.farm_view.now_ms()
    context.farm_view.acknowledgements.acknowledge(
        alert_ids,
        who=context.settings.token_name,
        note=said.note,
        until_ms=end_of(said.until, said.for_seconds, now_ms, USUAL_MS),
        now_ms=now_ms,
    )


def _record(context: ApiContext, alert_id: str) -> schemas.AlertRecord:
    (record,) = context.farm_view.alerts([alert_named(context, alert_id)])
    return record
