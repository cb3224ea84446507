"""The true jobs that count in a figure: those that the ledger can know of, and when they count."""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from farm.model.job import Job
from farm.model.states import Cause, Outcome
from simulators.matching import Pair
from simulators.protocols import step_ms, tells_preparing, tells_units
from simulators.shop_truth import VerdictTruth
from simulators.truth import JobTruth, Truth

_TICKS = 2
"""An instant that is told to a step of the clock may be off by one, and its clock by another."""


class TrueJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job as it truly went, by what its printer can tell of it. It counts at `counts_ms`.

    `printing_ms` is known to `printing_exact_ms`.
    """

    printer: str
    number: int
    file: str | None
    material: str | None
    operator: str | None
    outcome: Outcome
    cause: Cause | None
    units: int
    counts_ms: int
    printing_ms: int
    printing_exact_ms: int
    verdict: VerdictTruth | None


def true_jobs(truth: Truth, pairs: Iterable[Pair]) -> list[TrueJob]:
    """The jobs that ended and are booked, each with the end by which it counts.

    Of a job that is not booked, since nothing of it reached the broker, nothing can be known. An end of which
    nothing reached the broker counts when it is booked, with its true outcome; so does one that is
    booked as exactly as its printer tells the time. What misled everybody counts as it was told.
    """
    protocols = {printer.name: printer.protocol for printer in truth.header.printers}
    verdicts = {(each.printer, each.number): each for each in truth.verdicts}
    return [job for pair in pairs for job in _counted(truth, pair, protocols, verdicts)]


def _counted(
    truth: Truth,
    pair: Pair,
    protocols: Mapping[str, str],
    verdicts: Mapping[tuple[str, int], VerdictTruth],
) -> Iterator[TrueJob]:
    true, booked = pair.truth, pair.booked
    if true.outcome is None or true.ended_ms is None or booked.outcome is None or booked.ended_ms is None:
        return
    adapter = protocols[true.printer]
    as_booked = not true.end_sent or abs(booked.ended_ms - true.ended_ms) <= _TICKS * step_ms(adapter)
    told = booked if true.misleading else true
    yield TrueJob(
        printer=true.printer,
        number=true.number,
        file=booked.file if true.file != booked.file and not true.file_sent else true.file,
        material=booked.material,
        operator=booked.operator,
        outcome=told.outcome or Outcome.UNKNOWN,
        cause=told.cause,
        units=true.units if tells_units(adapter) else 1,
        counts_ms=booked.ended_ms if as_booked else true.ended_ms,
        printing_ms=true.printing_ms + (0 if tells_preparing(adapter) else true.preparing_ms),
        printing_exact_ms=_exact_ms(truth, true, booked, adapter),
        verdict=verdicts.get((true.printer, true.number)),
    )


def _exact_ms(truth: Truth, true: JobTruth, booked: Job, adapter: str) -> int:
    """How exactly the printing time is told: Klipper's last word of it may be lost, or a report old."""
    exact = _TICKS * step_ms(adapter) * (2 + true.pauses)
    if adapter == "moonraker" and ("lost" in truth.header.faults or true.outcome is not Outcome.SUCCEEDED):
        exact += truth.header.report_ms
    if not (true.end_sent and booked.measured):
        exact += abs(booked.printing_ms - true.printing_ms) + true.preparing_ms
    return exact
