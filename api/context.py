"""What every route gets handed: the farm, the indicators, the stream and the settings."""

from typing import Annotated

import msgspec
from fastapi import Depends, Request

from api.auth import SignIn
from api.exposition import Outbox
from api.farm_view import FarmView
from api.live import LiveStream
from api.readiness import ReadinessCheck
from api.series_cache import SeriesCache
from api.settings import ApiSettings
from api.setup import RefusalProvider, SetupProvider
from farm.figures.engine import KpiEngine
from farm.ledger.calendar_store import CalendarStore
from farm.ledger.calendar_trail import CalendarTrail
from farm.ledger.history_port import HistoryReader
from farm.ledger.inbox import Inbox
from farm.ledger.maintenance_store import MaintenanceStore
from farm.model.clock import Clock


class ApiContext(msgspec.Struct, frozen=True, kw_only=True):
    """Made once by `create_app`."""

    farm_view: FarmView
    kpi_engine: KpiEngine
    series_cache: SeriesCache
    live: LiveStream
    settings: ApiSettings
    setup: SetupProvider | None
    refusals: RefusalProvider | None
    clock: Clock
    sign_in: SignIn | None
    outbox: Outbox | None
    history: HistoryReader
    inbox: Inbox
    calendars: CalendarStore
    calendar_trail: CalendarTrail
    maintenance: MaintenanceStore
    readiness: ReadinessCheck


def _context_of(request: Request) -> ApiContext:
    context: ApiContext = request.app.state.context
    return context


Context = Annotated[ApiContext, Depends(_context_of)]
