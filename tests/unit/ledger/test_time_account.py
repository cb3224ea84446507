import itertools

from hypothesis import given
from hypothesis import strategies as st

from farm.ledger.time_account import Life, account
from farm.model.span import Span
from farm.model.states import PrinterState

LIFE = Life("p", 10, 100, 90)


def span(state: PrinterState, from_ms: int, to_ms: int, source: str = "observed") -> Span:
    return Span("p", state, from_ms, to_ms, source)


def silence(from_ms: int, to_ms: int) -> Span:
    return span(PrinterState.UNKNOWN, from_ms, to_ms, "silence")


def test_a_life_without_spans_is_silence() -> None:
    assert account(LIFE, []) == [silence(10, 100)]


def test_an_open_span_ends_where_its_collector_stopped_booking() -> None:
    assert account(LIFE, [("p", 20, None, "printing", "observed", None)]) == [
        silence(10, 20),
        span(PrinterState.PRINTING, 20, 90),
        silence(90, 100),
    ]


def test_an_open_span_that_begins_after_the_last_booking_is_silence() -> None:
    assert account(LIFE, [("p", 95, None, "printing", "observed", None)]) == [silence(10, 100)]


def test_unknown_by_evidence_is_told_from_silence() -> None:
    assert account(
        LIFE, [("p", 0, 50, "unknown", "link", None), ("p", 50, 60, "unknown", "silence", None)]
    ) == [
        span(PrinterState.UNKNOWN, 10, 50, "link"),
        silence(50, 100),
    ]


@given(
    st.lists(
        st.tuples(
            st.just("p"),
            st.integers(0, 110),
            st.none() | st.integers(0, 110),
            st.sampled_from(list(PrinterState)),
            st.sampled_from(["observed", "silence"]),
            st.none(),
        )
    )
)
def test_whatever_is_booked_the_account_fills_the_life_exactly(
    booked: list[tuple[str, int, int | None, str, str, None]],
) -> None:
    pieces = account(LIFE, sorted(booked, key=lambda each: each[1]))
    assert pieces[0].from_ms == LIFE.from_ms
    assert pieces[-1].to_ms == LIFE.to_ms
    for piece, following in itertools.pairwise(pieces):
        assert piece.from_ms < (piece.to_ms or 0) == following.from_ms
