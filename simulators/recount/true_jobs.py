"""The true jobs that count in a figure: those that the ledger can know of, and when they count."""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from farm.model.job import Job
from farm.model.states import CancelledBy, Cause, Outcome
from farm.settings import SiteSettings
from simulators.matching import Pair
from simulators.protocols import step_ms, tells_preparing, tells_units
from simulators.shop_truth import VerdictTruth
from simulators.truth import JobTruth, Truth

_TICKS = 2
"""An instant that is told to a step of the clock may be off by one, and its clock by another."""
_ESTIMATE_EXACT_MS = 500
"""Estimates are told in whole seconds."""
_GRAMS_EXACT = 0.01


class TrueAmount(msgspec.Struct, frozen=True):
    """A true amount, and how exactly it can be told."""

    amount: float
    exact_to: float


class TrueJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job as it truly went, by what its printer can tell of it. It counts at `counts_ms`.

    `printing_ms` is known to `printing_exact_ms`, and with preparing and pauses `whole_ms` to
    `whole_exact_ms`. `expected_ms` and `grams` are None where the printer does not say them.
    `is_known` says whether anything told how it ended.
    """

    printer: str
    number: int
    file: str | None
    material: str | None
    operator: str | None
    spool: str | None
    outcome: Outcome
    cancelled_by: CancelledBy | None
    cause: Cause | None
    units: int
    begins_ms: int
    counts_ms: int
    printing_ms: int
    printing_exact_ms: int
    whole_ms: int
    whole_exact_ms: int
    expected_ms: TrueAmount | None
    grams: TrueAmount | None
    is_known: bool
    verdict: VerdictTruth | None


def true_jobs(truth: Truth, pairs: Iterable[Pair], seen_ms: Mapping[str, int]) -> list[TrueJob]:
    """The jobs that ended and are booked, each with the end by which it counts.

    `seen_ms` says when each printer was first seen: nobody heard what passed of a job before.

    Of a job that is not booked, since nothing of it reached the broker, nothing can be known. An end of which
    nothing reached the broker counts when it is booked, with its true outcome; so does one that is
    booked as exactly as its printer tells the time. What misled everybody counts as it was told.
    """
    protocols = {printer.name: printer.protocol for printer in truth.header.printers}
    verdicts = {(each.printer, each.number): each for each in truth.verdicts}
    return [job for pair in pairs for job in _counted(truth, pair, protocols, verdicts, seen_ms)]


def _counted(
    truth: Truth,
    pair: Pair,
    protocols: Mapping[str, str],
    verdicts: Mapping[tuple[str, int], VerdictTruth],
    seen_ms: Mapping[str, int],
) -> Iterator[TrueJob]:
    true, booked = pair.truth, pair.booked
    if true.outcome is None or true.ended_ms is None or booked.outcome is None or booked.ended_ms is None:
        return
    adapter = protocols[true.printer]
    as_booked = not true.end_sent or abs(booked.ended_ms - true.ended_ms) <= _TICKS * step_ms(adapter)
    told = booked if true.misleading else true
    exact_ms = _exact_ms(truth, true, booked, adapter)
    yield TrueJob(
        printer=true.printer,
        number=true.number,
        file=booked.file if true.file != booked.file and not true.file_sent else true.file,
        material=booked.material,
        operator=booked.operator,
        spool=booked.spool,
        outcome=told.outcome or Outcome.UNKNOWN,
        cancelled_by=told.cancelled_by,
        cause=booked.cause if booked.cause in (None, Cause.UNKNOWN) else told.cause,
        units=true.units if tells_units(adapter) else 1,
        begins_ms=_begins_ms(true, booked, adapter),
        counts_ms=booked.ended_ms if as_booked else true.ended_ms,
        printing_ms=true.printing_ms + (0 if tells_preparing(adapter) else true.preparing_ms),
        printing_exact_ms=exact_ms,
        whole_ms=true.printing_ms + true.preparing_ms + true.paused_ms,
        whole_exact_ms=exact_ms + max(0, min(seen_ms[true.printer], true.ended_ms) - true.started_ms),
        expected_ms=_expected_ms(true, booked),
        grams=_grams(truth, true, booked, adapter),
        is_known=booked.outcome is not Outcome.UNKNOWN,
        verdict=verdicts.get((true.printer, true.number)),
    )


def _begins_ms(true: JobTruth, booked: Job, adapter: str) -> int:
    """When it began; as booked where that is as exact as its printer tells it, or nothing told of it."""
    if booked.started_ms is None:
        return true.started_ms
    as_booked = not true.start_sent or abs(booked.started_ms - true.started_ms) <= _TICKS * step_ms(adapter)
    return booked.started_ms if as_booked else true.started_ms


def _expected_ms(true: JobTruth, booked: Job) -> TrueAmount | None:
    """The slicer's estimate, where it was told."""
    if booked.expected_ms is None or true.expected_ms is None:
        return None
    return TrueAmount(true.expected_ms, _ESTIMATE_EXACT_MS)


def _grams(truth: Truth, true: JobTruth, booked: Job, adapter: str) -> TrueAmount | None:
    """What it took, as its printer tells it: in grams, or in the length of filament."""
    grams_of_mm = SiteSettings().filament_grams_per_metre / 1_000
    if booked.filament_g is not None:
        grams, booked_grams = true.filament_g, booked.filament_g
    elif booked.filament_mm is not None:
        grams, booked_grams = true.filament_mm * grams_of_mm, booked.filament_mm * grams_of_mm
    else:
        return None
    if not (true.end_sent and booked.measured):
        return TrueAmount(grams, _GRAMS_EXACT + abs(booked_grams - grams))
    late_ms = truth.header.report_ms if _is_told_late(truth, true, adapter) else 0
    return TrueAmount(grams, _GRAMS_EXACT + grams * late_ms / max(true.printing_ms, late_ms, 1))


def _is_told_late(truth: Truth, true: JobTruth, adapter: str) -> bool:
    """Whether what it took may be as old as a report: Klipper's last word of it may be lost, or not said."""
    is_uncertain = "lost" in truth.header.faults or true.outcome is not Outcome.SUCCEEDED
    return adapter == "moonraker" and is_uncertain


def _exact_ms(truth: Truth, true: JobTruth, booked: Job, adapter: str) -> int:
    """How exactly the printing time is told."""
    exact = _TICKS * step_ms(adapter) * (2 + true.pauses)
    if _is_told_late(truth, true, adapter):
        exact += truth.header.report_ms
    if not (true.end_sent and booked.measured):
        exact += abs(booked.printing_ms - true.printing_ms) + true.preparing_ms
    return exact
