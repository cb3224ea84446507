"""Who is meant by the id of a figure: which printers, and which of their jobs."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from farm.errors import TruthError
from farm.kpi.figure import KpiFigure
from farm.model.printer import Printer
from farm.model.times import SECOND_MS
from simulators.recount.true_jobs import TrueJob
from simulators.truth import PrinterTruth


class Berth(msgspec.Struct, frozen=True):
    """A printer as the truth has it, and as the ledger knows it."""

    true: PrinterTruth
    known: Printer


Whose = Callable[[KpiFigure, Berth], bool]
Which = Callable[[TrueJob, ZoneInfo], str]

BY_PRINTER: Final[Mapping[str, Whose]] = {
    "farm": lambda _figure, _berth: True,
    "group": lambda figure, berth: (berth.true.group or "") == figure.scope_id,
    "printer": lambda figure, berth: berth.known.id == figure.scope_id,
    "model": lambda figure, berth: (berth.known.model or "") == figure.scope_id,
    "site": lambda figure, berth: (berth.known.site or "") == figure.scope_id,
}
"""By the scope's word, for scopes that hold whole printers: whether the printer belongs to the figure's."""

BY_JOB: Final[Mapping[str, Which]] = {
    "file": lambda job, _: job.file or "",
    "material": lambda job, _: job.material or "",
    "operator": lambda job, _: job.operator or "",
    "spool": lambda job, _: job.spool or "",
    "cause": lambda job, _: job.cause or "",
    "hour": lambda job, zone: str(_ended(job, zone).hour),
    "weekday": lambda job, zone: str(_ended(job, zone).isoweekday()),
}
"""By the scope's word, for scopes that hold jobs of all printers: the id of the figure that the job is in."""


def _ended(job: TrueJob, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(job.counts_ms / SECOND_MS, zone)


def see_that_scope_is_known(scope: str) -> None:
    """Raises TruthError for a scope of which nobody said what is true of it."""
    if scope not in BY_PRINTER and scope not in BY_JOB:
        raise TruthError(f"scope {scope!r}: simulators/recount/subjects.py does not say who belongs to it")


def printers_of(figure: KpiFigure, berths: Sequence[Berth]) -> list[Berth]:
    """The printers whose hours count in the figure; none where it is of jobs alone."""
    belongs = BY_PRINTER.get(figure.scope)
    return [] if belongs is None else [berth for berth in berths if belongs(figure, berth)]


def jobs_by_subject(scope: str, jobs: Iterable[TrueJob], zone: ZoneInfo) -> dict[str, list[TrueJob]]:
    """The jobs by the id of the figure that they are in, for a scope that holds jobs of all printers."""
    found: dict[str, list[TrueJob]] = defaultdict(list)
    for job in jobs:
        found[BY_JOB[scope](job, zone)].append(job)
    return found
