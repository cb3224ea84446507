"""A formula that works out a column of figures gives each of them as it does alone."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.kpi.account import Condition, TimeAccount
from farm.kpi.calculation import KpiInput, KpiResult, apart
from farm.kpi.catalogue import CATALOGUE
from farm.kpi.columns import least, most, otherwise, product, ratio, root, where, within
from farm.kpi.indicator import NO_DATA, Indicator
from farm.kpi.outcomes import EstimateTally, MedianTally
from farm.kpi.time_classes import CONDITIONS
from farm.model.states import PrinterState
from farm.settings import SiteSettings
from tests.unit.kpi.kpi_inputs import BASES

ESTIMATES = st.builds(
    EstimateTally, *(st.integers(0, 3), *(st.integers(0, 10**6) for _ in EstimateTally.__struct_fields__[1:]))
)
MEDIANS = st.builds(MedianTally, *(st.integers(0, 10**6) for _ in MedianTally.__struct_fields__))
MAYBE = st.none() | st.floats(-1e6, 1e6)


@st.composite
def inputs(draw: st.DrawFn) -> KpiInput:
    base = draw(BASES)
    estimates, medians = draw(ESTIMATES), draw(MEDIANS)
    return msgspec.structs.replace(
        base, outcomes=msgspec.structs.replace(base.outcomes, estimates=estimates, by_median=medians)
    )


def stacked(rows: Sequence[Any]) -> Any:
    """The rows as one, with a column in place of every number; a key that one of them lacks is 0."""
    first = rows[0]
    if isinstance(first, Mapping):
        keys = {key: None for row in rows for key in row}
        empty = next((type(value)() for row in rows for value in row.values()), 0)
        return {key: stacked([row.get(key, empty) for row in rows]) for key in keys}
    if isinstance(first, msgspec.Struct) and not isinstance(first, SiteSettings):
        fields = first.__struct_fields__
        return type(first)(**{name: stacked([getattr(row, name) for row in rows]) for name in fields})
    return first if isinstance(first, SiteSettings) else np.array(rows)


def alone(results: Sequence[KpiResult], name: str) -> list[float]:
    return [np.nan if (value := getattr(each, name)) is None else value for each in results]


@settings(max_examples=50)
@given(rows=st.lists(inputs(), min_size=2, max_size=3))
def test_a_column_of_figures_is_each_of_them(rows: list[KpiInput]) -> None:
    rows = [msgspec.structs.replace(each, site=rows[0].site) for each in rows]
    whole = stacked(rows)
    for entry in CATALOGUE:
        check_column(entry, rows, whole)


def check_column(entry: Indicator, rows: list[KpiInput], whole: KpiInput) -> None:
    results = [entry.calculate(each) for each in rows]
    column = entry.calculate(whole)
    for name in ("value", "low", "high"):
        found = getattr(column, name)
        told = np.broadcast_to(np.nan if found is None else found, len(rows))
        np.testing.assert_array_equal(told, alone(results, name), err_msg=f"{entry.id} {name}")
    for row, result in enumerate(results):
        low, high = (np.nan, np.nan) if column.interval is None else column.interval
        interval = (np.nan, np.nan) if result.interval is None else result.interval
        bounds = [np.broadcast_to(each, len(rows))[row] for each in (low, high)]
        np.testing.assert_array_equal(bounds, interval)
    for has_hours in (True, False):
        each = [entry.worked_out(row, has_hours=has_hours) for row in rows]
        assert apart(entry.worked_out(whole, has_hours=has_hours), len(rows)) == each, entry.id


def test_what_is_the_same_for_all_and_what_has_no_data_is_told_of_each() -> None:
    value: Any = np.array([0.5, np.nan])
    counts: Any = {"jobs": np.array([2, 0]), "printers": 3}
    amounts: Any = {"spread": np.array([np.nan, 0.25]), "nothing": None}
    found = KpiResult(value=value, low=None, high=1.0, counts=counts, amounts=amounts)
    assert apart(found, 2) == [
        KpiResult(value=0.5, low=None, high=1.0, counts={"jobs": 2, "printers": 3}),
        KpiResult(
            value=None, low=None, high=1.0, counts={"jobs": 0, "printers": 3}, amounts={"spread": 0.25}
        ),
    ]
    assert apart(NO_DATA, 1) == [NO_DATA]
    assert apart(NO_DATA, 0) == []


@given(st.lists(st.tuples(MAYBE, MAYBE), min_size=1))
def test_operations_on_columns_are_those_on_numbers(pairs: list[tuple[float | None, float | None]]) -> None:
    one, other = (np.array(each, dtype=float) for each in zip(*pairs, strict=True))
    for operation in (least, most, product):
        expected = [np.nan if (it := operation(*pair)) is None else it for pair in pairs]
        np.testing.assert_array_equal(operation(one, other), expected)
    np.testing.assert_array_equal(otherwise(one, 7.0), [otherwise(each, 7.0) for each, _ in pairs])


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=1))
def test_a_share_of_nothing_has_no_data(pairs: list[tuple[int, int]]) -> None:
    part, whole = (np.array(each) for each in zip(*pairs, strict=True))
    expected = [np.nan if (it := ratio(*pair)) is None else it for pair in pairs]
    np.testing.assert_array_equal(ratio(part, whole), expected)
    np.testing.assert_array_equal(
        where(whole > 0, part), [np.nan if (it := where(w > 0, p)) is None else it for p, w in pairs]
    )
    np.testing.assert_array_equal(within(part, -2, 3), [within(p, -2, 3) for p, _ in pairs])
    np.testing.assert_array_equal(root(part * part), [root(p * p) for p, _ in pairs])


def test_a_product_is_of_all_factors_and_has_no_data_where_one_has_none() -> None:
    assert product(0.5, 0.25, 2.0) == 0.25
    assert product(0.5) == 0.5
    assert product(0.5, None) is product(None, 0.0) is None


def test_open_conditions_leave_the_columns_of_the_account_as_they_are() -> None:
    """Time with a reason is taken off its state, and not out of the account."""
    (state, reason), hour = next(each for each in CONDITIONS if each.reason), np.array([3_600_000])
    opened: Any = {PrinterState(state): hour.copy()}
    reasons: Any = {Condition(state, reason): hour}
    account: Any = TimeAccount(opened, {}, reasons)
    first, second = (account.open_conditions()[Condition(state)] for _ in pairwise(range(3)))
    assert first.tolist() == second.tolist() == [0]
    assert account.open_ms[PrinterState(state)].tolist() == hour.tolist()


_SUM = """
from farm.kpi.material_parts import MaterialTaken, MaterialMeasure
from farm.kpi.outcomes import MaterialTally, OutcomeTally
from farm.kpi.calculation import KpiInput
from farm.kpi.account import TimeAccount
from farm.kpi.parts import EVERY_OUTCOME
from farm.model.states import Outcome
from farm.settings import SiteSettings
used = {each: MaterialTally(milligrams=n) for each, n in zip(Outcome, (100, 200, 300, 0))}
given = KpiInput(account=TimeAccount({}, {}), outcomes=OutcomeTally({}, {}, {}, material=used),
    printers=1, elapsed_ms=1, site=SiteSettings())
print(repr(MaterialTaken(of=MaterialMeasure.GRAMS, outcomes=EVERY_OUTCOME).total(given)))
"""


def test_every_process_sums_up_material_alike() -> None:
    """Sets of words have another order in each process, and sums of fractions differ by their order."""
    told = {
        subprocess.run(
            [sys.executable, "-c", _SUM],
            env=os.environ | {"PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in range(1, 7)
    }
    assert len(told) == 1
