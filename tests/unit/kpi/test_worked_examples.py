"""The worked examples of the guides, out of spans and jobs in a ledger."""

import msgspec
import pytest

from farm.figures.engine import KpiEngine
from farm.kpi.catalogue import indicator
from farm.kpi.figure import KpiFigure
from farm.kpi.indicator import shown
from farm.kpi.periods import Period
from farm.kpi.subjects import Scope
from farm.kpi.targets import Level, Profile, Target
from farm.model.job import Job
from farm.model.printer import Printer
from farm.model.span import Span
from farm.model.states import Outcome, PrinterState
from farm.model.times import DAY_MS, HOUR_MS
from farm.settings import SiteSettings
from tests.unit.conftest import OpenLedger
from tests.unit.kpi.events import START_MS, jobs_of, printer_called, spans_of

BAY = printer_called("bay1")
NOW = START_MS + 40 * DAY_MS


def figure_of(
    open_ledger: OpenLedger,
    kpi_id: str,
    window: str,
    *,
    spans: list[Span] | None = None,
    jobs: list[Job] | None = None,
    printers: tuple[Printer, ...] = (BAY,),
    profile: Profile | None = None,
) -> KpiFigure:
    engine = KpiEngine(open_ledger(printers, spans or [], jobs or [], NOW), SiteSettings(profile=profile))
    (figure,) = engine.evaluate([kpi_id], engine.window(window, NOW), Scope.FARM, NOW)
    return figure


def test_180_good_of_200_prints_in_a_month_are_90_percent(open_ledger: OpenLedger) -> None:
    ends = [START_MS + number * 3 * HOUR_MS for number in range(200)]
    jobs = jobs_of(BAY, Outcome.FAILED, ends[::10]) + jobs_of(
        BAY, Outcome.SUCCEEDED, [end for number, end in enumerate(ends) if number % 10]
    )
    figure = figure_of(
        open_ledger, "print_success_rate", "2026-01-01T00:00:00Z..2026-02-01T00:00:00Z", jobs=jobs
    )
    assert figure.value == pytest.approx(0.90)
    assert figure.shown == "90.00 %"
    assert (figure.counts["succeeded"], figure.counts["attempts"]) == (180, 200)
    assert figure.interval is not None
    assert figure.interval.low == pytest.approx(0.8506, abs=1e-4)
    assert figure.interval.high == pytest.approx(0.9343, abs=1e-4)


def test_550_hours_printed_of_720_are_76_39_percent(open_ledger: OpenLedger) -> None:
    day = [
        (PrinterState.IDLE, 3 * HOUR_MS),
        (PrinterState.PREPARING, HOUR_MS),
        (PrinterState.PRINTING, 18 * HOUR_MS),
        (PrinterState.FINISHED, HOUR_MS),
        (PrinterState.OFFLINE, HOUR_MS),
    ]
    # 28 days of 19 hours make 532; the 29th brings the 18 that are missing and the 30th none.
    states = day * 28 + [(PrinterState.PRINTING, 18 * HOUR_MS), (PrinterState.IDLE, 6 * HOUR_MS + DAY_MS)]
    figure = figure_of(
        open_ledger,
        "utilization",
        "2026-01-01T00:00:00Z..2026-01-31T00:00:00Z",
        spans=spans_of(BAY, states),
    )
    assert figure.amounts["available_hours"] == 720
    assert figure.amounts["utilized_hours"] == 550
    assert figure.value == pytest.approx(550 / 720)
    assert figure.shown == "76.39 %"
    assert figure.observed_share == 1


def test_450_units_in_january_are_108_2_percent_of_a_target_of_416(open_ledger: OpenLedger) -> None:
    plates = [START_MS + number * 4 * HOUR_MS for number in range(150)]
    february = [START_MS + 31 * DAY_MS]
    figure = figure_of(
        open_ledger,
        "throughput",
        "2026-01-01T00:00:00Z..2026-02-01T00:00:00Z",
        jobs=jobs_of(BAY, Outcome.SUCCEEDED, plates + february, units=3)
        + jobs_of(BAY, Outcome.FAILED, [START_MS + HOUR_MS], units=3),
        profile=Profile.RESIN_MINIATURES,
    )
    assert figure.value == 450
    assert figure.shown == "450 units"
    assert figure.counts["succeeded"] == 150
    monthly, weekly = throughput_targets(Profile.RESIN_MINIATURES)
    assert (monthly.low, monthly.per) == (416, Period.MONTH)
    assert (weekly.low, weekly.per, weekly.level) == (104, Period.WEEK, Level.FLOOR)
    held, floor = figure.targets
    assert (held.target, floor.target) == (monthly, weekly)
    assert shown(held.share, indicator("utilization").unit) == "108.17 %"
    assert floor.not_compared == "it is one for a week, and this window is not one"


def throughput_targets(profile: Profile) -> list[Target]:
    return [target for target in indicator("throughput").targets if target.profile is profile]


def test_100_hours_for_20_models_are_5_hours_each(open_ledger: OpenLedger) -> None:
    plates = jobs_of(BAY, Outcome.SUCCEEDED, [START_MS + n * DAY_MS for n in range(10)], units=2)
    made = [msgspec.structs.replace(plate, printing_ms=10 * HOUR_MS) for plate in plates]
    january = "2026-01-01T00:00:00Z..2026-02-01T00:00:00Z"
    figure = figure_of(open_ledger, "avg_production_time", january, jobs=made)
    assert (figure.value, figure.shown, figure.counts["units"]) == (5.0, "5.00 h", 20)


def test_two_repairs_of_an_hour_and_of_three_take_two_hours_each(open_ledger: OpenLedger) -> None:
    states = [
        (PrinterState.PRINTING, 8 * HOUR_MS),
        (PrinterState.ERROR, HOUR_MS // 2),
        (PrinterState.IDLE, HOUR_MS // 2),
        (PrinterState.PRINTING, 3 * HOUR_MS),
        (PrinterState.OFFLINE, 3 * HOUR_MS),
        (PrinterState.PREPARING, HOUR_MS),
        (PrinterState.IDLE, HOUR_MS),
        (PrinterState.OFFLINE, 4 * HOUR_MS),
        (PrinterState.PRINTING, 3 * HOUR_MS),
    ]
    spans = spans_of(BAY, states)
    january = "2026-01-01T00:00:00Z..2026-02-01T00:00:00Z"
    figure = figure_of(open_ledger, "mttr", january, spans=spans)
    assert (figure.value, figure.low, figure.high, figure.shown) == (2.0, 2.0, 2.0, "2.00 h")
    assert (figure.counts, figure.amounts) == ({"faults": 2, "repairs": 2}, {"repair_hours": 4.0})
    first = figure_of(open_ledger, "mttr", "2026-01-01T08:00:00Z..2026-01-01T12:00:00Z", spans=spans)
    assert (first.value, first.counts["faults"], first.counts["repairs"]) == (1.0, 1, 1)


def test_what_nobody_saw_of_a_repair_is_its_range(open_ledger: OpenLedger) -> None:
    states = [
        (PrinterState.PRINTING, HOUR_MS),
        (PrinterState.UNKNOWN, HOUR_MS),
        (PrinterState.ERROR, HOUR_MS),
        (PrinterState.UNKNOWN, HOUR_MS),
        (PrinterState.PRINTING, HOUR_MS),
    ]
    figure = figure_of(open_ledger, "mttr", "2026-01-01", spans=spans_of(BAY, states))
    assert (figure.low, figure.value, figure.high) == (1.0, 2.0, 3.0)


def test_80_grams_of_1000_that_failed_are_8_percent_and_cost_their_hours(open_ledger: OpenLedger) -> None:
    good = jobs_of(BAY, Outcome.SUCCEEDED, [START_MS + n * DAY_MS for n in range(1, 5)])
    (bad,) = jobs_of(BAY, Outcome.FAILED, [START_MS + 6 * DAY_MS])
    jobs = [msgspec.structs.replace(job, filament_g=230.0) for job in good]
    lost = {"printing_ms": 4 * HOUR_MS, "preparing_ms": HOUR_MS // 4, "filament_g": 80.0}
    jobs.append(msgspec.structs.replace(bad, **lost))
    january = "2026-01-01T00:00:00Z..2026-02-01T00:00:00Z"
    figure = figure_of(open_ledger, "material_waste", january, jobs=jobs)
    assert (figure.value, figure.low, figure.high, figure.shown) == (0.08, 0.08, 0.08, "8.00 %")
    assert figure_of(open_ledger, "failed_hours", january, jobs=jobs).value == 4.25


def test_resin_is_told_in_millilitres(open_ledger: OpenLedger) -> None:
    (good,) = jobs_of(BAY, Outcome.SUCCEEDED, [START_MS + DAY_MS])
    (bad,) = jobs_of(BAY, Outcome.FAILED, [START_MS + 2 * DAY_MS])
    jobs = [msgspec.structs.replace(good, resin_ml=30.0), msgspec.structs.replace(bad, resin_ml=10.0)]
    january = "2026-01-01T00:00:00Z..2026-02-01T00:00:00Z"
    figure = figure_of(open_ledger, "material_waste", january, jobs=jobs)
    assert figure.value == pytest.approx(0.25)
    assert (figure.amounts["failed_millilitres"], figure.amounts["used_millilitres"]) == (10, 40)
    assert figure_of(open_ledger, "throughput", january, jobs=jobs).amounts["millilitres"] == 30


def test_a_plate_printed_twice_is_one_that_was_not_good_at_first(open_ledger: OpenLedger) -> None:
    good = jobs_of(BAY, Outcome.SUCCEEDED, [START_MS + n * DAY_MS for n in range(1, 10)])
    (bad,) = jobs_of(BAY, Outcome.FAILED, [START_MS + 10 * DAY_MS])
    files = [msgspec.structs.replace(job, file=f"part-{n}.gcode") for n, job in enumerate([*good, bad])]
    again = {"id": "again", "started_ms": START_MS + 11 * DAY_MS, "ended_ms": START_MS + 12 * DAY_MS}
    reprint = msgspec.structs.replace(files[-1], outcome=Outcome.SUCCEEDED, **again)
    january = "2026-01-01T00:00:00Z..2026-02-01T00:00:00Z"
    figure = figure_of(open_ledger, "first_pass_yield", january, jobs=[*files, reprint])
    assert (figure.value, figure.shown) == (0.9, "90.00 %")
    assert figure.counts == {
        "parts": 10,
        "good_parts": 9,
        "unknown_parts": 0,
        "doubtful_parts": 0,
        "attempts": 10,
        "reprints": 1,
    }
    much_later = msgspec.structs.replace(
        reprint, started_ms=START_MS + 20 * DAY_MS, ended_ms=START_MS + 21 * DAY_MS
    )
    later = figure_of(open_ledger, "first_pass_yield", january, jobs=[*files, much_later])
    assert (later.counts["parts"], later.counts["reprints"]) == (11, 0)


def test_an_attempt_of_unknown_outcome_is_the_range_of_the_first_pass_yield(open_ledger: OpenLedger) -> None:
    (first,) = jobs_of(BAY, Outcome.UNKNOWN, [START_MS + DAY_MS], units=2)
    (then,) = jobs_of(BAY, Outcome.SUCCEEDED, [START_MS + 2 * DAY_MS], units=2)
    others = jobs_of(BAY, Outcome.SUCCEEDED, [START_MS + 3 * DAY_MS], units=6)
    other = [msgspec.structs.replace(job, file="other.gcode") for job in others]
    figure = figure_of(open_ledger, "first_pass_yield", "2026-01-01..2026-01-31", jobs=[first, then, *other])
    assert (figure.low, figure.value, figure.high) == (6 / 8, 1.0, 1.0)
    assert (figure.counts["parts"], figure.counts["doubtful_parts"]) == (8, 2)


def test_an_attempt_after_one_of_unknown_outcome_may_be_no_first_one(open_ledger: OpenLedger) -> None:
    """If the unknown one failed, what failed after it is a reprint, and the others may all be good."""
    (first,) = jobs_of(BAY, Outcome.UNKNOWN, [START_MS + DAY_MS], units=2)
    (then,) = jobs_of(BAY, Outcome.FAILED, [START_MS + 2 * DAY_MS], units=2)
    others = jobs_of(BAY, Outcome.SUCCEEDED, [START_MS + 3 * DAY_MS], units=6)
    other = [msgspec.structs.replace(job, file="other.gcode") for job in others]
    figure = figure_of(open_ledger, "first_pass_yield", "2026-01-01..2026-01-31", jobs=[first, then, *other])
    assert (figure.low, figure.value, figure.high) == (6 / 10, 6 / 8, 1.0)


def test_two_failures_in_a_row_after_three_and_a_success(open_ledger: OpenLedger) -> None:
    ends = [START_MS + n * DAY_MS for n in range(1, 7)]
    failed = jobs_of(BAY, Outcome.FAILED, [*ends[:3], *ends[4:]])
    figure = figure_of(
        open_ledger,
        "failed_streak",
        "2026-01-01T00:00:00Z..2026-02-01T00:00:00Z",
        jobs=failed + jobs_of(BAY, Outcome.SUCCEEDED, [ends[3]]),
    )
    assert (figure.value, figure.low, figure.high, figure.shown) == (2, 2, 2, "2 prints")
    assert figure.counts == {"current": 2, "longest": 3, "failing_printers": 1}
