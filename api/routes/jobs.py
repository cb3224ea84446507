"""Jobs: every attempt to print a file."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

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
    is_uuid,
)
from api.problems import NOT_FOUND, not_found
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
            limit=limit,
            after=after,
        ),
    )
    return schemas.Page(
        at=rfc3339(context.farm_view.now_ms()), items=context.farm_view.jobs(page.jobs), next=page.next
    )


@router.get("/{job}", summary="One job with its revisions", responses=NOT_FOUND)
def show_job(
    context: Context, job: Annotated[str, Path(description="Id of the job.", examples=[schemas.JOB_ID])]
) -> schemas.JobDetail:
    """A job and everything that was changed about it, oldest first."""
    reader = context.farm_view.reader
    found = reader.job(job) if is_uuid(job) else None
    if found is None:
        raise not_found("job", job)
    return views.job_detail(found, context.farm_view.labels(), reader.revisions(found.id))
