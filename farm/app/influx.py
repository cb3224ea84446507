"""InfluxDB put together with the farm: shipping beside the evaluator, and the indicators to ship."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from farm.app.finding import Finding, failed, ok, warning
from farm.app.wiring import kpi_engine_of, now_of
from farm.kpi.engine import KpiEngine
from farm.kpi.figure import KpiFigure
from farm.kpi.subjects import NO_GROUP, Scope
from farm.model.times import DAY_MS, rfc3339
from farm.settings import SiteSettings
from farm.storage.influx.points import KpiPoint
from farm.storage.influx.settings import InfluxSettings

if TYPE_CHECKING:
    from farm.app.config import Configuration
    from farm.storage.history_port import HistoryReader
    from farm.storage.influx.status import QueueStatus
    from farm.storage.ledger import Ledger
    from farm.storage.ledger_port import LedgerReader

_FAREWELL_S = 30
"""How long a request under way is waited for at the end. What it held is sent again later."""
_LAGGING_S = 300


@contextmanager
def shipping(configuration: "Configuration", ledger: "Ledger") -> Iterator[None]:
    """Ship to InfluxDB, where one is configured, in a thread of its own for as long as the block runs."""
    settings = configuration.influx
    if settings.url is None:
        from farm.storage.influx.outbox import Outbox

        Outbox(ledger.engine).forget()
        yield
        return
    from farm.model.clock import system_clock
    from farm.storage.influx.sender import Sender

    kpis = LedgerKpis(kpi_engine_of(configuration, ledger), ledger, configuration.site, settings)
    sender = Sender(ledger.engine, settings, system_clock, kpis=kpis)
    stop = threading.Event()
    thread = threading.Thread(target=sender.run, args=(stop,), name="influxdb", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(_FAREWELL_S)


def history_of(configuration: "Configuration", ledger: "LedgerReader") -> "HistoryReader":
    """What charts and exports read: the ledger, and InfluxDB for telemetry that it keeps no more."""
    from farm.storage.history_ledger import LedgerHistory

    kept = LedgerHistory(ledger)
    if configuration.influx.url is None:
        return kept
    from farm.storage.influx.long_history import LongHistory

    kept_ms = round(configuration.site.telemetry_days * DAY_MS)
    return LongHistory(kept, configuration.influx, kept_ms, lambda: now_of(ledger))


class LedgerKpis:
    """The indicators as points, worked out of the ledger (`farm.storage.influx.kpi_lane.KpiSource`)."""

    def __init__(
        self, engine: KpiEngine, reader: "LedgerReader", site: SiteSettings, settings: InfluxSettings
    ) -> None:
        self._engine = engine
        self._reader = reader
        self._site = site
        self._settings = settings

    def present_ms(self) -> int:
        """The ledger's present."""
        return now_of(self._reader)

    def points(self, at_ms: int, *, printers: bool) -> Sequence[KpiPoint]:
        """The figures as of `at_ms`: of farm and groups, and of each printer where asked for."""
        wanted = [(Scope.FARM, self._settings.kpi_windows), (Scope.GROUP, self._settings.kpi_windows)]
        if printers:
            wanted.append((Scope.PRINTER, self._settings.kpi_printer_windows))
        return [
            _point(figure, at_ms, self._site.name)
            for scope, names in wanted
            for figure in self._figures(scope, names, at_ms)
        ]

    def _figures(self, scope: Scope, names: Sequence[str], at_ms: int) -> list[KpiFigure]:
        windows = [self._engine.window(name, at_ms) for name in names]
        return self._engine.evaluate_all(None, windows, scope, at_ms)


def _point(figure: KpiFigure, at_ms: int, site: str) -> KpiPoint:
    return KpiPoint(
        at_ms=at_ms,
        site=site,
        kpi=figure.id,
        scope=figure.scope.value,
        scope_id="" if figure.scope_id == NO_GROUP else figure.scope_id,
        label=figure.label,
        window=figure.window.name,
        unit=figure.unit.value,
        value=figure.value,
        low=figure.low,
        high=figure.high,
        interval_low=figure.interval.low if figure.interval else None,
        interval_high=figure.interval.high if figure.interval else None,
        observed_share=figure.observed_share,
        counts=figure.counts,
        amounts=figure.amounts,
    )


def server_findings(settings: InfluxSettings) -> Iterator[Finding]:
    """Whether the configured server answers and lets us at our buckets, for `layerline check`."""
    if settings.url is None:
        return
    from farm.errors import InfluxError
    from farm.storage.influx.client import InfluxServer
    from farm.storage.influx.setup import missing_buckets

    try:
        with InfluxServer(settings) as server:
            missing = missing_buckets(server) if settings.version == 2 else []
    except InfluxError as error:
        yield failed("InfluxDB", str(error), "everything is kept until it answers: see [influx]")
        return
    if missing:
        yield failed("InfluxDB", f"no bucket {' and '.join(missing)}", "`layerline influx init` makes them")
    else:
        yield ok("InfluxDB", f"{settings.url}, {settings.bucket} and {settings.telemetry_bucket}")


def outbox_findings(ledger: "Ledger", settings: InfluxSettings) -> Iterator[Finding]:
    """How far InfluxDB is behind, and why, for `layerline doctor`."""
    from farm.model.clock import system_clock
    from farm.storage.influx.status import OutboxStatus

    if settings.url is None:
        return
    queues = OutboxStatus(ledger.engine, settings.kpi_every_seconds).queues(now_of(ledger, system_clock))
    if not queues:
        yield warning("InfluxDB", "nothing was ever sent", "the evaluator sends it: see its log")
    for queue in queues:
        yield _finding(queue)


def _finding(queue: "QueueStatus") -> Finding:
    what = f"InfluxDB, {queue.queue}"
    seen = f"{queue.entries} unsent ({queue.bytes} bytes), {queue.stored} stored"
    if queue.trouble is not None:
        since = rfc3339(queue.trouble.since_ms)
        return failed(
            what, seen, f"not taken since {since}: {queue.trouble.status or ''} {queue.trouble.words}"
        )
    if queue.seconds > _LAGGING_S and queue.entries:
        return warning(what, seen, f"the oldest is of {queue.seconds:.0f} s ago")
    if queue.rejected or queue.dropped:
        lost = f"{queue.rejected} refused (see outbox_reject in the ledger), {queue.dropped} dropped"
        return warning(what, f"{seen}, {lost}", "what was refused or dropped is not in InfluxDB")
    return ok(what, seen)
