"""How a program at a printer reaches the broker."""

from typing import NamedTuple


class BrokerAccess(NamedTuple):
    """Address, user and password."""

    host: str
    port: int
    user: str
    password: str
