"""The rows of a working add up to its figure, whatever the farm did."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from farm.errors import InvalidInput, InvalidQuery
from farm.figures.engine import KpiEngine
from farm.figures.read_model import ReadModel
from farm.figures.working import RowsWanted, with_planned_work
from farm.kpi.calendar import ShopCalendar
from farm.kpi.catalogue import CATALOGUE, indicator
from farm.kpi.expression import names_in
from farm.kpi.indicator import Indicator
from farm.kpi.opening_hours import parse_week
from farm.kpi.parts import JobRow, Measure, TimeRow
from farm.kpi.selection import Selection
from farm.kpi.shop_calendars import ShopCalendars
from farm.kpi.subjects import Scope, Scopes
from farm.kpi.targets import Target
from farm.kpi.windows import Window
from farm.kpi.working import RowKind, Working
from farm.ledger.batch import Batch
from farm.ledger.figure_rows import FigureRows
from farm.ledger.ledger import Ledger, open_ledger
from farm.ledger.maintenance_store import MaintenanceStore
from farm.ledger.page_marks import page_mark
from farm.ledger.verdict_store import VerdictStore
from farm.model.calendar_change import ChangedBy
from farm.model.job import Job
from farm.model.printer import Printer
from farm.model.span import Span
from farm.model.states import CancelledBy, Cause, Outcome, PrinterState, RejectionReason
from farm.model.times import DAY_MS, HOUR_MS, MINUTE_MS
from farm.model.verdict import Inspection
from farm.settings import SiteSettings
from tests.unit.kpi.events import START_MS, printer_called, spans_of

BAY1 = printer_called("bay1", group="left")
BAY2 = printer_called("bay2", group="right", first_seen_ms=START_MS + 5 * HOUR_MS)
GONE = printer_called("gone", group="right", retired_ms=START_MS + DAY_MS + HOUR_MS)
SHY = printer_called("shy", ignored=True)
PRINTERS = (BAY1, BAY2, GONE, SHY)
END = START_MS + 2 * DAY_MS
REASON = RejectionReason.OTHER
BOTH = tuple(RowKind)
SCOPES = [*((scope,) for scope in Scope), (Scope.FILE, Scope.PRINTER), (Scope.CAUSE, Scope.WEEKDAY)]
NO_ROWS = {"ignored_printers", "no_hours"}
ONLY_BAY1 = Selection(printers=("bay1",))
SHOP = ShopCalendars(
    calendars={"shop": ShopCalendar(name="shop", hours=parse_week("mon-fri 08:00-17:30"))},
    groups={"left": "shop"},
)


class OtherMark(msgspec.Struct, array_like=True):
    kind: str
    within: str | None


def page_mark_of(kind: str) -> str:
    """A mark of rows of that kind which goes on nowhere."""
    return page_mark(OtherMark(kind, "x"))


class Played(msgspec.Struct, frozen=True):
    """What a printer did: its spans one after the other, its jobs, and what was found of them."""

    printer: Printer
    states: list[tuple[PrinterState, int]]
    jobs: list[tuple[int, Outcome, CancelledBy | None, int, int, int | None]]
    """When it ended, how, by whom, its units, minutes of printing, and good units at inspection."""


def played_by(printer: Printer) -> st.SearchStrategy[Played]:
    states = st.tuples(st.sampled_from(PrinterState), st.integers(1, 12 * HOUR_MS))
    jobs = st.tuples(
        st.integers(0, 2 * DAY_MS - 1),
        st.sampled_from(Outcome),
        st.sampled_from([None, *CancelledBy]),
        st.integers(1, 4),
        st.integers(0, 600),
        st.sampled_from([None, None, 0, 1, 3]),
    )
    return st.builds(
        Played, st.just(printer), st.lists(states, max_size=6), st.lists(jobs, max_size=5, unique_by=str)
    )


FARMS = st.tuples(*(played_by(printer) for printer in PRINTERS))
PLANS = st.lists(
    st.tuples(st.sampled_from([None, "left"]), st.integers(0, DAY_MS), st.integers(MINUTE_MS, DAY_MS)),
    max_size=2,
)


def jobs_of(played: Played) -> Iterator[tuple[Job, int | None]]:
    for number, (after_ms, outcome, by, units, minutes, good) in enumerate(played.jobs):
        job = Job(
            id=f"{played.printer.name}-{number}",
            printer_id=played.printer.id,
            file=(None, "part.gcode", "other.gcode")[units % 3],
            started_ms=None if minutes % 5 == 1 else START_MS + max(0, after_ms - minutes * MINUTE_MS),
            ended_ms=START_MS + after_ms,
            outcome=outcome,
            cancelled_by=by if outcome is Outcome.CANCELLED else None,
            units=units,
            printing_ms=minutes * MINUTE_MS,
            paused_ms=units * MINUTE_MS,
            spool=("17", None, "18")[minutes % 3],
            expected_ms=None if number % 2 else (minutes // 2) * MINUTE_MS,
            filament_g=minutes / 7 if number % 3 == 0 else None,
            filament_mm=minutes * 100 / 7 if number % 3 == 1 else None,
            cause=Cause.THERMAL if outcome is Outcome.FAILED and minutes % 2 else None,
        )
        yield job, good


def open_ended(spans: list[Span]) -> list[Span]:
    """The last one goes on."""
    return [*spans[:-1], *(msgspec.structs.replace(last, to_ms=None) for last in spans[-1:])]


@contextmanager
def ledger_of(
    farm: Sequence[Played], plans: Sequence[tuple[str | None, int, int]] = (), booked_ms: int = END
) -> Iterator[Ledger]:
    found = [each for played in farm for each in jobs_of(played)]
    spans = [span for played in farm for span in open_ended(spans_of(played.printer, played.states))]
    with open_ledger("sqlite://") as ledger:
        ledger.claim("collector", "test", simulated=False, now_ms=booked_ms)
        jobs = [job for job, _ in found]
        ledger.commit(Batch(printers=list(PRINTERS), spans=spans, jobs=jobs, booked_until_ms=booked_ms))
        inspections = [
            Inspection(
                job_id=job.id,
                good_units=good,
                rejected_units=1,
                reason=RejectionReason.OTHER,
                units_differ=True,
            )
            for job, good in found
            if good is not None
        ]
        if inspections:
            VerdictStore(ledger.engine).give(inspections, who="kim", now_ms=END)
        by = ChangedBy(who="kim", why="nozzle", at_ms=END)
        for group, after_ms, length_ms in plans:
            from_ms = START_MS + after_ms
            MaintenanceStore(ledger.engine).plan(by, from_ms=from_ms, to_ms=from_ms + length_ms, group=group)
        yield ledger


def engine_of(
    ledger: Ledger,
    site: SiteSettings | None = None,
    own_targets: Mapping[str, Sequence[Target]] = {},
) -> KpiEngine:
    model = ReadModel(FigureRows(ledger.engine))
    return KpiEngine(model, site or SiteSettings(), lambda: SHOP, own_targets)


def whole_working(
    engine: KpiEngine, kpi_id: str, window: Window, by: Scope | Scopes, subject_id: str, limit: int
) -> Iterator[Working]:
    """The working page by page."""
    after = None
    while True:
        wanted = RowsWanted(BOTH, limit, after)
        page = engine.working(kpi_id, window, by, END, subject_id=subject_id, rows=wanted)
        yield page
        after = page.next
        if after is None:
            return


def added_up(pages: Sequence[Working], told: str) -> Counter[str]:
    """What the rows add, in the units of the ledger, to each part or omission."""
    found: Counter[str] = Counter()
    for page in pages:
        for row in (*page.jobs, *page.spans, *page.repairs):
            found.update(getattr(row, told))
    return found


@given(
    FARMS,
    PLANS,
    st.tuples(st.integers(0, 2 * DAY_MS), st.integers(1, 2 * DAY_MS)),
    st.integers(0, 2 * DAY_MS),
    st.booleans(),
    st.sampled_from([2, 5, 50]),
    st.sampled_from(SCOPES),
    st.lists(st.sampled_from([entry.id for entry in CATALOGUE]), min_size=3, max_size=5, unique=True),
)
@settings(max_examples=8)
@example(
    farm=(Played(BAY1, [], [(0, Outcome.SUCCEEDED, None, 1, 0, None)]),),
    plans=[],
    bounds=(0, DAY_MS),
    silent_ms=0,
    strict=False,
    limit=2,
    by=(Scope.FILE,),
    kpi_ids=["utilization", "oee", "quality"],
)
def test_the_rows_of_a_working_add_up_to_its_figure(
    farm: tuple[Played, ...],
    plans: list[tuple[str | None, int, int]],
    bounds: tuple[int, int],
    silent_ms: int,
    strict: bool,
    limit: int,
    by: Scopes,
    kpi_ids: list[str],
) -> None:
    site = SiteSettings(preparing_counts_as_printing=not strict, cancelled_counts_as_attempt=strict)
    window = Window("any", START_MS + bounds[0], START_MS + sum(bounds))
    with ledger_of(farm, plans, END - silent_ms) as ledger:
        engine = engine_of(ledger, site)
        for figure in engine.evaluate(kpi_ids, window, by, END):
            pages = [*whole_working(engine, figure.id, window, by, figure.scope_id, limit)]
            first = pages[0]
            assert first.figure == figure
            assert +added_up(pages, "adds") == pytest.approx(
                {each.name: each.amount for each in first.sums if each.amount}
            )
            omitted = {each.name: each.amount for each in first.left_out if each.name not in NO_ROWS}
            assert +added_up(pages, "left_out") == pytest.approx(omitted)
            shown = {**figure.counts, **figure.amounts}
            assert all(shown[each.name] == each.told for each in first.sums)
            assert figure.value == pytest.approx(worked_out(figure.id, first, added_up(pages, "adds")))


def worked_out(kpi_id: str, working: Working, added: Mapping[str, Any]) -> float | None:
    """The value by the expression of the indicator, out of what the rows add."""
    entry = indicator(kpi_id)
    if working.figure.value is None:
        return None
    measures = {part.name: part.rows.measure for part in entry.parts}
    numbers = {name: measure.told(added[name]) for name, measure in measures.items()}
    for name in names_in(entry.expression):
        if name not in numbers:
            numbers[name] = evaluated(entry.beside[name], numbers)
    return evaluated(entry.expression, numbers)


def evaluated(expression: str, numbers: Mapping[str, float]) -> float:
    """What an expression comes to."""
    signs = expression.translate({ord("÷"): "/", ord("×"): "*", ord("−"): "-"})
    return float(eval(signs, {"__builtins__": {}}, dict(numbers)))  # noqa: S307  an expression of our own


def busy_farm(seed: int) -> list[Played]:
    """Printers that did much, of every kind."""
    random = Random(seed)

    def played(printer: Printer) -> Played:
        states = [(random.choice([*PrinterState]), random.randrange(1, 6 * HOUR_MS)) for _ in range(8)]
        jobs = [
            (
                random.randrange(2 * DAY_MS),
                outcome := random.choice([*Outcome, Outcome.FAILED, Outcome.SUCCEEDED]),
                random.choice([None, *CancelledBy]) if outcome is Outcome.CANCELLED else None,
                random.randrange(1, 5),
                random.randrange(600),
                random.choice([None, None, 0, 1, 3]),
            )
            for _ in range(12)
        ]
        return Played(printer, states, jobs)

    return [played(printer) for printer in PRINTERS]


@pytest.mark.parametrize(
    ("by", "strict"),
    [*((by, False) for by in SCOPES), ((Scope.PRINTER,), True), ((Scope.FILE,), True)],
    ids=str,
)
def test_every_figure_of_the_catalogue_follows_from_its_rows_by_every_scope(by: Scopes, strict: bool) -> None:
    site = SiteSettings(preparing_counts_as_printing=not strict, cancelled_counts_as_attempt=strict)
    window = Window("any", START_MS + 9 * HOUR_MS, END - 5 * HOUR_MS)
    with ledger_of(busy_farm(len(by[0])), [("left", 20 * HOUR_MS, 2 * HOUR_MS)]) as ledger:
        engine = engine_of(ledger, site)
        figures = engine.evaluate(None, window, by, END)
        assert {figure.id for figure in figures} == {entry.id for entry in CATALOGUE}
        for figure in figures:
            pages = [*whole_working(engine, figure.id, window, by, figure.scope_id, 20)]
            added, first = added_up(pages, "adds"), pages[0]
            assert +added == pytest.approx({each.name: each.amount for each in first.sums if each.amount})
            omitted = {each.name: each.amount for each in first.left_out if each.name not in NO_ROWS}
            assert +added_up(pages, "left_out") == pytest.approx(omitted)
            assert figure.value == pytest.approx(worked_out(figure.id, first, added))


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.id)
def test_every_count_and_amount_is_a_sum_of_rows_or_says_how_it_comes_about(entry: Indicator) -> None:
    with ledger_of([BUSY]) as ledger:
        (figure,) = engine_of(ledger).evaluate([entry.id], TWO_DAYS, Scope.FARM, END)
    parts = {part.name for part in entry.parts}
    shown = {*figure.counts, *figure.amounts}
    assert parts <= shown <= parts | {*entry.beside}
    assert not parts & {*entry.beside}
    times = {part.name for part in entry.parts if part.rows.measure is Measure.TIME}
    assert times == {name for name in parts if name.endswith("_hours")}


TWO_DAYS = Window("both", START_MS, END)
BUSY = Played(
    BAY1,
    [
        (PrinterState.PRINTING, 6 * HOUR_MS),
        (PrinterState.ERROR, HOUR_MS),
        (PrinterState.IDLE, 5 * HOUR_MS),
        (PrinterState.PRINTING, 6 * HOUR_MS),
    ],
    [
        (6 * HOUR_MS, Outcome.FAILED, None, 1, 300, None),
        (18 * HOUR_MS, Outcome.SUCCEEDED, None, 3, 350, 2),
        (19 * HOUR_MS, Outcome.UNKNOWN, None, 1, 5, None),
        (20 * HOUR_MS, Outcome.CANCELLED, CancelledBy.PERSON, 1, 5, None),
    ],
)


def test_a_working_tells_the_formula_with_its_numbers_and_what_was_left_out() -> None:
    with ledger_of([BUSY, Played(SHY, [], [])]) as ledger:
        rate = engine_of(ledger).working("print_success_rate", TWO_DAYS, Scope.FARM, END)
        used = engine_of(ledger).working("utilization", TWO_DAYS, Scope.PRINTER, END, wanted=ONLY_BAY1)
    assert rate.expression == "succeeded ÷ attempts"
    assert rate.calculation == "1 ÷ 2 = 50.00 %"
    assert {each.name: each.shown for each in rate.left_out} == {
        "outcome_unknown": "1",
        "cancelled_not_counted": "1",
        "ignored_printers": "1",
    }
    assert used.calculation == "42.00 h ÷ 46.00 h = 91.30 %"
    assert {each.name: each.shown for each in used.left_out} == {"closed": "2.00 h"}


def test_a_row_says_what_it_adds_and_why_it_does_not() -> None:
    with ledger_of([BUSY], [(None, 6 * HOUR_MS, HOUR_MS // 2)]) as ledger:
        engine = engine_of(ledger)
        rate = engine.working("print_success_rate", TWO_DAYS, Scope.FARM, END, rows=RowsWanted(BOTH, 10))
        idle = engine.working(
            "idle_time", TWO_DAYS, Scope.PRINTER, END, wanted=ONLY_BAY1, rows=RowsWanted(BOTH, 10)
        )
    assert [row.row.job.id for row in rate.jobs if isinstance(row.row, JobRow)] == [
        "bay1-3", "bay1-2", "bay1-1", "bay1-0",
    ]  # fmt: skip
    assert [{**row.adds} for row in rate.jobs] == [
        {"cancelled": 1, "cancelled_by_person": 1},
        {"unknown": 1},
        {"attempts": 1, "succeeded": 1},
        {"attempts": 1, "failed": 1},
    ]
    assert [row.left_out for row in rate.jobs] == [
        {"cancelled_not_counted": 1},
        {"outcome_unknown": 1},
        {},
        {},
    ]
    assert rate.spans == ()
    rows = [(each.row, each.adds, each.left_out) for each in idle.spans]
    told = [(row.span.state, adds, omitted) for row, adds, omitted in rows if isinstance(row, TimeRow)]
    half = HOUR_MS // 2
    assert told[1] == (PrinterState.MAINTENANCE, {"closed_hours": half}, {"closed": half})
    assert told[2] == (PrinterState.ERROR, {"closed_hours": half}, {"closed": half})
    assert told[3][1] == {"idle_hours": 4 * HOUR_MS, "no_job_hours": 4 * HOUR_MS, "closed_hours": HOUR_MS}
    assert told[3][2] == {"closed": HOUR_MS}


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (
            {"by": Scope.PRINTER},
            "a working is of one figure, and there are 3 (bay1, bay2, gone, …): name one",
        ),
        ({"by": Scope.GROUP, "subject_id": "middle"}, "there is no such figure"),
    ],
)
def test_a_working_is_of_one_figure(asked: dict[str, Any], told: str) -> None:
    with ledger_of([BUSY]) as ledger, pytest.raises(InvalidQuery, match=re.escape(told)):
        engine_of(ledger).working("mtbf", TWO_DAYS, now_ms=END, **asked)


@pytest.mark.parametrize("mark", ["nonsense", page_mark_of("jobs"), page_mark_of("spans")])
def test_a_mark_of_something_else_is_refused(mark: str) -> None:
    wanted = RowsWanted((RowKind.SPANS,), 10, mark)
    with ledger_of([BUSY]) as ledger, pytest.raises(InvalidInput, match="after"):
        engine_of(ledger).working("mtbf", TWO_DAYS, Scope.FARM, END, rows=wanted)


@pytest.mark.parametrize("state", [PrinterState.PRINTING, PrinterState.PREPARING, PrinterState.UNKNOWN])
def test_work_that_was_planned_hides_no_print_and_none_that_nobody_saw(state: PrinterState) -> None:
    span = Span(BAY1.id, state, 10, 100)
    assert [*with_planned_work(span, [(0, 200)])] == [span]


def test_work_that_was_planned_cuts_a_span_in_which_it_rested() -> None:
    idle = Span(BAY1.id, PrinterState.IDLE, 10, 100)
    pieces = with_planned_work(idle, [(0, 20), (30, 40), (90, 200)])
    cut = [(each.state, each.from_ms, each.to_ms) for each in pieces]
    idle_word, work = PrinterState.IDLE, PrinterState.MAINTENANCE
    assert cut == [(work, 10, 20), (idle_word, 20, 30), (work, 30, 40), (idle_word, 40, 90), (work, 90, 100)]
