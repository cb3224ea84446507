"""Real traffic with the truth beside it decides whether the adapters and the tracker are right."""

import itertools
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from collector.intake.pipeline import Pipeline
from collector.intake.sources import SourceTable
from collector.playback import RecordingPlayer
from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger import Ledger, open_ledger
from farm.ledger.recount import LedgerRecount
from farm.model.job import Job, overlaps
from farm.model.recording import RecordedMessage
from farm.model.span import Span
from farm.model.times import SECOND_MS, parse_rfc3339
from tests.recordings import RECORDINGS, expected, messages, recording_id, sources

TOLERANCE_MS = 2 * SECOND_MS

Books = tuple[list[Job], list[Span]]


def _books(ledger: Ledger, now_ms: int) -> Books:
    jobs = ledger.jobs(JobFilter(limit=1000)).jobs
    first = min(printer.first_seen_ms for printer in ledger.printers())
    return sorted(jobs, key=lambda job: (job.printer_id, job.started_ms or 0)), ledger.spans(first, now_ms)


def _feeder(ledger: Ledger, path: Path) -> RecordingPlayer:
    ledger.claim("test", "test", simulated=True, now_ms=0)
    return RecordingPlayer(Pipeline(ledger, SourceTable(sources(path))))


def _replay(path: Path, stream: Iterable[RecordedMessage]) -> Books:
    with open_ledger("sqlite://") as ledger:
        feeder = _feeder(ledger, path)
        for message in stream:
            feeder.feed(message)
        feeder.finish()
        return _books(ledger, feeder.now_ms)


def _assert_expected(path: Path, books: Books, names: Callable[[str], str]) -> None:
    jobs, _ = books
    wanted = sorted(expected(path)["jobs"], key=lambda job: (job["printer"], job["started_at"]))
    found = sorted(jobs, key=lambda job: (names(job.printer_id), job.started_ms or 0))
    assert len(found) == len(wanted)
    for job, right in zip(found, wanted, strict=True):
        told = right["end_is_in_the_messages"]
        assert names(job.printer_id) == right["printer"]
        assert job.file == right["file"]
        assert job.outcome == (right["outcome"] if told else "unknown")
        assert job.cancelled_by == right["cancelled_by"]
        assert job.cause == (right["cause"] if told else None)
        assert job.pauses == right["pauses"]
        assert job.started_ms is not None
        assert abs(job.started_ms - parse_rfc3339(right["started_at"])) <= TOLERANCE_MS
        assert job.ended_ms is not None
        assert abs(job.ended_ms - parse_rfc3339(right["ended_at"])) <= TOLERANCE_MS


@pytest.mark.parametrize("path", RECORDINGS, ids=recording_id)
def test_a_recording_gives_the_jobs_written_beside_it(path: Path) -> None:
    with open_ledger("sqlite://") as ledger:
        feeder = _feeder(ledger, path)
        for message in messages(path):
            feeder.feed(message)
        feeder.finish()
        names = {printer.id: printer.name for printer in ledger.printers()}
        _assert_expected(path, _books(ledger, feeder.now_ms), names.__getitem__)


@pytest.mark.parametrize("path", RECORDINGS, ids=recording_id)
def test_the_hours_add_up_without_hole_or_overlap(path: Path) -> None:
    stream = messages(path)
    jobs, spans = _replay(path, stream)
    assert overlaps(jobs) == []
    for printer in {span.printer_id for span in spans}:
        own = [span for span in spans if span.printer_id == printer]
        for before, after in itertools.pairwise(own):
            assert before.to_ms == after.from_ms
        assert own[-1].to_ms == stream[-1].received_ms


@pytest.mark.parametrize("path", RECORDINGS, ids=recording_id)
def test_the_books_agree_with_a_plain_recount(path: Path) -> None:
    with open_ledger("sqlite://") as ledger:
        feeder = _feeder(ledger, path)
        for message in messages(path):
            feeder.feed(message)
        feeder.finish()
        recount = LedgerRecount(ledger.engine)
        for printer in ledger.printers(everything=True):
            assert recount.differences(printer.id) == []


@pytest.mark.parametrize("path", RECORDINGS, ids=recording_id)
def test_every_message_delivered_twice_changes_nothing(path: Path) -> None:
    stream = messages(path)
    assert _replay(path, (m for message in stream for m in (message, message))) == _replay(path, stream)


@pytest.mark.parametrize("path", RECORDINGS, ids=recording_id)
def test_cut_anywhere_and_resumed_from_the_checkpoint_it_comes_out_the_same(path: Path) -> None:
    """A new pipeline takes over from the ledger after every hundredth of the recording."""
    stream = messages(path)
    whole = _replay(path, stream)
    every = max(len(stream) // 100, 1)
    with open_ledger("sqlite://") as ledger:
        feeder = _feeder(ledger, path)
        for number, message in enumerate(stream):
            feeder.feed(message)
            if number % every == every - 1:
                feeder.pipeline.commit(feeder.now_ms)
                feeder.pipeline = Pipeline(ledger, SourceTable(sources(path)))
        feeder.finish()
        assert _books(ledger, feeder.now_ms) == whole


def _turning_points(path: Path, stream: list[RecordedMessage]) -> list[int]:
    """The messages around every job event, where a cut hurts most."""
    with open_ledger("sqlite://") as ledger:
        feeder = _feeder(ledger, path)
        points: set[int] = set()
        booked = 0
        for number, message in enumerate(stream):
            feeder.feed(message)
            if len(feeder.pipeline._writer.pending.feed) != booked:
                booked = len(feeder.pipeline._writer.pending.feed)
                points.update(range(max(number - 3, 1), min(number + 4, len(stream))))
        return sorted(points)


@pytest.mark.parametrize("path", RECORDINGS, ids=recording_id)
def test_cut_around_every_event_it_comes_out_the_same(path: Path) -> None:
    stream = messages(path)
    whole = _replay(path, stream)
    for point in _turning_points(path, stream):
        with open_ledger("sqlite://") as ledger:
            feeder = _feeder(ledger, path)
            for message in stream[:point]:
                feeder.feed(message)
            feeder.pipeline.commit(feeder.now_ms)
            feeder.pipeline = Pipeline(ledger, SourceTable(sources(path)))
            for message in stream[point:]:
                feeder.feed(message)
            feeder.finish()
            assert _books(ledger, feeder.now_ms) == whole, f"cut before message {point}"
