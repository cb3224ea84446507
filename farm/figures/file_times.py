"""How long each file takes: the printing times of its jobs that succeeded, in order, with their median.

A median cannot be summed up, so the times are held, and follow each change of a job.
"""

from array import array
from bisect import bisect_left, insort
from typing import Final

import numpy as np

from farm.figures.job_rows import ENDING, EndedJob, JobRows
from farm.figures.narrow import Column
from farm.figures.running_sums import Integers
from farm.model.states import Outcome

SUCCEEDED: Final = ENDING[Outcome.SUCCEEDED, None]
_TIME_BITS: Final = 40
"""A printing time has so many bits at most, which are milliseconds of thirty years."""


class FileTimes:
    """The printing times (ms) of the jobs of each file, by its code."""

    def __init__(self, rows: JobRows) -> None:
        """`rows` are the jobs that ended; of those without a file or printing time nothing is held."""
        counts = (rows.ending == SUCCEEDED) & (rows.printing_ms > 0) & (rows.file > 0)
        # Sorted as numbers of which the file is the upper part: many times as fast as by two columns.
        both = np.sort(rows.file[counts].astype(np.int64) << _TIME_BITS | rows.printing_ms[counts])
        file, times = both >> _TIME_BITS, both & (1 << _TIME_BITS) - 1
        codes, firsts = np.unique(file, return_index=True)
        self._times = {
            int(code): array("q", part.tobytes())
            for code, part in zip(codes, np.split(times, firsts[1:]), strict=bool(len(codes)))
        }
        self._medians: Integers = np.zeros(int(codes.max(initial=0)) + 1, dtype=np.int64)
        for code in self._times:
            self._find(code)

    def change(self, before: EndedJob | None, after: EndedJob | None) -> None:
        """A job stood as `before` and stands as `after`; None where there is no such job."""
        if before is not None and _counts(before):
            times = self._times[before.file]
            times.pop(bisect_left(times, before.printing_ms))
            self._find(before.file)
        if after is not None and _counts(after):
            insort(self._times.setdefault(after.file, array("q")), after.printing_ms)
            self._find(after.file)

    def medians(self, file: Column) -> Integers:
        """The median of each of the files, 0 where nothing of it succeeded."""
        found: Integers = np.take(self._medians, file, mode="clip")
        return np.where(file < len(self._medians), found, 0)

    def _find(self, code: int) -> None:
        if code >= len(self._medians):
            self._medians = np.concatenate((self._medians, np.zeros(code + 1, dtype=np.int64)))
        times = self._times[code]
        middle = len(times) // 2
        if not times:
            self._medians[code] = 0
        elif len(times) % 2:
            self._medians[code] = times[middle]
        else:
            self._medians[code] = (times[middle - 1] + times[middle]) // 2


def _counts(job: EndedJob) -> bool:
    return job.ending == SUCCEEDED and job.printing_ms > 0 and job.file > 0
