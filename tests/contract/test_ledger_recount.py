"""A plain recount agrees with healthy books, and names every way in which books can be ill."""

from random import Random
from typing import Any

import msgspec
import pytest
from sqlalchemy import update

from farm.ledger import schema
from farm.ledger.batch import Batch
from farm.ledger.ledger import Ledger
from farm.ledger.recount import Difference, LedgerRecount
from farm.model.states import CancelledBy, Outcome, PrinterState
from tests.contract.ledger_samples import a_job, a_printer, a_span, an_ended_job, an_id, farm

ANNA = an_id("anna")


@pytest.fixture
def healthy(ledger: Ledger) -> Ledger:
    ledger.commit(farm("anna", "bert"))
    ledger.commit(
        Batch(
            spans=[
                a_span(PrinterState.IDLE, 0, 100),
                a_span(PrinterState.PRINTING, 100, 200),
                a_span(PrinterState.IDLE, 200, 300),
                a_span(PrinterState.PRINTING, 300, None),
            ],
            jobs=[
                an_ended_job("first", 200),
                an_ended_job("twin", 300, started_ms=200, outcome=Outcome.CANCELLED, units=3),
                a_job("open", started_ms=300),
            ],
        )
    )
    return ledger


def found(ledger: Ledger, printer: str = ANNA) -> list[tuple[str, int]]:
    return [(each.kind.value, each.at_ms) for each in LedgerRecount(ledger.engine).differences(printer)]


def change(ledger: Ledger, table: Any, where: Any, **values: Any) -> None:
    with ledger.engine.begin() as connection:
        connection.execute(update(table).where(where).values(values))


def test_healthy_books_differ_in_nothing(healthy: Ledger) -> None:
    assert found(healthy) == []
    assert found(healthy, an_id("bert")) == []


def test_jobs_that_overlap_are_named(healthy: Ledger) -> None:
    healthy.commit(Batch(jobs=[an_ended_job("late", 250, started_ms=150)]))
    assert {kind for kind, _ in found(healthy)} == {"overlapping_jobs"}
    texts = [each.detail for each in LedgerRecount(healthy.engine).differences(ANNA)]
    assert any("first.gcode" in text and "late.gcode" in text for text in texts)


def test_a_job_that_ends_before_it_began_is_named(healthy: Ledger) -> None:
    healthy.commit(Batch(jobs=[an_ended_job("odd", 40, started_ms=50)]))
    assert ("job_backwards", 40) in found(healthy)


def test_a_hole_in_the_account_is_named_with_where_it_begins(healthy: Ledger) -> None:
    span = schema.span.c
    change(healthy, schema.span, span.from_ms == 200, to_ms=250)
    assert ("span_hole", 250) in found(healthy)


def test_a_hole_before_the_first_span_is_named(healthy: Ledger) -> None:
    healthy.commit(Batch(printers=[a_printer("anna", first_seen_ms=-50)]))
    assert found(healthy) == [("span_hole", -50)]


@pytest.mark.parametrize("to_ms", [250, None])
def test_spans_that_overlap_are_named_with_where_they_do(healthy: Ledger, to_ms: int | None) -> None:
    change(healthy, schema.span, schema.span.c.from_ms == 100, to_ms=to_ms)
    assert ("span_overlap", 200) in found(healthy)


def test_each_ending_has_a_sum_of_its_own(ledger: Ledger) -> None:
    endings: list[dict[str, Any]] = [{"outcome": outcome} for outcome in Outcome]
    endings += [{"outcome": Outcome.CANCELLED, "cancelled_by": by} for by in CancelledBy]
    jobs = [
        an_ended_job(f"job {n}", 20 * n + 10, started_ms=20 * n, units=n + 1, **ending)
        for n, ending in enumerate(endings)
    ]
    ledger.commit(Batch(printers=[a_printer()], jobs=jobs))
    assert found(ledger) == []


@pytest.mark.parametrize("seed", range(3))
def test_books_that_are_revised_by_chance_stay_without_difference(ledger: Ledger, seed: int) -> None:
    chance = Random(seed)
    ledger.commit(farm("anna"))
    jobs: dict[int, Any] = {}
    for _ in range(30):
        at = chance.randint(0, 9)
        jobs[at] = an_ended_job(
            f"job {at}",
            100 * at + chance.randint(1, 99),
            started_ms=100 * at,
            outcome=chance.choice(list(Outcome)),
            printing_ms=chance.randint(0, 50),
        )
        withdrawn = [jobs.pop(chance.choice(list(jobs))).id] if chance.random() < 0.3 else []
        cut = chance.randint(0, 1_000)
        states = [chance.choice(list(PrinterState)) for _ in range(3)]
        begun = [a_span(state, cut + 10 * n, cut + 10 * n + 10) for n, state in enumerate(states)]
        begun[-1] = msgspec.structs.replace(begun[-1], to_ms=None)
        if cut > 0:
            begun.insert(0, a_span(PrinterState.IDLE, 0, cut))
        ledger.commit(
            Batch(jobs=list(jobs.values()), withdrawn_jobs=withdrawn, cuts=[(ANNA, 0)], spans=begun)
        )
        assert found(ledger) == []


def test_a_difference_says_of_which_printer_it_is(healthy: Ledger) -> None:
    change(healthy, schema.span, schema.span.c.from_ms == 200, to_ms=250)
    assert {each.printer_id for each in LedgerRecount(healthy.engine).differences(ANNA)} == {ANNA}
    assert all(isinstance(each, Difference) for each in LedgerRecount(healthy.engine).differences(ANNA))
