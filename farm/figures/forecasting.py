"""Forecasts for the printers at work, from how they stand and how right estimates were before."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from farm.figures.job_grouping import ByCode, JobGrouping
from farm.figures.read_model import ReadModel
from farm.figures.running_sums import Integers, Keys
from farm.kpi.calculation import Tally
from farm.kpi.forecast import LOOK_BACK_MS, Forecast, MeasuredEstimates, forecast, in_order
from farm.kpi.outcomes import EstimateTally
from farm.model.printer_status import PrinterStatus

REUSED_MS: Final = 5_000
"""So long it is not looked again at how right estimates were: who follows the printers asks all the time."""


class Forecasting:
    """Forecasts by how right estimates were, which is kept in mind for some seconds. Threads may share it."""

    def __init__(self, model: ReadModel) -> None:
        self._model = model
        self._known: dict[tuple[str, str | None], MeasuredEstimates] = {}
        self._looked_ms = -REUSED_MS

    def forecasts(self, statuses: Sequence[PrinterStatus], now_ms: int) -> list[Forecast]:
        """When the prints under way are done, the first to be done first. Raises LedgerError."""
        at_work = [each for each in statuses if each.job is not None and each.job.outcome is None]
        measured = self._measured(at_work, now_ms)
        found = (forecast(each, known, now_ms) for each, known in zip(at_work, measured, strict=True))
        return in_order(each for each in found if each is not None)

    def _measured(self, at_work: Sequence[PrinterStatus], now_ms: int) -> list[MeasuredEstimates]:
        keys = [(each.printer.id, None if each.job is None else each.job.file) for each in at_work]
        known = self._known
        if not 0 <= now_ms - self._looked_ms < REUSED_MS or not known.keys() >= set(keys):
            with self._model.current() as model:
                known = dict(zip(keys, _measured(model, at_work, now_ms), strict=True))
            self._known, self._looked_ms = known, now_ms
        return [known[key] for key in keys]


def _measured(model: ReadModel, at_work: Sequence[PrinterStatus], now_ms: int) -> list[MeasuredEstimates]:
    """What is known of estimates like those of each printer's print."""
    printers = [model.number(each.printer.id) for each in at_work]
    files = [_file(model, each) for each in at_work]
    edges = np.array([now_ms - LOOK_BACK_MS, now_ms + 1], dtype=np.int64)
    counted = np.array([-1 if each.ignored else 0 for each in model.printers], dtype=np.intp)
    everybody = ByCode("printer", counted, 1)
    by_printer = ByCode("printer", *_places(printers, len(model.printers)))
    by_file = ByCode("file", *_places(files, len(model.texts.file)))
    printer, file = by_printer.table[printers], by_file.table[files]
    both = printer * by_file.size + file
    of_both, of_file, of_printer, of_farm = (
        _tallies(model, edges, axes, codes)
        for axes, codes in (
            ([by_printer, by_file], both),
            ([everybody, by_file], file),
            ([by_printer], printer),
            ([everybody], np.zeros(len(at_work), dtype=np.intp)),
        )
    )
    return [
        MeasuredEstimates(file_and_printer=mine, file=files_own, printer=printers_own, farm=all_)
        if code
        else MeasuredEstimates(printer=printers_own, farm=all_)
        for code, mine, files_own, printers_own, all_ in zip(
            files, of_both, of_file, of_printer, of_farm, strict=True
        )
    ]


def _file(model: ReadModel, status: PrinterStatus) -> int:
    """The code of the file under way, 0 where it is not known or nothing of it ended yet."""
    file = None if status.job is None else status.job.file
    return model.texts.file.code(file) if file in model.texts.file else 0


def _places(codes: Sequence[int], count: int) -> tuple[Keys, int]:
    """The place of each code among those that are meant, -1 for none, and how many these are."""
    table = np.full(max(count, 1), -1, dtype=np.intp)
    meant = sorted(set(codes))
    table[meant] = np.arange(len(meant))
    return table, max(1, len(meant))


def _tallies(model: ReadModel, edges: Integers, axes: Sequence[ByCode], codes: Keys) -> list[EstimateTally]:
    """The estimates of each of the codes."""
    chosen, place = np.unique(codes, return_inverse=True)
    until = model.jobs.sums(edges, JobGrouping(axes).choosing(chosen), Tally.ESTIMATES)
    found = [EstimateTally(*row) for row in (until[1] - until[0])[:, :, 0].T.tolist()]
    return [found[each] for each in place.tolist()]
