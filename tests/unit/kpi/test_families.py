"""The formulas of the families, each on what it is given."""

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.kpi.account import TimeAccount
from farm.kpi.calculation import KpiInput, KpiResult
from farm.kpi.catalogue import CATALOGUE
from farm.kpi.faults import RepairTally
from farm.kpi.indicator import Indicator
from farm.kpi.outcomes import AttemptTally, InspectionTally, MaterialTally, OutcomeTally
from farm.kpi.parts import Amount
from farm.kpi.streak import StreakTally
from farm.kpi.success import PRINT_SUCCESS_RATE
from farm.kpi.throughput import THROUGHPUT
from farm.kpi.utilization import UTILIZATION
from farm.kpi.wilson import wilson_interval
from farm.model.states import CancelledBy, Outcome, PrinterState
from farm.model.times import DAY_MS, HOUR_MS
from farm.settings import SiteSettings

print_success_rate = PRINT_SUCCESS_RATE.worked_out
throughput = THROUGHPUT.worked_out
utilization = UTILIZATION.worked_out

HOURS = st.dictionaries(st.sampled_from(PrinterState), st.integers(0, DAY_MS))
ACCOUNTS = st.builds(TimeAccount, HOURS, HOURS)
NUMBERS = st.dictionaries(st.sampled_from(Outcome), st.integers(0, 1000))
SITES = st.builds(
    SiteSettings,
    preparing_counts_as_printing=st.booleans(),
    cancelled_counts_as_attempt=st.booleans(),
)
INSPECTIONS = st.builds(InspectionTally, st.just(0), st.just(0), st.integers(0, 9), st.integers(0, 9))
REPAIRS = st.lists(st.integers(0, DAY_MS), min_size=3, max_size=3).map(
    lambda lengths: RepairTally(5, 3, sorted(lengths)[1], min(lengths), max(lengths))
)
MATERIAL = st.sampled_from(
    [
        {},
        {Outcome.FAILED: MaterialTally(silent=1)},
        {Outcome.SUCCEEDED: MaterialTally(weighed=2, milligrams=7, silent=3)},
        {
            Outcome.FAILED: MaterialTally(weighed=1, milligrams=40, silent=1),
            Outcome.UNKNOWN: MaterialTally(metered=1, microlitres=5, unweighed_microlitres=5),
            Outcome.CANCELLED: MaterialTally(measured=1, micrometres=9_000, unweighed_micrometres=9_000),
        },
    ]
)
ATTEMPTS = st.lists(st.integers(0, 50), min_size=6, max_size=6).map(
    lambda n: AttemptTally(
        n[0] + n[1],
        n[5],
        n[0] + n[1],
        n[0],
        n[2] + n[3],
        min(n[4], n[0]) + min(n[4], n[1]),
        min(n[4], n[0]),
    )
)
STREAKS = st.lists(st.integers(0, 9), min_size=3, max_size=3).map(
    lambda n: StreakTally(sorted(n)[1], min(n), max(n), max(n), 1, 4, 5)
)
BASES = st.builds(
    KpiInput,
    account=ACCOUNTS,
    outcomes=st.builds(
        OutcomeTally,
        NUMBERS,
        NUMBERS,
        st.just({}),
        NUMBERS,
        st.builds(InspectionTally, st.just(0), st.just(0), st.integers(0, 9), st.integers(0, 9)),
        whole_ms=NUMBERS,
        material=MATERIAL,
        attempts=ATTEMPTS,
    ),
    printers=st.integers(0, 10),
    elapsed_ms=st.integers(0, DAY_MS),
    site=SITES,
    repairs=REPAIRS,
    streaks=STREAKS,
)


def basis_of(
    *,
    hours: Mapping[PrinterState, float] | None = None,
    closed: Mapping[PrinterState, float] | None = None,
    jobs: Mapping[Outcome, int] | None = None,
    units: Mapping[Outcome, int] | None = None,
    cancelled_by: Mapping[CancelledBy, int] | None = None,
    site: SiteSettings | None = None,
) -> KpiInput:
    return KpiInput(
        account=TimeAccount(
            {state: round(value * HOUR_MS) for state, value in (hours or {}).items()},
            {state: round(value * HOUR_MS) for state, value in (closed or {}).items()},
        ),
        outcomes=OutcomeTally(jobs or {}, units or jobs or {}, cancelled_by or {}),
        printers=1,
        elapsed_ms=DAY_MS,
        site=site or SiteSettings(),
    )


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


@pytest.mark.parametrize("calculate", [utilization, print_success_rate])
@given(given=BASES)
def test_a_ratio_lies_between_none_and_all(
    calculate: Callable[[KpiInput], KpiResult], given: KpiInput
) -> None:
    result = calculate(given)
    assert all(0 <= bound <= 1 for bound in (result.low, result.value, result.high) if bound is not None)


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.id)
def test_no_data_is_no_data_and_never_zero(entry: Indicator) -> None:
    result = entry.worked_out(basis_of())
    assert (result.value, result.low, result.high, result.interval) == (None, None, None, None)


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.id)
def test_hours_that_nobody_observed_give_no_value(entry: Indicator) -> None:
    result = entry.worked_out(basis_of(hours={PrinterState.UNKNOWN: 24}))
    assert result.value is None


def test_utilization_is_zero_when_the_printer_was_seen_idle() -> None:
    assert utilization(basis_of(hours={PrinterState.IDLE: 24})).value == 0


def test_preparing_counts_as_printing_unless_the_site_says_otherwise() -> None:
    hours = {PrinterState.PREPARING: 2, PrinterState.PRINTING: 10, PrinterState.IDLE: 12}
    apart = SiteSettings(preparing_counts_as_printing=False)
    assert utilization(basis_of(hours=hours)).value == pytest.approx(12 / 24)
    assert utilization(basis_of(hours=hours, site=apart)).value == pytest.approx(10 / 24)


def test_paused_is_never_printing() -> None:
    result = utilization(basis_of(hours={PrinterState.PAUSED: 6, PrinterState.PRINTING: 18}))
    assert result.value == pytest.approx(18 / 24)


def test_unknown_time_makes_utilization_a_range() -> None:
    hours = {PrinterState.UNKNOWN: 6, PrinterState.PRINTING: 12, PrinterState.IDLE: 6}
    result = utilization(basis_of(hours=hours))
    assert result.value == result.low == pytest.approx(12 / 24)
    assert result.high == pytest.approx(18 / 24)


def test_unknown_closed_time_may_have_been_printing() -> None:
    result = utilization(
        basis_of(
            hours={PrinterState.PRINTING: 8, PrinterState.IDLE: 8},
            closed={PrinterState.UNKNOWN: 4, PrinterState.IDLE: 4},
        )
    )
    assert result.low == pytest.approx(8 / 16)
    assert result.high == pytest.approx(12 / 20)


def test_maintenance_stands_beside_utilization() -> None:
    result = utilization(basis_of(hours={PrinterState.MAINTENANCE: 4, PrinterState.PRINTING: 20}))
    assert result.value == 1
    assert result.amounts["maintenance_hours"] == 4
    assert result.amounts["available_hours"] == 20


@pytest.mark.parametrize(
    ("opened", "closed"),
    [
        ({}, {PrinterState.IDLE: 24}),
        ({PrinterState.MAINTENANCE: 24}, {}),
        ({PrinterState.UNKNOWN: 1}, {PrinterState.IDLE: 23}),
    ],
)
def test_without_available_time_observed_there_is_no_utilization(
    opened: dict[PrinterState, float], closed: dict[PrinterState, float]
) -> None:
    assert utilization(basis_of(hours=opened, closed=closed)).value is None


def test_the_day_with_closed_hours_and_maintenance_of_the_documentation() -> None:
    hours = {PrinterState.PRINTING: 10, PrinterState.MAINTENANCE: 4, PrinterState.IDLE: 2}
    result = utilization(basis_of(hours=hours, closed={PrinterState.PRINTING: 2, PrinterState.IDLE: 6}))
    assert result.amounts["available_hours"] == 14
    assert result.value == pytest.approx(0.8571, abs=5e-5)


def test_the_cancelled_and_unknown_jobs_of_the_documentation() -> None:
    jobs = {Outcome.SUCCEEDED: 6, Outcome.FAILED: 2, Outcome.UNKNOWN: 2, Outcome.CANCELLED: 4}
    result = print_success_rate(basis_of(jobs=jobs, site=SiteSettings(cancelled_counts_as_attempt=True)))
    assert result.value == 0.5
    assert result.low == pytest.approx(0.4286, abs=5e-5)
    assert result.high == pytest.approx(0.5714, abs=5e-5)


def test_cancelled_jobs_stand_beside_the_success_rate() -> None:
    jobs = {Outcome.SUCCEEDED: 6, Outcome.FAILED: 2, Outcome.CANCELLED: 4}
    by = {CancelledBy.PERSON: 3, CancelledBy.SYSTEM: 1}
    result = print_success_rate(basis_of(jobs=jobs, cancelled_by=by))
    assert result.value == pytest.approx(6 / 8)
    assert result.counts["attempts"] == 8
    assert result.counts["cancelled"] == 4
    assert result.counts["cancelled_by_person"] == 3
    assert result.counts["cancelled_by_system"] == 1


def test_a_setting_moves_cancelled_jobs_into_the_denominator() -> None:
    jobs = {Outcome.SUCCEEDED: 6, Outcome.FAILED: 2, Outcome.CANCELLED: 4}
    site = SiteSettings(cancelled_counts_as_attempt=True)
    result = print_success_rate(basis_of(jobs=jobs, site=site))
    assert result.value == pytest.approx(6 / 12)
    assert result.counts["attempts"] == 12


def test_unknown_outcomes_make_the_success_rate_a_range() -> None:
    result = print_success_rate(basis_of(jobs={Outcome.SUCCEEDED: 6, Outcome.FAILED: 2, Outcome.UNKNOWN: 2}))
    assert result.value == pytest.approx(6 / 8)
    assert result.low == pytest.approx(6 / 10)
    assert result.high == pytest.approx(8 / 10)
    assert result.interval == wilson_interval(6, 8)


def test_only_unknown_outcomes_give_no_success_rate() -> None:
    result = print_success_rate(basis_of(jobs={Outcome.UNKNOWN: 3}))
    assert (result.value, result.low, result.high, result.interval) == (None, 0, 1, None)


def test_only_cancelled_jobs_give_no_success_rate() -> None:
    assert print_success_rate(basis_of(jobs={Outcome.CANCELLED: 3})).value is None


def test_throughput_counts_units_of_succeeded_jobs_only() -> None:
    jobs = {Outcome.SUCCEEDED: 3, Outcome.FAILED: 1, Outcome.CANCELLED: 1, Outcome.UNKNOWN: 1}
    units = {Outcome.SUCCEEDED: 12, Outcome.FAILED: 5, Outcome.CANCELLED: 7, Outcome.UNKNOWN: 4}
    result = throughput(basis_of(jobs=jobs, units=units, hours={PrinterState.PRINTING: 20}))
    assert (result.value, result.low, result.high) == (12, 12, 16)
    assert result.counts == {
        "units": 12,
        "ended": 6,
        "succeeded": 3,
        "failed": 1,
        "cancelled": 1,
        "unknown": 1,
    }
    assert result.amounts["printing_hours"] == 20
    assert result.amounts["units_per_day"] == pytest.approx(12)
    assert result.amounts["units_per_hour"] == pytest.approx(0.5)
    assert result.amounts["jobs_per_day"] == pytest.approx(3)


def test_an_observed_window_in_which_nothing_ended_has_a_throughput_of_zero() -> None:
    assert throughput(basis_of(hours={PrinterState.PRINTING: 1, PrinterState.UNKNOWN: 23})).value == 0
