"""Whether something listens at an address."""

import socket
from contextlib import closing

_CONNECT_S = 2


def listens(host: str, port: int) -> bool:
    """Whether anything accepts connections there."""
    try:
        with closing(socket.create_connection((host, port), timeout=_CONNECT_S)):
            return True
    except OSError:
        return False
