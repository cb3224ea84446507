"""Which telemetry is worth keeping: thinned by dead-band and interval, per measurement.

A value is kept when it has left the dead-band around the value kept before and its
shortest interval has passed, and again when its longest interval has passed. Samples of
one printer lie at least `spacing_seconds` apart, whatever the settings of the single
measurements, so that a farm's number of points a day has a ceiling that can be stated.
"""

from typing import Any, Final

import msgspec
from pydantic import Field, model_validator

from farm.model.observation import Telemetry
from farm.model.times import SECOND_MS
from farm.settings import Section

MEASUREMENTS: Final[tuple[str, ...]] = Telemetry.__struct_fields__
"""The names of all figures, in the order of the struct."""


class MeasurementThinning(Section):
    """How one measurement is thinned."""

    dead_band: float = Field(
        default=0.0, ge=0, description="Change, in the measurement's unit, that is passed over."
    )
    shortest_seconds: float = Field(
        default=30, ge=0, description="Changes are not kept more often than this."
    )
    longest_seconds: float = Field(
        default=600, gt=0, description="A value that does not change is kept this often."
    )

    @model_validator(mode="after")
    def _shortest_first(self) -> "MeasurementThinning":
        if self.shortest_seconds > self.longest_seconds:
            raise ValueError("shortest_seconds must not be above longest_seconds")
        return self


def _every(shortest_seconds: float, dead_band: float = 0.0, *, about: str) -> Any:
    """A figure's own defaults, with what it is and its unit."""
    thinning = MeasurementThinning(
        dead_band=dead_band, shortest_seconds=shortest_seconds, longest_seconds=600
    )
    return Field(default=thinning, description=about)


class ThinningSettings(Section):
    """How telemetry is thinned before it is kept, in the ledger and in InfluxDB alike."""

    spacing_seconds: float = Field(
        default=30, gt=0, description="Two samples of a printer are at least so far apart."
    )
    nozzle: MeasurementThinning = _every(30, dead_band=2.0, about="Nozzle temperature, degrees Celsius.")
    nozzle_target: MeasurementThinning = _every(30, about="Nozzle target, degrees Celsius.")
    bed: MeasurementThinning = _every(30, dead_band=1.0, about="Bed temperature, degrees Celsius.")
    bed_target: MeasurementThinning = _every(30, about="Bed target, degrees Celsius.")
    chamber: MeasurementThinning = _every(60, dead_band=1.0, about="Chamber temperature, degrees Celsius.")
    progress: MeasurementThinning = _every(60, dead_band=0.009, about="Progress of the job, 0 to 1.")
    layer: MeasurementThinning = _every(60, about="Layer under way.")
    layers: MeasurementThinning = _every(60, about="Layers of the job.")
    z_mm: MeasurementThinning = _every(120, dead_band=0.5, about="Height, millimetres.")
    speed_mm_s: MeasurementThinning = _every(300, dead_band=10.0, about="Speed, millimetres a second.")
    speed_factor: MeasurementThinning = _every(30, dead_band=0.009, about="Speed override, 1 is as sliced.")
    flow_factor: MeasurementThinning = _every(30, dead_band=0.009, about="Flow override, 1 is as sliced.")
    fan: MeasurementThinning = _every(60, dead_band=0.05, about="Part fan, 0 to 1.")
    filament_mm: MeasurementThinning = _every(
        300, dead_band=100.0, about="Filament used by the job, millimetres."
    )
    remaining_s: MeasurementThinning = _every(
        600, dead_band=60.0, about="What remains of the job by its source's account, seconds."
    )


_Figures = tuple[int | float | None, ...]
_NONE: Final[_Figures] = (None,) * len(MEASUREMENTS)


class Thinner(msgspec.Struct):
    """What one printer's thinning remembers. A new one keeps the next sample whole.

    `said` holds the last value of each figure, `kept` the one kept last and `kept_ms` when.
    """

    sample_ms: int | None = None
    said: _Figures = _NONE
    kept: _Figures = _NONE
    kept_ms: tuple[int, ...] = (0,) * len(MEASUREMENTS)

    def __post_init__(self) -> None:
        """Make room for figures that a release did not know which stored it."""
        new = len(MEASUREMENTS) - len(self.said)
        if new > 0:
            unknown = (None,) * new
            self.said, self.kept = self.said + unknown, self.kept + unknown
            self.kept_ms += (0,) * new


class ThinningPolicy:
    """The settings made ready for use on every message."""

    def __init__(self, settings: ThinningSettings) -> None:
        rules: list[MeasurementThinning] = [getattr(settings, name) for name in MEASUREMENTS]
        self._spacing_ms = round(settings.spacing_seconds * SECOND_MS)
        self._dead_bands = tuple(rule.dead_band for rule in rules)
        self._shortest_ms = tuple(round(rule.shortest_seconds * SECOND_MS) for rule in rules)
        self._longest_ms = tuple(round(rule.longest_seconds * SECOND_MS) for rule in rules)
        self._set_back_ms = max(self._longest_ms)

    def keep(self, state: Thinner, at_ms: int, values: Telemetry) -> Telemetry | None:
        """What is to be kept of the figures that the printer said at `at_ms`, if anything.

        `values` may hold only what changed: a figure stands until another one is said. A
        sample older than the last kept one is passed over, unless it is so much older
        that the printer's clock must have been set back: then thinning begins anew.
        """
        said = _merged(state.said, msgspec.structs.astuple(values))
        state.said = said
        if state.sample_ms is not None:
            since = at_ms - state.sample_ms
            if -self._set_back_ms <= since < self._spacing_ms:
                return None
            if since < 0:
                state.kept = _NONE
        chosen = self._chosen(state, at_ms, said)
        if not chosen:
            return None
        kept, kept_ms = list(state.kept), list(state.kept_ms)
        for index in chosen:
            kept[index], kept_ms[index] = said[index], at_ms
        state.kept, state.kept_ms, state.sample_ms = tuple(kept), tuple(kept_ms), at_ms
        return Telemetry(**{MEASUREMENTS[index]: said[index] for index in chosen})  # type: ignore[arg-type]

    def _chosen(self, state: Thinner, at_ms: int, said: _Figures) -> list[int]:
        """The positions of the figures to keep: all of them when one's longest interval is over.

        Keeping all at once holds the samples of a quiet printer together.
        """
        changed: list[int] = []
        due = False
        for index, value in enumerate(said):
            if value is None:
                continue
            before = state.kept[index]
            if before is None:
                changed.append(index)
                due = True
                continue
            age_ms = at_ms - state.kept_ms[index]
            if age_ms >= self._longest_ms[index]:
                return [position for position, figure in enumerate(said) if figure is not None]
            if abs(value - before) > self._dead_bands[index]:
                changed.append(index)
                due = due or age_ms >= self._shortest_ms[index]
        return changed if due else []


def _merged(before: _Figures, now: _Figures) -> _Figures:
    return tuple([new if new is not None else old for new, old in zip(now, before, strict=True)])
