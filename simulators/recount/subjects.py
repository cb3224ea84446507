"""Who is meant by the id of a figure: which printers, and which of their jobs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from farm.errors import TruthError
from farm.kpi.figure import KpiFigure
from farm.model.printer import Printer
from simulators.recount.true_jobs import TrueJob
from simulators.truth import PrinterTruth


class Berth(msgspec.Struct, frozen=True):
    """A printer as the truth has it, and as the ledger knows it."""

    true: PrinterTruth
    known: Printer


Whose = Callable[[KpiFigure, Berth], bool]
Which = Callable[[KpiFigure, TrueJob], bool]

BY_PRINTER: Final[Mapping[str, Whose]] = {
    "farm": lambda _figure, _berth: True,
    "group": lambda figure, berth: (berth.true.group or "") == figure.scope_id,
    "printer": lambda figure, berth: berth.known.id == figure.scope_id,
    "model": lambda figure, berth: (berth.known.model or "") == figure.scope_id,
}
"""By the scope's word, for scopes that hold whole printers: whether the printer belongs to the figure's."""

BY_JOB: Final[Mapping[str, Which]] = {
    "file": lambda figure, job: (job.file or "") == figure.scope_id,
    "material": lambda figure, job: (job.material or "") == figure.scope_id,
    "operator": lambda figure, job: (job.operator or "") == figure.scope_id,
}
"""By the scope's word, for scopes that hold jobs of all printers: whether the job belongs to the figure's."""


def see_that_scope_is_known(scope: str) -> None:
    """Raises TruthError for a scope of which nobody said what is true of it."""
    if scope not in BY_PRINTER and scope not in BY_JOB:
        raise TruthError(f"scope {scope!r}: simulators/recount/subjects.py does not say who belongs to it")


def printers_of(figure: KpiFigure, berths: Sequence[Berth]) -> list[Berth]:
    """The printers whose hours count in the figure; none where it is of jobs alone."""
    belongs = BY_PRINTER.get(figure.scope)
    return [] if belongs is None else [berth for berth in berths if belongs(figure, berth)]


def jobs_of(figure: KpiFigure, berths: Sequence[Berth], jobs: Sequence[TrueJob]) -> list[TrueJob]:
    """The jobs that are the figure's, whenever they count."""
    if (is_its := BY_JOB.get(figure.scope)) is not None:
        return [job for job in jobs if is_its(figure, job)]
    names = {berth.true.name for berth in printers_of(figure, berths)}
    return [job for job in jobs if job.printer in names]
