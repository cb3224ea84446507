"""A ledger in memory: spans and jobs summed row by row, to hold the figures against."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from operator import itemgetter
from typing import Self

from farm.kpi.account import Condition
from farm.kpi.intervals import Interval
from farm.ledger.figure_rows import EndedRow, InspectedRow, PrinterRow
from farm.ledger.job_filter import JobFilter, JobPage
from farm.ledger.span_pages import CountedInterval, SpanPage
from farm.ledger.time_account import Life, account
from farm.model.feed import FeedEntry
from farm.model.job import Job
from farm.model.planned_maintenance import PlannedMaintenance
from farm.model.printer import Printer
from farm.model.span import Span
from farm.model.states import WAITING, PrinterState, StateReason
from farm.model.verdict import Verdict

_UNPLANNED = (
    Condition(PrinterState.PRINTING),
    Condition(PrinterState.PREPARING),
    Condition(PrinterState.MAINTENANCE, StateReason.ENGINEERING),
    Condition(PrinterState.UNKNOWN),
)


class MemoryLedger:
    """What the read model reads, with the promises of the ledger; it keeps no feed."""

    def __init__(
        self, printers: Sequence[Printer], spans: Sequence[Span], jobs: Sequence[Job], booked_until_ms: int
    ) -> None:
        self._printers = list(printers)
        self.spans = list(spans)
        self.jobs = list(jobs)
        self.booked_until_ms = booked_until_ms
        self.planned: list[PlannedMaintenance] = []
        self.found: dict[str, tuple[int, int]] = {}
        """Good and rejected units by the id of the job."""
        self.reads = 0

    @contextmanager
    def state(self) -> Iterator[Self]:
        yield self

    def feed_position(self) -> int:
        return len(self.jobs) + len(self.spans)

    def feed(self, after_seq: int, limit: int) -> list[FeedEntry]:
        return []

    def feed_entry(self, seq: int) -> FeedEntry | None:
        return None

    def booked_until(self) -> dict[str, int]:
        return {"": self.booked_until_ms}

    def printers(self) -> list[PrinterRow]:
        return [PrinterRow(printer, "") for printer in self._printers]

    def planned_maintenance(self) -> list[PlannedMaintenance]:
        return self.planned

    def accounts(self) -> Iterator[tuple[str, list[Span]]]:
        self.reads += 1
        for printer in self._printers:
            yield printer.id, self.spans_from(printer.id, 0)

    def spans_from(self, printer_id: str, from_ms: int) -> list[Span]:
        wanted = (span for span in self.spans if span.printer_id == printer_id and span.from_ms >= from_ms)
        return sorted(wanted, key=lambda span: span.from_ms)

    def inspected(self, job_ids: Iterable[str] | None = None) -> list[InspectedRow]:
        wanted = self.found if job_ids is None else self.found.keys() & set(job_ids)
        facts = InspectedRow._fields[:-2]
        return [
            InspectedRow._make([*(getattr(job, name) for name in facts), *self.found[job.id]])
            for job in self.jobs
            if job.id in wanted
        ]

    def job_page(self, wanted: JobFilter) -> JobPage:
        since, until = wanted.since_ms or 0, wanted.until_ms or self.booked_until_ms
        ended = [(job.ended_ms, job.id, job) for job in self.jobs if job.ended_ms is not None]
        ended.sort(key=itemgetter(0, 1), reverse=True)
        return JobPage([job for ended_ms, _, job in ended if since <= ended_ms < until], None)

    def verdicts(self, job_ids: Iterable[str]) -> dict[str, Verdict]:
        return {}

    def span_page(self, services: Sequence[CountedInterval], after: str | None, limit: int) -> SpanPage:
        return SpanPage([span for service in services for span in self._account(service)], None)

    def _account(self, service: CountedInterval) -> list[Span]:
        own = self.spans_from(service.printer_id, 0)
        booked = [(each.printer_id, each.from_ms, each.to_ms, each.state, each.source, None) for each in own]
        return account(Life(*service, self.booked_until_ms), booked)

    def ended_jobs(self) -> Iterator[EndedRow]:
        return iter(self.ended_among(job.id for job in self.jobs))

    def ended_among(self, job_ids: Iterable[str]) -> list[EndedRow]:
        wanted = set(job_ids)
        return [
            EndedRow(*(getattr(j, name) for name in EndedRow._fields))
            for j in self.jobs
            if j.id in wanted and j.ended_ms is not None and j.outcome is not None
        ]


def hours_of(
    printer: Printer,
    spans: Iterable[Span],
    from_ms: int,
    to_ms: int,
    booked_until_ms: int,
    planned: Sequence[Interval] = (),
) -> Mapping[Condition, int]:
    """Milliseconds by condition, looked up in spans and plans one instant after the other."""
    begin, end = max(from_ms, printer.first_seen_ms), min(to_ms, printer.retired_ms or to_ms)
    own = [span for span in spans if span.printer_id == printer.id]
    edges = {begin, end, booked_until_ms}
    edges.update(edge for span in own for edge in (span.from_ms, span.to_ms) if edge is not None)
    edges.update(edge for interval in planned for edge in interval)
    inside = sorted(edge for edge in edges if begin <= edge <= end)
    totals: Counter[Condition] = Counter()
    for start, stop in pairwise(inside):
        held = [span for span in own if span.from_ms <= start < _end_of(span, booked_until_ms)]
        condition = _condition_of(held[0]) if held else Condition(PrinterState.UNKNOWN)
        if condition not in _UNPLANNED and any(begin <= start < end for begin, end in planned):
            condition = Condition(PrinterState.MAINTENANCE)
        totals[condition] += stop - start
    return {condition: ms for condition, ms in totals.items() if ms}


def _condition_of(span: Span) -> Condition:
    """Reasons count where a printer rests, and engineering within maintenance."""
    told = None if span.reason is None else StateReason(span.reason)
    is_engineering = told is StateReason.ENGINEERING
    match span.state:
        case PrinterState.MAINTENANCE:
            counts = is_engineering
        case PrinterState.IDLE:
            counts = told in WAITING
        case PrinterState.PAUSED:
            counts = told is not None and not is_engineering
        case _:
            counts = False
    return Condition(span.state, told if counts else None)


def _end_of(span: Span, booked_until_ms: int) -> int:
    return booked_until_ms if span.to_ms is None else span.to_ms
