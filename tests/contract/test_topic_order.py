"""A queue may be handed over topic by topic: order across topics is never relied on.

The broker that comes along hands a queue over filter by filter. What stands within one topic keeps
its order; apart from that every interleaving of a print's messages must come to the same jobs.
"""

import random
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from collector.intake.pipeline import Pipeline
from collector.intake.sources import SourceTable
from collector.playback import RecordingPlayer
from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger import open_ledger
from farm.model.recording import RecordedMessage
from farm.model.times import MINUTE_MS
from tests.recordings import RECORDINGS, messages, recording_id, sources

OCTOPRINT = [path for path in RECORDINGS if path.parent.name == "octoprint"]

Facts = list[tuple[object, ...]]
ENDS = slice(3, 8)
"""Of the facts of a job: file, outcome, cause, who cancelled, pauses."""


def jobs_of_backlog(path: Path, live: Sequence[RecordedMessage], waited: Iterable[RecordedMessage]) -> Facts:
    """The jobs after `live` was heard as it came, and the rest handed over by a broker that kept it."""
    now_ms = messages(path)[-1].received_ms + MINUTE_MS
    with open_ledger("sqlite://") as ledger:
        ledger.claim("test", "test", simulated=True, now_ms=0)
        feeder = RecordingPlayer(Pipeline(ledger, SourceTable(sources(path))))
        for message in live:
            feeder.feed(message)
        pipeline = feeder.pipeline
        pipeline.commit(feeder.now_ms)
        for message in waited:
            pipeline.take(message.topic, message.raw, False, now_ms, live=False)
        pipeline.caught_up()
        pipeline.commit(now_ms)
        pipeline.tick(now_ms)
        pipeline.commit(now_ms)
        names = {printer.id: printer.name for printer in ledger.printers()}
        jobs = ledger.jobs(JobFilter(limit=1000)).jobs
    facts = [
        (
            names[j.printer_id],
            j.started_ms,
            j.ended_ms,
            j.file,
            j.outcome,
            j.cause,
            j.cancelled_by,
            j.pauses,
            j.printing_ms,
        )
        for j in jobs
    ]
    return sorted(facts, key=str)


def interleaved(stream: Sequence[RecordedMessage], chance: random.Random) -> list[RecordedMessage]:
    """One of the orders in which each topic keeps its own.

    The link's words carry no time, so nothing can say where they belong: they keep their place.
    """
    found: list[RecordedMessage] = []
    part: list[RecordedMessage] = []
    for message in stream:
        if message.topic.endswith("/mqtt"):
            found += [*_shuffled(part, chance), message]
            part = []
        else:
            part.append(message)
    return found + _shuffled(part, chance)


def _shuffled(stream: Sequence[RecordedMessage], chance: random.Random) -> list[RecordedMessage]:
    waiting: dict[str, deque[RecordedMessage]] = defaultdict(deque)
    for message in stream:
        waiting[message.topic].append(message)
    favour = {topic: chance.expovariate(0.2) for topic in waiting}
    found = []
    while waiting:
        topic = chance.choices(list(waiting), [favour[t] for t in waiting])[0]
        found.append(waiting[topic].popleft())
        if not waiting[topic]:
            del waiting[topic]
    return found


def told_as_it_happened(path: Path) -> tuple[list[RecordedMessage], list[RecordedMessage]]:
    """What the broker kept and gave at once, and what came as it happened."""
    stream = messages(path)
    return [m for m in stream if m.retain], [m for m in stream if not m.retain]


@pytest.mark.parametrize("path", OCTOPRINT, ids=recording_id)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), part=st.floats(0, 1))
@example(seed=235, part=0.0)
def test_any_interleaving_of_octoprints_topics_comes_to_the_same_jobs(
    path: Path, seed: int, part: float
) -> None:
    chance = random.Random(seed)
    kept, told = told_as_it_happened(path)
    cut = int(len(told) * part)
    live, rest = kept + told[:cut], told[cut:]
    assert jobs_of_backlog(path, live, interleaved(rest, chance)) == jobs_of_backlog(path, live, rest)


def filter_by_filter(path: Path, stream: Sequence[RecordedMessage]) -> list[RecordedMessage]:
    """As the broker that comes along hands a queue over: all that one filter matched, then the next."""
    handed: list[RecordedMessage] = []
    left = list(stream)
    for wanted in SourceTable(sources(path)).filters:
        handed += [m for m in left if topic_matches_sub(wanted, m.topic)]
        left = [m for m in left if not topic_matches_sub(wanted, m.topic)]
    return handed


@pytest.mark.parametrize("path", RECORDINGS, ids=recording_id)
def test_a_queue_handed_over_filter_by_filter_comes_to_the_same_ends(path: Path) -> None:
    kept, told = told_as_it_happened(path)
    for tenths in range(0, 10, 3):
        cut = len(told) * tenths // 10
        live, rest = kept + told[:cut], told[cut:]
        found = jobs_of_backlog(path, live, filter_by_filter(path, rest))
        right = jobs_of_backlog(path, live, rest)
        assert [job[ENDS] for job in found] == [job[ENDS] for job in right]
