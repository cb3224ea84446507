"""Forecasts: when a print is done, by what its source says and by the prints before it."""

from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.figures.engine import KpiEngine
from farm.figures.read_model import ReadModel
from farm.kpi.forecast import (
    LEAST_PRINTS,
    LOOK_BACK_MS,
    Basis,
    Forecast,
    ForecastStart,
    MeasuredEstimates,
    correction,
    forecast,
    in_order,
    is_free,
    next_free,
    printed,
)
from farm.kpi.outcomes import EstimateTally
from farm.ledger.batch import Batch
from farm.ledger.figure_rows import FigureRows
from farm.ledger.ledger import Ledger, open_ledger
from farm.model.job import Job
from farm.model.observation import Telemetry
from farm.model.printer_status import PrinterStatus
from farm.model.states import ACTIVE_STATES, Outcome, PrinterState
from farm.model.times import HOUR_MS, MINUTE_MS
from farm.settings import SiteSettings
from tests.unit.kpi.events import START_MS, jobs_of, printer_called, spans_of

NOW = START_MS + 1_000 * HOUR_MS
BAY, NOOK = printer_called("bay"), printer_called("nook")
FILE = "part.gcode"
UNKNOWN = MeasuredEstimates()


def at_work(
    printed_ms: int = HOUR_MS,
    *,
    state: PrinterState = PrinterState.PRINTING,
    expected_ms: int | None = None,
    remaining_s: float | None = None,
    done_ms: int | None = None,
    progress: float | None = None,
) -> PrinterStatus:
    """A print that has printed for so long, in whatever state its printer now is."""
    job = Job(
        id="job",
        printer_id=BAY.id,
        file=FILE,
        started_ms=NOW - printed_ms - 10 * MINUTE_MS,
        preparing_ms=10 * MINUTE_MS,
        printing_ms=printed_ms // 2 if state is PrinterState.PRINTING else printed_ms,
        expected_ms=expected_ms,
    )
    return PrinterStatus(
        printer=BAY,
        state=state,
        since_ms=NOW - printed_ms,
        source="observed",
        heard_ms=NOW,
        known_until_ms=NOW,
        live=Telemetry(remaining_s=remaining_s, progress=progress),
        job=job,
        done_ms=done_ms,
    )


def seen(status: PrinterStatus, measured: MeasuredEstimates = UNKNOWN) -> Forecast:
    found = forecast(status, measured, NOW)
    assert found is not None
    return found


def prints(count: int, ratio: float, squared: float = 0) -> EstimateTally:
    """So many prints of an hour's estimate that took `ratio` times as long, all alike but for `squared`."""
    thousandths = round(1_000 * ratio)
    return EstimateTally(
        count,
        count * HOUR_MS,
        round(count * ratio * HOUR_MS),
        0,
        count * thousandths,
        count * thousandths**2 + round(squared * 1_000_000),
    )


# -- what it starts from ------------------------------------------------------------------------


def test_an_estimate_less_what_is_printed_is_what_is_left() -> None:
    found = seen(at_work(HOUR_MS, expected_ms=3 * HOUR_MS))
    assert (found.told, found.done_ms) == (ForecastStart.ESTIMATE, NOW + 2 * HOUR_MS)
    assert (found.basis, found.earliest_ms, found.latest_ms) == (None, None, None)


@pytest.mark.parametrize("state", [PrinterState.PAUSED, PrinterState.PREPARING])
def test_what_is_paused_or_heats_up_has_all_that_is_left_before_it(state: PrinterState) -> None:
    found = seen(at_work(HOUR_MS, state=state, expected_ms=3 * HOUR_MS))
    assert found.done_ms == NOW + 2 * HOUR_MS
    told = seen(at_work(HOUR_MS, state=state, remaining_s=600, done_ms=NOW - HOUR_MS))
    assert (told.told, told.done_ms) == (ForecastStart.REMAINING, NOW + 10 * MINUTE_MS)


def test_what_the_source_says_to_remain_runs_down_from_when_it_was_said() -> None:
    found = seen(at_work(remaining_s=600, done_ms=NOW + 7 * MINUTE_MS))
    assert (found.told, found.done_ms) == (ForecastStart.REMAINING, NOW + 7 * MINUTE_MS)


def test_without_either_the_rest_goes_as_fast_as_what_is_done() -> None:
    found = seen(at_work(HOUR_MS, progress=0.25))
    assert (found.told, found.done_ms, found.basis) == (ForecastStart.PROGRESS, NOW + 3 * HOUR_MS, None)
    assert seen(at_work(HOUR_MS, progress=0.01)).done_ms is None
    assert seen(at_work(HOUR_MS, progress=0.02)).done_ms == NOW + 49 * HOUR_MS
    assert seen(at_work(HOUR_MS, progress=1.0)).told is None


def test_an_estimate_that_is_over_gives_way_to_what_else_is_known() -> None:
    over = {"expected_ms": HOUR_MS // 2}
    assert seen(at_work(HOUR_MS, **over, done_ms=NOW + MINUTE_MS)).told is ForecastStart.REMAINING  # type: ignore[arg-type]
    assert seen(at_work(HOUR_MS, **over, progress=0.5)).done_ms == NOW + HOUR_MS  # type: ignore[arg-type]
    assert seen(at_work(HOUR_MS, expected_ms=HOUR_MS)).told is ForecastStart.OVERDUE
    found = seen(at_work(HOUR_MS, **over))  # type: ignore[arg-type]
    assert (found.told, found.done_ms) == (ForecastStart.OVERDUE, NOW)
    assert seen(at_work(HOUR_MS, remaining_s=60, done_ms=NOW - HOUR_MS)).told is ForecastStart.OVERDUE


def test_of_what_tells_nothing_and_of_what_is_not_seen_nothing_is_forecast() -> None:
    assert (seen(at_work()).told, seen(at_work()).done_ms) == (None, None)
    for state in set(PrinterState) - ACTIVE_STATES:
        found = seen(at_work(state=state, expected_ms=3 * HOUR_MS))
        assert (found.state, found.told, found.done_ms) == (state, None, None)


def test_where_nothing_is_under_way_there_is_no_forecast() -> None:
    idle = msgspec.structs.replace(at_work(state=PrinterState.IDLE), job=None)
    assert forecast(idle, UNKNOWN, NOW) is None
    assert is_free(idle)
    assert not is_free(at_work(state=PrinterState.IDLE))
    assert not is_free(msgspec.structs.replace(idle, state=PrinterState.FINISHED))


# -- what it is corrected by --------------------------------------------------------------------


def test_it_is_corrected_by_the_prints_that_are_most_alike_and_says_by_which() -> None:
    few, many = prints(LEAST_PRINTS - 1, 3), prints(LEAST_PRINTS, 1.5)
    for basis in Basis:
        tallies = {each.value: few if each is not basis else many for each in Basis}
        found = correction(MeasuredEstimates(**tallies))
        assert (found.basis, found.prints, found.ratio) == (basis, LEAST_PRINTS, 1.5)
    assert correction(MeasuredEstimates(file_and_printer=many, farm=prints(9, 2))).ratio == 1.5
    assert correction(MeasuredEstimates(farm=few)).basis is None


def test_prints_that_take_half_as_long_again_are_done_half_as_late_again() -> None:
    measured = MeasuredEstimates(printer=prints(10, 1.5))
    found = seen(at_work(HOUR_MS, expected_ms=2 * HOUR_MS), measured)
    assert (found.basis, found.prints, found.done_ms) == (Basis.PRINTER, 10, NOW + 2 * HOUR_MS)
    assert (found.earliest_ms, found.latest_ms) == (found.done_ms, found.done_ms)


def test_four_of_five_prints_lie_between_earliest_and_latest() -> None:
    # Ten prints whose ratios have the mean 1 and the standard deviation 0.1.
    measured = MeasuredEstimates(file=prints(10, 1.0, squared=9 * 0.01))
    found = seen(at_work(HOUR_MS, expected_ms=2 * HOUR_MS), measured)
    off = 2 * HOUR_MS * 1.2816 * 0.1 * 1.1**0.5
    assert found.done_ms == NOW + HOUR_MS
    assert found.earliest_ms == pytest.approx(NOW + HOUR_MS - off, abs=2_000)
    assert found.latest_ms == pytest.approx(NOW + HOUR_MS + off, abs=2_000)


def test_a_print_within_its_range_is_done_any_moment() -> None:
    measured = MeasuredEstimates(file=prints(10, 1.0, squared=9 * 0.01))
    found = seen(at_work(2 * HOUR_MS + 5 * MINUTE_MS, expected_ms=2 * HOUR_MS), measured)
    assert (found.told, found.earliest_ms, found.done_ms) == (ForecastStart.ESTIMATE, NOW, NOW)
    assert found.latest_ms is not None
    assert found.latest_ms > NOW


TALLIES = st.builds(
    prints,
    st.integers(0, 50),
    st.floats(0.01, 20),
    st.floats(0, 100),
)
MEASURED = st.builds(MeasuredEstimates, file_and_printer=TALLIES, file=TALLIES, printer=TALLIES, farm=TALLIES)
STATUSES = st.builds(
    at_work,
    st.integers(0, 100 * HOUR_MS),
    state=st.sampled_from(PrinterState),
    expected_ms=st.none() | st.integers(1_000, 100 * HOUR_MS),
    remaining_s=st.none() | st.floats(0, 1_000_000),
    done_ms=st.none() | st.integers(NOW - HOUR_MS, NOW + 100 * HOUR_MS),
    progress=st.none() | st.floats(0, 1),
)


@given(STATUSES, MEASURED)
def test_no_forecast_ends_before_now_and_its_range_holds_it(
    status: PrinterStatus, measured: MeasuredEstimates
) -> None:
    found = seen(status, measured)
    assert (found.told is None) == (found.done_ms is None)
    assert (found.earliest_ms is None) == (found.latest_ms is None)
    if found.done_ms is not None:
        assert found.done_ms >= NOW
    if found.earliest_ms is not None and found.done_ms is not None and found.latest_ms is not None:
        assert NOW <= found.earliest_ms <= found.done_ms <= found.latest_ms


@given(MEASURED, st.integers(1_000, 100 * HOUR_MS), st.integers(0, 99), st.integers(0, 99))
def test_the_longer_it_printed_the_less_is_left_of_its_estimate(
    measured: MeasuredEstimates, expected_ms: int, one: int, other: int
) -> None:
    less, more = sorted((expected_ms * one // 100, expected_ms * other // 100))
    earlier = seen(at_work(less, expected_ms=expected_ms), measured)
    later = seen(at_work(more, expected_ms=expected_ms), measured)
    assert earlier.done_ms is not None
    assert later.done_ms is not None
    assert later.done_ms <= earlier.done_ms


@given(st.integers(0, 100 * HOUR_MS), st.integers(0, HOUR_MS))
def test_while_it_prints_time_passes_and_the_end_stays_where_it_is(printed_ms: int, passed_ms: int) -> None:
    status = at_work(printed_ms, expected_ms=200 * HOUR_MS)
    now, then = forecast(status, UNKNOWN, NOW), forecast(status, UNKNOWN, NOW + passed_ms)
    assert now is not None
    assert then is not None
    assert now.done_ms == then.done_ms


def test_how_long_it_printed_is_not_known_without_its_start() -> None:
    status = at_work(HOUR_MS)
    assert printed(status, NOW) == HOUR_MS
    unseen = msgspec.structs.replace(status, job=msgspec.structs.replace(status.job, started_ms=None))  # type: ignore[type-var]
    assert printed(unseen, NOW) is None
    assert printed(msgspec.structs.replace(status, job=None), NOW) is None


def test_what_heated_up_or_paused_did_not_print_and_nothing_prints_before_it_began() -> None:
    status = at_work(HOUR_MS)
    assert status.job is not None
    assert status.job.started_ms is not None
    paused = msgspec.structs.replace(status.job, paused_ms=15 * MINUTE_MS)
    assert printed(msgspec.structs.replace(status, job=paused), NOW) == HOUR_MS - 15 * MINUTE_MS
    assert printed(status, status.job.started_ms - HOUR_MS) == status.job.printing_ms
    assert printed(msgspec.structs.replace(status, state=PrinterState.PAUSED), NOW) == status.job.printing_ms


# -- the farm -----------------------------------------------------------------------------------


def test_the_first_to_be_done_is_free_next_and_a_paused_one_only_if_no_other_is_at_work() -> None:
    first = seen(at_work(expected_ms=2 * HOUR_MS))
    paused = msgspec.structs.replace(first, printer="a", state=PrinterState.PAUSED, done_ms=NOW + 1)
    late = msgspec.structs.replace(first, printer="c", done_ms=NOW + 9 * HOUR_MS)
    untold = seen(at_work())
    assert in_order([untold, late, first, paused]) == [paused, first, late, untold]
    assert next_free([untold, late, first, paused]) == first
    assert next_free([untold, paused]) == paused
    assert next_free([untold]) is None
    later = msgspec.structs.replace(paused, done_ms=NOW + 2)
    assert next_free([later, paused]) == paused
    assert next_free([]) is None


def test_of_printers_that_are_done_at_once_the_order_is_by_name_and_then_by_id() -> None:
    done = seen(at_work(expected_ms=2 * HOUR_MS))
    twins = [
        msgspec.structs.replace(done, printer=name, printer_id=number) for name, number in ("a1", "a2", "b0")
    ]
    assert in_order(twins[::-1]) == twins
    untold = [msgspec.structs.replace(each, done_ms=None) for each in twins]
    assert in_order([*untold[::-1], *twins]) == [*twins, *untold]
    at_the_epoch = [
        msgspec.structs.replace(each, done_ms=at) for each, at in zip(twins, (2, 1, 0), strict=True)
    ]
    assert in_order(at_the_epoch) == at_the_epoch[::-1]


def test_what_is_not_said_of_a_forecast_is_none() -> None:
    told = seen(at_work())
    assert (told.told, told.basis, told.prints) == (None, None, 0)
    assert (told.done_ms, told.earliest_ms, told.latest_ms) == (None, None, None)
    assert correction(UNKNOWN) == (None, 0, 1, 1, 1)
    assert correction(MeasuredEstimates(farm=prints(3, 0.5, squared=50))).low == 0
    assert LEAST_PRINTS == 3
    assert LOOK_BACK_MS == 90 * 24 * HOUR_MS


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with open_ledger("sqlite://") as opened:
        opened.claim("collector", "test", simulated=False, now_ms=NOW)
        yield opened


def ended(count: int, hours: float, printer: str, file: str, at_ms: int = NOW - HOUR_MS) -> list[Job]:
    """Prints of an hour's estimate that took so long."""
    of = {"bay": BAY, "nook": NOOK}[printer]
    jobs = jobs_of(of, Outcome.SUCCEEDED, [at_ms - 1_000 * n - len(file) for n in range(count)])
    facts = {"file": file, "printing_ms": round(hours * HOUR_MS), "expected_ms": HOUR_MS}
    return [msgspec.structs.replace(job, id=f"{file}-{job.id}", **facts) for job in jobs]


def test_out_of_the_ledger_each_print_is_corrected_by_the_prints_like_it(ledger: Ledger) -> None:
    old = ended(9, 9, "bay", "ancient", NOW - LOOK_BACK_MS - HOUR_MS)
    jobs = [*ended(3, 2, "bay", FILE), *ended(4, 1, "nook", FILE), *ended(5, 0.5, "bay", "other"), *old]
    open_jobs = [
        Job(id=f"open-{of.name}", printer_id=of.id, file=file, started_ms=NOW, expected_ms=HOUR_MS)
        for of, file in ((BAY, FILE), (NOOK, "new"))
    ]
    spans = [
        span
        for of in (BAY, NOOK)
        for span in (
            *spans_of(of, [(PrinterState.IDLE, NOW - START_MS)]),
            msgspec.structs.replace(spans_of(of, [(PrinterState.PRINTING, 1)], NOW)[0], to_ms=None),
        )
    ]
    ledger.commit(Batch(printers=[BAY, NOOK], spans=spans, jobs=jobs + open_jobs, booked_until_ms=NOW))
    engine = KpiEngine(ReadModel(FigureRows(ledger.engine)), SiteSettings())
    statuses = ledger.statuses()
    found = {each.printer: each for each in engine.forecasts(statuses, NOW)}
    assert list(found) == ["nook", "bay"]
    assert (found["bay"].basis, found["bay"].prints) == (Basis.FILE_AND_PRINTER, 3)
    assert found["bay"].done_ms == NOW + 2 * HOUR_MS
    assert (found["nook"].basis, found["nook"].prints) == (Basis.PRINTER, 4)
    assert found["nook"].done_ms == NOW + HOUR_MS
    moved = [msgspec.structs.replace(job, printer_id=BAY.id) for job in jobs if job.printer_id == NOOK.id]
    ledger.commit(Batch(jobs=moved, booked_until_ms=NOW))
    again = KpiEngine(ReadModel(FigureRows(ledger.engine)), SiteSettings()).forecasts(statuses, NOW)
    nook = next(each for each in again if each.printer == "nook")
    assert (nook.basis, nook.prints) == (Basis.FARM, 12)
    assert nook.done_ms == NOW + round((3 * 2 + 4 + 2.5) / 12 * HOUR_MS)


def test_a_farm_without_anything_under_way_has_no_forecasts(ledger: Ledger) -> None:
    assert KpiEngine(ReadModel(FigureRows(ledger.engine)), SiteSettings()).forecasts([], NOW) == []
