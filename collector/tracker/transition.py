"""One transition under way: where the printer stands, and what is to be booked for it."""

import msgspec

from collector.tracker.limits import REMEMBERED
from collector.tracker.state import LedgerChanges, TrackerState
from collector.tracker.words import overlaid
from farm.model.feed import FeedEntry, FeedKind
from farm.model.job import Job


class Transition:
    """The tracker's state in the making, handed from rule to rule. Lives for one call of `advance`."""

    __slots__ = (
        "aliases",
        "at",
        "attempt",
        "bed_cleared",
        "before",
        "before_silence",
        "changes",
        "closed",
        "cut_offs",
        "doubt",
        "last_job",
        "last_teller",
        "link",
        "reason",
        "recent",
        "service",
        "shared",
        "since",
        "source",
        "state",
        "state_teller",
        "teller",
        "waiting",
        "within",
        "words",
    )

    def __init__(self, tracker: TrackerState, at_ms: int) -> None:
        self.before = tracker
        self.at = at_ms
        self.state, self.since, self.source = tracker.state, tracker.since_ms, tracker.source
        self.link = tracker.link
        self.before_silence = tracker.before_silence
        self.attempt = tracker.attempt
        self.last_job = tracker.last_job
        self.recent = tracker.recent
        self.aliases = tracker.aliases
        self.service = tracker.service
        self.words = tracker.words
        self.bed_cleared = tracker.bed_cleared
        self.closed = tracker.closed
        self.doubt = tracker.doubt
        self.reason, self.waiting = tracker.reason, tracker.waiting
        self.teller, self.shared = "", False
        self.within = 0
        self.last_teller, self.state_teller = tracker.last_teller, tracker.state_teller
        self.cut_offs = tracker.cut_offs
        self.changes = LedgerChanges.empty()

    @property
    def printer_id(self) -> str:
        """The printer that this is about."""
        return self.before.printer_id

    def finish(self) -> tuple[TrackerState, LedgerChanges]:
        """The tracker after the transition, and what it changes in the books."""
        if self.attempt is not None:
            self.book(self.attempt.job)
        return (
            TrackerState(
                printer_id=self.before.printer_id,
                state=self.state,
                since_ms=self.since,
                source=self.source,
                link=self.link,
                before_silence=self.before_silence,
                first_seen_ms=self.before.first_seen_ms,
                at_ms=max(self.before.at_ms, self.at),
                attempt=self.attempt,
                last_job=self.last_job,
                aliases=self.aliases,
                recent=self.recent,
                service=self.service,
                words=self.words,
                bed_cleared=self.bed_cleared,
                closed=self.closed,
                last_teller=self.last_teller,
                state_teller=self.state_teller,
                doubt=self.doubt,
                reason=self.reason,
                waiting=self.waiting,
                cut_offs=self.cut_offs,
            ),
            self.changes,
        )

    def book(self, job: Job) -> Job:
        """Put the job's row into the books, as persons have it where they spoke of it."""
        if self.words:
            job = overlaid(job, self.words)
        self.changes.jobs[job.id] = job
        return job

    def tell_job(self, kind: FeedKind, job: Job, at_ms: int) -> None:
        """Book the job and put what became of it into the feed, with its whole row."""
        shown = self.book(job)
        self.changes.feed.append(
            FeedEntry(
                kind=kind,
                at_ms=at_ms,
                printer_id=job.printer_id,
                job_id=job.id,
                body=msgspec.to_builtins(shown),
            )
        )

    def call(self, job: Job, history: str, native_id: str) -> None:
        """The history's own name of the job."""
        alias = (history, native_id, job.id)
        if alias not in self.aliases:
            self.aliases = (*self.aliases, alias)[-REMEMBERED:]
        self.changes.aliases[history, native_id] = job.id
