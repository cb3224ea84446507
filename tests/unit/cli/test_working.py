"""What `layerline kpi --show-working` shows."""

from collections.abc import Iterator

import pytest

from farm.cli.figures import before_of, held_to
from farm.cli.times import FarmClock
from farm.cli.working import Workings, print_working
from farm.figures.engine import KpiEngine
from farm.kpi.figure import KpiFigure
from farm.kpi.periods import Period
from farm.kpi.selection import EVERYBODY
from farm.kpi.subjects import Scope
from farm.kpi.targets import Target
from farm.ledger.ledger import Ledger
from tests.unit.figures.test_working import BUSY, END, TWO_DAYS, engine_of, ledger_of

OWN = {
    "print_success_rate": (Target(low=0.9, meaning="what customers wait for"),),
    "throughput": (Target(low=100, per=Period.MONTH),),
}


@pytest.fixture(scope="module")
def ledger() -> Iterator[Ledger]:
    with ledger_of([BUSY]) as opened:
        yield opened


def figure_of(engine: KpiEngine, kpi_id: str) -> KpiFigure:
    (figure,) = engine.evaluate([kpi_id], TWO_DAYS, Scope.FARM, END, compared=True)
    return figure


def shown(ledger: Ledger, kpi_id: str, rows: int, capsys: pytest.CaptureFixture[str]) -> list[str]:
    engine = engine_of(ledger)
    workings = Workings(engine, (Scope.FARM,), TWO_DAYS, END, EVERYBODY)
    print_working(workings.pages(figure_of(engine, kpi_id)), FarmClock(engine.zone, END), rows)
    return [line.strip() for line in capsys.readouterr().out.splitlines()]


def test_the_formula_stands_above_sums_and_rows(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(ledger, "print_success_rate", 2, capsys)
    assert lines[1:5] == [
        "Print success rate of main",
        "2026-01-01T00:00:00Z to 2026-01-03T00:00:00Z",
        "succeeded ÷ attempts",
        "1 ÷ 2 = 50.00 %",
    ]
    assert any(line.startswith("outcome_unknown") and "opens the range" in line for line in lines)
    assert any("left out: cancelled not counted" in line for line in lines)
    assert lines[-1] == "and 2 further jobs: --rows, or --json for all that is told"


def test_time_is_told_with_how_much_of_it_counts(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(ledger, "utilization", 10, capsys)
    assert any("error" in line and "left out: closed 1 h" not in line for line in lines)
    assert any("available 4.00 h, left out: closed 1.00 h" in line for line in lines)
    assert not any("further" in line for line in lines)


def test_a_repair_stands_with_its_length(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(ledger, "mttr", 10, capsys)
    assert any("bay1" in line and "6 h 00 min" in line for line in lines)


def test_a_figure_tells_of_targets_and_of_the_window_before(ledger: Ledger) -> None:
    engine = engine_of(ledger, own_targets=OWN)
    rate, units = figure_of(engine, "print_success_rate"), figure_of(engine, "throughput")
    assert held_to(rate) == "target at least 90 % (what customers wait for): below, worse"
    assert held_to(units) == (
        "target at least 100 units a month: not compared, the period still runs, and it is not reached yet, "
        "3.0 % of it"
    )
    assert before_of(rate) == "–"
