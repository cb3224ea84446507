"""Figures from the read model: which indicator, over which window, of whom.

The model is brought up to the ledger whenever figures are asked for, so what has been committed
shows in the next answer. What is done here grows with the number of printers, not with the years
of history.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise, zip_longest
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

import numpy as np

from farm.errors import InvalidQuery
from farm.figures.attempts import AttemptsByDimension
from farm.figures.closed_hours import ClosedHours
from farm.figures.figure_columns import FigureColumns
from farm.figures.forecasting import Forecasting
from farm.figures.local_time import LocalTime
from farm.figures.partition import Asked, Partition, partition_of
from farm.figures.read_model import ReadModel
from farm.figures.window_sums import WindowSums
from farm.figures.working import Belonging, RowsBehind, RowsWanted
from farm.kpi.calculation import KpiResult, Tally, alone
from farm.kpi.catalogue import CATALOGUE, indicator, indicators
from farm.kpi.causes import find_causes, shared_failures
from farm.kpi.causes_record import CausesOfWindow
from farm.kpi.figure import FigureBefore, KpiFigure, KpiSeries, figure_before
from farm.kpi.forecast import Forecast
from farm.kpi.indicator import Indicator
from farm.kpi.parts import Measure
from farm.kpi.periods import SHORTEST_MS, Period, edges
from farm.kpi.selection import EVERYBODY, Selection
from farm.kpi.shop_calendars import ShopCalendars
from farm.kpi.standing import stand
from farm.kpi.subjects import Scope, Scopes, Subject, as_scopes
from farm.kpi.targets import Target, targets_that_apply
from farm.kpi.window_before import window_before
from farm.kpi.windows import Window, parse_window
from farm.kpi.working import Omission, Working, calculation_of, kinds_of, omissions_of, sums_of, worked_rows
from farm.model.printer_status import PrinterStatus
from farm.model.states import Outcome
from farm.model.times import DAY_MS
from farm.settings import SiteSettings

T = TypeVar("T")

MOST_POINTS = 1_000
"""How many periods one series may have."""
MOST_SUBJECTS: Final = 1_000
"""So many files, materials and so on are told at most."""
_NO_TARGETS: Final[Mapping[str, Sequence[Target]]] = {}


class TooManyPeriods(InvalidQuery):
    """A series would have more points than can be told."""


class SomeOf(list[T]):
    """Figures or rows of them, in order; `left_out` further subjects had prints and are not among them."""

    def __init__(self, items: Iterable[T], left_out: int) -> None:
        super().__init__(items)
        self.left_out = left_out


class KpiEngine:
    """Answers with figures of the ledger, counted by the rules of the site."""

    def __init__(
        self,
        model: ReadModel,
        site: SiteSettings,
        calendars: Callable[[], ShopCalendars] = ShopCalendars,
        own_targets: Mapping[str, Sequence[Target]] = _NO_TARGETS,
    ) -> None:
        """`calendars` gives the opening hours as they are when figures are asked for.

        `own_targets` are the farm's by indicator, in place of those of the profile of its site.
        """
        self._model = model
        model.first_attempts.reprint_within(site.reprint_within_hours)
        self._calendars = calendars
        self._site = site
        self.zone = ZoneInfo(site.time_zone)
        self._closed_hours = ClosedHours(self.zone)
        self._local = LocalTime(self.zone)
        self._forecasting = Forecasting(model)
        self._targets = {
            entry.id: targets_that_apply(entry.id, entry.targets, site.profile, own_targets)
            for entry in CATALOGUE
        }

    def window(self, text: str, now_ms: int) -> Window:
        """The window that `text` names in the farm's time zone. Raises InvalidQuery."""
        return parse_window(text, now_ms, self.zone)

    def targets(self, kpi_id: str) -> tuple[Target, ...]:
        """The targets that the farm holds the indicator to: its own, or those of its profile."""
        return self._targets[kpi_id]

    def evaluate(
        self,
        kpi_ids: Sequence[str] | None,
        window: Window,
        by: Scope | Scopes,
        now_ms: int,
        *,
        wanted: Selection = EVERYBODY,
        limit: int = MOST_SUBJECTS,
        compared: bool = False,
    ) -> SomeOf[KpiFigure]:
        """The figures of one window, as `evaluate_all` gives them."""
        return self.evaluate_all(kpi_ids, [window], by, now_ms, wanted=wanted, limit=limit, compared=compared)

    def evaluate_all(
        self,
        kpi_ids: Sequence[str] | None,
        windows: Sequence[Window],
        by: Scope | Scopes,
        now_ms: int,
        *,
        wanted: Selection = EVERYBODY,
        limit: int = MOST_SUBJECTS,
        compared: bool = False,
    ) -> SomeOf[KpiFigure]:
        """The figures by window, then subject by name, then indicator.

        `kpi_ids` None means all indicators. `now_ms` is the ledger's present: nothing
        after it is counted. `wanted` says whose figures are, by default everybody's. Printers
        and groups that did not live in a window have no figures there, and neither has what is
        made of prints where none ended; the farm always has. By file, material and so on at most
        `limit` subjects are told, those with the most prints. With `compared` each carries the figure
        of the window before. Raises InvalidQuery for an indicator,
        printer, group or text that there is not.
        """
        entries = indicators(kpi_ids)
        passed = [window.until(now_ms) for window in windows]
        asked = Asked(as_scopes(by), wanted, limit, self._site.name)
        before = [window_before(window, now_ms, self.zone) for window in windows] if compared else []
        who, sums = self._summed([*passed, *before], asked, now_ms, entries)
        columns = FigureColumns(
            [*passed, *before], who.subjects, sums.columns(self._site), has_hours=who.has_hours
        )
        return SomeOf(self._figures(entries, passed, before, columns), who.left_out)

    def series(
        self,
        kpi_ids: Sequence[str] | None,
        window: Window,
        by: Scope | Scopes,
        now_ms: int,
        *,
        period: Period | None = None,
        wanted: Selection = EVERYBODY,
        limit: int = MOST_SUBJECTS,
    ) -> SomeOf[KpiSeries]:
        """The figures of every hour, day, week or month of the window, for a chart.

        Periods begin as on the farm's clock; the window cuts the first and the last.
        Without `period` one is chosen that suits the window. A printer that did not live
        in a period has no point there. Otherwise as `evaluate_all`; raises InvalidQuery
        also when the window holds too many periods.
        """
        passed = window.until(now_ms)
        period = period or period_for(passed)
        entries = indicators(kpi_ids)
        windows = _cut(passed, period, self.zone)
        asked = Asked(as_scopes(by), wanted, limit, self._site.name)
        who, sums = self._summed(windows, asked, now_ms, entries)
        columns = FigureColumns(windows, who.subjects, sums.columns(self._site), has_hours=who.has_hours)
        rows = {entry.id: columns.points(entry) for entry in entries}
        return SomeOf(
            (
                KpiSeries(
                    id=entry.id,
                    scope=subject.scope,
                    scope_id=subject.id,
                    label=subject.label,
                    unit=entry.unit,
                    window=passed,
                    period=period,
                    points=points,
                )
                for number, subject in enumerate(who.subjects)
                for entry in entries
                if (points := rows[entry.id][number])
            ),
            who.left_out,
        )

    def working(
        self,
        kpi_id: str,
        window: Window,
        by: Scope | Scopes,
        now_ms: int,
        *,
        wanted: Selection = EVERYBODY,
        subject_id: str | None = None,
        rows: RowsWanted | None = None,
    ) -> Working:
        """How one figure came about, with a page of the rows behind it, all of one state of the ledger.

        Otherwise as `evaluate`. Where that gives figures of several subjects `subject_id` says of which.
        Raises InvalidQuery where it does not, or there is no such figure, and InvalidInput for a mark
        that is none of a page of its rows.
        """
        entry, passed, calendars = indicator(kpi_id), window.until(now_ms), self._calendars()
        asked = Asked(as_scopes(by), wanted, MOST_SUBJECTS, self._site.name)
        edges = np.array([passed.from_ms, passed.to_ms], dtype=np.int64)
        with self._model.in_step() as state:
            model = self._model
            who = partition_of(model, asked, edges, self._local)
            closed = self._closed_hours.clocks(calendars, model.printers, now_ms)
            reads = entry.reads | {Tally.JOBS}  # says who is there
            sums = WindowSums(model, [passed], who, closed if who.has_hours else (), reads)
            known = sums.columns(self._site)
            columns = FigureColumns([passed], who.subjects, known, has_hours=who.has_hours)
            row, subject = _only(list(columns.those_there(0)), subject_id)
            given = alone(known, row)
            belonging = Belonging(asked, subject, model.printers, self.zone, has_hours=who.has_hours)
            behind = RowsBehind(model, state, belonging, passed, closed, self._site, reads)
            kinds = kinds_of(entry, has_hours=who.has_hours)
            page = behind.page((rows or RowsWanted((), 0)).among(kinds))
            ignored = sum(each.ignored for each in model.printers) if wanted == EVERYBODY else 0
        result = entry.worked_out(given, has_hours=who.has_hours)
        figure = self._figure(entry, passed, subject, result, given.account.observed_share)
        found = sums_of(entry, given, has_hours=who.has_hours)
        return Working(
            figure=figure,
            expression=entry.expression,
            calculation=calculation_of(entry.expression, found, figure),
            sums=found,
            left_out=omissions_of(entry, given, has_hours=who.has_hours) + _ignored(ignored),
            jobs=worked_rows(entry, page.jobs),
            spans=worked_rows(entry, page.spans),
            repairs=worked_rows(entry, page.repairs),
            next=page.next,
        )

    def _figures(
        self,
        entries: Sequence[Indicator],
        windows: Sequence[Window],
        before: Sequence[Window],
        columns: FigureColumns,
    ) -> Iterator[KpiFigure]:
        """By window and subject; each beside that of its window `before`, where there are such.

        The columns hold the windows, and then those before.
        """
        found = [(entry, columns.results(entry)) for entry in entries]
        for number, (window, earlier) in enumerate(zip_longest(windows, before)):
            for cell, subject in columns.those_there(number):
                then = columns.later(cell, len(windows))
                for entry, results in found:
                    compared = None
                    if earlier is not None and columns.is_there[then]:
                        compared = _before(entry, earlier, results[cell], results[then], columns, then)
                    share = columns.observed_share[cell]
                    yield self._figure(entry, window, subject, results[cell], share, compared)

    def _figure(
        self,
        entry: Indicator,
        window: Window,
        subject: Subject,
        found: KpiResult,
        observed_share: float | None,
        before: FigureBefore | None = None,
    ) -> KpiFigure:
        better = entry.more_is_better
        return KpiFigure(
            id=entry.id,
            scope=subject.scope,
            scope_id=subject.id,
            label=subject.label,
            window=window,
            unit=entry.unit,
            value=found.value,
            low=found.low,
            high=found.high,
            interval=found.interval,
            counts=found.counts,
            amounts=found.amounts,
            observed_share=observed_share,
            targets=tuple(
                stand(target, found, window, subject.scope, self.zone, more_is_better=better)
                for target in self._targets[entry.id]
            ),
            before=before,
        )

    def causes(self, window: Window, now_ms: int, *, wanted: Selection = EVERYBODY) -> CausesOfWindow:
        """What fails more often than chance would have it, of the prints that ended in the window.

        Raises InvalidQuery for a printer, group, model or text that there is not.
        """
        passed = window.until(now_ms)
        outcomes = {Outcome.SUCCEEDED, Outcome.FAILED}
        if self._site.cancelled_counts_as_attempt:
            outcomes.add(Outcome.CANCELLED)
        with self._model.current() as model:
            attempts = AttemptsByDimension(model, passed, wanted, frozenset(outcomes), self._local)
            found = find_causes(attempts.counts())
            shared = shared_failures(found.findings, attempts.together(found.findings))
        return CausesOfWindow(passed, attempts.prints, found, tuple(shared))

    def forecasts(self, statuses: Sequence[PrinterStatus], now_ms: int) -> list[Forecast]:
        """When the prints under way are done, the first to be done first. Raises LedgerError."""
        return self._forecasting.forecasts(statuses, now_ms)

    def _summed(
        self, windows: Sequence[Window], asked: Asked, now_ms: int, entries: Sequence[Indicator]
    ) -> tuple[Partition, WindowSums]:
        """The subjects, and what the ledger holds of them."""
        calendars = self._calendars()
        edges = np.array([edge for each in windows for edge in (each.from_ms, each.to_ms)], dtype=np.int64)
        with self._model.current() as model:
            who = partition_of(model, asked, edges, self._local)
            closed = self._closed_hours.clocks(calendars, model.printers, now_ms) if who.has_hours else ()
            reads = {tally for entry in entries for tally in entry.reads}
            if not who.has_hours:
                reads.add(Tally.JOBS)  # says who is there
            return who, WindowSums(model, windows, who, closed, reads)


def period_for(window: Window) -> Period:
    """The period that gives a chart of the window some dozens of points."""
    if window.length_ms <= 2 * DAY_MS:
        return Period.HOUR
    return Period.DAY if window.length_ms <= 92 * DAY_MS else Period.MONTH


def _cut(window: Window, period: Period, zone: ZoneInfo) -> list[Window]:
    if window.length_ms > MOST_POINTS * SHORTEST_MS[period]:
        raise TooManyPeriods(f"{window.name} holds more than {MOST_POINTS} periods of one {period.value}")
    cuts = edges(period, window.from_ms, window.to_ms, zone)
    return [Window(window.name, start, end) for start, end in pairwise(cuts)]


def _only(found: list[tuple[int, Subject]], subject_id: str | None) -> tuple[int, Subject]:
    """The one that is asked for."""
    wanted = [each for each in found if subject_id is None or each[1].id == subject_id]
    if not wanted:
        raise InvalidQuery("there is no such figure: nobody that was asked for was there in this window")
    if len(wanted) > 1:
        names = ", ".join(subject.label for _, subject in wanted[:3])
        raise InvalidQuery(f"a working is of one figure, and there are {len(wanted)} ({names}, …): name one")
    return wanted[0]


def _ignored(printers: int) -> tuple[Omission, ...]:
    if not printers:
        return ()
    return (Omission("ignored_printers", "the printer is ignored", Measure.COUNT, printers),)


def _before(
    entry: Indicator, window: Window, found: KpiResult, was: KpiResult, columns: FigureColumns, cell: int
) -> FigureBefore:
    """What `was` in the cell of the window before, compared where its printers were there in all of it."""
    return figure_before(
        window,
        was,
        columns.observed_share[cell],
        found.value if columns.elapsed_ms[cell] >= window.length_ms else None,
        more_is_better=entry.more_is_better,
    )
