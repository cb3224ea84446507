"""Whether there is data does not depend on how much of it there is: a print or an instant is enough."""

from collections.abc import Iterator
from itertools import combinations
from math import inf

import msgspec
import pytest

from farm.kpi.account import TimeAccount
from farm.kpi.calculation import KpiInput
from farm.kpi.catalogue import CATALOGUE
from farm.kpi.indicator import Indicator, Unit
from farm.kpi.outcomes import InspectedUnits, InspectionTally, MaterialTally, MedianTally, OutcomeTally
from farm.model.states import Outcome, PrinterState
from farm.model.times import HOUR_MS
from tests.unit.kpi.kpi_inputs import basis_of

ENDINGS = [set(each) for count in (1, 2) for each in combinations(Outcome, count)]


def hours_of(times: int) -> Iterator[KpiInput]:
    """A time in one state or in two, in open hours or in closed ones."""
    for one in PrinterState:
        for other in PrinterState:
            hours = {one: times, other: times}
            for account in (
                TimeAccount(hours, {}),
                TimeAccount({}, hours),
                TimeAccount({one: times}, {other: times}),
            ):
                yield msgspec.structs.replace(basis_of(), account=account)


def prints_of(times: int, took: MaterialTally) -> Iterator[KpiInput]:
    """Prints that ended in one way or in two, each so many times and with what they took."""
    for endings in ENDINGS:
        sums = dict.fromkeys(endings, times)
        outcomes = OutcomeTally(
            jobs=sums,
            units=sums,
            cancelled_by={},
            printing_ms=sums,
            whole_ms=sums,
            inspected=InspectionTally(units=dict.fromkeys(endings, InspectedUnits(0, times, times))),
            material=dict.fromkeys(endings, took),
            by_median=MedianTally(times, times, times),
        )
        yield msgspec.structs.replace(basis_of(), outcomes=outcomes)


MAY_EXCEED_ONE = {"performance", "estimate_accuracy", "oee"}
"""Prints may go faster than they were said to, or slower."""


def has_data(entry: Indicator, given: KpiInput) -> list[bool]:
    """Whether there is a value and a range; nothing is ever less than none, nor a share more than all."""
    result = entry.worked_out(given)
    bounds = [bound for bound in (result.value, result.low, result.high) if bound is not None]
    most = 1 if entry.unit is Unit.RATIO and entry.id not in MAY_EXCEED_ONE else inf
    assert all(0 <= bound <= most for bound in bounds)
    return [bound is not None for bound in (result.value, result.low, result.high)]


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.id)
def test_an_instant_that_was_seen_tells_as_much_as_an_hour(entry: Indicator) -> None:
    for little, much in zip(hours_of(1), hours_of(HOUR_MS), strict=True):
        assert has_data(entry, little) == has_data(entry, much)


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.id)
def test_a_print_that_ended_tells_as_much_as_a_thousand(entry: Indicator) -> None:
    takes = (
        (MaterialTally(weighed=1, milligrams=1), MaterialTally(weighed=1_000, milligrams=10**9)),
        (MaterialTally(weighed=1), MaterialTally(weighed=1_000)),
        (MaterialTally(silent=1), MaterialTally(silent=1_000)),
    )
    for less, more in takes:
        for little, much in zip(prints_of(1, less), prints_of(1_000, more), strict=True):
            assert has_data(entry, little) == has_data(entry, much)
