"""The inbox: what people say of printers and jobs, and what became of it."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Response

from api import schemas
from api.context import ApiContext, Context
from api.parameters import JobWord, Limit, Mark, PrinterWord, instant_of, job_named, printer_named
from api.problems import NOT_FOUND, not_found, problem_answers
from api.said import SaidForWhen, SaidOfJob, SaidOfPrinter, SaidRequest
from farm.model.input_record import input_record
from farm.model.operator_input import OperatorInput
from farm.model.times import rfc3339

router = APIRouter(tags=["inbox"])

LARGEST_ID = 2**63 - 1
_ANSWERS = problem_answers(
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.CONFLICT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
)
_LISTED = "/api/v1/inputs"

RequestKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="The same key with the same words gives the same entry, however often it is sent.",
        max_length=128,
        examples=["3f0e5b0e-9a51-9f2f"],
    ),
]


@router.post(
    "/printers/{printer}/inputs",
    summary="Say something of a printer",
    status_code=HTTPStatus.ACCEPTED,
    responses=_ANSWERS,
)
def say_of_printer(
    context: Context,
    printer: PrinterWord,
    said: SaidOfPrinter,
    response: Response,
    request_key: RequestKey = None,
) -> schemas.InputRecord:
    """A state, a name, or that the printer is gone: an entry of the inbox.

    The collector that holds the printer works it in, mostly within a second; `Location` is
    where its answer can be asked for.
    """
    return _said(context, printer_named(context, printer).id, None, said, request_key, response)


@router.post(
    "/jobs/{job}/inputs",
    summary="Say something of a job",
    status_code=HTTPStatus.ACCEPTED,
    responses=_ANSWERS,
)
def say_of_job(
    context: Context, job: JobWord, said: SaidOfJob, response: Response, request_key: RequestKey = None
) -> schemas.InputRecord:
    """What became of a job, what it was, or a note: an entry of the inbox, as for a printer."""
    found = job_named(context, job)
    return _said(context, found.printer_id, found.id, said, request_key, response)


@router.get("/inputs", summary="What people said, newest first", responses=NOT_FOUND)
def list_inputs(
    context: Context,
    printer: Annotated[
        str | None, Query(description="Only of this printer and its jobs: id or name.", max_length=512)
    ] = None,
    job: Annotated[str | None, Query(description="Only of this job, by id.", max_length=64)] = None,
    limit: Limit = 100,
    after: Mark = None,
) -> schemas.Page[schemas.InputRecord]:
    """One page of the trail: who said what, when, for when and why, and what the collector answered."""
    page = context.inbox.inputs(
        printer_id=None if printer is None else printer_named(context, printer).id,
        job_id=None if job is None else job_named(context, job).id,
        after=after,
        limit=limit,
    )
    names = {each.id: each.name for each in context.farm_view.labels().values()}
    return schemas.Page(
        at=rfc3339(context.farm_view.now_ms()),
        items=[_record(each, names[each.printer_id]) for each in page.inputs],
        next=page.next,
    )


@router.get("/inputs/{input}", summary="One entry with its answer", responses=NOT_FOUND)
def show_input(
    context: Context,
    input_id: Annotated[
        int, Path(alias="input", description="Number of the entry.", ge=1, le=LARGEST_ID, examples=[17])
    ],
) -> schemas.InputRecord:
    """What was said, whether the collector has worked it in, and its answer."""
    found = context.inbox.input(input_id)
    if found is None:
        raise not_found("entry", str(input_id))
    return _record(found, context.farm_view.labels()[found.printer_id].name)


def _said(
    context: ApiContext,
    printer_id: str,
    job_id: str | None,
    said: SaidOfPrinter | SaidOfJob,
    request_key: str | None,
    response: Response,
) -> schemas.InputRecord:
    entry = context.inbox.append_input(
        said.word(),
        printer_id=printer_id,
        job_id=job_id,
        who=context.settings.token_name,
        why=said.why,
        for_ms=_for_when(said),
        now_ms=context.farm_view.now_ms(),
        request_key=request_key,
    )
    response.headers["Location"] = f"{_LISTED}/{entry.id}"
    return _record(entry, context.farm_view.labels()[printer_id].name)


def _for_when(said: SaidRequest) -> int | None:
    return instant_of("for", said.for_, where="body") if isinstance(said, SaidForWhen) else None


def _record(said: OperatorInput, printer: str) -> schemas.InputRecord:
    return schemas.InputRecord.model_validate(input_record(said, printer))
