"""Where the broker of a simulation is: `mqtt://[USER:PASSWORD@]HOST[:PORT]` or `mqtts://`."""

from urllib.parse import unquote, urlsplit

import msgspec

from farm.errors import ConfigurationError


class BrokerAddress(msgspec.Struct, frozen=True):
    """Host, port, whether TLS is used, and the account if there is one."""

    host: str
    port: int
    tls: bool = False
    username: str | None = None
    password: str | None = None


def parse_broker_url(url: str) -> BrokerAddress:
    """The address in the URL. Raises ConfigurationError, without showing the password, when it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigurationError("--broker: must be mqtt://HOST[:PORT] or mqtts://HOST[:PORT]") from error
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise ConfigurationError("--broker: must be mqtt://HOST[:PORT] or mqtts://HOST[:PORT]")
    tls = parts.scheme == "mqtts"
    return BrokerAddress(
        host=parts.hostname,
        port=port or (8883 if tls else 1883),
        tls=tls,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )
