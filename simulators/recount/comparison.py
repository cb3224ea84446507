"""Every indicator of every subject over many windows, as reported and as it truly is."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from enum import StrEnum
from math import inf
from zoneinfo import ZoneInfo

import msgspec

from farm.errors import TruthError
from farm.figures.engine import KpiEngine
from farm.figures.read_model import ReadModel
from farm.kpi.catalogue import CATALOGUE
from farm.kpi.figure import KpiFigure
from farm.kpi.selection import Selection
from farm.kpi.subjects import Scope
from farm.kpi.windows import Window
from farm.ledger.calendar_store import CalendarStore
from farm.ledger.figure_rows import FigureRows
from farm.ledger.ledger_reader import LedgerReader
from farm.model.states import PrinterState
from farm.settings import SiteSettings
from simulators.matching import by_printer
from simulators.recount.attempts import TrueStreaks, reprints_among, usual_times
from simulators.recount.facts import Facts, TrueFigure
from simulators.recount.formulas import NOT_COMPARED, OF_HOURS, OF_JOBS, true_figure
from simulators.recount.shop_time import OpenTimes
from simulators.recount.subjects import (
    BY_PRINTER,
    Berth,
    jobs_by_subject,
    printers_of,
    see_that_scope_is_known,
)
from simulators.recount.true_jobs import TrueJob, true_jobs
from simulators.recount.true_time import TrueTime
from simulators.recount.windows import windows_of
from simulators.truth import Truth
from simulators.verify import booked_jobs, known_printers, matched_pairs

_ROUNDING = 1e-9
_EVERY_SUBJECT = 1_000_000


class Agreement(StrEnum):
    """How a reported figure stands to the true one."""

    EQUAL = "equal"
    """It is the true one, as exactly as the printers can tell."""
    WITHIN = "within"
    """Something is unknown, and the true one lies within the reported range."""
    WRONG = "wrong"


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One figure beside the truth. `true`, `value`, `low` and `high` are in the indicator's unit."""

    indicator: str
    scope: str
    label: str
    window: str
    from_ms: int
    to_ms: int
    true: float | None
    exact_to: float
    value: float | None
    low: float | None
    high: float | None
    standing: Agreement


class Checked(msgspec.Struct, kw_only=True):
    """How many figures of an indicator were compared, and how they stood."""

    indicator: str
    checked: int = 0
    equal: int = 0
    within: int = 0
    wrong: int = 0


class NotCompared(msgspec.Struct, frozen=True):
    """An indicator of which nothing true is worked out, and why."""

    indicator: str
    why: str


class FigureVerification(msgspec.Struct, frozen=True, kw_only=True):
    """What comparing all figures found: a count for each indicator, and each figure that is wrong.

    Of the indicators `not_compared` it says nothing.
    """

    checked: list[Checked]
    wrong: list[Compared]
    not_compared: list[NotCompared]

    @property
    def holds(self) -> bool:
        """Whether every figure is the true one, or holds it in its range."""
        return not self.wrong


def verify_figures(
    truth: Truth, reader: LedgerReader, windows: Sequence[Window] | None = None
) -> FigureVerification:
    """Compare the figures that the ledger gives with those that the truth gives.

    Over the windows of `windows_of` unless others are given. Raises TruthError when the ledger holds
    none of the printers, and for an indicator or a scope of which nobody said what is true of it.
    """
    recount = TrueRecount(truth, reader)
    windows = windows_of(truth.header) if windows is None else windows
    engine = _engine(truth, reader)
    compared = [
        recount.compare(figure)
        for scope in Scope
        for figure in _reported(truth, engine, recount, windows, scope)
    ]
    checked = {kpi_id: Checked(indicator=kpi_id) for kpi_id in _compared_ids()}
    for each in compared:
        row = checked[each.indicator]
        row.checked += 1
        row.equal += each.standing is Agreement.EQUAL
        row.within += each.standing is Agreement.WITHIN
        row.wrong += each.standing is Agreement.WRONG
    return FigureVerification(
        checked=list(checked.values()),
        wrong=[each for each in compared if each.standing is Agreement.WRONG],
        not_compared=[NotCompared(kpi_id, why) for kpi_id, why in NOT_COMPARED.items()],
    )


def _compared_ids() -> list[str]:
    """The indicators that are compared. Raises TruthError for one of which nobody decided that."""
    decided = OF_HOURS.keys() | OF_JOBS.keys() | NOT_COMPARED.keys()
    if undecided := [entry.id for entry in CATALOGUE if entry.id not in decided]:
        raise TruthError(
            f"indicator {undecided[0]!r}: simulators/recount/formulas.py does not say what it truly is"
        )
    return [entry.id for entry in CATALOGUE if entry.id not in NOT_COMPARED]


class TrueRecount:
    """The truth, counted over for any figure."""

    def __init__(self, truth: Truth, reader: LedgerReader) -> None:
        """Raises TruthError when the ledger holds none of the printers."""
        printers = known_printers(truth, reader)
        self.berths = [
            Berth(printer, printers[printer.name])
            for printer in truth.header.printers
            if printer.name in printers
        ]
        spans = by_printer(
            reader.spans(truth.header.from_ms, truth.header.to_ms, [berth.known.id for berth in self.berths]),
            "printer_id",
        )
        opened = OpenTimes(truth)
        self._time = {
            berth.true.name: TrueTime(
                truth, berth.true, berth.known, opened.of(berth.true.group), spans[berth.known.id]
            )
            for berth in self.berths
        }
        pairs = matched_pairs(truth, booked_jobs(reader, printers), printers)
        seen_ms = {name: printer.first_seen_ms for name, printer in printers.items()}
        self._jobs = sorted(true_jobs(truth, pairs, seen_ms), key=lambda job: job.counts_ms)
        self._streaks = TrueStreaks(self._jobs)
        self._reprints = reprints_among(self._jobs)
        self._usual_ms = usual_times(self._jobs)
        self._zone = ZoneInfo(truth.header.time_zone)
        self._facts: dict[tuple[str, str, int, int], Facts] = {}
        self._parted: dict[tuple[str, int, int], dict[str, list[TrueJob]]] = {}

    def compare(self, figure: KpiFigure) -> Compared:
        """The figure beside the true one."""
        true = true_figure(figure.id, self._facts_of(figure))
        return Compared(
            indicator=figure.id,
            scope=figure.scope,
            label=figure.label,
            window=figure.window.name,
            from_ms=figure.window.from_ms,
            to_ms=figure.window.to_ms,
            true=true.value,
            exact_to=true.exact_to,
            value=figure.value,
            low=figure.low,
            high=figure.high,
            standing=standing(true, figure),
        )

    def _facts_of(self, figure: KpiFigure) -> Facts:
        """They are the same for all indicators of a subject in a window."""
        key = (figure.scope, figure.scope_id, figure.window.from_ms, figure.window.to_ms)
        if key not in self._facts:
            self._facts[key] = self._count(figure)
        return self._facts[key]

    def _count(self, figure: KpiFigure) -> Facts:
        window, berths = figure.window, printers_of(figure, self.berths)
        times = [self._time[berth.true.name] for berth in berths]
        spent: Counter[tuple[PrinterState, bool]] = Counter()
        for time in times:
            spent.update(time.spent(window.from_ms, window.to_ms))
        return Facts(
            spent=spent,
            exact_ms=sum(time.exact_ms(window.from_ms, window.to_ms) for time in times),
            jobs=self._jobs_of(figure, {berth.true.name for berth in berths}),
            has_hours=figure.scope in BY_PRINTER,
            repairs=[
                each
                for time in times
                for each in time.repairs
                if window.from_ms <= each.counts_ms < window.to_ms
            ],
            streak=self._streaks.longest([berth.true.name for berth in berths], window.to_ms),
            reprints=self._reprints,
            usual_ms=self._usual_ms,
        )

    def _jobs_of(self, figure: KpiFigure, printers: Collection[str]) -> list[TrueJob]:
        window = figure.window
        first, last = (
            bisect_left(self._jobs, at_ms, key=lambda job: job.counts_ms)
            for at_ms in (window.from_ms, window.to_ms)
        )
        jobs = self._jobs[first:last]
        if figure.scope in BY_PRINTER:
            return [job for job in jobs if job.printer in printers]
        key = (figure.scope, window.from_ms, window.to_ms)
        if key not in self._parted:
            self._parted[key] = jobs_by_subject(figure.scope, jobs, self._zone)
        return self._parted[key].get(figure.scope_id, [])


def standing(true: TrueFigure, figure: KpiFigure) -> Agreement:
    """How the figure stands to the true one."""
    exact_to = true.exact_to + _ROUNDING * max(1.0, abs(true.value or 0.0))
    if true.value is None:
        is_equal = figure.value is None
    else:
        is_equal = figure.value is not None and abs(figure.value - true.value) <= exact_to
    if is_equal:
        return Agreement.EQUAL
    is_within = _is_open(figure) and (true.value is None or _holds(figure, true.value, exact_to))
    return Agreement.WITHIN if is_within else Agreement.WRONG


def _is_open(figure: KpiFigure) -> bool:
    """Whether the figure says that it could be another one, were everything known.

    Where it has no value that is so if something is unknown.
    """
    if figure.value is not None:
        return not figure.low == figure.high == figure.value or figure.counts.get("doubtful_parts", 0) > 0
    if figure.low is not None or figure.high is not None or figure.counts.get("unknown", 0) > 0:
        return True
    return figure.scope in BY_PRINTER and (figure.observed_share is None or figure.observed_share < 1)


def _holds(figure: KpiFigure, true: float, exact_to: float) -> bool:
    low = -inf if figure.low is None else figure.low
    high = inf if figure.high is None else figure.high
    return low - exact_to <= true <= high + exact_to


def _engine(truth: Truth, reader: LedgerReader) -> KpiEngine:
    site = SiteSettings(time_zone=truth.header.time_zone)
    calendars = CalendarStore(reader.engine, ZoneInfo(truth.header.time_zone))
    return KpiEngine(ReadModel(FigureRows(reader.engine)), site, calendars.shop_calendars)


def _reported(
    truth: Truth, engine: KpiEngine, recount: TrueRecount, windows: Sequence[Window], scope: Scope
) -> Iterator[KpiFigure]:
    see_that_scope_is_known(scope)
    ours = Selection(printers=tuple(berth.known.id for berth in recount.berths))
    yield from engine.evaluate_all(
        _compared_ids(), windows, scope, truth.header.to_ms, wanted=ours, limit=_EVERY_SUBJECT
    )
