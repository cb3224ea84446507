"""How a figure stands to a target."""

from enum import StrEnum
from zoneinfo import ZoneInfo

import msgspec

from farm.kpi.calculation import KpiResult
from farm.kpi.periods import Period, next_start, start_of
from farm.kpi.subjects import Scope
from farm.kpi.targets import Target
from farm.kpi.windows import Window
from farm.model.times import DAY_MS


class Standing(StrEnum):
    """Where a value lies beside a range."""

    BELOW = "below"
    WITHIN = "within"
    ABOVE = "above"


class Side(StrEnum):
    """Whether a difference is for the better."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "same"


class TargetStanding(msgspec.Struct, frozen=True, kw_only=True):
    """A target, and how a figure stands to it.

    `standing` is None where there is no value, or where `not_compared` says why the two are not
    compared: an amount for a month says nothing of another window. `side` is whether what lies beyond
    the range lies on the better side, `sure` whether the figure stands so at worst and at best too, and
    `share` the value as a part of the bound to reach.
    """

    target: Target
    standing: Standing | None = None
    side: Side | None = None
    sure: bool = False
    share: float | None = None
    not_compared: str | None = None


def side_of(difference: float, *, more_is_better: bool) -> Side:
    """Whether a value that differs by so much is the better one."""
    if difference == 0:
        return Side.SAME
    return Side.BETTER if (difference > 0) is more_is_better else Side.WORSE


def stand(
    target: Target, found: KpiResult, window: Window, scope: str, zone: ZoneInfo, *, more_is_better: bool
) -> TargetStanding:
    """How what was found in the window stands to the target."""
    if found.value is None:
        return TargetStanding(target=target)
    standing = _place(target, found.value)
    not_compared = _why_not(target, standing, window, scope, zone)
    if not_compared is not None:
        share = _share(target, found.value) if not_compared == _STILL_RUNS else None
        return TargetStanding(target=target, not_compared=not_compared, share=share)
    bounds = [bound for bound in (found.low, found.high) if bound is not None]
    return TargetStanding(
        target=target,
        standing=standing,
        side=_side(standing, more_is_better=more_is_better),
        sure=all(_place(target, bound) is standing for bound in bounds),
        share=_share(target, found.value),
    )


_STILL_RUNS = "the period still runs, and it is not reached yet"


def _place(target: Target, value: float) -> Standing:
    if target.low is not None and value < target.low:
        return Standing.BELOW
    return Standing.ABOVE if target.high is not None and value > target.high else Standing.WITHIN


def _side(standing: Standing, *, more_is_better: bool) -> Side:
    if standing is Standing.WITHIN:
        return Side.SAME
    return side_of(1 if standing is Standing.ABOVE else -1, more_is_better=more_is_better)


def _share(target: Target, value: float) -> float | None:
    return value / target.low if target.low else None


def _why_not(target: Target, standing: Standing, window: Window, scope: str, zone: ZoneInfo) -> str | None:
    """Why an amount for a period says nothing of the figure, None where it does."""
    if target.per is None:
        return None
    if scope != Scope.FARM:
        return "it is one of the farm as a whole"
    if is_one(target.per, window, zone):
        return None
    if window.from_ms != start_of(target.per, window.from_ms, zone) or window.to_ms > next_start(
        target.per, window.from_ms, zone
    ):
        return f"it is one for a {target.per.value}, and this window is not one"
    return _STILL_RUNS if standing is Standing.BELOW else None


def is_one(period: Period, window: Window, zone: ZoneInfo) -> bool:
    """Whether the window is one such period: of the calendar, or as long as a week or a day."""
    if window.length_ms == {Period.DAY: DAY_MS, Period.WEEK: 7 * DAY_MS}.get(period):
        return True
    begins = window.from_ms == start_of(period, window.from_ms, zone)
    return begins and window.to_ms == next_start(period, window.from_ms, zone)
