"""What each indicator truly is, in terms of its own: hours by state and jobs, counted one by one."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from farm.model.states import Outcome, PrinterState
from farm.model.times import HOUR_MS
from simulators.recount.true_jobs import TrueJob

_S = PrinterState


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is true of a subject in a window.

    `spent` holds milliseconds by state and by whether the shop was open; they could be told to
    `exact_ms`. `jobs` are those that count in the window.
    """

    spent: Counter[tuple[PrinterState, bool]]
    exact_ms: int
    jobs: list[TrueJob]

    def time(self, states: Iterable[PrinterState], *, when_open: bool | None = None) -> int:
        """Milliseconds in the states, in open or closed hours or both."""
        wanted = frozenset(states)
        return sum(
            ms
            for (state, is_open), ms in self.spent.items()
            if state in wanted and when_open in (None, is_open)
        )

    def number(self, *outcomes: Outcome) -> int:
        """How many jobs ended so."""
        return sum(job.outcome in outcomes for job in self.jobs)


class TrueFigure(msgspec.Struct, frozen=True):
    """The true value in the indicator's unit, None where there is none, and how exactly it can be told."""

    value: float | None
    exact_to: float = 0.0


_NONE: Final = TrueFigure(None)
_BUSY: Final = (_S.PRINTING, _S.PREPARING)
_WAITING: Final = (_S.IDLE, _S.FINISHED, _S.PAUSED)
_DOWN: Final = (_S.ERROR, _S.OFFLINE)


def _share(part: int, whole: int, exact_ms: int) -> TrueFigure:
    """A part of a time; either may be off by as much as could not be told."""
    return TrueFigure(part / whole, 2 * exact_ms / whole) if whole else _NONE


def _utilization(facts: Facts) -> TrueFigure:
    open_hours = facts.time([*_BUSY, *_WAITING, *_DOWN], when_open=True)
    overtime = facts.time(_BUSY, when_open=False)
    return _share(facts.time(_BUSY), open_hours + overtime, facts.exact_ms)


def _idle_time(facts: Facts) -> TrueFigure:
    if not facts.time([*_BUSY, *_WAITING, *_DOWN], when_open=True) + facts.time(_BUSY, when_open=False):
        return _NONE
    lost = facts.time([*_WAITING, *_DOWN], when_open=True)
    return TrueFigure(lost / HOUR_MS, facts.exact_ms / HOUR_MS)


def _up(facts: Facts) -> int:
    return facts.time(_BUSY) + facts.time(_WAITING, when_open=True)


def _operations(facts: Facts) -> int:
    return facts.time(_S, when_open=True) + facts.time(_BUSY, when_open=False)


def _operational_uptime(facts: Facts) -> TrueFigure:
    return _share(_up(facts), _operations(facts), facts.exact_ms)


def _total_uptime(facts: Facts) -> TrueFigure:
    return _share(_up(facts), facts.time(_S), facts.exact_ms) if _operations(facts) else _NONE


def _success(facts: Facts) -> TrueFigure:
    good, bad = facts.number(Outcome.SUCCEEDED), facts.number(Outcome.FAILED)
    return TrueFigure(good / (good + bad)) if good + bad else _NONE


def _success_after_inspection(facts: Facts) -> TrueFigure:
    attempts = facts.number(Outcome.SUCCEEDED, Outcome.FAILED)
    good = 0
    for job in facts.jobs:
        nothing_good = job.verdict is not None and job.verdict.good_units == 0
        good += job.outcome is Outcome.SUCCEEDED and not nothing_good
    return TrueFigure(good / attempts) if attempts else _NONE


def _inspected_yield(facts: Facts) -> TrueFigure:
    good = sum(job.verdict.good_units for job in facts.jobs if job.verdict is not None)
    bad = sum(job.verdict.rejected_units for job in facts.jobs if job.verdict is not None)
    return TrueFigure(good / (good + bad)) if good + bad else _NONE


def _throughput(facts: Facts) -> TrueFigure:
    return TrueFigure(sum(job.units for job in facts.jobs if job.outcome is Outcome.SUCCEEDED))


def _avg_production_time(facts: Facts) -> TrueFigure:
    good = [job for job in facts.jobs if job.outcome is Outcome.SUCCEEDED]
    units = sum(job.units for job in good)
    if not units:
        return _NONE
    exact_ms = sum(job.printing_exact_ms for job in good)
    return TrueFigure(sum(job.printing_ms for job in good) / units / HOUR_MS, exact_ms / units / HOUR_MS)


def _mtbf(facts: Facts) -> TrueFigure:
    failed = facts.number(Outcome.FAILED)
    return (
        TrueFigure(facts.time(_BUSY) / failed / HOUR_MS, facts.exact_ms / failed / HOUR_MS)
        if failed
        else _NONE
    )


def _mcbf(facts: Facts) -> TrueFigure:
    failed = facts.number(Outcome.FAILED)
    return TrueFigure(facts.number(Outcome.SUCCEEDED, Outcome.FAILED) / failed) if failed else _NONE


FORMULAS: Final[Mapping[str, Callable[[Facts], TrueFigure]]] = {
    "utilization": _utilization,
    "print_success_rate": _success,
    "success_after_inspection": _success_after_inspection,
    "inspected_yield": _inspected_yield,
    "throughput": _throughput,
    "avg_production_time": _avg_production_time,
    "idle_time": _idle_time,
    "operational_uptime": _operational_uptime,
    "total_uptime": _total_uptime,
    "mtbf": _mtbf,
    "mcbf": _mcbf,
}
"""By the indicator's id."""
