"""Puts the parts together from the configuration: ledger, indicators, collector, evaluator, API."""

import logging
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from farm.app.listening import local_url
from farm.errors import ConfigurationError, LedgerError
from farm.model.clock import Clock, system_clock
from farm.model.times import DAY_MS, rfc3339

log = logging.getLogger(__name__)

_FAREWELL_S = 30
"""How long a request under way is waited for at the end. What it held is sent again later."""

if TYPE_CHECKING:
    from api.server import ApiServer
    from api.setup import BrokerAccess
    from farm.app.config import Configuration
    from farm.figures.engine import KpiEngine
    from farm.figures.read_model import ReadModel
    from farm.ledger.calendar_store import CalendarStore
    from farm.ledger.history_port import HistoryReader
    from farm.ledger.ledger import Ledger
    from farm.ledger.ledger_reader import LedgerReader
    from farm.model.refused_client import RefusedClient


def ledger_of(configuration: "Configuration", *, create: bool = False) -> "Ledger":
    """The configured ledger, open; `create` makes or migrates its tables.

    Raises LedgerError when it cannot be opened.
    """
    from farm.ledger.ledger import open_ledger

    if not configuration.is_ledger_elsewhere:
        if create:
            configuration.data.make()
        elif not os.path.exists(configuration.data.ledger_file):  # noqa: PTH110  Path.exists raises where it is closed
            raise LedgerError(_where_it_may_be(configuration))
    return open_ledger(configuration.ledger.url, create=create)


def _where_it_may_be(configuration: "Configuration") -> str:
    """What to say where the data folder holds no ledger: most often this is the wrong folder."""
    from farm.app.data_folder import data_folders_near

    missing = f"there is no ledger at {configuration.data.ledger_file}"
    near = data_folders_near(Path.cwd(), Path.home())
    if near:
        named = " or ".join(f"--data {folder}" for folder in near)
        return f"{missing}; was it meant to be {named}?"
    return f"{missing}; `layerline up` makes it; of one that runs elsewhere name the data folder with --data"


def service_ledger(configuration: "Configuration") -> "Ledger":
    """The configured ledger for a service that waits for its database; not prepared yet."""
    from farm.app.ledger_opening import ANSWER_WITHIN_S
    from farm.ledger.ledger import ledger_at

    if not configuration.is_ledger_elsewhere:
        configuration.data.make()
    return ledger_at(configuration.ledger.url, answer_within_s=ANSWER_WITHIN_S)


def now_of(reader: "LedgerReader", clock: Clock = system_clock) -> int:
    """The ledger's present in milliseconds since 1970: simulated where the ledger is."""
    return reader.now_ms(clock())


def read_model_of(configuration: "Configuration", ledger: "Ledger", *, for_good: bool = False) -> "ReadModel":
    """What every figure is made from, begun from where it was kept the last time.

    In a process that keeps it `for_good` no garbage is looked for in it, which takes longer than answers do,
    and its threads share one heap.
    """
    from farm.app.process_life import leave_out_of_garbage_collection
    from farm.figures.free_memory import share_one_heap
    from farm.figures.keeping import Keeping
    from farm.figures.read_model import ReadModel
    from farm.ledger.figure_rows import FigureRows

    keeping = Keeping(configuration.data.figures_file)
    when_filled = None
    if for_good:
        when_filled = leave_out_of_garbage_collection
        share_one_heap()
    return ReadModel(FigureRows(ledger.engine), keeping, when_filled)


def kpi_engine_of(configuration: "Configuration", ledger: "Ledger", *, for_good: bool = False) -> "KpiEngine":
    """The engine of indicators, counting by the rules of the site; `for_good` as in `read_model_of`."""
    from farm.figures.engine import KpiEngine
    from farm.kpi.target_settings import own_targets

    calendars = calendar_store_of(configuration, ledger)
    return KpiEngine(
        read_model_of(configuration, ledger, for_good=for_good),
        configuration.site,
        calendars.shop_calendars,
        own_targets(configuration.targets),
    )


def calendar_store_of(configuration: "Configuration", ledger: "LedgerReader") -> "CalendarStore":
    """The calendars of ledger and configuration file, on the clock of the site."""
    from farm.kpi.calendar_settings import filed_calendars
    from farm.ledger.calendar_store import CalendarStore

    zone = ZoneInfo(configuration.site.time_zone)
    return CalendarStore(ledger.engine, zone, filed_calendars(configuration.calendars))


def run_collector(
    configuration: "Configuration", stop: threading.Event, *, drain_s: float | None, simulated: bool
) -> None:
    """Collect until `stop` is set, or until nothing has come for `drain_s` seconds.

    Raises LedgerError when going on cannot help, ConfigurationError where a printer of the ledger
    has a name that the configuration gives to another, and with a drain time BrokerRefused.
    """
    from collector.intake.sources import SourceTable
    from collector.intake.time_source import RealTime, SimulatedTime
    from collector.service import Collector
    from farm.app.ledger_opening import done, prepared
    from farm.app.process_life import leave_out_of_garbage_collection

    configuration.check(["site", "broker", "sources", "printers", "ledger", "collector", "telemetry"])
    with service_ledger(configuration) as ledger:
        if not prepared(ledger, stop) or not done(lambda: refuse_taken_names(configuration, ledger), stop):
            return
        leave_out_of_garbage_collection()
        Collector(
            ledger,
            configuration.broker,
            sources=SourceTable(configuration.sources),
            settings=configuration.collector,
            site=configuration.site,
            printers=configuration.printers,
            thinning=configuration.telemetry,
            time_source=SimulatedTime() if simulated else RealTime(),
            drain_seconds=drain_s,
        ).run(stop)


def refuse_taken_names(configuration: "Configuration", ledger: "Ledger") -> None:
    """See that every name of `[[printers]]` can be given in this ledger. Raises ConfigurationError.

    A collector that runs gives no promised name to anybody else, so that only a change of the
    configuration, or of the ledger, can bring this about.
    """
    from collector.intake.addresses import known_by_sources
    from collector.intake.sources import SourceTable
    from collector.printers.naming import settle_names

    known, changeable = known_by_sources(
        ledger.known_printers(),
        SourceTable(configuration.sources),
        ledger.printers_booked_by(configuration.collector.client_id),
    )
    taken = settle_names(configuration.printers, known, changeable).taken
    if taken:
        origin = configuration.origin_of_printers
        raise ConfigurationError("\n".join(f"{origin}: {each.words}" for each in taken))


def run_evaluator(configuration: "Configuration", stop: threading.Event) -> None:
    """Evaluate and deliver, and ship to InfluxDB where one is configured, until `stop` is set."""
    from alerts.service import EvaluatorService
    from farm.app.ledger_opening import done, prepared
    from farm.influx.outbox import Outbox
    from farm.ledger.alert_store import AlertStore

    settings, site = configuration.alerts, configuration.site
    with service_ledger(configuration) as ledger:
        if not prepared(ledger, stop):
            return
        if configuration.influx.url is None and not done(Outbox(ledger.engine).forget, stop):
            return
        if not done(lambda: note_filed_calendars(configuration, ledger), stop):
            return
        store = AlertStore(ledger.engine)
        names = [receiver.name for receiver in settings.receivers]
        log.info("alerting %s", ", ".join(names) or "nobody: no receiver is configured")
        with shipping(configuration, ledger):
            EvaluatorService(ledger, store, settings, time_zone=site.time_zone).run(stop)


def note_filed_calendars(configuration: "Configuration", ledger: "LedgerReader") -> None:
    """Keep in the trail what the configuration file says of calendars otherwise than before."""
    from farm.kpi.calendar_settings import filed_calendars
    from farm.ledger.calendar_records import restated_since
    from farm.ledger.filed_calendars import FiledCalendars

    store = FiledCalendars(ledger.engine, ZoneInfo(configuration.site.time_zone))
    changes = store.note(filed_calendars(configuration.calendars), now_of(ledger))
    since_ms = restated_since(changes)
    if changes:
        since = "the future alone" if since_ms is None else f"figures since {rfc3339(since_ms)}"
        log.info("the calendars of the configuration file are others now, which bears on %s", since)


def run_api(configuration: "Configuration", stop: threading.Event) -> None:
    """Serve the API and the page until `stop` is set, with or without the ledger's database."""
    from farm.app.ledger_opening import prepared_meanwhile

    with service_ledger(configuration) as ledger, prepared_meanwhile(ledger, stop):
        server = server_of(configuration, ledger)
        log.info("page and API on %s", local_url(configuration.api.host, server.port))
        server.run(stop)


def server_of(configuration: "Configuration", ledger: "Ledger") -> "ApiServer":
    """The API's server, bound to its address. Raises ConfigurationError when that is taken."""
    from api.app import create_app
    from api.server import ApiServer
    from farm.influx.status import OutboxStatus
    from farm.ledger.alert_store import AlertStore

    influx = configuration.influx
    outbox = OutboxStatus(ledger.engine, influx.kpi_every_seconds)
    app = create_app(
        ledger,
        kpi_engine_of(configuration, ledger, for_good=True),
        AlertStore(ledger.engine),
        configuration.api,
        system_clock,
        site=configuration.site,
        setup=lambda: broker_access(configuration),
        refusals=lambda: broker_refusals(configuration),
        queues=None if influx.url is None else outbox.queues,
        history=history_of(configuration, ledger),
        calendar_store=calendar_store_of(configuration, ledger),
    )
    return ApiServer(app, configuration.api)


def broker_access(configuration: "Configuration") -> "BrokerAccess":
    """How a printer finds the broker, for the page of an empty farm."""
    from pydantic import SecretStr

    from api.setup import BrokerAccess
    from collector.intake.sources import default_sources
    from farm.app.welcome import printer_broker

    embedded = None if configuration.is_broker_configured else configuration.embedded_broker.host
    broker = printer_broker(configuration.broker, embedded_host=embedded)
    sources = configuration.sources or default_sources()
    return BrokerAccess(
        host=broker.host,
        port=broker.port,
        tls=broker.tls,
        username=broker.user,
        password=None if broker.password is None else SecretStr(broker.password),
        topics=tuple((source.adapter, source.topic) for source in sources),
        names=tuple(label.target for label in configuration.printers),
        prefixes=tuple(prefix for label in configuration.printers for prefix in label.prefixes),
    )


def broker_refusals(configuration: "Configuration") -> Sequence["RefusedClient"]:
    """Whom the embedded broker refused, the newest first; nobody where the broker is another's."""
    from farm.app.embedded_broker.status import refused_clients

    return () if configuration.is_broker_configured else refused_clients(configuration.data)


def next_printer_name(configuration: "Configuration") -> str:
    """A name for the next printer that none has, nor one of the configuration; bay1 without a ledger."""
    from farm.errors import LedgerError
    from farm.model.printer_setup import free_name

    names = [label.target for label in configuration.printers]
    prefixes = [prefix for label in configuration.printers for prefix in label.prefixes]
    try:
        with ledger_of(configuration) as ledger:
            names += [printer.name for printer in ledger.printers(everything=True)]
            prefixes += ledger.prefixes()
    except LedgerError:
        # It is not there yet, or away: then nobody knows of a printer.
        return free_name(names, prefixes)
    return free_name(names, prefixes)


@contextmanager
def shipping(configuration: "Configuration", ledger: "Ledger") -> Iterator[None]:
    """Ship to InfluxDB, where one is configured, in a thread of its own for as long as the block runs."""
    settings = configuration.influx
    if settings.url is None:
        yield
        return
    from farm.influx.ledger_kpis import LedgerKpis
    from farm.influx.sender import Sender

    engine = kpi_engine_of(configuration, ledger, for_good=True)
    kpis = LedgerKpis(engine, ledger, configuration.site, settings, system_clock)
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
    from farm.ledger.history_ledger import LedgerHistory

    kept = LedgerHistory(ledger)
    if configuration.influx.url is None:
        return kept
    from farm.influx.long_history import LongHistory

    kept_ms = round(configuration.site.telemetry_days * DAY_MS)
    return LongHistory(kept, configuration.influx, kept_ms, lambda: now_of(ledger))
