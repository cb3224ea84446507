import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.errors import InvalidQuery
from farm.figures.engine import KpiEngine, period_for
from farm.figures.read_model import ReadModel
from farm.kpi.calendar import ShopCalendar
from farm.kpi.catalogue import CATALOGUE
from farm.kpi.figure import KpiFigure, KpiSeries
from farm.kpi.periods import Period
from farm.kpi.selection import Selection
from farm.kpi.shop_calendars import ShopCalendars
from farm.kpi.subjects import NO_NAME, Scope
from farm.kpi.windows import WINDOW_NAMES, Window
from farm.model.job import Job
from farm.model.span import Span
from farm.model.states import Outcome, PrinterState
from farm.model.times import DAY_MS, HOUR_MS, MINUTE_MS
from farm.settings import SiteSettings
from tests.unit.conftest import OpenLedger
from tests.unit.kpi.events import START_MS, at, jobs_of, printer_called, spans_of
from tests.unit.kpi.memory_ledger import MemoryLedger

SITE = SiteSettings(name="north")
BAY1 = printer_called("bay1", group="left")
BAY2 = printer_called("bay2", group="right")
BAY3 = printer_called("bay3")
END = START_MS + DAY_MS
DAY = Window("day", START_MS, END)
HALF_AND_HALF = [(PrinterState.PRINTING, 12 * HOUR_MS), (PrinterState.IDLE, 12 * HOUR_MS)]
ALL_IDLE = [(PrinterState.IDLE, DAY_MS)]


def figures_by_label(figures: list[KpiFigure]) -> dict[str, KpiFigure]:
    return {figure.label: figure for figure in figures}


def test_figures_are_told_apart_by_printer_group_or_farm(open_ledger: OpenLedger) -> None:
    spans = spans_of(BAY1, HALF_AND_HALF) + spans_of(BAY2, ALL_IDLE) + spans_of(BAY3, HALF_AND_HALF)
    engine = KpiEngine(open_ledger([BAY3, BAY2, BAY1], spans, [], END), SITE)

    by_printer = engine.evaluate(["utilization"], DAY, Scope.PRINTER, END)
    assert [(each.label, each.scope_id, each.value) for each in by_printer] == [
        ("bay1", BAY1.id, 0.5),
        ("bay2", BAY2.id, 0.0),
        ("bay3", BAY3.id, 0.5),
    ]
    by_group = engine.evaluate(["utilization"], DAY, Scope.GROUP, END)
    assert [(each.label, each.scope_id, each.value) for each in by_group] == [
        ("no group", NO_NAME, 0.5),
        ("left", "left", 0.5),
        ("right", "right", 0.0),
    ]
    (farm,) = engine.evaluate(["utilization"], DAY, Scope.FARM, END)
    assert (farm.label, farm.scope_id, farm.counts["printers"]) == ("north", "north", 3)
    assert farm.value == pytest.approx(24 / 72)


def test_printers_and_groups_can_be_picked(open_ledger: OpenLedger) -> None:
    spans = spans_of(BAY1, HALF_AND_HALF) + spans_of(BAY2, ALL_IDLE) + spans_of(BAY3, ALL_IDLE)
    engine = KpiEngine(open_ledger([BAY1, BAY2, BAY3], spans, [], END), SITE)

    def labels(printers: tuple[str, ...] | None, groups: tuple[str, ...] | None) -> list[str]:
        figures = engine.evaluate(
            ["utilization"], DAY, Scope.PRINTER, END, wanted=Selection(printers=printers, groups=groups)
        )
        return [figure.label for figure in figures]

    assert labels(("bay1", BAY3.id), None) == ["bay1", "bay3"]
    assert labels(None, ("right", NO_NAME)) == ["bay2", "bay3"]
    assert labels(("bay1", "bay2"), ("right",)) == ["bay2"]


@pytest.mark.parametrize(
    ("kpi_ids", "printers", "groups", "told"),
    [
        (["utilisation"], None, None, "did you mean utilization"),
        (["x"], None, None, "allowed are utilization, print_success_rate, "),
        (None, ("bay11",), None, "there is no printer 'bay11'; nearest: bay1"),
        (None, None, ("lefft",), "there is no group 'lefft'; nearest: left"),
    ],
)
def test_what_there_is_not_is_refused_with_the_nearest(
    open_ledger: OpenLedger,
    kpi_ids: list[str] | None,
    printers: tuple[str, ...] | None,
    groups: tuple[str, ...] | None,
    told: str,
) -> None:
    engine = KpiEngine(open_ledger([BAY1, BAY2], [], [], END), SITE)
    with pytest.raises(InvalidQuery, match=told):
        engine.evaluate(kpi_ids, DAY, Scope.FARM, END, wanted=Selection(printers=printers, groups=groups))


def test_an_empty_farm_has_figures_without_data(open_ledger: OpenLedger) -> None:
    engine = KpiEngine(open_ledger([], [], [], 0), SITE)
    figures = engine.evaluate(None, DAY, Scope.FARM, END)
    assert [figure.id for figure in figures] == [entry.id for entry in CATALOGUE]
    assert all(figure.value is None and figure.observed_share is None for figure in figures)
    assert all(figure.shown == "no data" for figure in figures)
    assert engine.evaluate(None, DAY, Scope.PRINTER, END) == []


def test_a_window_that_lies_ahead_has_no_data(open_ledger: OpenLedger) -> None:
    engine = KpiEngine(open_ledger([BAY1], spans_of(BAY1, ALL_IDLE), [], END), SITE)
    ahead = Window("ahead", END, END + DAY_MS)
    assert [figure.value for figure in engine.evaluate(None, ahead, Scope.FARM, END)] == [None] * len(
        CATALOGUE
    )


def test_nothing_after_the_present_is_counted(open_ledger: OpenLedger) -> None:
    noon = START_MS + 12 * HOUR_MS
    engine = KpiEngine(open_ledger([BAY1], spans_of(BAY1, HALF_AND_HALF[:1]), [], noon), SITE)
    (figure,) = engine.evaluate(["utilization"], DAY, Scope.FARM, noon)
    assert figure.value == 1
    assert figure.window == Window("day", START_MS, noon)


def test_a_job_that_ends_shows_in_the_next_answer() -> None:
    ledger = MemoryLedger([BAY1], spans_of(BAY1, ALL_IDLE), [], END)
    engine = KpiEngine(ReadModel(ledger), SITE)
    (before,) = engine.evaluate(["print_success_rate"], DAY, Scope.FARM, END)
    ledger.jobs += jobs_of(BAY1, Outcome.SUCCEEDED, [END - 1])
    (after,) = engine.evaluate(["print_success_rate"], DAY, Scope.FARM, END)
    assert (before.value, after.value) == (None, 1.0)


def test_an_open_state_counts_until_it_was_last_booked(open_ledger: OpenLedger) -> None:
    spans = [Span(BAY1.id, PrinterState.PRINTING, START_MS, None)]
    engine = KpiEngine(open_ledger([BAY1], spans, [], START_MS + 18 * HOUR_MS), SITE)
    (figure,) = engine.evaluate(["utilization"], DAY, Scope.FARM, END)
    assert (figure.value, figure.low, figure.high) == (0.75, 0.75, 1.0)
    assert figure.observed_share == 0.75


def test_a_job_belongs_to_the_window_in_which_it_ended(open_ledger: OpenLedger) -> None:
    jobs = jobs_of(BAY1, Outcome.SUCCEEDED, [START_MS - 1, START_MS, END - 1, END])
    engine = KpiEngine(open_ledger([BAY1], spans_of(BAY1, ALL_IDLE), jobs, END), SITE)
    (figure,) = engine.evaluate(["throughput"], DAY, Scope.FARM, END)
    assert figure.value == 2


def test_a_printer_counts_from_first_sight(open_ledger: OpenLedger) -> None:
    late = printer_called("late", first_seen_ms=START_MS + 18 * HOUR_MS)
    spans = spans_of(BAY1, ALL_IDLE) + spans_of(late, [(PrinterState.PRINTING, 6 * HOUR_MS)])
    engine = KpiEngine(open_ledger([BAY1, late], spans, [], END), SITE)
    by_printer = figures_by_label(engine.evaluate(["utilization"], DAY, Scope.PRINTER, END))
    assert by_printer["late"].value == 1
    assert by_printer["late"].amounts["window_hours"] == 6
    (farm,) = engine.evaluate(["utilization"], DAY, Scope.FARM, END)
    assert farm.value == pytest.approx(6 / 30)
    morning = Window("morning", START_MS, START_MS + 12 * HOUR_MS)
    assert [each.label for each in engine.evaluate(None, morning, Scope.PRINTER, END)] == ["bay1"] * len(
        CATALOGUE
    )


def test_a_retired_printer_counts_until_it_was_retired(open_ledger: OpenLedger) -> None:
    gone = printer_called("gone", retired_ms=START_MS + 6 * HOUR_MS)
    spans = [*spans_of(BAY1, ALL_IDLE), Span(gone.id, PrinterState.PRINTING, START_MS, None)]
    jobs = jobs_of(gone, Outcome.SUCCEEDED, [START_MS + HOUR_MS])
    engine = KpiEngine(open_ledger([BAY1, gone], spans, jobs, END), SITE)
    (farm,) = engine.evaluate(["utilization"], DAY, Scope.FARM, END)
    assert farm.value == pytest.approx(6 / 30)
    assert farm.observed_share == 1
    (made,) = engine.evaluate(["throughput"], DAY, Scope.FARM, END)
    assert made.value == 1
    evening = Window("evening", START_MS + 18 * HOUR_MS, END)
    assert {each.label for each in engine.evaluate(None, evening, Scope.PRINTER, END)} == {"bay1"}


def test_time_booked_before_first_sight_does_not_count(open_ledger: OpenLedger) -> None:
    late = printer_called("late", first_seen_ms=START_MS + 6 * HOUR_MS)
    spans = spans_of(
        late, [(PrinterState.IDLE, 12 * HOUR_MS), (PrinterState.PRINTING, 12 * HOUR_MS)], START_MS
    )
    engine = KpiEngine(open_ledger([late], spans, [], END), SITE)
    (figure,) = engine.evaluate(["utilization"], DAY, Scope.FARM, END)
    assert figure.value == pytest.approx(12 / 18)


def test_an_ignored_printer_is_left_out(open_ledger: OpenLedger) -> None:
    ignored = printer_called("ignored", ignored=True)
    spans = spans_of(BAY1, HALF_AND_HALF) + spans_of(ignored, ALL_IDLE)
    engine = KpiEngine(open_ledger([BAY1, ignored], spans, [], END), SITE)
    (figure,) = engine.evaluate(["utilization"], DAY, Scope.FARM, END)
    assert (figure.value, figure.counts["printers"]) == (0.5, 1)


def test_closed_hours_are_not_available_but_printing_in_them_is(open_ledger: OpenLedger) -> None:
    spans = spans_of(BAY1, [(PrinterState.PRINTING, 2 * HOUR_MS), (PrinterState.IDLE, 22 * HOUR_MS)])
    hours = ((6 * 60, 20 * 60),)
    shop = ShopCalendar(name="shop", hours=(hours,) * 7)
    calendars = ShopCalendars(calendars={"shop": shop}, default="shop")
    engine = KpiEngine(open_ledger([BAY1], spans, [], END), SITE, lambda: calendars)
    (figure,) = engine.evaluate(["utilization"], DAY, Scope.FARM, END)
    assert figure.amounts["closed_hours"] == 10
    assert figure.value == pytest.approx(2 / (14 + 2))


def test_each_group_has_the_hours_of_its_own_calendar(open_ledger: OpenLedger) -> None:
    spans = [span for bay in (BAY1, BAY2, BAY3) for span in spans_of(bay, ALL_IDLE)]
    model = open_ledger([BAY1, BAY2, BAY3], spans, [], END)
    known = ShopCalendars()
    engine = KpiEngine(model, SITE, lambda: known)

    def available() -> list[float]:
        figures = engine.evaluate(["utilization"], DAY, Scope.PRINTER, END)
        return [figure.amounts["available_hours"] for figure in figures]

    assert available() == [24, 24, 24]
    short, long = (
        ShopCalendar(name=name, hours=(((8 * 60, end * 60),),) * 7)
        for name, end in (("short", 9), ("long", 20))
    )
    known = ShopCalendars(calendars={"short": short, "long": long}, groups={"left": "short", "right": "long"})
    assert available() == [1, 12, 24]
    longer = msgspec.structs.replace(short, hours=(((8 * 60, 11 * 60),),) * 7)
    known = ShopCalendars(calendars={"short": longer, "long": long}, groups={"left": "short"}, default="long")
    assert available() == [3, 12, 12]
    (farm,) = engine.evaluate(["utilization"], DAY, Scope.FARM, END)
    assert farm.amounts["available_hours"] == 27


def test_throughput_rates_are_taken_over_the_time_with_a_printer(open_ledger: OpenLedger) -> None:
    late = printer_called("late", first_seen_ms=START_MS + 18 * HOUR_MS)
    jobs = jobs_of(late, Outcome.SUCCEEDED, [END - 2, END - 1], units=6)
    spans = spans_of(late, [(PrinterState.PRINTING, 6 * HOUR_MS)])
    engine = KpiEngine(open_ledger([late], spans, jobs, END), SITE)
    (figure,) = engine.evaluate(["throughput"], DAY, Scope.FARM, END)
    assert figure.amounts["units_per_hour"] == pytest.approx(2)
    assert figure.amounts["jobs_per_day"] == pytest.approx(8)


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_a_day_of_a_clock_change_has_23_or_25_hours(open_ledger: OpenLedger, day: str, hours: int) -> None:
    zone_site = SiteSettings(time_zone="Europe/Berlin")
    now = at(f"{day}T21:59:59.999") + (hours > 24) * HOUR_MS
    bay = printer_called("bay", first_seen_ms=now - 10 * DAY_MS)
    spans = [Span(bay.id, PrinterState.PRINTING, bay.first_seen_ms, None)]
    engine = KpiEngine(open_ledger([bay], spans, [], now), zone_site)
    (figure,) = engine.evaluate(["utilization"], engine.window("today", now), Scope.FARM, now)
    assert figure.amounts["available_hours"] == pytest.approx(hours, abs=1e-6)
    assert figure.value == 1
    (series,) = engine.series(["utilization"], engine.window("today", now), Scope.FARM, now)
    assert len(series.points) == hours


def test_a_series_is_split_at_the_boundaries_of_the_farms_clock(open_ledger: OpenLedger) -> None:
    spans = spans_of(BAY1, [*HALF_AND_HALF, (PrinterState.PRINTING, DAY_MS)])
    engine = KpiEngine(open_ledger([BAY1], spans, [], END + DAY_MS), SiteSettings(time_zone="Asia/Kolkata"))
    window = Window("any", START_MS, END + DAY_MS)
    (series,) = engine.series(["utilization"], window, Scope.FARM, END + DAY_MS, period=Period.DAY)
    midnight = at("2026-01-01T18:30:00")
    assert [(point.from_ms, point.to_ms) for point in series.points] == [
        (START_MS, midnight),
        (midnight, midnight + DAY_MS),
        (midnight + DAY_MS, END + DAY_MS),
    ]
    assert [point.value for point in series.points] == [
        pytest.approx(12 / 18.5),
        pytest.approx(18.5 / 24),
        1.0,
    ]


def test_a_series_has_no_points_where_the_printer_did_not_live(open_ledger: OpenLedger) -> None:
    early = printer_called("early", first_seen_ms=START_MS, retired_ms=START_MS + 2 * HOUR_MS)
    adult = printer_called("adult", first_seen_ms=START_MS + HOUR_MS)
    spans = [
        Span(early.id, PrinterState.IDLE, START_MS, None),
        Span(adult.id, PrinterState.PRINTING, START_MS + HOUR_MS, None),
    ]
    engine = KpiEngine(open_ledger([early, adult], spans, [], END), SITE)
    window = Window("three", START_MS, START_MS + 3 * HOUR_MS)
    rows = engine.series(["utilization"], window, Scope.PRINTER, END, period=Period.HOUR)
    assert [(row.label, [point.value for point in row.points]) for row in rows] == [
        ("adult", [1.0, 1.0]),
        ("early", [0.0, 0.0]),
    ]


def test_a_series_with_too_many_points_is_refused(open_ledger: OpenLedger) -> None:
    engine = KpiEngine(open_ledger([BAY1], [], [], END), SITE)
    window = Window("year", END - 365 * DAY_MS, END)
    with pytest.raises(InvalidQuery, match="more than 1000 periods of one hour"):
        engine.series(None, window, Scope.FARM, END, period=Period.HOUR)


@pytest.mark.parametrize(
    ("days", "period"),
    [(1 / 24, Period.HOUR), (1, Period.HOUR), (7, Period.DAY), (31, Period.DAY), (365, Period.MONTH)],
)
def test_a_chart_has_a_period_that_suits_its_window(days: float, period: Period) -> None:
    assert period_for(Window("any", 0, round(days * DAY_MS))) is period


def test_every_named_window_is_answered_from_what_was_read_once() -> None:
    now = at("2026-02-18T10:30:00")
    ledger = MemoryLedger([BAY1], [Span(BAY1.id, PrinterState.PRINTING, START_MS, None)], [], now)
    engine = KpiEngine(ReadModel(ledger), SITE)
    windows = [engine.window(name, now) for name in WINDOW_NAMES]
    together = engine.evaluate_all(None, windows, Scope.FARM, now)
    assert together == [
        figure for window in windows for figure in engine.evaluate(None, window, Scope.FARM, now)
    ]
    assert ledger.reads == 1


EVENTS = st.lists(
    st.tuples(st.sampled_from(PrinterState), st.integers(1, 8 * HOUR_MS)), min_size=1, max_size=8
)
ENDS = st.lists(st.tuples(st.integers(0, DAY_MS), st.sampled_from(Outcome)), max_size=10)


@given(EVENTS, ENDS, st.integers(1, DAY_MS - 1), st.integers(-DAY_MS, DAY_MS))
def test_parts_of_a_window_add_up_to_the_whole(
    states: list[tuple[PrinterState, int]], ends: list[tuple[int, Outcome]], split: int, seen: int
) -> None:
    bay = printer_called("bay", first_seen_ms=START_MS + seen)
    jobs = [job for end, outcome in ends for job in jobs_of(bay, outcome, [START_MS + end])]
    engine = KpiEngine(ReadModel(MemoryLedger([bay], spans_of(bay, states), jobs, END)), SITE)
    whole = amounts_and_counts(engine, Window("whole", START_MS, END))
    first = amounts_and_counts(engine, Window("first", START_MS, START_MS + split))
    second = amounts_and_counts(engine, Window("second", START_MS + split, END))
    assert whole == pytest.approx({name: first[name] + second[name] for name in whole})
    assert whole["window_hours"] * HOUR_MS == pytest.approx(min(DAY_MS, DAY_MS - seen))


def amounts_and_counts(engine: KpiEngine, window: Window) -> dict[str, float]:
    """All that adds up: hours by state and jobs by outcome, not rates and not printers."""
    used, tried, made = engine.evaluate(
        ["utilization", "print_success_rate", "throughput"], window, Scope.FARM, END
    )
    return {**used.amounts, **tried.counts, "units": made.counts["units"]}


BUSY_EVENTS = st.lists(
    st.tuples(
        st.sampled_from([state for state in PrinterState if state is not PrinterState.MAINTENANCE]),
        st.integers(1, 8 * HOUR_MS),
    ),
    max_size=8,
)


@given(BUSY_EVENTS, st.integers(0, DAY_MS), st.integers(MINUTE_MS, DAY_MS), st.sampled_from(Period))
def test_a_series_adds_up_to_its_window(
    states: list[tuple[PrinterState, int]], offset: int, length: int, period: Period
) -> None:
    site = SiteSettings(time_zone="Australia/Lord_Howe")
    engine = KpiEngine(ReadModel(MemoryLedger([BAY1], spans_of(BAY1, states), [], END)), site)
    window = Window("any", START_MS + offset, START_MS + offset + length)
    (figure,) = engine.evaluate(["utilization"], window, Scope.FARM, END + DAY_MS)
    (series,) = engine.series(["utilization"], window, Scope.FARM, END + DAY_MS, period=period)
    utilized = sum((point.low or 0) * (point.to_ms - point.from_ms) for point in series.points)
    assert utilized == pytest.approx(figure.amounts["utilized_hours"] * HOUR_MS)


def test_values_are_plain_data_for_the_api(open_ledger: OpenLedger) -> None:
    jobs: list[Job] = jobs_of(BAY1, Outcome.SUCCEEDED, [START_MS])
    engine = KpiEngine(open_ledger([BAY1], spans_of(BAY1, ALL_IDLE), jobs, END), SITE)
    figures = engine.evaluate(None, DAY, Scope.FARM, END)
    series = engine.series(None, DAY, Scope.FARM, END)
    assert msgspec.json.decode(msgspec.json.encode(figures), type=list[KpiFigure]) == figures
    assert msgspec.json.decode(msgspec.json.encode(series), type=list[KpiSeries]) == series
