"""What becomes in the books of a source's own account of how long its print takes."""

from farm.kpi.forecast import Basis, ForecastStart
from farm.kpi.subjects import Scope
from farm.model.states import Outcome
from farm.model.times import HOUR_MS, rfc3339
from farm.settings import SiteSettings
from tests.figures import kpi_engine
from tests.unit.collector.farm import SECOND, T0, Farm, farm

FILE = "vase.gcode"
NATIVE = ("native:bay=layerline/native/v1/bay", "layerline/native/v1/bay")
OCTOPRINT = ("octoprint:bay=octoPrint", "octoPrint")
MOONRAKER = ("moonraker:bay=bay", "bay")


def done_s(bay: Farm) -> float | None:
    """When the print is done by its own account, in seconds."""
    bay.pipeline.commit(T0)
    (status,) = bay.ledger.statuses()
    return None if status.done_ms is None else (status.done_ms - T0) / SECOND


def test_our_own_json_books_the_estimate_and_when_the_print_is_done() -> None:
    def say(at: float, suffix: str, **more: object) -> None:
        bay.hear(at, suffix, {"v": 1, "at": rfc3339(T0 + round(at * SECOND))} | more)

    with farm(*NATIVE) as bay:
        job = {"id": "a-1", "file": FILE, "expected_seconds": 600, "remaining_seconds": 600}
        say(0, "state", state="printing", job=job)
        assert (bay.job.expected_ms, done_s(bay)) == (600_000, 600)
        say(60, "telemetry", remaining_seconds=570)
        say(90, "telemetry", remaining_seconds=570, nozzle=215)
        assert done_s(bay) == 630
        say(600, "event", event="job_succeeded", job=job)
        assert (bay.job.outcome, bay.job.expected_ms) == (Outcome.SUCCEEDED, 600_000)
        assert done_s(bay) is None


def test_octoprint_books_what_its_analysis_gave_or_its_progress_said() -> None:
    def event(at: int, name: str, **more: object) -> None:
        said = {"path": FILE, "_timestamp": T0 // SECOND + at} | more
        bay.hear(at, name if "/" in name else f"event/{name}", said)

    with farm(*OCTOPRINT) as bay:
        event(0, "PrintStarted")
        data = {"job": {"estimatedPrintTime": 600}, "progress": {"printTimeLeft": 540}}
        event(60, "progress/printing", progress=10, printer_data=data)
        assert (bay.job.expected_ms, done_s(bay)) == (600_000, 600)
        event(900, "PrintDone", time=900)
        event(910, "MetadataAnalysisFinished", result={"estimatedPrintTime": 800.5})
        event(950, "PrintStarted")
        assert [job.expected_ms for job in bay.jobs] == [600_000, 800_500]
        assert [job.outcome for job in bay.jobs] == [Outcome.SUCCEEDED, None]


def test_moonraker_is_to_be_asked_as_long_as_nobody_said_how_long_the_print_takes() -> None:
    def stats(at: float, **stats: object) -> None:
        bay.hear(at, "klipper/status", {"eventtime": 5_000 + at, "status": {"print_stats": stats}})

    def asked() -> int:
        return len(list(bay.pipeline.take_to_estimate()))

    with farm(*MOONRAKER) as bay:
        stats(0, state="standby", filename="", total_duration=0.0, message="", filament_used=0.0)
        assert asked() == 0
        stats(1, state="printing", filename=FILE, total_duration=0.1, print_duration=0.0)
        assert (asked(), asked()) == (1, 0)
        bay.hear(2, "moonraker/api/response", {"result": {"filename": FILE, "estimated_time": 70}})
        assert bay.job.expected_ms == 70_000
        stats(3, total_duration=2.1, print_duration=1.0)
        assert asked() == 0


def test_figures_and_forecast_come_out_of_what_the_printer_said() -> None:
    """Three prints of 600 s take 660 s each on the plate; a fourth is five minutes old."""

    def say(at: float, suffix: str, number: int, **more: object) -> None:
        job = {"id": f"a-{number}", "file": FILE, "expected_seconds": 600, "units": 2}
        said = {"v": 1, "at": rfc3339(T0 + round(at * SECOND)), "job": job} | more
        bay.hear(at, suffix, said)

    with farm(*NATIVE) as bay:
        for number in range(3):
            begin = number * 1_000
            say(begin, "event", number, event="job_started")
            for later in (220, 440):
                say(begin + later, "telemetry", number, nozzle=215)
            job = {"id": f"a-{number}", "file": FILE, "printing_seconds": 660, "units": 2}
            say(begin + 660, "event", number, event="job_succeeded", job=job)
        say(3_000, "event", 3, event="job_started")
        say(3_300, "state", 3, state="printing")
        bay.pipeline.commit(T0 + 3_300 * SECOND)
        now_ms = T0 + 3_300 * SECOND
        engine = kpi_engine(bay.ledger, SiteSettings())
        window = engine.window("1h", now_ms)
        ids = ["estimate_accuracy", "performance", "quality", "oee"]
        figures = {each.id: each for each in engine.evaluate(ids, window, Scope.FARM, now_ms)}
        assert figures["estimate_accuracy"].shown == "110.00 %"
        assert figures["estimate_accuracy"].counts == {"estimated": 3, "succeeded": 3}
        assert figures["performance"].shown == "90.91 %"
        assert figures["quality"].counts["good_units"] == 6
        available, printed = (figures["oee"].amounts[f"{each}_hours"] for each in ("available", "utilized"))
        assert printed * HOUR_MS == (3 * 660 + 300) * SECOND
        assert figures["oee"].value == printed / available * (600 / 660) * 1.0
        (coming,) = engine.forecasts(bay.ledger.statuses(), now_ms)
        assert (coming.told, coming.basis, coming.prints) == (
            ForecastStart.ESTIMATE,
            Basis.FILE_AND_PRINTER,
            3,
        )
        assert coming.done_ms == now_ms + 360 * SECOND
