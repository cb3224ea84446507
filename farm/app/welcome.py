"""What `layerline up` and `layerline doctor` show: where the page is, and what to type into printers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from collector.settings import BrokerSettings, SourceSettings
from farm.app.listening import lan_address

if TYPE_CHECKING:
    from rich.console import RenderableType

_PRINTER = "{printer}"

_MOONRAKER_OBJECTS = (
    "webhooks",
    "print_stats",
    "virtual_sdcard",
    "display_status",
    "heater_bed",
    "extruder",
    "toolhead",
    "idle_timeout",
    "pause_resume",
)


@dataclass(frozen=True)
class PrinterBroker:
    """The broker as printers reach it. `password` is None where it is not ours to show."""

    host: str
    port: int
    tls: bool
    user: str | None
    password: str | None
    embedded: bool


def printer_broker(broker: BrokerSettings, *, embedded_host: str | None) -> PrinterBroker:
    """The broker for printers; `embedded_host` is where our own listens, None when it is another's."""
    if broker.printers_url is not None:
        broker, embedded_host = BrokerSettings(url=broker.printers_url), None
    at = broker.address
    if embedded_host is None:
        return PrinterBroker(at.host, at.port, at.tls, at.user, None, embedded=False)
    host = lan_address(embedded_host)
    return PrinterBroker(host, at.port, at.tls, at.user, at.password, embedded=True)


def prefix_for(adapter: str, sources: Sequence[SourceSettings], usual: str) -> str:
    """The topic prefix to type into a printer of that protocol; `{printer}` is its name."""
    own = [source.topic for source in sources if source.adapter == adapter]
    named = [topic for topic in own if _PRINTER in topic]
    return (named or own or [usual])[0]


def octoprint_settings(broker: PrinterBroker, prefix: str) -> list[tuple[str, str]]:
    """Field and value, as OctoPrint's MQTT plugin asks for them."""
    rows = [("Host", broker.host), ("Port", str(broker.port))]
    if broker.user is not None:
        rows += [("Username", broker.user), ("Password", broker.password or "…")]
    return [
        *rows,
        (
            "Protocol version",
            "MQTT 3.1.1" + (" (the plugin's default, 3.1, is refused)" if broker.embedded else ""),
        ),
        ("Base topic", f"{prefix.replace(_PRINTER, 'bay1')}/ (a name of its own for each printer)"),
    ]


def moonraker_section(broker: PrinterBroker, prefix: str) -> str:
    """The section for moonraker.conf."""
    lines = ["[mqtt]", f"address: {broker.host}", f"port: {broker.port}"]
    if broker.tls:
        lines.append("enable_tls: True")
    if broker.user is not None:
        lines += [f"username: {broker.user}", f"password: {broker.password or '…'}"]
    lines += [
        f"instance_name: {prefix.replace(_PRINTER, 'bay1')}",
        "default_qos: 1",
        "status_objects:",
        *(f"  {name}" for name in _MOONRAKER_OBJECTS),
    ]
    return "\n".join(lines)


def welcome(
    page: str, data: str, broker: PrinterBroker, sources: Sequence[SourceSettings]
) -> "RenderableType":
    """The panel with all that an operator needs in the first minute."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    def table(rows: Sequence[tuple[str, str]]) -> Table:
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="bold")
        grid.add_column(overflow="fold")
        for name, value in rows:
            grid.add_row(name, Text(value))
        return grid

    where = f"{broker.host}:{broker.port}"
    kind = "embedded, MQTT 3.1 and 3.1.1, no TLS" if broker.embedded else "TLS" if broker.tls else "no TLS"
    rows = [("Page", page), ("Broker", f"{where} ({kind})")]
    if broker.embedded:
        rows += [("User", broker.user or ""), ("Password", broker.password or "")]
    rows.append(("Data", data))
    octoprint = octoprint_settings(broker, prefix_for("octoprint", sources, "octoPrint/{printer}"))
    moonraker = moonraker_section(broker, prefix_for("moonraker", sources, "{printer}"))
    body = Group(
        table(rows),
        Text("\nOctoPrint: settings, plugin MQTT", style="bold cyan"),
        Padding(table(octoprint), (0, 0, 0, 2)),
        Text("\nMoonraker: moonraker.conf", style="bold cyan"),
        Padding(Text(moonraker), (0, 0, 0, 2)),
    )
    return Panel(body, title="Layerline", title_align="left", border_style="cyan", expand=False)
