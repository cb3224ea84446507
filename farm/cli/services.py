"""`layerline collector`, `evaluator` and `api`: one part of the farm as a process of its own."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from farm.app.logs import LogFormat, set_up_logging
from farm.cli.opening import source_flags
from farm.cli.options import (
    BrokerOption,
    ConfigOption,
    DatabaseOption,
    DataOption,
    HostOption,
    LogFormatOption,
    PortOption,
    SourceOption,
    VerboseOption,
    flag,
)

if TYPE_CHECKING:
    from farm.app.config import Configuration

COLLECTOR_EXAMPLES = """
layerline collector --broker mqtt://broker.local:1883 --database postgresql://layerline@db/layerline
layerline collector --broker mqtt://127.0.0.1:1884 --database sqlite:////tmp/run.db \\
    --client-id replay --simulated-time --drain 2
"""

EVALUATOR_EXAMPLES = """
layerline evaluator --config /etc/layerline/layerline.toml
layerline evaluator --database postgresql://layerline@db/layerline
"""

API_EXAMPLES = """
layerline api                                     on http://127.0.0.1:8642
layerline api --port 9000 --database postgresql://layerline@db/layerline
"""


def collector(
    broker: BrokerOption = None,
    database: DatabaseOption = None,
    client_id: Annotated[
        str | None,
        Option("--client-id", metavar="ID", help="MQTT client id: names the session that the broker keeps."),
    ] = None,
    source: SourceOption = None,
    drain: Annotated[
        float | None,
        Option(
            "--drain",
            metavar="SECONDS",
            min=0.0,
            help="End with status 0 once nothing has arrived for so long.",
        ),
    ] = None,
    simulated_time: Annotated[
        bool,
        Option(
            "--simulated-time",
            help="Take each message's time from the run that feeds it. "
            "Refuses a ledger that holds real data.",
        ),
    ] = False,
    config: ConfigOption = None,
    data: DataOption = None,
    log_format: LogFormatOption = LogFormat.TEXT,
    verbose: VerboseOption = False,
) -> None:
    """Read the printers' messages and book jobs and hours in the ledger.

    It keeps its place at the broker under its client id: killed at any instant, it loses
    nothing and books nothing twice. SIGHUP lets it read its settings again, SIGTERM ends it in order.
    """
    flags = (
        flag("--broker", broker, "broker", "url"),
        flag("--database", database, "ledger", "url"),
        flag("--client-id", client_id, "collector", "client_id"),
        *source_flags(source),
    )
    read = _reader(config, data, flags, log_format, verbose=verbose)
    from farm.app.reloading import keep_serving
    from farm.app.wiring import run_collector

    keep_serving(
        read(),
        read,
        ["site", "broker", "sources", "printers", "ledger", "collector", "telemetry"],
        lambda configuration, stop: run_collector(
            configuration, stop, drain_s=drain, simulated=simulated_time
        ),
    )


def evaluator(
    database: DatabaseOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    log_format: LogFormatOption = LogFormat.TEXT,
    verbose: VerboseOption = False,
) -> None:
    """Watch what is booked, fire and resolve alerts, and deliver them.

    Ships to InfluxDB where one is configured. SIGHUP lets it read its settings again, SIGTERM
    ends it in order.
    """
    flags = (flag("--database", database, "ledger", "url"),)
    read = _reader(config, data, flags, log_format, verbose=verbose)
    from farm.app.reloading import keep_serving
    from farm.app.wiring import run_evaluator

    keep_serving(read(), read, ["site", "calendars", "ledger", "alerts", "influx"], run_evaluator)


def api(
    database: DatabaseOption = None,
    host: HostOption = None,
    port: PortOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    log_format: LogFormatOption = LogFormat.TEXT,
    verbose: VerboseOption = False,
) -> None:
    """Serve the page, the API, the live stream and /metrics.

    SIGHUP lets it read its settings again, SIGTERM ends it in order.
    """
    flags = (
        flag("--database", database, "ledger", "url"),
        flag("--host", host, "api", "host"),
        flag("--port", port, "api", "port"),
    )
    read = _reader(config, data, flags, log_format, verbose=verbose)
    from farm.app.reloading import keep_serving
    from farm.app.wiring import run_api

    keep_serving(read(), read, ["site", "calendars", "ledger", "api", "influx", "broker", "sources"], run_api)


def _reader(
    config: Path | None, data: Path | None, flags: Sequence[Any], log_format: LogFormat, *, verbose: bool
) -> "Callable[[], Configuration]":
    """Reads the configuration, at the start and whenever the service is told to."""
    from farm.app.config import load_configuration
    from farm.app.process_life import hold_hang_ups

    hold_hang_ups()
    set_up_logging(log_format, verbose=verbose)
    return lambda: load_configuration(config=config, data=data, flags=flags)
