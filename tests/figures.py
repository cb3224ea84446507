"""The figures of a ledger, for tests that are about something else, and its plain sums."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from farm.figures.engine import KpiEngine
from farm.figures.job_grouping import by_printer
from farm.figures.job_rows import ENDINGS
from farm.figures.read_model import ReadModel
from farm.figures.state_changes import NOT_THERE
from farm.kpi.calculation import Tally
from farm.kpi.shop_calendars import ShopCalendars
from farm.kpi.time_classes import CONDITIONS
from farm.ledger.figure_rows import FigureRows
from farm.ledger.ledger import Ledger
from farm.model.states import CancelledBy, Outcome, PrinterState
from farm.settings import SiteSettings


def kpi_engine(
    ledger: Ledger, site: SiteSettings, calendars: Callable[[], ShopCalendars] = ShopCalendars
) -> KpiEngine:
    """The indicators of the ledger."""
    return KpiEngine(ReadModel(FigureRows(ledger.engine)), site, calendars)


class OutcomeCount(NamedTuple):
    """Ended jobs of one printer with one ending in a window, in sums."""

    printer_id: str
    outcome: Outcome
    cancelled_by: CancelledBy | None
    jobs: int
    units: int
    printing_ms: int


def state_totals(
    ledger: Ledger, from_ms: int, to_ms: int, printer_ids: Sequence[str] | None = None
) -> Mapping[str, Mapping[PrinterState, int]]:
    """Milliseconds by printer and state in the window; of all printers but ignored ones, or those named."""
    with ReadModel(FigureRows(ledger.engine)).current() as model:
        everybody = np.arange(len(model.printers))
        until = model.spent(np.array([from_ms, to_ms]), everybody, len(everybody))
        wanted = _chosen(model, printer_ids)
        found = {
            model.printers[number].id: _by_state((until[1] - until[0])[number, :NOT_THERE].tolist())
            for number in wanted
        }
    return {printer_id: totals for printer_id, totals in found.items() if totals}


def _by_state(spent: Sequence[int]) -> dict[PrinterState, int]:
    found: Counter[PrinterState] = Counter()
    for condition, ms in zip(CONDITIONS, spent, strict=True):
        found[condition.state] += ms
    return {state: ms for state, ms in found.items() if ms}


def outcome_counts(
    ledger: Ledger, from_ms: int, to_ms: int, printer_ids: Sequence[str] | None = None
) -> list[OutcomeCount]:
    """Jobs that ended in the window (half open), by printer and ending."""
    with ReadModel(FigureRows(ledger.engine)).current() as model:
        everybody = np.arange(len(model.printers))
        until = model.jobs.sums(np.array([from_ms, to_ms]), by_printer(everybody, len(everybody)), Tally.JOBS)
        ended = until[1] - until[0]
        return [
            OutcomeCount(model.printers[number].id, outcome, by, *ended[:, number, ending].tolist())
            for number in _chosen(model, printer_ids)
            for ending, (outcome, by) in enumerate(ENDINGS)
            if ended[0, number, ending]
        ]


def _chosen(model: ReadModel, printer_ids: Sequence[str] | None) -> list[int]:
    return [
        number
        for number, printer in enumerate(model.printers)
        if (not printer.ignored if printer_ids is None else printer.id in printer_ids)
    ]
