"""Where the read model reads from."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from farm.ledger.figure_rows import EndedRow, InspectedRow, PrinterRow
from farm.ledger.job_filter import JobFilter, JobPage
from farm.ledger.span_pages import CountedInterval, SpanPage
from farm.model.feed import FeedEntry
from farm.model.planned_maintenance import PlannedMaintenance
from farm.model.span import Span
from farm.model.verdict import Verdict


class State(Protocol):
    """One state of the ledger; as `farm.ledger.figure_rows.LedgerState`, which says what each gives."""

    def feed_position(self) -> int:
        """The number of the feed's last entry."""

    def feed(self, after_seq: int, limit: int) -> list[FeedEntry]:
        """The entries that follow."""

    def feed_entry(self, seq: int) -> FeedEntry | None:
        """One entry, if it is kept."""

    def booked_until(self) -> dict[str, int]:
        """Until when (ms) each shard booked."""

    def printers(self) -> list[PrinterRow]:
        """Every printer."""

    def planned_maintenance(self) -> list[PlannedMaintenance]:
        """All work that is planned."""

    def accounts(self) -> Iterator[tuple[str, list[Span]]]:
        """The spans of every printer."""

    def spans_from(self, printer_id: str, from_ms: int) -> list[Span]:
        """A printer's spans from an instant on."""

    def inspected(self, job_ids: Iterable[str] | None = None) -> list[InspectedRow]:
        """Every job that ended and was inspected, or those named."""

    def job_page(self, wanted: JobFilter) -> JobPage:
        """A page of jobs."""

    def verdicts(self, job_ids: Iterable[str]) -> dict[str, Verdict]:
        """The verdicts on the named jobs."""

    def span_page(self, services: Sequence[CountedInterval], after: str | None, limit: int) -> SpanPage:
        """A page of printers' accounts."""

    def ended_jobs(self) -> Iterator[EndedRow]:
        """Every job that ended."""

    def ended_among(self, job_ids: Iterable[str]) -> list[EndedRow]:
        """Those of the named jobs that ended."""


class FigureSource(Protocol):
    """Where the model reads."""

    def state(self) -> AbstractContextManager[State]:
        """The ledger as it stands, for as long as the block runs. Raises LedgerError."""
