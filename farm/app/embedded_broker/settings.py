"""`[embedded_broker]`: which broker `layerline up` starts, and where it listens."""

import ipaddress
import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from farm.app.listening import local_address
from farm.settings import Section

EVERY_ADDRESS = "::"
"""Every address of this machine, of IPv6 and of IPv4."""

_HOST_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")


class BrokerKind(StrEnum):
    """Which broker is started."""

    AUTO = "auto"
    MOSQUITTO = "mosquitto"
    BUILT_IN = "built_in"


def with_port(host: str, port: int) -> str:
    """`HOST:PORT`, an address of IPv6 in brackets."""
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

    kind: BrokerKind = Field(
        BrokerKind.AUTO,
        description="mosquitto: the machine's own, of version 2 or newer; built_in: the one that comes "
        "along; auto: Mosquitto where it is found and runs, else the built-in one.",
    )
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
        description="Megabytes of messages that it keeps: Mosquitto for each session, which loses the newest "
        "beyond; the built-in one for each subscription, which loses the oldest and uses up to twice as much "
        "memory.",
    )

    @property
    def local_url(self) -> str:
        """The address under which this machine reaches it, as `mqtt://HOST:PORT`."""
        return f"mqtt://{with_port(self.local_host, self.port)}"

    @property
    def local_host(self) -> str:
        """The address under which this machine reaches it."""
        return local_address(self.host)
