"""Sums over jobs as the tallies that formulas are given."""

from collections.abc import Collection, Sequence
from typing import Final, TypeAlias

from farm.figures.inspections import MEASURES, TAKEN
from farm.figures.job_measures import TALLIED
from farm.figures.job_rows import CAUSES, ENDINGS
from farm.figures.partition import Partition
from farm.figures.read_model import ReadModel
from farm.figures.running_sums import Integers, within
from farm.kpi.calculation import EVERY_TALLY, Tally
from farm.kpi.outcomes import (
    AttemptTally,
    EstimateTally,
    InspectionTally,
    MaterialTally,
    MedianTally,
    OutcomeTally,
    RejectedMaterial,
)
from farm.model.states import CancelledBy, Cause, Outcome

_Plain: TypeAlias = list[list[list[list[int]]]]
"""By window, subject, key and measure."""
_NOTHING = InspectionTally()
_NO_ESTIMATES = EstimateTally()
_NO_MEDIANS = MedianTally()
_NO_ATTEMPTS = AttemptTally()


_NO_JOBS = OutcomeTally({}, {}, {})
_OF_JOBS: Final = EVERY_TALLY - {Tally.REPAIRS, Tally.STREAKS}


class Tallies:
    """The tallies of every subject in every window; those that are not read are empty."""

    def __init__(
        self,
        model: ReadModel,
        edges: Integers,
        places: Integers,
        who: Partition,
        reads: Collection[Tally] = EVERY_TALLY,
    ) -> None:
        """`places` are those of the beginning and end of each window among the `edges`."""
        self._reads = bool(set(reads) & _OF_JOBS)
        # Plain numbers of everything at once: one by one they take many times as long to get.
        self._sums: dict[Tally, _Plain] = {
            tally: _of(within(model.jobs.sums(edges, who.jobs, tally), places), who)
            .transpose(0, 2, 3, 1)
            .tolist()
            for tally in TALLIED
            if tally in reads
        }
        self._medians: list[list[list[int]]] | None = None
        if Tally.MEDIANS in reads:
            medians = _of(within(model.jobs.by_median(edges, who.jobs), places), who)
            self._medians = medians.transpose(0, 2, 1).tolist()
        self._inspected: list[list[list[int]]] | None = None
        if Tally.INSPECTIONS in reads:
            inspected = _of(within(model.inspections.sums(edges, who.jobs), places), who)
            self._inspected = inspected.transpose(0, 2, 1).tolist()
        self._attempts: list[list[list[int]]] | None = None
        if Tally.FIRST_ATTEMPTS in reads:
            attempts = _of(within(model.first_attempts.sums(edges, who.jobs), places), who)
            self._attempts = attempts.transpose(0, 2, 1).tolist()

    def of(self, window: int, subject: int) -> OutcomeTally:
        """The tally of a window and subject, by their numbers."""
        if not self._reads:
            return _NO_JOBS
        jobs, units, printing_ms, cancelled_by = self._jobs(window, subject)
        preparing_ms, paused_ms = self._times(window, subject)
        return OutcomeTally(
            jobs,
            units,
            cancelled_by,
            printing_ms,
            _NOTHING if self._inspected is None else _inspection(self._inspected[window][subject]),
            preparing_ms,
            paused_ms,
            self._material(window, subject),
            self._causes(window, subject),
            self._estimates(window, subject),
            _NO_MEDIANS if self._medians is None else MedianTally(*self._medians[window][subject]),
            _NO_ATTEMPTS if self._attempts is None else AttemptTally(*self._attempts[window][subject]),
        )

    def _found(self, tally: Tally, window: int, subject: int) -> Sequence[Sequence[int]]:
        sums = self._sums.get(tally)
        return () if sums is None else sums[window][subject]

    def _jobs(
        self, window: int, subject: int
    ) -> tuple[dict[Outcome, int], dict[Outcome, int], dict[Outcome, int], dict[CancelledBy, int]]:
        jobs: dict[Outcome, int] = {}
        units: dict[Outcome, int] = {}
        printing_ms: dict[Outcome, int] = {}
        cancelled_by: dict[CancelledBy, int] = {}
        for (outcome, by), (ended, made, printed) in zip(
            ENDINGS, self._found(Tally.JOBS, window, subject), strict=False
        ):
            if not ended:
                continue
            jobs[outcome] = jobs.get(outcome, 0) + ended
            units[outcome] = units.get(outcome, 0) + made
            printing_ms[outcome] = printing_ms.get(outcome, 0) + printed
            if by is not None:
                cancelled_by[by] = ended
        return jobs, units, printing_ms, cancelled_by

    def _times(self, window: int, subject: int) -> tuple[dict[Outcome, int], dict[Outcome, int]]:
        preparing_ms: dict[Outcome, int] = {}
        paused_ms: dict[Outcome, int] = {}
        for (outcome, _), (prepared, paused) in zip(
            ENDINGS, self._found(Tally.TIMES, window, subject), strict=False
        ):
            if prepared or paused:
                preparing_ms[outcome] = preparing_ms.get(outcome, 0) + prepared
                paused_ms[outcome] = paused_ms.get(outcome, 0) + paused
        return preparing_ms, paused_ms

    def _material(self, window: int, subject: int) -> dict[Outcome, MaterialTally]:
        found: dict[Outcome, list[int]] = {}
        for (outcome, _), used in zip(ENDINGS, self._found(Tally.MATERIAL, window, subject), strict=False):
            if any(used):
                before = found.get(outcome)
                found[outcome] = [*used] if before is None else [*map(sum, zip(before, used, strict=True))]
        return {outcome: MaterialTally(*used) for outcome, used in found.items()}

    def _causes(self, window: int, subject: int) -> dict[Cause, int]:
        failed_by: dict[Cause, int] = {}
        for cause, (failed,) in zip(CAUSES, self._found(Tally.CAUSES, window, subject), strict=False):
            if failed:
                known = cause or Cause.UNKNOWN
                failed_by[known] = failed_by.get(known, 0) + failed
        return failed_by

    def _estimates(self, window: int, subject: int) -> EstimateTally:
        found = self._found(Tally.ESTIMATES, window, subject)
        return EstimateTally(*found[0]) if found else _NO_ESTIMATES


def _of(sums: Integers, who: Partition) -> Integers:
    """Those of the subjects that are meant, in their order: the third axis."""
    return sums if who.picked is None else sums[:, :, who.picked]


def _inspection(sums: Sequence[int]) -> InspectionTally:
    counts = dict(zip(MEASURES[:-TAKEN], sums, strict=False))
    return InspectionTally(**counts, rejected=RejectedMaterial(*sums[-TAKEN:]))
