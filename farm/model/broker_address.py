"""Where a broker is: `mqtt://[USER:PASSWORD@]HOST[:PORT]` or `mqtts://`."""

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

_FORM = "must be mqtt://HOST[:PORT] or mqtts://HOST[:PORT]"


@dataclass(frozen=True)
class BrokerAddress:
    """Host, port, whether TLS is used, and the account if there is one.

    `ca_file` names certificates to trust instead of the system's.
    """

    host: str
    port: int
    tls: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None


def broker_address(url: str) -> BrokerAddress:
    """The address in the URL. Raises ValueError, without showing the password, when it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:  # a port beyond 65535, a bracket that is not closed
        raise ValueError(f"{_FORM}; {error}") from None
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or port == 0:
        raise ValueError(_FORM)
    tls = parts.scheme == "mqtts"
    return BrokerAddress(
        host=parts.hostname,
        port=port or (8883 if tls else 1883),
        tls=tls,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )
