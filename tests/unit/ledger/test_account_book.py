from typing import Any

from farm.ledger.account_book import carried_on
from farm.ledger.schema import SUMMED_STATES
from farm.model.span import Span
from farm.model.states import PrinterState


def row(from_ms: int, to_ms: int | None, state: str, **before: int) -> tuple[Any, ...]:
    return ("p", from_ms, to_ms, state, "observed", None, *(before.get(each, 0) for each in SUMMED_STATES))


def new(*spans: tuple[PrinterState, int, int | None]) -> dict[int, Span]:
    return {from_ms: Span("p", state, from_ms, to_ms) for state, from_ms, to_ms in spans}


def test_the_first_span_has_nothing_before_it() -> None:
    first = new((PrinterState.IDLE, 10, None))
    assert list(carried_on("p", [], first)) == [row(10, None, "idle")]


def test_a_span_carries_what_lies_before_it() -> None:
    spans = new(
        (PrinterState.IDLE, 0, 10),
        (PrinterState.PRINTING, 10, 30),
        (PrinterState.IDLE, 35, 40),
        (PrinterState.ERROR, 40, None),
    )
    assert list(carried_on("p", [], spans)) == [
        row(0, 10, "idle"),
        row(10, 30, "printing", idle=10),
        row(35, 40, "idle", idle=10, printing=20),
        row(40, None, "error", idle=15, printing=20),
    ]


def test_the_last_standing_span_is_closed_and_carried_on_without_being_read_further_back() -> None:
    stored = [row(100, None, "printing", idle=60, printing=40)]
    closed = new((PrinterState.PRINTING, 100, 150), (PrinterState.FINISHED, 150, None))
    assert list(carried_on("p", stored, closed)) == [
        row(100, 150, "printing", idle=60, printing=40),
        row(150, None, "finished", idle=60, printing=90),
    ]


def test_what_stands_and_stays_right_is_not_written() -> None:
    stored = [row(0, 10, "idle"), row(10, None, "printing", idle=10)]
    assert list(carried_on("p", stored, new((PrinterState.PRINTING, 10, None)))) == []


def test_a_span_put_between_others_shortens_the_one_before_and_corrects_those_after() -> None:
    stored = [row(0, 100, "idle"), row(100, None, "printing", idle=100)]
    assert list(carried_on("p", stored, new((PrinterState.ERROR, 40, 90)))) == [
        row(0, 40, "idle"),
        row(40, 90, "error", idle=40),
        row(100, None, "printing", idle=40, error=50),
    ]


def test_an_open_span_ends_where_the_next_one_starts() -> None:
    spans = new((PrinterState.IDLE, 0, None), (PrinterState.PRINTING, 25, None))
    assert list(carried_on("p", [], spans)) == [row(0, 25, "idle"), row(25, None, "printing", idle=25)]


def test_unknown_time_is_summed_in_no_state() -> None:
    spans = new((PrinterState.UNKNOWN, 0, 50), (PrinterState.IDLE, 50, None))
    assert list(carried_on("p", [], spans)) == [row(0, 50, "unknown"), row(50, None, "idle")]
