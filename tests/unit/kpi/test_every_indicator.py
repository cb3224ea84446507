"""What holds for every indicator, whatever it is given."""

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given

from farm.kpi.calculation import KpiInput, KpiResult
from farm.kpi.catalogue import CATALOGUE
from farm.kpi.indicator import Indicator
from farm.kpi.parts import Amount
from farm.kpi.success import PRINT_SUCCESS_RATE
from farm.kpi.utilization import UTILIZATION
from tests.unit.kpi.kpi_inputs import BASES


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.id)
@given(given=BASES)
def test_the_range_holds_the_value(entry: Indicator, given: KpiInput) -> None:
    result = entry.worked_out(given)
    assert (result.low is None) == (result.high is None)
    if result.value is not None:
        assert result.low is not None
        assert result.high is not None
        assert result.low <= result.value <= result.high
    if result.interval is not None:
        assert result.value is not None
        assert result.interval.low <= result.value <= result.interval.high


def worth(expression: str, sums: Mapping[str, Amount]) -> float | None:
    """What the expression comes to, None where it has no value."""
    for sign, python in (("÷", "/"), ("×", "*"), ("−", "-")):
        expression = expression.replace(sign, python)
    try:
        return float(eval(expression, {}, dict(sums)))  # noqa: S307  an expression of the catalogue
    except ZeroDivisionError:
        return None


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.id)
@given(given=BASES)
def test_the_expression_with_the_sums_put_in_comes_to_the_value(entry: Indicator, given: KpiInput) -> None:
    result = entry.worked_out(given)
    if result.value is not None:
        found = worth(entry.expression, {**result.counts, **result.amounts})
        assert found == pytest.approx(result.value)


@pytest.mark.parametrize("calculate", [UTILIZATION.worked_out, PRINT_SUCCESS_RATE.worked_out])
@given(given=BASES)
def test_a_ratio_lies_between_none_and_all(
    calculate: Callable[[KpiInput], KpiResult], given: KpiInput
) -> None:
    result = calculate(given)
    assert all(0 <= bound <= 1 for bound in (result.low, result.value, result.high) if bound is not None)
