import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.kpi_schemas import KpiRows
from api.series_cache import CachedSeries
from api.views import job_under_way, kpi_rows_document, status_view, time_account, time_left_seconds
from farm.kpi.figure import KpiSeries, SeriesPoint
from farm.kpi.indicator import Unit
from farm.kpi.periods import Period
from farm.kpi.windows import Window
from farm.model.job import Job
from farm.model.observation import Telemetry
from farm.model.printer import Printer
from farm.model.printer_status import PrinterStatus
from farm.model.span import Span
from farm.model.states import Outcome, PrinterState
from farm.model.times import HOUR_MS

PRINTER = Printer(id="p", site="main", name="bay1", adapter="native", first_seen_ms=0)
JOB = Job(id="j", printer_id="p", file="a.gcode", started_ms=0, progress=0.1)


def status(
    state: PrinterState = PrinterState.PRINTING, job: Job | None = JOB, progress: float | None = None
) -> PrinterStatus:
    return PrinterStatus(
        printer=PRINTER,
        state=state,
        since_ms=0,
        source="observed",
        heard_ms=HOUR_MS,
        known_until_ms=HOUR_MS,
        live=Telemetry(progress=progress),
        job=job,
    )


def test_time_left_follows_from_the_progress_and_leaves_pauses_and_heat_up_out() -> None:
    assert time_left_seconds(0.5, 4 * HOUR_MS, HOUR_MS) == 3 * 3600
    assert time_left_seconds(1.0, HOUR_MS, 0) == 0


@pytest.mark.parametrize("progress", [None, 0.0, 0.019, 1.5, -1.0])
def test_time_left_is_not_guessed_from_too_little(progress: float | None) -> None:
    assert time_left_seconds(progress, HOUR_MS, 0) is None
    assert time_left_seconds(0.5, None, 0) is None


@given(st.floats(0.02, 1), st.integers(0, 10**9), st.integers(0, 10**10))
def test_time_left_is_never_negative(progress: float, elapsed_ms: int, not_printing_ms: int) -> None:
    left = time_left_seconds(progress, elapsed_ms, not_printing_ms)
    assert left is not None
    assert left >= 0


def test_the_latest_progress_stands_above_the_booked_one() -> None:
    view = job_under_way(status(progress=0.25))
    assert view is not None
    assert view.progress == 0.25
    assert view.time_left_seconds == 3 * 3600


def test_an_ended_job_is_not_under_way() -> None:
    ended = Job(id="j", printer_id="p", file=None, started_ms=0, ended_ms=1, outcome=Outcome.FAILED)
    assert job_under_way(status(job=ended)) is None


def test_a_printer_is_observed_only_while_its_collector_books_and_its_state_is_known() -> None:
    now_ms = HOUR_MS + 60_000
    assert status_view(status(), 0, now_ms, 60_000).observed
    assert not status_view(status(), 0, now_ms + 1, 60_000).observed
    assert not status_view(status(PrinterState.UNKNOWN), 0, now_ms, 60_000).observed


def test_hours_add_up_and_unknown_time_is_not_observed() -> None:
    spans = [
        Span("p", PrinterState.PRINTING, 0, 3 * HOUR_MS),
        Span("p", PrinterState.UNKNOWN, 3 * HOUR_MS, 4 * HOUR_MS),
        Span("p", PrinterState.PRINTING, 4 * HOUR_MS, None),
    ]
    view = time_account(Window("w", 0, 5 * HOUR_MS), spans)
    assert view.seconds == {PrinterState.PRINTING: 4 * 3600, PrinterState.UNKNOWN: 3600}
    assert view.observed_share == pytest.approx(0.8)
    assert time_account(Window("w", 0, 0), []).observed_share is None


def test_a_series_is_written_as_its_schema_says() -> None:
    hour = Window("1h", 0, HOUR_MS)
    points = (
        SeriesPoint(0, HOUR_MS, 0.5, 0.25, 1.0, 0.75),
        SeriesPoint(HOUR_MS, HOUR_MS, None, None, None, None),
    )
    row = KpiSeries(
        id="utilization",
        scope="farm",
        scope_id="main",
        label="main",
        unit=Unit.RATIO,
        window=hour,
        period=Period.HOUR,
        points=points,
    )
    document = kpi_rows_document(CachedSeries(HOUR_MS, [row], left_out=2))
    read = KpiRows.model_validate_json(document.replace(b'"from":', b'"from_":'))
    assert read.model_dump_json(by_alias=True).encode() == document
