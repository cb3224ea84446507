"""The course of the indicators over time, worked out once for all who ask at about the same time."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec

from farm.figures.engine import KpiEngine
from farm.kpi.figure import KpiSeries
from farm.kpi.periods import Period
from farm.kpi.subjects import Scope
from farm.kpi.windows import Window

KEEP_S = 5.0
"""Seconds for which a course is given again, or ten times what it took where that is longer."""
MOST_KEPT = 64

_Key: TypeAlias = tuple[str, Scope, Period | None, tuple[str, ...] | None]


class CachedSeries(msgspec.Struct, frozen=True):
    """Every indicator's rows, as they were at `at_ms`."""

    at_ms: int
    rows: list[KpiSeries]


class SeriesCache:
    """Works series out one at a time, all indicators at once, and keeps them for some seconds.

    A course is dozens of windows, which on a large farm takes the database seconds; every
    open page asks for the same few.
    """

    def __init__(self, engine: KpiEngine, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._kept: dict[_Key, tuple[float, CachedSeries]] = {}

    def course(
        self, window: Window, by: Scope, period: Period | None, printers: Sequence[str] | None, now_ms: int
    ) -> CachedSeries:
        """The course over the window. Raises InvalidQuery when it holds too many periods."""
        key = window.name, by, period, None if printers is None else tuple(printers)
        with self._lock:
            kept = self._kept.pop(key, None)
            began = self._monotonic()
            if kept is None or kept[0] <= began:
                rows = self._engine.series(None, window, by, now_ms, period=period, printers=printers)
                ended = self._monotonic()
                kept = ended + max(KEEP_S, 10 * (ended - began)), CachedSeries(now_ms, rows)
            self._kept[key] = kept
            while len(self._kept) > MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            return kept[1]
