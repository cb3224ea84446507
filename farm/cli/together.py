"""`layerline up`: the whole farm in one process group."""

import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from typer import Exit, Option

from farm.app.logs import LogFormat
from farm.cli.opening import open_configuration
from farm.cli.options import (
    BrokerOption,
    ConfigOption,
    DatabaseOption,
    DataOption,
    HostOption,
    LogFormatOption,
    PortOption,
    VerboseOption,
    flag,
)

if TYPE_CHECKING:
    from farm.app.config import Configuration
    from farm.app.supervisor import SupervisedPart, Supervisor

log = logging.getLogger(__name__)

_OWN_NAME = "layerline"
_OWN_SECTIONS = ("embedded_broker",)
"""What no part reads, and this process used to start the broker."""

EXAMPLES = """
layerline up                                      here, with a broker of its own
layerline up --port 9000                          the page on another port
layerline up --data /var/lib/layerline --log-format json
layerline up --broker mqtt://broker.local:1883 --database postgresql://layerline@db/layerline
"""


def up(
    broker: BrokerOption = None,
    database: DatabaseOption = None,
    host: HostOption = None,
    port: PortOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    open_page: Annotated[bool, Option("--open", help="Open the page in a browser.")] = False,
    log_format: LogFormatOption = LogFormat.TEXT,
    verbose: VerboseOption = False,
) -> None:
    """Run everything: broker, collector, evaluator and API, restarted when they die.

    Where no broker is configured it starts one that printers on the network can reach, with
    a user and a password made at the first start. What to type into OctoPrint and Moonraker
    is shown. SIGINT (Ctrl-C) or SIGTERM ends all of it in order; SIGHUP lets it read its
    settings again: docs/configuration.md says which of them take effect.
    """
    from farm.app.config import load_configuration
    from farm.app.parts import farm_parts
    from farm.app.process_life import hold_hang_ups

    hold_hang_ups()
    flags = (
        flag("--broker", broker, "broker", "url"),
        flag("--database", database, "ledger", "url"),
        flag("--host", host, "api", "host"),
        flag("--port", port, "api", "port"),
    )
    configuration = open_configuration(config, data, *flags, log_format=log_format, verbose=verbose)
    configuration.check()
    with configuration.data.held():
        parts = farm_parts(
            configuration,
            broker=broker,
            database=database,
            host=host,
            port=port,
            log_format=log_format,
            verbose=verbose,
        )
        run = RunningFarm(
            configuration, parts, lambda: load_configuration(config=config, data=data, flags=flags)
        )
        run.keep(log_format, open_page=open_page, verbose=verbose)


@dataclass(frozen=True)
class RunningFarm:
    """A farm with its parts, and how its configuration is read again."""

    configuration: "Configuration"
    parts: "Sequence[SupervisedPart]"
    read_again: "Callable[[], Configuration]"

    def keep(self, log_format: LogFormat, *, open_page: bool, verbose: bool) -> None:
        """Start the parts and keep them running. Raises Exit with the status to end with."""
        from farm.app.logs import set_up_logging
        from farm.app.parts import page_url
        from farm.app.process_life import RunSignals
        from farm.app.supervisor import LogStream, Supervisor

        configuration, signals = self.configuration, RunSignals()
        width = max(len(name) for name in (_OWN_NAME, *(part.name for part in self.parts)))
        stream = LogStream(sys.stderr, width, prefixed=log_format is LogFormat.TEXT)
        set_up_logging(log_format, verbose=verbose, stream=stream.as_file(_OWN_NAME))
        if configuration.data.is_open_to_others:
            log.warning(
                "other users of this machine can look into the data folder %s; `chmod 700` keeps them out",
                configuration.data.path,
            )
        supervisor = Supervisor(self.parts, stream)
        signals.on_hang_up(lambda: self._reload(supervisor))
        supervisor.start(signals.stop)
        if not signals.stop.is_set():
            _show_welcome(configuration, log_format)
            if open_page:
                import webbrowser

                webbrowser.open(page_url(configuration))
        raise Exit(supervisor.keep(signals.stop))

    def _reload(self, supervisor: "Supervisor") -> None:
        """Hand the wish on to the parts, which take over what is theirs; the broker's waits."""
        from farm.app.reloading import reloaded

        reloaded(self.configuration, self.read_again, _OWN_SECTIONS)
        supervisor.reload()


def _show_welcome(configuration: "Configuration", log_format: LogFormat) -> None:
    """Say what to type into printers: to a person in a panel, to a reader of JSON in a record of the log."""
    from rich.console import Console

    from farm.app.parts import page_url
    from farm.app.welcome import printer_broker, welcome
    from farm.app.wiring import next_printer_name

    embedded = None if configuration.is_broker_configured else configuration.embedded_broker.host
    broker = printer_broker(configuration.broker, embedded_host=embedded)
    if log_format is LogFormat.JSON:
        log.info(
            "page %s; printers connect to %s:%d as %s",
            page_url(configuration),
            broker.host,
            broker.port,
            broker.user or "anybody",
        )
        return
    where = str(configuration.data.path.absolute())
    name = next_printer_name(configuration)
    Console().print(welcome(page_url(configuration), where, broker, configuration.sources, name))
