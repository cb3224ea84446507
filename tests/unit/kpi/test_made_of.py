"""What each indicator is made of, as figures tell it: the names that API, CSV and dashboards rely on."""

import msgspec
import pytest

from farm.kpi.account import TimeAccount
from farm.kpi.calculation import KpiInput
from farm.kpi.catalogue import CATALOGUE, indicator
from farm.kpi.expression import names_in
from farm.kpi.indicator import NO_DATA, Indicator
from farm.kpi.outcomes import (
    AttemptTally,
    EstimateTally,
    InspectionTally,
    MaterialTally,
    OutcomeTally,
    RejectedMaterial,
)
from farm.kpi.parts import Measure
from farm.kpi.streak import StreakTally
from farm.kpi.wilson import wilson_interval
from farm.kpi.working import Omission, Sum, calculation_of, kinds_of, omissions_of, shown_amount, sums_of
from farm.model.states import CancelledBy, Outcome, PrinterState
from farm.model.times import HOUR_MS
from farm.settings import SiteSettings
from tests.unit.kpi.kpi_inputs import basis_of
from tests.unit.kpi.test_tallies import much_of_everything
from tests.unit.kpi.test_working_record import working_of

MADE_OF = {
    "utilization": (
        "window_hours closed_hours available_hours utilized_hours offline_hours idle_hours "
        "preparing_hours printing_hours paused_hours finished_hours error_hours unknown_hours "
        "maintenance_hours engineering_hours"
    ),
    "print_success_rate": (
        "attempts succeeded failed cancelled unknown cancelled_by_person cancelled_by_system"
    ),
    "success_after_inspection": "attempts good rejected inspected not_inspected",
    "inspected_yield": "good_units rejected_units inspected",
    "first_pass_yield": "parts good_parts unknown_parts doubtful_parts attempts reprints",
    "throughput": (
        "units ended succeeded failed cancelled unknown printing_hours preparing_hours grams millilitres"
    ),
    "avg_production_time": "units succeeded production_hours failed_hours",
    "idle_time": (
        "idle_hours preparing_hours no_job_hours waiting_for_operator_hours waiting_for_material_hours "
        "bed_not_cleared_hours paused_hours paused_by_person_hours paused_by_machine_hours fault_hours "
        "offline_hours unknown_hours closed_hours maintenance_hours engineering_hours"
    ),
    "failures_by_cause": (
        "failed ended unknown failed_by_thermal failed_by_printer_error failed_by_connection "
        "failed_by_host failed_by_power failed_by_filament failed_by_adhesion failed_by_file "
        "failed_by_operator failed_by_unknown failed_hours"
    ),
    "operational_uptime": (
        "productive_hours standby_hours engineering_hours scheduled_down_hours unscheduled_down_hours "
        "non_scheduled_hours unknown_hours"
    ),
    "total_uptime": (
        "productive_hours standby_hours engineering_hours scheduled_down_hours unscheduled_down_hours "
        "non_scheduled_hours unknown_hours"
    ),
    "mtbf": "succeeded failed unknown printing_hours",
    "mcbf": "succeeded failed unknown",
    "mttr": "faults repairs repair_hours",
    "oee": (
        "available_hours utilized_hours by_estimate by_median planned_hours actual_hours good_units "
        "units unknown_units inspected"
    ),
    "availability": "available_hours utilized_hours",
    "performance": "by_estimate by_median planned_hours actual_hours",
    "quality": "good_units units unknown_units inspected",
    "estimate_accuracy": "estimated succeeded actual_hours expected_hours off_hours",
    "material_waste": (
        "failed without_material failed_grams used_grams failed_millilitres used_millilitres used_metres "
        "rejected_grams"
    ),
    "failed_hours": "failed ended lost_hours failed_printing_hours all_hours",
    "failed_streak": "current longest failing_printers",
}
"""The sums of each indicator, by their names in counts and amounts."""
LEFT_OUT = {
    "utilization": "closed:hours maintenance:hours engineering:hours not_observed:hours",
    "print_success_rate": "outcome_unknown:count cancelled_not_counted:count",
    "success_after_inspection": "outcome_unknown:count cancelled_not_counted:count",
    "inspected_yield": "not_inspected:count",
    "first_pass_yield": "outcome_unknown:count reprint:count no_attempt:count",
    "throughput": "outcome_unknown:count came_to_nothing:count",
    "avg_production_time": "outcome_unknown:hours failed:hours cancelled:hours",
    "idle_time": "closed:hours maintenance:hours engineering:hours not_observed:hours printing:hours",
    "failures_by_cause": "outcome_unknown:count",
    "operational_uptime": "closed:hours not_observed:hours",
    "total_uptime": "not_observed:hours",
    "mtbf": "outcome_unknown:count cancelled:count",
    "mcbf": "outcome_unknown:count cancelled:count",
    "mttr": "",
    "oee": (
        "closed:hours maintenance:hours engineering:hours not_planned:count outcome_unknown:count "
        "cancelled_not_counted:count"
    ),
    "availability": "closed:hours maintenance:hours engineering:hours",
    "performance": "not_planned:count not_succeeded:count",
    "quality": "outcome_unknown:count cancelled_not_counted:count",
    "estimate_accuracy": "not_estimated:count not_succeeded:count",
    "material_waste": "material_unknown:count",
    "failed_hours": "outcome_unknown:hours",
    "failed_streak": "outcome_unknown:count cancelled:count shorter_streak:count",
}
"""What does not count in each, and in what it is told."""
OF_PRINTERS = {
    "utilization",
    "idle_time",
    "operational_uptime",
    "total_uptime",
    "mtbf",
    "mttr",
    "oee",
    "availability",
    "failed_streak",
}
"""They are of printers: a file, a material, a cause or an hour of the day has none of them."""
STATES = dict.fromkeys(PrinterState, 1.0)
JOBS = dict.fromkeys(Outcome, 3)


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.id)
def test_a_figure_is_made_of_sums_that_have_names(entry: Indicator) -> None:
    assert [part.name for part in entry.parts] == MADE_OF[entry.id].split()
    given = basis_of(hours=STATES, jobs=JOBS)
    found, hours = (
        entry.worked_out(given),
        {p.name for p in entry.parts if p.rows.measure is not Measure.COUNT},
    )
    assert set(MADE_OF[entry.id].split()) - hours <= {*found.counts}
    assert hours <= {*found.amounts}
    times = {part.name for part in entry.parts if part.rows.measure is Measure.TIME}
    assert times == {name for name in MADE_OF[entry.id].split() if name.endswith("_hours")}


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.id)
def test_what_is_no_sum_of_rows_is_named_beside_them(entry: Indicator) -> None:
    found = entry.worked_out(much_of_everything())
    assert {*found.counts, *found.amounts} == {*MADE_OF[entry.id].split(), *entry.beside}
    assert all(entry.beside.values())


RATES = {
    "print_success_rate",
    "success_after_inspection",
    "inspected_yield",
    "first_pass_yield",
    "quality",
}
"""Parts of a whole that are counted one by one, so that chance moves them."""


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.id)
def test_a_rate_has_the_interval_of_its_counts(entry: Indicator) -> None:
    found = entry.worked_out(much_of_everything())
    assert (found.interval is not None) == (entry.id in RATES)
    if entry.id in RATES:
        good, *of_which = (found.counts[name] for name in names_in(entry.expression))
        assert found.interval == wilson_interval(good, sum(of_which))


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.id)
def test_what_is_left_out_is_told_in_hours_where_it_is_time(entry: Indicator) -> None:
    told = [f"{each.name}:{each.rows.measure.value}" for each in entry.left_out]
    assert told == LEFT_OUT[entry.id].split()


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.id)
def test_what_is_of_printers_has_no_data_of_prints(entry: Indicator) -> None:
    given = basis_of(hours=STATES, jobs=JOBS)
    figure, sums = entry.worked_out(given, has_hours=False), sums_of(entry, given, has_hours=False)
    omitted, kinds = omissions_of(entry, given, has_hours=False), kinds_of(entry, has_hours=False)
    if entry.id in OF_PRINTERS:
        why = "it needs the hours of printers, and these are prints"
        assert (figure, sums, kinds) == (NO_DATA, (), ())
        assert omitted == (Omission("no_hours", why, Measure.COUNT, 0),)
    else:
        of_prints = {**figure.counts, **figure.amounts}.keys() - entry.beside.keys()
        assert {each.name for each in sums} == of_prints
        assert "jobs" in kinds
        assert all(each.amount and each.name != "no_hours" for each in omitted)


NOTHING_BY_OUTCOME = dict.fromkeys(Outcome, 0)


def of_one_outcome(outcome: Outcome, *, filled: bool) -> KpiInput:
    """A job that ended so and nothing else; `filled` says of all that there is none, instead of nothing."""
    others = NOTHING_BY_OUTCOME if filled else {}
    base = basis_of()
    outcomes = OutcomeTally(
        jobs={**others, outcome: 1},
        units={**others, outcome: 2},
        cancelled_by=dict.fromkeys(CancelledBy, 0) if filled else {},
        printing_ms={**others, outcome: HOUR_MS},
        whole_ms={**others, outcome: HOUR_MS},
        material={outcome: MaterialTally(weighed=1)},
    )
    return msgspec.structs.replace(base, outcomes=outcomes)


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.id)
def test_what_is_not_said_of_jobs_is_none(entry: Indicator) -> None:
    for outcome in Outcome:
        said, unsaid = (of_one_outcome(outcome, filled=filled) for filled in (True, False))
        assert entry.worked_out(unsaid) == entry.worked_out(said)
        told = [omissions_of(entry, each, has_hours=True) for each in (unsaid, said)]
        assert told[0] == told[1]


@pytest.mark.parametrize("is_open", [True, False])
@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.id)
def test_what_is_not_said_of_hours_is_none(entry: Indicator, *, is_open: bool) -> None:
    base = of_one_outcome(Outcome.SUCCEEDED, filled=True)
    for state in PrinterState:
        unsaid, said = (
            msgspec.structs.replace(base, account=account_of(state, others, is_open=is_open))
            for others in ({}, dict.fromkeys(PrinterState, 0))
        )
        assert entry.worked_out(unsaid) == entry.worked_out(said)
        told = [omissions_of(entry, each, has_hours=True) for each in (unsaid, said)]
        assert told[0] == told[1]


def account_of(state: PrinterState, others: dict[PrinterState, int], *, is_open: bool) -> TimeAccount:
    """An hour in the state, open or closed, and of the other states what is said of them."""
    hour = {**others, state: HOUR_MS}
    return TimeAccount(hour, others) if is_open else TimeAccount(others, hour)


def test_failures_are_none_where_something_was_seen_or_ended_and_no_data_where_nothing_was() -> None:
    failures = indicator("failures_by_cause").worked_out
    assert failures(basis_of(hours={PrinterState.IDLE: 1})).value == 0
    assert failures(basis_of(jobs={Outcome.SUCCEEDED: 1})).value == 0
    assert failures(basis_of(hours={PrinterState.UNKNOWN: 1})).value is None


@pytest.mark.parametrize(
    ("streaks", "told"),
    [
        (StreakTally(current=1, least=1, most=1, decided=1, ended=1), (1, 1, 1)),
        (StreakTally(current=0, least=0, most=1, decided=0, ended=1), (None, 0, 1)),
        (StreakTally(), (None, None, None)),
    ],
)
def test_one_print_is_enough_for_a_streak(streaks: StreakTally, told: tuple[float | None, ...]) -> None:
    given = msgspec.structs.replace(basis_of(), streaks=streaks)
    found = indicator("failed_streak").worked_out(given)
    assert (found.value, found.low, found.high) == told


@pytest.mark.parametrize(
    ("estimates", "spread"),
    [
        (EstimateTally(0, 0, 0, 0, 0, 0), None),
        (EstimateTally(1, 10, 11, 1, 1_100, 1_210_000), 0),
        (EstimateTally(2, 20, 20, 4, 2_000, 2_080_000), 0.2 * 2**0.5),
        # Of three that are alike but for rounding the mean square comes out below the square of the mean.
        (EstimateTally(3, 30, 10, 20, 1_000, 333_333), 0),
    ],
)
def test_the_spread_is_there_from_the_first_print_and_counts_one_less_than_there_are(
    estimates: EstimateTally, spread: float | None
) -> None:
    base = basis_of()
    outcomes = msgspec.structs.replace(base.outcomes, estimates=estimates)
    found = indicator("estimate_accuracy").worked_out(msgspec.structs.replace(base, outcomes=outcomes))
    assert found.amounts.get("spread") == (None if spread is None else pytest.approx(spread))


def test_one_print_of_any_end_is_enough_for_the_hours_of_failures() -> None:
    failed = indicator("failed_hours").worked_out
    for outcome, told in (
        (Outcome.FAILED, (1, 1, 1)),
        (Outcome.UNKNOWN, (None, 0, 1)),
        (Outcome.SUCCEEDED, (0, 0, 0)),
    ):
        found = failed(of_one_outcome(outcome, filled=False))
        assert (found.value, found.low, found.high) == told


def test_a_calculation_has_its_numbers_only_where_there_is_a_value_and_all_are_told() -> None:
    figure = msgspec.structs.replace(
        working_of("failed_hours").figure, counts={"a": 4}, amounts={"b_hours": 2.0}
    )
    assert calculation_of("a ÷ b_hours", (), figure) == "4 ÷ 2.00 h = 2.00 h"
    assert calculation_of("a ÷ c", (), figure) == "2.00 h"
    assert calculation_of("a ÷ b_hours", (), msgspec.structs.replace(figure, value=None)) == "no data"


@pytest.mark.parametrize("unknown", [2, 3])
def test_of_several_prints_of_unknown_outcome_some_may_have_come_out(unknown: int) -> None:
    outcomes = OutcomeTally(
        jobs={Outcome.SUCCEEDED: 1, Outcome.UNKNOWN: unknown},
        units={Outcome.SUCCEEDED: 2, Outcome.UNKNOWN: 9},
        cancelled_by={},
        printing_ms={Outcome.SUCCEEDED: 10 * HOUR_MS, Outcome.UNKNOWN: 30 * HOUR_MS},
    )
    piece = indicator("avg_production_time").worked_out
    found = piece(msgspec.structs.replace(basis_of(), outcomes=outcomes))
    assert (found.low, found.value, found.high) == (10 / 11, 5, 20)
    one = msgspec.structs.replace(outcomes, jobs={Outcome.SUCCEEDED: 1, Outcome.UNKNOWN: 1})
    found = piece(msgspec.structs.replace(basis_of(), outcomes=one))
    assert (found.low, found.value, found.high) == (40 / 11, 5, 5)
    none = msgspec.structs.replace(outcomes, jobs={Outcome.UNKNOWN: 3}, units={Outcome.UNKNOWN: 9})
    found = piece(msgspec.structs.replace(basis_of(), outcomes=none))
    assert (found.low, found.value, found.high) == (10 / 9, None, 40)


@pytest.mark.parametrize(
    ("measure", "amount", "shown"),
    [
        (Measure.COUNT, 1_800, "1,800"),
        (Measure.TIME, 45 * HOUR_MS // 10, "4.50 h"),
        (Measure.AMOUNT, 1_234.5, "1,234.50"),
    ],
)
def test_an_amount_is_shown_in_its_unit(measure: Measure, amount: float, shown: str) -> None:
    assert shown_amount(measure, amount) == shown
    assert Sum("a", measure, amount).shown == Omission("a", "why", measure, amount).shown == shown


def test_a_print_of_unknown_outcome_may_have_failed() -> None:
    jobs = {Outcome.SUCCEEDED: 5, Outcome.FAILED: 2, Outcome.UNKNOWN: 1}
    found = indicator("failures_by_cause").worked_out(basis_of(jobs=jobs))
    assert (found.low, found.value, found.high) == (2, 2, 3)


def test_what_follows_an_attempt_of_unknown_outcome_may_be_no_first_attempt() -> None:
    told = AttemptTally(9, 1, parts=8, good_parts=6, unknown_parts=2, doubtful_parts=3, doubtful_good_parts=1)
    base = basis_of()
    outcomes = msgspec.structs.replace(base.outcomes, attempts=told)
    found = indicator("first_pass_yield").worked_out(msgspec.structs.replace(base, outcomes=outcomes))
    assert (found.low, found.value, found.high) == (5 / 9, 6 / 8, 8 / 8)


def test_a_single_print_that_says_what_it_took_tells_what_the_others_may_have_taken() -> None:
    base = basis_of(jobs={Outcome.FAILED: 1, Outcome.SUCCEEDED: 1, Outcome.CANCELLED: 2})
    took = {
        Outcome.FAILED: MaterialTally(weighed=1, milligrams=10_000),
        Outcome.SUCCEEDED: MaterialTally(silent=1),
        Outcome.CANCELLED: MaterialTally(silent=2),
    }
    outcomes = msgspec.structs.replace(base.outcomes, material=took)
    found = indicator("material_waste").worked_out(msgspec.structs.replace(base, outcomes=outcomes))
    assert (found.low, found.value, found.high) == (1 / 4, 1, 1)


def test_closed_hours_that_nobody_saw_may_have_been_up_or_not() -> None:
    given = basis_of(closed={PrinterState.UNKNOWN: 2})
    found = indicator("operational_uptime").worked_out(given)
    assert (found.value, found.low, found.high) == (None, 0, 1)


def test_what_says_nothing_of_its_material_took_what_others_did() -> None:
    base = basis_of(jobs={Outcome.FAILED: 2, Outcome.SUCCEEDED: 1, Outcome.CANCELLED: 2, Outcome.UNKNOWN: 3})
    took = {
        Outcome.FAILED: MaterialTally(weighed=1, milligrams=10_000, silent=1),
        Outcome.SUCCEEDED: MaterialTally(weighed=1, milligrams=10_000),
        Outcome.CANCELLED: MaterialTally(silent=2),
        Outcome.UNKNOWN: MaterialTally(silent=3),
    }
    rejected = RejectedMaterial(milligrams=1_000, micrometres=2_000_000, microlitres=3_000)
    outcomes = msgspec.structs.replace(
        base.outcomes, material=took, inspected=InspectionTally(rejected=rejected)
    )
    site = SiteSettings(filament_grams_per_metre=3, resin_grams_per_millilitre=2)
    given = msgspec.structs.replace(base, outcomes=outcomes, site=site)
    found = indicator("material_waste").worked_out(given)
    assert (found.low, found.value, found.high) == (10 / 70, 10 / 20, 50 / 60)
    assert found.amounts["rejected_grams"] == 1 + 6 + 6


def test_what_is_left_out_is_told_where_there_is_some_of_it() -> None:
    given = basis_of(hours={PrinterState.PRINTING: 2, PrinterState.UNKNOWN: 1}, closed={PrinterState.IDLE: 3})
    found = omissions_of(indicator("utilization"), given, has_hours=True)
    assert [(each.name, each.shown) for each in found] == [("closed", "3.00 h"), ("not_observed", "1.00 h")]


def test_where_no_print_took_anything_and_all_are_known_there_is_no_waste_to_tell() -> None:
    base = basis_of(jobs={Outcome.FAILED: 1})
    outcomes = msgspec.structs.replace(base.outcomes, material={Outcome.FAILED: MaterialTally(weighed=1)})
    found = indicator("material_waste").worked_out(msgspec.structs.replace(base, outcomes=outcomes))
    assert (found.value, found.low, found.high) == (None, None, None)


def test_where_no_print_says_what_it_took_there_is_no_waste_to_tell() -> None:
    """Also where one of them may have failed: what it took nobody knows."""
    base = basis_of(jobs={Outcome.UNKNOWN: 1})
    outcomes = msgspec.structs.replace(base.outcomes, material={Outcome.UNKNOWN: MaterialTally(silent=1)})
    found = indicator("material_waste").worked_out(msgspec.structs.replace(base, outcomes=outcomes))
    assert (found.value, found.low, found.high) == (None, None, None)
