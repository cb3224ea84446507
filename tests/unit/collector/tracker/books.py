"""Drives the tracker by hand and keeps what it books, as a ledger would."""

import msgspec

from collector.tracker import LedgerChanges, Observed, Said, TrackerInput, TrackerWord, advance, first_sight
from farm.model.feed import FeedEntry, FeedKind
from farm.model.job import Job
from farm.model.observation import JobReading, JobSignal, Link, Observation
from farm.model.span import Span
from farm.model.states import PrinterState

PRINTER = "11111111-1111-1111-1111-111111111111"
T0 = 1_795_000_000_000
MINUTE = 60_000


class Books:
    """One printer; times are minutes since `T0` unless they are called `_ms`."""

    def __init__(self) -> None:
        self.tracker, changes = first_sight(PRINTER, T0)
        self.spans: dict[int, Span] = {}
        self.jobs: dict[str, Job] = {}
        self.feed: list[FeedEntry] = []
        self.aliases: dict[tuple[str, str], str] = {}
        self._book(changes)

    def _book(self, changes: LedgerChanges) -> None:
        self.spans.update(changes.spans)
        self.jobs.update(changes.jobs)
        self.feed += changes.feed
        self.aliases.update(changes.aliases)

    @property
    def told(self) -> list[FeedKind]:
        return [entry.kind for entry in self.feed]

    def give(self, at_ms: int, what: TrackerInput) -> str | None:
        self.tracker, changes = advance(self.tracker, at_ms, what)
        self._book(changes)
        return changes.answer

    def see(self, minute: float, heard: float | None = None, **reading: object) -> None:
        at_ms = T0 + int(minute * MINUTE)
        heard_ms = at_ms if heard is None else T0 + int(heard * MINUTE)
        seen = msgspec.convert(reading | {"time_ms": reading.get("time_ms", at_ms)}, Observation)
        self.give(at_ms, Observed(seen, heard_ms))

    def see_ms(self, ms: int, heard_ms: int | None = None, **reading: object) -> None:
        """As `see`, in milliseconds since `T0`."""
        at_ms = T0 + ms
        seen = msgspec.convert(reading | {"time_ms": reading.get("time_ms", at_ms)}, Observation)
        self.give(at_ms, Observed(seen, at_ms if heard_ms is None else T0 + heard_ms))

    def see_link(self, minute: float, *, heard: float, limit: float) -> None:
        """The link stands anew; the state before may stand for `limit` minutes."""
        at_ms = T0 + int(minute * MINUTE)
        seen = Observation(link=Link.ONLINE)
        self.give(at_ms, Observed(seen, T0 + int(heard * MINUTE), limit_ms=int(limit * MINUTE)))

    def start(self, minute: float, file: str = "vase.gcode") -> None:
        job = JobReading(file=file, token=f"{minute}:{file}")
        self.see(minute, state=PrinterState.PRINTING, signal=JobSignal.STARTED, job=job)

    def say(self, minute: float, word: TrackerWord, job_id: str | None = None) -> str | None:
        """A person's word; gives the answer."""
        at_ms = T0 + int(minute * MINUTE)
        return self.give(at_ms, Said(who="Ann", said_ms=at_ms, job_id=job_id, word=word, why="looked at it"))

    @property
    def job(self) -> Job:
        (job,) = self.jobs.values()
        return job

    @property
    def states(self) -> list[tuple[PrinterState, float]]:
        """States with their minutes, the open one last with 0."""
        ordered = [self.spans[key] for key in sorted(self.spans)]
        return [
            (span.state, ((span.to_ms if span.to_ms is not None else span.from_ms) - span.from_ms) / MINUTE)
            for span in ordered
        ]
