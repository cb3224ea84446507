"""Figures beside those of the window before: compared only with what was there in all of it."""

import pytest

from farm.kpi.figure import FigureBefore
from farm.kpi.subjects import Scope
from farm.kpi.windows import Window
from farm.model.times import DAY_MS, HOUR_MS
from tests.unit.figures.test_working import BUSY, END, engine_of, ledger_of
from tests.unit.kpi.events import START_MS


def before_of(kpi_id: str, from_ms: int) -> FigureBefore:
    """That of a day from then on; the printer appeared at `START_MS`."""
    with ledger_of([BUSY]) as ledger:
        day = Window("a day", from_ms, from_ms + DAY_MS)
        (figure,) = engine_of(ledger).evaluate([kpi_id], day, Scope.FARM, END, compared=True)
    assert figure.before is not None
    return figure.before


@pytest.mark.parametrize("kpi_id", ["throughput", "print_success_rate"])
def test_a_farm_that_appeared_within_the_window_before_is_not_compared_with_it(kpi_id: str) -> None:
    young = before_of(kpi_id, START_MS + DAY_MS - HOUR_MS)
    assert young.value is not None
    assert (young.change, young.side) == (None, None)


def test_a_farm_that_was_there_in_all_of_it_is_compared() -> None:
    old = before_of("throughput", START_MS + DAY_MS)
    assert (old.value, old.change) == (3, -3)
