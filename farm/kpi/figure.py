"""An indicator's figure, and a row of them over time."""

import msgspec

from farm.kpi.catalogue import Unit, shown
from farm.kpi.periods import Period
from farm.kpi.subjects import Scope
from farm.kpi.wilson import Interval95
from farm.kpi.windows import Window


class KpiFigure(msgspec.Struct, frozen=True, kw_only=True):
    """One indicator of one subject over one window, with what is needed to judge it.

    `value` is in `unit`; None means no data, which is not zero. `low` and `high` say where
    the value would lie at worst and at best if everything unknown were known. `interval`
    is the 95 % interval of a rate at its counts. `counts` and `amounts` are what the value
    is made of, and `observed_share` is the part of the printers' time of which we know
    the state (None where there was no time). `window` reaches no further than the present.
    """

    id: str
    scope: Scope
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
    scope: Scope
    scope_id: str
    label: str
    unit: Unit
    window: Window
    period: Period
    points: tuple[SeriesPoint, ...]
