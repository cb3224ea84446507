"""The options that several commands share, each with its one wording."""

from pathlib import Path
from typing import Annotated, Any, TypeAlias

from typer import Option

from farm.app.logs import LogFormat

ConfigOption: TypeAlias = Annotated[
    Path | None,
    Option(
        "--config",
        "-c",
        metavar="FILE",
        help="Configuration file; else $LAYERLINE_CONFIG, ./layerline.toml, or the one in the data folder.",
    ),
]
DataOption: TypeAlias = Annotated[
    Path | None,
    Option("--data", metavar="FOLDER", help="Data folder; else $LAYERLINE_DATA or ./layerline-data."),
]
DatabaseOption: TypeAlias = Annotated[
    str | None,
    Option(
        "--database",
        metavar="URL",
        help="Ledger: sqlite:////path/file.db or postgresql://…; else the configured one.",
    ),
]
BrokerOption: TypeAlias = Annotated[
    str | None,
    Option(
        "--broker", metavar="URL", help="MQTT broker: mqtt://HOST:PORT or mqtts://…; else the configured one."
    ),
]
SourceOption: TypeAlias = Annotated[
    list[str] | None,
    Option(
        "--source",
        metavar="ADAPTER[:PRINTER]=TOPIC",
        help="Which adapter reads which topics, repeatable; e.g. octoprint:bay1=octoPrint or "
        "moonraker={printer}. Else the configured ones, else the usual topics of every adapter.",
    ),
]
HostOption: TypeAlias = Annotated[
    str | None,
    Option("--host", metavar="ADDRESS", help="Where the page listens; beyond loopback only with a token."),
]
PortOption: TypeAlias = Annotated[
    int | None,
    Option("--port", metavar="PORT", min=0, max=65_535, help="Port of the page and the API; else 8642."),
]
JsonOption: TypeAlias = Annotated[bool, Option("--json", help="Print JSON instead of a table.")]
LogFormatOption: TypeAlias = Annotated[LogFormat, Option("--log-format", help="How the log is written.")]
VerboseOption: TypeAlias = Annotated[bool, Option("--verbose", "-v", help="Log more, for finding faults.")]


def flag(name: str, value: Any, *path: str) -> Any:
    """A setting given on the command line, to be laid over the configuration."""
    from farm.app.config import Flag

    return Flag(name, path, value)
