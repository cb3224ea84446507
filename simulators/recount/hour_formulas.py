"""What indicators of the printers' hours truly are, in terms of their own."""

from typing import Final

from farm.model.states import Outcome, PrinterState
from farm.model.times import HOUR_MS
from simulators.recount.facts import NONE, Facts, TrueFigure

_S = PrinterState
_BUSY: Final = (_S.PRINTING, _S.PREPARING)
_WAITING: Final = (_S.IDLE, _S.FINISHED, _S.PAUSED)
_DOWN: Final = (_S.ERROR, _S.OFFLINE)


def _share(part: int, whole: int, exact_ms: int) -> TrueFigure:
    """A part of a time; either may be off by as much as could not be told."""
    return TrueFigure(part / whole, 2 * exact_ms / whole) if whole else NONE


def utilization(facts: Facts) -> TrueFigure:
    """Of the hours in which they could print those in which printers did."""
    open_hours = facts.time([*_BUSY, *_WAITING, *_DOWN], when_open=True)
    overtime = facts.time(_BUSY, when_open=False)
    return _share(facts.time(_BUSY), open_hours + overtime, facts.exact_ms)


def idle_time(facts: Facts) -> TrueFigure:
    """Hours in which printers could print and did not."""
    if not facts.time([*_BUSY, *_WAITING, *_DOWN], when_open=True) + facts.time(_BUSY, when_open=False):
        return NONE
    lost = facts.time([*_WAITING, *_DOWN], when_open=True)
    return TrueFigure(lost / HOUR_MS, facts.exact_ms / HOUR_MS)


def _up(facts: Facts) -> int:
    return facts.time(_BUSY) + facts.time(_WAITING, when_open=True)


def _operations(facts: Facts) -> int:
    return facts.time(_S, when_open=True) + facts.time(_BUSY, when_open=False)


def operational_uptime(facts: Facts) -> TrueFigure:
    """Of the hours that the shop was open, or printed all the same, those fit for printing."""
    return _share(_up(facts), _operations(facts), facts.exact_ms)


def total_uptime(facts: Facts) -> TrueFigure:
    """Of all hours those fit for printing."""
    return _share(_up(facts), facts.time(_S), facts.exact_ms) if _operations(facts) else NONE


def mtbf(facts: Facts) -> TrueFigure:
    """Hours of printing for each failed print."""
    failed = facts.number(Outcome.FAILED)
    return (
        TrueFigure(facts.time(_BUSY) / failed / HOUR_MS, facts.exact_ms / failed / HOUR_MS)
        if failed
        else NONE
    )


def mttr(facts: Facts) -> TrueFigure:
    """Hours at fault for each repair that ended."""
    repairs = facts.repairs
    if not repairs:
        return NONE
    lasted_ms, exact_ms = (sum(each[place] for each in repairs) for place in (1, 2))
    return TrueFigure(lasted_ms / len(repairs) / HOUR_MS, exact_ms / len(repairs) / HOUR_MS)


def failed_streak(facts: Facts) -> TrueFigure:
    """The longest of the printers' failures in a row at the end of the window."""
    return NONE if facts.streak is None else TrueFigure(facts.streak)
