"""What `layerline up` and `layerline doctor` show: where the page is, and what to type into printers."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from collector.settings import BrokerSettings, SourceSettings
from farm.app.listening import lan_address
from farm.model.printer_setup import PrinterBroker, SetupWay, prefixes_for, setup_ways

if TYPE_CHECKING:
    from rich.console import RenderableType


def printer_broker(broker: BrokerSettings, *, embedded_host: str | None) -> PrinterBroker:
    """The broker for printers; `embedded_host` is where our own listens, None when it is another's."""
    if broker.printers_url is not None:
        broker, embedded_host = BrokerSettings(url=broker.printers_url), None
    at = broker.address
    if embedded_host is None:
        return PrinterBroker(at.host, at.port, at.tls, at.user, None, embedded=False)
    host = lan_address(embedded_host)
    return PrinterBroker(host, at.port, at.tls, at.user, at.password, embedded=True)


def welcome(
    page: str, data: str, broker: PrinterBroker, sources: Sequence[SourceSettings], name: str
) -> "RenderableType":
    """The panel with all that an operator needs in the first minute, for a printer to be called `name`."""
    from rich.console import Group
    from rich.panel import Panel

    where = f"{broker.host}:{broker.port}"
    kind = "embedded, MQTT 3.1 and 3.1.1, no TLS" if broker.embedded else "TLS" if broker.tls else "no TLS"
    rows = [("Page", page), ("Broker", f"{where} ({kind})")]
    if broker.embedded:
        rows += [("User", broker.user or ""), ("Password", broker.password or "")]
    rows.append(("Data", data))
    prefixes = prefixes_for((source.adapter, source.topic) for source in sources)
    ways = [way for way in setup_ways(broker, prefixes, name) if way.adapter != "native"]
    body = Group(_table(rows), *(part for way in ways for part in _way(way)))
    return Panel(body, title="Layerline", title_align="left", border_style="cyan", expand=False)


def _way(way: SetupWay) -> "Iterable[RenderableType]":
    from rich.padding import Padding
    from rich.text import Text

    yield Text(f"\n{way.title}", style="bold cyan")
    for step in way.steps:
        yield Padding(Text(step), (0, 0, 0, 2))
    if way.fields:
        rows = [
            ("tick", field.label) if field.value is None else (field.label, field.value)
            for field in way.fields
        ]
        yield Padding(_table(rows), (0, 0, 0, 4))
    if way.block is not None:
        yield Padding(Text(way.block), (0, 0, 0, 4))


def _table(rows: Iterable[tuple[str, str]]) -> "RenderableType":
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold")
    grid.add_column(overflow="fold")
    for name, value in rows:
        grid.add_row(name, Text(value))
    return grid
