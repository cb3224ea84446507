"""What every route gets handed: the farm, the indicators, the stream and the settings."""

from typing import Annotated

import msgspec
from fastapi import Depends, Request

from api.auth import SignIn
from api.board import Board
from api.courses import Courses
from api.exposition import Outbox
from api.live import LiveStream
from api.settings import ApiSettings
from api.setup import SetupProvider
from farm.kpi.engine import KpiEngine
from farm.storage.history_port import HistoryReader


class ApiContext(msgspec.Struct, frozen=True, kw_only=True):
    """Made once by `create_app`."""

    board: Board
    kpi_engine: KpiEngine
    courses: Courses
    live: LiveStream
    settings: ApiSettings
    setup: SetupProvider | None
    sign_in: SignIn | None
    outbox: Outbox | None
    history: HistoryReader


def _context_of(request: Request) -> ApiContext:
    context: ApiContext = request.app.state.context
    return context


Context = Annotated[ApiContext, Depends(_context_of)]
