"""Recordings through the same pipeline, into a ledger in memory: jobs and hours of each file."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from collector.intake.pipeline import Pipeline
from collector.intake.sources import SourceTable
from collector.settings import SourceSettings
from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger import Ledger, open_ledger
from farm.model.job import Job
from farm.model.job_record import job_record
from farm.model.recording import RecordedMessage, read_recording
from farm.model.span import Span
from farm.model.times import SECOND_MS, rfc3339

_TICK_MS = SECOND_MS
_CLIENT_ID = "replay"
_JOB_FIELDS = (
    "id",
    "printer",
    "file",
    "outcome",
    "cancelled_by",
    "cause",
    "started_at",
    "ended_at",
    "printing_seconds",
    "paused_seconds",
)


class PlayedRecording(msgspec.Struct, frozen=True, kw_only=True):
    """The jobs, state spans and counts that a recording gave."""

    recording: str
    messages: int
    ignored: dict[str, int]
    printers: dict[str, str]
    jobs: list[Job]
    spans: list[Span]
    until_ms: int

    def as_json(self) -> dict[str, Any]:
        """The object that `layerline replay --json` prints for a file."""
        return {
            "recording": self.recording,
            "messages": self.messages,
            "ignored": self.ignored,
            "jobs": [job_record(job, self.printers[job.printer_id], fields=_JOB_FIELDS) for job in self.jobs],
            "spans": [
                {
                    "printer": self.printers[span.printer_id],
                    "state": span.state.value,
                    "from": rfc3339(span.from_ms),
                    "to": rfc3339(self.until_ms if span.to_ms is None else span.to_ms),
                }
                for span in self.spans
            ],
        }


def replay_file(
    path: Path, sources: Sequence[SourceSettings], *, on_message: Callable[[], None] | None = None
) -> PlayedRecording:
    """Play the file through the pipeline. Raises RecordingError when it is no recording."""
    with open_ledger("sqlite://") as ledger:
        ledger.claim(_CLIENT_ID, _CLIENT_ID, simulated=True, now_ms=0)
        feeder = RecordingPlayer(Pipeline(ledger, SourceTable(sources)))
        for message in read_recording(path):
            feeder.feed(message)
            if on_message is not None:
                on_message()
        feeder.finish()
        return _replayed(path, ledger, feeder)


class RecordingPlayer:
    """Feeds recorded messages to a pipeline with the time that passed between them."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.now_ms = 0
        self.messages = 0

    def feed(self, message: RecordedMessage) -> None:
        """One message, at its own time of receipt."""
        at = message.received_ms
        if self.now_ms and at - self.now_ms >= _TICK_MS:
            self.pipeline.tick(at)
        self.now_ms = max(self.now_ms, at)
        self.messages += 1
        self.pipeline.take(message.topic, message.raw, message.retain, at)

    def finish(self) -> None:
        """The recording is over: what was waited for did not come, and everything is booked."""
        self.pipeline.tick(self.now_ms)
        self.pipeline.finish(self.now_ms)


def _replayed(path: Path, ledger: Ledger, feeder: RecordingPlayer) -> PlayedRecording:
    ignored: Counter[str] = Counter()
    for fault in ledger.faults():
        ignored[fault.reason] += fault.count
    printers = {printer.id: printer.name for printer in ledger.printers(everything=True)}
    jobs = ledger.jobs(JobFilter(limit=1_000_000)).jobs
    first = min((printer.first_seen_ms for printer in ledger.printers(everything=True)), default=0)
    return PlayedRecording(
        recording=path.name.removesuffix(".jsonl").removesuffix(".mqtt"),
        messages=feeder.messages,
        ignored=dict(sorted(ignored.items())),
        printers=printers,
        jobs=sorted(jobs, key=lambda job: (job.started_ms or job.ended_ms or 0, job.id)),
        spans=ledger.spans(first, feeder.now_ms),
        until_ms=feeder.now_ms,
    )
