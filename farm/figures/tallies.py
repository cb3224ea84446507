"""Sums over jobs as the tallies that formulas are given, as columns for all subjects and windows at once."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np

from farm.figures.job_measures import TALLIED
from farm.figures.job_rows import CAUSES, ENDINGS
from farm.figures.partition import Partition
from farm.figures.read_model import ReadModel
from farm.figures.running_sums import Integers, within
from farm.kpi.calculation import EVERY_TALLY, Tally
from farm.kpi.outcomes import (
    AttemptTally,
    EstimateTally,
    InspectedUnits,
    InspectionTally,
    MaterialTally,
    MedianTally,
    OutcomeTally,
    RejectedMaterial,
)
from farm.model.states import CancelledBy, Cause, Outcome

_Found: TypeAlias = Mapping[Tally, Any]
"""The sums of each tally that is read, by key and measure where its jobs have keys, else by measure.

Each is a column of numbers.
"""

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

        def summed(sums: Integers) -> Integers:
            """By window, subject (those that are meant, in their order), key if there are, and measure."""
            found = within(sums, places)
            found = found if who.picked is None else found[:, :, who.picked]
            return np.moveaxis(found, 1, -1)

        self._sums: dict[Tally, Integers] = {
            tally: summed(model.jobs.sums(edges, who.jobs, tally)) for tally in TALLIED if tally in reads
        }
        if Tally.MEDIANS in reads:
            self._sums[Tally.MEDIANS] = summed(model.jobs.by_median(edges, who.jobs))
        if Tally.INSPECTIONS in reads:
            self._sums[Tally.INSPECTIONS] = summed(model.inspections.sums(edges, who.jobs))
        if Tally.FIRST_ATTEMPTS in reads:
            self._sums[Tally.FIRST_ATTEMPTS] = summed(model.first_attempts.sums(edges, who.jobs))

    def columns(self) -> OutcomeTally:
        """The tallies of all as columns: window by window, and in each of them by subject."""
        flat = {tally: sums.reshape(-1, *sums.shape[2:]) for tally, sums in self._sums.items()}
        return _tally({tally: np.moveaxis(sums, 0, -1) for tally, sums in flat.items()})


def _tally(found: _Found) -> OutcomeTally:
    if not found:
        return _NO_JOBS
    jobs, units, printing_ms = _by_outcome(found, Tally.JOBS, 3)
    (whole_ms,) = _by_outcome(found, Tally.TIMES, 1)
    return OutcomeTally(
        jobs,
        units,
        _cancelled_by(found),
        printing_ms,
        _inspection(found.get(Tally.INSPECTIONS)),
        whole_ms,
        _material(found),
        _failed_by(found),
        EstimateTally(*found[Tally.ESTIMATES][0]) if Tally.ESTIMATES in found else EstimateTally(),
        MedianTally(*found.get(Tally.MEDIANS, ())),
        AttemptTally(*found.get(Tally.FIRST_ATTEMPTS, ())),
    )


def _by_outcome(found: _Found, tally: Tally, measures: int) -> list[dict[Outcome, int]]:
    """Each measure of the tally by outcome, whoever cancelled."""
    summed: list[dict[Outcome, int]] = [{} for _ in range(measures)]
    for (outcome, _), sums in zip(ENDINGS, found.get(tally, ()), strict=False):
        for of_measure, amount in zip(summed, sums, strict=True):
            of_measure[outcome] = of_measure[outcome] + amount if outcome in of_measure else amount
    return summed


def _cancelled_by(found: _Found) -> dict[CancelledBy, int]:
    ended = zip(ENDINGS, found.get(Tally.JOBS, ()), strict=False)
    return {by: jobs for (_, by), (jobs, *_) in ended if by is not None}


def _failed_by(found: _Found) -> dict[Cause, int]:
    failed_by: dict[Cause, int] = {}
    for cause, (failed,) in zip(CAUSES, found.get(Tally.CAUSES, ()), strict=False):
        known = cause or Cause.UNKNOWN
        failed_by[known] = failed_by[known] + failed if known in failed_by else failed
    return failed_by


def _material(found: _Found) -> dict[Outcome, MaterialTally]:
    if Tally.MATERIAL not in found:
        return {}
    sums = _by_outcome(found, Tally.MATERIAL, len(MaterialTally.__struct_fields__))
    return {outcome: MaterialTally(*(each[outcome] for each in sums)) for outcome in Outcome}


def _inspection(sums: Sequence[int] | None) -> InspectionTally:
    if sums is None:
        return InspectionTally()
    jobs, spoiled, good, rejected, milligrams, micrometres, microlitres, *parted = sums
    taken = RejectedMaterial(milligrams, micrometres, microlitres)
    units = zip(parted[0::3], parted[1::3], parted[2::3], strict=True)
    by_outcome = {outcome: InspectedUnits(*of_it) for outcome, of_it in zip(Outcome, units, strict=True)}
    return InspectionTally(jobs, spoiled, good, rejected, taken, by_outcome)
