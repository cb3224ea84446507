"""A line that was gone says nothing of the printer, once it is known to have worked all the while."""

import pytest

from collector.tracker import Silence
from collector.tracker.cut_off import WHY
from collector.tracker.limits import CUT_OFFS_KEPT
from farm.model.feed import FeedKind
from farm.model.observation import HistoryRow, JobReading
from farm.model.operator_input import PrinterService, SetState
from farm.model.states import Outcome, PrinterState
from tests.unit.collector.tracker.books import MINUTE, T0, Books


@pytest.fixture
def books() -> Books:
    """A print of 9 minutes, and then the last will of its printer."""
    books = Books()
    books.start(1)
    books.see(10, heard=10, link="offline")
    return books


def test_it_is_offline_as_long_as_nothing_else_is_known(books: Books) -> None:
    books.see(30, heard=10, link="online")
    assert books.states == [("unknown", 1), ("printing", 9), ("offline", 20), ("unknown", 0)]


@pytest.mark.parametrize("is_said", [True, False], ids=["the link is back", "a state comes at once"])
def test_a_print_that_goes_on_was_out_of_sight_and_not_offline(books: Books, is_said: bool) -> None:
    if is_said:
        books.see(29, heard=10, link="online")
    books.see(30, level=True, state="printing", job=JobReading(file="vase.gcode", progress=0.5))
    assert [state for state, _ in books.states] == [
        "unknown",
        "printing",
        *["unknown"] * (1 + is_said),
        "printing",
    ]
    (told,) = [entry for entry in books.feed if entry.kind is FeedKind.SPANS_REVISED]
    assert (told.at_ms, told.body["from_ms"]) == (T0 + 30 * MINUTE, T0 + 10 * MINUTE)
    assert (told.printer_id, told.body["why"]) == (books.tracker.printer_id, WHY)
    assert books.job.outcome is None


def test_it_is_told_once(books: Books) -> None:
    for minute in (30, 40, 50):
        books.see(minute, level=True, state="printing", job=JobReading(file="vase.gcode", progress=0.5))
    books.see(60, state="finished", signal="done", job=JobReading(file="vase.gcode"))
    assert books.told.count(FeedKind.SPANS_REVISED) == 1


def test_each_time_that_the_line_was_gone_is_put_right(books: Books) -> None:
    books.see(12, heard=10, link="online")
    books.see(14, heard=12, link="offline")
    books.give(T0 + 20 * MINUTE, Silence())
    books.see(29, heard=14, link="online")
    books.see(30, level=True, state="printing", job=JobReading(file="vase.gcode", progress=0.5))
    assert {state for state, _ in books.states} == {"unknown", "printing"}
    (told,) = [entry for entry in books.feed if entry.kind is FeedKind.SPANS_REVISED]
    assert told.body["from_ms"] == T0 + 10 * MINUTE


def test_the_last_eight_times_are_remembered(books: Books) -> None:
    assert CUT_OFFS_KEPT == 8
    for minute in range(11, 2 * CUT_OFFS_KEPT + 11, 2):
        books.see(minute, heard=10, link="online")
        books.see(minute + 1, heard=10, link="offline")
    books.see(30, level=True, state="printing", job=JobReading(file="vase.gcode", progress=0.5))
    assert [state for state, _ in books.states].count(PrinterState.OFFLINE) == 1
    assert books.states[2] == ("offline", 1)


def test_a_print_that_ended_meanwhile_was_under_way_until_then(books: Books) -> None:
    books.see(60, heard=10, link="online")
    reading = JobReading(file="vase.gcode", elapsed_ms=30 * MINUTE, printing_ms=28 * MINUTE)
    books.see(61, level=True, state="finished", signal="done", job=reading)
    assert books.job.ended_ms == T0 + 31 * MINUTE
    assert ("offline", 50) not in books.states


def test_so_was_one_that_only_the_history_tells_of(books: Books) -> None:
    books.see(60, heard=10, link="online")
    books.see(61, level=True, state="idle")
    assert ("offline", 50) in books.states
    row = HistoryRow(
        history="moonraker",
        native_id="00A1",
        file="vase.gcode",
        started_ms=T0 + MINUTE,
        ended_ms=T0 + 31 * MINUTE,
        outcome=Outcome.SUCCEEDED,
    )
    books.see(62, level=True, history=(row,))
    assert books.job.ended_ms == T0 + 31 * MINUTE
    assert ("offline", 50) not in books.states


def test_one_that_began_meanwhile_was_under_way_too(books: Books) -> None:
    books.see(59, heard=10, link="online")
    reading = JobReading(file="other.gcode", elapsed_ms=20 * MINUTE)
    books.see(60, level=True, state="printing", job=reading)
    assert len(books.jobs) == 2
    assert ("offline", 49) not in books.states


@pytest.mark.parametrize("minutes", [5, 6], ids=["afterwards", "at the same moment"])
def test_one_that_began_when_the_line_was_back_leaves_it_offline(books: Books, minutes: int) -> None:
    books.see(59, heard=10, link="online")
    reading = JobReading(file="other.gcode", elapsed_ms=minutes * MINUTE)
    books.see(65, level=True, state="printing", job=reading)
    assert len(books.jobs) == 2
    assert ("offline", 49) in books.states


def test_a_host_that_died_with_its_print_was_offline(books: Books) -> None:
    books.see(59, heard=10, link="online")
    books.see(60, level=True, state="idle")
    books.start(61)
    books.see(90, state="finished", signal="done", job=JobReading(file="vase.gcode"))
    assert ("offline", 49) in books.states


def test_what_the_printer_itself_called_offline_stays() -> None:
    books = Books()
    books.start(1)
    books.see(10, state="offline")
    books.give(T0 + 11 * MINUTE, Silence())
    books.see(12, level=True, state="printing", job=JobReading(file="vase.gcode", elapsed_ms=11 * MINUTE))
    assert ("offline", 2) in books.states


def test_work_that_a_person_began_meanwhile_keeps_its_time(books: Books) -> None:
    books.say(20, SetState(state=PrinterService.MAINTENANCE))
    books.say(30, SetState(state=PrinterService.IN_SERVICE))
    books.see(59, heard=10, link="online")
    books.see(60, level=True, state="printing", job=JobReading(file="vase.gcode", progress=0.5))
    assert books.states[1:] == [
        ("printing", 9),
        ("unknown", 10),
        ("maintenance", 10),
        ("unknown", 29),
        ("unknown", 1),
        ("printing", 0),
    ]
