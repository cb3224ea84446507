import msgspec
import pytest

from api.kpi_schemas import KpiRows
from api.series_cache import CachedSeries
from api.views import job_under_way, kpi_rows_document, status_view, time_account
from farm.kpi.figure import KpiSeries, SeriesPoint
from farm.kpi.forecast import Forecast, MeasuredEstimates, forecast
from farm.kpi.indicator import Unit
from farm.kpi.periods import Period
from farm.kpi.windows import Window
from farm.model.job import Job
from farm.model.observation import Telemetry
from farm.model.printer import Printer
from farm.model.printer_status import PrinterStatus
from farm.model.span import Span
from farm.model.states import Outcome, PrinterState
from farm.model.times import HOUR_MS, rfc3339

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


def coming(status: PrinterStatus, now_ms: int = 2 * HOUR_MS) -> Forecast | None:
    return forecast(status, MeasuredEstimates(), now_ms)


def test_the_time_left_is_that_of_the_forecast() -> None:
    said = status(job=msgspec.structs.replace(JOB, expected_ms=5 * HOUR_MS, printing_ms=HOUR_MS))
    view = job_under_way(said, coming(said), 2 * HOUR_MS)
    assert view is not None
    assert (view.time_left_seconds, view.done_at) == (3 * 3600, rfc3339(5 * HOUR_MS))
    assert (view.earliest_at, view.latest_at) == (None, None)


def test_without_a_forecast_nothing_is_said_of_the_time_left() -> None:
    view = job_under_way(status(), None, 2 * HOUR_MS)
    assert view is not None
    assert (view.progress, view.time_left_seconds, view.done_at) == (0.1, None, None)


def test_the_latest_progress_stands_above_the_booked_one() -> None:
    now = status(progress=0.25)
    view = job_under_way(now, coming(now), 2 * HOUR_MS)
    assert view is not None
    assert view.progress == 0.25
    assert view.time_left_seconds == 6 * 3600


def test_an_ended_job_is_not_under_way() -> None:
    ended = Job(id="j", printer_id="p", file=None, started_ms=0, ended_ms=1, outcome=Outcome.FAILED)
    assert job_under_way(status(job=ended), None, HOUR_MS) is None


def test_a_printer_is_observed_only_while_its_collector_books_and_its_state_is_known() -> None:
    now_ms = HOUR_MS + 60_000
    assert status_view(status(), 0, None, now_ms, 60_000).observed
    assert not status_view(status(), 0, None, now_ms + 1, 60_000).observed
    assert not status_view(status(PrinterState.UNKNOWN), 0, None, now_ms, 60_000).observed


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
