"""Every error answer: problem details after RFC 9457, `application/problem+json`."""

import logging
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from http import HTTPStatus
from typing import Any, get_args

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match

from api.headers import SECURITY_HEADERS
from farm.errors import InfluxError, InputConflict, InvalidInput, InvalidQuery, LedgerError, LedgerUnreachable
from farm.model.operator_input import OperatorWord
from farm.outage import Outage

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
_TYPES = "urn:layerline:problem:"
_METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")
_INPUT_FIELDS = {
    "request_key": ("Idempotency-Key", "header"),
    "printer": ("printer", "path"),
    "job": ("job", "path"),
    "calendar": ("calendar", "path"),
    "maintenance": ("maintenance", "path"),
    "alert": ("alert", "path"),
    "silence": ("silence", "path"),
    "after": ("after", "query"),
}
"""Where a field stands in a request, where that is not the body."""

_WORDS_OF_THE_INBOX = frozenset(word.__struct_config__.tag for word in get_args(OperatorWord))


class FieldProblem(BaseModel):
    """What is wrong with one field of a request."""

    field: str = Field(examples=["outcome"])
    where: str = Field(description="`query`, `path`, `header` or `body`.", examples=["query"])
    value: str | None = Field(description="What was sent.", examples=["sucess"])
    allowed: str = Field(description="What would be taken.", examples=["succeeded, failed or cancelled"])


class Problem(BaseModel):
    """Problem details after RFC 9457."""

    type: str = Field(examples=["urn:layerline:problem:invalid-request"])
    title: str = Field(examples=["Invalid request"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["query parameter outcome: 'sucess' is not allowed"])
    errors: list[FieldProblem] = Field(default=[], description="Field by field, where fields are at fault.")


class ProblemError(Exception):
    """An answer that is a problem; raised by routes and by the gate."""

    def __init__(
        self,
        status: HTTPStatus,
        name: str,
        detail: str,
        errors: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.headers = dict(headers or {})
        title = name.replace("-", " ").capitalize()
        self.problem = Problem(
            type=_TYPES + name, title=title, status=status, detail=detail, errors=list(errors)
        )

    def response(self) -> JSONResponse:
        """The problem as an answer."""
        return JSONResponse(
            self.problem.model_dump(mode="json"), self.problem.status, self.headers, media_type=MEDIA_TYPE
        )


def not_found(what: str, name: str) -> ProblemError:
    """The answer 404 for a thing that is not there."""
    return ProblemError(HTTPStatus.NOT_FOUND, "not-found", f"there is no {what} {name[:200]!r}")


def invalid(
    field: str, value: str, allowed: str, *, where: str = "query", near: Sequence[str] = ()
) -> ProblemError:
    """The answer 422 for one field; `near` are names among which the nearest is offered."""
    close = get_close_matches(value, near, n=1, cutoff=0.6)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return ProblemError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "invalid-request",
        f"{where} parameter {field}: {value[:200]!r} is not allowed, only {allowed}{hint}",
        [FieldProblem(field=field, where=where, value=value[:200], allowed=allowed)],
    )


def refuse_unknown_parameters(request: Request) -> None:
    """Raises ProblemError for a query parameter that the route does not know.

    A misspelt filter that is passed over would answer another question than was asked.
    """
    route = request.scope["route"]
    known = [field.alias for field in _query_fields(route.dependant)]
    for name in request.query_params:
        if name not in known:
            allowed = f"the parameters {', '.join(known)}" if known else "no parameters"
            raise ProblemError(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "invalid-request",
                f"query parameter {name[:100]!r} is unknown here, only {allowed}"
                + "".join(f"; did you mean {near!r}?" for near in get_close_matches(name, known, n=1)),
                [FieldProblem(field=name[:100], where="query", value=None, allowed=allowed)],
            )


def _query_fields(dependant: Any) -> list[Any]:
    nested = [field for inner in dependant.dependencies for field in _query_fields(inner)]
    return [*dependant.query_params, *nested]


def install_problem_answers(app: FastAPI, outage: Outage) -> None:
    """Makes every error of `app` a problem answer; `outage` says once that the ledger is away."""

    @app.exception_handler(ProblemError)
    def _api_problem(_request: Request, error: ProblemError) -> JSONResponse:
        return error.response()

    @app.exception_handler(RequestValidationError)
    def _invalid_request(_request: Request, error: RequestValidationError) -> JSONResponse:
        fields = [_field_problem(entry) for entry in error.errors()]
        detail = "; ".join(f"{each.where} parameter {each.field}: {each.allowed}" for each in fields)
        return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request", detail, fields).response()

    @app.exception_handler(InputConflict)
    def _input_conflict(request: Request, error: InputConflict) -> JSONResponse:
        return _input_problem(request, HTTPStatus.CONFLICT, "conflict", error)

    @app.exception_handler(InvalidInput)
    def _invalid_input(request: Request, error: InvalidInput) -> JSONResponse:
        return _input_problem(request, HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request", error)

    @app.exception_handler(InvalidQuery)
    def _invalid_query(_request: Request, error: InvalidQuery) -> JSONResponse:
        return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request", str(error)).response()

    @app.exception_handler(HTTPException)
    def _http_error(request: Request, error: HTTPException) -> JSONResponse:
        status = HTTPStatus(error.status_code)
        name = status.phrase.lower().replace(" ", "-")
        detail = f"{request.method} {request.url.path[:200]}: {status.phrase}"
        headers = dict(error.headers or {})
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(_allowed_methods(request))
        return ProblemError(status, name, detail, headers=headers).response()

    @app.exception_handler(InfluxError)
    def _influx_error(request: Request, error: InfluxError) -> JSONResponse:
        log.warning("%s: InfluxDB cannot be read: %s", request.url.path, error)
        detail = "InfluxDB cannot be read at present; ask for a window that the ledger still keeps"
        return ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, "history-unavailable", detail).response()

    @app.exception_handler(LedgerError)
    def _ledger_error(request: Request, error: LedgerError) -> JSONResponse:
        if isinstance(error, LedgerUnreachable):
            outage.failed(error, f"{request.url.path} and others cannot be answered")
        else:
            log.error("%s: the ledger cannot be read: %s", request.url.path, error)
        detail = "the ledger cannot be read at present"
        return ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, "ledger-unavailable", detail).response()

    @app.exception_handler(Exception)
    def _unforeseen(_request: Request, _error: Exception) -> JSONResponse:
        # The server logs the traceback. This answer passes no middleware, so it brings its headers.
        detail = "an error that was not foreseen; the log has it"
        return ProblemError(
            HTTPStatus.INTERNAL_SERVER_ERROR, "internal-error", detail, headers=SECURITY_HEADERS
        ).response()


def _allowed_methods(request: Request) -> list[str]:
    """The methods of all routes of the path; the router itself names those of one of them."""
    routes = request.app.router.routes
    return [
        method
        for method in _METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    ]


def _input_problem(request: Request, status: HTTPStatus, name: str, error: InvalidInput) -> JSONResponse:
    elsewhere = "query" if error.field in request.query_params else "body"
    field, where = _INPUT_FIELDS.get(error.field, (error.field, elsewhere))
    if where == "path" and field not in request.path_params:
        where = "body"
    problem = FieldProblem(field=field, where=where, value=_writable(error.value), allowed=error.remedy)
    return ProblemError(status, name, f"{where} parameter {field}: {error.remedy}", [problem]).response()


def _field_problem(entry: Mapping[str, Any]) -> FieldProblem:
    where, *field = (str(part) for part in entry["loc"])
    if where == "body" and len(field) > 1 and field[0] in _WORDS_OF_THE_INBOX:
        del field[0]  # the `what` by which the body was told from others
    context = entry.get("ctx", {})
    allowed = str(context.get("expected") or context.get("error") or entry["msg"])
    value = entry.get("input")
    return FieldProblem(
        field=".".join(field) or where,
        where=where,
        value=None if entry["type"] == "missing" else _writable(str(value)[:200]),
        allowed=allowed.removeprefix("Input should be ").removeprefix("Value error, "),
    )


def _writable(text: str) -> str:
    """The text with what cannot stand in UTF-8, half a pair of surrogates, spelled out."""
    return text.encode("utf-8", "backslashreplace").decode()


def problem_answers(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """What a route documents about its problem answers."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        int(status): {"description": status.phrase, "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in statuses
    }


NOT_FOUND = problem_answers(HTTPStatus.NOT_FOUND)
"""What a route documents that asks for one thing by name."""
