"""How a program at a printer reaches the broker."""

from typing import NamedTuple


class BrokerAccess(NamedTuple):
    """Address, user and password."""

    host: str
    port: int
    user: str
    password: str
    protocol: str = "MQTTv311"
    """As OctoPrint's plugin calls it; unless told otherwise that speaks `MQTTv31`."""
