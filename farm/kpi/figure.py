"""An indicator's figure, what it carries under which name, and a row of figures over time."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import msgspec

from farm.kpi.calculation import KpiResult
from farm.kpi.indicator import Unit, shown
from farm.kpi.periods import Period
from farm.kpi.standing import Side, TargetStanding, side_of
from farm.kpi.targets import Level, Target
from farm.kpi.wilson import Interval95
from farm.kpi.windows import Window
from farm.model.times import rfc3339


class FigureBefore(msgspec.Struct, frozen=True, kw_only=True):
    """The same figure over the window before. `change` is how much the value has grown since.

    `side` says whether that is for the better. Both are None where one of the two has no value, or where
    not one of the printers was there yet, or still, in a part of the window before.
    """

    window: Window
    value: float | None
    low: float | None
    high: float | None
    counts: dict[str, int]
    observed_share: float | None
    change: float | None
    side: Side | None


class KpiFigure(msgspec.Struct, frozen=True, kw_only=True):
    """One indicator of one subject (`farm.kpi.subjects`) over one window, with what is needed to judge it.

    `value` is in `unit`; None means no data, which is not zero. `low` and `high` say where
    the value would lie at worst and at best if everything unknown were known. `interval`
    is the 95 % interval of a rate at its counts. `counts` and `amounts` are what the value
    is made of, and `observed_share` is the part of the printers' time of which we know
    the state (None where there was no time). `window` reaches no further than the present.
    `targets` are those that the farm holds the indicator to, and `before` is the figure of the window
    before, where it was asked for.
    """

    id: str
    scope: str
    scope_id: str
    label: str
    window: Window
    unit: Unit
    value: float | None
    low: float | None
    high: float | None
    interval: Interval95 | None
    counts: dict[str, int]
    amounts: dict[str, float]
    observed_share: float | None
    targets: tuple[TargetStanding, ...] = ()
    before: FigureBefore | None = None

    @property
    def aim(self) -> TargetStanding | None:
        """The target that is the aim, None where there is none or it says nothing of this figure."""
        for each in self.targets:
            if each.target.level is Level.TARGET and each.not_compared is None:
                return each
        return None

    @property
    def shown(self) -> str:
        """The value as people read it: `76.39 %`, `450 units`, `no data`."""
        return shown(self.value, self.unit)


class FigureField(msgspec.Struct, frozen=True):
    """A number that every figure carries: its name on every surface, its unit, and what it says."""

    name: str
    unit: str
    meaning: str
    read: Callable[[KpiFigure], float | None]


OF_INDICATOR: Final = "the indicator's"
_RATIO: Final = "ratio"

FIGURE_FIELDS: Final = (
    FigureField(
        "value",
        OF_INDICATOR,
        "the figure. Null means no data, and is never shown as zero",
        lambda figure: figure.value,
    ),
    FigureField(
        "low",
        OF_INDICATOR,
        "the least that the value could be, once everything that is unknown were known",
        lambda figure: figure.low,
    ),
    FigureField(
        "high",
        OF_INDICATOR,
        "the most that the value could be, once everything that is unknown were known",
        lambda figure: figure.high,
    ),
    FigureField(
        "interval_low",
        _RATIO,
        "for a rate, the lower end of its 95 % interval at its counts (Wilson)",
        lambda figure: None if figure.interval is None else figure.interval.low,
    ),
    FigureField(
        "interval_high",
        _RATIO,
        "for a rate, the upper end of that interval: how far chance alone may have moved it",
        lambda figure: None if figure.interval is None else figure.interval.high,
    ),
    FigureField(
        "observed_share",
        _RATIO,
        "the part of the printers' time of which the state is known. Offline is known, `unknown` is not",
        lambda figure: figure.observed_share,
    ),
    FigureField(
        "target_low",
        OF_INDICATOR,
        "the least that the farm aims at, by its own targets or those of its profile; "
        "null where it aims at none",
        lambda figure: None if figure.aim is None else figure.aim.target.low,
    ),
    FigureField(
        "target_high",
        OF_INDICATOR,
        "the most that it aims at; null where there is no such bound",
        lambda figure: None if figure.aim is None else figure.aim.target.high,
    ),
)
"""The numbers of a figure, in the order in which they are told."""


def figure_numbers(figure: KpiFigure) -> dict[str, float | None]:
    """The numbers of `FIGURE_FIELDS` by name; None where there is no data."""
    return {field.name: field.read(figure) for field in FIGURE_FIELDS}


def figure_record(figure: KpiFigure) -> dict[str, Any]:
    """The figure as API and command line show it; times in RFC 3339, `value` None where there is no data."""
    return {
        "id": figure.id,
        "scope": figure.scope,
        "scope_id": figure.scope_id,
        "label": figure.label,
        "window": window_record(figure.window),
        "unit": figure.unit,
        "shown": figure.shown,
        **figure_numbers(figure),
        "counts": figure.counts,
        "amounts": figure.amounts,
        "targets": [standing_record(each, figure.unit) for each in figure.targets],
        "before": None if figure.before is None else before_record(figure.before, figure.unit),
    }


def standing_record(found: TargetStanding, unit: Unit) -> dict[str, Any]:
    """A target with how the figure stands to it."""
    return {
        **target_record(found.target, unit),
        "standing": found.standing,
        "side": found.side,
        "sure": found.sure,
        "share": found.share,
        "not_compared": found.not_compared,
    }


def target_record(target: Target, unit: Unit) -> dict[str, Any]:
    """A target as it is told, with its range as people read it."""
    return {
        "profile": target.profile,
        "low": target.low,
        "high": target.high,
        "level": target.level,
        "per": target.per,
        "meaning": target.meaning,
        "shown": target_shown(target, unit),
    }


def target_shown(target: Target, unit: Unit) -> str:
    """The range of a target as people read it: `70–85 %`, `at least 104 units a week`, `at most 5 h`."""
    low, high = (None if bound is None else _bound(bound, unit) for bound in (target.low, target.high))
    if low is not None and high is not None:
        words = f"{low.split(' ', maxsplit=1)[0]}–{high}"
    else:
        words = f"at least {low}" if high is None else f"at most {high}"
    if target.per is None:
        return words
    return f"{words} {'an' if target.per is Period.HOUR else 'a'} {target.per.value}"


def _bound(bound: float, unit: Unit) -> str:
    return f"{bound * 100:g} %" if unit is Unit.RATIO else shown(bound, unit).replace(".00 ", " ")


def before_record(before: FigureBefore, unit: Unit) -> dict[str, Any]:
    """The figure of the window before, with what has changed since."""
    return {
        "window": window_record(before.window),
        "value": before.value,
        "shown": shown(before.value, unit),
        "low": before.low,
        "high": before.high,
        "counts": before.counts,
        "observed_share": before.observed_share,
        "change": before.change,
        "side": before.side,
    }


def window_record(window: Window) -> dict[str, str]:
    """A window with its bounds."""
    from_, to = _written(window.from_ms, window.to_ms)
    return {"name": window.name, "from": from_, "to": to}


@lru_cache(maxsize=64)
def _written(from_ms: int, to_ms: int) -> tuple[str, str]:
    """Both instants in RFC 3339: a thousand figures have the same two."""
    return rfc3339(from_ms), rfc3339(to_ms)


def figure_before(
    window: Window, found: KpiResult, observed_share: float | None, now: float | None, *, more_is_better: bool
) -> FigureBefore:
    """What was found over the window before, beside the value of `now`, None where they do not compare."""
    change = None if now is None or found.value is None else now - found.value
    return FigureBefore(
        window=window,
        value=found.value,
        low=found.low,
        high=found.high,
        counts=found.counts,
        observed_share=observed_share,
        change=change,
        side=None if change is None else side_of(change, more_is_better=more_is_better),
    )


class SeriesPoint(msgspec.Struct, frozen=True):
    """The figure from `from_ms` until `to_ms` (ms since 1970, UTC, half open)."""

    from_ms: int
    to_ms: int
    value: float | None
    low: float | None
    high: float | None
    observed_share: float | None


class KpiSeries(msgspec.Struct, frozen=True, kw_only=True):
    """One indicator of one subject, period by period; the first and last may be cut short."""

    id: str
    scope: str
    scope_id: str
    label: str
    unit: Unit
    window: Window
    period: Period
    points: tuple[SeriesPoint, ...]
