"""One printer whose clock is bad: its late evidence is kept, and the farm does not wait for it."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from collector.intake import late_evidence
from collector.intake.pipeline import Pipeline
from farm.errors import BatchRefused
from farm.ledger.batch import Batch
from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger import Ledger, open_ledger
from tests.unit.collector.test_late_evidence import (
    HOUR,
    MINUTE,
    SECOND,
    T0,
    Message,
    books,
    event,
    fresh,
    state,
)

UNTIL = T0 + 200 * HOUR


@pytest.fixture(autouse=True)
def no_credit(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes late is gathered from the first message on."""
    monkeypatch.setattr(late_evidence, "CREDIT_ROWS", 0)


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with open_ledger("sqlite://") as opened:
        yield opened


def past_jobs(count: int) -> list[Message]:
    """Start and end of jobs that lie an hour apart."""
    found = []
    for number in range(1, count + 1):
        at = T0 + number * HOUR
        found += [
            event(at, "job_started", f"j{number}"),
            event(at + 30 * MINUTE, "job_succeeded", f"j{number}"),
        ]
    return found


def shuffled(messages: list[Message]) -> list[Message]:
    random.Random(5).shuffle(messages)
    return messages


def meet(pipeline: Pipeline) -> None:
    """A printer that was heard at the beginning and is heard now."""
    for at, topic, payload in (state(T0, "idle"), state(UNTIL, "idle")):
        pipeline.take(topic, payload, False, at)
        pipeline.commit(at)


def count(ledger: Ledger) -> int:
    return len(ledger.jobs(JobFilter(limit=1_000)).jobs)


def test_what_comes_late_in_one_batch_costs_one_run_of_its_printer(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = fresh(ledger)
    meet(pipeline)
    commits: list[Batch] = []
    commit: Any = ledger.commit

    def counted(batch: Batch) -> None:
        commits.append(batch)
        commit(batch)

    monkeypatch.setattr(ledger, "commit", counted)
    for _, topic, payload in shuffled(past_jobs(50)):
        pipeline.take(topic, payload, False, UNTIL)
    assert commits == []
    pipeline.commit(UNTIL)
    assert len(commits) == 2
    jobs, _ = books(ledger, UNTIL)
    assert len(jobs) == 50
    assert {job[2] for job in jobs} == {"succeeded"}


def test_a_printer_with_credit_is_run_again_behind_each_message_until_that_is_spent(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late_evidence, "CREDIT_ROWS", 300)
    pipeline = fresh(ledger)
    meet(pipeline)
    for _, topic, payload in past_jobs(20):
        pipeline.take(topic, payload, False, UNTIL)
        if pipeline.is_late_due:
            pipeline.commit(UNTIL)
    assert count(ledger) == 3
    pipeline.commit(UNTIL + SECOND)
    assert count(ledger) == 20


def test_a_printer_rests_after_it_was_run_again_and_the_others_are_worked_in(ledger: Ledger) -> None:
    pipeline = fresh(ledger)
    meet(pipeline)
    messages = shuffled(past_jobs(150))
    for _, topic, payload in messages[:200]:
        pipeline.take(topic, payload, False, UNTIL)
    pipeline.commit(UNTIL)
    booked = count(ledger)
    for _, topic, payload in messages[200:]:
        pipeline.take(topic, payload, False, UNTIL + 10)
    _, topic, payload = event(UNTIL, "job_started", "other")
    pipeline.take(topic.replace("p1", "p2"), payload, False, UNTIL + 10)
    pipeline.commit(UNTIL + 10)
    assert count(ledger) == booked + 1
    pipeline.commit(UNTIL + SECOND)
    assert count(ledger) == 151


def test_a_clock_of_ours_that_is_set_back_lets_no_printer_rest_for_ever(ledger: Ledger) -> None:
    pipeline = fresh(ledger)
    meet(pipeline)
    messages = past_jobs(10)
    for half in (messages[:10], messages[10:]):
        for _, topic, payload in half:
            pipeline.take(topic, payload, False, UNTIL)
        pipeline.commit(UNTIL)
    for seconds in (0, 1):
        pipeline._late.work_in(UNTIL - HOUR + seconds * SECOND)
    assert len(books(ledger, UNTIL)[0]) == 10


def test_what_waits_when_the_collector_is_killed_is_worked_in_by_the_next(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = fresh(ledger)
    meet(pipeline)
    for _, topic, payload in shuffled(past_jobs(5)):
        pipeline.take(topic, payload, False, UNTIL)
    monkeypatch.setattr(pipeline._late, "work_in", lambda _now: None)  # killed before it came to it
    pipeline.commit(UNTIL)
    assert books(ledger, UNTIL)[0] == []
    fresh(ledger).commit(UNTIL)
    assert len(books(ledger, UNTIL)[0]) == 5


def test_a_queue_that_is_drained_and_a_collector_that_goes_leave_nothing_waiting(ledger: Ledger) -> None:
    pipeline = fresh(ledger)
    meet(pipeline)
    for number, message in enumerate(past_jobs(10)):
        pipeline.take(message[1], message[2], False, UNTIL, number % 2 == 0)
        pipeline.commit(UNTIL)
    pipeline.finish(UNTIL)
    assert len(books(ledger, UNTIL)[0]) == 10


def test_more_than_can_be_kept_is_counted(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late_evidence, "MOST_WAITING", 6)
    pipeline = fresh(ledger)
    meet(pipeline)
    for _, topic, payload in past_jobs(5):
        pipeline.take(topic, payload, False, UNTIL)
    pipeline.commit(UNTIL)
    assert len(books(ledger, UNTIL)[0]) == 3
    (fault,) = ledger.faults()
    assert (fault.reason, fault.count, fault.sample) == ("too_much_late_evidence", 4, "p1")


def test_one_late_input_that_the_ledger_refuses_does_not_take_the_others_along(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = fresh(ledger)
    meet(pipeline)
    for _, topic, payload in past_jobs(4):
        pipeline.take(topic, payload, False, UNTIL)
    commit: Any = ledger.commit

    def picky(batch: Batch) -> None:
        if any(job.file == "j2.gcode" for job in batch.jobs):
            raise BatchRefused("not this one")
        commit(batch)

    monkeypatch.setattr(ledger, "commit", picky)
    pipeline.commit(UNTIL)
    pipeline.commit(UNTIL)
    assert [job[1] for job in books(ledger, UNTIL)[0]] == ["j1.gcode", "j3.gcode", "j4.gcode"]
    (fault,) = ledger.faults()
    assert (fault.reason, fault.count) == ("refused_by_ledger", 2)
    assert len(ledger.rejected_messages(10)) == 2
