"""Reading as much of a printer's past as decides its alerts, and no more."""

from collections.abc import Iterable
from typing import Protocol

from farm.kpi.streak import back_to_success
from farm.model.job import Job

FIRST_READ = 25
FURTHEST = 1600
"""How many ended jobs of a printer are looked at, at most."""
_GROWTH = 4


class JobHistory(Protocol):
    """The part of the ledger that is read here."""

    def last_terminal_jobs(self, printer_id: str, limit: int) -> list[Job]:
        """The printer's last ended jobs, newest first."""


def past_of(
    reader: JobHistory, printer_id: str, reaching: Iterable[str], at_least: int = FIRST_READ
) -> tuple[list[Job], bool]:
    """The printer's last ended jobs, newest first, and whether they decide everything.

    At least `at_least` are looked through, as far as there are so many. They reach back beyond
    the jobs named by `reaching` to a success, or to the beginning: so no streak in them is cut.
    A job that was withdrawn makes it read to the limit. Not everything is decided where the
    limit came first and no success was met.
    """
    wanted = set(reaching)
    limit = at_least
    while True:
        jobs = reader.last_terminal_jobs(printer_id, limit)
        whole = len(jobs) < limit
        back = back_to_success(jobs)
        if whole or (back and wanted <= {job.id for job in back}):
            return (jobs if whole else back), True
        if limit >= FURTHEST:
            return back or jobs, bool(back)
        limit = min(limit * _GROWTH, FURTHEST)
