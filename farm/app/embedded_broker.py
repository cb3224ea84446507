"""The broker that comes along: rumqttd from the iotcore package, run as a process of its own.

    python -P -m farm.app.embedded_broker FILE [text|json]

runs it with the rumqttd configuration FILE until it is ended, and logs in that format.
"""

import ipaddress
import json
import logging
import re
import sys
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from farm.app.data_folder import Credentials, DataFolder
from farm.app.listening import local_address
from farm.app.logs import LogFormat, set_up_logging
from farm.app.process_life import end_with_parent
from farm.settings import Section

CONFIGURATION_FILE = "embedded-broker.toml"

_HOST_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
_SEGMENTS = 8
_MEGABYTE = 1024 * 1024
_LARGEST_PAYLOAD = 16 * _MEGABYTE
"""A client that sends more is cut off by rumqttd, so the bound lies above all that a printer sends."""
_INFLIGHT = 100
"""Unacknowledged messages per subscriber; rumqttd 0.20 keeps no more, whatever is asked for."""
_MOST_CONNECTIONS = 10_010
_CONNECT_PATIENCE_MS = 60_000


def _with_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _listening(host: str) -> str:
    """A name or an address of this machine. Raises ValueError otherwise."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if _HOST_NAME.fullmatch(host) is None:
            raise ValueError("must be a name or an address of this machine, e.g. 0.0.0.0 for all") from None
    return host


class EmbeddedBrokerSettings(Section):
    """The broker that `layerline up` starts where no other is configured."""

    host: Annotated[str, AfterValidator(_listening)] = Field(
        "0.0.0.0",  # noqa: S104  printers reach it over the LAN, with the password made at the first start
        min_length=1,
        description="Address to listen on; printers must reach it.",
    )
    port: int = Field(1883, ge=1, le=65_535, description="Port to listen on.")
    queue_mb: int = Field(
        64,
        ge=1,
        le=4096,
        description="Megabytes of messages that it keeps for each subscription; a subscriber that "
        "lags by more loses the oldest. It uses up to twice as much memory.",
    )

    @property
    def local_url(self) -> str:
        """The address under which this machine reaches it, as `mqtt://HOST:PORT`."""
        return f"mqtt://{_with_port(self.local_host, self.port)}"

    @property
    def local_host(self) -> str:
        """The address under which this machine reaches it."""
        return local_address(self.host)


def broker_configuration(settings: EmbeddedBrokerSettings, credentials: Credentials) -> str:
    """The rumqttd configuration for these settings: one MQTT 3.1.1 listener, one user.

    The queue is set in segments because rumqttd drops whole ones: with its own defaults
    each subscription grows to a gigabyte.
    """
    segment = max(settings.queue_mb * _MEGABYTE // _SEGMENTS, 1)
    return f"""\
id = 0

[router]
id = 0
max_connections = {_MOST_CONNECTIONS}
max_outgoing_packet_count = 200
max_segment_size = {segment}
max_segment_count = {_SEGMENTS}

[v4.1]
name = "mqtt"
listen = {_toml(_with_port(settings.host, settings.port))}
next_connection_delay_ms = 1

[v4.1.connections]
connection_timeout_ms = {_CONNECT_PATIENCE_MS}
max_payload_size = {_LARGEST_PAYLOAD}
max_inflight_count = {_INFLIGHT}
dynamic_filters = true

[v4.1.connections.auth]
{_toml(credentials.user)} = {_toml(credentials.password)}
"""


def prepare_broker(
    settings: EmbeddedBrokerSettings, folder: DataFolder, log_format: LogFormat = LogFormat.TEXT
) -> tuple[Credentials, list[str]]:
    """The broker's credentials, made at the first start, and the command that runs it."""
    credentials = folder.make_credentials()
    file = folder.write_private(CONFIGURATION_FILE, broker_configuration(settings, credentials))
    return credentials, [sys.executable, "-P", "-m", "farm.app.embedded_broker", str(file), log_format.value]


def _toml(text: str) -> str:
    """The text as a TOML string, which a JSON string is."""
    return json.dumps(text)


def run_broker(file: Path) -> None:
    """Run the broker in this process until it ends by itself, which it only does on an error.

    Raises OSError when its port is taken, and RuntimeError when it ended.
    """
    from iotcore import IotCoreBroker

    # rumqttd writes every packet that it routes at level ERROR.
    logging.getLogger("rumqttd").setLevel(logging.CRITICAL)
    logging.getLogger("tracing.span").setLevel(logging.CRITICAL)
    broker = IotCoreBroker(config_path=str(file))
    broker.check_ports()
    broker.run_forever()
    raise RuntimeError(f"it ended; can it listen on {', '.join(broker.listeners())}?")


def main() -> int:
    """Run as a child process; see the module's text."""
    set_up_logging(LogFormat(sys.argv[2]) if len(sys.argv) > 2 else LogFormat.TEXT)
    end_with_parent()
    try:
        run_broker(Path(sys.argv[1]))
    except (OSError, RuntimeError, ValueError) as error:
        raise SystemExit(f"the embedded broker cannot run: {error}") from None
    return 0


if __name__ == "__main__":
    sys.exit(main())
