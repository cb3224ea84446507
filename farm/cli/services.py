"""`layerline collector`, `evaluator` and `api`: one part of the farm as a process of its own."""

from typing import Annotated

from typer import Option

from farm.app.logs import LogFormat
from farm.cli.opening import open_configuration, source_flags
from farm.cli.options import (
    BrokerOption,
    ConfigOption,
    DatabaseOption,
    DataOption,
    LogFormatOption,
    SourceOption,
    VerboseOption,
    flag,
)

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
    nothing and books nothing twice. SIGTERM ends it in order.
    """
    configuration = open_configuration(
        config,
        data,
        flag("--broker", broker, "broker", "url"),
        flag("--database", database, "ledger", "url"),
        flag("--client-id", client_id, "collector", "client_id"),
        *source_flags(source),
        log_format=log_format,
        verbose=verbose,
    )
    from farm.app.process_life import service, stop_event
    from farm.app.wiring import run_collector

    with service():
        run_collector(configuration, stop_event(), drain_s=drain, simulated=simulated_time)


def evaluator(
    database: DatabaseOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    log_format: LogFormatOption = LogFormat.TEXT,
    verbose: VerboseOption = False,
) -> None:
    """Watch what is booked, fire and resolve alerts, and deliver them.

    Ships to InfluxDB where one is configured. SIGTERM ends it in order.
    """
    configuration = open_configuration(
        config, data, flag("--database", database, "ledger", "url"), log_format=log_format, verbose=verbose
    )
    configuration.check(["site", "ledger", "alerts", "influx"])
    from farm.app.process_life import service, stop_event
    from farm.app.wiring import run_evaluator

    with service():
        run_evaluator(configuration, stop_event())


def api(
    database: DatabaseOption = None,
    host: Annotated[
        str | None,
        Option("--host", metavar="ADDRESS", help="Address to listen on; beyond loopback only with a token."),
    ] = None,
    port: Annotated[
        int | None, Option("--port", metavar="PORT", help="Port to listen on; 0 takes a free one.")
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    log_format: LogFormatOption = LogFormat.TEXT,
    verbose: VerboseOption = False,
) -> None:
    """Serve the page, the API, the live stream and /metrics. SIGTERM ends it in order."""
    configuration = open_configuration(
        config,
        data,
        flag("--database", database, "ledger", "url"),
        flag("--host", host, "api", "host"),
        flag("--port", port, "api", "port"),
        log_format=log_format,
        verbose=verbose,
    )
    configuration.check(["site", "ledger", "api", "broker", "sources"])
    from farm.app.process_life import service, stop_event
    from farm.app.wiring import run_api

    with service():
        run_api(configuration, stop_event())
