"""Figures from the read model: which indicator, over which window, of whom.

The model is brought up to the ledger whenever figures are asked for, so what has been committed
shows in the next answer. What is done here grows with the number of printers, not with the years
of history.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import pairwise, zip_longest
from zoneinfo import ZoneInfo

import msgspec

from farm.errors import InvalidQuery
from farm.figures.closed_hours import ClosedHours
from farm.figures.read_model import ReadModel
from farm.figures.window_sums import WindowSums
from farm.figures.working import RowKind, RowsBehind, RowsWanted
from farm.kpi.calculation import KpiInput
from farm.kpi.catalogue import CATALOGUE, indicator, indicators
from farm.kpi.figure import KpiFigure, KpiSeries, SeriesPoint, figure_before
from farm.kpi.indicator import Indicator
from farm.kpi.parts import Measure
from farm.kpi.periods import SHORTEST_MS, Period, edges
from farm.kpi.shop_calendars import ShopCalendars
from farm.kpi.standing import stand
from farm.kpi.subjects import NO_GROUP, Scope, Subject, subjects_of
from farm.kpi.targets import Target, targets_that_apply
from farm.kpi.window_before import window_before
from farm.kpi.windows import Window, parse_window
from farm.kpi.working import (
    Omission,
    Working,
    calculation_of,
    is_made_of_jobs,
    is_made_of_time,
    omissions_of,
    sums_of,
    worked_rows,
)
from farm.model.printer import Printer
from farm.model.times import DAY_MS
from farm.settings import SiteSettings

_NO_TARGETS: Mapping[str, Sequence[Target]] = {}
MOST_POINTS = 1_000
"""How many periods one series may have."""


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
        self._calendars = calendars
        self._site = site
        self.zone = ZoneInfo(site.time_zone)
        self._closed_hours = ClosedHours(self.zone)
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
        by: Scope,
        now_ms: int,
        *,
        printers: Collection[str] | None = None,
        groups: Collection[str] | None = None,
        compared: bool = False,
    ) -> list[KpiFigure]:
        """The figures of one window, as `evaluate_all` gives them."""
        return self.evaluate_all(
            kpi_ids, [window], by, now_ms, printers=printers, groups=groups, compared=compared
        )

    def evaluate_all(
        self,
        kpi_ids: Sequence[str] | None,
        windows: Sequence[Window],
        by: Scope,
        now_ms: int,
        *,
        printers: Collection[str] | None = None,
        groups: Collection[str] | None = None,
        compared: bool = False,
    ) -> list[KpiFigure]:
        """The figures by window, then subject by name, then indicator.

        `kpi_ids` None means all indicators. `now_ms` is the ledger's present: nothing
        after it is counted. `printers` (ids or names) and `groups` (names, "" for the
        printers without one) say whose figures are wanted, None means everybody's. Printers
        and groups that did not live in a window have no figures there; the farm always has.
        With `compared` each carries the figure of the window before.
        Raises InvalidQuery for an indicator, printer or group that there is not.
        """
        wanted = indicators(kpi_ids)
        passed = [window.until(now_ms) for window in windows]
        before = [window_before(window, now_ms, self.zone) for window in windows] if compared else []
        subjects, sums = self._summed([*passed, *before], by, now_ms, printers, groups)
        found = []
        for window, earlier in zip_longest(passed, before):
            known: dict[str, KpiInput] = {}
            if earlier is not None:
                known = {subject.id: given for subject, given in self._given(earlier, subjects, sums)}
            for subject, given in self._given(window, subjects, sums):
                for entry in wanted:
                    figure = self._figure(entry, window, subject, given)
                    if earlier is not None and subject.id in known:
                        figure = _beside(figure, entry, earlier, known[subject.id])
                    found.append(figure)
        return found

    def series(
        self,
        kpi_ids: Sequence[str] | None,
        window: Window,
        by: Scope,
        now_ms: int,
        *,
        period: Period | None = None,
        printers: Collection[str] | None = None,
        groups: Collection[str] | None = None,
    ) -> list[KpiSeries]:
        """The figures of every hour, day, week or month of the window, for a chart.

        Periods begin as on the farm's clock; the window cuts the first and the last.
        Without `period` one is chosen that suits the window. A printer that did not live
        in a period has no point there. Otherwise as `evaluate_all`; raises InvalidQuery
        also when the window holds too many periods.
        """
        passed = window.until(now_ms)
        period = period or period_for(passed)
        wanted = indicators(kpi_ids)
        windows = _cut(passed, period, self.zone)
        subjects, sums = self._summed(windows, by, now_ms, printers, groups)
        points: dict[tuple[str, str], list[SeriesPoint]] = {}
        for window in windows:
            for subject, given in self._given(window, subjects, sums):
                for entry in wanted:
                    points.setdefault((subject.id, entry.id), []).append(_point(entry, window, given))
        return [
            KpiSeries(
                id=entry.id,
                scope=subject.scope,
                scope_id=subject.id,
                label=subject.label,
                unit=entry.unit,
                window=passed,
                period=period,
                points=tuple(points[subject.id, entry.id]),
            )
            for subject in sorted(subjects, key=lambda subject: (subject.label, subject.id))
            for entry in wanted
            if (subject.id, entry.id) in points
        ]

    def working(
        self,
        kpi_id: str,
        window: Window,
        by: Scope,
        now_ms: int,
        *,
        printers: Collection[str] | None = None,
        groups: Collection[str] | None = None,
        subject_id: str | None = None,
        rows: RowsWanted | None = None,
    ) -> Working:
        """How one figure came about, with a page of the rows behind it, all of one state of the ledger.

        Otherwise as `evaluate`. Where that gives figures of several subjects `subject_id` says of which.
        Raises InvalidQuery where it does not, or there is no such figure, and InvalidInput for a mark
        that is none of a page of its rows.
        """
        entry, passed, calendars = indicator(kpi_id), window.until(now_ms), self._calendars()
        with self._model.in_step() as state:
            model = self._model
            subjects = subjects_of(_chosen(model, printers, groups), by, self._site.name)
            closed = self._closed_hours.clocks(calendars, model.printers, now_ms)
            sums = WindowSums(model, [passed], subjects, closed)
            subject, given = _only(list(self._given(passed, subjects, sums)), subject_id)
            made_of = (is_made_of_jobs(entry), RowKind.JOBS), (is_made_of_time(entry), RowKind.SPANS)
            kinds = tuple(kind for is_there, kind in made_of if is_there)
            wanted = RowsWanted(kinds, 0) if rows is None else rows.among(kinds)
            page = RowsBehind(model, state, subject, passed, closed, self._site).page(wanted)
            ignored = 0 if printers or groups else sum(each.ignored for each in model.printers)
        figure, found = self._figure(entry, passed, subject, given), sums_of(entry, given)
        return Working(
            figure=figure,
            expression=entry.expression,
            calculation=calculation_of(entry.expression, found, figure.shown),
            sums=found,
            left_out=omissions_of(entry, given) + _ignored(ignored),
            jobs=worked_rows(entry, page.jobs),
            spans=worked_rows(entry, page.spans),
            next=page.next,
        )

    def _figure(self, entry: Indicator, window: Window, subject: Subject, given: KpiInput) -> KpiFigure:
        result, better = entry.worked_out(given), entry.more_is_better
        return KpiFigure(
            id=entry.id,
            scope=subject.scope,
            scope_id=subject.id,
            label=subject.label,
            window=window,
            unit=entry.unit,
            **msgspec.structs.asdict(result),
            observed_share=given.account.observed_share,
            targets=tuple(
                stand(target, result, window, subject.scope, self.zone, more_is_better=better)
                for target in self._targets[entry.id]
            ),
        )

    def _summed(
        self,
        windows: Sequence[Window],
        by: Scope,
        now_ms: int,
        printers: Collection[str] | None,
        groups: Collection[str] | None,
    ) -> tuple[list[Subject], WindowSums]:
        """The subjects, and what the ledger holds of them."""
        calendars = self._calendars()
        with self._model.current() as model:
            subjects = subjects_of(_chosen(model, printers, groups), by, self._site.name)
            closed = self._closed_hours.clocks(calendars, model.printers, now_ms)
            return subjects, WindowSums(model, windows, subjects, closed)

    def _given(
        self, window: Window, subjects: Sequence[Subject], sums: WindowSums
    ) -> Iterator[tuple[Subject, KpiInput]]:
        """What is known of each subject that has figures in the window."""
        for number, (subject, life) in enumerate(zip(subjects, sums.lives(window), strict=True)):
            if life.printers or subject.scope is Scope.FARM:
                given = KpiInput(
                    account=sums.account(window, number),
                    outcomes=sums.outcomes(window, number),
                    printers=life.printers,
                    elapsed_ms=life.elapsed_ms,
                    site=self._site,
                )
                yield subject, given


def period_for(window: Window) -> Period:
    """The period that gives a chart of the window some dozens of points."""
    if window.length_ms <= 2 * DAY_MS:
        return Period.HOUR
    return Period.DAY if window.length_ms <= 92 * DAY_MS else Period.MONTH


def _cut(window: Window, period: Period, zone: ZoneInfo) -> list[Window]:
    if window.length_ms > MOST_POINTS * SHORTEST_MS[period]:
        raise InvalidQuery(f"{window.name} holds more than {MOST_POINTS} periods of one {period.value}")
    cuts = edges(period, window.from_ms, window.to_ms, zone)
    return [Window(window.name, start, end) for start, end in pairwise(cuts)]


def _chosen(
    model: ReadModel, printers: Collection[str] | None, groups: Collection[str] | None
) -> list[Printer]:
    known = [printer for printer in model.printers if not printer.ignored]
    if printers is not None:
        _check("printer", printers, {word for each in known for word in (each.id, each.name)})
        known = [each for each in known if each.id in printers or each.name in printers]
    if groups is not None:
        _check("group", groups, {each.group or NO_GROUP for each in known})
        known = [each for each in known if (each.group or NO_GROUP) in groups]
    return known


def _check(kind: str, asked: Collection[str], known: Collection[str]) -> None:
    for name in asked:
        if name not in known:
            near = get_close_matches(name, known, n=3)
            hint = f"; nearest: {', '.join(near)}" if near else ""
            raise InvalidQuery(f"there is no {kind} {name!r}{hint}")


def _only(found: list[tuple[Subject, KpiInput]], subject_id: str | None) -> tuple[Subject, KpiInput]:
    """The one that is asked for."""
    wanted = [each for each in found if subject_id is None or each[0].id == subject_id]
    if not wanted:
        raise InvalidQuery("there is no such figure: nobody that was asked for was there in this window")
    if len(wanted) > 1:
        names = ", ".join(subject.label for subject, _ in wanted[:3])
        raise InvalidQuery(f"a working is of one figure, and there are {len(wanted)} ({names}, …): name one")
    return wanted[0]


def _ignored(printers: int) -> tuple[Omission, ...]:
    if not printers:
        return ()
    return (Omission("ignored_printers", "the printer is ignored", Measure.COUNT, printers),)


def _beside(figure: KpiFigure, entry: Indicator, window: Window, given: KpiInput) -> KpiFigure:
    """The figure with that of the window before."""
    before = figure_before(
        window,
        entry.worked_out(given),
        given.account.observed_share,
        figure.value,
        more_is_better=entry.more_is_better,
    )
    return msgspec.structs.replace(figure, before=before)


def _point(entry: Indicator, window: Window, given: KpiInput) -> SeriesPoint:
    result = entry.calculate(given)
    return SeriesPoint(
        window.from_ms, window.to_ms, result.value, result.low, result.high, given.account.observed_share
    )
