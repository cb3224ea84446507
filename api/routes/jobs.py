"""Jobs: every attempt to print a file."""

from typing import Annotated

from fastapi import APIRouter, Query

from api import schemas
from api.context import Context
from api.parameters import (
    GroupNames,
    InstantText,
    JobWord,
    Limit,
    Mark,
    Name,
    PrinterWords,
    chosen_printers,
    instant_of,
    job_named,
)
from api.problems import NOT_FOUND
from farm.ledger.job_filter import JobFilter
from farm.model.states import Outcome
from farm.model.times import rfc3339

router = APIRouter(prefix="/jobs", tags=["jobs"])


@router.get("", summary="Jobs, those under way first")
def list_jobs(
    context: Context,
    printer: PrinterWords = None,
    group: GroupNames = None,
    outcome: Annotated[
        list[Outcome] | None, Query(description="Only jobs with these outcomes. May be repeated.")
    ] = None,
    since: InstantText = None,
    until: InstantText = None,
    file: Annotated[Name | None, Query(description="Only jobs of this file.")] = None,
    open_only: Annotated[bool, Query(alias="open", description="Only jobs under way.")] = False,
    inspected: Annotated[
        bool | None,
        Query(description="`true`: only jobs with a verdict; `false`: only ended jobs without one."),
    ] = None,
    limit: Limit = 100,
    after: Mark = None,
) -> schemas.Page[schemas.JobRecord]:
    """One page of jobs: those under way first, then the ended ones, each newest first.

    `since` and `until` bound the end, or the start of a job under way.
    """
    page = context.farm_view.reader.jobs(
        JobFilter(
            printer_ids=chosen_printers(context, printer, group),
            since_ms=instant_of("since", since),
            until_ms=instant_of("until", until),
            outcomes=outcome,
            open_only=open_only,
            file=file,
            inspected=inspected,
            limit=limit,
            after=after,
        ),
    )
    return schemas.Page(
        at=rfc3339(context.farm_view.now_ms()), items=context.farm_view.jobs(page.jobs), next=page.next
    )


@router.get("/{job}", summary="One job with its revisions and verdicts", responses=NOT_FOUND)
def show_job(context: Context, job: JobWord) -> schemas.JobDetail:
    """A job with everything that was changed about it, and every verdict on it, oldest first."""
    return context.farm_view.job_detail(job_named(context, job))
