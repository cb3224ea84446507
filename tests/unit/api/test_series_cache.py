import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from api import series_cache
from api.series_cache import KEEP_S, MOST_KEPT, SeriesCache
from farm.errors import InvalidQuery
from farm.figures.engine import SomeOf
from farm.kpi.figure import KpiSeries, SeriesPoint
from farm.kpi.indicator import Unit
from farm.kpi.periods import Period
from farm.kpi.selection import EVERYBODY, Selection
from farm.kpi.subjects import Scope
from farm.kpi.windows import Window
from farm.model.times import DAY_MS, HOUR_MS
from farm.settings import SiteSettings
from tests.fakes.farm_server import farm_ledger
from tests.fakes.sample_farm import NOW_MS, sample_farm
from tests.figures import kpi_engine

UTILIZATION = "utilization"
DAY = Window("24h", NOW_MS - DAY_MS, NOW_MS)


class Stopwatch:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at_s = 100.0

    def __call__(self) -> float:
        return self.at_s


def test_gives_a_series_again_for_some_seconds_and_then_works_it_out_anew() -> None:
    watch = Stopwatch()
    with farm_ledger(sample_farm(3, days=2)) as ledger:
        cache = SeriesCache(kpi_engine(ledger, SiteSettings()), watch)
        first = cache.series(UTILIZATION, DAY, Scope.FARM, Period.HOUR, EVERYBODY, NOW_MS)
        watch.at_s += KEEP_S - 0.1
        assert cache.series(UTILIZATION, DAY, Scope.FARM, Period.HOUR, EVERYBODY, NOW_MS + 1) is first
        watch.at_s += 0.2
        assert (
            cache.series(UTILIZATION, DAY, Scope.FARM, Period.HOUR, EVERYBODY, NOW_MS + 2).at_ms == NOW_MS + 2
        )


def test_tells_windows_periods_and_printers_apart() -> None:
    with farm_ledger(farm := sample_farm(2, days=2)) as ledger:
        cache = SeriesCache(kpi_engine(ledger, SiteSettings()), Stopwatch())
        one = Selection(printers=(farm.printers[0].id,))
        answers = [
            cache.series(UTILIZATION, DAY, Scope.FARM, Period.HOUR, EVERYBODY, NOW_MS),
            cache.series(UTILIZATION, DAY, Scope.FARM, Period.DAY, EVERYBODY, NOW_MS),
            cache.series(UTILIZATION, DAY, Scope.PRINTER, Period.HOUR, EVERYBODY, NOW_MS),
            cache.series(UTILIZATION, DAY, Scope.FARM, Period.HOUR, one, NOW_MS),
            cache.series(
                "utilization",
                Window("8h", NOW_MS - 8 * HOUR_MS, NOW_MS),
                Scope.FARM,
                Period.HOUR,
                EVERYBODY,
                NOW_MS,
            ),
        ]
    assert len({rows_of(answer.rows) for answer in answers}) == len(answers)


def rows_of(rows: list[KpiSeries]) -> str:
    return str([(row.id, row.scope_id, row.points) for row in rows])


def test_a_question_that_cannot_be_answered_is_asked_again() -> None:
    endless = Window("endless", 0, NOW_MS)
    with farm_ledger(sample_farm(1, days=1)) as ledger:
        cache = SeriesCache(kpi_engine(ledger, SiteSettings()), Stopwatch())
        for _ in range(2):
            with pytest.raises(InvalidQuery, match="more than 1000 periods"):
                cache.series(UTILIZATION, endless, Scope.FARM, Period.HOUR, EVERYBODY, NOW_MS)


class SlowEngine:
    """Works the window `slow` out only when it is let go; everything else at once."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.begun = threading.Event()
        self.asked: list[str] = []

    def series(self, _kpi_ids: None, window: Window, *_: Any, **__: Any) -> SomeOf[KpiSeries]:
        self.asked.append(window.name)
        if window.name == "slow":
            self.begun.set()
            assert self.let_go.wait(10), "nobody let the slow series go"
        return SomeOf([], 0)


SLOW = Window("slow", NOW_MS - DAY_MS, NOW_MS)


def test_a_slow_series_holds_up_no_other() -> None:
    engine: Any = SlowEngine()
    cache = SeriesCache(engine)
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(cache.series, UTILIZATION, SLOW, Scope.FARM, None, EVERYBODY, NOW_MS)
        assert engine.begun.wait(10)
        other = pool.submit(cache.series, UTILIZATION, DAY, Scope.FARM, None, EVERYBODY, NOW_MS)
        try:
            assert other.result(5).rows == []
            assert not slow.done()
        finally:
            engine.let_go.set()
        assert slow.result(5).rows == []


def test_who_asks_for_the_same_waits_for_the_one_who_works_it_out() -> None:
    engine: Any = SlowEngine()
    cache = SeriesCache(engine)
    with ThreadPoolExecutor(3) as pool:
        asked = [
            pool.submit(cache.series, UTILIZATION, SLOW, Scope.FARM, None, EVERYBODY, NOW_MS)
            for _ in range(3)
        ]
        assert engine.begun.wait(10)
        engine.let_go.set()
        answers = [each.result(5) for each in asked]
    assert engine.asked == ["slow"]
    assert all(answer is answers[0] for answer in answers)


def test_only_so_many_are_kept() -> None:
    engine: Any = SlowEngine()
    cache = SeriesCache(engine, Stopwatch())
    for number in range(MOST_KEPT + 1):
        cache.series(UTILIZATION, Window(str(number), 0, 1), Scope.FARM, None, EVERYBODY, NOW_MS)
    cache.series(UTILIZATION, Window("0", 0, 1), Scope.FARM, None, EVERYBODY, NOW_MS)
    cache.series(UTILIZATION, Window(str(MOST_KEPT), 0, 1), Scope.FARM, None, EVERYBODY, NOW_MS)
    assert engine.asked == [*map(str, range(MOST_KEPT + 1)), "0"]


class Counting:
    """Gives series of ten points each, and knows which of its answers are still held."""

    def __init__(self) -> None:
        self._given: dict[str, weakref.ref[SomeOf[KpiSeries]]] = {}

    def series(self, _kpi_ids: None, window: Window, *_: Any, **__: Any) -> SomeOf[KpiSeries]:
        points = (SeriesPoint(0, 1, 0.5, None, None, None),) * 10
        row = KpiSeries(
            id=UTILIZATION,
            scope=Scope.FARM,
            scope_id="",
            label="",
            unit=Unit.RATIO,
            window=window,
            period=Period.DAY,
            points=points,
        )
        found = SomeOf([row], 0)
        self._given[window.name] = weakref.ref(found)
        return found

    @property
    def held(self) -> list[str]:
        gc.collect()
        return [name for name, answer in self._given.items() if answer() is not None]


def ask(cache: SeriesCache, names: str) -> None:
    for name in names:
        cache.series(UTILIZATION, Window(name, 0, 1), Scope.FARM, None, EVERYBODY, NOW_MS)


def test_of_too_many_points_those_asked_for_longest_ago_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(series_cache, "MOST_POINTS", 25)
    engine: Any = Counting()
    cache = SeriesCache(engine, Stopwatch())
    ask(cache, "abac")
    assert engine.held == ["a", "c"]
    monkeypatch.setattr(series_cache, "MOST_POINTS", 5)
    ask(cache, "d")
    assert engine.held == ["d"]


def test_an_answer_that_is_given_no_more_is_forgotten() -> None:
    engine: Any = Counting()
    watch = Stopwatch()
    cache = SeriesCache(engine, watch)
    ask(cache, "ab")
    watch.at_s += KEEP_S + 1
    ask(cache, "c")
    assert engine.held == ["c"]
