"""Query and path parameters that several routes share, and what they mean."""

import re
from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends, Path, Query

from api.context import ApiContext, Context
from api.problems import invalid, not_found
from api.schemas import JOB_ID
from farm.errors import InvalidQuery
from farm.figures.engine import MOST_SUBJECTS
from farm.kpi.selection import Selection
from farm.kpi.subjects import MOST_SCOPES, SCOPES_PATTERN, Scope, Scopes, parse_scopes
from farm.kpi.windows import ALLOWED_FORMS, WINDOW_PATTERN, Window
from farm.model import limits
from farm.model.job import Job
from farm.model.printer import Printer
from farm.model.printer_status import PrinterStatus
from farm.model.times import parse_rfc3339

LATEST_MS = 7_258_118_400_000
"""The year 2200: no question reaches beyond it."""
UUID_PATTERN = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_UUID = re.compile(UUID_PATTERN)
PLAIN = r"^[^\x00]*$"
"""A regular expression for what every database can compare with."""

Name = Annotated[str, Query(max_length=512, pattern=PLAIN)]
WindowText = Annotated[
    str,
    Query(
        description="`1h`, `8h`, `24h`, `7d`, `30d` or another length (`90m`, `2d`, `2w`), `today`, "
        "`yesterday`, `week`, `month`, a day (`2026-11-01`), or `FROM..TO` with two RFC 3339 times or days.",
        max_length=100,
        examples=["24h"],
        json_schema_extra={"pattern": WINDOW_PATTERN},
    ),
]
PrinterWords = Annotated[
    list[Name] | None,
    Query(alias="printer", description="Only these printers, by id or name. May be repeated."),
]
GroupNames = Annotated[
    list[Name] | None,
    Query(
        alias="group",
        description="Only printers of these groups; empty for those without one. May be repeated.",
    ),
]
ModelNames = Annotated[
    list[Name] | None,
    Query(
        alias="model",
        description="Only printers of these models; empty for those without one. May be repeated.",
    ),
]
Text = Annotated[str, Query(max_length=4096, pattern=PLAIN)]
FileNames = Annotated[
    list[Text] | None,
    Query(
        alias="file",
        description="Only prints of these files; empty for those that name none. May be repeated. With "
        "files, materials or operators the figures are of prints, and what needs hours has no data.",
    ),
]
MaterialNames = Annotated[
    list[Name] | None,
    Query(
        alias="material",
        description="Only prints from these materials; empty for those that say none. May be repeated.",
    ),
]
OperatorNames = Annotated[
    list[Name] | None,
    Query(
        alias="operator",
        description="Only prints of these operators; empty for those that name none. May be repeated.",
    ),
]
SpoolNames = Annotated[
    list[Name] | None,
    Query(
        alias="spool",
        description="Only prints from these spools; empty for those that name none. May be repeated.",
    ),
]
ScopeWords = Annotated[
    str,
    Query(
        description=f"For each of what: {', '.join(Scope)}; or of up to {MOST_SCOPES} together, with commas "
        "between (`file,material`). By file, material, operator, spool, cause, hour and weekday the "
        "figures are of the prints that ended, and what needs the hours of printers has no data.",
        max_length=100,
        examples=["farm", "file,material"],
        json_schema_extra={"pattern": SCOPES_PATTERN},
    ),
]
SubjectLimit = Annotated[
    int,
    Query(
        description="By file, material and so on at most so many are told, those with the most prints; "
        "`left_out` says how many were not.",
        ge=1,
        le=MOST_SUBJECTS,
    ),
]
Mark = Annotated[
    str | None,
    Query(description="`next` of the page before.", max_length=512, pattern=PLAIN),
]
Limit = Annotated[int, Query(description="Items on one page.", ge=1, le=1000)]
InstantText = Annotated[
    str | None,
    Query(
        description="RFC 3339 instant with its offset from UTC.",
        max_length=64,
        examples=["2026-11-22T00:00:00Z"],
        json_schema_extra={"format": "date-time"},
    ),
]
Reason = Annotated[
    str,
    Query(
        description="The reason, kept in the trail.",
        max_length=limits.WHY.length,
        pattern=PLAIN,
        examples=["one shift only"],
    ),
]
PrinterWord = Annotated[
    str, Path(description="Id or name of the printer.", max_length=512, examples=["bay1"])
]

JobWord = Annotated[str, Path(description="Id of the job.", examples=[JOB_ID])]


def window_of(context: ApiContext, text: str, now_ms: int) -> Window:
    """The part of the window that has passed at `now_ms`. Raises ProblemError where `text` names none."""
    return whole_window_of(context, text, now_ms).until(now_ms)


def whole_window_of(context: ApiContext, text: str, now_ms: int) -> Window:
    """The window that `text` names at `now_ms`, also what lies ahead. Raises ProblemError for no window."""
    try:
        window = context.kpi_engine.window(text, now_ms)
    except (InvalidQuery, ValueError, OverflowError) as error:
        raise invalid("window", text, ALLOWED_FORMS) from error
    if window.from_ms < 0 or window.to_ms > LATEST_MS:
        raise invalid("window", text, "times from 1970 to 2200")
    return window


def instant_of(field: str, text: str | None, *, where: str = "query") -> int | None:
    """Milliseconds since 1970 of an instant, None for none. Raises ProblemError for any other text."""
    if text is None:
        return None
    try:
        at_ms = parse_rfc3339(text)
    except (ValueError, OverflowError) as error:
        raise invalid(field, text, "an RFC 3339 instant such as 2026-11-22T00:00:00Z", where=where) from error
    if not 0 <= at_ms <= LATEST_MS:
        raise invalid(field, text, "a time from 1970 to 2200", where=where)
    return at_ms


def scopes_of(text: str) -> Scopes:
    """The scopes that `by` names. Raises ProblemError for a text that names none."""
    try:
        return parse_scopes(text)
    except InvalidQuery as error:
        allowed = f"one of {', '.join(Scope)}, or up to {MOST_SCOPES} of them with commas between"
        raise invalid("by", text, allowed, near=list(Scope)) from error


def chosen_printers(
    context: ApiContext, words: Sequence[str] | None, groups: Sequence[str] | None
) -> list[str] | None:
    """Ids of the printers that match, None for all. Raises ProblemError for a name that there is not."""
    if words is None and groups is None:
        return None
    chosen = [printer for printer in context.farm_view.labels().values() if not printer.ignored]
    if words is not None:
        _all_known("printer", words, [name for each in chosen for name in (each.name, each.id)])
        chosen = [each for each in chosen if each.id in words or each.name in words]
    if groups is not None:
        _all_known("group", groups, [each.group or "" for each in context.farm_view.labels().values()])
        chosen = [each for each in chosen if (each.group or "") in groups]
    return [printer.id for printer in chosen]


def _selection(
    context: Context,
    printer: PrinterWords = None,
    group: GroupNames = None,
    model: ModelNames = None,
    file: FileNames = None,
    material: MaterialNames = None,
    operator: OperatorNames = None,
    spool: SpoolNames = None,
) -> Selection:
    return Selection(
        printers=_names(chosen_printers(context, printer, group)),
        models=_names(model),
        files=_names(file),
        materials=_names(material),
        operators=_names(operator),
        spools=_names(spool),
    )


Wanted = Annotated[Selection, Depends(_selection)]
"""The printers and prints that are asked for; a printer or group that there is not is a problem."""


def _names(asked: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if asked is None else tuple(asked)


def _all_known(field: str, asked: Sequence[str], known: Sequence[str]) -> None:
    for name in asked:
        if name not in known:
            raise invalid(field, name, f"the {field}s of this farm", near=known)


def printer_named(context: ApiContext, word: str) -> Printer:
    """The printer of that id or name. Raises ProblemError when there is none."""
    for printer in context.farm_view.labels().values():
        if word in (printer.id, printer.name):
            return printer
    raise not_found("printer", word)


def job_named(context: ApiContext, job_id: str) -> Job:
    """The job of that id. Raises ProblemError when there is none."""
    found = context.farm_view.reader.job(job_id) if is_uuid(job_id) else None
    if found is None:
        raise not_found("job", job_id)
    return found


def status_named(context: ApiContext, word: str) -> PrinterStatus:
    """How the printer of that id or name stands. Raises ProblemError when there is none."""
    printer = printer_named(context, word)
    statuses = context.farm_view.reader.statuses([printer.id])
    if not statuses:
        raise not_found("printer", word)
    return statuses[0]


def is_uuid(text: str) -> bool:
    """Whether the text can be an id of ours."""
    return _UUID.fullmatch(text) is not None
