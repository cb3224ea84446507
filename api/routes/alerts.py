"""Alerts with their evidence and deliveries, and the messages that had to be dropped."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query

from api import schemas, views
from api.context import Context
from api.parameters import (
    GroupNames,
    InstantText,
    Limit,
    Mark,
    Name,
    PrinterWords,
    chosen_printers,
    instant_of,
)
from api.problems import invalid
from farm.ledger.alert_store import AlertStore
from farm.ledger.page_marks import page_end, page_mark
from farm.model.alert import Alert, AlertFilter, AlertPage, AlertState
from farm.model.times import rfc3339

router = APIRouter(tags=["alerts"])

OPEN_FIRST = (AlertState.FIRING, AlertState.RESOLVED)


@router.get("/alerts", summary="Alerts, open ones first")
def list_alerts(
    context: Context,
    state: Annotated[AlertState | None, Query(description="Only open or only resolved ones.")] = None,
    rule: Annotated[list[Name] | None, Query(description="Only these rules. May be repeated.")] = None,
    printer: PrinterWords = None,
    group: GroupNames = None,
    since: InstantText = None,
    until: InstantText = None,
    limit: Limit = 100,
    after: Mark = None,
) -> schemas.Page[schemas.AlertRecord]:
    """One page of alerts: open ones first, then resolved ones, each newest first.

    `since` and `until` bound the time at which they fired.
    """
    wanted = AlertFilter(
        rules=rule,
        printer_ids=chosen_printers(context, printer, group),
        since_ms=instant_of("since", since),
        until_ms=instant_of("until", until),
        limit=limit,
    )
    states = OPEN_FIRST if state is None else (state,)
    page = _open_first(context.farm_view.alert_store, wanted, states, after)
    return schemas.Page(
        at=rfc3339(context.farm_view.now_ms()), items=context.farm_view.alerts(page.alerts), next=page.next
    )


@router.get("/faults", summary="Messages that had to be dropped")
def list_faults(context: Context) -> schemas.Listing[schemas.IntakeFaultCount]:
    """How often messages of each source were dropped, and why."""
    faults = context.farm_view.reader.faults()
    return schemas.Listing(
        at=rfc3339(context.farm_view.now_ms()), items=[views.fault_view(fault) for fault in faults]
    )


@router.get("/rejected-messages", summary="Messages that could not be digested, newest first")
def list_rejected_messages(
    context: Context,
    limit: Annotated[int, Query(description="At most so many.", ge=1, le=500)] = 100,
) -> schemas.Listing[schemas.RejectedMessageRecord]:
    """The messages put aside last, with the beginning of their bytes as text, without secrets."""
    messages = context.farm_view.reader.rejected_messages(limit)
    return schemas.Listing(
        at=rfc3339(context.farm_view.now_ms()), items=[views.rejected_view(each) for each in messages]
    )


class _Mark(msgspec.Struct, frozen=True, array_like=True):
    """Where a page of the open and the resolved ends: within the alerts of one state, or before its first."""

    state: AlertState
    mark: str | None


def _open_first(
    store: AlertStore, wanted: AlertFilter, states: tuple[AlertState, ...], after: str | None
) -> AlertPage:
    """A page that goes on from one state to the next."""
    first, mark = _place(states, after)
    found: list[Alert] = []
    for state in states[first:]:
        room = wanted.limit - len(found)
        if room == 0:
            return AlertPage(found, page_mark(_Mark(state, None)))
        page = store.alerts(msgspec.structs.replace(wanted, states=[state], limit=room, after=mark))
        found += page.alerts
        if page.next is not None:
            return AlertPage(found, page_mark(_Mark(state, page.next)))
        mark = None
    return AlertPage(found, None)


def _place(states: tuple[AlertState, ...], after: str | None) -> tuple[int, str | None]:
    if after is None:
        return 0, None
    end = page_end(after, _Mark, "alerts")
    if end.state not in states:
        raise invalid("after", after, "`next` of the page before")
    return states.index(end.state), end.mark
