"""Puts the API together: routes, stream, page, gate and problem answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, FastAPI
from starlette.middleware.gzip import GZipMiddleware

from api.auth import Gate, SignIn
from api.body_limit import BodyLimit
from api.context import ApiContext
from api.exposition import Outbox, program_version
from api.farm_view import FarmView
from api.headers import SecurityHeaders
from api.live import LiveStream
from api.problems import Problem, install_problem_answers, problem_answers, refuse_unknown_parameters
from api.readiness import ReadinessCheck
from api.routes import (
    alert_actions,
    alerts,
    attention,
    calendars,
    causes,
    forecast,
    health,
    inputs,
    jobs,
    kpis,
    maintenance,
    metrics,
    outbox,
    page,
    printers,
    setup,
    silences,
    stream,
    verdicts,
)
from api.series_cache import SeriesCache
from api.settings import ApiSettings
from api.setup import RefusalProvider, SetupProvider
from farm.figures.engine import KpiEngine
from farm.ledger.alert_store import AlertStore
from farm.ledger.calendar_store import CalendarStore
from farm.ledger.calendar_trail import CalendarTrail
from farm.ledger.history_ledger import LedgerHistory
from farm.ledger.history_port import HistoryReader
from farm.ledger.inbox import Inbox
from farm.ledger.ledger_reader import LedgerReader
from farm.ledger.maintenance_store import MaintenanceStore
from farm.model.clock import Clock
from farm.settings import SiteSettings

PREFIX = "/api/v1"
DESCRIPTION = """\
Printers, jobs, indicators, calendars and alerts of a farm of 3D printers, an inbox for what people know,
and their verdicts on what was printed.

Times are RFC 3339 in UTC with milliseconds, durations seconds, lengths millimetres, masses
grams, temperatures degrees Celsius, shares ratios from 0 to 1. Errors are problem details
after RFC 9457. With a token set, send it as `Authorization: Bearer ...`.
"""

_FAMILIES = (
    printers,
    attention,
    jobs,
    verdicts,
    inputs,
    kpis,
    forecast,
    calendars,
    causes,
    maintenance,
    alerts,
    alert_actions,
    silences,
    stream,
    setup,
    outbox,
    health,
    metrics,
)


def create_app(
    reader: LedgerReader,
    kpi_engine: KpiEngine,
    alert_store: AlertStore,
    settings: ApiSettings,
    clock: Clock,
    *,
    site: SiteSettings | None = None,
    setup: SetupProvider | None = None,
    refusals: RefusalProvider | None = None,
    queues: Outbox | None = None,
    history: HistoryReader | None = None,
    calendar_store: CalendarStore | None = None,
) -> FastAPI:
    """The API over a ledger. `clock` gives wall-clock time; the ledger may live in another.

    `site` names the farm and its time zone, `setup` says how printers reach the broker,
    `refusals` whom a broker of ours refused, `queues` how far InfluxDB is behind. `history` gives past
    telemetry, the ledger's where not given; `calendar_store` knows the calendars of the configuration file.
    """
    sign_in = None
    if settings.token is not None:
        sign_in = SignIn(settings.token.get_secret_value(), settings.session_days, clock)
    site = site or SiteSettings()
    farm_view = FarmView(
        reader, alert_store, settings, site, clock, refusals, forecaster=kpi_engine.forecasts
    )
    context = ApiContext(
        farm_view=farm_view,
        kpi_engine=kpi_engine,
        series_cache=SeriesCache(kpi_engine),
        live=LiveStream(farm_view, settings.max_streams),
        settings=settings,
        setup=setup,
        refusals=refusals,
        clock=clock,
        sign_in=sign_in,
        outbox=queues,
        history=history or LedgerHistory(reader),
        inbox=Inbox(reader.engine),
        calendars=calendar_store or CalendarStore(reader.engine, ZoneInfo(site.time_zone)),
        calendar_trail=CalendarTrail(reader.engine),
        maintenance=MaintenanceStore(reader.engine),
        readiness=ReadinessCheck(farm_view),
    )
    app = _bare_app(context)
    install_problem_answers(app, farm_view.outage)
    for router in _routers():
        app.include_router(router)
    app.add_middleware(GZipMiddleware, minimum_size=1_000, compresslevel=5)
    app.add_middleware(BodyLimit)
    app.add_middleware(Gate, sign_in=sign_in, allowed_hosts=settings.allowed_hosts)
    app.add_middleware(SecurityHeaders)
    return app


def _bare_app(context: ApiContext) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with context.live.running():
            yield
        context.readiness.close()

    # The pages of FastAPI that show the schema load their scripts from elsewhere.
    app = _LayerlineApi(
        title="Layerline",
        version=program_version(),
        description=DESCRIPTION,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        lifespan=lifespan,
    )
    app.state.context = context
    return app


def _routers() -> list[APIRouter]:
    versioned = APIRouter(
        prefix=PREFIX,
        dependencies=[Depends(refuse_unknown_parameters)],
        responses=problem_answers(
            HTTPStatus.UNAUTHORIZED,
            HTTPStatus.MISDIRECTED_REQUEST,
            HTTPStatus.UNPROCESSABLE_ENTITY,
            HTTPStatus.SERVICE_UNAVAILABLE,
        ),
    )
    for family in _FAMILIES:
        versioned.include_router(family.router)
    # Where probes and Prometheus look unless told otherwise.
    usual = APIRouter(include_in_schema=False)
    usual.include_router(health.router)
    usual.include_router(metrics.router)
    return [versioned, usual, page.router]


class _LayerlineApi(FastAPI):
    """A FastAPI whose schema knows the problem answers and the ways to authenticate."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        if self.openapi_schema is None:
            document = super().openapi()
            components = document.setdefault("components", {})
            schemas = components.setdefault("schemas", {})
            inner = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(inner.pop("$defs", {}))
            schemas["Problem"] = inner
            components["securitySchemes"] = {
                "token": {"type": "http", "scheme": "bearer"},
            }
            document["security"] = [{"token": []}, {}]
        return self.openapi_schema or document
