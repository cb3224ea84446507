"""Which jobs are asked for, and a page of them."""

from collections.abc import Mapping, Sequence

import msgspec

from farm.model.job import Job
from farm.model.states import Outcome


class JobFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which jobs to list; unset means any. `since_ms` and `until_ms` bound the end, or the
    start of a job under way (one whose start is not known is never left out for it). Jobs
    under way come first, then the ended ones, each newest first; `after` is the opaque mark
    of the page before. With `inspected` only ended jobs with a verdict, or only those without;
    `says` are texts by `file`, `material`, `operator`, `spool` and `cause`, "" for those that say none.
    `open_only` and `ended_only` leave the others out.
    """

    printer_ids: Sequence[str] | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    outcomes: Sequence[Outcome] | None = None
    open_only: bool = False
    ended_only: bool = False
    inspected: bool | None = None
    file: str | None = None
    says: Mapping[str, Sequence[str]] = {}
    limit: int = 100
    after: str | None = None


class JobPage(msgspec.Struct, frozen=True):
    """One page of jobs and the mark of the next, None at the end."""

    jobs: list[Job]
    next: str | None
