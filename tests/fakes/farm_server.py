"""A ledger filled with a farm, and the API served over it on a free port."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
from pydantic import SecretStr

from api.app import create_app
from api.connections import ConnectionLimits
from api.exposition import Outbox
from api.server import ApiServer
from api.settings import ApiSettings
from api.setup import RefusalProvider, SetupProvider
from farm.kpi.forecast import Forecast
from farm.ledger.alert_store import AlertStore
from farm.ledger.calendar_store import CalendarStore
from farm.ledger.history_port import HistoryReader
from farm.ledger.ledger import Ledger, open_ledger
from farm.model.alert import DeliveryAttempt, DeliveryProgress, DeliveryState, Settlement
from farm.model.clock import Clock
from farm.model.printer_status import PrinterStatus
from farm.settings import SiteSettings
from tests.fakes.sample_farm import NOW_MS, SampleFarm
from tests.figures import kpi_engine

SITE = SiteSettings(name="main", time_zone="Europe/Berlin")
TOKEN = "a-token-made-up-for-tests"


def nothing_coming(statuses: Sequence[PrinterStatus], now_ms: int) -> list[Forecast]:
    """No print under way is ever done."""
    return []


def fixed_clock() -> int:
    """The instant at which the sample farm stands."""
    return NOW_MS


@contextmanager
def farm_ledger(farm: SampleFarm | None = None, url: str = "sqlite://") -> Iterator[Ledger]:
    """A ledger in which the farm is booked."""
    with open_ledger(url) as ledger:
        if farm is not None:
            ledger.claim("sample", "test", simulated=False, now_ms=farm.batch.booked_until_ms)
            ledger.commit(farm.batch)
            _tell(AlertStore(ledger.engine), farm)
        yield ledger


def _tell(alert_store: AlertStore, farm: SampleFarm) -> None:
    """Books the farm's alerts, and that Slack took the messages about them."""
    alert_store.book(farm.alert_batch)
    for told in farm.alert_batch.deliveries:
        delivery = alert_store.claim(told.receiver, told.due_ms, 1_000)
        assert delivery is not None
        attempt = DeliveryAttempt(at_ms=told.due_ms, duration_ms=200, ok=True, answer="200 ok")
        settlement = Settlement(
            attempt=attempt, state=DeliveryState.DELIVERED, due_ms=told.due_ms, progress=DeliveryProgress()
        )
        assert alert_store.settle(delivery, settlement)


@dataclass
class FarmServer:
    """The API as it is served."""

    server: ApiServer
    client: httpx.Client

    @property
    def url(self) -> str:
        """Where it is served."""
        return f"http://127.0.0.1:{self.server.port}"


@contextmanager
def serving(
    ledger: Ledger,
    *,
    clock: Clock = fixed_clock,
    token: str | None = None,
    setup: SetupProvider | None = None,
    refusals: RefusalProvider | None = None,
    queues: Outbox | None = None,
    history: HistoryReader | None = None,
    port: int = 0,
    limits: ConnectionLimits | None = None,
    max_streams: int = 500,
    site: SiteSettings = SITE,
    calendar_store: CalendarStore | None = None,
) -> Iterator[FarmServer]:
    """The API over the ledger on a port of 127.0.0.1, until the context is left."""
    settings = ApiSettings(
        port=port, token=None if token is None else SecretStr(token), max_streams=max_streams
    )
    engine = kpi_engine(ledger, site)
    app = create_app(
        ledger,
        engine,
        AlertStore(ledger.engine),
        settings,
        clock,
        site=site,
        setup=setup,
        refusals=refusals,
        queues=queues,
        history=history,
        calendar_store=calendar_store,
    )
    server = ApiServer(app, settings, limits)
    stop = threading.Event()
    thread = threading.Thread(target=server.run, args=(stop,), name="api-under-test")
    thread.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=20, trust_env=False) as client:
            yield FarmServer(server, client)
    finally:
        stop.set()
        thread.join(timeout=20)
        assert not thread.is_alive(), "the API did not stop"
