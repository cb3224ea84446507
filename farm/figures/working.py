"""The rows of the ledger behind a figure, in the state of the ledger in which it was worked out."""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

import msgspec
import numpy as np

from farm.errors import InvalidInput
from farm.figures.read_model import ReadModel, State
from farm.figures.state_changes import PRODUCTIVE, STATES, Clock
from farm.kpi.intervals import Interval
from farm.kpi.parts import JobRow, TimeRow
from farm.kpi.subjects import Subject
from farm.kpi.windows import Window
from farm.ledger.job_filter import JobFilter
from farm.ledger.page_marks import page_end, page_mark
from farm.ledger.span_pages import Service
from farm.model.job import Job
from farm.model.printer import Printer
from farm.model.span import Span
from farm.model.states import Outcome, PrinterState
from farm.model.verdict import Verdict
from farm.settings import SiteSettings

_PRODUCTIVE = frozenset(STATES[code] for code in PRODUCTIVE)
_PLANNED = "calendar"


class RowKind(StrEnum):
    """What the rows of a working are."""

    JOBS = "jobs"
    SPANS = "spans"


class RowsWanted(msgspec.Struct, frozen=True):
    """A page of these kinds, after the mark of the page before: at most `limit` rows of the ledger.

    A span that planned maintenance cuts comes as several rows.
    """

    kinds: tuple[RowKind, ...]
    limit: int
    after: str | None = None

    def among(self, kinds: tuple[RowKind, ...]) -> "RowsWanted":
        """The same of those kinds alone that there are."""
        return msgspec.structs.replace(self, kinds=tuple(kind for kind in self.kinds if kind in kinds))


class RowPage(msgspec.Struct, frozen=True):
    """Jobs, then spans; the mark of the next page, None at the end."""

    jobs: list[JobRow]
    spans: list[TimeRow]
    next: str | None


class _Mark(msgspec.Struct, frozen=True, array_like=True):
    """A mark within the rows of one kind; None for their beginning."""

    kind: RowKind
    within: str | None


class RowsBehind:
    """The jobs that ended and the time that passed of one subject within a window."""

    def __init__(
        self,
        model: ReadModel,
        state: State,
        subject: Subject,
        window: Window,
        closed: Sequence[Clock | None],
        site: SiteSettings,
    ) -> None:
        """`closed` is the clock of the closed hours of each printer of the model, by number."""
        self._model, self._state = model, state
        self._subject, self._window = subject, window
        self._closed, self._site = closed, site

    def page(self, wanted: RowsWanted) -> RowPage:
        """The rows after the mark. Raises InvalidInput where it is none of a page of them."""
        kinds = list(wanted.kinds)
        within = None
        if wanted.after is not None:
            mark = page_end(wanted.after, _Mark, "rows")
            if mark.kind not in kinds:
                raise InvalidInput("after", wanted.after, f"is the mark of a page of {mark.kind}")
            kinds, within = kinds[kinds.index(mark.kind) :], mark.within
        jobs: list[JobRow] = []
        spans: list[TimeRow] = []
        while kinds:
            kind = kinds.pop(0)
            limit = wanted.limit - len(jobs)
            if limit <= 0:
                return RowPage(jobs, spans, page_mark(_Mark(kind, None)))
            if kind is RowKind.JOBS:
                jobs, following = self._jobs(within, limit)
            else:
                spans, following = self._spans(within, limit)
            if following is not None:
                return RowPage(jobs, spans, page_mark(_Mark(kind, following)))
            within = None
        return RowPage(jobs, spans, None)

    def _jobs(self, after: str | None, limit: int) -> tuple[list[JobRow], str | None]:
        everybody = len(self._subject.printers) == sum(not each.ignored for each in self._model.printers)
        page = self._state.job_page(
            JobFilter(
                printer_ids=None if everybody else [printer.id for printer in self._subject.printers],
                since_ms=self._window.from_ms,
                until_ms=self._window.to_ms,
                outcomes=list(Outcome),
                ended_only=True,
                limit=limit,
                after=after,
            )
        )
        verdicts = self._state.verdicts([job.id for job in page.jobs])
        return [self._job_row(job, verdicts.get(job.id)) for job in page.jobs], page.next

    def _job_row(self, job: Job, verdict: Verdict | None) -> JobRow:
        printer = self._model.printers[self._model.number(job.printer_id)]
        return JobRow(site=self._site, printer=printer, job=job, verdict=verdict)

    def _spans(self, after: str | None, limit: int) -> tuple[list[TimeRow], str | None]:
        services = [each for each in map(self._service, self._subject.printers) if each.from_ms < each.to_ms]
        page = self._state.span_page(services, after, limit)
        return [row for span in page.spans for row in self._time_rows(span)], page.next

    def _service(self, printer: Printer) -> Service:
        end_ms = self._window.to_ms if printer.retired_ms is None else printer.retired_ms
        begin_ms = max(self._window.from_ms, printer.first_seen_ms)
        return Service(printer.id, begin_ms, min(self._window.to_ms, end_ms))

    def _time_rows(self, span: Span) -> Iterator[TimeRow]:
        number = self._model.number(span.printer_id)
        printer, site = self._model.printers[number], self._site
        for piece in with_planned_work(span, self._model.work_on(number)):
            whole_ms = (piece.to_ms or piece.from_ms) - piece.from_ms
            closed_ms = _passed(self._closed[number], piece)
            open_ms = whole_ms - closed_ms
            yield TimeRow(site=site, printer=printer, span=piece, open_ms=open_ms, closed_ms=closed_ms)


def with_planned_work(span: Span, planned: Iterable[Interval]) -> Iterator[Span]:
    """The span, with maintenance in its place while work was planned, unless it printed all the same."""
    at, end = span.from_ms, span.to_ms
    if span.state not in _PRODUCTIVE and end is not None:
        for from_ms, to_ms in planned:
            start, stop = max(from_ms, at), min(to_ms, end)
            if start >= stop:
                continue
            if at < start:
                yield _part(span, at, start)
            yield Span(span.printer_id, PrinterState.MAINTENANCE, start, stop, _PLANNED)
            at = stop
    if end is None or at < end:
        yield _part(span, at, end)


def _part(span: Span, from_ms: int, to_ms: int | None) -> Span:
    return msgspec.structs.replace(span, from_ms=from_ms, to_ms=to_ms)


def _passed(closed: Clock | None, span: Span) -> int:
    """How much of the span lay in closed hours, in milliseconds."""
    if closed is None or span.to_ms is None:
        return 0
    before, after = closed(np.array([span.from_ms, span.to_ms], dtype=np.int64)).tolist()
    return int(after - before)
