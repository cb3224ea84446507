"""A simulated shop with calendars, maintenance, verdicts and every fault: each indicator against its truth.

The same over two years: `python -m tests.bench indicators`.
"""

from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, select, update

from farm.kpi.catalogue import CATALOGUE
from farm.kpi.subjects import Scope
from farm.ledger import schema
from farm.ledger.calendar_store import CalendarStore
from farm.ledger.ledger import Ledger, open_ledger
from farm.ledger.maintenance_store import MaintenanceStore
from farm.model.calendar_change import ChangedBy
from farm.model.states import Outcome
from farm.model.times import DAY_MS, HOUR_MS
from simulators.recount.comparison import FigureVerification, verify_figures
from simulators.simulation import Wish, planned
from simulators.truth import Truth
from simulators.verify import verify
from tests.simulated_shop import book_shop

TURNED_CLOCK = "2026-03-28T00:00:00Z"
"""A Saturday; in the night after it the clock of the shop is turned."""
MONDAY = "2026-03-30T09:00:00Z"


def a_shop(
    ledger: Ledger, folder: Path, *, days: float = 2.5, printers: int = 3, seed: int, faults: str = "all"
) -> Truth:
    wish = Wish(
        scenario="shop",
        printers=printers,
        days=days,
        seed=seed,
        faults=faults,
        speed="max",
        start=TURNED_CLOCK,
    )
    return book_shop(planned(wish, 0), ledger, folder / "truth.jsonl")


def counts(verification: FigureVerification) -> dict[str, tuple[int, int, int]]:
    return {each.indicator: (each.equal, each.within, each.wrong) for each in verification.checked}


@pytest.mark.timeout(120)
def test_every_indicator_is_the_true_one_or_holds_it_in_its_range(shared_url: str, tmp_path: Path) -> None:
    with open_ledger(shared_url) as ledger:
        truth = a_shop(ledger, tmp_path, seed=1)
        assert verify(truth, ledger).holds
        found = verify_figures(truth, ledger)
    assert found.wrong == []
    ids = [each.indicator for each in found.checked] + [each.indicator for each in found.not_compared]
    assert sorted(ids) == sorted(entry.id for entry in CATALOGUE)
    for each in found.checked:
        assert each.checked == each.equal + each.within >= 30
        assert each.equal > 0


@pytest.mark.timeout(120)
def test_where_nothing_is_unknown_figures_are_the_true_ones(tmp_path: Path) -> None:
    with open_ledger("sqlite://") as ledger:
        truth = a_shop(ledger, tmp_path, seed=3, days=1.5, printers=2, faults="none")
        found = counts(verify_figures(truth, ledger))
    of_jobs = ("print_success_rate", "success_after_inspection", "inspected_yield", "throughput", "mcbf")
    for indicator in (*of_jobs, "avg_production_time"):
        equal, within, wrong = found[indicator]
        assert (within, wrong) == (0, 0), indicator
        assert equal >= 20
    assert {wrong for _, _, wrong in found.values()} == {0}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", [1, 7])
def test_a_farm_that_starts_while_it_is_asked_is_booked_as_it_truly_is(seed: int, tmp_path: Path) -> None:
    """Who asks a Moonraker hears of it before its Klipper is there."""
    wish = Wish(printers=14, days=16 / 1440, seed=seed, speed="max", start=MONDAY, report_seconds=2)
    with open_ledger("sqlite://") as ledger:
        truth = book_shop(planned(wish, 0), ledger, tmp_path / "truth.jsonl", asks=True)
        assert verify(truth, ledger).holds
        found = verify_figures(truth, ledger)
    assert found.wrong == []
    uptime = counts(found)["total_uptime"]
    assert uptime[0] > 0


@pytest.mark.timeout(120)
def test_of_a_printer_that_prints_on_while_its_link_is_gone_the_range_holds(tmp_path: Path) -> None:
    """The broker is shut down in order and publishes the last wills of all."""
    wish = Wish(scenario="shop", days=5, seed=9, speed="max", faults="all")
    with open_ledger("sqlite://") as ledger:
        truth = book_shop(planned(wish, 0), ledger, tmp_path / "truth.jsonl")
        assert verify(truth, ledger).holds


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", [1, 2])
def test_of_a_farm_that_was_at_work_before_anybody_listened_the_ranges_hold_too(
    seed: int, tmp_path: Path
) -> None:
    wish = Wish(scenario="demo", printers=14, days=16 / 1440, seed=seed, speed="max", start=MONDAY)
    with open_ledger("sqlite://") as ledger:
        truth = book_shop(planned(wish, 0), ledger, tmp_path / "truth.jsonl", asks=True, late_ms=246_000)
        found = verify(truth, ledger)
        assert verify_figures(truth, ledger).wrong == []
    assert found.holds
    assert found.figures.unknown > 2
    assert found.figures.right > 4


@pytest.fixture(scope="module")
def booked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    """A shop that can be copied and tampered with."""
    folder = tmp_path_factory.mktemp("shop")
    with open_ledger(f"sqlite:///{folder}/ledger.db") as ledger:
        truth = a_shop(ledger, folder, seed=2, faults="none")
    return folder / "ledger.db", truth


def an_outcome_is_another(ledger: Ledger, truth: Truth) -> None:
    job = schema.job.c
    with ledger.engine.begin() as connection:
        succeeded = select(job.id).where(job.outcome == Outcome.SUCCEEDED.value)
        first = connection.execute(succeeded.limit(1)).scalar_one()
        connection.execute(update(schema.job).where(job.id == first).values(outcome=Outcome.FAILED.value))


def a_verdict_is_gone(ledger: Ledger, truth: Truth) -> None:
    """One that found fault with what the printer called a success."""
    verdict, job = schema.verdict.c, schema.job.c
    of_success = (
        select(verdict.job_id)
        .join(schema.job, job.id == verdict.job_id)
        .where(job.outcome == Outcome.SUCCEEDED.value, verdict.rejected_units > 0)
        .order_by(verdict.rejected_units.desc())
    )
    with ledger.engine.begin() as connection:
        found = connection.execute(of_success.limit(1)).scalar_one()
        connection.execute(delete(schema.verdict).where(verdict.job_id == found))


def the_shop_keeps_other_hours(ledger: Ledger, truth: Truth) -> None:
    store = CalendarStore(ledger.engine, ZoneInfo(truth.header.time_zone))
    store.remove_calendar("two shifts", ChangedBy("eve", "", truth.header.to_ms))


def work_was_planned_that_was_not(ledger: Ledger, truth: Truth) -> None:
    begin = truth.header.from_ms + DAY_MS // 2
    by = ChangedBy("eve", "", truth.header.to_ms)
    MaintenanceStore(ledger.engine).plan(by, from_ms=begin, to_ms=begin + 8 * HOUR_MS)


def a_printer_stood_still(ledger: Ledger, truth: Truth) -> None:
    span = schema.span.c
    with ledger.engine.begin() as connection:
        connection.execute(update(schema.span).where(span.state == "printing").values(state="error"))


def faults_are_none(ledger: Ledger, truth: Truth) -> None:
    span = schema.span.c
    with ledger.engine.begin() as connection:
        connection.execute(update(schema.span).where(span.state == "error").values(state="idle"))


def estimates_are_others(ledger: Ledger, truth: Truth) -> None:
    job = schema.job.c
    with ledger.engine.begin() as connection:
        connection.execute(update(schema.job).values(expected_ms=2 * job.expected_ms))


def failed_prints_took_more(ledger: Ledger, truth: Truth) -> None:
    job = schema.job.c
    failed = job.outcome == Outcome.FAILED.value
    more = {"filament_g": 2 * job.filament_g, "filament_mm": 2 * job.filament_mm}
    with ledger.engine.begin() as connection:
        connection.execute(update(schema.job).where(failed).values(more))


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("tampered", "wrong"),
    [
        (an_outcome_is_another, {"print_success_rate", "throughput", "mcbf", "mtbf"}),
        (an_outcome_is_another, {"failures_by_cause", "failed_hours"}),
        (a_verdict_is_gone, {"inspected_yield", "quality", "first_pass_yield"}),
        (estimates_are_others, {"estimate_accuracy", "performance", "oee"}),
        (failed_prints_took_more, {"material_waste"}),
        (the_shop_keeps_other_hours, {"utilization", "operational_uptime", "availability"}),
        (work_was_planned_that_was_not, {"utilization", "idle_time"}),
        (a_printer_stood_still, {"utilization", "idle_time", "total_uptime", "mtbf"}),
        (faults_are_none, {"mttr", "operational_uptime", "total_uptime"}),
    ],
)
def test_books_that_were_tampered_with_give_figures_that_are_found_wrong(
    booked: tuple[Path, Truth], tmp_path: Path, tampered: Callable[[Ledger, Truth], None], wrong: set[str]
) -> None:
    file, truth = booked
    copy = tmp_path / "ledger.db"
    copy.write_bytes(file.read_bytes())
    with open_ledger(f"sqlite:///{copy}") as ledger:
        tampered(ledger, truth)
        found = verify_figures(truth, ledger)
    assert {each.indicator for each in found.wrong} >= wrong
    scopes = {each.scope for each in found.wrong}
    assert Scope.PRINTER in scopes
    assert scopes & {Scope.FARM, Scope.GROUP}
    assert not found.holds
