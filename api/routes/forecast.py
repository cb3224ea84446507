"""What is coming: when each print is done, and which printer is free next."""

from fastapi import APIRouter

from api.context import Context
from api.forecast import ForecastRecord, forecast_view

router = APIRouter(tags=["forecast"])


@router.get("/forecast", summary="When prints are done, and which printer is free next")
def show_forecast(context: Context) -> ForecastRecord:
    """The first to be done first, with the range that holds four of five prints."""
    now_ms = context.farm_view.now_ms()
    statuses = context.farm_view.reader.statuses()
    return forecast_view(statuses, context.farm_view.forecasts(statuses, now_ms), now_ms)
