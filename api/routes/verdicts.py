"""Verdicts: what people found who inspected jobs that had ended."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Response

from api import schemas, views
from api.context import Context
from api.parameters import JobWord, Limit, Mark, job_named
from api.problems import not_found, problem_answers
from api.said import SaidVerdict, SaidVerdicts
from farm.model import limits
from farm.model.times import rfc3339

router = APIRouter(tags=["verdicts"])

_REFUSED = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.CONFLICT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
)
_ANSWERS = problem_answers(HTTPStatus.NOT_FOUND, *_REFUSED)


@router.put("/jobs/{job}/verdict", summary="Say what was found when a job was inspected", responses=_ANSWERS)
def give_verdict(context: Context, job: JobWord, said: SaidVerdict) -> schemas.VerdictRecord:
    """The verdict that holds from now on, in the place of the one before; the same again changes nothing."""
    (verdict,) = context.farm_view.verdict_store.give(
        [said.inspection(job_named(context, job).id)],
        who=context.settings.token_name,
        now_ms=context.farm_view.now_ms(),
    )
    return views.verdict_view(verdict)


@router.delete(
    "/jobs/{job}/verdict",
    summary="Withdraw the verdict on a job",
    status_code=HTTPStatus.NO_CONTENT,
    responses=_ANSWERS,
)
def withdraw_verdict(
    context: Context,
    job: JobWord,
    note: Annotated[str, Query(description="Why.", max_length=limits.NOTE.length)] = "",
) -> Response:
    """Nobody has inspected the job then; what was said stays in its `verdicts`."""
    store, job_id = context.farm_view.verdict_store, job_named(context, job).id
    if job_id not in store.verdicts([job_id]):
        raise not_found("verdict on the job", job_id)
    store.withdraw([job_id], who=context.settings.token_name, note=note, now_ms=context.farm_view.now_ms())
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post(
    "/verdicts", summary="Say what was found of many jobs at once", responses=problem_answers(*_REFUSED)
)
def give_verdicts(context: Context, said: SaidVerdicts) -> schemas.Listing[schemas.VerdictRecord]:
    """The verdicts in the order in which they were sent: all of them are kept, or none."""
    now_ms = context.farm_view.now_ms()
    given = context.farm_view.verdict_store.give(
        [each.inspection(each.job) for each in said.verdicts],
        who=context.settings.token_name,
        now_ms=now_ms,
    )
    return schemas.Listing(at=rfc3339(now_ms), items=[views.verdict_view(verdict) for verdict in given])


@router.get("/verdicts", summary="Every verdict that was given or withdrawn, newest first")
def list_verdicts(
    context: Context, limit: Limit = 100, after: Mark = None
) -> schemas.Page[schemas.VerdictChangeRecord]:
    """One page of the trail; also of jobs that later evidence showed never to have been."""
    page = context.farm_view.verdict_store.trail_of_all(after=after, limit=limit)
    return schemas.Page(
        at=rfc3339(context.farm_view.now_ms()),
        items=[views.verdict_change_view(change) for change in page.changes],
        next=page.next,
    )
