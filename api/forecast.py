"""What is coming, as the API answers it."""

from collections.abc import Sequence

from pydantic import Field

from api.schemas import Answer, Instant, JobId, PrinterId
from farm.kpi.forecast import Basis, Forecast, ForecastStart, is_free, next_free
from farm.model.printer_status import PrinterStatus
from farm.model.states import PrinterState
from farm.model.times import rfc3339, rfc3339_or_none


class PrinterForecast(Answer):
    """When the print of a printer is done; null where nothing tells, and never before now."""

    printer_id: PrinterId
    printer: str = Field(examples=["bay1"])
    group: str | None = Field(examples=["Hall A"])
    state: PrinterState = Field(examples=["printing"])
    job_id: JobId
    file: str | None = Field(examples=["gearbox_cover.gcode"])
    done_at: Instant | None = Field(description="If it goes on without a pause.")
    earliest_at: Instant | None = Field(
        description="With `latest_at` it holds four of five prints; null where too few tell how far off."
    )
    latest_at: Instant | None
    told: ForecastStart | None = Field(
        description="What it starts from: estimate, remaining, progress, or overdue.", examples=["estimate"]
    )
    basis: Basis | None = Field(
        description="Which prints before it are held against their estimates: of the file on the printer, of "
        "the file, of the printer or of the farm. Null where it is not corrected.",
        examples=["file_and_printer"],
    )
    prints: int = Field(description="How many these are.", examples=[12])


class FreePrinter(Answer):
    """A printer that could print now."""

    id: PrinterId
    name: str = Field(examples=["bay1"])


class ForecastRecord(Answer):
    """What is coming: the prints under way, the first to be done first, and which printer is free next.

    `free` can print now; `next` is the first of `items` to be done, a paused one only where no other is
    at work.
    """

    at: Instant
    free: list[FreePrinter]
    next: PrinterForecast | None
    items: list[PrinterForecast]


def forecast_view(
    statuses: Sequence[PrinterStatus], forecasts: Sequence[Forecast], now_ms: int
) -> ForecastRecord:
    """What is coming, as things stand at `now_ms`."""
    first = next_free(forecasts)
    return ForecastRecord(
        at=rfc3339(now_ms),
        free=[FreePrinter(id=each.printer.id, name=each.printer.name) for each in statuses if is_free(each)],
        next=None if first is None else printer_forecast(first),
        items=[printer_forecast(each) for each in forecasts],
    )


def printer_forecast(found: Forecast) -> PrinterForecast:
    """When the print of a printer is done."""
    return PrinterForecast(
        printer_id=found.printer_id,
        printer=found.printer,
        group=found.group,
        state=found.state,
        job_id=found.job_id,
        file=found.file,
        done_at=rfc3339_or_none(found.done_ms),
        earliest_at=rfc3339_or_none(found.earliest_ms),
        latest_at=rfc3339_or_none(found.latest_ms),
        told=found.told,
        basis=found.basis,
        prints=found.prints,
    )
