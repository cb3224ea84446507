import pytest

from api.series_cache import KEEP_S, SeriesCache
from farm.errors import InvalidQuery
from farm.figures.engine import KpiEngine
from farm.kpi.figure import KpiSeries
from farm.kpi.periods import Period
from farm.kpi.subjects import Scope
from farm.kpi.windows import Window
from farm.model.times import DAY_MS, HOUR_MS
from farm.settings import SiteSettings
from tests.fakes.farm_server import farm_ledger
from tests.fakes.sample_farm import NOW_MS, sample_farm

DAY = Window("24h", NOW_MS - DAY_MS, NOW_MS)


class Stopwatch:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at_s = 100.0

    def __call__(self) -> float:
        return self.at_s


def test_gives_a_course_again_for_some_seconds_and_then_works_it_out_anew() -> None:
    watch = Stopwatch()
    with farm_ledger(sample_farm(3, days=2)) as ledger:
        series_cache = SeriesCache(KpiEngine(ledger, SiteSettings()), watch)
        first = series_cache.course(DAY, Scope.FARM, Period.HOUR, None, NOW_MS)
        watch.at_s += KEEP_S - 0.1
        assert series_cache.course(DAY, Scope.FARM, Period.HOUR, None, NOW_MS + 1) is first
        watch.at_s += 0.2
        assert series_cache.course(DAY, Scope.FARM, Period.HOUR, None, NOW_MS + 2).at_ms == NOW_MS + 2


def test_tells_windows_periods_and_printers_apart() -> None:
    with farm_ledger(farm := sample_farm(2, days=2)) as ledger:
        series_cache = SeriesCache(KpiEngine(ledger, SiteSettings()), Stopwatch())
        one = [farm.printers[0].id]
        answers = [
            series_cache.course(DAY, Scope.FARM, Period.HOUR, None, NOW_MS),
            series_cache.course(DAY, Scope.FARM, Period.DAY, None, NOW_MS),
            series_cache.course(DAY, Scope.PRINTER, Period.HOUR, None, NOW_MS),
            series_cache.course(DAY, Scope.FARM, Period.HOUR, one, NOW_MS),
            series_cache.course(
                Window("8h", NOW_MS - 8 * HOUR_MS, NOW_MS), Scope.FARM, Period.HOUR, None, NOW_MS
            ),
        ]
    assert len({rows_of(answer.rows) for answer in answers}) == len(answers)


def rows_of(rows: list[KpiSeries]) -> str:
    return str([(row.id, row.scope_id, row.points) for row in rows])


def test_a_question_that_cannot_be_answered_is_asked_again() -> None:
    endless = Window("endless", 0, NOW_MS)
    with farm_ledger(sample_farm(1, days=1)) as ledger:
        series_cache = SeriesCache(KpiEngine(ledger, SiteSettings()), Stopwatch())
        for _ in range(2):
            with pytest.raises(InvalidQuery, match="more than 1000 periods"):
                series_cache.course(endless, Scope.FARM, Period.HOUR, None, NOW_MS)
