"""OEE with its factors and the accuracy of estimates, out of spans, jobs and verdicts in a ledger."""

from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.figures.engine import KpiEngine
from farm.figures.read_model import ReadModel
from farm.kpi.calculation import KpiInput
from farm.kpi.effectiveness import oee, quality
from farm.kpi.estimates import spread
from farm.kpi.figure import KpiFigure
from farm.kpi.outcomes import EstimateTally, InspectionTally, MedianTally
from farm.kpi.subjects import Scope
from farm.ledger.batch import Batch
from farm.ledger.figure_rows import FigureRows
from farm.ledger.ledger import Ledger, open_ledger
from farm.ledger.verdict_store import VerdictStore
from farm.model.feed import FeedEntry, FeedKind
from farm.model.job import Job
from farm.model.states import Outcome, PrinterState, RejectionReason
from farm.model.times import DAY_MS, HOUR_MS
from farm.model.verdict import Inspection
from farm.settings import SiteSettings
from tests.unit.kpi.events import START_MS, jobs_of, printer_called, spans_of
from tests.unit.kpi.test_families import BASES, basis_of

BAY, NOOK = printer_called("bay"), printer_called("nook")
END_MS = START_MS + DAY_MS
HOURS_OF_BAY = [
    (PrinterState.PRINTING, 6 * HOUR_MS),
    (PrinterState.IDLE, 6 * HOUR_MS),
    (PrinterState.PRINTING, 6 * HOUR_MS),
    (PrinterState.IDLE, 6 * HOUR_MS),
]


def printed(job: Job, hours: float, expected: float | None = None, file: str | None = "part.gcode") -> Job:
    expected_ms = None if expected is None else round(expected * HOUR_MS)
    printing_ms = round(hours * HOUR_MS)
    return msgspec.structs.replace(job, printing_ms=printing_ms, expected_ms=expected_ms, file=file)


def succeeded(*hours: float, expected: float | None = None, units: int = 1) -> list[Job]:
    """Jobs of the bay that ended well one after the other, a minute apart."""
    jobs = jobs_of(
        BAY, Outcome.SUCCEEDED, [END_MS - 60_000 * (n + 1) for n in range(len(hours))], units=units
    )
    return [printed(job, each, expected) for job, each in zip(jobs, hours, strict=True)]


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with open_ledger("sqlite://") as opened:
        opened.claim("collector", "test", simulated=False, now_ms=END_MS)
        yield opened


def book(ledger: Ledger, jobs: list[Job]) -> KpiEngine:
    spans = spans_of(BAY, HOURS_OF_BAY) + spans_of(NOOK, [(PrinterState.IDLE, DAY_MS)])
    ledger.commit(Batch(printers=[BAY, NOOK], spans=spans, jobs=jobs, booked_until_ms=END_MS))
    return KpiEngine(ReadModel(FigureRows(ledger.engine)), SiteSettings())


def figures(engine: KpiEngine, kpi_id: str, scope: Scope) -> dict[str, KpiFigure]:
    window = engine.window("2026-01-01", END_MS)
    return {figure.label: figure for figure in engine.evaluate([kpi_id], window, scope, END_MS)}


def of_bay(engine: KpiEngine, kpi_id: str) -> KpiFigure:
    return figures(engine, kpi_id, Scope.PRINTER)["bay"]


# -- the worked examples ------------------------------------------------------------------------


def test_half_a_day_of_two_slow_prints_with_one_bad_unit_is_an_oee_of_36_46_percent(ledger: Ledger) -> None:
    jobs = succeeded(6, 6, expected=5, units=4)
    engine = book(ledger, jobs)
    bad = Inspection(job_id=jobs[0].id, good_units=3, rejected_units=1, reason=RejectionReason.SURFACE)
    VerdictStore(ledger.engine).give([bad], who="anna", now_ms=END_MS)
    figure = of_bay(engine, "oee")
    assert figure.shown == "36.46 %"
    factors = {"availability": 0.5, "performance": 10 / 12, "quality": 7 / 8}
    for name, value in factors.items():
        assert figure.amounts[name] == of_bay(engine, name).value == pytest.approx(value)
    assert figure.counts | {"printers": 1} == figure.counts
    assert (figure.counts["by_estimate"], figure.counts["by_median"]) == (2, 0)
    assert (figure.counts["good_units"], figure.counts["units"], figure.counts["inspected"]) == (7, 8, 1)
    assert (figure.amounts["planned_hours"], figure.amounts["actual_hours"]) == (10, 12)
    assert figure.low == figure.high == figure.value


def test_11_hours_for_three_prints_of_10_are_an_accuracy_of_110_percent(ledger: Ledger) -> None:
    jobs = [
        *succeeded(4, 4, expected=4),
        printed(jobs_of(NOOK, Outcome.SUCCEEDED, [END_MS - 1])[0], 3, 2, "b"),
    ]
    failed = [printed(job, 1, 9) for job in jobs_of(BAY, Outcome.FAILED, [START_MS + 1])]
    engine = book(ledger, jobs + failed)
    (figure,) = figures(engine, "estimate_accuracy", Scope.FARM).values()
    assert (figure.shown, figure.counts) == ("110.00 %", {"estimated": 3, "succeeded": 3})
    assert (figure.amounts["actual_hours"], figure.amounts["expected_hours"]) == (11, 10)
    assert figure.amounts["off_hours"] == 1
    assert figure.amounts["spread"] == pytest.approx(0.5 / 3**0.5, abs=1e-3)
    by_file = figures(engine, "estimate_accuracy", Scope.FILE)
    assert {name: each.value for name, each in by_file.items()} == {"part.gcode": 1.0, "b": 1.5}


# -- by the median of the file ------------------------------------------------------------------


def test_without_an_estimate_a_print_is_held_against_the_median_of_its_file(ledger: Ledger) -> None:
    with_estimate = printed(jobs_of(BAY, Outcome.SUCCEEDED, [END_MS - 1])[0], 2, 3, "other")
    nameless = printed(jobs_of(BAY, Outcome.SUCCEEDED, [END_MS - 2])[0], 9, None, None)
    engine = book(ledger, [*succeeded(1, 2, 6), with_estimate, nameless])
    figure = of_bay(engine, "performance")
    assert figure.value == pytest.approx((3 * 2 + 3) / (1 + 2 + 6 + 2))
    assert figure.counts == {"by_estimate": 1, "by_median": 3}


def test_a_new_print_of_a_file_restates_its_median_and_a_revision_takes_it_back(ledger: Ledger) -> None:
    jobs = succeeded(1, 2, 6)
    engine = book(ledger, jobs)
    assert of_bay(engine, "performance").value == pytest.approx(6 / 9)
    (more,) = jobs_of(BAY, Outcome.SUCCEEDED, [END_MS + HOUR_MS])
    more = printed(more, 6)

    def revise(job: Job) -> float | None:
        entry = FeedEntry(kind=FeedKind.JOB_REVISED, at_ms=END_MS, printer_id=BAY.id, job_id=job.id, body={})
        ledger.commit(Batch(jobs=[job], feed=[entry], booked_until_ms=END_MS))
        return of_bay(engine, "performance").value

    assert revise(more) == pytest.approx(4 * 3 / 9)
    assert revise(msgspec.structs.replace(more, outcome=Outcome.FAILED)) == pytest.approx(6 / 9)


# -- formulas -----------------------------------------------------------------------------------


def tallied(basis: KpiInput, **parts: object) -> KpiInput:
    return msgspec.structs.replace(basis, outcomes=msgspec.structs.replace(basis.outcomes, **parts))


def test_an_oee_without_one_of_its_factors_is_no_data_and_names_the_others() -> None:
    basis = basis_of(hours={PrinterState.PRINTING: 12, PrinterState.IDLE: 12}, jobs={Outcome.FAILED: 2})
    result = oee(basis)
    assert (result.value, result.low, result.high) == (None, None, None)
    assert {"availability": 0.5, "quality": 0.0}.items() <= result.amounts.items()
    assert "performance" not in result.amounts


def test_what_is_unknown_is_its_range() -> None:
    hours = {PrinterState.PRINTING: 12, PrinterState.UNKNOWN: 12}
    basis = basis_of(hours=hours, jobs={Outcome.SUCCEEDED: 3, Outcome.UNKNOWN: 1})
    result = oee(tallied(basis, by_median=MedianTally(3, HOUR_MS, 2 * HOUR_MS)))
    assert (result.low, result.value, result.high) == (0.5 * 0.5 * 0.75, 0.5 * 0.5, 1 * 0.5 * 1)


def test_an_inspection_takes_from_a_success_and_adds_to_a_failure() -> None:
    basis = basis_of(
        jobs={Outcome.SUCCEEDED: 1, Outcome.FAILED: 1}, units={Outcome.SUCCEEDED: 4, Outcome.FAILED: 4}
    )
    assert quality(basis).value == 0.5
    found = InspectionTally(jobs=1, lost_units=3, saved_units=1)
    assert quality(tallied(basis, inspected=found)).value == 2 / 8


def test_what_a_person_counted_outranks_the_units_of_the_job() -> None:
    basis = basis_of(jobs={Outcome.SUCCEEDED: 1}, units={Outcome.SUCCEEDED: 1})
    three_of_four = InspectionTally(jobs=1, good_units=3, rejected_units=1, lost_units=-2, more_units=3)
    assert quality(tallied(basis, inspected=three_of_four)).value == 3 / 4


def test_cancelled_units_count_where_the_site_says_so() -> None:
    jobs = {Outcome.SUCCEEDED: 3, Outcome.CANCELLED: 1}
    assert quality(basis_of(jobs=jobs)).value == 1
    assert quality(basis_of(jobs=jobs, site=SiteSettings(cancelled_counts_as_attempt=True))).value == 0.75


@given(BASES, st.integers(1, 10**9), st.integers(1, 10**9))
def test_an_oee_is_the_product_of_the_factors_that_stand_in_it(
    basis: KpiInput, planned: int, actual: int
) -> None:
    result = oee(tallied(basis, estimates=EstimateTally(1, planned, actual)))
    if result.value is not None:
        factors = [result.amounts[name] for name in ("availability", "performance", "quality")]
        assert result.value == pytest.approx(factors[0] * factors[1] * factors[2])


def test_the_spread_is_that_from_print_to_print() -> None:
    assert spread(EstimateTally(1, 10, 20, 10, 2_000, 4_000_000)) == 0
    assert spread(EstimateTally(2, 20, 40, 20, 4_000, 10_000_000)) == pytest.approx(2**0.5)
