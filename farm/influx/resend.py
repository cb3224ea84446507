"""Everything that the ledger holds sent once more: for an InfluxDB that is new or lost what it had."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Engine
from typing_extensions import override

from farm.errors import InfluxError
from farm.influx.feed_queue import FeedQueue
from farm.influx.outbox import Outbox
from farm.influx.outbox_queue import OutboxQueue, PointServer, QueueContext
from farm.influx.points import feed_lines, job_lines, span_line
from farm.influx.settings import InfluxSettings
from farm.influx.telemetry_queue import TelemetryQueue
from farm.ledger.outbox_positions import Position, Reject
from farm.ledger.verdict_store import VerdictStore, inspection_told
from farm.model.clock import Clock
from farm.model.feed import FeedEntry, FeedKind
from farm.model.job import Job
from farm.model.printer import Printer

_NO_LIMIT_MB = 1e9


class Resent(NamedTuple):
    """How many points the server took, and how many it refused for good."""

    stored: int
    refused: int


def resend(engine: Engine, server: PointServer, settings: InfluxSettings, clock: Clock) -> Resent:
    """Send printers, jobs, states, alerts and telemetry of the whole ledger.

    What is there already is written over with the same, so nothing doubles, and the places of
    a sender that runs beside it stay as they are. Indicators are not sent: they go on from now.
    Raises InfluxError when the server does not take it; begin again then.
    """
    # Nothing is dropped for want of room: telemetry is read from the ledger, not kept for it.
    settings = settings.model_copy(update={"telemetry_buffer_mb": _NO_LIMIT_MB})
    context = QueueContext(_WithoutPlaces(engine), server, settings, clock)
    stored = refused = 0
    for queue in (_BooksQueue(context), FeedQueue(context), TelemetryQueue(context)):
        more = True
        while more:
            more = queue.step()
            trouble = queue.position.trouble
            if trouble is not None:
                raise InfluxError(f"InfluxDB does not take it: {trouble.words}", status=trouble.status)
        queue.save()
        stored += queue.position.stored
        refused += queue.position.rejected
    return Resent(stored, refused)


class _WithoutPlaces(Outbox):
    """The ledger as a sender sees it that begins at the beginning and leaves no trace."""

    @override
    def position(self, reader: str) -> Position | None:
        return None

    @override
    def save(self, position: Position, at_ms: int, rejects: Sequence[Reject]) -> None:
        """Nothing is kept: what was refused is told at the end."""


class _BooksQueue(OutboxQueue):
    """Ships what stands in the books, one printer a turn: the feed tells only what it still holds."""

    reader = "influx:books"

    def __init__(self, context: QueueContext) -> None:
        super().__init__(context)
        self.bucket = context.settings.bucket
        self._known = context.outbox.known()
        self._left = list(self._known.printers.values())
        oldest = context.outbox.feed(0, 1)
        self._feed_from_ms = oldest[0].at_ms if oldest else None

    @override
    def _work(self) -> bool:
        if not self._left:
            return False
        lines = self._lines(self._left[-1])
        if self._send(lines, [0] * len(lines)) < len(lines):
            return False
        del self._left[-1]
        return bool(self._left)

    def _lines(self, printer: Printer) -> list[bytes]:
        outbox, since_ms = self.context.outbox, self._feed_from_ms
        appeared = FeedEntry(
            kind=FeedKind.PRINTER_APPEARED, at_ms=printer.first_seen_ms, printer_id=printer.id, body={}
        )
        # A later state has its place in the feed, under which it would stand a second time.
        states = [
            span_line(printer, span)
            for span in outbox.spans_from(printer.id, 0)
            if since_ms is None or span.from_ms < since_ms
        ]
        jobs = outbox.jobs_from(printer.id, 0)
        aliases = outbox.aliases({job.id for job in jobs})
        inspected = self._inspections({job.id: job for job in jobs})
        return [
            *feed_lines(appeared, self._known),
            *states,
            *(line for job in jobs for line in job_lines(printer, job, aliases)),
            *(line for entry in inspected for line in feed_lines(entry, self._known)),
        ]

    def _inspections(self, jobs: Mapping[str, Job]) -> list[FeedEntry]:
        """Every verdict; those that the feed still tells are the same points."""
        trails = VerdictStore(self.context.outbox.engine).trails(jobs)
        return [inspection_told(change, jobs[change.job_id]) for change in trails]
