"""What the page tells an empty farm: how a printer finds the broker, and who was refused there."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec
from pydantic import SecretStr

from farm.model.refused_client import RefusedClient


class BrokerAccess(msgspec.Struct, frozen=True, kw_only=True):
    """Where printers reach the broker, and under which topics each adapter looks for them.

    `names` and `prefixes` are what the configuration gives to printers that may not have come yet.

    `host` is a name or address that printers on the network can reach, None when it is
    not known. `password` is set only where it may be shown to whoever is allowed on the
    page. `topics` are pairs of adapter and topic prefix, as in the sources.
    """

    host: str | None
    port: int | None
    tls: bool = False
    username: str | None = None
    password: SecretStr | None = None
    topics: tuple[tuple[str, str], ...] = ()
    names: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()


SetupProvider: TypeAlias = Callable[[], BrokerAccess]
"""Gives the way to the broker as it is now."""

RefusalProvider: TypeAlias = Callable[[], Sequence[RefusedClient]]
"""Gives the clients that a broker of ours refused, the newest first."""
