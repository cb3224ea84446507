"""A tally of nothing holds nothing, and what an indicator says it reads is what moves it."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pytest

from farm.kpi.account import TimeAccount
from farm.kpi.calculation import KpiInput, Tally
from farm.kpi.catalogue import CATALOGUE
from farm.kpi.faults import RepairTally
from farm.kpi.indicator import Indicator
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
from farm.kpi.streak import StreakTally
from farm.kpi.working import omissions_of
from farm.model.states import CancelledBy, Cause, Outcome, PrinterState
from farm.model.times import DAY_MS, HOUR_MS
from farm.settings import SiteSettings

TALLIES = (
    RejectedMaterial,
    InspectedUnits,
    InspectionTally,
    MaterialTally,
    EstimateTally,
    MedianTally,
    AttemptTally,
    RepairTally,
    StreakTally,
)
SUMS = {
    Tally.JOBS: ("jobs", "units", "cancelled_by", "printing_ms"),
    Tally.TIMES: ("whole_ms",),
    Tally.MATERIAL: ("material",),
    Tally.CAUSES: ("failed_by",),
    Tally.ESTIMATES: ("estimates",),
    Tally.MEDIANS: ("by_median",),
    Tally.INSPECTIONS: ("inspected",),
    Tally.FIRST_ATTEMPTS: ("attempts",),
}
"""Where the sums of a tally stand among those of the jobs."""


def numbers_in(held: Any) -> Iterator[int]:
    """All numbers of a tally, those of its tallies too."""
    if isinstance(held, int):
        yield held
        return
    parts = held.values() if isinstance(held, Mapping) else (getattr(held, f) for f in held.__struct_fields__)
    for each in parts:
        yield from numbers_in(each)


@pytest.mark.parametrize("tally", TALLIES, ids=lambda tally: tally.__name__)
def test_a_tally_of_nothing_holds_no_number_but_none(tally: type[msgspec.Struct]) -> None:
    assert set(numbers_in(tally())) == {0}


def test_what_is_missing_from_the_sums_is_none() -> None:
    nothing = OutcomeTally({}, {}, {})
    assert set(numbers_in(nothing)) == {0}
    assert set(nothing.jobs_by_outcome().values()) == {nothing.ended} == {0}
    assert set(numbers_in(nothing.material_of(Outcome.FAILED))) == {0}


def much_of_everything() -> KpiInput:
    """A month in which there was some of everything that is tallied."""
    every = {outcome: 10 * (place + 3) for place, outcome in enumerate(Outcome)}
    hours = {outcome: number * HOUR_MS for outcome, number in every.items()}
    found = {outcome: InspectedUnits(6, 4, 2) for outcome in Outcome}
    outcomes = OutcomeTally(
        jobs=every,
        units={outcome: 3 * number for outcome, number in every.items()},
        cancelled_by=dict.fromkeys(CancelledBy, 5),
        printing_ms=hours,
        inspected=InspectionTally(9, 2, 16, 8, RejectedMaterial(4_000, 5_000, 6_000), found),
        whole_ms={outcome: 2 * ms for outcome, ms in hours.items()},
        material={
            outcome: MaterialTally(5, 9_000, 4, 8_000, 3, 7_000, 6_000, 5_000, 2) for outcome in Outcome
        },
        failed_by=dict.fromkeys(Cause, 4),
        estimates=EstimateTally(8, 40 * HOUR_MS, 44 * HOUR_MS, 6 * HOUR_MS, 9_000, 11_000_000),
        by_median=MedianTally(4, 20 * HOUR_MS, 21 * HOUR_MS),
        attempts=AttemptTally(50, 6, 150, 120, 9, 8, 5),
    )
    account = TimeAccount(dict.fromkeys(PrinterState, 30 * HOUR_MS), {PrinterState.PRINTING: HOUR_MS})
    return KpiInput(
        account=account,
        outcomes=outcomes,
        printers=3,
        elapsed_ms=30 * DAY_MS,
        site=SiteSettings(),
        repairs=RepairTally(5, 4, 9 * HOUR_MS, 8 * HOUR_MS, 12 * HOUR_MS),
        streaks=StreakTally(3, 2, 5, 6, 1, 40, 50, 1, 2, 3),
    )


def changes_of(held: Any) -> Iterator[Any]:
    """What is held with one of its numbers another, each in turn."""
    if isinstance(held, int):
        yield held + 1 if held < HOUR_MS else held + HOUR_MS
    elif isinstance(held, Mapping):
        for key, value in held.items():
            yield from ({**held, key: changed} for changed in changes_of(value))
    else:
        for name in held.__struct_fields__:
            for changed in changes_of(getattr(held, name)):
                yield msgspec.structs.replace(held, **{name: changed})


def with_other(given: KpiInput, tally: Tally) -> Iterator[KpiInput]:
    """The input with one number of the tally another, each in turn."""
    if tally in SUMS:
        for name in SUMS[tally]:
            for changed in changes_of(getattr(given.outcomes, name)):
                outcomes = msgspec.structs.replace(given.outcomes, **{name: changed})
                yield msgspec.structs.replace(given, outcomes=outcomes)
        return
    name = {Tally.REPAIRS: "repairs", Tally.STREAKS: "streaks"}[tally]
    for changed in changes_of(getattr(given, name)):
        yield msgspec.structs.replace(given, **{name: changed})


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.id)
def test_an_indicator_reads_the_tallies_that_can_move_it_and_no_other(entry: Indicator) -> None:
    """What it does not read is not summed up for it; what it reads in vain is summed up for nothing."""
    given = much_of_everything()
    figure, left_out = entry.worked_out(given), omissions_of(entry, given, has_hours=True)
    moving = {
        tally
        for tally in Tally
        if any(entry.worked_out(other) != figure for other in with_other(given, tally))
    }
    omitting = {
        tally
        for tally in Tally
        if any(omissions_of(entry, other, has_hours=True) != left_out for other in with_other(given, tally))
    }
    assert moving == entry.reads
    assert omitting - {Tally.JOBS} <= entry.reads, "the jobs are always summed up: they say who is there"
