"""What is coming: when each print is done, by what its source says, corrected by how right that was before.

Docs/forecast.md says it in words. The clock is handed in.
"""

from collections.abc import Iterable
from enum import StrEnum
from math import sqrt
from typing import Final, NamedTuple

import msgspec

from farm.kpi.estimates import spread
from farm.kpi.outcomes import EstimateTally
from farm.model.printer_status import PrinterStatus
from farm.model.states import ACTIVE_STATES, PrinterState
from farm.model.times import DAY_MS, SECOND_MS

LEAST_PRINTS: Final = 3
"""So many prints with an estimate are needed before it is corrected by them."""
LOOK_BACK_MS: Final = 90 * DAY_MS
"""Estimates of the last 90 days are held against what it took."""
LEAST_PROGRESS: Final = 0.02
"""Below it nothing sensible can be said about the time left."""
_WITHIN_80_PERCENT: Final = 1.2816
"""So many standard deviations to either side hold 80 % of a normal distribution."""


class ForecastStart(StrEnum):
    """What a forecast starts from."""

    ESTIMATE = "estimate"
    """How long the whole print takes, by its source."""
    REMAINING = "remaining"
    """What remains of it, by its source."""
    PROGRESS = "progress"
    """The rest goes as fast as what is done."""
    OVERDUE = "overdue"
    """It should be done by now, and nothing says how much remains."""


class Basis(StrEnum):
    """Which prints before it a forecast is corrected by."""

    FILE_AND_PRINTER = "file_and_printer"
    FILE = "file"
    PRINTER = "printer"
    FARM = "farm"


class MeasuredEstimates(msgspec.Struct, frozen=True, kw_only=True):
    """Estimates held against what it took: of the file on the printer, of the file, the printer, the farm."""

    file_and_printer: EstimateTally = EstimateTally()
    file: EstimateTally = EstimateTally()
    printer: EstimateTally = EstimateTally()
    farm: EstimateTally = EstimateTally()


class Correction(NamedTuple):
    """How long prints take ÷ their estimates, with the range that holds four of five, by so many prints."""

    basis: Basis | None
    prints: int
    low: float
    ratio: float
    high: float


NOT_CORRECTED: Final = Correction(None, 0, 1, 1, 1)


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """When the print of a printer is done (ms since 1970), None where nothing tells.

    `earliest_ms` and `latest_ms` hold four of five prints; None where too few prints before it say how far
    off it may be. `basis` says by which `prints` before it `told` is corrected, None for by none.
    """

    printer_id: str
    printer: str
    group: str | None
    state: PrinterState
    job_id: str
    file: str | None
    told: ForecastStart | None
    basis: Basis | None = None
    prints: int = 0
    done_ms: int | None = None
    earliest_ms: int | None = None
    latest_ms: int | None = None


def correction(measured: MeasuredEstimates) -> Correction:
    """By the prints that are most alike, as soon as there are enough of them."""
    for basis, told in (
        (Basis.FILE_AND_PRINTER, measured.file_and_printer),
        (Basis.FILE, measured.file),
        (Basis.PRINTER, measured.printer),
        (Basis.FARM, measured.farm),
    ):
        if told.jobs >= LEAST_PRINTS and told.expected_ms:
            ratio = told.actual_ms / told.expected_ms
            off = _WITHIN_80_PERCENT * spread(told) * sqrt(1 + 1 / told.jobs)
            return Correction(basis, told.jobs, max(0.0, ratio - off), ratio, ratio + off)
    return NOT_CORRECTED


def forecast(status: PrinterStatus, measured: MeasuredEstimates, now_ms: int) -> Forecast | None:
    """When the print under way is done, if it goes on without a pause; None where none is under way.

    The source's estimate of the whole counts first, then what it says to remain, both corrected; then the
    progress so far. Nothing is forecast of a printer of which nobody knows how it stands.
    """
    job = status.job
    if job is None or job.outcome is not None:
        return None
    found = Forecast(
        printer_id=status.printer.id,
        printer=status.printer.name,
        group=status.printer.group,
        state=status.state,
        job_id=job.id,
        file=job.file,
        told=None,
    )
    if status.state not in ACTIVE_STATES:
        return found
    by = correction(measured)
    printed_ms, remaining_ms = printed(status, now_ms), _remaining(status, now_ms)
    expected_ms = job.expected_ms
    if expected_ms is not None and printed_ms is not None and printed_ms < expected_ms * by.high:
        return _corrected(found, ForecastStart.ESTIMATE, by, expected_ms, printed_ms, now_ms)
    if remaining_ms:
        return _corrected(found, ForecastStart.REMAINING, by, remaining_ms, 0, now_ms)
    progress = job.progress if status.live.progress is None else status.live.progress
    if progress is not None and printed_ms and LEAST_PROGRESS <= progress < 1:
        left_ms = round(printed_ms * (1 - progress) / progress)
        return msgspec.structs.replace(found, told=ForecastStart.PROGRESS, done_ms=now_ms + left_ms)
    if remaining_ms is None and (expected_ms is None or printed_ms is None):
        return found
    return msgspec.structs.replace(found, told=ForecastStart.OVERDUE, done_ms=now_ms)


def _corrected(
    found: Forecast, told: ForecastStart, by: Correction, whole_ms: int, done_ms: int, now_ms: int
) -> Forecast:
    """What is left of `whole_ms` once it is corrected, never before now."""
    earliest, done, latest = (
        now_ms + max(0, round(whole_ms * ratio) - done_ms) for ratio in (by.low, by.ratio, by.high)
    )
    is_known = by.basis is not None
    return msgspec.structs.replace(
        found,
        told=told,
        basis=by.basis,
        prints=by.prints,
        done_ms=done,
        earliest_ms=earliest if is_known else None,
        latest_ms=latest if is_known else None,
    )


def printed(status: PrinterStatus, now_ms: int) -> int | None:
    """How long (ms) the job under way has printed, without heat-up and pauses; None where it is not known."""
    job = status.job
    if job is None or job.started_ms is None:
        return None
    booked = job.printing_ms + job.preparing_ms + job.paused_ms
    since_ms = max(0, now_ms - job.started_ms - booked)
    return job.printing_ms + (since_ms if status.state is PrinterState.PRINTING else 0)


def _remaining(status: PrinterStatus, now_ms: int) -> int | None:
    """What remains (ms) by the source's own account; it stands still while nothing is printed."""
    told = status.live.remaining_s
    if status.state is not PrinterState.PRINTING:
        return None if told is None else round(told * SECOND_MS)
    return None if status.done_ms is None else max(0, status.done_ms - now_ms)


def is_free(status: PrinterStatus) -> bool:
    """Whether the printer could print now: it is idle and has nothing under way."""
    return status.state is PrinterState.IDLE and status.job is None


def in_order(forecasts: Iterable[Forecast]) -> list[Forecast]:
    """By when the printers are done, those of which nothing tells at the end."""
    return sorted(
        forecasts,
        key=lambda each: (each.done_ms is None, each.done_ms or 0, each.printer, each.printer_id),
    )


def next_free(forecasts: Iterable[Forecast]) -> Forecast | None:
    """The printer that is done first: a paused one only counts where no other is at work."""
    told = [each for each in in_order(forecasts) if each.done_ms is not None]
    return next((each for each in told if each.state is not PrinterState.PAUSED), told[0] if told else None)
