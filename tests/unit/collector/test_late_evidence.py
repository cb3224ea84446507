"""What comes late is put in its place, and the books are as if it had come in time."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.intake.pipeline import Pipeline
from collector.intake.sources import SourceTable
from collector.settings import parse_source
from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger import Ledger, open_ledger
from farm.model.feed import FeedKind
from farm.model.job import Job
from farm.model.times import rfc3339

T0 = 1_795_000_000_000
SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
SOURCES = [parse_source("native=farm/{printer}"), parse_source("octoprint=octo/{printer}")]

Message = tuple[int, str, bytes]


def event(at: int, name: str, job: str, **more: object) -> Message:
    said = {"v": 1, "at": rfc3339(at), "event": name, "job": {"id": job, "file": f"{job}.gcode"}} | more
    return at, "farm/p1/event", json.dumps(said).encode()


def state(at: int, word: str) -> Message:
    return at, "farm/p1/state", json.dumps({"v": 1, "at": rfc3339(at), "state": word}).encode()


def fresh(ledger: Ledger) -> Pipeline:
    ledger.claim("test", "test", simulated=True, now_ms=0)
    return Pipeline(ledger, SourceTable(SOURCES))


def deliver(pipeline: Pipeline, arrivals: list[tuple[int, Message]], until: int) -> None:
    """Hand each message over when it arrives, with a commit and a tick every minute in between."""
    now = arrivals[0][0]
    for received, (_, topic, payload) in arrivals:
        while received - now >= MINUTE:
            now += MINUTE
            pipeline.commit(now)
            pipeline.tick(now)
        now = max(now, received)
        pipeline.take(topic, payload, False, received)
    while now < until:
        now = min(now + MINUTE, until)
        pipeline.commit(now)
        pipeline.tick(now)
    pipeline.commit(until)


def books(ledger: Ledger, until: int) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    jobs = sorted(ledger.jobs(JobFilter()).jobs, key=lambda job: job.started_ms or 0)
    facts: list[tuple[object, ...]] = [
        (j.id, j.file, j.outcome, j.cause, j.cancelled_by, j.started_ms, j.ended_ms, j.printing_ms, j.pauses)
        for j in jobs
    ]
    merged: list[list[object]] = []
    for span in ledger.spans(T0, until):
        if merged and merged[-1][0] == span.state:
            merged[-1][2] = span.to_ms
        else:
            merged.append([span.state, span.from_ms, span.to_ms])
    return facts, [tuple(row) for row in merged]


@st.composite
def histories(draw: st.DrawFn) -> list[Message]:
    """Some attempts one after the other, with a sign of life every two minutes."""
    found, now = [state(T0, "idle")], T0 + MINUTE
    for number in range(draw(st.integers(1, 4))):
        job = f"job{number}"
        found.append(event(now, "job_started", job))
        for name in ("job_paused", "job_resumed") if draw(st.booleans()) else ():
            now += draw(st.integers(1, 8)) * MINUTE + 10 * SECOND
            found.append(event(now, name, job))
        now += draw(st.integers(1, 20)) * MINUTE + 20 * SECOND
        ending = draw(st.sampled_from(["job_succeeded", "job_failed", "job_cancelled"]))
        found.append(event(now, ending, job, cause="thermal"))
        now += draw(st.integers(0, 9)) * MINUTE + 30 * SECOND
    beats = [
        (at, "farm/p1/telemetry", json.dumps({"v": 1, "at": rfc3339(at), "bed": 60}).encode())
        for at in range(T0 + 15 * SECOND, now, 2 * MINUTE)
    ]
    return sorted(found + beats)


@settings(max_examples=60, deadline=None)
@given(histories(), st.integers(0, 2**31))
def test_the_order_in_which_late_messages_arrive_does_not_matter(history: list[Message], seed: int) -> None:
    chance = random.Random(seed)
    until = history[-1][0] + HOUR
    in_time = [(message[0] + 100, message) for message in history]
    late = sorted(
        (
            received
            + (chance.randrange(5, 600) * SECOND if topic.endswith("event") and chance.random() < 0.3 else 0),
            (at, topic, body),
        )
        for received, (at, topic, body) in in_time
    )
    with open_ledger("sqlite://") as one, open_ledger("sqlite://") as other:
        deliver(fresh(one), in_time, until)
        deliver(fresh(other), late, until)
        assert books(other, until) == books(one, until)


def test_a_late_end_revises_the_outcome_and_says_so() -> None:
    start = event(T0 + MINUTE, "job_started", "a")
    end = event(T0 + 20 * MINUTE, "job_succeeded", "a")
    after = event(T0 + 40 * MINUTE, "job_started", "b")
    until = T0 + HOUR
    with open_ledger("sqlite://") as ledger:
        pipeline = fresh(ledger)
        deliver(
            pipeline,
            [(at + 100, (at, t, b)) for at, t, b in (state(T0, "idle"), start, after)],
            T0 + 50 * MINUTE,
        )
        first = _by_file(ledger)["a.gcode"]
        assert first.outcome == "unknown"
        pipeline.take(end[1], end[2], False, until)
        pipeline.commit(until)
        second = _by_file(ledger)["a.gcode"]
        assert (second.id, second.outcome, second.ended_ms) == (first.id, "succeeded", T0 + 20 * MINUTE)
        (revision,) = ledger.revisions(first.id)
        assert (revision.who, revision.why) == ("collector", "late evidence")
        assert '"unknown"' in (revision.before or "")
        assert [e.job_id for e in ledger.feed(0, 1000) if e.kind is FeedKind.JOB_REVISED] == [first.id]


def test_a_late_fact_that_changes_neither_outcome_nor_times_is_told_too() -> None:
    start, end = event(T0 + MINUTE, "job_started", "a"), event(T0 + 20 * MINUTE, "job_succeeded", "a")
    late = event(T0 + 10 * MINUTE, "job_resumed", "a")
    with open_ledger("sqlite://") as ledger:
        pipeline = fresh(ledger)
        arrivals = [
            (at + 100, (at, topic, payload)) for at, topic, payload in (state(T0, "idle"), start, end)
        ]
        deliver(pipeline, arrivals, T0 + 40 * MINUTE)
        before = _by_file(ledger)["a.gcode"]
        told = late[2].replace(b'"a.gcode"', b'"a.gcode", "material": "PETG"')
        pipeline.take(late[1], told, False, T0 + 50 * MINUTE)
        pipeline.commit(T0 + 50 * MINUTE)
        after = _by_file(ledger)["a.gcode"]
        assert (before.material, after.material, after.printing_ms) == (None, "PETG", before.printing_ms)
        assert [e.job_id for e in ledger.feed(0, 1000) if e.kind is FeedKind.JOB_REVISED] == [after.id]


def test_the_same_late_message_again_changes_nothing() -> None:
    until = T0 + HOUR
    story = [
        state(T0, "idle"),
        event(T0 + MINUTE, "job_started", "a"),
        event(T0 + 40 * MINUTE, "job_started", "b"),
    ]
    end = event(T0 + 20 * MINUTE, "job_succeeded", "a")
    with open_ledger("sqlite://") as ledger:
        pipeline = fresh(ledger)
        deliver(pipeline, [(m[0] + 100, m) for m in story], T0 + 50 * MINUTE)
        pipeline.take(end[1], end[2], False, until)
        pipeline.commit(until)
        head = ledger.feed_head()
        pipeline.take(end[1], end[2], False, until + 1)
        pipeline.commit(until)
        assert ledger.feed_head() == head


def _by_file(ledger: Ledger) -> dict[str | None, Job]:
    return {job.file: job for job in ledger.jobs(JobFilter()).jobs}


def _octo(at_s: int, name: str, **more: object) -> tuple[str, bytes]:
    said = {"path": "a.gcode", "_event": name, "_timestamp": at_s} | more
    return f"octo/p1/event/{name}", json.dumps(said).encode()


@pytest.mark.parametrize("error_s", [-3600, 3600])
def test_a_wrong_source_clock_is_noticed_and_what_was_booked_is_put_right(error_s: int) -> None:
    """The clock is an hour off from the start: everything is booked when it happened all the same."""
    now_s = T0 // 1000
    with open_ledger("sqlite://") as ledger:
        pipeline = fresh(ledger)
        pipeline.take(*_octo(now_s + error_s, "PrintStarted"), False, T0)
        for beat in range(1, 30):
            body = json.dumps(
                {"actual": 60 + beat % 3, "target": 60, "_timestamp": now_s + beat + error_s}
            ).encode()
            pipeline.take("octo/p1/temperature/bed", body, False, T0 + beat * SECOND)
        pipeline.take(*_octo(now_s + 60 + error_s, "PrintDone", time=60), False, T0 + 60 * SECOND)
        pipeline.commit(T0 + 60 * SECOND)
        (job,) = ledger.jobs(JobFilter()).jobs
    assert job.outcome == "succeeded"
    assert job.started_ms is not None
    assert abs(job.started_ms - T0) <= 2 * SECOND
    assert job.ended_ms is not None
    assert abs(job.ended_ms - T0 - 60 * SECOND) <= 2 * SECOND


def test_a_message_that_waited_an_hour_books_into_the_hour_when_it_happened() -> None:
    now_s = T0 // 1000
    with open_ledger("sqlite://") as ledger:
        pipeline = fresh(ledger)
        pipeline.take(*_octo(now_s, "Connected"), False, T0)
        pipeline.take(*_octo(now_s + 60, "PrintStarted"), False, T0 + 2 * HOUR, False)
        pipeline.take(*_octo(now_s + 600, "PrintDone", time=540), False, T0 + 2 * HOUR, False)
        pipeline.commit(T0 + 2 * HOUR)
        (job,) = ledger.jobs(JobFilter()).jobs
    assert (job.started_ms, job.ended_ms) == (T0 + 60 * SECOND, T0 + 600 * SECOND)


def _klipper(eventtime: float, **stats: object) -> bytes:
    return json.dumps({"eventtime": eventtime, "status": {"print_stats": stats}}).encode()


def test_a_session_first_met_in_a_backlog_is_put_right_by_one_amount_when_its_clock_is_learnt() -> None:
    source = [parse_source("moonraker={printer}")]
    with open_ledger("sqlite://") as ledger:
        ledger.claim("test", "test", simulated=True, now_ms=0)
        pipeline = Pipeline(ledger, SourceTable(source))
        topic = "k1/klipper/status"
        now = T0 + HOUR
        full = {"filename": "", "state": "standby", "message": "", "filament_used": 0, "total_duration": 0}
        # Drained from a backlog: nothing says yet when these happened, only that they lie 600 s apart.
        pipeline.take(topic, _klipper(1000, **full), False, now, False)
        pipeline.take(
            topic, _klipper(1100, state="printing", filename="a.gcode", total_duration=0.1), False, now, False
        )
        pipeline.take(topic, _klipper(1600, state="complete", total_duration=500.0), False, now, False)
        # Live: eventtime 2000 is now, so the print ended 400 s ago.
        pipeline.take(topic, _klipper(2000, message=""), False, now)
        pipeline.commit(now)
        (job,) = ledger.jobs(JobFilter()).jobs
    assert job.outcome == "succeeded"
    assert job.ended_ms is not None
    assert abs(job.ended_ms - (now - 400 * SECOND)) < SECOND
    assert job.started_ms is not None
    assert abs(job.started_ms - (now - 900 * SECOND)) < SECOND


def test_a_printer_is_run_again_after_its_oldest_evidence_is_gone_and_what_is_older_is_passed_over() -> None:
    past = [
        state(T0, "idle"),
        event(T0 + MINUTE, "job_started", "first"),
        event(T0 + 5 * MINUTE, "job_succeeded", "first"),
        event(T0 + 10 * MINUTE, "job_started", "second"),
        event(T0 + 15 * MINUTE, "job_succeeded", "second"),
        event(T0 + 20 * MINUTE, "job_started", "third"),
        event(T0 + 30 * MINUTE, "job_succeeded", "third"),
    ]
    until = T0 + HOUR
    with open_ledger("sqlite://") as ledger:
        pipeline = fresh(ledger)
        deliver(pipeline, [(message[0], message) for message in past], until)
        before = books(ledger, until)
        assert ledger.trim_evidence(T0 + 18 * MINUTE) > 0
        printer_id = ledger.printers()[0].id
        assert ledger.evidence_cut(printer_id) is not None
        too_old, in_time = (
            event(T0 + 2 * MINUTE, "job_paused", "first"),
            event(T0 + 22 * MINUTE, "job_paused", "third"),
        )
        deliver(pipeline, [(until, too_old)], until + MINUTE)
        assert books(ledger, until) == before
        deliver(pipeline, [(until + MINUTE, in_time)], until + 2 * MINUTE)
        jobs, spans = books(ledger, until)
        assert [job[8] for job in jobs] == [0, 0, 1]
        assert jobs[:2] == before[0][:2]
        assert spans[:4] == before[1][:4]


def test_what_comes_late_is_booked_with_the_whole_of_its_message() -> None:
    """The third message comes late, since two gaps that are alike say how long its printer may be silent."""
    gap = 7 * MINUTE
    with open_ledger("sqlite://") as ledger:
        pipeline = fresh(ledger)
        pipeline.take("farm/p1/state", b'{"v": 1, "state": "idle"}', False, T0)
        pipeline.take("farm/p1/telemetry", b'{"v": 1, "bed": 60}', False, T0 + gap)
        pipeline.tick(T0 + 2 * gap - 1)
        due = [pipeline.is_late_due]
        pipeline.take("farm/p1/telemetry", b'{"v": 1, "bed": 61}', False, T0 + 2 * gap)
        due.append(pipeline.is_late_due)
        assert list(ledger.sessions()) == []
        pipeline.commit(T0 + 2 * gap)
        assert [*due, pipeline.is_late_due] == [False, True, False]
        (restored,) = fresh(ledger).sessions_taken_in()
        assert (restored.heard_ms, restored.report_interval.limit_ms) == (T0 + 2 * gap, 3 * gap)


def test_what_came_late_is_due_again_where_the_collector_was_killed_in_between() -> None:
    with open_ledger("sqlite://") as ledger:
        pipeline = fresh(ledger)
        deliver(pipeline, [(at + 100, (at, t, b)) for at, t, b in (state(T0, "idle"),)], T0 + HOUR)
        _, topic, payload = event(T0 + 5 * MINUTE, "job_started", "a")
        pipeline.take(topic, payload, False, T0 + HOUR)
        pipeline._writer.commit(T0 + HOUR)
        again = fresh(ledger)
        due = again.is_late_due
        again.commit(T0 + HOUR)
        assert [due, again.is_late_due] == [True, False]
        assert [job.file for job in ledger.jobs(JobFilter()).jobs] == ["a.gcode"]
