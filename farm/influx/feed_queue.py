"""The queue of the feed: job events, states, printers and alerts, strictly in their order."""

from collections.abc import Sequence
from typing import Final

from farm.errors import InfluxError
from farm.influx.answers import Handling, ServerAnswer
from farm.influx.influxql import one_of, quoted, select
from farm.influx.line_protocol import NANOSECONDS_PER_MS
from farm.influx.outbox_queue import OutboxQueue, QueueContext
from farm.influx.points import (
    ENDED,
    JOB_EVENT,
    PRINTER_STATE,
    STARTED,
    STATE,
    KnownPrinters,
    feed_lines,
    job_lines,
    revised_lines,
    span_line,
)
from farm.ledger.outbox_positions import FEED
from farm.model.feed import FeedEntry, FeedKind

_ENTRIES_A_TURN = 2_000
_REVISIONS_A_TURN = 20  # each takes some requests
_NAMING = frozenset({FeedKind.PRINTER_APPEARED, FeedKind.PRINTER_CHANGED})
_REVISING = frozenset({FeedKind.JOB_REVISED, FeedKind.SPANS_REVISED})
_ALIASED = frozenset({FeedKind.JOB_ENDED, FeedKind.JOB_REVISED})

END_OF_TIME_NS: Final = (1 << 62) - 1
"""The year 2116: nothing is booked later."""


class _Paused(Exception):
    """The server does not take it now."""


class FeedQueue(OutboxQueue):
    """Ships the feed. Events and states are kept without limit until they are stored.

    A revision first erases what it takes back: a point cannot be moved to another time, and
    writing over one leaves fields that the new one does not have.
    """

    reader = FEED

    def __init__(self, context: QueueContext) -> None:
        super().__init__(context)
        self.bucket = context.settings.bucket
        self._erases = context.settings.version == 2
        self._known = KnownPrinters({})

    def _work(self) -> bool:
        entries = self.context.outbox.feed(self.position.seq, _ENTRIES_A_TURN)
        if not entries:
            return False
        self._learn(entries)
        revisions = 0
        try:
            for revising, run in _runs(entries):
                if not revising:
                    self._ship(run)
                    continue
                self._revise(run[0])
                revisions += 1
                if revisions == _REVISIONS_A_TURN:
                    return True
        except _Paused:
            return False
        return len(entries) == _ENTRIES_A_TURN

    def _learn(self, entries: Sequence[FeedEntry]) -> None:
        named = {entry.printer_id for entry in entries if entry.printer_id is not None}
        if named - self._known.printers.keys() or any(entry.kind in _NAMING for entry in entries):
            self._known = self.context.outbox.known()
        ended = {entry.job_id for entry in entries if entry.job_id and entry.kind in _ALIASED}
        self._known.aliases = self.context.outbox.aliases(ended)

    def _ship(self, run: Sequence[FeedEntry]) -> None:
        lines: list[bytes] = []
        sources: list[int] = []
        for entry in run:
            made = feed_lines(entry, self._known)
            lines += made
            sources += [entry.seq] * len(made)
        settled = self._send(lines, sources)
        if settled < len(lines):
            self._settle(sources[settled] - 1)
            raise _Paused
        self._settle(run[-1].seq)

    def _revise(self, entry: FeedEntry) -> None:
        """Erase what the revision takes back and write what stands from now on."""
        if entry.printer_id in self._known.printers:
            lines = (
                self._revised_job(entry) if entry.kind is FeedKind.JOB_REVISED else self._revised_spans(entry)
            )
            if self._send(lines, [entry.seq] * len(lines)) < len(lines):
                raise _Paused
        self._settle(entry.seq)

    def _revised_job(self, entry: FeedEntry) -> list[bytes]:
        if self._erases:
            for event, at_ns in self._points_of_job(str(entry.printer_id), str(entry.job_id)):
                self._erase(JOB_EVENT, str(entry.printer_id), event, at_ns, at_ns)
        return feed_lines(entry, self._known) + revised_lines(entry, self._known)

    def _revised_spans(self, entry: FeedEntry) -> list[bytes]:
        """States and jobs of the printer from an instant on, as the ledger has them now.

        The ledger may be ahead of the feed here. What it is ahead by follows in the feed.
        """
        printer = self._known.printers[str(entry.printer_id)]
        from_ms = int(entry.body.get("from_ms", entry.at_ms))
        jobs = self.context.outbox.jobs_from(printer.id, from_ms)
        aliases = self.context.outbox.aliases({job.id for job in jobs})
        if self._erases:
            from_ns = from_ms * NANOSECONDS_PER_MS
            self._erase(PRINTER_STATE, printer.id, STATE, from_ns, END_OF_TIME_NS)
            self._erase(JOB_EVENT, printer.id, STARTED, from_ns, END_OF_TIME_NS)
            self._erase(JOB_EVENT, printer.id, ENDED, from_ns, END_OF_TIME_NS)
        states = [span_line(printer, span) for span in self.context.outbox.spans_from(printer.id, from_ms)]
        return states + [line for job in jobs for line in job_lines(printer, job, aliases)]

    def _points_of_job(self, printer_id: str, job_id: str) -> list[tuple[str, int]]:
        """Event and time (ns) of the points that stand for the job's start and end."""
        where = [
            f"printer = {quoted(printer_id)}",
            f"job = {quoted(job_id)}",
            one_of("event", (STARTED, ENDED)),
        ]
        query = select("job", JOB_EVENT, where, "event")
        try:
            found = self.context.server.influxql(self.bucket, query)
        except InfluxError as error:
            self._halt(ServerAnswer(status=error.status, words=str(error)))
            raise _Paused from error
        return [(series.tags["event"], row["time"]) for series in found for row in series.rows()]

    def _erase(self, measurement: str, printer_id: str, event: str, from_ns: int, to_ns: int) -> None:
        tags = {"_measurement": measurement, "printer": printer_id, "event": event}
        answer = self.context.server.erase(self.bucket, from_ns, to_ns, tags)
        if answer.handling is not Handling.STORED:
            self._halt(answer)
            raise _Paused

    def _settle(self, seq: int) -> None:
        if seq > self.position.seq:
            self.position.seq = seq
            self._changed()


def _runs(entries: Sequence[FeedEntry]) -> list[tuple[bool, list[FeedEntry]]]:
    """The entries in runs that can be written together; a revision stands alone."""
    runs: list[tuple[bool, list[FeedEntry]]] = []
    for entry in entries:
        if entry.kind in _REVISING:
            runs.append((True, [entry]))
        elif runs and not runs[-1][0]:
            runs[-1][1].append(entry)
        else:
            runs.append((False, [entry]))
    return runs
