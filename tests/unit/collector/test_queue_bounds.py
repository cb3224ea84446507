"""What waited in a queue is booked between its bounds, whatever its clock leaves open."""

import json
from collections.abc import Iterator

import pytest

from collector.intake.pipeline import Pipeline
from collector.intake.sources import SourceTable
from collector.settings import parse_source
from farm.ledger.ledger import Ledger, open_ledger
from farm.model.span import Span
from tests.unit.collector.farm import SECOND, T0

STAMP = T0 // SECOND
OTHER, OURS = "bay1", "bay2"
Stretch = tuple[str, float, float | None]


class Queue:
    """A farm of OctoPrints, of which some messages come at once and others waited; seconds since T0."""

    def __init__(self, ledger: Ledger) -> None:
        ledger.claim("test", "test", simulated=True, now_ms=0)
        self.ledger = ledger
        self.pipeline = Pipeline(ledger, SourceTable([parse_source("octoprint={printer}/octoPrint")]))
        self.now = 0.0

    def _take(self, printer: str, suffix: str, payload: bytes, live: bool) -> None:
        received_ms = T0 + round(self.now * SECOND)
        self.pipeline.take(f"{printer}/octoPrint/{suffix}", payload, False, received_ms, live=live)

    def bed(self, printer: str, at: float, *, live: bool = False) -> None:
        said = {"_timestamp": STAMP + int(at), "actual": 20.0, "target": 0.0}
        self.now = max(self.now, at)
        self._take(printer, "temperature/bed", json.dumps(said).encode(), live)

    def event(self, printer: str, at: float, name: str, *, live: bool = False, **more: object) -> None:
        said = {"_event": name, "_timestamp": STAMP + int(at), "path": "a.gcode", "origin": "local", **more}
        self.now = max(self.now, at)
        self._take(printer, f"event/{name}", json.dumps(said).encode(), live)

    def link(self, printer: str, word: bytes) -> None:
        """It waited, and has no time of its own."""
        self._take(printer, "mqtt", word, live=False)

    def caught_up(self) -> None:
        self.pipeline.caught_up()
        self.pipeline.tick(T0 + round(self.now * SECOND))

    def restarted(self) -> None:
        self.pipeline.commit(T0 + round(self.now * SECOND))
        self.pipeline = Pipeline(self.ledger, SourceTable([parse_source("octoprint={printer}/octoPrint")]))

    def stretches(self, printer: str, from_s: float = 0) -> list[Stretch]:
        """The states of the printer from then on, equal ones as one."""
        now_ms = T0 + round(self.now * SECOND) + SECOND
        self.pipeline.commit(now_ms)
        (known,) = (each for each in self.ledger.printers() if each.name == printer)
        found: list[Stretch] = []
        for span in self.ledger.spans(T0, now_ms, [known.id]):
            state, begins, ends = _seconds(span, now_ms)
            if found and found[-1][0] == state:
                found[-1] = (state, found[-1][1], ends)
            else:
                found.append((state, begins, ends))
        return [each for each in found if each[2] is None or each[2] > from_s]


def _seconds(span: Span, now_ms: int) -> Stretch:
    ends = None if span.to_ms is None or span.to_ms >= now_ms else (span.to_ms - T0) / SECOND
    return span.state.value, (span.from_ms - T0) / SECOND, ends


@pytest.fixture
def queue() -> Iterator[Queue]:
    with open_ledger("sqlite://") as ledger:
        queue = Queue(ledger)
        for printer in (OTHER, OURS):
            queue.event(printer, 1, "Connected", live=True)
            queue.bed(printer, 5, live=True)
        yield queue


def test_a_state_that_changed_in_a_second_of_a_queue_is_unknown_in_that_second(queue: Queue) -> None:
    queue.now = 300
    queue.event(OURS, 100, "PrintStarted")
    queue.bed(OURS, 150)
    queue.event(OURS, 160, "PrintDone", time=60.0)
    queue.caught_up()
    assert queue.stretches(OURS, 50) == [
        ("idle", 5, 100),
        ("unknown", 100, 100.999),
        ("printing", 100.999, 160),
        ("unknown", 160, 160.999),
        ("finished", 160.999, None),
    ]


def test_what_comes_at_once_leaves_no_second_open(queue: Queue) -> None:
    queue.event(OURS, 100, "PrintStarted", live=True)
    queue.event(OURS, 160, "PrintDone", live=True, time=60.0)
    assert {state for state, *_ in queue.stretches(OURS, 5)} == {"idle", "printing", "finished"}


def test_changes_within_one_second_leave_that_second_open(queue: Queue) -> None:
    queue.now = 300
    queue.event(OURS, 100, "PrintStarted")
    queue.event(OURS, 100, "PrintPaused")
    queue.caught_up()
    assert queue.stretches(OURS, 50) == [
        ("idle", 5, 100),
        ("unknown", 100, 100.999),
        ("paused", 100.999, None),
    ]


def test_no_bound_lies_in_the_future(queue: Queue) -> None:
    queue.event(OURS, 100.25, "PrintStarted")
    queue.caught_up()
    assert queue.stretches(OURS, 50) == [
        ("idle", 5, 100),
        ("unknown", 100, 100.25),
        ("printing", 100.25, None),
    ]


def test_a_link_that_went_is_offline_from_the_next_message_of_the_queue_on(queue: Queue) -> None:
    queue.now = 300
    queue.bed(OURS, 99)
    queue.bed(OTHER, 100)
    queue.link(OURS, b"disconnected")
    assert queue.stretches(OURS)[-1] == ("unknown", 99, None)
    queue.bed(OTHER, 102)
    queue.bed(OTHER, 104)
    queue.caught_up()
    assert queue.stretches(OURS, 50) == [("idle", 5, 99), ("unknown", 99, 102), ("offline", 102, None)]


def test_a_link_that_went_and_stands_anew_was_offline_between_what_came_between(queue: Queue) -> None:
    queue.now = 300
    queue.bed(OURS, 99)
    queue.link(OURS, b"disconnected")
    queue.bed(OTHER, 102)
    queue.bed(OTHER, 120)
    queue.link(OURS, b"connected")
    queue.event(OURS, 125, "Connected")
    queue.caught_up()
    assert queue.stretches(OURS, 50) == [
        ("idle", 5, 99),
        ("unknown", 99, 102),
        ("offline", 102, 120),
        ("unknown", 120, 125.999),
        ("idle", 125.999, None),
    ]


def test_a_link_of_which_nothing_came_behind_is_gone_when_the_queue_is_drained(queue: Queue) -> None:
    queue.bed(OURS, 99)
    queue.now = 300
    queue.link(OURS, b"disconnected")
    queue.caught_up()
    assert queue.stretches(OURS, 50) == [("idle", 5, 99), ("unknown", 99, 300), ("offline", 300, None)]


def test_a_will_before_words_of_its_own_printer_stands_out_of_order(queue: Queue) -> None:
    """As a broker hands it over that goes filter by filter."""
    queue.now = 300
    queue.link(OURS, b"disconnected")
    queue.bed(OTHER, 30)
    queue.event(OURS, 100, "PrintStarted")
    queue.bed(OURS, 150)
    queue.caught_up()
    stretches = queue.stretches(OURS)
    assert "offline" not in {state for state, *_ in stretches}
    assert stretches[-1] == ("printing", 100.999, None)


def test_a_restart_between_a_will_and_what_tells_its_time_loses_nothing(queue: Queue) -> None:
    queue.bed(OURS, 99)
    queue.now = 300
    queue.link(OURS, b"disconnected")
    queue.restarted()
    queue.caught_up()
    assert queue.stretches(OURS, 50) == [("idle", 5, 99), ("unknown", 99, 300), ("offline", 300, None)]


def test_a_will_that_comes_at_once_is_dated(queue: Queue) -> None:
    queue.bed(OURS, 99, live=True)
    queue.now = 100
    queue.pipeline.take(f"{OURS}/octoPrint/mqtt", b"disconnected", False, T0 + 100 * SECOND)
    assert queue.stretches(OURS, 50)[1:] == [("unknown", 99, 100), ("offline", 100, None)]


def test_a_will_behind_later_words_of_its_printer_is_true_when_the_queue_is_drained(queue: Queue) -> None:
    """Its place in the queue says nothing, since the queue is not in order."""
    queue.now = 300
    queue.bed(OTHER, 200)
    queue.bed(OURS, 250)
    queue.bed(OTHER, 280)
    queue.link(OURS, b"disconnected")
    queue.bed(OURS, 290)
    queue.caught_up()
    assert queue.stretches(OURS, 50)[-2:] == [("unknown", 250, 300), ("offline", 300, None)]


def test_a_link_that_is_gone_is_told_once(queue: Queue) -> None:
    queue.bed(OURS, 99)
    queue.now = 300
    queue.link(OURS, b"disconnected")
    for _ in range(3):
        queue.caught_up()
        queue.now += 1
    assert queue.stretches(OURS, 50)[-1] == ("offline", 300, None)
