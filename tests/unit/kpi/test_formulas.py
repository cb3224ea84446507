"""Each formula by an example of which every figure is told, and by one without data."""

import msgspec
import pytest

from farm.kpi.account import Condition, TimeAccount
from farm.kpi.calculation import KpiInput, KpiResult
from farm.kpi.idle_time import IDLE_TIME
from farm.kpi.inspection import INSPECTED_YIELD, SUCCESS_AFTER_INSPECTION
from farm.kpi.outcomes import InspectionTally, MaterialTally, OutcomeTally, RejectedMaterial
from farm.kpi.production_time import AVG_PRODUCTION_TIME
from farm.kpi.reliability import MCBF, MTBF
from farm.kpi.success import PRINT_SUCCESS_RATE
from farm.kpi.throughput import THROUGHPUT
from farm.kpi.time_classes import CLASS_OF, time_by_class
from farm.kpi.uptime import OPERATIONAL_UPTIME, TOTAL_UPTIME
from farm.kpi.utilization import UTILIZATION
from farm.kpi.waste import FAILED_HOURS, MATERIAL_WASTE
from farm.kpi.wilson import wilson_interval
from farm.model.states import CancelledBy, Outcome, PrinterState, StateReason
from farm.model.times import HOUR_MS
from farm.settings import SiteSettings

avg_production_time = AVG_PRODUCTION_TIME.worked_out
idle_time = IDLE_TIME.worked_out
inspected_yield = INSPECTED_YIELD.worked_out
mcbf = MCBF.worked_out
mtbf = MTBF.worked_out
operational_uptime = OPERATIONAL_UPTIME.worked_out
print_success_rate = PRINT_SUCCESS_RATE.worked_out
success_after_inspection = SUCCESS_AFTER_INSPECTION.worked_out
throughput = THROUGHPUT.worked_out
total_uptime = TOTAL_UPTIME.worked_out
utilization = UTILIZATION.worked_out
failed_hours = FAILED_HOURS.worked_out
material_waste = MATERIAL_WASTE.worked_out

NOTHING = OutcomeTally({}, {}, {})
NO_TIME = TimeAccount({}, {})
TALLY = OutcomeTally(
    jobs={Outcome.SUCCEEDED: 6, Outcome.FAILED: 2, Outcome.CANCELLED: 4, Outcome.UNKNOWN: 2},
    units={Outcome.SUCCEEDED: 12, Outcome.FAILED: 20, Outcome.CANCELLED: 30, Outcome.UNKNOWN: 3},
    cancelled_by={CancelledBy.PERSON: 3, CancelledBy.SYSTEM: 1},
)
NONE = {"succeeded": 0, "failed": 0, "cancelled": 0, "unknown": 0}
JOBS = {"succeeded": 6, "failed": 2, "cancelled": 4, "unknown": 2}


def hours(**by_state: float) -> dict[PrinterState, int]:
    return {PrinterState(state): int(amount * HOUR_MS) for state, amount in by_state.items()}


def given(account: TimeAccount = NO_TIME, outcomes: OutcomeTally = NOTHING, **more: object) -> KpiInput:
    site = SiteSettings(**more)
    return KpiInput(account=account, outcomes=outcomes, printers=3, elapsed_ms=48 * HOUR_MS, site=site)


@pytest.mark.parametrize(("counted", "attempts"), [(False, 8), (True, 12)])
def test_the_success_rate_and_what_it_is_made_of(attempts: int, *, counted: bool) -> None:
    assert print_success_rate(given(outcomes=TALLY, cancelled_counts_as_attempt=counted)) == KpiResult(
        value=6 / attempts,
        low=6 / (attempts + 2),
        high=8 / (attempts + 2),
        interval=wilson_interval(6, attempts),
        counts={"attempts": attempts, **JOBS, "cancelled_by_person": 3, "cancelled_by_system": 1},
    )


def test_without_a_job_there_is_no_success_rate_and_nobody_cancelled() -> None:
    assert print_success_rate(given()) == KpiResult(
        value=None,
        low=None,
        high=None,
        interval=None,
        counts={"attempts": 0, **NONE, "cancelled_by_person": 0, "cancelled_by_system": 0},
    )


def test_one_job_of_unknown_outcome_leaves_everything_open() -> None:
    one = OutcomeTally({Outcome.UNKNOWN: 1}, {Outcome.UNKNOWN: 1}, {})
    found = print_success_rate(given(outcomes=one))
    assert (found.value, found.low, found.high) == (None, 0.0, 1.0)


def test_the_throughput_and_its_rates() -> None:
    account = TimeAccount(hours(printing=20, preparing=1, idle=5), hours(printing=4, preparing=0.5))
    assert throughput(given(account, TALLY)) == KpiResult(
        value=12.0,
        low=12.0,
        high=15.0,
        counts={"units": 12, "ended": 14, **JOBS},
        amounts={
            "printing_hours": 24.0,
            "preparing_hours": 1.5,
            "grams": 0.0,
            "millilitres": 0.0,
            "units_per_hour": 0.25,
            "units_per_day": 6.0,
            "jobs_per_hour": 0.125,
            "jobs_per_day": 3.0,
        },
    )


@pytest.mark.parametrize(
    ("account", "outcomes", "value"),
    [
        (NO_TIME, NOTHING, None),
        (TimeAccount(hours(unknown=5), {}), NOTHING, None),
        (TimeAccount(hours(idle=1, unknown=5), {}), NOTHING, 0.0),
        (NO_TIME, OutcomeTally({Outcome.FAILED: 1}, {Outcome.FAILED: 4}, {}), 0.0),
    ],
)
def test_the_throughput_is_nothing_where_something_was_seen_and_no_data_where_nothing_was(
    account: TimeAccount, outcomes: OutcomeTally, value: float | None
) -> None:
    found = throughput(given(account, outcomes))
    assert (found.value, found.low, found.high) == (value, value, value)


def test_without_time_there_is_no_rate() -> None:
    still = KpiInput(account=NO_TIME, outcomes=TALLY, printers=0, elapsed_ms=0, site=SiteSettings())
    assert {name: amount for name, amount in throughput(still).amounts.items() if amount} == {}


ACCOUNT = TimeAccount(
    hours(printing=10, preparing=1, paused=2, idle=3, maintenance=4, unknown=5, offline=6, error=7),
    hours(printing=2, preparing=0.5, idle=3, unknown=1),
)


@pytest.mark.parametrize(
    ("preparing", "utilized", "available", "at_best"),
    [(True, 13.5, 36.5, 19.5 / 37.5), (False, 12.0, 36.0, 18.0 / 37.0)],
)
def test_the_utilization_and_the_hours_that_it_is_made_of(
    utilized: float, available: float, at_best: float, *, preparing: bool
) -> None:
    assert utilization(given(ACCOUNT, preparing_counts_as_printing=preparing)) == KpiResult(
        value=utilized / available,
        low=utilized / available,
        high=at_best,
        counts={"printers": 3},
        amounts={
            "window_hours": 44.5,
            "closed_hours": 6.5,
            "available_hours": available,
            "utilized_hours": utilized,
            "printing_hours": 12.0,
            "preparing_hours": 1.5,
            "paused_hours": 2.0,
            "idle_hours": 6.0,
            "finished_hours": 0.0,
            "maintenance_hours": 4.0,
            "unknown_hours": 6.0,
            "offline_hours": 6.0,
            "error_hours": 7.0,
            "engineering_hours": 0.0,
        },
    )


@pytest.mark.parametrize(
    ("account", "wanted"),
    [
        (NO_TIME, (None, None, None)),
        (TimeAccount(hours(maintenance=4), {}), (None, None, None)),
        (TimeAccount(hours(unknown=4), {}), (None, 0.0, 1.0)),
        (TimeAccount({}, hours(unknown=4)), (None, 0.0, 1.0)),
        (TimeAccount(hours(idle=4), {}), (0.0, 0.0, 0.0)),
    ],
)
def test_without_an_available_hour_that_was_observed_there_is_no_utilization(
    account: TimeAccount, wanted: tuple[float | None, ...]
) -> None:
    found = utilization(given(account))
    assert (found.value, found.low, found.high) == wanted


def test_the_time_of_a_piece_and_what_it_is_made_of() -> None:
    printed = {Outcome.SUCCEEDED: 100, Outcome.FAILED: 7, Outcome.UNKNOWN: 20}
    told = OutcomeTally(
        {Outcome.SUCCEEDED: 10, Outcome.UNKNOWN: 1},
        {Outcome.SUCCEEDED: 20, Outcome.UNKNOWN: 10},
        {},
        {outcome: amount * HOUR_MS for outcome, amount in printed.items()},
    )
    assert avg_production_time(given(outcomes=told)) == KpiResult(
        value=5.0,
        low=4.0,
        high=5.0,
        counts={"units": 20, "succeeded": 10},
        amounts={"production_hours": 100.0, "failed_hours": 7.0},
    )
    assert avg_production_time(given()).value is None


DAY = TimeAccount(
    hours(printing=10, preparing=1, idle=2, finished=1, paused=0.5, error=1, offline=0.5, unknown=2),
    hours(printing=1, idle=4, maintenance=1),
)


def test_idle_time_is_told_by_what_kept_the_printers() -> None:
    found = idle_time(given(DAY))
    assert (found.value, found.low, found.high) == (5.0, 5.0, 7.0)
    assert found.amounts == {
        "idle_hours": 5.0,
        "no_job_hours": 2.0,
        "waiting_for_operator_hours": 0.0,
        "waiting_for_material_hours": 0.0,
        "preparing_hours": 0.0,
        "bed_not_cleared_hours": 1.0,
        "paused_hours": 0.5,
        "paused_by_person_hours": 0.0,
        "paused_by_machine_hours": 0.0,
        "fault_hours": 1.0,
        "offline_hours": 0.5,
        "unknown_hours": 2.0,
        "maintenance_hours": 0.0,
        "engineering_hours": 0.0,
        "closed_hours": 5.0,
    }
    strict = idle_time(given(DAY, preparing_counts_as_printing=False))
    assert (strict.value, strict.amounts["preparing_hours"]) == (6.0, 1.0)


def test_uptime_is_of_the_hours_of_operations_or_of_all() -> None:
    operational, total = operational_uptime(given(DAY)), total_uptime(given(DAY))
    assert (operational.value, operational.high) == (15.5 / 19, 17.5 / 19)
    assert (total.value, total.high) == (15.5 / 24, 17.5 / 24)
    assert operational.amounts == {
        "productive_hours": 12.0,
        "standby_hours": 3.5,
        "engineering_hours": 0.0,
        "scheduled_down_hours": 0.0,
        "unscheduled_down_hours": 1.5,
        "non_scheduled_hours": 5.0,
        "unknown_hours": 2.0,
    }


def test_a_printer_that_nobody_saw_in_closed_hours_may_have_printed_then() -> None:
    account = TimeAccount({PrinterState.PRINTING: 8 * HOUR_MS}, {PrinterState.UNKNOWN: 2 * HOUR_MS})
    operational, total = operational_uptime(given(account)), total_uptime(given(account))
    assert (operational.low, operational.value, operational.high) == (1.0, 1.0, 1.0)
    assert (total.low, total.value, total.high) == (0.8, 0.8, 1.0)


def test_the_classes_of_time_add_up_and_every_state_has_one() -> None:
    assert {condition.state for condition in CLASS_OF} == set(PrinterState)
    assert sum(time_by_class(DAY).values()) == DAY.whole_ms
    assert sum(time_by_class(WAITED).values()) == WAITED.whole_ms


WAITED = TimeAccount(
    hours(printing=10, idle=5, finished=1, paused=4, maintenance=3),
    hours(maintenance=1),
    {
        Condition(PrinterState.IDLE, StateReason.WAITING_FOR_OPERATOR): 1 * HOUR_MS,
        Condition(PrinterState.IDLE, StateReason.WAITING_FOR_MATERIAL): 2 * HOUR_MS,
        Condition(PrinterState.PAUSED, StateReason.WAITING_FOR_MATERIAL): HOUR_MS // 2,
        Condition(PrinterState.PAUSED, StateReason.PAUSED_BY_PERSON): HOUR_MS,
        Condition(PrinterState.PAUSED, StateReason.PAUSED_BY_MACHINE): 2 * HOUR_MS,
        Condition(PrinterState.MAINTENANCE, StateReason.ENGINEERING): 2 * HOUR_MS,
    },
)


def test_what_a_printer_waits_for_is_told_apart_and_engineering_is_up() -> None:
    found = idle_time(given(WAITED))
    assert found.value == 10.0
    assert {name: amount for name, amount in found.amounts.items() if amount} == {
        "idle_hours": 10.0,
        "no_job_hours": 2.0,
        "waiting_for_operator_hours": 1.0,
        "waiting_for_material_hours": 2.5,
        "bed_not_cleared_hours": 1.0,
        "paused_hours": 0.5,
        "paused_by_person_hours": 1.0,
        "paused_by_machine_hours": 2.0,
        "maintenance_hours": 1.0,
        "engineering_hours": 2.0,
        "closed_hours": 1.0,
    }
    up = operational_uptime(given(WAITED))
    assert (up.value, up.amounts["engineering_hours"]) == (22 / 23, 2.0)
    used = utilization(given(WAITED))
    assert (used.value, used.amounts["maintenance_hours"], used.amounts["engineering_hours"]) == (0.5, 2, 2)


def test_how_long_printers_go_without_a_failure() -> None:
    found = mtbf(given(DAY, TALLY))
    assert (found.value, found.low, found.high) == (6.0, 3.0, 7.0)
    assert found.counts == {"succeeded": 6, "failed": 2, "unknown": 2}
    cycles = mcbf(given(DAY, TALLY))
    assert (cycles.value, cycles.low, cycles.high) == (4.0, 2.0, 5.0)
    assert mtbf(given(DAY)).value is None
    assert mtbf(given(DAY)).amounts == {"printing_hours": 12.0}


def test_success_stands_before_and_after_inspection() -> None:
    told = msgspec.structs.replace(TALLY, inspected=InspectionTally(4, 1, 11, 1))
    found = success_after_inspection(given(outcomes=told))
    assert (found.value, found.low, found.high) == (5 / 8, 5 / 10, 7 / 10)
    assert found.interval == wilson_interval(5, 8)
    assert found.counts == {"attempts": 8, "good": 5, "rejected": 1, "inspected": 4, "not_inspected": 2}
    assert print_success_rate(given(outcomes=told)).value == 6 / 8
    assert success_after_inspection(given()).value is None


def test_the_yield_is_of_what_was_inspected() -> None:
    told = msgspec.structs.replace(TALLY, inspected=InspectionTally(2, 0, 11, 1))
    found = inspected_yield(given(outcomes=told))
    assert (found.value, found.interval) == (11 / 12, wilson_interval(11, 12))
    assert found.counts == {"good_units": 11, "rejected_units": 1, "inspected": 2}
    assert inspected_yield(given()).value is None


def test_material_is_weighed_and_what_is_not_said_is_the_range() -> None:
    used = {
        Outcome.SUCCEEDED: MaterialTally(
            weighed=2,
            milligrams=100_000,
            metered=1,
            microlitres=50_000,
            unweighed_microlitres=50_000,
            silent=1,
        ),
        Outcome.FAILED: MaterialTally(
            weighed=1,
            milligrams=20_000,
            measured=1,
            micrometres=10_000_000,
            unweighed_micrometres=10_000_000,
            silent=1,
        ),
        Outcome.UNKNOWN: MaterialTally(weighed=1, milligrams=5_000),
    }
    told = OutcomeTally(
        {Outcome.SUCCEEDED: 4, Outcome.FAILED: 3, Outcome.UNKNOWN: 1},
        {},
        {},
        material=used,
        inspected=InspectionTally(1, 0, 3, 1, rejected=RejectedMaterial(milligrams=4_000, microlitres=2_000)),
    )
    found = material_waste(given(outcomes=told, filament_grams_per_metre=3, resin_grams_per_millilitre=1.1))
    mean = (155 + 50 + 5) / 6
    assert found.value == pytest.approx(50 / 210)
    assert found.low == pytest.approx(50 / (210 + mean))
    assert found.high == pytest.approx((50 + 5 + mean) / (210 + mean))
    assert found.counts == {"failed": 3, "without_material": 2}
    assert found.amounts == pytest.approx(
        {
            "failed_grams": 50,
            "used_grams": 210,
            "failed_millilitres": 0,
            "used_millilitres": 50,
            "used_metres": 10,
            "rejected_grams": 6.2,
        }
    )
    assert throughput(given(outcomes=told)).amounts["millilitres"] == 50
    nothing = OutcomeTally({Outcome.FAILED: 1}, {}, {}, material={Outcome.FAILED: MaterialTally(silent=1)})
    assert material_waste(given(outcomes=nothing)).value is None


def test_a_print_of_unknown_outcome_that_was_lost_before_it_took_anything_leaves_the_waste_open() -> None:
    lost = OutcomeTally({Outcome.UNKNOWN: 1}, {}, {}, material={Outcome.UNKNOWN: MaterialTally(weighed=1)})
    found = material_waste(given(outcomes=lost))
    assert (found.value, found.low, found.high) == (None, 0, 1)


def test_the_hours_of_failures_are_all_that_they_took() -> None:
    told = OutcomeTally(
        {Outcome.FAILED: 1, Outcome.SUCCEEDED: 1, Outcome.UNKNOWN: 1},
        {},
        {},
        {Outcome.FAILED: 4 * HOUR_MS, Outcome.SUCCEEDED: 2 * HOUR_MS, Outcome.UNKNOWN: HOUR_MS},
        whole_ms={
            Outcome.FAILED: 19 * HOUR_MS // 4,
            Outcome.SUCCEEDED: 2 * HOUR_MS,
            Outcome.UNKNOWN: HOUR_MS,
        },
    )
    found = failed_hours(given(outcomes=told))
    assert (found.value, found.low, found.high) == (4.75, 4.75, 5.75)
    assert found.amounts == {"lost_hours": 4.75, "failed_printing_hours": 4.0, "all_hours": 7.75}
    assert failed_hours(given()).value is None
