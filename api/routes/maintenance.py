"""Planned maintenance: work for which printers need not be available."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from api import schemas
from api.calendar_schemas import MaintenanceAnswer, MaintenanceRecord, MaintenanceRequest
from api.context import ApiContext, Context
from api.parameters import InstantText, Limit, Mark, Name, Reason, instant_of, printer_named
from api.problems import NOT_FOUND, invalid, not_found, problem_answers
from api.routes.calendars import change_facts, changed_by
from api.routes.inputs import LARGEST_ID
from farm.kpi.calendar_record import maintenance_record
from farm.ledger.maintenance_store import MaintenanceFilter, PlannedChange
from farm.model.planned_maintenance import PlannedMaintenance
from farm.model.times import rfc3339

router = APIRouter(prefix="/maintenance", tags=["maintenance"])

_CHANGED = problem_answers(HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT)
_PLANNED = problem_answers(HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
_LISTED = "/api/v1/maintenance"

MaintenanceId = Annotated[
    int,
    Path(alias="maintenance", description="Number of the planned work.", ge=1, le=LARGEST_ID, examples=[3]),
]


@router.get("", summary="Planned work, planned last first", responses=NOT_FOUND)
def list_maintenance(
    context: Context,
    printer: Annotated[
        Name | None,
        Query(description="Only of this printer, by id or name: with that of its group and of the farm."),
    ] = None,
    group: Annotated[Name | None, Query(description="Only of this group.")] = None,
    since: InstantText = None,
    until: InstantText = None,
    withdrawn: Annotated[bool, Query(description="What was withdrawn, too.")] = False,
    limit: Limit = 100,
    after: Mark = None,
) -> schemas.Page[MaintenanceRecord]:
    """One page of planned work. Of it `since` leaves what ends later, `until` what begins earlier."""
    page = context.maintenance.entries(
        MaintenanceFilter(
            printer_id=None if printer is None else printer_named(context, printer).id,
            group=group,
            since_ms=instant_of("since", since),
            until_ms=instant_of("until", until),
            withdrawn=withdrawn,
            after=after,
            limit=limit,
        )
    )
    return schemas.Page(
        at=rfc3339(context.farm_view.now_ms()),
        items=[_record(context, each) for each in page.planned],
        next=page.next,
    )


@router.post("", summary="Plan work", status_code=HTTPStatus.CREATED, responses=_PLANNED)
def plan_maintenance(context: Context, wanted: MaintenanceRequest, response: Response) -> MaintenanceAnswer:
    """Of a printer, a group, or the whole farm. Work in the past restates it."""
    from_ms = instant_of("from", wanted.from_, where="body")
    to_ms = instant_of("until", wanted.until, where="body")
    done = context.maintenance.plan(
        changed_by(context, wanted.why),
        from_ms=from_ms or 0,
        to_ms=to_ms or 0,
        printer_id=None if wanted.printer is None else _printer_in_body(context, wanted.printer),
        group=wanted.group,
    )
    response.headers["Location"] = f"{_LISTED}/{done.planned.id}"
    return _answer(context, done)


@router.get("/{maintenance}", summary="One planned work", responses=NOT_FOUND)
def show_maintenance(context: Context, maintenance_id: MaintenanceId) -> MaintenanceRecord:
    """Planned work, also where it was withdrawn."""
    return _record(context, _planned(context, maintenance_id))


@router.delete("/{maintenance}", summary="Withdraw planned work", responses=NOT_FOUND | _CHANGED)
def withdraw_maintenance(
    context: Context, maintenance_id: MaintenanceId, why: Reason = ""
) -> MaintenanceAnswer:
    """It counts for no time any more, past or to come, and stays in the trail. 409 where it was withdrawn."""
    _planned(context, maintenance_id)
    return _answer(context, context.maintenance.withdraw(maintenance_id, changed_by(context, why)))


def _printer_in_body(context: ApiContext, word: str) -> str:
    known = [each for each in context.farm_view.labels().values() if not each.ignored]
    for printer in known:
        if word in (printer.id, printer.name):
            return printer.id
    names = [each.name for each in known]
    raise invalid("printer", word, "the printers of this farm", where="body", near=names)


def _planned(context: ApiContext, maintenance_id: int) -> PlannedMaintenance:
    planned = context.maintenance.entry(maintenance_id)
    if planned is None:
        raise not_found("planned work", str(maintenance_id))
    return planned


def _answer(context: ApiContext, done: PlannedChange) -> MaintenanceAnswer:
    return MaintenanceAnswer(maintenance=_record(context, done.planned), **change_facts([done.change]))


def _record(context: ApiContext, planned: PlannedMaintenance) -> MaintenanceRecord:
    printer = None if planned.printer_id is None else context.farm_view.labels()[planned.printer_id].name
    return MaintenanceRecord.model_validate(maintenance_record(planned, printer))
