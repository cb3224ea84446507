"""The plain recount: nothing that is reported is left without a truth, and clocks are read as on the wall."""

from collections import Counter
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from farm.kpi.catalogue import CATALOGUE
from farm.kpi.figure import KpiFigure
from farm.kpi.indicator import Unit
from farm.kpi.subjects import Scope
from farm.kpi.windows import Window
from farm.model.states import PrinterState
from farm.model.times import HOUR_MS, parse_rfc3339
from simulators.recount.comparison import Agreement, standing
from simulators.recount.facts import Facts, TrueFigure
from simulators.recount.formulas import NOT_COMPARED, OF_HOURS, OF_JOBS, true_figure
from simulators.recount.shop_time import Stretches, open_time
from simulators.recount.subjects import BY_JOB, BY_PRINTER
from simulators.recount.windows import windows_of
from simulators.shop_truth import CalendarTruth
from simulators.truth import Header

BERLIN = ZoneInfo("Europe/Berlin")


def test_every_indicator_has_a_true_formula_or_is_named_as_not_compared() -> None:
    compared = OF_HOURS.keys() | OF_JOBS.keys()
    left = {entry.id for entry in CATALOGUE} - compared
    assert left == NOT_COMPARED.keys(), "say in formulas.py what it truly is, or why it is not compared"
    assert not compared - {entry.id for entry in CATALOGUE}


def test_only_what_printers_alone_have_is_true_of_printers_alone() -> None:
    needs_hours = {entry.id for entry in CATALOGUE if entry.needs_hours}
    assert OF_HOURS.keys() == needs_hours - NOT_COMPARED.keys()


def test_every_scope_says_who_belongs_to_it() -> None:
    assert {scope.value for scope in Scope} <= BY_PRINTER.keys() | BY_JOB.keys(), "say so in subjects.py"


def a_figure(
    value: float | None, low: float | None, high: float | None, *, unknown: int = 0, observed: float = 1.0
) -> KpiFigure:
    return KpiFigure(
        id="utilization",
        scope=Scope.FARM,
        scope_id="main",
        label="main",
        window=Window("day", 0, 24 * HOUR_MS),
        unit=Unit.RATIO,
        value=value,
        low=low,
        high=high,
        interval=None,
        counts={"unknown": unknown},
        amounts={},
        observed_share=observed,
    )


@pytest.mark.parametrize(
    ("true", "figure", "found"),
    [
        (TrueFigure(0.5), a_figure(0.5, 0.5, 0.5), Agreement.EQUAL),
        (TrueFigure(0.5), a_figure(0.49, 0.49, 0.49), Agreement.WRONG),
        (TrueFigure(0.5, exact_to=0.02), a_figure(0.49, 0.49, 0.49), Agreement.EQUAL),
        (TrueFigure(0.5), a_figure(0.4, 0.4, 0.6), Agreement.WITHIN),
        (TrueFigure(0.4), a_figure(0.4, 0.4, 0.6), Agreement.EQUAL),
        (TrueFigure(0.61), a_figure(0.4, 0.4, 0.6), Agreement.WRONG),
        (TrueFigure(0.39), a_figure(0.4, 0.4, 0.6), Agreement.WRONG),
        (TrueFigure(9.0), a_figure(4.0, 3.0, None), Agreement.WITHIN),
        (TrueFigure(None), a_figure(None, None, None), Agreement.EQUAL),
        (TrueFigure(None), a_figure(0.4, 0.4, 0.4), Agreement.WRONG),
        (TrueFigure(None), a_figure(0.4, 0.1, 0.9), Agreement.WITHIN),
        (TrueFigure(0.4), a_figure(None, None, None), Agreement.WRONG),
        (TrueFigure(0.4), a_figure(None, 0.1, 0.9, unknown=2), Agreement.WITHIN),
        (TrueFigure(0.4), a_figure(None, 0.5, 0.9, unknown=2), Agreement.WRONG),
        (TrueFigure(0.4), a_figure(None, None, None, observed=0.0), Agreement.WITHIN),
    ],
)
def test_a_figure_stands_to_the_truth_as_its_range_says(
    true: TrueFigure, figure: KpiFigure, found: Agreement
) -> None:
    assert standing(true, figure) is found


def a_calendar(day: str, *hours: tuple[int, int]) -> CalendarTruth:
    return CalendarTruth(name="c", groups=(), default=True, hours={}, dates={day: hours})


def open_hours(day: str, *hours: tuple[int, int]) -> float:
    begin = parse_rfc3339(f"{date.fromisoformat(day)}T00:00:00Z") - 12 * HOUR_MS
    end = begin + 48 * HOUR_MS
    return open_time(a_calendar(day, *hours), BERLIN, begin, end).within(begin, end) / HOUR_MS


@pytest.mark.parametrize(
    ("day", "hours", "length"),
    [
        ("2026-05-05", ((0, 1440),), 24),
        ("2026-03-29", ((0, 1440),), 23),
        ("2026-10-25", ((0, 1440),), 25),
        ("2026-03-29", ((60, 240),), 2),
        ("2026-03-29", ((135, 165),), 0),  # The clock skips them.
        ("2026-10-25", ((120, 180),), 2),  # From the first two o'clock until three.
        ("2026-05-05", ((480, 720), (780, 1080)), 9),
        ("2026-05-05", (), 0),
    ],
)
def test_hours_are_those_of_the_clock_on_the_wall(
    day: str, hours: tuple[tuple[int, int], ...], length: float
) -> None:
    assert open_hours(day, *hours) == length


def test_stretches_that_touch_or_overlap_are_one() -> None:
    stretches = Stretches([(10, 20), (0, 5), (15, 30), (30, 40), (7, 7)])
    assert stretches.edges == [0, 5, 10, 40]
    assert [at for at in (0, 4, 5, 9, 10, 39, 40) if at in stretches] == [0, 4, 10, 39]
    assert stretches.within(3, 12) == 4
    assert stretches.edges_between(0, 40) == [5, 10]


def test_a_day_comes_out_as_the_documents_work_it_out() -> None:
    """8 hours closed of which 2 were printed all the same, 4 of maintenance, 10 of printing in open hours."""
    spent = Counter(
        {
            (PrinterState.PRINTING, False): 2 * HOUR_MS,
            (PrinterState.IDLE, False): 6 * HOUR_MS,
            (PrinterState.MAINTENANCE, True): 4 * HOUR_MS,
            (PrinterState.PRINTING, True): 10 * HOUR_MS,
            (PrinterState.IDLE, True): 2 * HOUR_MS,
        }
    )
    facts = Facts(spent=spent, exact_ms=0, jobs=[])
    found = {name: true_figure(name, facts).value for name in ("utilization", "idle_time", "total_uptime")}
    assert found == {"utilization": 12 / 14, "idle_time": 2.0, "total_uptime": 14 / 24}
    assert true_figure("mtbf", facts).value is None


def test_windows_hold_the_whole_run_and_the_day_on_which_the_clock_is_turned() -> None:
    header = Header(
        seed=1,
        scenario="shop",
        faults=[],
        from_ms=parse_rfc3339("2026-03-20T00:00:00Z"),
        to_ms=parse_rfc3339("2026-05-20T00:00:00Z"),
        printers=[],
        time_zone="Europe/Berlin",
    )
    windows = windows_of(header)
    assert windows == windows_of(header)
    assert windows[0].length_ms == header.to_ms - header.from_ms
    assert [each.length_ms / HOUR_MS for each in windows if each.name == "turned day"] == [23]
    assert {each.name for each in windows} == {"whole", "odd", "turned day", "day", "week", "month"}
    assert all(header.from_ms <= each.from_ms < each.to_ms <= header.to_ms for each in windows)


@pytest.mark.parametrize("minutes", [1, 16, 119, 121, 300])
def test_a_run_of_any_length_has_windows_within_it(minutes: int) -> None:
    header = Header(
        seed=14,
        scenario="everyday",
        faults=[],
        from_ms=parse_rfc3339("2026-03-20T00:00:00Z"),
        to_ms=parse_rfc3339("2026-03-20T00:00:00Z") + minutes * HOUR_MS // 60,
        printers=[],
    )
    windows = windows_of(header)
    assert len(windows) == 4
    assert all(header.from_ms <= each.from_ms < each.to_ms <= header.to_ms for each in windows)
