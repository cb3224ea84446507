"""Series of the indicators, worked out once for all who ask at about the same time."""

import threading
import time
from collections.abc import Callable
from typing import Final, TypeAlias

import msgspec

from farm.figures.engine import MOST_SUBJECTS, KpiEngine
from farm.kpi.figure import KpiSeries
from farm.kpi.periods import Period
from farm.kpi.selection import Selection
from farm.kpi.subjects import Scope, Scopes, as_scopes
from farm.kpi.windows import Window

KEEP_S: Final = 5.0
"""Seconds for which a series is given again, or ten times what it took where that is longer."""
MOST_KEPT: Final = 64
MOST_POINTS: Final = 100_000
"""So many points may be kept of all series, which take some 20 MB; those of the last answer always are."""
MOST_AT_ONCE: Final = 4
"""How many are worked out at the same time: each holds a connection to the database."""

_Key: TypeAlias = tuple[str, str, Scopes, Period | None, Selection, int]


class CachedSeries(msgspec.Struct, frozen=True):
    """An indicator's rows, as they were at `at_ms`, and how many more there would have been."""

    at_ms: int
    rows: list[KpiSeries]
    left_out: int = 0


class _Entry:
    """What is kept for one question. Its lock is held by whoever works the answer out."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.answer: CachedSeries | None = None
        self.points = 0
        self.good_until_s = 0.0


class SeriesCache:
    """Works a series out once and keeps the answer for some seconds.

    A series of every printer is thousands of figures, and every open page asks for the same few.
    Whoever asks for what is being worked out waits for it, and nobody else does. Safe to use from
    several threads.
    """

    def __init__(self, engine: KpiEngine, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._working = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._kept: dict[_Key, _Entry] = {}

    def series(
        self,
        kpi_id: str,
        window: Window,
        by: Scope | Scopes,
        period: Period | None,
        wanted: Selection,
        now_ms: int,
        limit: int = MOST_SUBJECTS,
    ) -> CachedSeries:
        """The series of the indicator over the window.

        Raises InvalidQuery when it holds too many periods, and for a name that there is not.
        """
        entry = self._entry((kpi_id, window.name, as_scopes(by), period, wanted, limit))
        with entry.lock:
            if entry.answer is None or entry.good_until_s <= self._monotonic():
                with self._working:
                    began_s = self._monotonic()
                    rows = self._engine.series(
                        [kpi_id], window, by, now_ms, period=period, wanted=wanted, limit=limit
                    )
                ended_s = self._monotonic()
                entry.answer = CachedSeries(now_ms, rows, rows.left_out)
                entry.points = sum(len(row.points) for row in rows)
                entry.good_until_s = ended_s + max(KEEP_S, 10 * (ended_s - began_s))
                self._make_room(entry, ended_s)
            return entry.answer

    def _entry(self, key: _Key) -> _Entry:
        """The entry of the question; those asked for longest ago make room."""
        with self._lock:
            entry = self._kept.pop(key, None) or _Entry()
            self._kept[key] = entry
            while len(self._kept) > MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            return entry

    def _make_room(self, last: _Entry, now_s: float) -> None:
        """Forget what is given no more, and what was asked for longest ago while there is too much."""
        with self._lock:
            points = sum(each.points for each in self._kept.values())
            for key, entry in [*self._kept.items()]:
                if entry.answer is None or entry is last:
                    continue
                if entry.good_until_s <= now_s or points > MOST_POINTS:
                    points -= entry.points
                    del self._kept[key]
