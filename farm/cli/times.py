"""Times on the command line: asked for as people name them, told on the farm's clock or in UTC."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, TypeAlias
from zoneinfo import ZoneInfo

from typer import Option

from farm.model.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from farm.tables import NOTHING, Cell, Displayed

if TYPE_CHECKING:
    from farm.app.config import Configuration
    from farm.ledger.ledger_reader import LedgerReader

UtcOption: TypeAlias = Annotated[
    bool, Option("--utc", help="Tell and take times in UTC instead of the farm's time zone.")
]

_DAYS_BY_NAME = 6
_DAYS_AHEAD_BY_MONTH = 300
"""So far ahead a month needs no year."""
_UNITS = ((2 * DAY_MS, DAY_MS, "d"), (2 * HOUR_MS, HOUR_MS, "h"), (MINUTE_MS, MINUTE_MS, "min"))
"""From which length on (ms) it is told in a unit."""


@dataclass(frozen=True)
class FarmClock:
    """The clock by which times are told: its zone, and the ledger's present."""

    zone: ZoneInfo
    now_ms: int

    def moment(self, text: str, option: str, *, at_end: bool = False) -> int:
        """The instant (ms since 1970) that `option` names; of a day its end with `at_end`.

        Raises InvalidQuery, which names option and allowed forms.
        """
        from farm.errors import InvalidQuery
        from farm.kpi.moments import MOMENT_FORMS, parse_moment

        try:
            return parse_moment(text, self.now_ms, self.zone, at_end=at_end)
        except (ValueError, OverflowError) as error:
            raise InvalidQuery(f"{option} {text}: must be {MOMENT_FORMS}") from error

    def exact(self, at_ms: int) -> str:
        """The instant with its offset from UTC: `2026-11-22T14:30:05+01:00`."""
        text = self._local(at_ms).isoformat()
        return text.replace("+00:00", "Z") if self.zone.key == "UTC" else text

    def instant(self, at_ms: int | None) -> Cell:
        """When it was, as short as the day lets it be: `14:30`, `Tue 14:30`, `1 Nov 14:30`, `2025-11-01`."""
        if at_ms is None:
            return NOTHING
        then, today = self._local(at_ms), self._local(self.now_ms)
        days = (today.date() - then.date()).days
        if days == 0:
            short = f"{then:%H:%M}"
        elif 0 < days <= _DAYS_BY_NAME:
            short = f"{then:%a %H:%M}"
        elif then.year == today.year or 0 < -days < _DAYS_AHEAD_BY_MONTH:
            short = f"{then.day} {then:%b %H:%M}"
        else:
            short = f"{then:%Y-%m-%d}"
        return Displayed(short, self.exact(at_ms))

    def ago(self, at_ms: int | None) -> Cell:
        """How long ago it was: `12 s ago`, `3 h ago`, `5 d ago`."""
        if at_ms is None:
            return NOTHING
        return Displayed(f"{rough_span(self.now_ms - at_ms)} ago", self.exact(at_ms))

    def lasting(self, since_ms: int) -> Cell:
        """For how long it has lasted; in a pipe since when."""
        return Displayed(rough_span(self.now_ms - since_ms), self.exact(since_ms))

    @property
    def told(self) -> str:
        """The time zone in words, for a heading."""
        return f"Times: {self.zone.key}"

    def _local(self, at_ms: int) -> datetime:
        return datetime.fromtimestamp(at_ms // SECOND_MS, self.zone)


def farm_clock(configuration: "Configuration", reader: "LedgerReader", *, utc: bool) -> FarmClock:
    """The clock of the farm, or that of UTC, at the ledger's present."""
    from farm.app.wiring import now_of

    return FarmClock(ZoneInfo("UTC" if utc else configuration.site.time_zone), now_of(reader))


def rough_span(length_ms: int) -> str:
    """A length of time in one unit: `41 s`, `12 min`, `5 h`, `3 d`."""
    length_ms = max(0, length_ms)
    for least_ms, unit_ms, name in _UNITS:
        if length_ms >= least_ms:
            return f"{length_ms // unit_ms} {name}"
    return f"{length_ms // SECOND_MS} s"


def span_text(length_ms: int) -> str:
    """A length of time as people say it: `2 h 05 min`, `12 min 03 s`, `41 s`."""
    if length_ms >= HOUR_MS:
        return f"{length_ms // HOUR_MS} h {length_ms % HOUR_MS // MINUTE_MS:02d} min"
    if length_ms >= MINUTE_MS:
        return f"{length_ms // MINUTE_MS} min {length_ms % MINUTE_MS // SECOND_MS:02d} s"
    return f"{length_ms // SECOND_MS} s"
