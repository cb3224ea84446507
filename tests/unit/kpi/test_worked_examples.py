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
