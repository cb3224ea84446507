"""What every command does first: set up the log, read the configuration, open the ledger."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farm.app.logs import LogFormat, set_up_logging

if TYPE_CHECKING:
    from farm.app.config import Configuration


def open_configuration(
    config: Path | None,
    data: Path | None,
    *flags: Any,
    log_format: LogFormat = LogFormat.TEXT,
    verbose: bool = False,
) -> "Configuration":
    """Set up the log and read the configuration. Raises ConfigurationError."""
    from farm.app.config import load_configuration

    set_up_logging(log_format, verbose=verbose)
    return load_configuration(config=config, data=data, flags=flags)


def source_flags(sources: Sequence[str] | None) -> list[Any]:
    """The sources of the command line as settings. Raises ConfigurationError for one that cannot be read."""
    if not sources:
        return []
    from farm.cli.options import flag
    from farm.errors import ConfigurationError

    entries = []
    for text in sources:
        head, equals, topic = text.partition("=")
        adapter, colon, printer = head.partition(":")
        if not equals or not adapter or not topic or (colon and not printer):
            remedy = "must be ADAPTER[:PRINTER]=TOPIC, e.g. octoprint:bay1=octoPrint or moonraker={printer}"
            raise ConfigurationError(f"--source {text}: {remedy}")
        entries.append({"adapter": adapter, "topic": topic, **({"printer": printer} if printer else {})})
    return [flag("--source", entries, "sources")]
