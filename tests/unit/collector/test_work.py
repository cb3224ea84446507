"""A message that cannot be booked or worked in is found by halves and put aside; the rest is booked."""

from collections.abc import Sequence
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from collector.intake.deliveries import Deliveries
from collector.intake.mqtt import Arrival
from collector.intake.pipeline import Pipeline
from collector.intake.sources import SourceTable
from collector.intake.steps import Absence, PrinterMessage, Tick
from collector.intake.time_source import Moment
from collector.intake.work import Work
from collector.settings import parse_source
from farm.errors import BatchRefused, LeaseLost, LedgerUnreachable
from farm.ledger import schema
from farm.ledger.batch import Batch
from farm.ledger.collector_ledger import CollectorLedger
from farm.ledger.ledger import Ledger, open_ledger

START = 1_795_000_000_000
PRINTS = 12
PRINTERS = 3
SOURCES = SourceTable([parse_source("native=layerline/native/v1/{printer}")])
MARKED = "guilty"
BOOKED = (schema.printer, schema.job, schema.span, schema.evidence, schema.checkpoint, schema.telemetry)


def message(number: int, topic: str, payload: bytes, at_ms: int) -> PrinterMessage:
    arrival = Arrival(topic, payload, retained=False, packet_id=number, again=False)
    return PrinterMessage(arrival, Moment(topic, False, at_ms, live=True), confirms=True)


def prints() -> list[tuple[str, bytes, int]]:
    """Beginnings and ends of prints on a few printers, in the order of their time."""
    found = []
    for number in range(PRINTS):
        topic = f"layerline/native/v1/p{number % PRINTERS}/event"
        at = START + (number // PRINTERS) * 600_000 + number % PRINTERS * 1_000
        job = f'"job":{{"id":"n{number}","file":"ring.ctb"}}'
        found.append((topic, f'{{"v":1,"event":"job_started",{job}}}'.encode(), at))
        found.append((topic, f'{{"v":1,"event":"job_succeeded",{job}}}'.encode(), at + 120_000))
    return sorted(found, key=lambda each: each[2])


GOOD = prints()
A_GUILTY_ONE = b'{"v":1,"event":"job_started","job":{"id":"x","file":"guilty.ctb"}}'


class Refuses:
    """A ledger that will not hold a job whose file is named as guilty."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.refused = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def commit(self, batch: Batch) -> None:
        if any(MARKED in (job.file or "") for job in batch.jobs):
            self.refused += 1
            raise BatchRefused("the ledger refuses what it was given: guilty")
        self._ledger.commit(batch)


def work_on(ledger: CollectorLedger) -> Work:
    logged: set[tuple[str, str]] = set()
    return Work(lambda: Pipeline(ledger, SOURCES, logged=logged), lambda _pipeline: None)


def stream_with(guilty_at: Sequence[int]) -> list[PrinterMessage]:
    """The good messages with a guilty one, of a printer of its own, before each of these places."""
    found: list[tuple[str, bytes, int]] = []
    for place, each in enumerate(GOOD):
        found += [("layerline/native/v1/bad/event", A_GUILTY_ONE, each[2])] * guilty_at.count(place)
        found.append(each)
    return [message(number, *each) for number, each in enumerate(found, 1)]


def booked(ledger: Ledger) -> dict[str, list[Any]]:
    """What is booked, but for the printer whose messages were put aside and the numbers of rows."""
    with ledger.engine.connect() as connection:
        found = {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in BOOKED
        }
        feed = [tuple(row)[1:] for row in connection.execute(select(schema.feed).order_by(schema.feed.c.seq))]
    found["feed"] = sorted(feed, key=repr)
    return found


def run(ledger: CollectorLedger, steps: Sequence[PrinterMessage], batch: int) -> Work:
    ledger.claim("work", "test", simulated=True, now_ms=0)
    work = work_on(ledger)
    for number, step in enumerate(steps, 1):
        work.give(step)
        if number % batch == 0:
            work.commit(work.pipeline.latest_ms)
    work.commit(work.pipeline.latest_ms)
    return work


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, len(GOOD) - 1), max_size=5), st.integers(1, 30))
def test_everything_is_booked_as_if_the_guilty_messages_had_not_come(
    guilty_at: list[int], batch: int
) -> None:
    with open_ledger("sqlite://") as undisturbed, open_ledger("sqlite://") as ledger:
        run(undisturbed, stream_with([]), batch)
        steps = stream_with(guilty_at)
        work = run(cast(CollectorLedger, Refuses(ledger)), steps, batch)
        assert booked(ledger) == booked(undisturbed)
        counted = {fault.reason: fault.count for fault in ledger.faults()}
        assert counted == ({"refused_by_ledger": len(guilty_at)} if guilty_at else {})
        with ledger.engine.connect() as connection:
            kept = connection.execute(select(schema.rejected_message)).mappings().all()
        assert [row["payload"] for row in kept] == [A_GUILTY_ONE] * len(guilty_at)
        assert {row["topic"] for row in kept} <= {"layerline/native/v1/bad/event"}
        for step in steps:
            known = Deliveries.mark(step.message.topic, step.message.payload)
            assert work.pipeline.deliveries.were_taken(step.message.packet_id, known)


def test_a_message_at_which_the_pipeline_fails_is_put_aside_and_the_rest_is_booked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    take = Pipeline.take

    def fails(self: Pipeline, topic: str, payload: bytes, *more: Any) -> None:
        take(self, topic, payload, *more)
        if b"guilty" in payload:
            raise ZeroDivisionError("nobody foresaw this")

    monkeypatch.setattr(Pipeline, "take", fails)
    with open_ledger("sqlite://") as undisturbed, open_ledger("sqlite://") as ledger:
        run(undisturbed, stream_with([]), 7)
        run(ledger, stream_with([3, 11]), 7)
        assert booked(ledger) == booked(undisturbed)
        assert {fault.reason: fault.count for fault in ledger.faults()} == {"internal_error": 2}


def test_what_python_cannot_hand_to_the_database_is_a_refusal() -> None:
    with open_ledger("sqlite://") as ledger:
        ledger.claim("work", "test", simulated=True, now_ms=0)
        for wrong in (2**70, "\ud800", object()):
            with pytest.raises(BatchRefused, match="refuses what it was given"):
                ledger.commit(Batch(spans=[], booked_until_ms=cast(int, wrong)))


def test_a_ledger_that_refuses_even_an_empty_batch_is_waited_for_and_no_message_is_put_aside() -> None:
    class RefusesAll(Refuses):
        def commit(self, batch: Batch) -> None:
            raise BatchRefused("the ledger refuses what it was given: everything")

    with open_ledger("sqlite://") as ledger:
        ledger.claim("work", "test", simulated=True, now_ms=0)
        work = work_on(cast(CollectorLedger, RefusesAll(ledger)))
        for step in stream_with([])[:5]:
            work.give(step)
        with pytest.raises(LedgerUnreachable, match="takes nothing now"):
            work.commit(START)
        assert work.size == 0
        with pytest.raises(LedgerUnreachable, match="takes nothing now"):
            work.commit(START)


@pytest.mark.parametrize("error", [LedgerUnreachable, LeaseLost])
def test_what_is_no_refusal_is_passed_on(error: type[Exception]) -> None:
    class Away(Refuses):
        def commit(self, batch: Batch) -> None:
            raise error("now")

    with open_ledger("sqlite://") as ledger:
        ledger.claim("work", "test", simulated=True, now_ms=0)
        work = work_on(cast(CollectorLedger, Away(ledger)))
        work.give(stream_with([])[0])
        with pytest.raises(error):
            work.commit(START)


def test_a_tick_or_an_absence_that_fails_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise KeyError("printer")

    monkeypatch.setattr(Pipeline, "tick", fails)
    monkeypatch.setattr(Pipeline, "continuity_lost", fails)
    with open_ledger("sqlite://") as ledger:
        ledger.claim("work", "test", simulated=True, now_ms=0)
        work = work_on(ledger)
        for step in stream_with([])[:4]:
            work.give(step)
        work.give(Tick(START))
        work.give(Absence(START, START + 1))
        work.commit(START)
        assert {fault.reason: fault.count for fault in ledger.faults()} == {"internal_error": 2}
        assert len(ledger.printers()) == 3
