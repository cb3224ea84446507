"""Calendars: when the shop is open, and for which printers."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path

from api import schemas
from api.calendar_schemas import CalendarAnswer, CalendarChangeRecord, CalendarRecord, CalendarRequest
from api.context import ApiContext, Context
from api.parameters import PLAIN, Limit, Mark, Reason
from api.problems import NOT_FOUND, invalid, not_found, problem_answers
from farm.errors import InvalidInput
from farm.kpi.calendar import ShopCalendar
from farm.ledger.calendar_records import change_record, known_calendar_record, restated_since
from farm.ledger.calendar_store import KnownCalendar
from farm.model import limits
from farm.model.calendar_change import CalendarChange, ChangedBy
from farm.model.times import rfc3339, rfc3339_or_none

router = APIRouter(prefix="/calendars", tags=["calendars"])

_CHANGED = problem_answers(
    HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE
)
CalendarName = Annotated[
    str,
    Path(
        alias="calendar",
        description="Name of the calendar.",
        max_length=limits.CALENDAR.length,
        pattern=PLAIN,
        examples=["shop"],
    ),
]


@router.get("", summary="Calendars, and for which printers each holds")
def list_calendars(context: Context) -> schemas.Listing[CalendarRecord]:
    """All calendars by name, those of the configuration file too. Without one the shop is always open."""
    return schemas.Listing(
        at=rfc3339(context.farm_view.now_ms()),
        items=[_record(context, each) for each in context.calendars.calendars()],
    )


@router.get("/{calendar}", summary="One calendar", responses=NOT_FOUND)
def show_calendar(context: Context, name: CalendarName) -> CalendarRecord:
    """A calendar and for which printers it holds."""
    return _record(context, _known(context, name))


@router.put("/{calendar}", summary="Make a calendar, or put another in its place", responses=_CHANGED)
def put_calendar(context: Context, name: CalendarName, wanted: CalendarRequest) -> CalendarAnswer:
    """Takes effect at once and restates the past, `restates_from` says from when on. 409 for the file's."""
    changes = context.calendars.set_calendar(
        _calendar(name, wanted),
        changed_by(context, wanted.why),
        groups=wanted.groups,
        default=wanted.default,
        version=wanted.version,
    )
    return CalendarAnswer(calendar=_record(context, _known(context, name)), **change_facts(changes))


@router.delete("/{calendar}", summary="Take a calendar away", responses=NOT_FOUND | _CHANGED)
def remove_calendar(context: Context, name: CalendarName, why: Reason = "") -> CalendarAnswer:
    """Its printers are as if they had never had it; the trail keeps what it was. 409 for one of the file."""
    _known(context, name)
    changes = context.calendars.remove_calendar(name, changed_by(context, why))
    return CalendarAnswer(calendar=None, **change_facts(changes))


@router.get("/{calendar}/changes", summary="Who changed a calendar, newest first", responses=NOT_FOUND)
def list_changes(
    context: Context, name: CalendarName, limit: Limit = 100, after: Mark = None
) -> schemas.Page[CalendarChangeRecord]:
    """One page of the trail: who, when, why, before and after. That of a removed calendar is there too."""
    page = context.calendar_trail.changes(calendar=name, after=after, limit=limit)
    if not page.changes and after is None:
        _known(context, name)
    return schemas.Page(
        at=rfc3339(context.farm_view.now_ms()),
        items=[CalendarChangeRecord.model_validate(change_record(each)) for each in page.changes],
        next=page.next,
    )


def changed_by(context: ApiContext, why: str) -> ChangedBy:
    """Whoever holds the token makes the change, at the ledger's present."""
    return ChangedBy(context.settings.token_name, why, context.farm_view.now_ms())


def change_facts(changes: list[CalendarChange]) -> dict[str, Any]:
    """The fields of a `ChangeAnswer`."""
    return {
        "restates_from": rfc3339_or_none(restated_since(changes)),
        "changes": [CalendarChangeRecord.model_validate(change_record(each)) for each in changes],
    }


def _calendar(name: str, wanted: CalendarRequest) -> ShopCalendar:
    try:
        return wanted.calendar(name)
    except InvalidInput as error:
        if error.field == "name":
            raise invalid("calendar", name, error.remedy, where="path") from error
        raise


def _known(context: ApiContext, name: str) -> KnownCalendar:
    known = context.calendars.known(name)
    if known is None:
        raise not_found("calendar", name)
    return known


def _record(context: ApiContext, known: KnownCalendar) -> CalendarRecord:
    return CalendarRecord.model_validate(known_calendar_record(known, context.calendars.zone))
