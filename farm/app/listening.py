"""What listens where: under which address this machine and others reach it, and whether anything does."""

import socket
from contextlib import closing

_CONNECT_S = 2
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104  recognised, not listened on


def local_address(listening: str) -> str:
    """The address under which this machine reaches what listens on `listening`."""
    return _LOOPBACK.get(listening, listening)


def lan_address(listening: str) -> str:
    """An address of this machine under which the local network reaches what listens on `listening`."""
    if listening not in _LOOPBACK:
        return listening
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent: this only asks which way a packet to elsewhere would take.
            probe.connect(("192.0.2.1", 9))
            address: str = probe.getsockname()[0]
        except OSError:
            return socket.gethostname()
    return address


def local_url(listening: str, port: int) -> str:
    """Where a page is that is served on `listening`, as to be typed into a browser on this machine."""
    host = local_address(listening)
    bracketed = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"http://{bracketed}:{port}"


def listens(host: str, port: int) -> bool:
    """Whether anything accepts connections there."""
    try:
        with closing(socket.create_connection((host, port), timeout=_CONNECT_S)):
            return True
    except OSError:
        return False
