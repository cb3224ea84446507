"""Failed prints in a row: the one rule for alerts, figures and lists.

A failed print extends a streak and a success breaks it; a cancelled one, and one whose
outcome is not known, do neither. A revision of an outcome is another look at the same jobs.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from farm.model.job import Job
from farm.model.states import Outcome

EXTENDS: Final = frozenset({Outcome.FAILED})
"""The outcomes that make a streak longer."""
BREAKS: Final = frozenset({Outcome.SUCCEEDED})
"""Those that end one."""


class StreakTally(msgspec.Struct, frozen=True):
    """Streaks of some printers at the end of a window: the longest of them as it is, at best and at worst.

    Beside them the longest at any time in the window, how many printers are in one, and how many jobs ended
    until then in a known way, and at all. `shorter` are the failed jobs of the other printers' streaks, and
    `unknown` and `cancelled` the jobs of these outcomes since the last success of each printer.
    """

    current: int = 0
    least: int = 0
    most: int = 0
    longest: int = 0
    failing: int = 0
    decided: int = 0
    ended: int = 0
    shorter: int = 0
    unknown: int = 0
    cancelled: int = 0


class Streak(msgspec.Struct, frozen=True):
    """Failed jobs in a row, oldest first, and the success after them, None while there is none.

    `prints` are all ended jobs from the first failure to the last, newest first.
    """

    failed: tuple[Job, ...]
    broken_by: Job | None
    prints: tuple[Job, ...]


def streaks(newest_first: Sequence[Job]) -> list[Streak]:
    """Every streak of at least one failure in the ended jobs, newest first."""
    found: list[Streak] = []
    broken_by: Job | None = None
    since: list[Job] = []
    for job in newest_first:
        if job.outcome in BREAKS:
            found.extend(_streak(since, broken_by))
            broken_by, since = job, []
        else:
            since.append(job)
    return [*found, *_streak(since, broken_by)]


def failed_streak(newest_first: Sequence[Job]) -> int | None:
    """Failed jobs since the last success, None when the jobs at hand do not reach back to one."""
    success = next((at for at, job in enumerate(newest_first) if job.outcome in BREAKS), None)
    return None if success is None else failures(newest_first[:success])


def failures(jobs: Sequence[Job]) -> int:
    """How many of the jobs failed."""
    return sum(job.outcome in EXTENDS for job in jobs)


def back_to_success(newest_first: Sequence[Job]) -> list[Job]:
    """The jobs up to the oldest success among them, that included; empty where there is none.

    No streak in them is cut.
    """
    for position in range(len(newest_first) - 1, -1, -1):
        if newest_first[position].outcome in BREAKS:
            return list(newest_first[: position + 1])
    return []


def _streak(prints: Sequence[Job], broken_by: Job | None) -> list[Streak]:
    places = [place for place, job in enumerate(prints) if job.outcome in EXTENDS]
    if not places:
        return []
    failed = tuple(prints[place] for place in reversed(places))
    return [Streak(failed, broken_by, tuple(prints[places[0] : places[-1] + 1]))]
