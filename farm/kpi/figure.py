"""An indicator's figure, what it carries under which name, and a row of figures over time."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from farm.kpi.indicator import Unit, shown
from farm.kpi.periods import Period
from farm.kpi.wilson import Interval95
from farm.kpi.windows import Window
from farm.model.times import rfc3339


class KpiFigure(msgspec.Struct, frozen=True, kw_only=True):
    """One indicator of one subject (`farm.kpi.subjects`) over one window, with what is needed to judge it.

    `value` is in `unit`; None means no data, which is not zero. `low` and `high` say where
    the value would lie at worst and at best if everything unknown were known. `interval`
    is the 95 % interval of a rate at its counts. `counts` and `amounts` are what the value
    is made of, and `observed_share` is the part of the printers' time of which we know
    the state (None where there was no time). `window` reaches no further than the present.
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
)
"""The numbers of a figure, in the order in which they are told."""


def figure_numbers(figure: KpiFigure) -> dict[str, float | None]:
    """The numbers of `FIGURE_FIELDS` by name; None where there is no data."""
    return {field.name: field.read(figure) for field in FIGURE_FIELDS}


def figure_record(figure: KpiFigure) -> dict[str, Any]:
    """The figure as API and command line show it; times in RFC 3339, `value` None where there is no data."""
    window = figure.window
    return {
        "id": figure.id,
        "scope": figure.scope,
        "scope_id": figure.scope_id,
        "label": figure.label,
        "window": {"name": window.name, "from": rfc3339(window.from_ms), "to": rfc3339(window.to_ms)},
        "unit": figure.unit,
        "shown": figure.shown,
        **figure_numbers(figure),
        "counts": figure.counts,
        "amounts": figure.amounts,
    }


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
