"""What follows from the other prints: which are reprints, how long files take, and failures in a row."""

import itertools
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import median

from farm.model.states import Outcome
from farm.model.times import HOUR_MS
from farm.settings import SiteSettings
from simulators.recount.job_formulas import came_out
from simulators.recount.true_jobs import TrueAmount, TrueJob


def reprints_among(jobs: Iterable[TrueJob]) -> frozenset[tuple[str, int]]:
    """Printer and number of the jobs that print again what an attempt at their file did not bring.

    That is the attempt that ended last before they began, not longer ago than the site says.
    """
    within_ms = SiteSettings().reprint_within_hours * HOUR_MS
    by_file: dict[str, list[TrueJob]] = defaultdict(list)
    for job in jobs:
        if job.file:
            by_file[job.file].append(job)
    found = set()
    for same in by_file.values():
        ended = sorted((job.counts_ms, not came_out(job)) for job in same if came_out(job) is not None)
        for job in same:
            began_ms = min(job.begins_ms, job.counts_ms - 1)
            before = [each for each in ended if each[0] <= began_ms]
            if before and before[-1][1] and began_ms - before[-1][0] <= within_ms:
                found.add((job.printer, job.number))
    return frozenset(found)


def usual_times(jobs: Iterable[TrueJob]) -> dict[str, TrueAmount]:
    """The median of the printing times (ms) of the successes of each file."""
    times: dict[str, list[TrueJob]] = defaultdict(list)
    for job in jobs:
        if job.outcome is Outcome.SUCCEEDED and job.is_known and job.file and job.printing_ms > 0:
            times[job.file].append(job)
    return {
        file: TrueAmount(median(job.printing_ms for job in same), max(job.printing_exact_ms for job in same))
        for file, same in times.items()
    }


class TrueStreaks:
    """The jobs of each printer, for looking back from an instant."""

    def __init__(self, in_order: Iterable[TrueJob]) -> None:
        self._jobs: dict[str, list[TrueJob]] = defaultdict(list)
        for job in in_order:
            self._jobs[job.printer].append(job)

    def longest(self, printers: Sequence[str], at_ms: int) -> int | None:
        """The most failures in a row of the printers at the instant; None before a print of theirs ended."""
        found = [self._of(printer, at_ms) for printer in printers]
        return max((each for each in found if each is not None), default=None)

    def _of(self, printer: str, at_ms: int) -> int | None:
        jobs = self._jobs[printer]
        ended = jobs[: bisect_left(jobs, at_ms, key=lambda job: job.counts_ms)]
        decided = [job for job in ended if job.outcome in (Outcome.SUCCEEDED, Outcome.FAILED)]
        if not decided:
            return None
        since = itertools.takewhile(lambda job: job.outcome is Outcome.FAILED, reversed(decided))
        return len(list(since))
