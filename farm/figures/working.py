"""The rows of the ledger behind a figure, in the state of the ledger in which it was worked out."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from farm.errors import InvalidInput
from farm.figures.partition import Asked
from farm.figures.read_model import ReadModel
from farm.figures.source import State
from farm.figures.state_changes import UNPLANNED, Clock
from farm.figures.streak_rows import StreakRows
from farm.kpi.calculation import EVERY_TALLY, Tally
from farm.kpi.intervals import Interval
from farm.kpi.outcomes import AttemptTally
from farm.kpi.parts import JobRow, RepairRow, StreakRow, TimeRow, condition_of
from farm.kpi.subjects import OF_PRINTERS, Named, Scope, Subject, name_of, named, together
from farm.kpi.time_classes import CONDITIONS
from farm.kpi.windows import Window
from farm.kpi.working import RowKind
from farm.ledger.job_filter import JobFilter
from farm.ledger.page_marks import MarkedNumber, page_end, page_mark
from farm.ledger.span_pages import CountedInterval
from farm.model.job import Job
from farm.model.printer import Printer
from farm.model.span import Span
from farm.model.states import Outcome, PrinterState
from farm.model.times import SECOND_MS
from farm.settings import SiteSettings

_UNPLANNED: Final = frozenset(CONDITIONS[code] for code in UNPLANNED)
_PLANNED: Final = "calendar"
_SAID_BY_JOBS: Final = frozenset({Scope.FILE, Scope.MATERIAL, Scope.OPERATOR, Scope.CAUSE, Scope.SPOOL})
_MOST_LOOKED_THROUGH: Final = 20
"""So many pages of the ledger for one of ours."""


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
    """Jobs or those of streaks, then spans, then repairs; the mark of the next page, None at the end."""

    jobs: list[JobRow | StreakRow]
    spans: list[TimeRow]
    repairs: list[RepairRow]
    next: str | None


class _Mark(msgspec.Struct, frozen=True, array_like=True):
    """A mark within the rows of one kind; None for their beginning."""

    kind: RowKind
    within: str | None


class _RepairMark(msgspec.Struct, frozen=True, array_like=True):
    """How many repairs stand on the pages before."""

    skipped: MarkedNumber


class Belonging:
    """Which printers and jobs belong to a subject."""

    def __init__(
        self, asked: Asked, subject: Subject, printers: Sequence[Printer], zone: ZoneInfo, *, has_hours: bool
    ) -> None:
        """`printers` are all that there are. A subject without hours is made of jobs alone."""
        self.has_hours = has_hours
        self.printers = subject.printers
        self._asked, self._subject, self._zone = asked, subject, zone
        known = [printer for printer in printers if not printer.ignored]
        if not has_hours:
            self.printers = tuple(asked.wanted.among(known))
        self.is_everybody = len(self.printers) == len(known)
        self._by_id = {printer.id: printer for printer in self.printers}

    @property
    def says(self) -> dict[str, list[str]]:
        """What the jobs must say, as `farm.ledger.job_filter.JobFilter` takes it."""
        asked = {scope.value: list(texts) for scope, texts in self._asked.wanted.texts().items()}
        if not self.has_hours:
            for scope, name in zip(self._asked.by, self._ids(), strict=True):
                if scope in _SAID_BY_JOBS:
                    asked[scope.value] = [name]
        return asked

    def holds(self, job: Job) -> bool:
        """Whether the job is one of the subject's, where it says what it must."""
        if self.has_hours:
            return True
        names = [self._name(scope, job) for scope in self._asked.by]
        return together(names).id == self._subject.id

    def _ids(self) -> list[str]:
        if len(self._asked.by) == 1:
            return [self._subject.id]
        return msgspec.json.decode(self._subject.id, type=list[str])

    def _name(self, scope: Scope, job: Job) -> Named:
        if scope in OF_PRINTERS:
            return name_of(self._by_id[job.printer_id], scope, self._asked.farm_name)
        ended = datetime.fromtimestamp((job.ended_ms or 0) // SECOND_MS, self._zone)
        texts = {
            Scope.FILE: job.file,
            Scope.MATERIAL: job.material,
            Scope.OPERATOR: job.operator,
            Scope.SPOOL: job.spool,
            Scope.CAUSE: None if job.cause is None else job.cause.value,
            Scope.HOUR: str(ended.hour),
            Scope.WEEKDAY: str(ended.isoweekday()),
        }
        return named(scope, texts[scope])


class RowsBehind:
    """The jobs that ended, the time that passed and the faults of one subject within a window."""

    def __init__(
        self,
        model: ReadModel,
        state: State,
        belonging: Belonging,
        window: Window,
        closed: Sequence[Clock | None],
        site: SiteSettings,
        reads: Collection[Tally] = EVERY_TALLY,
    ) -> None:
        """`closed` is the clock of the closed hours of each printer of the model, by number.

        Of jobs only what is read is looked up.
        """
        self._model, self._state, self._reads = model, state, reads
        self._belonging, self._window = belonging, window
        self._closed, self._site = closed, site

    def page(self, wanted: RowsWanted) -> RowPage:
        """The rows after the mark. Raises InvalidInput where it is none of a page of them."""
        kinds, within = list(wanted.kinds), None
        if wanted.after is not None:
            mark = page_end(wanted.after, _Mark, "rows")
            if mark.kind not in kinds:
                raise InvalidInput("after", wanted.after, f"is the mark of a page of {mark.kind}")
            kinds, within = kinds[kinds.index(mark.kind) :], mark.within
        page = RowPage([], [], [], None)
        for kind in kinds:
            limit = wanted.limit - len(page.jobs) - len(page.spans)
            if limit <= 0:
                return msgspec.structs.replace(page, next=page_mark(_Mark(kind, None)))
            following: str | None
            if kind is RowKind.JOBS:
                jobs, following = self._jobs(within, limit)
                page.jobs.extend(jobs)
            elif kind is RowKind.SPANS:
                spans, following = self._spans(within, limit)
                page.spans.extend(spans)
            elif kind is RowKind.REPAIRS:
                repairs, following = self._repairs(within, limit)
                page.repairs.extend(repairs)
            else:
                streaks, following = self._streaks(within, limit)
                page.jobs.extend(streaks)
            if following is not None:
                return msgspec.structs.replace(page, next=page_mark(_Mark(kind, following)))
            within = None
        return page

    def _jobs(self, after: str | None, limit: int) -> tuple[list[JobRow], str | None]:
        """What the ledger cannot look for is looked through, for so long that a page may be short."""
        belonging, found = self._belonging, list[Job]()
        for _ in range(_MOST_LOOKED_THROUGH):
            page = self._state.job_page(
                JobFilter(
                    printer_ids=None
                    if belonging.is_everybody
                    else [printer.id for printer in belonging.printers],
                    since_ms=self._window.from_ms,
                    until_ms=self._window.to_ms,
                    outcomes=list(Outcome),
                    says=belonging.says,
                    ended_only=True,
                    limit=limit - len(found),
                    after=after,
                )
            )
            found += filter(belonging.holds, page.jobs)
            after = page.next
            if after is None or len(found) >= limit:
                break
        return self._job_rows(found), after

    def _job_rows(self, jobs: Sequence[Job]) -> list[JobRow]:
        model, ids = self._model, [job.id for job in jobs]
        verdicts, attempts = self._state.verdicts(ids), dict[str, list[int]]()
        if Tally.FIRST_ATTEMPTS in self._reads:
            attempts = model.first_attempts.amounts_of(ids)
        return [
            JobRow(
                site=self._site,
                printer=model.printers[model.number(job.printer_id)],
                job=job,
                verdict=verdicts.get(job.id),
                attempt=AttemptTally(*attempts.get(job.id, ())),
                median_ms=model.median_of(job.file) if Tally.MEDIANS in self._reads else 0,
            )
            for job in jobs
        ]

    def _streaks(self, after: str | None, limit: int) -> tuple[list[StreakRow], str | None]:
        if not self._belonging.has_hours:
            return [], None
        numbers = sorted(self._model.numbers(self._belonging.printers))
        window = self._window
        stretches = self._model.streaks.stretches(window.from_ms, window.to_ms, numbers)
        return StreakRows(self._model, self._state, stretches).page(after, limit)

    def _spans(self, after: str | None, limit: int) -> tuple[list[TimeRow], str | None]:
        if not self._belonging.has_hours:
            return [], None
        services = [
            each for each in map(self._service, self._belonging.printers) if each.from_ms < each.to_ms
        ]
        page = self._state.span_page(services, after, limit)
        return [row for span in page.spans for row in self._time_rows(span)], page.next

    def _service(self, printer: Printer) -> CountedInterval:
        end_ms = self._window.to_ms if printer.retired_ms is None else printer.retired_ms
        begin_ms = max(self._window.from_ms, printer.first_seen_ms)
        return CountedInterval(printer.id, begin_ms, min(self._window.to_ms, end_ms))

    def _time_rows(self, span: Span) -> Iterator[TimeRow]:
        number = self._model.number(span.printer_id)
        printer, site = self._model.printers[number], self._site
        for piece in with_planned_work(span, self._model.work_on(number)):
            whole_ms = (piece.to_ms or piece.from_ms) - piece.from_ms
            closed_ms = _passed(self._closed[number], piece)
            open_ms = whole_ms - closed_ms
            yield TimeRow(site=site, printer=printer, span=piece, open_ms=open_ms, closed_ms=closed_ms)

    def _repairs(self, after: str | None, limit: int) -> tuple[list[RepairRow], str | None]:
        if not self._belonging.has_hours:
            return [], None
        first = 0 if after is None else page_end(after, _RepairMark, "repairs").skipped
        window = self._window
        found = self._model.repairs.within(
            window.from_ms, window.to_ms, self._model.numbers(self._belonging.printers)
        )
        rows = [
            RepairRow(
                printer=self._model.printers[number],
                begun_ms=begun_ms,
                ended_ms=ended_ms,
                begins_within=window.from_ms <= begun_ms < window.to_ms,
                ends_within=ended_ms is not None and window.from_ms <= ended_ms < window.to_ms,
            )
            for begun_ms, number, ended_ms in found[first : first + limit]
        ]
        is_last = len(found) <= first + limit
        return rows, None if is_last else page_mark(_RepairMark(first + limit))


def with_planned_work(span: Span, planned: Iterable[Interval]) -> Iterator[Span]:
    """The span, with maintenance in its place while work was planned.

    Where it printed, was tested or nobody saw it, it stays as it is.
    """
    at, end = span.from_ms, span.to_ms
    if end is not None and condition_of(span) not in _UNPLANNED:
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
