"""One transition under way: the printer's state, its spans, and the time that they give a job."""

import msgspec

from collector.tracker.state import LedgerChanges, TrackerState
from farm.model.feed import FeedEntry, FeedKind
from farm.model.job import Job
from farm.model.span import Span
from farm.model.states import ACTIVE_STATES, PrinterState

REMEMBERED = 12
"""So many readings are known again when they come twice, and so many aliases are kept."""
_BUCKETS = {
    PrinterState.PRINTING: "printing_ms",
    PrinterState.PREPARING: "preparing_ms",
    PrinterState.PAUSED: "paused_ms",
}


class TimeAccount:
    """The state, link and attempt after the transition, and what is to be booked for it."""

    def __init__(self, tracker: TrackerState, at_ms: int) -> None:
        self.tracker = tracker
        self.at = at_ms
        self.state, self.since, self.source = tracker.state, tracker.since_ms, tracker.source
        self.link = tracker.link
        self.before_silence = tracker.before_silence
        self.attempt = tracker.attempt
        self.last_job = tracker.last_job
        self.recent = tracker.recent
        self.aliases = dict.fromkeys(tracker.aliases)
        self.booking = LedgerChanges.empty()

    def finish(self) -> tuple[TrackerState, LedgerChanges]:
        """The tracker after the transition, and what it changes in the books."""
        attempt = self.attempt
        if attempt is not None:
            self.booking.jobs[attempt.job.id] = attempt.job
        return (
            TrackerState(
                printer_id=self.tracker.printer_id,
                state=self.state,
                since_ms=self.since,
                source=self.source,
                link=self.link,
                before_silence=self.before_silence,
                first_seen_ms=self.tracker.first_seen_ms,
                at_ms=max(self.tracker.at_ms, self.at),
                attempt=attempt,
                last_job=self.last_job,
                aliases=tuple(self.aliases)[-REMEMBERED:],
                recent=self.recent,
            ),
            self.booking,
        )

    def fall_silent(self) -> None:
        """Nothing more was heard: how things stood is remembered for the next sign of life."""
        stood = self.state
        self.lose_sight(self.at, "silence")
        if self.state is not stood:
            self.before_silence = stood

    def resume(self) -> None:
        """A sign of life while the link stood: things stand as they stood, the gap stays a gap."""
        stood = self.before_silence
        if stood is None or self.state is not PrinterState.UNKNOWN:
            return
        attempt = self.attempt
        if attempt is not None and attempt.gap_from_ms is not None and stood in ACTIVE_STATES:
            self.attempt = msgspec.structs.replace(
                attempt, gap_from_ms=None, accounted_ms=max(self.at, attempt.accounted_ms)
            )
        self.enter(stood, self.at, "observed")

    def lose_sight(self, from_ms: int, source: str) -> None:
        """From `from_ms` on the state is not known."""
        if self.state in (PrinterState.UNKNOWN, PrinterState.OFFLINE, PrinterState.MAINTENANCE):
            return
        from_ms = max(from_ms, self.since)
        self.open_gap(from_ms)
        self.enter(PrinterState.UNKNOWN, from_ms, source)

    def open_gap(self, from_ms: int) -> None:
        """From `from_ms` on nothing is known of the attempt under way."""
        self.account(from_ms)
        attempt = self.attempt
        if attempt is not None and attempt.gap_from_ms is None:
            self.attempt = msgspec.structs.replace(attempt, gap_from_ms=from_ms)

    def enter(self, state: PrinterState, at: int, source: str) -> None:
        """Close the span that is open and begin one in `state`, unless it is the same state."""
        at = max(at, self.since)
        if state is self.state:
            return
        self.account(at)
        self.before_silence = None
        printer = self.tracker.printer_id
        if at > self.since:
            self.booking.spans[self.since] = Span(printer, self.state, self.since, at, self.source)
        before = self.state
        self.state, self.since, self.source = state, at, source
        self.booking.spans[at] = Span(printer, state, at, None, source)
        self.booking.feed.append(
            FeedEntry(
                kind=FeedKind.STATE_CHANGED,
                at_ms=at,
                printer_id=printer,
                job_id=self.attempt.job.id if self.attempt else None,
                body={"state": state.value, "before": before.value, "source": source},
            )
        )
        self._tell_pause(before, state, at)

    def _tell_pause(self, before: PrinterState, state: PrinterState, at: int) -> None:
        attempt = self.attempt
        if attempt is None:
            return
        if state is PrinterState.PAUSED:
            job = msgspec.structs.replace(attempt.job, pauses=attempt.job.pauses + 1)
            self.attempt = msgspec.structs.replace(attempt, job=job)
            self.tell_job(FeedKind.JOB_PAUSED, job, at)
        elif before is PrinterState.PAUSED and state in ACTIVE_STATES:
            self.tell_job(FeedKind.JOB_RESUMED, attempt.job, at)

    def account(self, until: int) -> None:
        """Add the time since it was last accounted to the job, by the state it passed in."""
        attempt = self.attempt
        if attempt is None:
            return
        passed = until - max(attempt.accounted_ms, self.since)
        job = attempt.job
        if passed > 0:
            field = _BUCKETS.get(self.state)
            if field is not None and not (job.measured and field == "printing_ms"):
                job = msgspec.structs.replace(job, **{field: getattr(job, field) + passed})
        self.attempt = msgspec.structs.replace(
            attempt, job=job, accounted_ms=max(until, attempt.accounted_ms)
        )

    def tell_job(self, kind: FeedKind, job: Job, at: int) -> None:
        """Put what became of the job into the feed, with its whole row."""
        body = msgspec.to_builtins(job)
        self.booking.feed.append(
            FeedEntry(kind=kind, at_ms=at, printer_id=job.printer_id, job_id=job.id, body=body)
        )
