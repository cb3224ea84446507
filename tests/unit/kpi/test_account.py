import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.kpi.account import TimeAccount
from farm.model.span import Span
from farm.model.states import PrinterState
from farm.model.times import DAY_MS, HOUR_MS
from tests.unit.kpi.events import START_MS, printer_called, spans_of
from tests.unit.kpi.span_accounts import Interval, account_of_spans, add_up, life_within

WHOLE = Interval(START_MS, START_MS + DAY_MS)
PRINTING = frozenset({PrinterState.PRINTING})
BAY = printer_called("bay1")

STATES = st.lists(st.tuples(st.sampled_from(PrinterState), st.integers(1, DAY_MS)), max_size=12)
ROWS = st.tuples(STATES, st.integers(-DAY_MS, DAY_MS), st.booleans())
INSTANT = st.integers(0, DAY_MS).map(lambda offset: START_MS + offset)


@st.composite
def span_rows(draw: st.DrawFn) -> list[Span]:
    """Spans in a row from anywhere before or in the day, the last one perhaps still open."""
    states, begin, is_open = draw(ROWS)
    spans = spans_of(BAY, states, from_ms=START_MS + begin)
    if spans and is_open:
        spans[-1] = Span(BAY.id, spans[-1].state, spans[-1].from_ms, None)
    return spans


@st.composite
def closed_hours(draw: st.DrawFn) -> list[Interval]:
    edges = sorted(draw(st.sets(st.integers(-HOUR_MS, DAY_MS + HOUR_MS), max_size=6)))
    return [
        Interval(START_MS + start, START_MS + end)
        for start, end in zip(edges[::2], edges[1::2], strict=False)
    ]


@given(span_rows(), closed_hours())
def test_the_hours_of_any_spans_add_up_to_the_window(spans: list[Span], closed: list[Interval]) -> None:
    account = account_of_spans(spans, *WHOLE, closed)
    assert account.whole_ms == DAY_MS
    inside = (min(interval.to_ms, WHOLE.to_ms) - max(interval.from_ms, WHOLE.from_ms) for interval in closed)
    assert account.whole_closed_ms == sum(max(0, length) for length in inside)


@given(span_rows(), closed_hours(), INSTANT)
def test_a_window_split_anywhere_adds_up_to_the_whole(
    spans: list[Span], closed: list[Interval], split: int
) -> None:
    before = account_of_spans(spans, WHOLE.from_ms, split, closed)
    after = account_of_spans(spans, split, WHOLE.to_ms, closed)
    whole = account_of_spans(spans, *WHOLE, closed)
    assert _nonzero(add_up([before, after])) == _nonzero(whole)


@given(span_rows(), closed_hours())
def test_productive_time_never_exceeds_available_time(spans: list[Span], closed: list[Interval]) -> None:
    account = account_of_spans(spans, *WHOLE, closed)
    assert 0 <= account.in_states(PRINTING) <= account.available_ms(PRINTING) <= DAY_MS


@given(span_rows())
def test_the_observed_share_is_what_is_not_unknown(spans: list[Span]) -> None:
    account = account_of_spans(spans, *WHOLE)
    unknown = account.in_states({PrinterState.UNKNOWN})
    assert account.observed_share == pytest.approx(1 - unknown / DAY_MS)


def test_maintenance_and_closed_hours_are_not_available() -> None:
    spans = spans_of(
        BAY,
        [
            (PrinterState.MAINTENANCE, 4 * HOUR_MS),
            (PrinterState.OFFLINE, 2 * HOUR_MS),
            (PrinterState.ERROR, HOUR_MS),
            (PrinterState.UNKNOWN, HOUR_MS),
            (PrinterState.IDLE, 16 * HOUR_MS),
        ],
    )
    closed = [Interval(START_MS + 20 * HOUR_MS, START_MS + 24 * HOUR_MS)]
    assert account_of_spans(spans, *WHOLE).available_ms(PRINTING) == 20 * HOUR_MS
    assert account_of_spans(spans, *WHOLE, closed).available_ms(PRINTING) == 16 * HOUR_MS


def test_maintenance_in_closed_hours_is_taken_out_once() -> None:
    spans = spans_of(BAY, [(PrinterState.MAINTENANCE, 6 * HOUR_MS), (PrinterState.IDLE, 18 * HOUR_MS)])
    closed = [Interval(START_MS, START_MS + 4 * HOUR_MS)]
    assert account_of_spans(spans, *WHOLE, closed).available_ms(PRINTING) == 18 * HOUR_MS


def test_printing_in_closed_hours_is_added_to_available_time() -> None:
    spans = spans_of(BAY, [(PrinterState.PRINTING, 6 * HOUR_MS), (PrinterState.IDLE, 18 * HOUR_MS)])
    closed = [Interval(START_MS, START_MS + 8 * HOUR_MS)]
    assert account_of_spans(spans, *WHOLE, closed).available_ms(PRINTING) == (16 + 6) * HOUR_MS


def test_what_is_not_booked_is_unknown() -> None:
    account = account_of_spans(spans_of(BAY, [(PrinterState.IDLE, 10)]), START_MS, START_MS + 30)
    assert account == TimeAccount({PrinterState.IDLE: 10, PrinterState.UNKNOWN: 20}, {})


def test_an_account_without_time_has_no_observed_share() -> None:
    assert TimeAccount({}, {}).observed_share is None


def test_a_printer_counts_from_first_sight_until_it_is_retired() -> None:
    bay = printer_called("bay1", first_seen_ms=100, retired_ms=200)
    assert life_within(bay, 0, 1000) == (1, 100)
    assert life_within(bay, 0, 101) == life_within(bay, 199, 1000) == (1, 1)
    assert life_within(bay, 150, 160) == (1, 10)
    assert life_within(bay, 0, 100) == (0, 0)
    assert life_within(bay, 200, 300) == (0, 0)


def _nonzero(account: TimeAccount) -> TimeAccount:
    return TimeAccount(
        {state: ms for state, ms in account.open_ms.items() if ms},
        {state: ms for state, ms in account.closed_ms.items() if ms},
    )
